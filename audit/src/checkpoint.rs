//! Checkpoints: a log's size and root, as a note's text (c2sp.org/tlog-checkpoint).

use crate::entry::is_origin;
use crate::hash::{Hash, empty_root};
use crate::note::{Note, NoteError, parse_size};

/// What a log signs. Extension lines, which the spec advises against, are neither written nor read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's origin.
    pub origin: String,
    /// Entries in the log.
    pub size: u64,
    /// The Merkle root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed: origin, size and base64 root, each on its line.
    pub fn body(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root.to_base64())
    }

    /// Reads a checkpoint's text.
    ///
    /// # Errors
    /// [`NoteError::Format`] unless it is exactly what [`Checkpoint::body`] writes, and for an empty log
    /// with another root than the empty tree's.
    pub fn parse_body(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root), Some(""), None) =
            (lines.next(), lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(NoteError::Format("a checkpoint's text has three lines"));
        };
        if !is_origin(origin) {
            return Err(NoteError::Format("the first line is no origin"));
        }
        let size = parse_size(size).ok_or(NoteError::Format("the second line is no size"))?;
        let root = Hash::from_base64(root).map_err(|_| NoteError::Format("the third line is no root"))?;
        if size == 0 && root != empty_root() {
            return Err(NoteError::Format("an empty log has the empty tree's root"));
        }
        Ok(Self { origin: origin.to_owned(), size, root })
    }

    /// Reads the checkpoint in a signed note. The signatures are **not** verified: see
    /// [`verify_note`](crate::verify_note).
    ///
    /// # Errors
    /// [`NoteError::Format`] if the note or its text is malformed.
    pub fn parse_note(note: &str) -> Result<Self, NoteError> {
        Self::parse_body(Note::parse(note)?.text())
    }
}
