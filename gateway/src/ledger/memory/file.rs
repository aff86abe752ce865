//! The memory of one process: a journal of signed heads, one a line: `origin size root`.
//!
//! A line is synced before its head is signed. A torn last line was never answered for, and is
//! dropped. One process holds the file's lock.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use super::{MemoryError, SignedHead, Step, from_text, to_text};

/// The journal is rewritten when it has this many lines for each log.
const COMPACT_FACTOR: usize = 1000;

/// A journal file.
#[derive(Debug)]
pub struct FileMemory {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    heads: HashMap<String, SignedHead>,
    lines: usize,
    /// How much of the file is whole lines that were synced.
    bytes: u64,
}

impl State {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.file.sync_data()?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

impl FileMemory {
    /// Opens or creates the journal and takes its lock.
    ///
    /// # Errors
    /// When another process holds it, it is damaged, or the disk fails.
    pub fn open(path: &Path) -> Result<Self, MemoryError> {
        let io = |source| MemoryError::Io { path: path.to_owned(), source };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(MemoryError::Locked(path.to_owned())),
            Err(TryLockError::Error(e)) => return Err(io(e)),
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(io)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut heads = HashMap::new();
        for (line, head) in text[..whole].lines().enumerate() {
            let (origin, head) =
                parse(head).ok_or_else(|| MemoryError::Damaged { path: path.to_owned(), line: line + 1 })?;
            heads.insert(origin, head);
        }
        file.set_len(whole as u64).map_err(io)?;
        file.seek(SeekFrom::End(0)).map_err(io)?;
        let lines = text[..whole].lines().count();
        Ok(Self {
            path: path.to_owned(),
            state: Mutex::new(State { file, heads, lines, bytes: whole as u64 }),
        })
    }

    /// What was last signed for a log.
    pub fn last(&self, origin: &str) -> Option<SignedHead> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.heads.get(origin).copied()
    }

    /// Remembers heads in place of those that they extend; for each, what is remembered then.
    ///
    /// # Errors
    /// When the disk fails; then none of them may be signed.
    pub fn remember(&self, steps: &[Step]) -> Result<Vec<Option<SignedHead>>, MemoryError> {
        let io = |source| MemoryError::Io { path: self.path.clone(), source };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |step: &&Step| step.fits(state.heads.get(&step.origin).copied());
        let new: Vec<_> = steps.iter().filter(fits).map(|step| (step.origin.clone(), step.to)).collect();
        let text: String = new.iter().map(line).collect();
        if let Err(error) = state.append(text.as_bytes()) {
            // Half a line must not stand before the next whole one.
            let good = state.bytes;
            state.file.set_len(good).and_then(|()| state.file.seek(SeekFrom::Start(good))).map_err(io)?;
            return Err(io(error));
        }
        state.lines += new.len();
        state.heads.extend(new);
        if state.lines > COMPACT_FACTOR * state.heads.len().max(10) {
            self.compact(&mut state).map_err(io)?;
        }
        Ok(steps.iter().map(|step| state.heads.get(&step.origin).copied()).collect())
    }

    /// Writes a new journal with one line a log beside the old one, and moves it into place.
    fn compact(&self, state: &mut State) -> io::Result<()> {
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&beside)?;
        file.lock()?;
        let text: String = state.heads.iter().map(|(origin, head)| line(&(origin.clone(), *head))).collect();
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, &self.path)?;
        state.file = file;
        state.lines = state.heads.len();
        state.bytes = text.len() as u64;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(())
    }
}

fn line((origin, head): &(String, SignedHead)) -> String {
    format!("{origin} {}\n", to_text(*head))
}

fn parse(line: &str) -> Option<(String, SignedHead)> {
    let (origin, head) = line.split_once(' ')?;
    Some((origin.to_owned(), from_text(head)?))
}

#[cfg(test)]
mod tests {
    use veritrail_audit::Hash;

    use super::*;

    fn head(size: u64) -> SignedHead {
        SignedHead { size, root: Hash([u8::try_from(size % 256).unwrap(); 32]) }
    }

    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("veritrail-memory-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        folder.join("signed-heads")
    }

    #[test]
    fn remembers_across_restarts_and_compaction() {
        let path = scratch("restart");
        let memory = FileMemory::open(&path).unwrap();
        for size in 1..=25_000 {
            let from = (size > 1000).then(|| head(size - 1000));
            let step = Step { origin: "log/a".to_owned(), from, to: head(size) };
            // Syncing each of them would take minutes; one in a thousand shows the same.
            if size % 1000 == 0 {
                memory.remember(&[step]).unwrap();
            } else {
                memory.state.lock().unwrap().lines += 1;
            }
        }
        assert!(memory.state.lock().unwrap().lines < 25_000, "it was compacted");
        drop(memory);
        assert_eq!(FileMemory::open(&path).unwrap().last("log/a"), Some(head(25_000)));
    }

    #[test]
    fn a_torn_last_line_is_dropped_and_a_damaged_one_is_refused() {
        let path = scratch("torn");
        let good = line(&("log/a".to_owned(), head(7)));
        std::fs::write(&path, format!("{good}log/a 8 00")).unwrap();
        assert_eq!(FileMemory::open(&path).unwrap().last("log/a"), Some(head(7)));
        std::fs::write(&path, format!("{good}nonsense\n{good}")).unwrap();
        assert!(matches!(FileMemory::open(&path), Err(MemoryError::Damaged { line: 2, .. })));
    }

    #[test]
    fn a_head_is_taken_only_in_place_of_the_one_that_it_extends() {
        let memory = FileMemory::open(&scratch("forward")).unwrap();
        let remember =
            |from, to| memory.remember(&[Step { origin: "log/a".to_owned(), from, to }]).unwrap()[0].unwrap();
        assert_eq!(remember(None, head(7)), head(7));
        assert_eq!(remember(Some(head(7)), head(7)), head(7));
        assert_eq!(remember(Some(head(7)), head(6)), head(7));
        assert_eq!(remember(Some(head(6)), head(8)), head(7), "it was proven to extend another");
        assert_eq!(remember(None, head(8)), head(7));
        assert_eq!(remember(Some(head(7)), head(8)), head(8));
    }

    #[test]
    fn two_processes_cannot_hold_it() {
        let path = scratch("lock");
        let _first = FileMemory::open(&path).unwrap();
        assert!(matches!(FileMemory::open(&path), Err(MemoryError::Locked(_))));
    }
}
