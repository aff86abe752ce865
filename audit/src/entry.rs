//! Entries: the lines of a log (FORMAT.md §2).
//!
//! An entry is RFC 8785 canonical JSON with ten fixed keys. Every string in it is printable ASCII without
//! `"`, `\` and space, so no escape ever occurs and each entry has exactly one spelling. The scanner in
//! [`scan`](Entry::parse) accepts that spelling alone; it *is* the canonical check. Nothing here ever
//! re-serialises bytes before hashing them.

use crate::hash::{Hash, sha256};
use crate::scan::Scanner;
use crate::time;

/// The value of an entry's `v`.
pub(crate) const VERSION: &str = "veritrail/entry@1";

/// The most bytes that an entry may have: what an entry bundle's 16-bit length can say (tlog-tiles). The
/// limits of the single fields keep every entry far below it.
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// The most bytes in an actor, a request id, a subject's kind and a subject's id.
pub const MAX_ID_BYTES: usize = 128;

/// The most bytes in a log's origin.
pub const MAX_ORIGIN_BYTES: usize = 255;

/// The most entries that a log may have: what a signed 64-bit integer can count.
pub const MAX_LOG_SIZE: u64 = i64::MAX as u64;

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Something was delivered or filed.
    Record,
    /// Data was served.
    Access,
    /// A request was refused.
    Denied,
    /// Data left as a file.
    Export,
    /// A payload and its salt were destroyed.
    Erase,
    /// A signing key came into use; the first entry of every log.
    Key,
    /// The heads of other logs.
    Anchor,
    /// A right was given or taken.
    Grant,
    /// The operator changed the set-up.
    Admin,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Record,
        Self::Access,
        Self::Denied,
        Self::Export,
        Self::Erase,
        Self::Key,
        Self::Anchor,
        Self::Grant,
        Self::Admin,
    ];

    /// The word in an entry's `kind`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Access => "access",
            Self::Denied => "denied",
            Self::Export => "export",
            Self::Erase => "erase",
            Self::Key => "key",
            Self::Anchor => "anchor",
            Self::Grant => "grant",
            Self::Admin => "admin",
        }
    }
}

/// A word that is no [`Kind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind of entry")]
pub struct UnknownKind;

impl std::str::FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownKind)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// What an entry is about: the kind of a record and its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject<'a> {
    /// The record's kind, as `transaction`; 1 to 128 bytes.
    pub kind: &'a str,
    /// The record's id; 1 to 128 bytes.
    pub id: &'a str,
}

/// An entry's fields. Strings are ASCII 0x21–0x7E without `"` and `\`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The origin of the log it stands in; 1 to 255 bytes, no `+` (it is also a key name).
    pub log: &'a str,
    /// Its index in that log, from 0; below [`MAX_LOG_SIZE`].
    pub seq: u64,
    /// Microseconds since 1970-01-01T00:00:00Z; years 1970 to 9999. Never decreases along a log.
    pub at_us: i64,
    /// What it is about.
    pub kind: Kind,
    /// Who did it, as a pseudonym; 1 to 128 bytes.
    pub actor: &'a str,
    /// The request it came from; 1 to 128 bytes.
    pub request: Option<&'a str>,
    /// The record it concerns.
    pub subject: Option<Subject<'a>>,
    /// What the payload must hash to: [`commit`](crate::commit).
    pub commitment: Hash,
    /// The leaf hash of the entry before, or [`genesis_prev`].
    pub prev: Hash,
}

/// Why bytes are no entry, or fields can't be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The bytes leave the one canonical spelling.
    #[error("not a canonical entry: at byte {offset}, expected {expected}")]
    NotCanonical {
        /// The first byte that is wrong, from the entry's start.
        offset: usize,
        /// What had to stand there.
        expected: &'static str,
    },
    /// A field is out of its limits.
    #[error("entry field {field}: {why}")]
    Field {
        /// The field's key.
        field: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl<'a> Entry<'a> {
    /// The entry's bytes, without a line end.
    ///
    /// # Errors
    /// [`EntryError::Field`] if a field is out of its limits.
    pub fn encode(&self) -> Result<Vec<u8>, EntryError> {
        let mut out = Vec::with_capacity(512);
        self.encode_into(&mut out)?;
        Ok(out)
    }

    /// Appends the entry's bytes to `out`; on error `out` is left as it was.
    ///
    /// # Errors
    /// [`EntryError::Field`] if a field is out of its limits.
    pub fn encode_into(&self, out: &mut Vec<u8>) -> Result<(), EntryError> {
        self.check()?;
        let mut put = |text: &str| out.extend_from_slice(text.as_bytes());
        put("{\"actor\":\"");
        put(self.actor);
        put("\",\"at\":\"");
        time::write(self.at_us, out);
        out.extend_from_slice(b"\",\"commitment\":\"");
        self.commitment.write_hex(out);
        let mut put = |text: &str| out.extend_from_slice(text.as_bytes());
        put("\",\"kind\":\"");
        put(self.kind.as_str());
        put("\",\"log\":\"");
        put(self.log);
        put("\",\"prev\":\"");
        self.prev.write_hex(out);
        self.encode_tail(out);
        Ok(())
    }

    fn encode_tail(&self, out: &mut Vec<u8>) {
        let mut put = |text: &str| out.extend_from_slice(text.as_bytes());
        match self.request {
            Some(request) => ["\",\"request\":\"", request, "\""].into_iter().for_each(&mut put),
            None => put("\",\"request\":null"),
        }
        put(",\"seq\":\"");
        put(&self.seq.to_string());
        match self.subject {
            Some(Subject { kind, id }) => {
                ["\",\"subject\":{\"id\":\"", id, "\",\"kind\":\"", kind, "\"}"]
                    .into_iter()
                    .for_each(&mut put);
            }
            None => put("\",\"subject\":null"),
        }
        [",", "\"v\":\"", VERSION, "\"}"].into_iter().for_each(put);
    }

    /// The time as the entry spells it.
    pub fn at(&self) -> String {
        time::text(self.at_us)
    }

    fn check(&self) -> Result<(), EntryError> {
        let field = |field, why| Err(EntryError::Field { field, why });
        check_text("actor", self.actor, MAX_ID_BYTES)?;
        check_text("log", self.log, MAX_ORIGIN_BYTES)?;
        if self.log.contains('+') {
            return field("log", "an origin has no plus sign");
        }
        if let Some(request) = self.request {
            check_text("request", request, MAX_ID_BYTES)?;
        }
        if let Some(subject) = self.subject {
            check_text("subject.id", subject.id, MAX_ID_BYTES)?;
            check_text("subject.kind", subject.kind, MAX_ID_BYTES)?;
        }
        if !(0..=time::MAX_US).contains(&self.at_us) {
            return field("at", "outside the years 1970 to 9999");
        }
        if self.seq >= MAX_LOG_SIZE {
            return field("seq", "too large");
        }
        Ok(())
    }

    /// Reads an entry from exactly `bytes`, and so checks that they are canonical.
    ///
    /// # Errors
    /// [`EntryError::NotCanonical`] with the offset of the first wrong byte.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, EntryError> {
        let (entry, length) = Self::parse_prefix(bytes)?;
        if length == bytes.len() {
            Ok(entry)
        } else {
            Err(EntryError::NotCanonical { offset: length, expected: "the entry's end" })
        }
    }

    /// Reads the entry that `bytes` begin with, and tells its length.
    pub(crate) fn parse_prefix(bytes: &'a [u8]) -> Result<(Self, usize), EntryError> {
        let mut scan = Scanner::new(bytes);
        scan.expect("{\"actor\":\"")?;
        let actor = scan.text(MAX_ID_BYTES)?;
        scan.expect("\",\"at\":\"")?;
        let at_us = scan.time()?;
        scan.expect("\",\"commitment\":\"")?;
        let commitment = scan.hash()?;
        scan.expect("\",\"kind\":\"")?;
        let kind = scan.kind()?;
        scan.expect("\",\"log\":\"")?;
        let log = scan.origin()?;
        scan.expect("\",\"prev\":\"")?;
        let prev = scan.hash()?;
        scan.expect("\",\"request\":")?;
        let request = if scan.take("null") { None } else { Some(scan.quoted()?) };
        scan.expect(",\"seq\":\"")?;
        let seq = scan.number(MAX_LOG_SIZE - 1)?;
        scan.expect("\",\"subject\":")?;
        let subject = if scan.take("null") { None } else { Some(scan.subject()?) };
        scan.expect(",\"v\":\"veritrail/entry@1\"}")?;
        let entry = Self { log, seq, at_us, kind, actor, request, subject, commitment, prev };
        Ok((entry, scan.offset()))
    }
}

/// Bytes that may stand in an entry's strings.
pub(crate) const fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e) && byte != b'"' && byte != b'\\'
}

fn check_text(field: &'static str, text: &str, max: usize) -> Result<(), EntryError> {
    let why = if text.is_empty() {
        "empty"
    } else if text.len() > max {
        "too long"
    } else if !text.bytes().all(is_plain) {
        "only ASCII 0x21 to 0x7E without quote and backslash may stand here"
    } else {
        return Ok(());
    };
    Err(EntryError::Field { field, why })
}

/// Whether `origin` can name a log: 1 to 255 bytes, ASCII 0x21–0x7E without `"`, `\` and `+`.
pub fn is_origin(origin: &str) -> bool {
    check_text("log", origin, MAX_ORIGIN_BYTES).is_ok() && !origin.contains('+')
}

/// The `prev` of a log's first entry: SHA-256("veritrail/genesis@1\n" ‖ origin).
pub fn genesis_prev(origin: &str) -> Hash {
    sha256(&[b"veritrail/genesis@1\n", origin.as_bytes()])
}
