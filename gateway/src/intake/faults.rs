//! Gathering all faults of a line.

use crate::domain::{Fault, Finding};

/// The most findings that one line yields, so that a hostile line cannot make a flood of them.
pub(super) const MAX_PER_LINE: usize = 20;

/// The longest excerpt of a delivered word that a finding repeats, in characters.
const MAX_EXCERPT: usize = 40;

/// The faults found in a line so far.
#[derive(Debug)]
pub(super) struct Faults {
    line: u64,
    findings: Vec<Finding>,
}

impl Faults {
    pub(super) fn on(line: u64) -> Self {
        Self { line, findings: Vec::new() }
    }

    /// Notes a fault of a field.
    pub(super) fn at(&mut self, pointer: &str, code: &'static str, detail: impl Into<String>) {
        if self.findings.len() < MAX_PER_LINE {
            self.findings.push(Finding::at(self.line, pointer, code, detail));
        }
    }

    /// Notes that a field has no value.
    pub(super) fn missing(&mut self, pointer: &str) {
        self.at(pointer, "missing_field", "a value is required");
    }

    /// The value, or none and a note of why it was refused.
    pub(super) fn keep<T, F: Fault>(&mut self, pointer: &str, result: Result<T, F>) -> Option<T> {
        result.map_err(|fault| self.at(pointer, fault.code(), fault.to_string())).ok()
    }

    /// How many were noted so far.
    pub(super) fn len(&self) -> usize {
        self.findings.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}

/// A word is not one of those that its field knows.
#[derive(Debug, thiserror::Error)]
#[error("`{word}` is not one of {known}")]
pub(super) struct UnknownWord {
    word: String,
    known: String,
}

impl UnknownWord {
    /// That `word` is none of the `known` ones.
    pub(super) fn new<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        Self { word: excerpt(word), known: known.join(", ") }
    }
}

impl Fault for UnknownWord {
    fn code(&self) -> &'static str {
        "unknown_value"
    }
}

/// A delivered word as a finding repeats it: not too long, and nothing in it that would break a line.
pub(super) fn excerpt(word: &str) -> String {
    let mut short: String =
        word.chars().take(MAX_EXCERPT).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if word.chars().nth(MAX_EXCERPT).is_some() {
        short.push('…');
    }
    short
}
