//! A file's records, a portion at a time, read where blocking does no harm.

use std::{fs::File, io::BufReader, path::PathBuf};

use sha2::{Digest as _, Sha256};

use super::Trouble;
use crate::{
    domain::{Finding, Text},
    intake::{self, Format, Mapping, Pulled, Records},
};

/// Records, findings and statements that are held at once.
pub(super) const PORTION: usize = 1_000;

/// What a file is.
#[derive(Clone, Debug)]
pub(super) struct Described {
    pub(super) path: PathBuf,
    pub(super) format: Format,
    pub(super) mapping: Option<Mapping>,
}

/// A file that is being read.
pub(super) struct Portions {
    records: Records<BufReader<File>>,
}

impl Portions {
    /// Opens a file; a header that can't be taken is no trouble, but a finding.
    pub(super) async fn open(described: Described) -> Result<Result<Self, Vec<Finding>>, Trouble> {
        let opened = tokio::task::spawn_blocking(move || {
            let input = BufReader::with_capacity(64 << 10, File::open(&described.path)?);
            Ok::<_, std::io::Error>(intake::open(described.format, described.mapping, input))
        });
        Ok(match opened.await?? {
            Ok(records) => Ok(Self { records }),
            Err(findings) => Err(findings.kept().to_vec()),
        })
    }

    /// The next portion; empty at the end.
    pub(super) async fn next(self) -> Result<(Self, Vec<Pulled>), Trouble> {
        let Self { mut records } = self;
        let read = tokio::task::spawn_blocking(move || {
            let mut portion = Vec::with_capacity(PORTION);
            while portion.len() < PORTION {
                let Some(pulled) = records.pull() else { break };
                portion.push(pulled);
            }
            (records, portion)
        });
        let (records, portion) = read.await?;
        Ok((Self { records }, portion))
    }
}

/// A file's SHA-256.
pub(super) async fn sha256(path: PathBuf) -> Result<[u8; 32], Trouble> {
    let hashed = tokio::task::spawn_blocking(move || {
        use std::io::Read as _;
        let mut file = File::open(path)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok::<[u8; 32], std::io::Error>(hasher.finalize().into()),
                read => hasher.update(&buffer[..read]),
            }
        }
    });
    Ok(hashed.await??)
}

/// A hash as records name it.
pub(super) fn hex(sha256: [u8; 32]) -> Text<64> {
    Text::new(veritrail_audit::Hash(sha256).to_string()).expect("64 digits are a text")
}
