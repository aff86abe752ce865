//! Looks single entries up in a bundle that was verified, and proves them.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read, Seek};

use super::VerifyOptions;
use super::blocks::Cursor;
use super::open::{Opened, open};
use super::work::PayloadLine;
use crate::commit::{MAX_PAYLOAD_BYTES, Salt};
use crate::entry::MAX_ENTRY_BYTES;
use crate::fault::VerifyError;
use crate::hash::{Hash, leaf_hash, node_hash};
use crate::merkle::{Nodes, inclusion_spans, span_root};
use crate::proof::TlogProof;
use crate::zip::Member;

/// An entry found in a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The entry's bytes.
    pub entry: Vec<u8>,
    /// Its payload and salt, if they are in the bundle.
    pub payload: Option<(Salt, Vec<u8>)>,
}

/// A bundle opened for reading. Opening checks all but the entries and payloads; call
/// [`verify`](crate::verify) first.
pub struct Ledger<R> {
    file: R,
    opened: Opened,
}

impl<R: Read + Seek> Ledger<R> {
    /// Opens a bundle.
    ///
    /// # Errors
    /// As [`verify`](crate::verify), for the container and the small members.
    pub fn open(mut file: R, options: &VerifyOptions) -> Result<Self, VerifyError> {
        let opened = open(&mut file, options)?;
        Ok(Self { file, opened })
    }

    /// The range of seqs in the bundle.
    pub fn range(&self) -> std::ops::Range<u64> {
        self.opened.from..self.opened.to
    }

    /// The entry `seq`, and its payload if it is there; None if it is not in the range.
    ///
    /// # Errors
    /// [`io::Error`] if the file can't be read.
    pub fn find(&mut self, seq: u64) -> io::Result<Option<Found>> {
        let Some(skip) = seq.checked_sub(self.opened.from).filter(|_| seq < self.opened.to) else {
            return Ok(None);
        };
        let mut number = 0;
        let mut entry = None;
        each_line(&mut self.file, self.opened.entries.clone(), MAX_ENTRY_BYTES, |line| {
            if number == skip {
                entry = Some(line.to_vec());
            }
            number += 1;
            entry.is_none()
        })?;
        let mut payload = None;
        each_line(&mut self.file, self.opened.payloads.clone(), MAX_PAYLOAD_BYTES + 128, |line| {
            let Some(line) = PayloadLine::parse(line) else { return false };
            if line.seq == seq {
                payload = Some((line.salt.0, line.payload.to_vec()));
            }
            line.seq < seq
        })?;
        Ok(entry.map(|entry| Found { entry, payload }))
    }

    /// The proof that entry `seq` stands in the log at the bundle's checkpoint, with the entry itself as
    /// extra data; None if it is not in the range. Reads every entry, and keeps 32 bytes for each.
    ///
    /// # Errors
    /// [`io::Error`] if the file can't be read.
    pub fn prove(&mut self, seq: u64) -> io::Result<Option<TlogProof>> {
        let Some(found) = self.find(seq)? else { return Ok(None) };
        let mut leaves = Vec::new();
        each_line(&mut self.file, self.opened.entries.clone(), MAX_ENTRY_BYTES, |line| {
            leaves.push(leaf_hash(line));
            true
        })?;
        let nodes = BundleNodes::new(&self.opened, leaves);
        let spans = inclusion_spans(seq, self.opened.checkpoint.size);
        let path: Option<Vec<Hash>> = spans.into_iter().map(|span| span_root(span, &nodes)).collect();
        let checkpoint = self.opened.note.clone();
        Ok(path.map(|path| TlogProof { index: seq, path, checkpoint, extra: Some(found.entry) }))
    }
}

/// Shows each line without its end until `keep_on` says no.
fn each_line<R: Read + Seek>(
    file: &mut R,
    member: Member,
    max_line: usize,
    mut keep_on: impl FnMut(&[u8]) -> bool,
) -> io::Result<()> {
    let mut cursor = Cursor::new(member, 0, max_line);
    while let Some(block) = cursor.next(file)? {
        let mut rest = block.as_slice();
        while !rest.is_empty() {
            let here = rest;
            let length = rest.skip_until(b'\n')?;
            let line = &here[..length];
            if !keep_on(line.strip_suffix(b"\n").unwrap_or(line)) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The tree as far as a bundle knows it: the leaves of its range and the subtrees beside it.
struct BundleNodes {
    from: u64,
    leaves: Vec<Hash>,
    beside: BTreeMap<(u8, u64), Hash>,
}

impl BundleNodes {
    fn new(opened: &Opened, leaves: Vec<Hash>) -> Self {
        let (left, right) = crate::bundle::range_spans(opened.from, opened.to, opened.checkpoint.size);
        let spans = left.into_iter().chain(right);
        let hashes = opened.left.iter().chain(&opened.right);
        let place = |(span, hash): (crate::merkle::Span, &Hash)| {
            span.level().map(|level| ((level, span.start >> level), *hash))
        };
        Self { from: opened.from, leaves, beside: spans.zip(hashes).filter_map(place).collect() }
    }
}

impl Nodes for BundleNodes {
    fn node(&self, level: u8, index: u64) -> Option<Hash> {
        if let Some(hash) = self.beside.get(&(level, index)) {
            return Some(*hash);
        }
        match level.checked_sub(1) {
            None => {
                let at = index.checked_sub(self.from)?;
                self.leaves.get(usize::try_from(at).ok()?).copied()
            }
            Some(below) => Some(node_hash(&self.node(below, 2 * index)?, &self.node(below, 2 * index + 1)?)),
        }
    }
}
