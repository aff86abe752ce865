//! Intakes: files of records, as the ledger has them.

use serde::{Deserialize, Serialize};

use super::{IntakeId, Text, transaction::canonical};

/// A file that a feeder delivered, on record before anything of it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
// Fields in sorted order: see the parent module for why that matters.
pub struct Intake {
    /// The file's size.
    pub bytes: String,
    /// Whether it is only to be looked at.
    pub dry_run: bool,
    /// What the feeder calls it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file_name: Option<String>,
    /// Its format's name.
    pub format: String,
    /// Its id.
    pub id: IntakeId,
    /// Of a table: the SHA-256 of the mapping, in hex.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mapping_sha256: Option<String>,
    /// `abort` or `skip`: what becomes of good records beside faulty ones.
    pub on_error: String,
    /// The file's SHA-256 in hex.
    pub sha256: Text<64>,
    /// Always `intake`.
    #[serde(rename = "type")]
    pub kind: IntakeKind,
}

/// The `type` of an intake.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntakeKind {
    /// The only one.
    #[default]
    Intake,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
// Fields in sorted order: see the parent module for why that matters.
pub struct IntakeOutcome {
    /// Records that it added.
    pub added: String,
    /// Figures in it that do not fit together.
    pub breaks: String,
    /// Faults in it.
    pub faults: String,
    /// The intake.
    pub id: IntakeId,
    /// `stored`, `examined`, `refused` or `failed`.
    pub outcome: String,
    /// Records in it that can be read.
    pub records: String,
    /// Statements in it.
    pub statements: String,
    /// Always `intake_outcome`.
    #[serde(rename = "type")]
    pub kind: IntakeOutcomeKind,
    /// Records in it that were there already.
    pub unchanged: String,
}

/// The `type` of an intake's outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntakeOutcomeKind {
    /// The only one.
    #[default]
    IntakeOutcome,
}

impl Intake {
    /// The bytes that the ledger commits to: RFC 8785 canonical JSON.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        canonical(self)
    }
}

impl IntakeOutcome {
    /// The bytes that the ledger commits to: RFC 8785 canonical JSON.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        canonical(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payloads_are_what_rfc_8785_says() {
        let id = IntakeId::from_uuid(uuid::Uuid::from_u128(7));
        let text = |text: &str| text.to_owned();
        let intake = Intake {
            bytes: text("12"),
            dry_run: false,
            file_name: Some(text("januar.xml")),
            format: text("camt"),
            id,
            mapping_sha256: None,
            on_error: text("abort"),
            sha256: Text::new("00").unwrap(),
            kind: IntakeKind::Intake,
        };
        assert_eq!(intake.payload(), serde_json_canonicalizer::to_vec(&intake).unwrap());
        let outcome = IntakeOutcome {
            added: text("1"),
            breaks: text("0"),
            faults: text("0"),
            id,
            outcome: text("stored"),
            records: text("1"),
            statements: text("1"),
            kind: IntakeOutcomeKind::IntakeOutcome,
            unchanged: text("0"),
        };
        assert_eq!(outcome.payload(), serde_json_canonicalizer::to_vec(&outcome).unwrap());
    }
}
