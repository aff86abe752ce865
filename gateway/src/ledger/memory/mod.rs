//! What the signer remembers, outside the database.
//!
//! For each log the last head that was signed, or was about to be: it is remembered durably before a
//! signature leaves, so a database that is older than what was signed (a backup, a clone) is found
//! out. A head is taken only in place of the one that it was proven to extend (compare-and-swap): two
//! databases that grow apart can't take turns.
//! One process keeps it in a file ([`file`]); replicas share it in a Redis ([`redis`]).
//!
//! A memory that knows less of a log than its stored checkpoints say was lost. It is not trusted, and
//! neither is the database then: the log is stopped until an operator has looked
//! (`veritrail signer adopt`).

pub mod file;
pub mod redis;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use veritrail_audit::Hash;

use self::{file::FileMemory, redis::RedisMemory};

/// How long a memory that failed is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// A head that was signed, or is about to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedHead {
    /// How many entries.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

impl SignedHead {
    /// Whether this is `last`, or further on.
    fn follows(self, last: Option<Self>) -> bool {
        last.is_none_or(|last| self.size > last.size || self == last)
    }
}

/// A head to be remembered.
#[derive(Clone, Debug)]
pub struct Step {
    /// The log.
    pub origin: String,
    /// What was remembered when the head was proven to extend it.
    pub from: Option<SignedHead>,
    /// The head.
    pub to: SignedHead,
}

impl Step {
    /// Whether a memory that holds `last` takes this.
    fn fits(&self, last: Option<SignedHead>) -> bool {
        last == self.from && self.to.follows(last)
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
    /// It did not answer a moment ago; it is not asked again so soon.
    #[error("the signer's memory is away")]
    Away,
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
    /// When it last failed: whoever needs it then waits for its answer once, not each in turn.
    failed: Mutex<Option<Instant>>,
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
        Self { kept: Kept::File(Arc::new(file)), seen: Mutex::default(), failed: Mutex::default() }
    }
}

impl From<RedisMemory> for Memory {
    fn from(redis: RedisMemory) -> Self {
        Self { kept: Kept::Redis(redis), seen: Mutex::default(), failed: Mutex::default() }
    }
}

impl Memory {
    /// What was last signed for a log.
    ///
    /// # Errors
    /// When it can't be asked.
    pub async fn last(&self, origin: &str) -> Result<Recollection, MemoryError> {
        // Taken before it is asked: what is remembered meanwhile is not what it should have answered.
        let before = self.seen().get(origin).copied();
        let last = match &self.kept {
            Kept::File(file) => file.last(origin),
            Kept::Redis(redis) => self.asked(redis.last(origin)).await?,
        };
        Ok(match (before, last) {
            (None, None) => Recollection::None,
            (Some(before), None) => Recollection::WentBack(before),
            (Some(before), Some(last)) if !last.follows(Some(before)) => Recollection::WentBack(before),
            (_, Some(last)) => {
                self.see(origin, last);
                Recollection::Signed(last)
            }
        })
    }

    /// Remembers heads, durably, before they are signed; for each, what the memory holds then. A head may
    /// be signed only if that is itself.
    ///
    /// # Errors
    /// When the memory fails; then none of them may be signed.
    pub async fn remember(&self, steps: Vec<Step>) -> Result<Vec<Option<SignedHead>>, MemoryError> {
        let origins: Vec<String> = steps.iter().map(|step| step.origin.clone()).collect();
        let held = match &self.kept {
            Kept::File(file) => {
                let file = Arc::clone(file);
                let kept = tokio::task::spawn_blocking(move || file.remember(&steps)).await;
                kept.map_err(|error| MemoryError::Forgetful(error.to_string()))??
            }
            Kept::Redis(redis) => self.asked(redis.remember(&steps)).await?,
        };
        for (origin, head) in origins.iter().zip(&held) {
            head.iter().for_each(|head| self.see(origin, *head));
        }
        Ok(held)
    }

    /// Asks, unless it failed a moment ago.
    async fn asked<T>(&self, answer: impl Future<Output = Result<T, MemoryError>>) -> Result<T, MemoryError> {
        let failed = *self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.is_some_and(|at| at.elapsed() < PAUSE) {
            return Err(MemoryError::Away);
        }
        let answer = answer.await;
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = answer.is_err().then(Instant::now);
        answer
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, HashMap<String, SignedHead>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn see(&self, origin: &str, head: SignedHead) {
        let mut seen = self.seen();
        if head.follows(seen.get(origin).copied()) {
            seen.insert(origin.to_owned(), head);
        }
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
