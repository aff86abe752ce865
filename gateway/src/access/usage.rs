//! What callers used: counted here as their requests end, and added to the database every few seconds
//! and at the end. A process that is killed loses what it counted since: the ledger has every look all
//! the same.
//!
//! It is bounded by clients, routes and codes: nothing in it is a caller's to choose, and callers that
//! nobody knows are not counted, nor are people in the portal.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use actix_web::web;
use tokio::sync::{Notify, RwLock, RwLockReadGuard};

use super::{Context, Door};
use crate::{
    domain::{Actor, Tenant},
    ledger::{RecordError, Recorder, command::Rows},
    store::usage::{self, Kind, Sum},
};

/// How often what was counted is stored.
pub const STORED_EVERY: Duration = Duration::from_secs(5);

/// What was counted and is not stored yet.
#[derive(Debug, Default)]
pub struct Usage {
    counted: Mutex<HashMap<(Tenant, Kind), Sum>>,
    /// Written to while counts are on their way to the database: neither here nor there.
    moving: RwLock<()>,
}

impl Usage {
    /// Counts a request that was answered, on its caller's institution.
    pub(super) fn count(&self, context: &Context, at_us: i64, code: &'static str, bytes: u64) {
        let Some((caller, _)) = context.known() else { return };
        let Actor::Client(client) = caller.actor else { return };
        let Ok(at) = jiff::Timestamp::from_microsecond(at_us) else { return };
        let kind = Kind {
            day: at.to_zoned(jiff::tz::TimeZone::UTC).date(),
            client,
            route: format!("{} {}", context.method, context.route),
            code,
        };
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let sum = Sum { requests: 1, units: i64::from(context.spent()), bytes };
        self.put((caller.home_log(), kind), sum);
    }

    fn put(&self, key: (Tenant, Kind), sum: Sum) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.entry(key).or_default().add(sum);
    }

    /// Keeps counts from moving, so that each is either here or in the database.
    pub async fn still(&self) -> RwLockReadGuard<'_, ()> {
        self.moving.read().await
    }

    /// What is not stored yet of an institution's.
    pub fn of(&self, tenant: Tenant) -> Vec<(Kind, Sum)> {
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let own = counted.iter().filter(|((whose, _), _)| *whose == tenant);
        own.map(|((_, kind), sum)| (kind.clone(), *sum)).collect()
    }

    /// Adds all that was counted to the database; what can't be added is kept for the next time. Must
    /// not be given up halfway.
    async fn store(&self, recorder: &Recorder) -> Result<(), RecordError> {
        let _moving = self.moving.write().await;
        let taken = std::mem::take(&mut *self.counted.lock().unwrap_or_else(PoisonError::into_inner));
        // In one order for all replicas: they add to the same rows.
        let mut sorted: BTreeMap<Tenant, BTreeMap<Kind, Sum>> = BTreeMap::new();
        for ((tenant, kind), sum) in taken {
            sorted.entry(tenant).or_default().insert(kind, sum);
        }
        let mut outcome = Ok(());
        for (tenant, sums) in sorted {
            if outcome.is_ok() {
                outcome = recorder.store(tenant, rows(sums.clone())).await;
            }
            if outcome.is_err() {
                sums.into_iter().for_each(|(kind, sum)| self.put((tenant, kind), sum));
            }
        }
        outcome
    }
}

fn rows(sums: BTreeMap<Kind, Sum>) -> Rows {
    Box::new(move |connection, at| {
        Box::pin(async move {
            for (kind, sum) in &sums {
                usage::add(connection, at.tenant, kind, *sum).await?;
            }
            Ok(())
        })
    })
}

/// Stores what was counted every few seconds, and once more when told to stop.
pub async fn keep(door: web::Data<Door>, stop: Arc<Notify>) {
    loop {
        let stopped = tokio::time::timeout(STORED_EVERY, stop.notified()).await.is_ok();
        if let Err(error) = door.usage.store(&door.recorder).await {
            tracing::warn!(%error, "usage could not be stored, and is kept");
        }
        if stopped {
            return;
        }
    }
}
