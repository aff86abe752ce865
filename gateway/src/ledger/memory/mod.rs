//! What the signer remembers, outside the database.
//!
//! For each log the last head that was signed, or was about to be: it is remembered durably before a
//! signature leaves, so a database that is older than what was signed (a backup, a clone) is found
//! out. The memory only goes forward: a smaller head, or another root at the same size, is not taken.
//! One process keeps it in a file ([`file`]); replicas share it in a Redis ([`redis`]).
//!
//! A memory that knows nothing of a log that has signed checkpoints was lost. It is not trusted, and
//! neither is the database then: the log is stopped until an operator has looked
//! (`veritrail signer adopt`).

pub mod file;
pub mod redis;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use veritrail_audit::Hash;

use self::{file::FileMemory, redis::RedisMemory};

/// A head that was signed, or is about to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedHead {
    /// How many entries.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

impl SignedHead {
    /// Whether a memory that holds `last` may take this.
    fn follows(self, last: Option<Self>) -> bool {
        last.is_none_or(|last| self.size > last.size || self == last)
    }
}

/// Why the memory could not be used.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// Another process holds it.
    #[error("{0} is in use by another process")]
    Locked(PathBuf),
    /// A line in the middle of the file makes no sense: somebody edited it.
    #[error("{path} is damaged at line {line}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    /// The disk failed.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Redis can't be asked.
    #[error("the signer's Redis: {0}")]
    Redis(#[from] ::redis::RedisError),
    /// Redis would forget.
    #[error("the signer's Redis would lose what it is told: {0}")]
    Forgetful(String),
    /// What Redis holds makes no sense.
    #[error("the signer's Redis holds no signed head for {0}")]
    Malformed(String),
}

#[derive(Debug)]
enum Kept {
    File(Arc<FileMemory>),
    Redis(RedisMemory),
}

/// The signer's memory.
#[derive(Debug)]
pub struct Memory {
    kept: Kept,
    /// What this process itself has seen: a memory that goes back behind it was tampered with.
    seen: Mutex<HashMap<String, SignedHead>>,
}

/// What a memory has of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recollection {
    /// Nothing.
    None,
    /// The last head that was signed.
    Signed(SignedHead),
    /// Less than this process saw before.
    WentBack(SignedHead),
}

impl From<FileMemory> for Memory {
    fn from(file: FileMemory) -> Self {
        Self { kept: Kept::File(Arc::new(file)), seen: Mutex::default() }
    }
}

impl From<RedisMemory> for Memory {
    fn from(redis: RedisMemory) -> Self {
        Self { kept: Kept::Redis(redis), seen: Mutex::default() }
    }
}

impl Memory {
    /// What was last signed for a log.
    ///
    /// # Errors
    /// When it can't be asked.
    pub async fn last(&self, origin: &str) -> Result<Recollection, MemoryError> {
        let last = match &self.kept {
            Kept::File(file) => file.last(origin),
            Kept::Redis(redis) => redis.last(origin).await?,
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let before = seen.get(origin).copied();
        Ok(match (before, last) {
            (None, None) => Recollection::None,
            (Some(before), None) => Recollection::WentBack(before),
            (Some(before), Some(last)) if !last.follows(Some(before)) => Recollection::WentBack(before),
            (_, Some(last)) => {
                seen.insert(origin.to_owned(), last);
                Recollection::Signed(last)
            }
        })
    }

    /// Remembers heads, durably, before they are signed; for each, what the memory holds now. A head
    /// may be signed only if that is itself.
    ///
    /// # Errors
    /// When the memory fails; then none of them may be signed.
    pub async fn remember(
        &self,
        heads: Vec<(String, SignedHead)>,
    ) -> Result<Vec<(String, SignedHead)>, MemoryError> {
        let held = match &self.kept {
            Kept::File(file) => {
                let file = Arc::clone(file);
                let kept = tokio::task::spawn_blocking(move || file.remember(&heads)).await;
                kept.map_err(|error| MemoryError::Forgetful(error.to_string()))??
            }
            Kept::Redis(redis) => redis.remember(&heads).await?,
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (origin, head) in &held {
            if head.follows(seen.get(origin).copied()) {
                seen.insert(origin.clone(), *head);
            }
        }
        Ok(held)
    }
}

/// A head as text: `size root`.
fn to_text(head: SignedHead) -> String {
    format!("{} {}", head.size, head.root)
}

fn from_text(text: &str) -> Option<SignedHead> {
    let (size, root) = text.split_once(' ')?;
    Some(SignedHead { size: size.parse().ok()?, root: root.parse().ok()? })
}
