//! Webhooks: endpoints of institutions are told of events, at least once, each in the order of the ledger.
//!
//! - An event that an endpoint doesn't take holds back the ones after it, for that endpoint alone. It is tried
//!   again by a [`schedule`], for days; then the endpoint is disabled, which is an entry and an event.
//! - An endpoint is told by one process at a time: who has it says so in its row, until some time. What it
//!   stores of its progress counts only as long as the row stands where it left it.
//! - What is sent is recorded before it is: each message is a look of the endpoint's, with its digest.
//! - A turn is short, and an institution has few at once: slow receivers hold up nobody else's.
//! - Only public addresses are told, unless the configuration allows others ([`address`]).
//! - How far an endpoint was told is in the database, what is to be told on the ledger: a process that is
//!   killed loses nothing, and at most the last message is sent twice, under the same id.

pub mod address;
pub mod schedule;
pub mod sender;
pub mod settings;
pub mod sign;
mod telling;

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    sync::{Notify, Semaphore},
    task::{JoinHandle, JoinSet},
};

use self::{
    address::Names,
    sender::{Sender, SenderError},
    sign::{KeyName, Scheme, Secrets},
    telling::Telling,
};
use crate::{
    config,
    domain::{EndpointId, Tenant},
    keys::Seed,
    ledger::{Recorder, command::Rows, rounds},
    store::{
        Db, StoreError,
        webhooks::{self, Endpoint},
    },
    world::{World, random},
};

/// How often it is looked for what other processes stored, and for what is to be tried again.
const ROUND: Duration = Duration::from_secs(1);
/// The least time between two looks, however much is stored.
const BREATH: Duration = Duration::from_millis(100);
/// Endpoints told at once; more wait.
const AT_ONCE: u32 = 32;
/// Of these, endpoints of one institution.
const AT_ONCE_OF_ONE: usize = 4;
/// Nothing is known any longer of an endpoint that this process had not for so long: it is gone, or another
/// process tells it, or nothing happens. Longer than a failed one waits to be tried again.
const FORGOTTEN_US: i64 = 24 * 3600 * 1_000_000;
/// How long the end waits for answers; a message without one by then is sent again by whoever is next.
const GRACE: Duration = Duration::from_secs(5);

/// What webhooks need to start.
pub struct Setup<'a> {
    /// The database.
    pub db: Db,
    /// The one writer.
    pub recorder: Recorder,
    /// The time and randomness.
    pub world: Arc<dyn World>,
    /// The secret that keys are derived from.
    pub seed: &'a Seed,
    /// How endpoints are told.
    pub config: &'a config::Webhooks,
    /// Where names lead.
    pub names: Arc<dyn Names>,
}

/// Tells endpoints.
pub struct Webhooks {
    db: Db,
    recorder: Recorder,
    world: Arc<dyn World>,
    secrets: Secrets,
    sender: Sender,
    retry_hours: u32,
    /// What this process is called in the rows of the endpoints that it tells.
    holder: String,
    known: Mutex<HashMap<(Tenant, EndpointId), Known>>,
    turns: Arc<Semaphore>,
    /// The turns of each institution's endpoints.
    shares: Mutex<HashMap<Tenant, Arc<Semaphore>>>,
    again: Notify,
    /// When it was last looked whom to tell, in microseconds since the Unix epoch.
    looked_at_us: AtomicI64,
    stopping: AtomicBool,
}

/// What is known of an endpoint between its turns.
#[derive(Clone, Debug, Default)]
struct Known {
    /// Whether it has its turn now.
    busy: bool,
    /// Where it stood, and the entry up to which there is nothing more for it.
    seen: Option<(i64, i64)>,
    /// Until when this process has it.
    held_until_us: i64,
    /// What is recorded of its telling.
    recorded: Recorded,
}

/// That telling an endpoint is on the ledger, so that trying again is not recorded again.
#[derive(Clone, Debug, Default)]
struct Recorded {
    /// Where it was told.
    url: String,
    /// Where it stood.
    position: i64,
    /// The last entry whose telling is recorded.
    up_to: i64,
}

impl Webhooks {
    /// Starts to tell endpoints. [`stop`](Self::stop) ends it; then the task can be aborted.
    ///
    /// # Errors
    /// When the configured certificates can't be used.
    pub fn start(setup: Setup<'_>) -> Result<(Arc<Self>, JoinHandle<()>), SenderError> {
        let holder = match &setup.db {
            // One process serves from a file: after a crash, it is the same one.
            Db::Sqlite(_) => "the one process".to_owned(),
            Db::Postgres(_) => {
                let bytes = random::<16>(&*setup.world);
                bytes.iter().map(|byte| format!("{byte:02x}")).collect()
            }
        };
        let webhooks = Arc::new(Self {
            looked_at_us: AtomicI64::new(setup.world.now_us()),
            secrets: Secrets::of(setup.seed),
            sender: Sender::new(setup.config, setup.names)?,
            retry_hours: setup.config.retry_hours,
            db: setup.db,
            recorder: setup.recorder,
            world: setup.world,
            holder,
            known: Mutex::default(),
            turns: Arc::new(Semaphore::new(AT_ONCE as usize)),
            shares: Mutex::default(),
            again: Notify::new(),
            stopping: AtomicBool::new(false),
        });
        let task = tokio::spawn(Arc::clone(&webhooks).run());
        Ok((webhooks, task))
    }

    /// What sends messages.
    #[must_use]
    pub fn sender(&self) -> &Sender {
        &self.sender
    }

    /// What signs them.
    #[must_use]
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// When it was last looked whom to tell, in microseconds since the Unix epoch.
    #[must_use]
    pub fn looked_at_us(&self) -> i64 {
        self.looked_at_us.load(Ordering::Relaxed)
    }

    /// Begins nothing more, waits a while for what is on its way, and lets go of the endpoints that this process
    /// has, so that others need not wait.
    pub async fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        let _ended = tokio::time::timeout(GRACE, self.turns.acquire_many(AT_ONCE)).await;
        let held: Vec<(Tenant, EndpointId)> = self.with(|known| {
            let now_us = self.world.now_us();
            known.iter().filter(|(_, one)| one.held_until_us > now_us).map(|(name, _)| *name).collect()
        });
        for (tenant, id) in held {
            let holder = self.holder.clone();
            let rows: Rows = Box::new(move |connection, at| {
                Box::pin(async move { Ok(webhooks::let_go(connection, at.tenant, id, &holder).await?) })
            });
            if self.recorder.store(tenant, rows).await.is_err() {
                // They are free after a while by themselves.
                return;
            }
        }
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    async fn run(self: Arc<Self>) {
        let mut commits = self.recorder.commits();
        let mut working = JoinSet::new();
        loop {
            commits.mark_unchanged();
            match self.round(&mut working).await {
                Ok(()) => self.looked_at_us.store(self.world.now_us(), Ordering::Relaxed),
                Err(error) => tracing::warn!(%error, "webhook endpoints could not be looked for"),
            }
            while working.try_join_next().is_some() {}
            tokio::time::sleep(BREATH).await;
            tokio::select! {
                changed = commits.changed() => if changed.is_err() { return },
                () = self.again.notified() => {}
                () = tokio::time::sleep(ROUND) => {}
            }
        }
    }

    /// Gives a turn to each endpoint for which there is something to do.
    async fn round(self: &Arc<Self>, working: &mut JoinSet<()>) -> Result<(), StoreError> {
        let now_us = self.world.now_us();
        self.with(|known| forget(known, now_us));
        for portion in rounds::portions(&self.db).await? {
            let mut reader = self.db.read_many(&portion).await?;
            let due = webhooks::due(&mut reader, &self.holder, self.world.now_us()).await?;
            drop(reader);
            for one in due {
                let Some(tenant) = portion.iter().find(|tenant| tenant.uuid() == one.institution_id) else {
                    continue;
                };
                let name = (*tenant, EndpointId::from_uuid(one.id));
                let known = self.with(|known| {
                    let known = known.entry(name).or_default();
                    let seen = known.seen.filter(|(position, _)| *position == one.position);
                    let is_new = seen.is_none_or(|(_, seen)| seen + 1 < one.size);
                    (!known.busy && (one.ordered || is_new)).then(|| {
                        known.busy = true;
                        known.clone()
                    })
                });
                if let Some(known) = known {
                    working.spawn(Arc::clone(self).turn(name, known));
                }
            }
        }
        Ok(())
    }

    /// One endpoint's turn.
    async fn turn(self: Arc<Self>, name: (Tenant, EndpointId), known: Known) {
        let _busy = Busy { webhooks: &self, name };
        // Whoever had a turn is behind all of its institution that wait.
        let Ok(_share) = self.share(name.0).acquire_owned().await else { return };
        let Ok(_turn) = Arc::clone(&self.turns).acquire_owned().await else { return };
        if self.is_stopping() {
            return;
        }
        let mut telling = Telling { with: &self, tenant: name.0, id: name.1, known, began: Instant::now() };
        let ended = telling.turn().await;
        let known = telling.known;
        if let Err(error) = &ended {
            tracing::warn!(%error, endpoint = %name.1, "an endpoint could not be told");
        }
        self.with(|all| all.insert(name, known));
        if matches!(ended, Ok(true)) {
            self.again.notify_one();
        }
    }

    fn share(&self, tenant: Tenant) -> Arc<Semaphore> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(shares.entry(tenant).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE_OF_ONE))))
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<(Tenant, EndpointId), Known>) -> T) -> T {
        work(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Forgets endpoints that this process has had nothing to do with for long.
fn forget<N: Eq + Hash>(known: &mut HashMap<N, Known>, now_us: i64) {
    known.retain(|_, one| one.busy || one.held_until_us + FORGOTTEN_US > now_us);
}

/// An endpoint that has its turn, however the turn ends.
struct Busy<'a> {
    webhooks: &'a Webhooks,
    name: (Tenant, EndpointId),
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.webhooks.with(|all| {
            if let Some(known) = all.get_mut(&self.name) {
                known.busy = false;
            }
        });
    }
}

/// The keys that sign messages to an endpoint now: its own, and for a while the one before.
#[must_use]
pub fn keys(tenant: Tenant, endpoint: &Endpoint, now_us: i64) -> Vec<KeyName> {
    let key = |generation| KeyName {
        institution: tenant.id(),
        endpoint: EndpointId::from_uuid(endpoint.id),
        scheme: Scheme::parse(&endpoint.scheme).unwrap_or_default(),
        generation,
    };
    let overlaps = endpoint.generation > 1 && now_us < endpoint.overlap_until_us;
    let before = overlaps.then(|| key(endpoint.generation - 1));
    std::iter::once(key(endpoint.generation)).chain(before).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_forgotten_a_day_after_this_process_had_them_and_never_while_they_have_their_turn() {
        let one = |busy, held_until_us| Known { busy, held_until_us, ..Known::default() };
        let mut known = HashMap::from([("a", one(false, 7)), ("b", one(false, 9)), ("c", one(true, 0))]);
        let mut left = |now_us| {
            forget(&mut known, now_us);
            ["a", "b", "c"].map(|name| known.contains_key(name))
        };
        assert_eq!(left(FORGOTTEN_US + 6), [true, true, true]);
        assert_eq!(left(FORGOTTEN_US + 8), [false, true, true]);
        assert_eq!(left(FORGOTTEN_US + 10), [false, false, true]);
    }
}
