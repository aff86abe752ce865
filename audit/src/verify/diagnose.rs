//! Reads entries one by one to say which is the first bad one and what is wrong with it.
//!
//! Who is to blame for a broken link, where entry i+1 doesn't name the hash of entry i? If i+1 was altered,
//! then its own hash differs too, and its successor doesn't name it. If i was, then i+1 is as it was, and
//! what follows it fits. For the last entry, which has no successor, the signed root decides: it is put
//! together with the hash that i+1 names in the place of entry i's.

use std::io::{self, Read, Seek};

use super::blocks::Cursor;
use super::work::{Facts, Link};
use crate::entry::{Entry, EntryError, Kind, MAX_ENTRY_BYTES, genesis_prev};
use crate::fault::Fault;
use crate::hash::{Hash, leaf_hash};
use crate::merkle::Frontier;
use crate::time;
use crate::zip::Member;

/// A place between two entries, and all that is known there.
#[derive(Debug, Clone)]
pub(super) struct Resume {
    /// Bytes of entries.ndjson before it.
    pub(super) offset: u64,
    /// The seq that comes next.
    pub(super) expected: u64,
    /// The entry before, if it is in the range.
    pub(super) before: Option<Link>,
    /// The tree of all entries before.
    pub(super) frontier: Frontier,
}

/// The lines of entries.ndjson from some offset on, one ahead.
struct Lines<'a, R> {
    file: &'a mut R,
    cursor: Cursor,
    block: Vec<u8>,
    at: usize,
}

impl<R: Read + Seek> Lines<'_, R> {
    /// The next line without its end; None at the member's end.
    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        if self.at >= self.block.len() {
            match self.cursor.next(self.file)? {
                Some(block) => (self.block, self.at) = (block, 0),
                None => return Ok(None),
            }
        }
        let rest = &self.block[self.at..];
        let line = match rest.iter().position(|&byte| byte == b'\n') {
            Some(length) => {
                self.at += length + 1;
                &rest[..length]
            }
            // The end is missing: hand the line out with a byte too many, so that it can't pass.
            None => {
                self.at = self.block.len();
                return Ok(Some([rest, b"\0"].concat()));
            }
        };
        Ok(Some(line.to_vec()))
    }
}

/// The root at the checkpoint, if the tree so far is `frontier`; asked only where the range ends.
pub(super) type RootCheck<'a> = &'a dyn Fn(&Frontier) -> bool;

/// The first fault from `resume` on; None if every entry to the range's end is sound in itself.
pub(super) fn diagnose<R: Read + Seek>(
    file: &mut R,
    member: Member,
    facts: &Facts<'_>,
    mut resume: Resume,
    root_holds: RootCheck<'_>,
) -> io::Result<Option<Fault>> {
    let cursor = Cursor::new(member, resume.offset, MAX_ENTRY_BYTES);
    let mut lines = Lines { file, cursor, block: Vec::new(), at: 0 };
    let mut next = lines.next()?;
    // The tree before the last entry, for the blame of a broken link at the very end.
    let mut shorter = resume.frontier.clone();
    while let Some(line) = next {
        next = lines.next()?;
        let link = match check_line(&line, next.as_deref(), facts, &resume) {
            Ok(link) => link,
            Err(fault) => return Ok(Some(fault)),
        };
        if let Some(before) = resume.before {
            if before.leaf != link.prev {
                return Ok(Some(blame(&link, next.as_deref(), shorter, root_holds)));
            }
            if link.at_us < before.at_us {
                let (at, before) = (time::text(link.at_us), time::text(before.at_us));
                return Ok(Some(Fault::TimeBack { seq: link.seq, at, before }));
            }
        }
        shorter = resume.frontier.clone();
        resume.frontier.push(link.leaf);
        resume.expected += 1;
        resume.before = Some(link);
    }
    let (seq, to) = (resume.expected, facts.to);
    Ok((seq < to).then_some(Fault::Truncated { seq, to }))
}

/// Checks all of an entry but its link to the one before.
fn check_line(line: &[u8], next: Option<&[u8]>, facts: &Facts<'_>, resume: &Resume) -> Result<Link, Fault> {
    let expected = resume.expected;
    if expected >= facts.to {
        return Err(Fault::Added { seq: expected });
    }
    let entry = Entry::parse(line).map_err(|error| match error {
        EntryError::NotCanonical { offset, expected: what } => {
            Fault::NotCanonical { seq: expected, offset, expected: what }
        }
        EntryError::Field { field, .. } => Fault::NotCanonical { seq: expected, offset: 0, expected: field },
    })?;
    if entry.log != facts.origin {
        return Err(Fault::WrongLog { seq: expected, found: entry.log.to_owned() });
    }
    if entry.seq != expected {
        return Err(misplaced(expected, entry.seq, next));
    }
    if expected == 0 && entry.prev != genesis_prev(facts.origin) {
        return Err(Fault::Genesis { why: "its prev is not the hash of the log's origin" });
    }
    if expected == 0 && entry.kind != Kind::Key {
        return Err(Fault::Genesis { why: "it is not of kind key" });
    }
    let Entry { seq, at_us, prev, kind, .. } = entry;
    Ok(Link { seq, at_us, prev, leaf: leaf_hash(line), kind })
}

fn misplaced(expected: u64, found: u64, next: Option<&[u8]>) -> Fault {
    let next = next.and_then(|line| Entry::parse(line).ok()).map(|entry| entry.seq);
    if found == expected + 1 && next == Some(expected) {
        Fault::Swapped { seq: expected }
    } else if found > expected {
        Fault::Missing { seq: expected, found }
    } else {
        Fault::Inserted { seq: expected, found }
    }
}

/// Who is to blame for `link` not naming the hash of the entry before it.
fn blame(link: &Link, next: Option<&[u8]>, mut shorter: Frontier, root_holds: RootCheck<'_>) -> Fault {
    let sound = match next.and_then(|line| Entry::parse(line).ok()) {
        Some(successor) => successor.prev == link.leaf,
        None if next.is_some() => true,
        None => {
            let named: Hash = link.prev;
            shorter.push(named);
            shorter.push(link.leaf);
            root_holds(&shorter)
        }
    };
    if sound { Fault::Altered { seq: link.seq - 1 } } else { Fault::BrokenLink { seq: link.seq } }
}
