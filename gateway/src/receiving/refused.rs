//! The numbers of a file's refused records, kept beside it for when storing is resumed: 8 bytes each, in order.

use std::{
    fs::File,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use super::Trouble;

/// How its name ends.
pub(super) const ENDING: &str = ".refused";

/// Where they are kept for the file at a path.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ENDING);
    name.into()
}

/// Keeps them; they are on disk then.
pub(super) async fn write(path: &Path, refused: &[u64]) -> Result<(), Trouble> {
    let path = beside(path);
    let bytes: Vec<u8> = refused.iter().flat_map(|number| number.to_le_bytes()).collect();
    let written = tokio::task::spawn_blocking(move || {
        let mut file = File::create(&path)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    });
    Ok(written.await??)
}

/// Those that were kept.
pub(super) async fn read(path: &Path) -> Result<Vec<u64>, Trouble> {
    let damaged = || Trouble::Damaged("what was refused of a file is not known any more".to_owned());
    let bytes = match tokio::fs::read(beside(path)).await {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(damaged()),
        bytes => bytes?,
    };
    let (numbers, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(damaged());
    }
    Ok(numbers.iter().map(|number| u64::from_le_bytes(*number)).collect())
}
