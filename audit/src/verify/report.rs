//! What a good bundle's verdict says.

use super::open::Opened;
use super::{VerifyOptions, count_kinds, fold::Fold};
use crate::checkpoint::Checkpoint;
use crate::entry::Kind;
use crate::hash::Hash;

/// How far a bundle can be trusted; each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The parts fit each other. Whoever made the file may have made all of it.
    Consistent,
    /// The log's key, known from outside, signed exactly these entries.
    Signed,
    /// The log's head was bound into the anchor log, with a time from outside. This version of the format
    /// has no anchors, so no bundle reaches this level by one.
    Anchored,
    /// A witness, known from outside, saw the checkpoint as the continuation of all that it saw before.
    Witnessed,
}

impl Level {
    /// The level that signatures by keys from outside lift a bundle to.
    pub(super) fn of(signers: &Signers) -> Self {
        match (signers.keys.is_empty(), signers.witnesses.is_empty()) {
            (true, _) => Self::Consistent,
            (false, true) => Self::Signed,
            (false, false) => Self::Witnessed,
        }
    }

    /// The level's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Consistent => "CONSISTENT",
            Self::Signed => "SIGNED",
            Self::Anchored => "ANCHORED",
            Self::Witnessed => "WITNESSED",
        }
    }

    /// What the level means, in a sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Consistent => {
                "The entries fit each other and the checkpoint, but no key from outside the file vouches for it."
            }
            Self::Signed => {
                "The log signed exactly these entries: none was altered, dropped, added or moved since."
            }
            Self::Anchored => {
                "The log signed exactly these entries, and its head was bound into the anchor log."
            }
            Self::Witnessed => {
                "The log signed exactly these entries, and an independent witness saw that it only ever grew."
            }
        }
    }
}

/// A witness's cosignature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// The witness's name.
    pub name: String,
    /// When it signed, in seconds since 1970, by its own clock.
    pub time_s: u64,
}

impl Witness {
    /// The time as text; None beyond the year 9999.
    pub fn at(&self) -> Option<String> {
        let at_us = i64::try_from(self.time_s).ok()?.checked_mul(1_000_000)?;
        (at_us <= crate::time::MAX_US).then(|| crate::time::text(at_us))
    }
}

/// Who signed, of those known from outside.
pub(super) struct Signers {
    pub(super) keys: Vec<String>,
    pub(super) witnesses: Vec<Witness>,
}

/// The verdict on a bundle that nothing is wrong with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How far it can be trusted.
    pub level: Level,
    /// The log.
    pub origin: String,
    /// The first entry's seq.
    pub from: u64,
    /// The seq after the last entry's.
    pub to: u64,
    /// Entries in the log at the checkpoint.
    pub size: u64,
    /// The root at the checkpoint.
    pub root: Hash,
    /// When the first entry was made, in microseconds since 1970, by the log's clock.
    pub first_at_us: i64,
    /// When the last entry was made.
    pub last_at_us: i64,
    /// How many entries of each kind there are; kinds that don't occur are left out.
    pub kinds: Vec<(Kind, u64)>,
    /// Payloads in the bundle, each checked against its entry's commitment.
    pub payloads: u64,
    /// Entries whose payload is not in the bundle: withheld or erased.
    pub withheld: u64,
    /// Earlier checkpoints that the entries lead through.
    pub checkpoints: u64,
    /// Checkpoints given from outside that the bundle could be held against, out of how many.
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

impl Report {
    /// The first entry's time as text.
    pub fn first_at(&self) -> String {
        crate::time::text(self.first_at_us)
    }

    /// The last entry's time as text.
    pub fn last_at(&self) -> String {
        crate::time::text(self.last_at_us)
    }
}

pub(super) fn report(
    opened: &Opened,
    options: &VerifyOptions,
    signers: &Signers,
    seen: &[Checkpoint],
    fold: &Fold<'_>,
) -> Report {
    let level = Level::of(signers);
    let (payloads, _) = fold.payload_sums();
    let size = opened.checkpoint.size;
    let compared =
        seen.iter().filter(|seen| (seen.size > opened.from && seen.size <= opened.to) || seen.size == size);
    let cosigned = |name: &str| signers.witnesses.iter().any(|witness| witness.name == name);
    let missing = options.witnesses.iter().filter(|key| !cosigned(key.name()));
    Report {
        level,
        origin: opened.origin.clone(),
        from: opened.from,
        to: opened.to,
        size,
        root: opened.checkpoint.root,
        first_at_us: fold.first_at_us,
        last_at_us: fold.end().before.map_or(0, |last| last.at_us),
        kinds: count_kinds(fold),
        payloads,
        withheld: opened.to - opened.from - payloads,
        checkpoints: opened.earlier.len() as u64,
        seen: (compared.count() as u64, options.seen.len() as u64),
        vkeys: opened.vkeys.iter().map(|key| key.vkey()).collect(),
        signed_by: signers.keys.clone(),
        witnessed_by: signers.witnesses.clone(),
        not_witnessed_by: missing.map(|key| key.name().to_owned()).collect(),
    }
}
