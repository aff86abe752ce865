//! Report bundles: a version of a report as one file that proves itself (FORMAT.md §12).

mod line;
mod write;

use serde::{Deserialize, Serialize};

pub(crate) use line::{FigureLine, PartLine, ProvenLine, smallest_unit};
pub use write::{ReportBundleError, ReportBundleWriter};

/// The value of report.json's `format`.
pub const REPORT_BUNDLE_FORMAT: &str = "veritrail-report-bundle/1";

/// What every report bundle says about itself to a person; the same bytes in each.
pub(crate) const README: &str = include_str!("readme.txt");

pub(crate) const README_NAME: &str = "README.txt";
pub(crate) const REPORT_NAME: &str = "report.json";
pub(crate) const CHECKPOINT_NAME: &str = "checkpoint";
pub(crate) const VKEYS_NAME: &str = "vkeys";
pub(crate) const FIGURES_NAME: &str = "figures.ndjson";
pub(crate) const PARTS_NAME: &str = "contributions.ndjson";
pub(crate) const ENTRIES_NAME: &str = "entries.ndjson";
/// What the names of validators' outputs begin with; the SHA-256 follows.
pub(crate) const OUTPUTS: &str = "validations/";

/// Members besides the validators' outputs.
pub(crate) const FIXED_MEMBERS: usize = 8;

/// The most validators' outputs in a report bundle, and the most entries that tell what became of a version.
pub(crate) const MAX_OUTPUTS: usize = 1_000;

/// The most bytes in a document's file name.
const MAX_FILE_NAME: usize = 128;

/// What a report bundle says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportHead {
    /// The document's file name: 1 to 128 letters, digits, `-`, `_` and `.`, which is not the first.
    pub document: String,
    /// The entry that says what the version became.
    pub entry: u64,
    /// How many figures there are.
    pub figures: u64,
    /// The document's media type.
    pub media_type: String,
    /// The version's number.
    pub n: u64,
    /// The log.
    pub origin: String,
    /// What the report covers.
    pub period: String,
    /// The report's id.
    pub report: String,
    /// The report's type.
    pub report_type: String,
}

/// report.json: canonical JSON, keys in order, numbers as strings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeadFile {
    pub(crate) document: String,
    pub(crate) entry: String,
    pub(crate) figures: String,
    pub(crate) format: String,
    pub(crate) media_type: String,
    pub(crate) n: String,
    pub(crate) origin: String,
    pub(crate) period: String,
    pub(crate) report: String,
    pub(crate) report_type: String,
}

impl From<&ReportHead> for HeadFile {
    fn from(head: &ReportHead) -> Self {
        Self {
            document: head.document.clone(),
            entry: head.entry.to_string(),
            figures: head.figures.to_string(),
            format: REPORT_BUNDLE_FORMAT.to_owned(),
            media_type: head.media_type.clone(),
            n: head.n.to_string(),
            origin: head.origin.clone(),
            period: head.period.clone(),
            report: head.report.clone(),
            report_type: head.report_type.clone(),
        }
    }
}

impl HeadFile {
    /// What it says; none where a number is none.
    pub(crate) fn read(self) -> Option<ReportHead> {
        let number = |text: &str| crate::scan::decimal(text.as_bytes());
        Some(ReportHead {
            entry: number(&self.entry)?,
            figures: number(&self.figures)?,
            n: number(&self.n)?,
            document: self.document,
            media_type: self.media_type,
            origin: self.origin,
            period: self.period,
            report: self.report,
            report_type: self.report_type,
        })
    }
}

/// Whether a name can be the document's: a plain file name that no other member has.
pub(crate) fn is_file_name(name: &str) -> bool {
    let fits = (1..=MAX_FILE_NAME).contains(&name.len()) && !name.starts_with('.');
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let taken = [
        README_NAME,
        REPORT_NAME,
        CHECKPOINT_NAME,
        VKEYS_NAME,
        FIGURES_NAME,
        PARTS_NAME,
        ENTRIES_NAME,
        "validations",
    ];
    fits && plain && !taken.iter().any(|taken| taken.eq_ignore_ascii_case(name))
}
