//! What was wrong with a delivery, and where.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Fault;

/// One thing that was wrong with one line of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Finding {
    /// The line, counted from 1 with every line of the file, a header and blank lines included.
    #[schema(example = 17)]
    pub line: u64,
    /// The field: a JSON pointer (RFC 6901) in JSON, the column's name in a table. Absent when the whole line
    /// is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/amount/amount")]
    pub pointer: Option<String>,
    /// The stable, snake_case name of the reason, for programs.
    #[schema(value_type = String, example = "too_many_decimals")]
    pub code: Cow<'static, str>,
    /// The reason as a sentence, for people.
    #[schema(example = "EUR has 2 decimals, and the amount has more")]
    pub detail: String,
}

impl Finding {
    /// The code of a [`Finding`] after which nothing more was read: the input itself failed.
    pub const READ_FAILED: &'static str = "read_failed";

    /// The codes of findings after which nothing more was read: the document itself does not hold together.
    const END_READING: [&'static str; 9] = [
        Self::READ_FAILED,
        "malformed_xml",
        "dtd_refused",
        "entity_refused",
        "unsupported_encoding",
        "element_too_long",
        "too_deep",
        "unknown_document",
        "unknown_message",
    ];

    /// A finding about a whole line.
    #[must_use]
    pub fn on_line(line: u64, code: &'static str, detail: impl Into<String>) -> Self {
        Self { line, pointer: None, code: code.into(), detail: detail.into() }
    }

    /// A finding about one field of a line.
    #[must_use]
    pub fn at(line: u64, pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { line, pointer: Some(pointer.into()), code: code.into(), detail: detail.into() }
    }

    /// A finding that a field's value was refused.
    #[must_use]
    pub fn of(line: u64, pointer: impl Into<String>, fault: &impl Fault) -> Self {
        Self::at(line, pointer, fault.code(), fault.to_string())
    }

    /// Whether the rest of the input was never seen, so that skipping this line is no way on.
    #[must_use]
    pub fn ends_reading(&self) -> bool {
        Self::END_READING.contains(&self.code.as_ref())
    }
}

#[cfg(test)]
impl Finding {
    /// The code of a finding that was made here, for comparing.
    pub(crate) fn made(&self) -> &'static str {
        match self.code {
            Cow::Borrowed(code) => code,
            Cow::Owned(ref code) => panic!("{code} was read, not made"),
        }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.pointer {
            Some(pointer) => write!(f, "line {}, {pointer}: {} ({})", self.line, self.detail, self.code),
            None => write!(f, "line {}: {} ({})", self.line, self.detail, self.code),
        }
    }
}

/// The findings about one delivery: the first hundred in full, and how many there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Findings {
    /// The first findings, in the order of the lines.
    #[schema(max_items = 100)]
    kept: Vec<Finding>,
    /// How many findings there are, kept or not.
    #[schema(example = 1)]
    total: u64,
}

impl Findings {
    /// How many findings are kept: enough to see a pattern, and never an answer as large as the delivery.
    pub const KEPT: usize = 100;

    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self { kept: Vec::new(), total: 0 }
    }

    /// Counts a finding, and keeps it while there is room.
    pub fn push(&mut self, finding: Finding) {
        self.total += 1;
        if self.kept.len() < Self::KEPT {
            self.kept.push(finding);
        }
    }

    /// The findings that were kept.
    #[must_use]
    pub fn kept(&self) -> &[Finding] {
        &self.kept
    }

    /// How many there are, kept or not.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }
}

impl From<Finding> for Findings {
    fn from(finding: Finding) -> Self {
        Self { kept: vec![finding], total: 1 }
    }
}

impl Extend<Finding> for Findings {
    fn extend<I: IntoIterator<Item = Finding>>(&mut self, findings: I) {
        findings.into_iter().for_each(|finding| self.push(finding));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_hundred_are_kept_and_all_are_counted() {
        let mut findings = Findings::new();
        findings.extend((1..=250).map(|line| Finding::on_line(line, "malformed_json", "")));
        assert_eq!(findings.total(), 250);
        assert_eq!(findings.kept().len(), Findings::KEPT);
        assert_eq!(findings.kept().last().map(|finding| finding.line), Some(100));
    }

    #[test]
    fn a_finding_reads_as_a_sentence() {
        let finding = Finding::at(3, "/amount", "missing_field", "the field is missing");
        assert_eq!(finding.to_string(), "line 3, /amount: the field is missing (missing_field)");
    }
}
