//! What can be wrong with a bundle, each with a message that reads alone.

use crate::merkle::ProofError;
use crate::note::NoteError;
use crate::report_fault::ReportFault;

/// The first thing that is wrong with a bundle. Every seq is the log's own count, from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The file is no bundle's zip, or some byte of its headers is not what it must be.
    #[error("the file is not a bundle as the format has it: its headers differ at byte {offset}")]
    Container {
        /// The first byte that differs.
        offset: u64,
    },
    /// A member's bytes don't have the CRC-32 that its header states.
    #[error("{file} was altered: its CRC-32 does not match")]
    Crc {
        /// The member.
        file: &'static str,
    },
    /// A member's content is malformed or doesn't fit the others.
    #[error("{file}: {why}")]
    File {
        /// The member.
        file: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// An entry's bytes leave the one canonical spelling.
    #[error("entry {seq} is not canonical: at its byte {offset}, expected {expected}")]
    NotCanonical {
        /// The seq that this entry should have.
        seq: u64,
        /// The first wrong byte, from the entry's start.
        offset: usize,
        /// What had to stand there.
        expected: &'static str,
    },
    /// An entry belongs to another log.
    #[error("entry {seq} belongs to another log, {found}")]
    WrongLog {
        /// Its place in this log.
        seq: u64,
        /// The log that it names.
        found: String,
    },
    /// Entries are missing.
    #[error("entry {seq} is missing: entry {found} stands in its place")]
    Missing {
        /// The first missing one.
        seq: u64,
        /// The one found instead.
        found: u64,
    },
    /// An entry stands where a later one belongs.
    #[error("entry {seq} is not in its place: entry {found} was put there")]
    Inserted {
        /// The place.
        seq: u64,
        /// The one found there.
        found: u64,
    },
    /// Two neighbours were exchanged.
    #[error("entries {seq} and {} are swapped", seq + 1)]
    Swapped {
        /// The lower of the two.
        seq: u64,
    },
    /// The entries end before the range does.
    #[error("the entries end before entry {seq}: the range goes on to entry {}", to - 1)]
    Truncated {
        /// The first missing one.
        seq: u64,
        /// The end of the range, exclusive.
        to: u64,
    },
    /// There are entries after the range's end.
    #[error("entry {seq} was added: the range ends before it")]
    Added {
        /// The first added one.
        seq: u64,
    },
    /// An entry's hash is not the one that its successor names, and the successor is sound.
    #[error("entry {seq} was altered: its hash is not the one that entry {} names", seq + 1)]
    Altered {
        /// The altered one.
        seq: u64,
    },
    /// An entry doesn't name its predecessor's hash, and what follows shows that it is itself unsound.
    #[error(
        "entry {seq} was altered: it does not name the hash of the entry before it, and its own hash is wrong too"
    )]
    BrokenLink {
        /// The altered one.
        seq: u64,
    },
    /// The log's first entry doesn't begin the chain of this log.
    #[error("entry 0 does not begin this log: {why}")]
    Genesis {
        /// What is wrong with it.
        why: &'static str,
    },
    /// An entry is older than the one before it.
    #[error("entry {seq} goes back in time: {at} after {before}")]
    TimeBack {
        /// The entry.
        seq: u64,
        /// Its time.
        at: String,
        /// The time before it.
        before: String,
    },
    /// A line of payloads.ndjson is malformed.
    #[error("payloads.ndjson: line {line} is malformed")]
    PayloadLine {
        /// The line, from 1.
        line: u64,
    },
    /// A payload is out of order or stands twice.
    #[error("the payload of entry {seq} is out of order")]
    PayloadOrder {
        /// The entry.
        seq: u64,
    },
    /// A payload belongs to no entry of the range.
    #[error("there is a payload of entry {seq}, which is not in the range")]
    PayloadOutside {
        /// The entry.
        seq: u64,
    },
    /// A payload or its salt is not what the entry committed to.
    #[error("the payload of entry {seq} was altered: it, or its salt, is not what the entry committed to")]
    Payload {
        /// The entry.
        seq: u64,
    },
    /// The first entry's payload names another log or a key that the bundle doesn't list.
    #[error("the payload of entry 0 does not name this log and one of its keys")]
    FirstKey,
    /// The entries fit each other but are not those that the checkpoint covers: some entry in the span, and
    /// everything after it, was rewritten.
    #[error(
        "entries were rewritten from some entry between {from} and {} on: the chain is whole, but the root at {size} is not the signed one",
        to - 1
    )]
    Rewritten {
        /// Entries below this one are as signed.
        from: u64,
        /// The rewriting began before this one.
        to: u64,
        /// The size of the checkpoint that shows it.
        size: u64,
    },
    /// The entries have the root that an earlier checkpoint signed for them, but don't join the checkpoint.
    #[error(
        "the entries are as signed at {to}, but the hashes in proof.json do not lead from there to the checkpoint at {size}"
    )]
    Join {
        /// The end of the range.
        to: u64,
        /// The checkpoint's size.
        size: u64,
    },
    /// Two signed checkpoints contradict each other.
    #[error("the log forked: it signed two different histories of its first {size} entries")]
    Fork {
        /// The size at which they differ.
        size: u64,
    },
    /// The checkpoint is older than the range.
    #[error("the checkpoint is too old: it covers {size} entries, the range goes on to entry {}", to - 1)]
    OldCheckpoint {
        /// Its size.
        size: u64,
        /// The end of the range, exclusive.
        to: u64,
    },
    /// A checkpoint's note is malformed or its signature is bad.
    #[error("the checkpoint {what}: {why}")]
    Checkpoint {
        /// Which checkpoint.
        what: String,
        /// What is wrong with it.
        why: NoteError,
    },
    /// None of the keys given from outside signed the checkpoint.
    #[error("the checkpoint is not signed by the key you gave ({})", keys.join(", "))]
    NotSigned {
        /// The names of the keys given.
        keys: Vec<String>,
    },
    /// An entry's audit path doesn't hold.
    #[error("entry {seq} is not in the log that the checkpoint signs: {why}")]
    NotIncluded {
        /// The entry.
        seq: u64,
        /// What is wrong with the path.
        why: ProofError,
    },
    /// Something that only a report bundle can have wrong.
    #[error(transparent)]
    Report(#[from] ReportFault),
}

impl Fault {
    /// The entry that is to blame, if it is a single one.
    pub fn seq(&self) -> Option<u64> {
        match *self {
            Self::NotCanonical { seq, .. }
            | Self::WrongLog { seq, .. }
            | Self::Missing { seq, .. }
            | Self::Inserted { seq, .. }
            | Self::Swapped { seq }
            | Self::Truncated { seq, .. }
            | Self::Added { seq }
            | Self::Altered { seq }
            | Self::BrokenLink { seq }
            | Self::TimeBack { seq, .. }
            | Self::PayloadOrder { seq }
            | Self::PayloadOutside { seq }
            | Self::Payload { seq }
            | Self::NotIncluded { seq, .. } => Some(seq),
            Self::Genesis { .. } | Self::FirstKey => Some(0),
            Self::Report(ref fault) => fault.seq(),
            _ => None,
        }
    }

    /// A stable name for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Container { .. } => "container",
            Self::Crc { .. } => "crc",
            Self::File { .. } => "file",
            Self::NotCanonical { .. } => "not_canonical",
            Self::WrongLog { .. } => "wrong_log",
            Self::Missing { .. } => "missing",
            Self::Inserted { .. } => "inserted",
            Self::Swapped { .. } => "swapped",
            Self::Truncated { .. } => "truncated",
            Self::Added { .. } => "added",
            Self::Altered { .. } => "altered",
            Self::BrokenLink { .. } => "broken_link",
            Self::Genesis { .. } => "genesis",
            Self::TimeBack { .. } => "time_back",
            Self::PayloadLine { .. } => "payload_line",
            Self::PayloadOrder { .. } => "payload_order",
            Self::PayloadOutside { .. } => "payload_outside",
            Self::Payload { .. } => "payload",
            Self::FirstKey => "first_key",
            Self::Rewritten { .. } => "rewritten",
            Self::Join { .. } => "join",
            Self::Fork { .. } => "fork",
            Self::OldCheckpoint { .. } => "old_checkpoint",
            Self::Checkpoint { .. } => "checkpoint",
            Self::NotSigned { .. } => "not_signed",
            Self::NotIncluded { .. } => "not_included",
            Self::Report(fault) => fault.code(),
        }
    }
}

/// Why there is no good verdict.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The bundle is refused.
    #[error(transparent)]
    Refused(#[from] Fault),
    /// The file can't be read; nothing is said about the bundle.
    #[error("cannot read the file: {0}")]
    Read(#[from] std::io::Error),
}
