//! Who has which file in hand, and how many an institution may have on their way.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{Limits, Receiver};
use crate::{
    domain::{IntakeId, Tenant},
    ledger::RecordError,
    store::intakes::{self, UnderWay},
};

/// How often it is said that an intake is in hand.
const SAID_EVERY: Duration = Duration::from_secs(60);
/// Once it was not said for so long, nobody has it in hand.
pub(super) const LAPSES_US: i64 = 3_600_000_000;

/// Why no other upload is begun.
pub(super) const UPLOADS: &str =
    "as many uploads as an institution may have are not whole: go on with one, or wait until one is given up";
/// Why no other file is taken.
const BYTES: &str =
    "the institution's files that are not stored yet have as many bytes as they may: wait for them";

/// Intakes that somebody has in hand.
pub(super) type InHand = Arc<Mutex<HashSet<IntakeId>>>;

/// Having an intake in hand: nobody else does until this is dropped.
pub struct Claim {
    id: IntakeId,
    all: InHand,
}

impl Claim {
    pub(super) fn on(all: &InHand, id: IntakeId) -> Option<Self> {
        let is_free = all.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        is_free.then(|| Self { id, all: Arc::clone(all) })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// Says to other processes that this one has an intake in hand, until it is dropped.
pub(super) struct Hold(tokio::task::JoinHandle<()>);

impl Hold {
    pub(super) fn on(receiver: &Receiver, tenant: Tenant, id: IntakeId) -> Self {
        let receiver = receiver.clone();
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(SAID_EVERY).await;
                let now_us = receiver.world.now_us();
                let said = receiver.note(tenant, move |connection, tenant| {
                    Box::pin(async move { Ok(intakes::touch(connection, tenant, id, now_us).await?) })
                });
                if let Err(error) = said.await {
                    tracing::warn!(%error, intake = %id, "it could not be said that an intake is in hand");
                }
            }
        }))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Of each institution, how many files are coming in one piece.
pub(super) type Pouring = Arc<Mutex<HashMap<Tenant, u32>>>;

/// A file that is coming in one piece, until this is dropped.
pub struct Pour {
    tenant: Tenant,
    all: Pouring,
}

impl Pour {
    pub(super) fn begin(all: &Pouring, tenant: Tenant, most: u32) -> Option<Self> {
        let mut counts = all.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(tenant).or_default();
        (*count < most).then(|| {
            *count += 1;
            Self { tenant, all: Arc::clone(all) }
        })
    }
}

impl Drop for Pour {
    fn drop(&mut self) {
        let mut counts = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.tenant);
            }
        }
    }
}

impl Limits {
    /// Holds an institution to what it may have on their way, with so many uploads and bytes more.
    pub(super) fn hold(&self, under_way: UnderWay, (uploads, bytes): (u32, u64)) -> Result<(), RecordError> {
        if uploads > 0 && under_way.uploads + i64::from(uploads) > i64::from(self.uploads_max) {
            return Err(RecordError::Conflict(UPLOADS));
        }
        // One file may always come, however large files may be.
        if under_way.bytes > 0
            && under_way.bytes.unsigned_abs().saturating_add(bytes) > self.unfinished_bytes_max
        {
            return Err(RecordError::Conflict(BYTES));
        }
        Ok(())
    }
}
