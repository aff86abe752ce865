//! From the store into a file: one task reads the next chunk while a thread writes the last one.
//!
//! Two chunks wait at most, so memory stays flat. A file is finished only when its source said that it
//! ended: where reading fails or is given up, the thread ends without.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::{
    order::{Form, Of},
    source::{Item, Source},
    write::RecordWriter,
};
use crate::store::StoreError;

/// Chunks that wait to be written.
const WAITING: usize = 2;

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PipeError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The disk failed, or a record is damaged.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A file that is to be written.
pub struct Target {
    /// What its records are.
    pub of: Of,
    /// Its form.
    pub form: Form,
    /// Empty, and open for reading too.
    pub file: File,
    /// A folder for what a format needs on the way.
    pub scratch: PathBuf,
}

/// A file that is whole.
#[derive(Debug)]
pub struct Written {
    /// Itself, at its beginning.
    pub file: File,
    /// Its size.
    pub bytes: u64,
    /// Its hash.
    pub sha256: [u8; 32],
    /// How many rows it has.
    pub rows: i64,
    /// The last record's seq, if there is any.
    pub last_seq: Option<i64>,
    /// Whether it ended because it has all the rows that it may have.
    pub is_full: bool,
}

enum Piece {
    Items(Vec<Item>),
    End,
}

/// Writes what a source has into a file, until that has `rows_max` rows; says now and then how many.
///
/// # Errors
/// When the database or the disk fails.
pub async fn write(
    mut source: Source,
    target: Target,
    rows_max: i64,
    mut progress: impl FnMut(i64),
) -> Result<Written, PipeError> {
    let (pieces, waiting) = mpsc::channel(WAITING);
    let writing = tokio::task::spawn_blocking(move || write_all(target, waiting));
    let (mut rows, mut last_seq) = (0, None);
    while rows < rows_max {
        let items = source.next(rows_max - rows).await?;
        let Some(last) = items.last() else { break };
        last_seq = Some(last.seq);
        rows += items.iter().map(|item| item.rows).sum::<i64>();
        if pieces.send(Piece::Items(items)).await.is_err() {
            break;
        }
        progress(rows);
    }
    // Where the thread ended early, it says why.
    let _ = pieces.send(Piece::End).await;
    let (file, bytes, sha256) = writing.await.map_err(io::Error::other)??;
    Ok(Written { file, bytes, sha256, rows, last_seq, is_full: rows >= rows_max })
}

fn write_all(target: Target, mut waiting: mpsc::Receiver<Piece>) -> io::Result<(File, u64, [u8; 32])> {
    let Target { of, form, file, scratch } = target;
    let mut writer = RecordWriter::begin(of, form, file, &scratch)?;
    loop {
        match waiting.blocking_recv() {
            Some(Piece::Items(items)) => {
                for item in items {
                    writer.record(item.seq, &item.record)?;
                }
            }
            Some(Piece::End) => break,
            None => return Err(io::Error::other("given up")),
        }
    }
    let mut file = writer.finish()?;
    file.rewind()?;
    let (bytes, sha256) = digest(&mut file)?;
    file.rewind()?;
    Ok((file, bytes, sha256))
}

/// A file's size and hash, from where it stands.
fn digest(file: &mut File) -> io::Result<(u64, [u8; 32])> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((bytes, hasher.finalize().into())),
            read => {
                hasher.update(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
}

/// The size and hash of the file of a name; none where there is none.
///
/// # Errors
/// When it can't be read.
pub fn digest_of(path: &Path) -> io::Result<Option<(u64, [u8; 32])>> {
    match File::open(path) {
        Ok(mut file) => digest(&mut file).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
