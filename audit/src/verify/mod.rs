//! The verifier: says how far a bundle can be trusted, or what is the first thing wrong with it.
//!
//! Every byte of the file is checked (FORMAT.md §8). Blocks of lines are parsed and hashed on all cores; the
//! results are joined in order. Only a bundle that has something wrong is read a second time, line by line,
//! to name it. Memory use doesn't grow with the bundle.

mod blocks;
mod diagnose;
mod fold;
mod open;
mod pool;
mod read;
mod report;
mod reporting;
mod work;

use std::io::{self, Read, Seek};

use blocks::Cursor;
use diagnose::{Resume, diagnose};
use fold::Fold;
use open::{Keys, Opened, open, signers};
use pool::Pool;
pub use read::{Found, Ledger};
pub use report::{Level, Report, Witness};
pub use reporting::{DeliveryFact, ReportVerdict, ValidationFact, is_report_bundle, verify_report};
use work::{Block, Facts, Outcome};

use crate::bundle::{ENTRIES_NAME, FileFact, MANIFEST_NAME, PAYLOADS_NAME};
use crate::checkpoint::Checkpoint;
use crate::commit::MAX_PAYLOAD_BYTES;
use crate::entry::{Kind, MAX_ENTRY_BYTES};
use crate::fault::{Fault, VerifyError};
use crate::merkle::{Frontier, Span, subtrees};
use crate::note::{KeyType, VerifierKey};

/// What a bundle is held against, and how.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// Keys of the log, from outside the bundle. Without one nothing gets past [`Level::Consistent`].
    pub keys: Vec<VerifierKey>,
    /// Keys of witnesses, from outside the bundle.
    pub witnesses: Vec<VerifierKey>,
    /// Signed notes of this log's checkpoints seen before: the bundle must not contradict them.
    pub seen: Vec<String>,
    /// Threads that hash; 0 is one a core.
    pub threads: usize,
}

/// Called with the bytes done and the bytes in all.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// Verifies a bundle.
///
/// # Errors
/// [`VerifyError::Refused`] with the first fault, [`VerifyError::Read`] if the file can't be read.
pub fn verify<R: Read + Seek>(
    file: &mut R,
    options: &VerifyOptions,
    progress: Progress<'_>,
) -> Result<Report, VerifyError> {
    let opened = open(file, options)?;
    let signed = check_signers(&opened.note, &opened.origin, options)?;
    let seen = read_seen(&opened, options)?;
    let mut sizes: Vec<u64> = opened.earlier.iter().map(|checkpoint| checkpoint.size).collect();
    sizes.extend(
        seen.iter().map(|checkpoint| checkpoint.size).filter(|&size| size > opened.from && size <= opened.to),
    );
    // The root at the range's end is wanted too: a whole log's bundle ends there.
    sizes.push(opened.to);
    sizes.sort_unstable();
    sizes.dedup();
    let Opened { origin, from, to, .. } = &opened;
    let facts = Facts { origin, from: *from, to: *to, vkeys: &opened.vkeys, sizes: &sizes };
    let left = Frontier::from_hashes(*from, opened.left.clone())
        .map_err(|error| Fault::File { file: crate::bundle::PROOF_NAME, why: error.to_string() })?;
    let fold = scan(file, &opened, &facts, options.threads, left, progress)?;
    check_roots(&opened, &seen, &sizes, &fold)?;
    // After the roots: where an entry was altered, its payload only seems to be.
    if let Some(fault) = fold.payload_fault() {
        return Err(fault.clone().into());
    }
    check_sums(&opened, &fold)?;
    Ok(report::report(&opened, options, &signed, &seen, &fold))
}

/// Names of the outside keys that signed, and the witnesses that cosigned.
fn check_signers(note: &str, origin: &str, options: &VerifyOptions) -> Result<report::Signers, Fault> {
    let own: Vec<VerifierKey> = options
        .keys
        .iter()
        .filter(|key| key.name() == origin && key.kind() == KeyType::Ed25519)
        .cloned()
        .collect();
    let signed = signers(note, &own)?;
    if signed.is_empty() && !options.keys.is_empty() {
        return Err(Fault::NotSigned {
            keys: options.keys.iter().map(|key| key.name().to_owned()).collect(),
        });
    }
    let mut keys: Vec<String> = signed.iter().map(|signed| own[signed.key].vkey()).collect();
    keys.dedup();
    let witnesses = signers(note, &options.witnesses)?.into_iter().filter_map(|signed| {
        let name = options.witnesses[signed.key].name().to_owned();
        signed.time_s.map(|time_s| Witness { name, time_s })
    });
    Ok(report::Signers { keys, witnesses: witnesses.collect() })
}

fn read_seen(opened: &Opened, options: &VerifyOptions) -> Result<Vec<Checkpoint>, Fault> {
    let keys = Keys { inside: &opened.vkeys, outside: &options.keys, witnesses: &options.witnesses };
    options.seen.iter().map(|note| keys.read(note, "that you gave", &opened.origin)).collect()
}

/// Runs all lines through the workers.
fn scan<'a, R: Read + Seek>(
    file: &mut R,
    opened: &Opened,
    facts: &'a Facts<'a>,
    threads: usize,
    left: Frontier,
    progress: Progress<'_>,
) -> Result<Fold<'a>, VerifyError> {
    let threads = match threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let mut fold = Fold::new(facts, left);
    if threads == 1 {
        drive(file, opened, facts, (Pool::here(facts), 1), &mut fold, progress)?;
    } else {
        let (jobs, queue) = Pool::queue();
        std::thread::scope(|scope| {
            let pool = Pool::start(scope, threads, jobs, &queue, facts);
            drive(file, opened, facts, (pool, 2 * threads + 2), &mut fold, progress)
        })?;
    }
    Ok(fold)
}

/// Feeds the pool and joins what comes back.
fn drive<R: Read + Seek>(
    file: &mut R,
    opened: &Opened,
    facts: &Facts<'_>,
    (mut pool, window): (Pool<'_>, usize),
    fold: &mut Fold<'_>,
    progress: Progress<'_>,
) -> Result<(), VerifyError> {
    let mut entries = Cursor::new(opened.entries.clone(), 0, MAX_ENTRY_BYTES);
    // The longest line is a payload with the fixed text around it.
    let mut payloads = Cursor::new(opened.payloads.clone(), 0, MAX_PAYLOAD_BYTES + 128);
    let total = opened.entries.size + opened.payloads.size;
    let (mut under_way, mut done) = (0, 0);
    progress(0, total);
    loop {
        while under_way < window {
            let Some(block) = next_block(file, &mut entries, &mut payloads)? else { break };
            pool.put(block);
            under_way += 1;
        }
        let Some(outcome) = pool.take() else { break };
        under_way -= 1;
        done += match outcome {
            Outcome::Payloads(block) => {
                let bytes = block.bytes;
                fold.payloads(block);
                bytes
            }
            Outcome::Entries(block) => {
                let bytes = block.bytes;
                if let Err(resume) = fold.entries(&block) {
                    return Err(blamed(file, opened, facts, *resume, fold)?);
                }
                bytes
            }
        };
        if payloads.is_done() && under_way == 0 {
            fold.end_payloads();
        }
        progress(done, total);
    }
    fold.end_payloads();
    if fold.end().expected < facts.to {
        let resume = fold.end().clone();
        return Err(blamed(file, opened, facts, resume, fold)?);
    }
    Ok(())
}

/// The next block of whichever member is behind, so that commitments and payloads meet soon.
fn next_block<R: Read + Seek>(
    file: &mut R,
    entries: &mut Cursor,
    payloads: &mut Cursor,
) -> io::Result<Option<Block>> {
    let behind = payloads.seq < entries.seq || entries.is_done();
    if !payloads.is_done() && behind {
        Ok(payloads.next(file)?.map(Block::Payloads))
    } else {
        Ok(entries.next(file)?.map(Block::Entries))
    }
}

/// The verdict on a bundle whose entries are faulty from about `resume` on.
fn blamed<R: Read + Seek>(
    file: &mut R,
    opened: &Opened,
    facts: &Facts<'_>,
    resume: Resume,
    fold: &Fold<'_>,
) -> Result<VerifyError, VerifyError> {
    let at_root =
        |frontier: &Frontier| joined(opened, frontier).is_some_and(|root| root == opened.checkpoint.root);
    let fault = diagnose(file, opened.entries.clone(), facts, resume, &at_root)?;
    let fault =
        fault.unwrap_or(Fault::File { file: ENTRIES_NAME, why: "it changed while it was read".to_owned() });
    let earlier =
        fold.payload_fault().filter(|payload| payload.seq() < fault.seq() && payload.seq().is_some());
    Ok(earlier.cloned().unwrap_or(fault).into())
}

/// The root at the checkpoint, from the tree at the range's end and the hashes to the right of it.
fn joined(opened: &Opened, frontier: &Frontier) -> Option<crate::hash::Hash> {
    let mut frontier = frontier.clone();
    for (span, root) in subtrees(opened.to, opened.checkpoint.size).iter().zip(&opened.right) {
        frontier.push_subtree(Span::level(span)?, *root).ok()?;
    }
    Some(frontier.root())
}

/// Holds the tree against every checkpoint.
fn check_roots(opened: &Opened, seen: &[Checkpoint], sizes: &[u64], fold: &Fold<'_>) -> Result<(), Fault> {
    let size = opened.checkpoint.size;
    let holds = joined(opened, &fold.end().frontier) == Some(opened.checkpoint.root);
    let mut sound = opened.from;
    let mut known: Vec<&Checkpoint> = opened.earlier.iter().chain(seen).collect();
    known.sort_by_key(|checkpoint| checkpoint.size);
    for checkpoint in known {
        let root = match sizes.binary_search(&checkpoint.size) {
            Ok(at) => fold.roots.get(at),
            Err(_) if checkpoint.size == size => Some(&opened.checkpoint.root),
            Err(_) => continue,
        };
        if root == Some(&checkpoint.root) {
            sound = sound.max(checkpoint.size);
        } else if holds {
            return Err(Fault::Fork { size: checkpoint.size });
        } else {
            return Err(Fault::Rewritten {
                from: sound,
                to: checkpoint.size.min(opened.to),
                size: checkpoint.size,
            });
        }
    }
    if holds {
        Ok(())
    } else if sound >= opened.to {
        Err(Fault::Join { to: opened.to, size })
    } else {
        Err(Fault::Rewritten { from: sound, to: opened.to, size })
    }
}

/// Holds what was read against the CRCs and the manifest.
fn check_sums(opened: &Opened, fold: &Fold<'_>) -> Result<(), Fault> {
    let (payloads, payloads_crc) = fold.payload_sums();
    if fold.entries_crc.clone().finalize() != opened.entries.crc {
        return Err(Fault::Crc { file: ENTRIES_NAME });
    }
    if payloads_crc.finalize() != opened.payloads.crc {
        return Err(Fault::Crc { file: PAYLOADS_NAME });
    }
    let large = [
        FileFact::large(ENTRIES_NAME, opened.to - opened.from, opened.entries.size),
        FileFact::large(PAYLOADS_NAME, payloads, opened.payloads.size),
    ];
    match large.iter().find(|fact| !opened.manifest.files.contains(fact)) {
        Some(fact) => {
            Err(Fault::File { file: MANIFEST_NAME, why: format!("what it says of {} is not so", fact.name) })
        }
        None => Ok(()),
    }
}

/// The kinds of entry with how often each occurs.
fn count_kinds(fold: &Fold<'_>) -> Vec<(Kind, u64)> {
    Kind::ALL.into_iter().zip(fold.kinds).filter(|(_, count)| *count > 0).collect()
}
