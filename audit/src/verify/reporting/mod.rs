//! The verifier of report bundles (FORMAT.md §13): from the document to the signed checkpoint.
//!
//! The checkpoint binds the entries, one of them the document and the list of figures, the list each figure's
//! contributions by a Merkle-sum root, and each contribution names an entry. Members are read as they stream
//! by; what is kept of a record or a figure is a few bytes.

mod container;
mod entries;
mod figures;
mod stream;
mod verdict;

use std::io::{Read, Seek};

pub use container::is_report_bundle;
pub use verdict::{DeliveryFact, ReportVerdict, ValidationFact};

use super::open::{Keys, bad, canonical, read_small, read_vkeys};
use super::{Progress, VerifyOptions, check_signers};
use crate::checkpoint::Checkpoint;
use crate::fault::{Fault, VerifyError};
use crate::hash::Hash;
use crate::note::VerifierKey;
use crate::report_bundle::{
    CHECKPOINT_NAME, ENTRIES_NAME, FIGURES_NAME, HeadFile, OUTPUTS, PARTS_NAME, README, README_NAME,
    REPORT_BUNDLE_FORMAT, REPORT_NAME, ReportHead, VKEYS_NAME, is_file_name,
};
use crate::report_fault::ReportFault;
use crate::zip::Member;
use entries::Said;
use stream::Meter;

/// What the small members say.
pub(super) struct Facts {
    head: ReportHead,
    note: String,
    checkpoint: Checkpoint,
    vkeys: Vec<VerifierKey>,
}

/// The large members.
struct Large<'a> {
    document: &'a Member,
    figures: &'a Member,
    parts: &'a Member,
    entries: &'a Member,
    outputs: &'a [Member],
}

/// Verifies a report bundle.
///
/// # Errors
/// [`VerifyError::Refused`] with the first fault, [`VerifyError::Read`] if the file can't be read.
pub fn verify_report<R: Read + Seek>(
    file: &mut R,
    options: &VerifyOptions,
    progress: Progress<'_>,
) -> Result<ReportVerdict, VerifyError> {
    let members = container::read_container(file)?;
    let [readme, report, checkpoint, vkeys, document, figures, parts, entries, outputs @ ..] =
        members.as_slice()
    else {
        return Err(Fault::Container { offset: 0 }.into());
    };
    let names = [readme, report, checkpoint, vkeys, figures, parts, entries].map(|member| &*member.name);
    let fixed =
        [README_NAME, REPORT_NAME, CHECKPOINT_NAME, VKEYS_NAME, FIGURES_NAME, PARTS_NAME, ENTRIES_NAME];
    if names != fixed {
        let wrong = names.iter().zip(fixed).find(|(found, name)| *found != name);
        let file = wrong.map_or(REPORT_NAME, |(_, name)| name);
        return Ok(bad(file, "it is missing, or another member stands in its place")?);
    }
    let facts = read_facts(file, [readme, report, checkpoint, vkeys], &document.name, options)?;
    let signers = check_signers(&facts.note, &facts.head.origin, options)?;
    let seen = check_seen(&facts, options)?;
    let large = Large { document, figures, parts, entries, outputs };
    let total = members.iter().skip(4).map(|member| member.size).sum();
    let mut meter = Meter { done: 0, total, progress };
    meter.add(0);
    let mut said = entries::read(file, large.entries, &facts, &mut meter)?;
    check_document(file, &large, &facts, &said, &mut meter)?;
    let contributions = figures::read(file, (large.figures, large.parts), &facts, &mut said, &mut meter)?;
    check_outputs(file, &large, &said, &mut meter)?;
    Ok(verdict::verdict(facts, said, contributions, seen, signers, options))
}

fn read_facts<R: Read + Seek>(
    file: &mut R,
    [readme, report, checkpoint, vkeys]: [&Member; 4],
    document: &str,
    options: &VerifyOptions,
) -> Result<Facts, VerifyError> {
    if read_small(file, README_NAME, readme)? != README {
        bad(README_NAME, "it is not the text that every report bundle has")?;
    }
    let report: HeadFile = canonical(REPORT_NAME, &read_small(file, REPORT_NAME, report)?)?;
    if report.format != REPORT_BUNDLE_FORMAT {
        bad(REPORT_NAME, "it is of another version of the format")?;
    }
    let Some(head) = report.read() else {
        return Ok(bad(REPORT_NAME, "entry, figures and n must be decimal numbers")?);
    };
    if head.document != document || !is_file_name(document) {
        bad(REPORT_NAME, "it names another document than the one that is here")?;
    }
    let vkeys = read_vkeys(&read_small(file, VKEYS_NAME, vkeys)?, &head.origin)?;
    let note = read_small(file, CHECKPOINT_NAME, checkpoint)?;
    let keys = Keys { inside: &vkeys, outside: &options.keys, witnesses: &options.witnesses };
    let checkpoint = keys.read(&note, "in the bundle", &head.origin)?;
    Ok(Facts { head, note, checkpoint, vkeys })
}

/// Holds checkpoints that were kept from before against the bundle's: they can be compared where they are of
/// the same size. How many were, out of how many.
fn check_seen(facts: &Facts, options: &VerifyOptions) -> Result<(u64, u64), Fault> {
    let keys = Keys { inside: &facts.vkeys, outside: &options.keys, witnesses: &options.witnesses };
    let mut compared = 0;
    for note in &options.seen {
        let seen = keys.read(note, "that you gave", &facts.head.origin)?;
        if seen.size == facts.checkpoint.size {
            if seen.root != facts.checkpoint.root {
                return Err(Fault::Fork { size: seen.size });
            }
            compared += 1;
        }
    }
    Ok((compared, options.seen.len() as u64))
}

fn check_document<R: Read + Seek>(
    file: &mut R,
    large: &Large<'_>,
    facts: &Facts,
    said: &Said,
    meter: &mut Meter<'_>,
) -> Result<(), VerifyError> {
    let (found, whole) = stream::hash(file, large.document, meter)?;
    let (found, found_bytes) = (found.to_hex(), large.document.size);
    let outcome = said.outcome.as_ref();
    let expected = outcome.and_then(|outcome| outcome.sha256.clone()).unwrap_or_default();
    let expected_bytes = outcome.and_then(|outcome| outcome.bytes.clone()).unwrap_or_default();
    if found != expected || found_bytes.to_string() != expected_bytes {
        let seq = facts.head.entry;
        let fault = ReportFault::Document { seq, expected, expected_bytes, found, found_bytes };
        return Err(Fault::from(fault).into());
    }
    if whole { Ok(()) } else { Err(Fault::Crc { file: "the document" }.into()) }
}

/// That each validator's output is here as it was recorded, and nothing else.
fn check_outputs<R: Read + Seek>(
    file: &mut R,
    large: &Large<'_>,
    said: &Said,
    meter: &mut Meter<'_>,
) -> Result<(), VerifyError> {
    let mut named: Vec<(Hash, u64)> = said.validations.iter().map(|it| (it.output, it.seq)).collect();
    named.sort_unstable();
    named.dedup_by_key(|(hash, _)| *hash);
    let mut named = named.into_iter();
    for member in large.outputs {
        let hash = member.name.strip_prefix(OUTPUTS).and_then(|hex| Hash::from_hex(hex).ok());
        let next = named.as_slice().first().copied();
        match (hash, next) {
            (Some(hash), Some((expected, _))) if hash == expected => {}
            (Some(hash), Some((expected, seq))) if hash > expected => {
                return Err(Fault::from(ReportFault::OutputMissing { seq, sha256: expected.to_hex() }).into());
            }
            _ => return Err(Fault::from(ReportFault::OutputAdded { name: member.name.to_string() }).into()),
        }
        named.next();
        let (found, whole) = stream::hash(file, member, meter)?;
        match hash {
            Some(expected) if expected != found => {
                let (expected, found) = (expected.to_hex(), found.to_hex());
                return Err(Fault::from(ReportFault::Output { expected, found }).into());
            }
            _ if !whole => return Err(Fault::Crc { file: "a validator's output" }.into()),
            _ => {}
        }
    }
    match named.next() {
        Some((hash, seq)) => {
            Err(Fault::from(ReportFault::OutputMissing { seq, sha256: hash.to_hex() }).into())
        }
        None => Ok(()),
    }
}
