//! Proofs of a single entry as files (c2sp.org/tlog-proof@v1), usually named `.tlog-proof`.
//!
//! The `extra` line may carry the entry itself, so that one file says everything: it is not authenticated by
//! the format, but its leaf hash is what the path must lead up from.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::Checkpoint;
use crate::entry::MAX_ENTRY_BYTES;
use crate::hash::{Hash, leaf_hash};
use crate::merkle::{ProofError, verify_inclusion};
use crate::note::{Note, NoteError, Signed, VerifierKey, parse_size};

/// The file's first line.
pub const PROOF_VERSION: &str = "c2sp.org/tlog-proof@v1";

/// A proof that an entry stands in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// The entry's seq.
    pub index: u64,
    /// The audit path, leaf to root.
    pub path: Vec<Hash>,
    /// The checkpoint as a signed note, with any cosignatures.
    pub checkpoint: String,
    /// Unauthenticated data; Veritrail puts the entry's bytes here.
    pub extra: Option<Vec<u8>>,
}

/// Why a proof file is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlogProofError {
    /// The text is not a proof file.
    #[error("not a proof file: {0}")]
    Format(&'static str),
    /// The checkpoint is malformed or not signed by the keys given.
    #[error("the proof's checkpoint: {0}")]
    Checkpoint(#[from] NoteError),
    /// The path doesn't lead to the checkpoint's root.
    #[error("the entry is not in the log: {0}")]
    Inclusion(#[from] ProofError),
}

impl TlogProof {
    /// The file's text.
    pub fn to_text(&self) -> String {
        let mut out = format!("{PROOF_VERSION}\n");
        if let Some(extra) = &self.extra {
            out += &format!("extra {}\n", STANDARD.encode(extra));
        }
        out += &format!("index {}\n", self.index);
        for hash in &self.path {
            out += &hash.to_base64();
            out.push('\n');
        }
        out.push('\n');
        out + &self.checkpoint
    }

    /// Reads a file's text. Nothing is verified but the form.
    ///
    /// # Errors
    /// [`TlogProofError::Format`], or [`TlogProofError::Checkpoint`] if there is no well-formed checkpoint.
    pub fn parse(text: &str) -> Result<Self, TlogProofError> {
        let bad = TlogProofError::Format;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(bad("it has no blank line"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(PROOF_VERSION) {
            return Err(bad("the first line is not c2sp.org/tlog-proof@v1"));
        }
        let extra = match lines.next_if(|line| line.starts_with("extra ")) {
            Some(line) => {
                Some(parse_extra(&line["extra ".len()..]).ok_or(bad("the extra line is malformed"))?)
            }
            None => None,
        };
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(parse_size);
        let index = index.ok_or(bad("the index line is malformed"))?;
        let path: Result<Vec<_>, _> = lines.map(Hash::from_base64).collect();
        let path = path.ok().filter(|path| path.len() <= 64).ok_or(bad("a hash line is malformed"))?;
        Checkpoint::parse_note(checkpoint)?;
        Ok(Self { index, path, checkpoint: checkpoint.to_owned(), extra })
    }

    /// Checks that `entry` stands in the log at the proof's index, under a checkpoint signed by one of
    /// `keys`; returns the checkpoint and who signed it.
    ///
    /// # Errors
    /// [`TlogProofError`], first of the checkpoint, then of the path.
    pub fn verify(
        &self,
        entry: &[u8],
        keys: &[VerifierKey],
    ) -> Result<(Checkpoint, Vec<Signed>), TlogProofError> {
        let note = Note::parse(&self.checkpoint)?;
        let checkpoint = Checkpoint::parse_body(note.text())?;
        let signed = note.verify(keys)?;
        verify_inclusion(&leaf_hash(entry), self.index, checkpoint.size, &self.path, &checkpoint.root)?;
        Ok((checkpoint, signed))
    }
}

fn parse_extra(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok().filter(|extra| extra.len() <= MAX_ENTRY_BYTES)
}
