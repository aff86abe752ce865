//! What can be wrong with a report bundle, besides what can be wrong with any bundle.

/// The first thing that is wrong with a report. A position counts a figure's contributions from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportFault {
    /// The document is not the one that was recorded.
    #[error(
        "the document was altered: entry {seq} names one of {expected_bytes} bytes with SHA-256 {expected}, here are \
         {found_bytes} bytes with SHA-256 {found}"
    )]
    Document {
        /// The entry that names it.
        seq: u64,
        /// The hash that it names.
        expected: String,
        /// The length that it names.
        expected_bytes: String,
        /// The hash of what is here.
        found: String,
        /// Its length.
        found_bytes: u64,
    },
    /// The list of figures is not the one that was recorded.
    #[error(
        "the list of figures was altered: entry {seq} names SHA-256 {expected}, it has {found}{}",
        first.as_ref().map(|first| format!("; {first}")).unwrap_or_default()
    )]
    Figures {
        /// The entry that names its hash.
        seq: u64,
        /// The hash that it names.
        expected: String,
        /// The hash of what is here.
        found: String,
        /// The first thing in it that doesn't fit.
        first: Option<String>,
    },
    /// A line of figures.ndjson is malformed.
    #[error("figures.ndjson: line {line} is malformed")]
    FigureLine {
        /// The line, from 1.
        line: u64,
    },
    /// A figure is not what its contributions and inputs make.
    #[error(
        "figure {figure}: its contributions and inputs make {expected} in the smallest unit, it says {found}"
    )]
    Value {
        /// The figure's name.
        figure: String,
        /// What they make.
        expected: String,
        /// Its value.
        found: String,
    },
    /// A line of contributions.ndjson is malformed.
    #[error("contributions.ndjson: line {line} is malformed")]
    ContributionLine {
        /// The line, from 1.
        line: u64,
    },
    /// A contribution is missing.
    #[error("figure {figure}: contribution {position} of {parts} is missing")]
    ContributionMissing {
        /// The figure's name.
        figure: String,
        /// The first missing one.
        position: u64,
        /// How many it has.
        parts: u64,
    },
    /// A contribution is not one of the figure's, or of no figure's.
    #[error("contribution {position} of the figure at position {figure} was added or is out of order")]
    ContributionAdded {
        /// The figure's position among the figures.
        figure: u64,
        /// The contribution's.
        position: u64,
    },
    /// A contribution was altered.
    #[error(
        "figure {figure}: a contribution was altered: its {parts} contributions are to add {credit} and take away \
         {debit}, here they add {found_credit} and take away {found_debit}, and the root over them is another"
    )]
    Contributions {
        /// The figure's name.
        figure: String,
        /// How many it has.
        parts: u64,
        /// What they must add.
        credit: String,
        /// What they must take away.
        debit: String,
        /// What those here add.
        found_credit: u128,
        /// What those here take away.
        found_debit: u128,
    },
    /// A contribution rests on nothing that it could rest on.
    #[error("figure {figure}: contribution {position} names entry {seq}, {why}")]
    Unfounded {
        /// The figure's name.
        figure: String,
        /// The contribution.
        position: u64,
        /// The entry that it names.
        seq: u64,
        /// Why it can't rest on that.
        why: &'static str,
    },
    /// A line of entries.ndjson is malformed.
    #[error("entries.ndjson: line {line} is malformed")]
    EntryLine {
        /// The line, from 1.
        line: u64,
    },
    /// An entry stands out of order or twice.
    #[error("entry {seq} is out of order")]
    EntryOrder {
        /// The entry.
        seq: u64,
    },
    /// An entry is of no use here.
    #[error("entry {seq} was added: no figure rests on it")]
    EntryAdded {
        /// The entry.
        seq: u64,
    },
    /// What an entry says doesn't fit this report.
    #[error("entry {seq}: {why}")]
    Entry {
        /// The entry.
        seq: u64,
        /// What doesn't fit.
        why: &'static str,
    },
    /// An entry is missing that must be here.
    #[error("the entry that says {what} is missing")]
    EntryMissing {
        /// What it says.
        what: &'static str,
    },
    /// What a validator printed is not what was recorded.
    #[error("a validator's output was altered: it is to have SHA-256 {expected}, it has {found}")]
    Output {
        /// The hash that its name says.
        expected: String,
        /// The hash of what is here.
        found: String,
    },
    /// What a validator printed is missing.
    #[error("what the validator of entry {seq} printed is missing: SHA-256 {sha256}")]
    OutputMissing {
        /// The entry that names it.
        seq: u64,
        /// The hash.
        sha256: String,
    },
    /// Something is among the validators' outputs that no entry names.
    #[error("{name} was added: no validation's entry names it")]
    OutputAdded {
        /// The member's name.
        name: String,
    },
}

impl ReportFault {
    /// The entry that is to blame, if it is a single one.
    pub fn seq(&self) -> Option<u64> {
        match *self {
            Self::Unfounded { seq, .. }
            | Self::EntryOrder { seq }
            | Self::EntryAdded { seq }
            | Self::Entry { seq, .. }
            | Self::OutputMissing { seq, .. } => Some(seq),
            _ => None,
        }
    }

    /// A stable name for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Document { .. } => "document_altered",
            Self::Figures { .. } => "figures_altered",
            Self::FigureLine { .. } => "figure_line",
            Self::Value { .. } => "figure_value",
            Self::ContributionLine { .. } => "contribution_line",
            Self::ContributionMissing { .. } => "contribution_missing",
            Self::ContributionAdded { .. } => "contribution_added",
            Self::Contributions { .. } => "contribution_altered",
            Self::Unfounded { .. } => "contribution_unfounded",
            Self::EntryLine { .. } => "entry_line",
            Self::EntryOrder { .. } => "entry_order",
            Self::EntryAdded { .. } => "entry_added",
            Self::Entry { .. } => "report_entry",
            Self::EntryMissing { .. } => "entry_missing",
            Self::Output { .. } => "output_altered",
            Self::OutputMissing { .. } => "output_missing",
            Self::OutputAdded { .. } => "output_added",
        }
    }
}
