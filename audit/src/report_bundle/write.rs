//! Writes a report bundle as it streams by.

use std::io::{self, Read, Seek, Write};

use super::{
    CHECKPOINT_NAME, ENTRIES_NAME, FIGURES_NAME, HeadFile, MAX_OUTPUTS, OUTPUTS, PARTS_NAME, PartLine,
    ProvenLine, README, README_NAME, REPORT_NAME, ReportHead, VKEYS_NAME, is_file_name,
};
use crate::bundle::{MAX_NOTES, json_line};
use crate::checkpoint::Checkpoint;
use crate::commit::{MAX_PAYLOAD_BYTES, Salt};
use crate::entry::{Entry, EntryError};
use crate::hash::Hash;
use crate::merkle::inclusion_spans;
use crate::note::{KeyError, NoteError, VerifierKey};
use crate::zip::ZipWriter;

/// Why a report bundle can't be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportBundleError {
    /// The file can't be written, or what goes into it can't be read.
    #[error("cannot write the bundle: {0}")]
    Io(#[from] io::Error),
    /// An entry's bytes are not canonical.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The checkpoint is malformed.
    #[error("a bundle's checkpoint: {0}")]
    Checkpoint(#[from] NoteError),
    /// A key is malformed.
    #[error("a bundle's key: {0}")]
    Key(#[from] KeyError),
    /// report.json can't be written.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The parts don't make a bundle.
    #[error("not a report bundle: {0}")]
    Shape(&'static str),
}

/// What is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Document,
    Figures,
    Parts,
    Entries,
    Outputs,
}

/// Writes a report bundle: the document, then every figure, every contribution, every entry and every
/// validator's output, each in their order. Memory use doesn't grow with any of them. Sums, hashes and
/// signatures are not verified: that is the verifier's.
pub struct ReportBundleWriter<W> {
    zip: ZipWriter<W>,
    head: ReportHead,
    size: u64,
    stage: Stage,
    figures: u64,
    part: Option<(u64, u64)>,
    seq: Option<u64>,
    has_entry: bool,
    outputs: Vec<Hash>,
    line: Vec<u8>,
}

fn shape<T>(why: &'static str) -> Result<T, ReportBundleError> {
    Err(ReportBundleError::Shape(why))
}

impl<W: Write + Seek> ReportBundleWriter<W> {
    /// Begins a report bundle under a signed checkpoint at the start of `out`.
    ///
    /// # Errors
    /// [`ReportBundleError`] if the checkpoint is malformed, of another log or too old, if a key is malformed,
    /// or if the document's file name can't be one.
    pub fn new(
        out: W,
        head: ReportHead,
        checkpoint: &str,
        vkeys: &[String],
    ) -> Result<Self, ReportBundleError> {
        let Checkpoint { origin, size, .. } = Checkpoint::parse_note(checkpoint)?;
        if origin != head.origin || head.entry >= size {
            return shape("the checkpoint is another log's or does not cover the report's entry");
        }
        if !is_file_name(&head.document) {
            return shape("the document's file name cannot be one");
        }
        if vkeys.is_empty() || vkeys.len() > MAX_NOTES {
            return shape("no key, or too many keys");
        }
        for vkey in vkeys {
            VerifierKey::parse(vkey)?;
        }
        let keys: String = vkeys.iter().map(|vkey| format!("{vkey}\n")).collect();
        let report = json_line(&HeadFile::from(&head))?;
        let mut zip = ZipWriter::new(out);
        for (name, content) in [
            (README_NAME, README),
            (REPORT_NAME, report.as_str()),
            (CHECKPOINT_NAME, checkpoint),
            (VKEYS_NAME, keys.as_str()),
        ] {
            zip.open(name)?;
            zip.put(content.as_bytes())?;
        }
        Ok(Self {
            zip,
            head,
            size,
            stage: Stage::Document,
            figures: 0,
            part: None,
            seq: None,
            has_entry: false,
            outputs: Vec::new(),
            line: Vec::new(),
        })
    }

    /// Writes the document, which is read to its end.
    ///
    /// # Errors
    /// [`ReportBundleError`] if it was written before, or can't be read.
    pub fn document(&mut self, document: &mut impl Read) -> Result<(), ReportBundleError> {
        if self.stage != Stage::Document {
            return shape("the document stands before all else, and once");
        }
        self.zip.open(self.head.document.clone())?;
        self.copy(document)?;
        self.zip.open(FIGURES_NAME)?;
        self.stage = Stage::Figures;
        Ok(())
    }

    fn copy(&mut self, from: &mut impl Read) -> io::Result<()> {
        let mut buffer = vec![0; 1 << 16];
        loop {
            match from.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => self.zip.put(&buffer[..read])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes the next figure: its line in the list of figures, with its end.
    ///
    /// # Errors
    /// [`ReportBundleError`] if it is no line, or comes before the document or after a contribution.
    pub fn figure(&mut self, line: &[u8]) -> Result<(), ReportBundleError> {
        if self.stage != Stage::Figures {
            return shape("figures stand after the document and before contributions");
        }
        if line.iter().position(|&byte| byte == b'\n') != Some(line.len().wrapping_sub(1)) {
            return shape("a figure is not one line");
        }
        self.figures += 1;
        Ok(self.zip.put(line)?)
    }

    /// Writes the next contribution: what the record of entry `seq` adds to the figure of a position, in its
    /// smallest unit. Figures ascend, and so do the positions in each.
    ///
    /// # Errors
    /// [`ReportBundleError`] if it is out of order.
    pub fn contribution(
        &mut self,
        figure: u64,
        position: u64,
        seq: u64,
        amount: i64,
    ) -> Result<(), ReportBundleError> {
        self.advance(Stage::Parts)?;
        if self.part.is_some_and(|before| before >= (figure, position)) {
            return shape("a contribution is out of order");
        }
        self.part = Some((figure, position));
        self.line.clear();
        PartLine { amount, figure, position, seq }.write(&mut self.line);
        Ok(self.zip.put(&self.line)?)
    }

    /// Writes the next entry: its bytes, its audit path at the checkpoint, and its payload with its salt. Seqs
    /// ascend.
    ///
    /// # Errors
    /// [`ReportBundleError`] if it is not canonical, not of this log, not covered, or out of order.
    pub fn entry(
        &mut self,
        bytes: &[u8],
        path: &[Hash],
        salt: &Salt,
        payload: &[u8],
    ) -> Result<(), ReportBundleError> {
        self.advance(Stage::Entries)?;
        let entry = Entry::parse(bytes)?;
        if entry.log != self.head.origin || entry.seq >= self.size {
            return shape("an entry is another log's or the checkpoint does not cover it");
        }
        if self.seq.is_some_and(|before| before >= entry.seq) {
            return shape("an entry is out of order");
        }
        if path.len() != inclusion_spans(entry.seq, self.size).len() {
            return shape("an audit path has the wrong length");
        }
        let object = payload.starts_with(b"{") && payload.ends_with(b"}");
        if !object || payload.len() > MAX_PAYLOAD_BYTES || payload.iter().any(|&byte| byte < 0x20) {
            return shape("a payload is too long or not a JSON object on one line");
        }
        self.seq = Some(entry.seq);
        self.has_entry |= entry.seq == self.head.entry;
        self.line.clear();
        ProvenLine::write(bytes, path, payload, salt, &mut self.line);
        Ok(self.zip.put(&self.line)?)
    }

    /// Writes what a validator printed, which is read to its end. Hashes ascend; what two validators printed
    /// alike stands once.
    ///
    /// # Errors
    /// [`ReportBundleError`] if it is out of order, or can't be read.
    pub fn output(&mut self, sha256: Hash, output: &mut impl Read) -> Result<(), ReportBundleError> {
        self.advance(Stage::Outputs)?;
        if self.outputs.last().is_some_and(|before| *before >= sha256) || self.outputs.len() == MAX_OUTPUTS {
            return shape("too many validators' outputs, or one is out of order");
        }
        self.outputs.push(sha256);
        self.zip.open(format!("{OUTPUTS}{sha256}"))?;
        Ok(self.copy(output)?)
    }

    /// Ends the bundle, and returns the file.
    ///
    /// # Errors
    /// [`ReportBundleError`] if figures or the report's entry are missing.
    pub fn finish(mut self) -> Result<W, ReportBundleError> {
        self.advance(Stage::Outputs)?;
        if !self.has_entry {
            return shape("the entry that says what the version became is missing");
        }
        Ok(self.zip.finish()?)
    }

    /// Goes on to a stage; the members of those that are passed are there, if empty.
    fn advance(&mut self, to: Stage) -> Result<(), ReportBundleError> {
        if self.stage == Stage::Document || self.stage > to {
            return shape("the parts come in another order");
        }
        while self.stage < to {
            self.stage = match self.stage {
                Stage::Document | Stage::Figures => {
                    if self.figures != self.head.figures {
                        return shape("there are not as many figures as report.json says");
                    }
                    self.zip.open(PARTS_NAME)?;
                    Stage::Parts
                }
                Stage::Parts => {
                    self.zip.open(ENTRIES_NAME)?;
                    Stage::Entries
                }
                Stage::Entries | Stage::Outputs => Stage::Outputs,
            };
        }
        Ok(())
    }
}
