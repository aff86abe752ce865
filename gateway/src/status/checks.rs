//! What is checked of each part. Every check asks the real thing, and ends by itself.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    domain::{
        Tenant,
        status::{Component, ComponentState},
    },
    ledger::{Recorder, command::Rows, metrics::Waiting, rounds},
    shared::{Link, Redis},
    store::{Db, StoreError, status},
    webhooks::Webhooks,
    world::World,
};

/// How long an answer, or a write, may take before the part counts as down.
const PATIENCE: Duration = Duration::from_secs(10);
/// What takes longer than this is slow.
const SLOW: Duration = Duration::from_secs(2);
/// Growth of a log is signed within this time, or signing is late.
const SIGNED_US: i64 = 60 * 1_000_000;
/// Growth that is not signed for so long will not be by itself.
const UNSIGNED_US: i64 = 600 * 1_000_000;
/// What was ordered and nobody has worked on for so long is stuck: whoever was at it is gone, and nobody has taken
/// it up, or too much was ordered.
const STUCK_US: i64 = 1_800 * 1_000_000;
/// For how long something that failed is told.
const FAILED_US: i64 = 900 * 1_000_000;
/// Where what was ordered failed for fewer institutions, it is what they ordered, and not the service.
const FAILING_MIN: i64 = 2;
/// A delivery that is due for so long is late.
const LATE_US: i64 = 300 * 1_000_000;
/// Whoever tells endpoints looks every second.
const LOOKED_US: i64 = 60 * 1_000_000;

/// What a check found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) component: Component,
    pub(super) state: ComponentState,
    /// Why, where it is not as it should be.
    pub(super) reason: Option<String>,
}

/// A state, and why.
type State = (ComponentState, Option<String>);

const GOOD: State = (ComponentState::Operational, None);

fn degraded(reason: impl Into<String>) -> State {
    (ComponentState::Degraded, Some(reason.into()))
}

fn down(reason: impl Into<String>) -> State {
    (ComponentState::Down, Some(reason.into()))
}

/// The checks.
pub(super) struct Checks {
    db: Db,
    recorder: Recorder,
    world: Arc<dyn World>,
    provider: Tenant,
    webhooks: Arc<Webhooks>,
    redis: Option<Arc<Redis>>,
    ask: Option<String>,
    http: reqwest::Client,
    unsigned: Waiting,
}

impl Checks {
    pub(super) fn new(
        db: Db,
        recorder: Recorder,
        world: Arc<dyn World>,
        (provider, webhooks, redis, ask): (Tenant, Arc<Webhooks>, Option<Arc<Redis>>, Option<String>),
    ) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            // It is this process that answers, by an address that its certificate is not for; nothing is sent.
            .tls_danger_accept_invalid_certs(true)
            .build()?;
        let unsigned = Waiting::default();
        Ok(Self { db, recorder, world, provider, webhooks, redis, ask, http, unsigned })
    }

    /// Checks every part that there is.
    pub(super) async fn all(&mut self) -> Vec<Found> {
        let mut found = vec![
            (Component::Api, patiently(self.api()).await),
            (Component::Ledger, patiently(self.ledger()).await),
            (Component::ExportsAndReports, patiently(self.presses()).await),
            (Component::Webhooks, patiently(self.telling()).await),
        ];
        if let Some(redis) = &self.redis {
            found.push((Component::Limits, limits(redis)));
        }
        found.into_iter().map(|(component, (state, reason))| Found { component, state, reason }).collect()
    }

    /// A request comes in by the network and is answered, and what everybody is told can be read.
    async fn api(&self) -> State {
        let began = Instant::now();
        if let Some(url) = &self.ask {
            match self.http.get(url).send().await {
                Ok(answer) if answer.status().is_success() => {}
                Ok(answer) => return down(format!("it answers {}", answer.status())),
                Err(error) => return down(format!("it does not answer: {error}")),
            }
        }
        match self.read().await {
            Err(error) => down(format!("the database cannot be read: {error}")),
            Ok(()) if began.elapsed() > SLOW => degraded("it answers slowly"),
            Ok(()) => GOOD,
        }
    }

    async fn read(&self) -> Result<(), StoreError> {
        status::checks(&mut self.db.directory().await?).await.map(drop)
    }

    /// The recorder commits, no log is stopped, and what has grown is signed.
    async fn ledger(&mut self) -> State {
        let began = Instant::now();
        let nothing: Rows = Box::new(|_, _| Box::pin(async { Ok(()) }));
        if let Err(error) = self.recorder.store(self.provider, nothing).await {
            return down(format!("nothing is recorded: {error}"));
        }
        let took = began.elapsed();
        if let Some(reason) = self.recorder.stops().reason(self.provider) {
            return down(format!("the provider's log is stopped: {reason}"));
        }
        if let Err(error) = self.unsigned.look(&self.db).await {
            return down(format!("the logs cannot be read: {error}"));
        }
        let (stopped, unsigned_us) =
            (self.recorder.stops().count(), self.unsigned.age_us(self.world.now_us()));
        if unsigned_us > UNSIGNED_US {
            return down(format!("growth is unsigned for {} s", unsigned_us / 1_000_000));
        }
        if stopped > 0 {
            return degraded(format!("{stopped} logs are stopped"));
        }
        if unsigned_us > SIGNED_US {
            return degraded(format!("growth is unsigned for {} s", unsigned_us / 1_000_000));
        }
        if took > SLOW { degraded("it records slowly") } else { GOOD }
    }

    /// What was ordered is made.
    async fn presses(&self) -> State {
        let now_us = self.world.now_us();
        let (mut stuck, mut failing) = (0, 0);
        let read: Result<(), StoreError> = async {
            for portion in rounds::portions(&self.db).await? {
                let mut reader = self.db.read_many(&portion).await?;
                let (more_stuck, more_failing) =
                    status::presses(&mut reader, now_us - STUCK_US, now_us - FAILED_US).await?;
                stuck += more_stuck;
                failing += more_failing;
            }
            Ok(())
        }
        .await;
        match read {
            Err(error) => down(format!("orders cannot be read: {error}")),
            Ok(()) => pressed(stuck, failing),
        }
    }

    /// Endpoints are looked for, and none waits that is due.
    async fn telling(&self) -> State {
        let now_us = self.world.now_us();
        if now_us - self.webhooks.looked_at_us() > LOOKED_US {
            return down("nobody looks whom to tell");
        }
        let mut late = 0;
        let read: Result<(), StoreError> = async {
            for portion in rounds::portions(&self.db).await? {
                late += status::untold(&mut self.db.read_many(&portion).await?, now_us - LATE_US).await?;
            }
            Ok(())
        }
        .await;
        match read {
            Err(error) => down(format!("endpoints cannot be read: {error}")),
            Ok(()) if late > 0 => degraded(format!("{late} endpoints wait")),
            Ok(()) => GOOD,
        }
    }
}

/// How exports and reports are when some are stuck, and some failed lately for so many institutions.
fn pressed(stuck: i64, failing: i64) -> State {
    if stuck == 0 && failing < FAILING_MIN {
        return GOOD;
    }
    degraded(format!("{stuck} are stuck, and some of {failing} institutions failed lately"))
}

/// Redis is there: without it each replica keeps to its own share.
fn limits(redis: &Redis) -> State {
    match redis.link() {
        Link::Up => GOOD,
        Link::Returning => degraded("Redis has just come back"),
        Link::Down => degraded("Redis is away"),
    }
}

/// What a check finds, and that it takes too long.
async fn patiently(check: impl Future<Output = State>) -> State {
    tokio::time::timeout(PATIENCE, check).await.unwrap_or_else(|_| down("it does not answer in time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_for_one_institution_is_not_the_services_fault_but_what_is_stuck_is() {
        for (stuck, failing, state) in [
            (0, 0, ComponentState::Operational),
            (0, 1, ComponentState::Operational),
            (0, 2, ComponentState::Degraded),
            (1, 0, ComponentState::Degraded),
        ] {
            assert_eq!(pressed(stuck, failing).0, state, "{stuck} {failing}");
        }
    }
}
