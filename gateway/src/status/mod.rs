//! Checks how the parts of the service stand, now and then, for the page that tells everybody.
//!
//! Each process checks what it can see, and what all of them found adds up by day. What nobody checked is not
//! known, and is never told as good. What could not be stored is kept until it can be: an outage of the database is
//! told once it is over. A process that is killed loses what it found since.

mod checks;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use tokio::task::JoinHandle;

use self::checks::{Checks, Found};
use crate::{
    domain::{
        Tenant,
        status::{Component, ComponentState, DAYS},
    },
    ledger::{RecordError, Recorder, command::Rows},
    shared::Redis,
    store::{
        Db,
        status::{self, Check, Day},
    },
    webhooks::Webhooks,
    world::{World, random},
};

/// The pause before the first checks: the service has just begun to listen.
const FIRST: Duration = Duration::from_secs(1);
/// What a replica found is told until it has missed some checks, and for this much longer.
const SLACK_US: i64 = 15_000_000;
const MISSED: i64 = 3;
/// When a replica that finds nothing any more is forgotten.
const GONE_US: i64 = 24 * 3600 * 1_000_000;

/// What checking needs.
pub struct Setup {
    /// The database.
    pub db: Db,
    /// The one writer.
    pub recorder: Recorder,
    /// The time and randomness.
    pub world: Arc<dyn World>,
    /// The provider's own log.
    pub provider: Tenant,
    /// Tells endpoints.
    pub webhooks: Arc<Webhooks>,
    /// What replicas share limits by, if there may be any.
    pub redis: Option<Arc<Redis>>,
    /// The URL of this process that is asked whether requests are answered; none where only clients with a
    /// certificate are answered.
    pub ask: Option<String>,
    /// The pause between two rounds of checks.
    pub every: Duration,
    /// Whether the service has begun to stop: what it finds from then on says nothing.
    pub stopping: Box<dyn Fn() -> bool + Send + Sync>,
}

/// Starts to check, until the task is aborted.
///
/// # Errors
/// When HTTP can't be set up.
pub fn start(setup: Setup) -> Result<JoinHandle<()>, reqwest::Error> {
    let Setup { db, recorder, world, provider, webhooks, redis, ask, every, stopping } = setup;
    let checker = match &db {
        // One process serves from a file: after a crash, it is the same one.
        Db::Sqlite(_) => "the one process".to_owned(),
        Db::Postgres(_) => random::<16>(&*world).iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    let checks = Checks::new(db, recorder.clone(), Arc::clone(&world), (provider, webhooks, redis, ask))?;
    let keeper = Keeper { recorder, provider, checker, tallies: BTreeMap::new(), storing: None };
    Ok(tokio::spawn(run(checks, keeper, world, every, stopping)))
}

async fn run(
    mut checks: Checks,
    mut keeper: Keeper,
    world: Arc<dyn World>,
    every: Duration,
    stopping: Box<dyn Fn() -> bool + Send + Sync>,
) {
    let fresh_us = i64::try_from(every.as_micros()).unwrap_or(i64::MAX / 8) * MISSED + SLACK_US;
    let mut known: BTreeMap<Component, ComponentState> = BTreeMap::new();
    tokio::time::sleep(FIRST).await;
    loop {
        let found = checks.all().await;
        if stopping() {
            return;
        }
        for one in &found {
            let before = known.insert(one.component, one.state);
            tell(one, before);
        }
        keeper.keep(&found, world.now_us(), fresh_us).await;
        tokio::time::sleep(every).await;
    }
}

/// Logs what has changed.
fn tell(found: &Found, before: Option<ComponentState>) {
    let (component, state) = (found.component.as_str(), found.state.as_str());
    match (before, found.state) {
        (Some(before), now) if before == now => {}
        (None, ComponentState::Operational) => {}
        (_, ComponentState::Operational) => {
            tracing::info!(component, state, "a part of the service is well again");
        }
        _ => tracing::warn!(component, state, reason = found.reason, "a part of the service is not well"),
    }
}

/// Checks of a day that are not stored yet: how many, how many found it degraded, how many found it down.
type Tallies = BTreeMap<(Component, String), (i64, i64, i64)>;

/// Keeps what was found.
struct Keeper {
    recorder: Recorder,
    provider: Tenant,
    /// What this process is called.
    checker: String,
    tallies: Tallies,
    /// What is on its way to the database.
    storing: Option<(Tallies, JoinHandle<Result<(), RecordError>>)>,
}

impl Keeper {
    /// Takes what was found, and has it stored as soon as that can be. Nothing waits for the database here, so
    /// that checks go on while it is away.
    async fn keep(&mut self, found: &[Found], now_us: i64, fresh_us: i64) {
        let today = day(now_us);
        for one in found {
            let tally = self.tallies.entry((one.component, today.to_string())).or_default();
            tally.0 += 1;
            tally.1 += i64::from(one.state == ComponentState::Degraded);
            tally.2 += i64::from(one.state == ComponentState::Down);
        }
        if let Some((tallies, storing)) = self.storing.take() {
            if !storing.is_finished() {
                self.storing = Some((tallies, storing));
                return;
            }
            match storing.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(%error, "what checks found could not be stored; it is kept");
                    self.take_back(tallies);
                }
                Err(_) => self.take_back(tallies),
            }
        }
        let notes: Vec<Check> = found
            .iter()
            .map(|one| Check {
                component: one.component.as_str().to_owned(),
                checker: self.checker.clone(),
                state: one.state.as_str().to_owned(),
                at_us: now_us,
                fresh_until_us: now_us.saturating_add(fresh_us),
            })
            .collect();
        let tallies = std::mem::take(&mut self.tallies);
        let rows = rows(&tallies, notes, oldest(today), now_us - GONE_US);
        let (recorder, provider) = (self.recorder.clone(), self.provider);
        let storing = tokio::spawn(async move { recorder.store(provider, rows).await });
        self.storing = Some((tallies, storing));
    }

    fn take_back(&mut self, tallies: Tallies) {
        for (key, (checks, degraded, down)) in tallies {
            let tally = self.tallies.entry(key).or_default();
            *tally = (tally.0 + checks, tally.1 + degraded, tally.2 + down);
        }
    }
}

/// The rows of what was found. They are in the same order in each process, so that none waits for another one that
/// waits for it.
fn rows(tallies: &Tallies, notes: Vec<Check>, oldest: Date, gone_us: i64) -> Rows {
    let days: Vec<Day> = tallies
        .iter()
        .map(|((component, day), (checks, degraded, down))| Day {
            component: component.as_str().to_owned(),
            day: day.clone(),
            checks: *checks,
            degraded: *degraded,
            down: *down,
        })
        .collect();
    Box::new(move |connection, _| {
        Box::pin(async move {
            for row in &days {
                status::add(connection, row).await?;
            }
            for note in &notes {
                status::note(connection, note).await?;
            }
            Ok(status::forget(connection, &oldest.to_string(), gone_us).await?)
        })
    })
}

/// The day of a time, in UTC.
#[must_use]
pub fn day(at_us: i64) -> Date {
    let at = Timestamp::from_microsecond(at_us).unwrap_or(Timestamp::MIN);
    at.to_zoned(TimeZone::UTC).date()
}

/// The first of the days that are told of on a day.
#[must_use]
pub fn oldest(today: Date) -> Date {
    let back = i64::try_from(DAYS).unwrap_or_default() - 1;
    today.checked_sub(back.days()).unwrap_or(today)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ninety_days_end_today() {
        let today = day(1_772_366_400_000_000);
        assert_eq!(today, jiff::civil::date(2026, 3, 1));
        assert_eq!(oldest(today), jiff::civil::date(2025, 12, 2));
        assert_eq!(today.since(oldest(today)).unwrap().get_days(), 89);
    }
}
