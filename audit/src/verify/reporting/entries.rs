//! The entries of a report bundle: each stands in the log, and says what it is taken for.
//!
//! Of a record only its seq is kept: 8 bytes and a mark, for a line of several hundred.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{Read, Seek};

use serde::Deserialize;

use super::stream::{Lines, Meter};
use super::{DeliveryFact, Facts, ValidationFact};
use crate::commit::{MAX_PAYLOAD_BYTES, commit};
use crate::entry::{Kind, MAX_ENTRY_BYTES};
use crate::fault::{Fault, VerifyError};
use crate::hash::{Hash, leaf_hash};
use crate::merkle::verify_inclusion;
use crate::report_bundle::{ENTRIES_NAME, MAX_OUTPUTS, ProvenLine};
use crate::report_fault::ReportFault;
use crate::scan::decimal;
use crate::zip::Member;

/// An entry, a path of 64 hashes and a payload, with what is around them.
const MAX_LINE: usize = MAX_ENTRY_BYTES + 64 * 67 + MAX_PAYLOAD_BYTES + 256;
/// The kind of thing that a transaction's entry is about.
const TRANSACTION: &str = "transaction";

/// What the entries say that the rest is held against.
#[derive(Default)]
pub(super) struct Said {
    records: Vec<u64>,
    used: Vec<bool>,
    decisions: BTreeMap<u64, Decision>,
    proposals: BTreeMap<String, Proposal>,
    pub(super) outcome: Option<Outcome>,
    pub(super) ordered_at_us: Option<i64>,
    pub(super) made_at_us: i64,
    pub(super) validations: Vec<ValidationFact>,
    pub(super) deliveries: Vec<DeliveryFact>,
    /// The document's hash as each validation and delivery names it.
    documents: Vec<(u64, Option<String>)>,
}

/// What a version became.
#[derive(Deserialize)]
pub(super) struct Outcome {
    pub(super) as_of: String,
    pub(super) bytes: Option<String>,
    pub(super) figures: String,
    pub(super) figures_sha256: Option<String>,
    pub(super) kind: String,
    media_type: Option<String>,
    n: String,
    period: String,
    report: String,
    report_type: String,
    pub(super) sha256: Option<String>,
    pub(super) state: String,
}

/// An adjustment that was approved.
pub(super) struct Decision {
    pub(super) figure: String,
    pub(super) unit: String,
    pub(super) amount: String,
}

type Proposal = (String, String, String);

#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Order {
    n: String,
    report: String,
}

#[derive(Deserialize)]
struct Verdict {
    n: String,
    output_sha256: String,
    report: String,
    sha256: Option<String>,
    validator: String,
    verdict: String,
    version: String,
}

#[derive(Deserialize)]
struct Delivered {
    channel: String,
    delivered_at: String,
    n: String,
    recipient: String,
    report: String,
    sha256: Option<String>,
}

#[derive(Deserialize)]
struct Adjusted {
    amount: String,
    figure: String,
    id: String,
    report: String,
    state: Option<String>,
    unit: String,
}

/// Reads all of them.
pub(super) fn read<R: Read + Seek>(
    file: &mut R,
    member: &Member,
    facts: &Facts,
    meter: &mut Meter<'_>,
) -> Result<Said, VerifyError> {
    let mut lines = Lines::new(ENTRIES_NAME, member, MAX_LINE);
    let mut said = Said::default();
    let mut before = None;
    while let Some(line) = lines.next(file, meter)? {
        let proven = ProvenLine::parse(&line);
        let proven = proven.ok_or(fault(ReportFault::EntryLine { line: lines.count }))?;
        let seq = proven.entry.seq;
        if before.is_some_and(|before| before >= seq) {
            return Err(fault(ReportFault::EntryOrder { seq }));
        }
        before = Some(seq);
        check(&proven, facts)?;
        said.take(&proven, facts).map_err(|why| fault(ReportFault::Entry { seq, why }))?;
    }
    lines.check()?;
    said.used = vec![false; said.records.len()];
    said.whole(facts)?;
    Ok(said)
}

fn fault(fault: ReportFault) -> VerifyError {
    Fault::from(fault).into()
}

/// That an entry stands in the log where it says, and commits to its payload.
fn check(proven: &ProvenLine<'_>, facts: &Facts) -> Result<(), Fault> {
    let seq = proven.entry.seq;
    let (size, root) = (facts.checkpoint.size, &facts.checkpoint.root);
    verify_inclusion(&leaf_hash(proven.bytes), seq, size, &proven.path, root)
        .map_err(|why| Fault::NotIncluded { seq, why })?;
    if proven.entry.log != facts.head.origin {
        return Err(Fault::WrongLog { seq, found: proven.entry.log.to_owned() });
    }
    if commit(&proven.salt, proven.payload) != proven.entry.commitment {
        return Err(Fault::Payload { seq });
    }
    Ok(())
}

fn payload<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Result<T, &'static str> {
    serde_json::from_slice(payload).map_err(|_| "its payload lacks what one of its type has")
}

impl Said {
    fn take(&mut self, proven: &ProvenLine<'_>, facts: &Facts) -> Result<(), &'static str> {
        let entry = &proven.entry;
        let Typed { kind } = payload(proven.payload)?;
        if entry.kind != Kind::Record {
            return Err("it is not of kind record");
        }
        let about = entry.subject.map_or("", |subject| subject.kind);
        match (about, kind.as_ref()) {
            (TRANSACTION, TRANSACTION) => self.records.push(entry.seq),
            (_, "report_order") => {
                let Order { n, report } = payload(proven.payload)?;
                ours(&report, Some(&n), facts)?;
                if self.ordered_at_us.replace(entry.at_us).is_some() {
                    return Err("it orders the version a second time");
                }
            }
            (_, "report_version") => self.outcome(proven, facts)?,
            (_, "report_validation") => self.validation(entry.seq, payload(proven.payload)?, facts)?,
            (_, "report_delivery") => {
                let it: Delivered = payload(proven.payload)?;
                ours(&it.report, Some(&it.n), facts)?;
                self.documents.push((entry.seq, it.sha256));
                let Delivered { recipient, channel, delivered_at, .. } = it;
                self.deliveries.push(DeliveryFact { seq: entry.seq, recipient, channel, delivered_at });
            }
            (_, "report_adjustment") => {
                let it: Adjusted = payload(proven.payload)?;
                ours(&it.report, None, facts)?;
                self.proposals.insert(it.id, (it.figure, it.unit, it.amount));
            }
            (_, "report_adjustment_decision") => self.decision(entry.seq, payload(proven.payload)?, facts)?,
            _ => return Err("it is neither a transaction's record nor about this report"),
        }
        match self.documents.len() > MAX_OUTPUTS {
            true => Err("there are too many validations and deliveries"),
            false => Ok(()),
        }
    }

    fn outcome(&mut self, proven: &ProvenLine<'_>, facts: &Facts) -> Result<(), &'static str> {
        let outcome: Outcome = payload(proven.payload)?;
        ours(&outcome.report, Some(&outcome.n), facts)?;
        let head = &facts.head;
        if proven.entry.seq != head.entry {
            return Err("it says what the version became, and report.json names another entry for that");
        }
        let told = (outcome.period.as_str(), outcome.report_type.as_str(), outcome.media_type.as_deref());
        if told != (head.period.as_str(), head.report_type.as_str(), Some(head.media_type.as_str())) {
            return Err("it names another period, type or media type than report.json");
        }
        if outcome.figures != head.figures.to_string() {
            return Err("it names another number of figures than report.json");
        }
        self.made_at_us = proven.entry.at_us;
        self.outcome = Some(outcome);
        Ok(())
    }

    fn validation(&mut self, seq: u64, it: Verdict, facts: &Facts) -> Result<(), &'static str> {
        ours(&it.report, Some(&it.n), facts)?;
        let output = Hash::from_hex(&it.output_sha256).map_err(|_| "it names no SHA-256 of an output")?;
        self.documents.push((seq, it.sha256));
        let Verdict { validator, version, verdict, .. } = it;
        self.validations.push(ValidationFact { seq, validator, version, verdict, output });
        Ok(())
    }

    fn decision(&mut self, seq: u64, it: Adjusted, facts: &Facts) -> Result<(), &'static str> {
        ours(&it.report, None, facts)?;
        let Adjusted { amount, figure, id, state, unit, .. } = it;
        match self.proposals.get(&id) {
            Some(proposal) if *proposal == (figure.clone(), unit.clone(), amount.clone()) => {}
            Some(_) => return Err("it decides on something else than was proposed"),
            None => return Err("it decides on an adjustment whose proposal is not here"),
        }
        if state.as_deref() == Some("approved") {
            self.decisions.insert(seq, Decision { figure, unit, amount });
        }
        Ok(())
    }

    /// That nothing is missing, and that all speak of the same document.
    fn whole(&self, facts: &Facts) -> Result<(), VerifyError> {
        let missing = |what| fault(ReportFault::EntryMissing { what });
        let outcome = self.outcome.as_ref().ok_or(missing("what the version became"))?;
        if outcome.sha256.is_none() || outcome.bytes.is_none() {
            let why = "it names no document";
            return Err(fault(ReportFault::Entry { seq: facts.head.entry, why }));
        }
        match outcome.figures_sha256 {
            Some(_) => drop(self.ordered_at_us.ok_or(missing("that the version was ordered"))?),
            // A document made elsewhere: nobody ordered it, and it has no figures.
            None if facts.head.figures == 0 => {}
            None => {
                let why = "it names figures and no list of them";
                return Err(fault(ReportFault::Entry { seq: facts.head.entry, why }));
            }
        }
        match self.documents.iter().find(|(_, sha256)| *sha256 != outcome.sha256) {
            Some((seq, _)) => Err(fault(ReportFault::Entry {
                seq: *seq,
                why: "it names another document than the version's",
            })),
            None => Ok(()),
        }
    }

    /// The last entry that the version takes into account.
    pub(super) fn as_of(&self) -> u64 {
        self.outcome.as_ref().and_then(|outcome| decimal(outcome.as_of.as_bytes())).unwrap_or(0)
    }

    /// Marks a transaction's record as one that a figure rests on; whether it is here.
    pub(super) fn rests_on(&mut self, seq: u64) -> bool {
        match self.records.binary_search(&seq) {
            Ok(at) => {
                self.used[at] = true;
                true
            }
            Err(_) => false,
        }
    }

    pub(super) fn decided(&self, seq: u64) -> Option<&Decision> {
        self.decisions.get(&seq)
    }

    /// A record that no figure rests on.
    pub(super) fn unused(&self) -> Option<u64> {
        self.used.iter().position(|used| !used).map(|at| self.records[at])
    }

    pub(super) fn counts(&self) -> (u64, u64) {
        (self.records.len() as u64, self.decisions.len() as u64)
    }
}

fn ours(report: &str, n: Option<&str>, facts: &Facts) -> Result<(), &'static str> {
    let same = report == facts.head.report && n.is_none_or(|n| n == facts.head.n.to_string());
    if same { Ok(()) } else { Err("it is about another report or version") }
}
