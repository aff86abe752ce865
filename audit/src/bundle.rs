//! Bundles: a range of a log as one file that proves itself (FORMAT.md §7).

use std::io::{self, Seek, Write};

use serde::{Deserialize, Serialize};

use crate::checkpoint::Checkpoint;
use crate::commit::{MAX_PAYLOAD_BYTES, Salt};
use crate::entry::{Entry, EntryError, MAX_LOG_SIZE, is_origin};
use crate::hash::{Hash, sha256};
use crate::merkle::{Span, subtrees};
use crate::note::{KeyError, NoteError, VerifierKey};
use crate::zip::ZipWriter;

/// The value of the manifest's `v`.
pub(crate) const VERSION: &str = "veritrail/bundle@1";

/// What every bundle says about itself to a person; the same bytes in each.
pub(crate) const README: &str = include_str!("bundle_readme.txt");

pub(crate) const README_NAME: &str = "README.txt";
pub(crate) const ENTRIES_NAME: &str = "entries.ndjson";
pub(crate) const PAYLOADS_NAME: &str = "payloads.ndjson";
pub(crate) const CHECKPOINT_NAME: &str = "checkpoint";
pub(crate) const EARLIER_NAME: &str = "checkpoints";
pub(crate) const PROOF_NAME: &str = "proof.json";
pub(crate) const VKEYS_NAME: &str = "vkeys";
pub(crate) const MANIFEST_NAME: &str = "manifest.json";

/// The members of a bundle, in their order.
pub(crate) const NAMES: [&str; 8] = [
    README_NAME,
    ENTRIES_NAME,
    PAYLOADS_NAME,
    CHECKPOINT_NAME,
    EARLIER_NAME,
    PROOF_NAME,
    VKEYS_NAME,
    MANIFEST_NAME,
];

/// The most earlier checkpoints and the most keys in a bundle.
pub(crate) const MAX_NOTES: usize = 10_000;

/// manifest.json: canonical JSON, keys in order, numbers as strings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) files: Vec<FileFact>,
    pub(crate) from: String,
    pub(crate) origin: String,
    pub(crate) size: String,
    pub(crate) to: String,
    pub(crate) v: String,
}

/// What the manifest says about one of the other members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileFact {
    pub(crate) lines: String,
    pub(crate) name: String,
    /// None for entries and payloads: the tree and the commitments bind each of their lines.
    pub(crate) sha256: Option<String>,
    pub(crate) size: String,
}

impl FileFact {
    pub(crate) fn large(name: &str, lines: u64, size: u64) -> Self {
        Self { lines: lines.to_string(), name: name.to_owned(), sha256: None, size: size.to_string() }
    }

    pub(crate) fn small(name: &str, content: &str) -> Self {
        let lines = content.bytes().filter(|&byte| byte == b'\n').count();
        let sha256 = Some(sha256(&[content.as_bytes()]).to_hex());
        Self { lines: lines.to_string(), name: name.to_owned(), sha256, size: content.len().to_string() }
    }
}

/// proof.json: canonical JSON; hashes in hex, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProofFile {
    pub(crate) left: Vec<String>,
    pub(crate) right: Vec<String>,
}

/// One line of canonical JSON. The structs hold plain ASCII strings and name their fields in order, so
/// serde_json's compact form is the canonical one.
pub(crate) fn json_line(value: &impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string(value).map(|text| text + "\n")
}

/// The subtrees left and right of the entries `from..to` in the tree of `size` leaves, whose roots a bundle
/// holds: with those on the left the root at `to` follows from the entries, with those on the right the root
/// at `size` follows from that. `from ≤ to ≤ size`.
pub fn range_spans(from: u64, to: u64, size: u64) -> (Vec<Span>, Vec<Span>) {
    (subtrees(0, from), subtrees(to, size))
}

/// What binds a bundle's entries to a signed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BundleProof {
    /// The roots of the left spans of [`range_spans`].
    pub left: Vec<Hash>,
    /// The roots of the right spans of [`range_spans`].
    pub right: Vec<Hash>,
    /// A signed note of a checkpoint whose size is at least `to`.
    pub checkpoint: String,
    /// Signed notes of earlier checkpoints, `from < size ≤ to` and below the checkpoint's, ascending.
    pub earlier: Vec<String>,
    /// The log's keys as vkeys. The checkpoint and each earlier one must be signed by one of them.
    pub vkeys: Vec<String>,
}

/// Why a bundle can't be written.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The file can't be written.
    #[error("cannot write the bundle: {0}")]
    Io(#[from] io::Error),
    /// An entry's bytes are not canonical.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// A checkpoint is malformed.
    #[error("a bundle's checkpoint: {0}")]
    Checkpoint(#[from] NoteError),
    /// A key is malformed.
    #[error("a bundle's key: {0}")]
    Key(#[from] KeyError),
    /// A member can't be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The parts don't make a bundle.
    #[error("not a bundle: {0}")]
    Shape(&'static str),
}

/// Writes a bundle as it streams by: first every entry in order, then the payloads that may be seen, in
/// order, then the proof. Memory use doesn't grow with the range.
pub struct BundleWriter<W> {
    zip: ZipWriter<W>,
    origin: String,
    from: u64,
    to: u64,
    next_entry: u64,
    entries_bytes: u64,
    /// The lowest seq that the next payload may have.
    next_payload: u64,
    payloads: u64,
    payloads_bytes: u64,
    in_payloads: bool,
    line: Vec<u8>,
}

fn shape<T>(why: &'static str) -> Result<T, BundleError> {
    Err(BundleError::Shape(why))
}

impl<W: Write + Seek> BundleWriter<W> {
    /// Begins a bundle of the entries `from..to` of the log `origin` at the start of `out`.
    ///
    /// # Errors
    /// [`BundleError::Shape`] if the range is empty or the origin can't be one, or an I/O error.
    pub fn new(out: W, origin: &str, from: u64, to: u64) -> Result<Self, BundleError> {
        if from >= to || to > MAX_LOG_SIZE {
            return shape("the range is empty or too large");
        }
        if !is_origin(origin) {
            return shape("the origin cannot name a log");
        }
        let mut zip = ZipWriter::new(out);
        zip.open(README_NAME)?;
        zip.put(README.as_bytes())?;
        zip.open(ENTRIES_NAME)?;
        Ok(Self {
            zip,
            origin: origin.to_owned(),
            from,
            to,
            next_entry: from,
            entries_bytes: 0,
            next_payload: from,
            payloads: 0,
            payloads_bytes: 0,
            in_payloads: false,
            line: Vec::new(),
        })
    }

    /// Writes the next entry.
    ///
    /// # Errors
    /// [`BundleError`] if it is not canonical, not the next of this log, or beyond the range.
    pub fn entry(&mut self, bytes: &[u8]) -> Result<(), BundleError> {
        let entry = Entry::parse(bytes)?;
        if entry.log != self.origin || entry.seq != self.next_entry || entry.seq >= self.to {
            return shape("an entry is not the next one of this range and log");
        }
        self.next_entry += 1;
        self.entries_bytes += bytes.len() as u64 + 1;
        self.zip.put(bytes)?;
        Ok(self.zip.put(b"\n")?)
    }

    /// Writes the payload of entry `seq`, and the salt it was committed to with. Every entry must have been
    /// written, and payloads come in ascending order; leaving one out means that it may not be seen.
    ///
    /// # Errors
    /// [`BundleError`] if the order is broken or the payload is no JSON object on one line of at most
    /// [`MAX_PAYLOAD_BYTES`].
    pub fn payload(&mut self, seq: u64, salt: &Salt, payload: &[u8]) -> Result<(), BundleError> {
        self.begin_payloads()?;
        if seq < self.next_payload || seq >= self.to {
            return shape("a payload is out of order or outside the range");
        }
        if payload.len() > MAX_PAYLOAD_BYTES {
            return shape("a payload is too long");
        }
        let object = payload.starts_with(b"{") && payload.ends_with(b"}");
        if !object || payload.iter().any(|&byte| byte < 0x20) {
            return shape("a payload is not a JSON object on one line");
        }
        self.line.clear();
        self.line.extend_from_slice(b"{\"payload\":");
        self.line.extend_from_slice(payload);
        self.line.extend_from_slice(b",\"salt\":\"");
        Hash(*salt).write_hex(&mut self.line);
        self.line.extend_from_slice(format!("\",\"seq\":\"{seq}\"}}\n").as_bytes());
        self.next_payload = seq + 1;
        self.payloads += 1;
        self.payloads_bytes += self.line.len() as u64;
        Ok(self.zip.put(&self.line)?)
    }

    fn begin_payloads(&mut self) -> Result<(), BundleError> {
        if self.next_entry != self.to {
            return shape("not every entry of the range was written");
        }
        if !self.in_payloads {
            self.in_payloads = true;
            self.zip.open(PAYLOADS_NAME)?;
        }
        Ok(())
    }

    /// Writes what binds the entries to a checkpoint, and the manifest, and returns the file.
    ///
    /// # Errors
    /// [`BundleError`] if entries are missing, a checkpoint or key is malformed, or the parts don't fit.
    /// Signatures and hashes are not verified: that is the verifier's.
    pub fn finish(mut self, proof: &BundleProof) -> Result<W, BundleError> {
        self.begin_payloads()?;
        let size = self.check_proof(proof)?;
        let hex = |hashes: &[Hash]| hashes.iter().map(Hash::to_hex).collect();
        let proof_file = ProofFile { left: hex(&proof.left), right: hex(&proof.right) };
        let vkeys: String = proof.vkeys.iter().map(|vkey| format!("{vkey}\n")).collect();
        let small = [
            (CHECKPOINT_NAME, proof.checkpoint.clone()),
            (EARLIER_NAME, proof.earlier.join("\n")),
            (PROOF_NAME, json_line(&proof_file)?),
            (VKEYS_NAME, vkeys),
        ];
        let mut files = vec![
            FileFact::small(README_NAME, README),
            FileFact::large(ENTRIES_NAME, self.to - self.from, self.entries_bytes),
            FileFact::large(PAYLOADS_NAME, self.payloads, self.payloads_bytes),
        ];
        for (name, content) in small {
            files.push(FileFact::small(name, &content));
            self.zip.open(name)?;
            self.zip.put(content.as_bytes())?;
        }
        let manifest = Manifest {
            files,
            from: self.from.to_string(),
            origin: self.origin,
            size: size.to_string(),
            to: self.to.to_string(),
            v: VERSION.to_owned(),
        };
        self.zip.open(MANIFEST_NAME)?;
        self.zip.put(json_line(&manifest)?.as_bytes())?;
        Ok(self.zip.finish()?)
    }

    /// The checkpoint's size, if all sizes and counts fit.
    fn check_proof(&self, proof: &BundleProof) -> Result<u64, BundleError> {
        let Checkpoint { origin, size, .. } = Checkpoint::parse_note(&proof.checkpoint)?;
        if origin != self.origin || size < self.to {
            return shape("the checkpoint is another log's or does not cover the range");
        }
        let (left, right) = range_spans(self.from, self.to, size);
        if left.len() != proof.left.len() || right.len() != proof.right.len() {
            return shape("the left or right hashes are not as many as the range asks for");
        }
        if proof.earlier.len() > MAX_NOTES || proof.vkeys.len() > MAX_NOTES || proof.vkeys.is_empty() {
            return shape("no key, or too many keys or checkpoints");
        }
        let mut after = self.from;
        for note in &proof.earlier {
            let earlier = Checkpoint::parse_note(note)?;
            if earlier.origin != self.origin
                || earlier.size <= after
                || earlier.size > self.to
                || earlier.size >= size
            {
                return shape("an earlier checkpoint is another log's, out of order or out of the range");
            }
            after = earlier.size;
        }
        for vkey in &proof.vkeys {
            VerifierKey::parse(vkey)?;
        }
        Ok(size)
    }
}
