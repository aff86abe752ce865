//! Workers on every core, with results in the order of the blocks.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Scope;

use super::work::{Block, Facts, Outcome, work};

/// Takes blocks and gives back outcomes in the same order. The caller bounds how many are under way, and so
/// the memory.
pub(super) enum Pool<'a> {
    /// One thread: a block is worked on when its outcome is asked for.
    Here { facts: &'a Facts<'a>, blocks: VecDeque<Block> },
    /// Several: each takes the next block as it gets free.
    Threads {
        jobs: Sender<(u64, Block)>,
        done: Receiver<(u64, Outcome)>,
        early: BTreeMap<u64, Outcome>,
        sent: u64,
        taken: u64,
    },
}

/// The queue that the workers share.
pub(super) type Queue = Mutex<Receiver<(u64, Block)>>;

impl<'a> Pool<'a> {
    pub(super) fn here(facts: &'a Facts<'a>) -> Self {
        Self::Here { facts, blocks: VecDeque::new() }
    }

    /// The sending end of a queue, and the queue.
    pub(super) fn queue() -> (Sender<(u64, Block)>, Queue) {
        let (jobs, queue) = channel();
        (jobs, Mutex::new(queue))
    }

    /// Starts workers that end when the pool is dropped.
    pub(super) fn start<'scope, 'env>(
        scope: &'scope Scope<'scope, 'env>,
        threads: usize,
        jobs: Sender<(u64, Block)>,
        queue: &'env Queue,
        facts: &'env Facts<'env>,
    ) -> Self {
        let (results, done) = channel();
        for _ in 0..threads {
            let results = results.clone();
            scope.spawn(move || {
                // The lock is held while waiting; one worker waits in recv, the others for the lock.
                while let Some((number, block)) = queue.lock().ok().and_then(|queue| queue.recv().ok()) {
                    if results.send((number, work(&block, facts))).is_err() {
                        return;
                    }
                }
            });
        }
        Self::Threads { jobs, done, early: BTreeMap::new(), sent: 0, taken: 0 }
    }

    pub(super) fn put(&mut self, block: Block) {
        match self {
            Self::Here { blocks, .. } => blocks.push_back(block),
            Self::Threads { jobs, sent, .. } => {
                if jobs.send((*sent, block)).is_ok() {
                    *sent += 1;
                }
            }
        }
    }

    /// The outcome of the oldest block not yet taken; None if there is none.
    pub(super) fn take(&mut self) -> Option<Outcome> {
        match self {
            Self::Here { facts, blocks } => blocks.pop_front().map(|block| work(&block, facts)),
            Self::Threads { done, early, sent, taken, .. } => {
                while *taken < *sent {
                    if let Some(outcome) = early.remove(taken) {
                        *taken += 1;
                        return Some(outcome);
                    }
                    let (number, outcome) = done.recv().ok()?;
                    early.insert(number, outcome);
                }
                None
            }
        }
    }
}
