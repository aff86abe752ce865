//! The folder of files: `<institution>/<export>/<n>.<extension>`. What is in it can be written again, so
//! losing it loses time, and nothing is synced.

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use super::order::Form;
use crate::domain::{ExportId, InstitutionId, Tenant};

/// Where a format keeps rows on the way, and files without a name begin.
const SCRATCH: &str = "scratch";

/// The folder.
#[derive(Clone, Debug)]
pub(super) struct Stock(PathBuf);

impl Stock {
    /// Takes a folder; what a stopped process left on its way there goes.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        let stock = Self(folder);
        match std::fs::remove_dir_all(stock.scratch()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        std::fs::create_dir_all(stock.scratch())?;
        Ok(stock)
    }

    pub fn scratch(&self) -> PathBuf {
        self.0.join(SCRATCH)
    }

    fn folder(&self, tenant: Tenant, id: ExportId) -> PathBuf {
        self.0.join(tenant.id().to_string()).join(id.to_string())
    }

    /// A part's name.
    pub fn part(&self, tenant: Tenant, id: ExportId, n: i64, form: Form) -> PathBuf {
        self.folder(tenant, id).join(format!("{n}.{}", form.extension()))
    }

    /// A new file on its way, under a name that nobody else has.
    pub fn begin(&self, name: &str) -> io::Result<(File, PathBuf)> {
        let path = self.scratch().join(name);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
        Ok((file, path))
    }

    /// Gives a whole file its name.
    pub fn put(&self, from: &Path, to: &Path) -> io::Result<()> {
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::rename(from, to)
    }

    /// Takes an export's files away.
    pub fn remove(&self, tenant: Tenant, id: ExportId) -> io::Result<()> {
        match std::fs::remove_dir_all(self.folder(tenant, id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The exports that have files here.
    pub fn list(&self) -> io::Result<Vec<(InstitutionId, ExportId)>> {
        let mut found = Vec::new();
        for institution in folders(&self.0)? {
            let Some(id) = named::<InstitutionId>(&institution) else { continue };
            found.extend(folders(&institution)?.iter().filter_map(|path| Some((id, named(path)?))));
        }
        Ok(found)
    }
}

fn folders(of: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(of)?.collect::<io::Result<Vec<_>>>()?;
    Ok(entries.into_iter().map(|entry| entry.path()).filter(|path| path.is_dir()).collect())
}

fn named<T: std::str::FromStr>(path: &Path) -> Option<T> {
    path.file_name()?.to_str()?.parse().ok()
}
