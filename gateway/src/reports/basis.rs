//! What a version of a report is made of, besides records.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::Period;
use crate::domain::ReportId;

/// How a version stands to the ones before (CESOP's kinds of message).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionKind {
    /// The first.
    New,
    /// It takes the place of the one before.
    Correction,
    /// It withdraws the one before: nothing takes its place.
    Cancellation,
    /// There was nothing to report.
    NothingToReport,
}

impl VersionKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::New, Self::Correction, Self::Cancellation, Self::NothingToReport];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Correction => "correction",
            Self::Cancellation => "cancellation",
            Self::NothingToReport => "nothing_to_report",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What a version of a report is made of, besides records.
#[derive(Clone, Debug)]
pub struct Basis {
    /// The institution's name.
    pub institution: String,
    /// The report.
    pub report: ReportId,
    /// The version's number, from 1.
    pub number: u32,
    /// How it stands to the ones before.
    pub kind: VersionKind,
    /// Why it is made, where it is not the first.
    pub reason: Option<String>,
    /// The number of the version that it takes the place of, or withdraws.
    pub supersedes: Option<u32>,
    /// The figures of that version, by name, as text; empty for types that do not ask for them.
    pub earlier: BTreeMap<String, String>,
    /// What it covers.
    pub period: Period,
    /// The report's own parameters, checked by its definition.
    pub parameters: BTreeMap<String, String>,
    /// The last entry of the ledger that it takes into account.
    pub as_of: u64,
    /// When it was ordered.
    pub ordered_at: Timestamp,
}

impl Basis {
    /// A parameter's value.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// An id for a part of a version of this report: the same whenever it is asked for, so that a correction can
    /// name what it corrects. In the shape of a UUID of version 4, which some schemas ask for.
    #[must_use]
    pub fn id(&self, number: u32, part: &str) -> Uuid {
        let mut sha256 = Sha256::new_with_prefix(self.report.uuid().as_bytes());
        sha256.update(number.to_be_bytes());
        sha256.update(part.as_bytes());
        let digest: [u8; 32] = sha256.finalize().into();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}
