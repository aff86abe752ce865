//! What the workers do with a block: hash, parse, and check all that lies within it.
//!
//! Workers never judge: a block with anything unusual in it is only marked, and [`diagnose`](super::diagnose)
//! reads it again, line by line, to say what is wrong.

use std::io::BufRead;

use crate::commit::{MAX_PAYLOAD_BYTES, commit};
use crate::entry::{Entry, Kind, MAX_ENTRY_BYTES};
use crate::fault::Fault;
use crate::hash::{Hash, from_hex_digits, leaf_hash};
use crate::merkle::Run;
use crate::note::VerifierKey;
use crate::scan::decimal;

/// What every worker knows.
pub(super) struct Facts<'a> {
    pub(super) origin: &'a str,
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) vkeys: &'a [VerifierKey],
    /// Sizes at which the root is wanted, ascending.
    pub(super) sizes: &'a [u64],
}

/// Whole lines of a member.
pub(super) enum Block {
    Entries(Vec<u8>),
    Payloads(Vec<u8>),
}

/// What a worker found.
pub(super) enum Outcome {
    Entries(Box<EntryBlock>),
    Payloads(PayloadBlock),
}

/// An entry's ends, by which blocks are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) seq: u64,
    pub(super) at_us: i64,
    pub(super) prev: Hash,
    pub(super) leaf: Hash,
    pub(super) kind: Kind,
}

/// A block of entries.
pub(super) struct EntryBlock {
    pub(super) crc: crc32fast::Hasher,
    pub(super) bytes: u64,
    /// The first and last entry, if every line is an entry of this log and follows the one before.
    pub(super) ends: Option<(Link, Link)>,
    /// The leaves as complete subtrees, cut at the wanted sizes.
    pub(super) runs: Vec<Run>,
    pub(super) commitments: Vec<Hash>,
    pub(super) kinds: [u64; Kind::ALL.len()],
}

/// A block of payload lines.
pub(super) struct PayloadBlock {
    pub(super) crc: crc32fast::Hasher,
    pub(super) bytes: u64,
    /// Each payload's seq and the commitment that it hashes to, up to the first fault.
    pub(super) found: Vec<(u64, Hash)>,
    /// The first fault; a line number counts from the block's start.
    pub(super) fault: Option<Fault>,
}

pub(super) fn work(block: &Block, facts: &Facts<'_>) -> Outcome {
    match block {
        Block::Entries(bytes) => Outcome::Entries(Box::new(entries(bytes, facts))),
        Block::Payloads(bytes) => Outcome::Payloads(payloads(bytes, facts)),
    }
}

fn crc(bytes: &[u8]) -> crc32fast::Hasher {
    let mut crc = crc32fast::Hasher::new();
    crc.update(bytes);
    crc
}

fn entries(bytes: &[u8], facts: &Facts<'_>) -> EntryBlock {
    let mut block = EntryBlock {
        crc: crc(bytes),
        bytes: bytes.len() as u64,
        ends: None,
        runs: Vec::new(),
        commitments: Vec::with_capacity(bytes.len() / 400),
        kinds: [0; Kind::ALL.len()],
    };
    let mut rest = bytes;
    let mut ends: Option<(Link, Link)> = None;
    let mut sizes = facts.sizes;
    while !rest.is_empty() {
        let Some((link, commitment, length)) = next_entry(rest, facts.origin) else { return block };
        rest = &rest[length..];
        let run = match (&mut ends, block.runs.last_mut()) {
            (Some((_, last)), Some(run)) => {
                if link.seq != last.seq + 1 || link.prev != last.leaf || link.at_us < last.at_us {
                    return block;
                }
                *last = link;
                run
            }
            _ => {
                ends = Some((link, link));
                sizes = &sizes[sizes.partition_point(|&size| size <= link.seq)..];
                block.runs.push_mut(Run::new(link.seq))
            }
        };
        run.push_leaf(link.leaf);
        let end = run.end();
        if sizes.first() == Some(&end) {
            sizes = &sizes[1..];
            block.runs.push(Run::new(end));
        }
        block.kinds[link.kind as usize] += 1;
        block.commitments.push(commitment);
    }
    block.ends = ends;
    block
}

/// The entry that `bytes` begin with, its commitment, and the bytes of its line.
fn next_entry(bytes: &[u8], origin: &str) -> Option<(Link, Hash, usize)> {
    let (entry, length) = Entry::parse_prefix(bytes).ok()?;
    if length > MAX_ENTRY_BYTES || bytes.get(length) != Some(&b'\n') || entry.log != origin {
        return None;
    }
    let Entry { seq, at_us, prev, kind, commitment, .. } = entry;
    let link = Link { seq, at_us, prev, leaf: leaf_hash(&bytes[..length]), kind };
    Some((link, commitment, length + 1))
}

/// A line of payloads.ndjson.
pub(super) struct PayloadLine<'a> {
    pub(super) seq: u64,
    pub(super) salt: Hash,
    pub(super) payload: &'a [u8],
}

impl<'a> PayloadLine<'a> {
    /// Reads a line without its line end, from the end backwards: the tail has a fixed form, so what is
    /// before it is the payload whatever stands in it.
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        let line = line.strip_prefix(b"{\"payload\":")?.strip_suffix(b"\"}")?;
        let digits = line.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let (line, digits) = line.split_at(line.len() - digits);
        let (line, salt) = line.strip_suffix(b"\",\"seq\":\"")?.split_last_chunk::<64>()?;
        let payload = line.strip_suffix(b",\"salt\":\"")?;
        let object =
            payload.starts_with(b"{") && payload.ends_with(b"}") && payload.len() <= MAX_PAYLOAD_BYTES;
        let (seq, salt) = (decimal(digits)?, from_hex_digits(salt)?);
        object.then_some(Self { seq, salt, payload })
    }
}

fn payloads(bytes: &[u8], facts: &Facts<'_>) -> PayloadBlock {
    let (mut found, mut fault) = (Vec::with_capacity(bytes.len() / 400), None);
    let mut rest = bytes;
    let mut lines = 0;
    while !rest.is_empty() && fault.is_none() {
        let here = rest;
        // A slice can't fail to be read; this is the standard library's fast search for a byte.
        let length = rest.skip_until(b'\n').unwrap_or(here.len());
        lines += 1;
        match here[..length].strip_suffix(b"\n").and_then(PayloadLine::parse) {
            None => fault = Some(Fault::PayloadLine { line: lines }),
            Some(line) => {
                fault = check_payload(&line, found.last().map(|&(seq, _)| seq), facts);
                if fault.is_none() {
                    found.push((line.seq, commit(&line.salt.0, line.payload)));
                }
            }
        }
    }
    PayloadBlock { crc: crc(bytes), bytes: bytes.len() as u64, found, fault }
}

fn check_payload(line: &PayloadLine<'_>, before: Option<u64>, facts: &Facts<'_>) -> Option<Fault> {
    let seq = line.seq;
    if seq < facts.from || seq >= facts.to {
        Some(Fault::PayloadOutside { seq })
    } else if before.is_some_and(|before| before >= seq) {
        Some(Fault::PayloadOrder { seq })
    } else if seq == 0 && !names_log(line.payload, facts) {
        Some(Fault::FirstKey)
    } else {
        None
    }
}

/// Whether the first entry's payload names the log and one of the keys that the bundle lists.
fn names_log(payload: &[u8], facts: &Facts<'_>) -> bool {
    let Ok(payload) = serde_json::from_slice::<serde_json::Value>(payload) else { return false };
    let text = |key: &str| payload.get(key).and_then(|value| value.as_str());
    let known = |vkey: &str| facts.vkeys.iter().any(|key| key.vkey() == vkey);
    text("origin") == Some(facts.origin) && text("vkey").is_some_and(known)
}
