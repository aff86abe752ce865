//! What a good report bundle's verdict says.

use super::super::report::Signers;
use super::super::{Level, VerifyOptions, Witness};
use super::Facts;
use super::entries::Said;
use crate::hash::Hash;
use crate::report_bundle::ReportHead;

/// What a validator said of the version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidationFact {
    /// Its entry.
    pub seq: u64,
    /// The validator.
    pub validator: String,
    /// The validator's version.
    pub version: String,
    /// `passed` or `failed`.
    pub verdict: String,
    /// The SHA-256 of what it printed.
    pub output: Hash,
}

/// A delivery of the version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryFact {
    /// Its entry.
    pub seq: u64,
    /// To whom.
    pub recipient: String,
    /// By what way.
    pub channel: String,
    /// When.
    pub delivered_at: String,
}

/// The verdict on a report bundle that nothing is wrong with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportVerdict {
    /// How far it can be trusted.
    pub level: Level,
    /// What it is about.
    pub head: ReportHead,
    /// How the version stands to the ones before: `new`, `correction` …
    pub kind: String,
    /// `ready`, or `refused` where errors were found.
    pub state: String,
    /// The last entry that the version takes into account.
    pub as_of: u64,
    /// The document's SHA-256 in hex.
    pub sha256: String,
    /// The document's length.
    pub bytes: String,
    /// How many contributions the figures have.
    pub contributions: u64,
    /// How many transactions' records they rest on.
    pub records: u64,
    /// How many approved adjustments are here.
    pub adjustments: u64,
    /// What validators said.
    pub validations: Vec<ValidationFact>,
    /// To whom it was delivered.
    pub deliveries: Vec<DeliveryFact>,
    /// When it was ordered, in microseconds since 1970, by the log's clock; none where the document was made
    /// elsewhere.
    pub ordered_at_us: Option<i64>,
    /// When it was made.
    pub made_at_us: i64,
    /// Entries in the log at the checkpoint.
    pub size: u64,
    /// The root at the checkpoint.
    pub root: Hash,
    /// Checkpoints given from outside that could be compared, out of how many.
    pub seen: (u64, u64),
    /// The keys that the bundle names as the log's own. They prove nothing by themselves.
    pub vkeys: Vec<String>,
    /// The vkeys from outside that signed the checkpoint.
    pub signed_by: Vec<String>,
    /// The witnesses from outside that cosigned it.
    pub witnessed_by: Vec<Witness>,
    /// The names of those that were given and have not.
    pub not_witnessed_by: Vec<String>,
}

impl ReportVerdict {
    /// When it was ordered, as text.
    pub fn ordered_at(&self) -> Option<String> {
        self.ordered_at_us.map(crate::time::text)
    }

    /// When it was made, as text.
    pub fn made_at(&self) -> String {
        crate::time::text(self.made_at_us)
    }

    /// What the level means for a report, in a sentence.
    pub fn meaning(&self) -> &'static str {
        match self.level {
            Level::Consistent => {
                "The document, its figures and its records fit each other and the checkpoint, but no key from outside \
                 the file vouches for it."
            }
            Level::Signed | Level::Anchored => {
                "The document is the one that was recorded, its figures add up, and the log signed every record that \
                 they rest on."
            }
            Level::Witnessed => {
                "The document is the one that was recorded, its figures add up, the log signed every record that they \
                 rest on, and an independent witness saw that it only ever grew."
            }
        }
    }
}

pub(super) fn verdict(
    facts: Facts,
    said: Said,
    contributions: u64,
    seen: (u64, u64),
    signers: Signers,
    options: &VerifyOptions,
) -> ReportVerdict {
    let level = Level::of(&signers);
    let cosigned = |name: &str| signers.witnesses.iter().any(|witness| witness.name == name);
    let missing = options.witnesses.iter().filter(|key| !cosigned(key.name()));
    let not_witnessed_by = missing.map(|key| key.name().to_owned()).collect();
    let ((records, adjustments), as_of) = (said.counts(), said.as_of());
    let text = |pick: fn(&super::entries::Outcome) -> Option<String>| {
        said.outcome.as_ref().and_then(pick).unwrap_or_default()
    };
    ReportVerdict {
        level,
        kind: text(|outcome| Some(outcome.kind.clone())),
        state: text(|outcome| Some(outcome.state.clone())),
        as_of,
        sha256: text(|outcome| outcome.sha256.clone()),
        bytes: text(|outcome| outcome.bytes.clone()),
        contributions,
        records,
        adjustments,
        ordered_at_us: said.ordered_at_us,
        made_at_us: said.made_at_us,
        validations: said.validations,
        deliveries: said.deliveries,
        size: facts.checkpoint.size,
        root: facts.checkpoint.root,
        seen,
        vkeys: facts.vkeys.iter().map(|key| key.vkey()).collect(),
        head: facts.head,
        signed_by: signers.keys,
        witnessed_by: signers.witnesses,
        not_witnessed_by,
    }
}
