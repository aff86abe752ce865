//! Joins the workers' outcomes in order: the chain across blocks, the tree, payloads with commitments.

use std::collections::VecDeque;

use super::diagnose::Resume;
use super::work::{EntryBlock, Facts, Link, PayloadBlock};
use crate::entry::{Kind, genesis_prev};
use crate::fault::Fault;
use crate::hash::Hash;
use crate::merkle::Frontier;

/// The state after some blocks.
pub(super) struct Fold<'a> {
    facts: &'a Facts<'a>,
    /// Where to read again if the next block is unusual: the start of the block before.
    resume: Resume,
    here: Resume,
    /// The roots at the wanted sizes passed so far.
    pub(super) roots: Vec<Hash>,
    pub(super) entries_crc: crc32fast::Hasher,
    pub(super) kinds: [u64; Kind::ALL.len()],
    pub(super) first_at_us: i64,
    payloads: Payloads,
}

/// Payloads and commitments that wait for each other.
#[derive(Default)]
struct Payloads {
    crc: crc32fast::Hasher,
    count: u64,
    last: Option<u64>,
    /// Commitments of the entries from `base` on.
    commitments: VecDeque<Hash>,
    base: u64,
    waiting: VecDeque<(u64, Hash)>,
    fault: Option<Fault>,
}

impl<'a> Fold<'a> {
    pub(super) fn new(facts: &'a Facts<'a>, left: Frontier) -> Self {
        let here = Resume { offset: 0, expected: facts.from, before: None, frontier: left };
        Self {
            facts,
            resume: here.clone(),
            here,
            roots: Vec::new(),
            entries_crc: crc32fast::Hasher::new(),
            kinds: [0; Kind::ALL.len()],
            first_at_us: 0,
            payloads: Payloads { base: facts.from, ..Payloads::default() },
        }
    }

    /// Joins a block of entries.
    ///
    /// # Errors
    /// The place from which to read again line by line, if anything about it is unusual.
    pub(super) fn entries(&mut self, block: &EntryBlock) -> Result<(), Box<Resume>> {
        let Some((first, last)) = block.ends.filter(|(first, last)| self.joins(first, last)) else {
            return Err(Box::new(self.resume.clone()));
        };
        self.resume = self.here.clone();
        if first.seq == self.facts.from {
            self.first_at_us = first.at_us;
        }
        for run in &block.runs {
            self.here.frontier.append(run).map_err(|_| Box::new(self.resume.clone()))?;
            if self.facts.sizes.get(self.roots.len()) == Some(&self.here.frontier.size()) {
                self.roots.push(self.here.frontier.root());
            }
        }
        self.here.offset += block.bytes;
        self.here.expected = last.seq + 1;
        self.here.before = Some(last);
        self.entries_crc.combine(&block.crc);
        for (sum, count) in self.kinds.iter_mut().zip(block.kinds) {
            *sum += count;
        }
        self.payloads.commitments.extend(&block.commitments);
        self.payloads.join();
        Ok(())
    }

    fn joins(&self, first: &Link, last: &Link) -> bool {
        let begins = match self.here.before {
            Some(before) => before.leaf == first.prev && before.at_us <= first.at_us,
            None if first.seq == 0 => {
                first.prev == genesis_prev(self.facts.origin) && first.kind == Kind::Key
            }
            None => true,
        };
        begins && first.seq == self.here.expected && last.seq < self.facts.to
    }

    /// Where the entries ended: for what comes after the last block.
    pub(super) fn end(&self) -> &Resume {
        &self.here
    }

    pub(super) fn payloads(&mut self, block: PayloadBlock) {
        self.payloads.add(block);
        self.payloads.join();
    }

    /// Says that there are no more payloads, so that no commitment waits any longer.
    pub(super) fn end_payloads(&mut self) {
        self.payloads.last = self.payloads.last.max(Some(self.facts.to));
        self.payloads.join();
    }

    /// The first fault among the payloads.
    pub(super) fn payload_fault(&self) -> Option<&Fault> {
        self.payloads.fault.as_ref()
    }

    /// How many payloads there were, and their CRC-32.
    pub(super) fn payload_sums(&self) -> (u64, crc32fast::Hasher) {
        (self.payloads.count, self.payloads.crc.clone())
    }
}

impl Payloads {
    fn add(&mut self, block: PayloadBlock) {
        self.crc.combine(&block.crc);
        if self.fault.is_some() {
            return;
        }
        match block.found.first() {
            Some(&(seq, _)) if self.last.is_some_and(|last| seq <= last) => {
                self.fault = Some(Fault::PayloadOrder { seq });
                return;
            }
            _ => {}
        }
        let lines_before = self.count;
        self.count += block.found.len() as u64;
        self.last = block.found.last().map(|&(seq, _)| seq).or(self.last);
        self.waiting.extend(block.found);
        self.fault = block.fault.map(|fault| match fault {
            Fault::PayloadLine { line } => Fault::PayloadLine { line: lines_before + line },
            other => other,
        });
    }

    /// Compares what is there on both sides, and forgets commitments that no payload can come for.
    fn join(&mut self) {
        let end = self.base + self.commitments.len() as u64;
        while let Some((seq, found)) = self.waiting.pop_front_if(|(seq, _)| *seq < end) {
            let at = seq.checked_sub(self.base).and_then(|at| usize::try_from(at).ok());
            if at.and_then(|at| self.commitments.get(at)) != Some(&found) {
                // A mismatch lies before whatever malformed line was met further on.
                self.fault = Some(Fault::Payload { seq });
                self.waiting.clear();
            }
            self.forget(seq + 1);
        }
        if self.fault.is_some() {
            self.forget(end);
        } else if self.waiting.is_empty() {
            self.forget(self.last.map_or(self.base, |last| last + 1).min(end));
        }
    }

    fn forget(&mut self, below: u64) {
        while self.base < below && self.commitments.pop_front().is_some() {
            self.base += 1;
        }
    }
}
