//! One log while it is open for appending: its right edge, kept between batches.

use std::collections::HashMap;

use veritrail_audit::{Edge, Entry, Hash, Kind, Salt, Subject, commit, leaf_hash};

use super::{
    command::{By, RecordError},
    memory::Memory,
    recall::{Checkpoints, recall},
    tree::{self, TreeError},
};
use crate::{
    domain::{Tenant, id::AccountId},
    store::{
        Connection,
        append::Appended,
        entries::{self, NewEntry},
        logs,
        payloads::NewPayload,
        tiles::NewTile,
    },
};

/// Accounts of a log whose references are kept at hand.
const CACHED_ACCOUNTS: usize = 10_000;

/// Entries of other processes that are read at a time.
const CATCH_UP_ROWS: i64 = 2_000;

/// An account that a delivery may name. Accounts are never changed, so this can be kept.
#[derive(Clone, Debug)]
pub(super) struct KnownAccount {
    pub id: AccountId,
    pub seq: u64,
    pub currency: String,
    pub payload: Vec<u8>,
}

/// An open log.
pub(super) struct OpenLog {
    pub tenant: Tenant,
    pub origin: String,
    pub accounts: HashMap<String, KnownAccount>,
    edge: Edge,
    prev: Hash,
    at_us: i64,
}

/// What an entry says, beside where it stands.
pub(super) struct Draft<'a> {
    pub kind: Kind,
    pub by: &'a By,
    pub subject: Option<Subject<'a>>,
    pub payload: Vec<u8>,
}

impl OpenLog {
    /// Opens a log at its head, unless the signer remembers a longer or a different one.
    pub(super) async fn open(
        connection: &mut Connection,
        memory: Option<&Memory>,
        tenant: Tenant,
        head: &logs::Head,
    ) -> Result<Self, RecordError> {
        let size = u64::try_from(head.size).unwrap_or(0);
        let signed = match memory {
            Some(memory) => {
                let checkpoints = Checkpoints::Within(connection);
                recall(memory, tenant, &head.origin, checkpoints).await?.last
            }
            // Another process signs, and looks after its memory.
            None => None,
        };
        if let Some(signed) = signed {
            if signed.size > size {
                return Err(RecordError::Stopped(format!(
                    "{} entries were signed, the database has {size}: it is older than what was signed",
                    signed.size
                )));
            }
            let root = tree::root_at(connection, tenant, signed.size).await.map_err(tree_error)?;
            if root != signed.root {
                return Err(RecordError::Stopped(format!(
                    "the first {} entries are not those that were signed",
                    signed.size
                )));
            }
        }
        let edge = tree::edge(connection, tenant, size).await.map_err(tree_error)?;
        if edge.root().0.as_slice() != head.root.as_slice() {
            return Err(RecordError::Stopped(format!(
                "the entries do not have the root of the head at {size}"
            )));
        }
        let prev = head.prev.as_slice().try_into().map_err(|_| unavailable("a head without a leaf hash"))?;
        Ok(Self {
            tenant,
            origin: head.origin.clone(),
            accounts: HashMap::new(),
            edge,
            prev: Hash(prev),
            at_us: head.at_us,
        })
    }

    /// A log that was just made: it has no entry, and nothing can have been signed of it.
    pub(super) fn new(tenant: Tenant, head: &logs::Head) -> Result<Self, RecordError> {
        let prev = head.prev.as_slice().try_into().map_err(|_| unavailable("a head without a leaf hash"))?;
        Ok(Self {
            tenant,
            origin: head.origin.clone(),
            accounts: HashMap::new(),
            edge: Edge::new(),
            prev: Hash(prev),
            at_us: head.at_us,
        })
    }

    pub(super) fn size(&self) -> u64 {
        self.edge.size()
    }

    /// The time of an entry that is appended now: it never goes back along a log, whatever the machine's clock does.
    pub(super) fn time_of_next(&self, now_us: i64) -> i64 {
        self.at_us.max(now_us)
    }

    /// Whether the log still stands where this process left it.
    pub(super) fn is_at(&self, head: &logs::Head) -> bool {
        signed(self.size()) == head.size && self.edge.root().0.as_slice() == head.root.as_slice()
    }

    /// Follows what other processes appended since.
    ///
    /// # Errors
    /// When the log does not extend what this process knew: then it must be stopped.
    pub(super) async fn catch_up(
        mut self,
        connection: &mut Connection,
        head: &logs::Head,
    ) -> Result<Self, RecordError> {
        let (mut next, kept) = (signed(self.size()), self.size());
        if next >= head.size {
            return Err(RecordError::Stopped(format!(
                "the log had {kept} entries, and the database has {} or others: it went back",
                head.size
            )));
        }
        while next < head.size {
            let rows = entries::range(connection, self.tenant, next, head.size, CATCH_UP_ROWS).await;
            let rows = rows.map_err(unavailable)?;
            if rows.is_empty() {
                return Err(RecordError::Stopped(format!("entry {next} is missing")));
            }
            for row in rows {
                self.prev = leaf_hash(&row.bytes);
                // Its full tiles are stored already, by whoever appended it.
                drop(self.edge.push(self.prev));
                next += 1;
            }
        }
        if self.edge.root().0.as_slice() != head.root || self.prev.0.as_slice() != head.prev {
            return Err(RecordError::Stopped(format!(
                "the first {kept} entries are not those that this process knew"
            )));
        }
        self.at_us = head.at_us;
        Ok(self)
    }

    /// Appends an entry to this log and to the batch; returns its seq.
    pub(super) fn append(
        &mut self,
        pending: &mut Appended,
        now_us: i64,
        salt: Salt,
        draft: Draft<'_>,
    ) -> Result<u64, RecordError> {
        let seq = self.edge.size();
        let at_us = self.time_of_next(now_us);
        let entry = Entry {
            log: &self.origin,
            seq,
            at_us,
            kind: draft.kind,
            actor: &draft.by.actor,
            request: draft.by.request.as_deref(),
            subject: draft.subject,
            commitment: commit(&salt, &draft.payload),
            prev: self.prev,
        };
        let bytes = entry.encode().map_err(unavailable)?;
        let prev = self.prev.0;
        self.prev = leaf_hash(&bytes);
        self.at_us = at_us;
        let tenant = self.tenant;
        for tile in self.edge.push(self.prev) {
            pending.tiles.push(NewTile {
                tenant,
                level: i64::from(tile.level),
                tile: signed(tile.index),
                root: tile.root.0,
                hashes: tile.bytes,
            });
        }
        let kind = draft.kind.as_str();
        pending.entries.push(NewEntry { tenant, seq: signed(seq), kind, at_us, prev, bytes });
        pending.payloads.push(NewPayload { tenant, seq: signed(seq), salt, payload: draft.payload });
        Ok(seq)
    }

    /// Where this log stands now.
    pub(super) fn head(&self) -> logs::Head {
        logs::Head {
            origin: self.origin.clone(),
            size: signed(self.edge.size()),
            root: self.edge.root().0.to_vec(),
            prev: self.prev.0.to_vec(),
            at_us: self.at_us,
        }
    }

    pub(super) fn know_account(&mut self, reference: String, account: KnownAccount) {
        self.accounts.insert(reference, account);
    }

    /// Makes room between batches; within one, what was judged must stay known.
    pub(super) fn trimmed(mut self) -> Self {
        if self.accounts.len() > CACHED_ACCOUNTS {
            self.accounts.clear();
        }
        self
    }
}

pub(super) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A tree that can't be read stops the log when it is damaged; a database that fails does not.
fn tree_error(error: TreeError) -> RecordError {
    match error {
        TreeError::Store(error) => unavailable(error),
        TreeError::Damaged(what) => RecordError::Stopped(what),
    }
}

/// A failure that is ours: logged where it is answered, told to nobody in its own words.
pub(super) fn unavailable(error: impl ToString) -> RecordError {
    RecordError::Unavailable(error.to_string())
}
