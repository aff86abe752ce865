//! What everybody is told of how the service is: read at most once a second, and kept for when it can't be read.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

use super::{ComponentStatus, Incident, ServiceStatus, StatusDay};
use crate::{
    api::State,
    domain::status::{Component, ComponentState, DAYS, IncidentImpact},
    error::Problem,
    status::{day, oldest},
    store::{
        StoreError, incidents,
        status::{self as store, Check, Day},
    },
    world::rfc3339,
};

/// For how long one reading answers.
const FRESH: Duration = Duration::from_secs(1);
/// How long a reading may take before it has failed.
const PATIENCE: Duration = Duration::from_secs(3);
/// Incidents that are told of while they are open.
const OPEN_MAX: usize = 50;
/// Incidents that are over and still told of, beside those that are open.
const RECENT_MAX: i64 = 30;
const DAY_US: i64 = 24 * 3600 * 1_000_000;

/// What was read last, by whoever asked first: the others wait for them.
#[derive(Clone, Default)]
pub struct Told(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    rows: Arc<Rows>,
    /// When the database was last asked; none when it has to be asked again.
    asked: Option<Instant>,
    /// Whether it failed then.
    failed: bool,
}

/// What is stored of how the service is.
#[derive(Debug, Default)]
struct Rows {
    at_us: i64,
    checks: Vec<Check>,
    days: Vec<Day>,
    /// Every incident that is not resolved, the newest first.
    open: Vec<incidents::Incident>,
    recent: Vec<incidents::Incident>,
    /// The newest update of those that are told of, by the entry that records it.
    newest: HashMap<i64, incidents::Update>,
}

impl Told {
    /// How the service is.
    ///
    /// # Errors
    /// When what is stored has no such name.
    pub async fn now(&self, state: &State) -> Result<ServiceStatus, Problem> {
        let mut kept = self.0.lock().await;
        if kept.asked.is_none_or(|asked| asked.elapsed() >= FRESH) {
            let read = tokio::time::timeout(PATIENCE, Rows::read(state)).await;
            kept.failed = match read {
                Ok(Ok(rows)) => {
                    kept.rows = Arc::new(rows);
                    false
                }
                Ok(Err(error)) => {
                    tracing::warn!(%error, "how the service is can't be read; what was read last is told");
                    true
                }
                Err(_) => {
                    tracing::warn!("how the service is was not read in time; what was read last is told");
                    true
                }
            };
            kept.asked = Some(Instant::now());
        }
        let (rows, failed) = (Arc::clone(&kept.rows), kept.failed);
        drop(kept);
        let has_limits = state.door.redis.is_some();
        if failed {
            rows.told_without(state.world().now_us(), has_limits)
        } else {
            rows.told(rows.at_us, has_limits)
        }
    }

    /// Has it read again for whoever asks next.
    pub async fn look_again(&self) {
        self.0.lock().await.asked = None;
    }
}

impl Rows {
    async fn read(state: &State) -> Result<Self, StoreError> {
        let now_us = state.world().now_us();
        let since_us = now_us - i64::try_from(DAYS).unwrap_or_default() * DAY_US;
        let mut reader = state.directory().await?;
        let open = incidents::open_ones(&mut reader).await?;
        let recent = incidents::resolved(&mut reader, since_us, RECENT_MAX).await?;
        let newest = incidents::newest(&mut reader, open.iter().take(OPEN_MAX).chain(&recent)).await?;
        let checks = store::checks(&mut reader).await?;
        let days = store::days(&mut reader, &oldest(day(now_us)).to_string()).await?;
        Ok(Self { at_us: now_us, checks, days, open, recent, newest })
    }

    /// What they come to at a time.
    fn told(&self, now_us: i64, has_limits: bool) -> Result<ServiceStatus, Problem> {
        let components = self.components(now_us, has_limits);
        Ok(ServiceStatus {
            state: whole(&components),
            at: rfc3339(now_us),
            components,
            open: self.with_newest(self.open.iter().take(OPEN_MAX))?,
            recent: self.with_newest(self.recent.iter())?,
        })
    }

    /// The same, when the database can't be read: so requests are not answered, and of the other parts nothing is
    /// known once the last checks are old.
    fn told_without(&self, now_us: i64, has_limits: bool) -> Result<ServiceStatus, Problem> {
        let mut status = self.told(now_us, has_limits)?;
        for part in status.components.iter_mut().filter(|part| part.id == Component::Api) {
            part.state = ComponentState::Down;
        }
        status.state = whole(&status.components);
        Ok(status)
    }

    /// Incidents, each with its newest update.
    fn with_newest<'a>(
        &self,
        rows: impl Iterator<Item = &'a incidents::Incident>,
    ) -> Result<Vec<Incident>, Problem> {
        let one = |row: &incidents::Incident| {
            let newest = self.newest.get(&row.last_seq);
            Incident::of(row.clone(), newest.map(std::slice::from_ref).unwrap_or_default())
        };
        rows.map(one).collect()
    }

    /// Every part that there is, as checks and open incidents have it.
    fn components(&self, now_us: i64, has_limits: bool) -> Vec<ComponentStatus> {
        let told = |component: Component| {
            let naming =
                self.open.iter().filter(move |row| Component::split(&row.components).contains(&component));
            naming.filter_map(|row| IncidentImpact::parse(&row.impact)?.at_best()).max()
        };
        let components = Component::ALL.into_iter().map(|component| {
            let mut of_it = self.days.iter().filter(|day| day.component == component.as_str()).peekable();
            let found = found(&self.checks, component, now_us);
            let told = told(component);
            // Without Redis there is one replica, and nothing to share.
            let is_there =
                component != Component::Limits || has_limits || told.is_some() || of_it.peek().is_some();
            let days: Vec<StatusDay> = of_it
                .map(|row| StatusDay {
                    date: row.day.clone(),
                    checks: row.checks,
                    degraded: row.degraded,
                    down: row.down,
                })
                .collect();
            is_there.then(|| ComponentStatus {
                id: component,
                name: component.name(),
                description: component.describe(),
                state: told.map_or(found.0, |told| told.max(found.0)),
                checked_at: found.1.map(rfc3339),
                uptime_percent: uptime(&days),
                days,
            })
        });
        components.flatten().collect()
    }
}

/// How all parts together are.
fn whole(components: &[ComponentStatus]) -> ComponentState {
    let all: Vec<ComponentState> = components.iter().map(|one| one.state).collect();
    ComponentState::of_all(&all)
}

/// The worst of what replicas found of a part and that still says something; and when it was checked last.
fn found(checks: &[Check], component: Component, now_us: i64) -> (ComponentState, Option<i64>) {
    let of_it = || checks.iter().filter(|check| check.component == component.as_str());
    let fresh = of_it().filter(|check| check.fresh_until_us >= now_us);
    let worst = fresh.filter_map(|check| ComponentState::parse(&check.state)).max();
    (worst.unwrap_or(ComponentState::Unknown), of_it().map(|check| check.at_us).max())
}

/// The part of the checks that found a part working, in percent with two decimals, rounded down.
fn uptime(days: &[StatusDay]) -> Option<String> {
    let (checks, down) = days.iter().fold((0, 0), |(all, down), day| (all + day.checks, down + day.down));
    let hundredths = (i128::from(checks - down) * 10_000).checked_div(i128::from(checks))?;
    Some(format!("{}.{:02}", hundredths / 100, hundredths % 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(checker: &str, state: &str, at_us: i64, fresh_until_us: i64) -> Check {
        let (component, checker, state) = ("ledger".to_owned(), checker.to_owned(), state.to_owned());
        Check { component, checker, state, at_us, fresh_until_us }
    }

    #[test]
    fn a_part_is_as_the_worst_fresh_check_of_any_replica_and_unknown_without_one() {
        let checks = [
            check("a", "operational", 100, 200),
            check("b", "degraded", 90, 190),
            check("c", "down", 10, 110),
        ];
        assert_eq!(found(&checks, Component::Ledger, 105), (ComponentState::Down, Some(100)));
        assert_eq!(found(&checks, Component::Ledger, 150), (ComponentState::Degraded, Some(100)));
        assert_eq!(found(&checks, Component::Ledger, 195), (ComponentState::Operational, Some(100)));
        assert_eq!(found(&checks, Component::Ledger, 201), (ComponentState::Unknown, Some(100)));
        assert_eq!(found(&checks, Component::Api, 150), (ComponentState::Unknown, None));
    }

    #[test]
    fn uptime_is_of_the_checks_that_there_were_and_never_rounded_up() {
        let day = |checks, degraded, down| StatusDay { date: String::new(), checks, degraded, down };
        assert_eq!(uptime(&[]), None);
        assert_eq!(uptime(&[day(2880, 17, 0)]).as_deref(), Some("100.00"));
        assert_eq!(uptime(&[day(2880, 0, 0), day(259_200, 0, 1)]).as_deref(), Some("99.99"));
        assert_eq!(uptime(&[day(3, 0, 1)]).as_deref(), Some("66.66"));
        assert_eq!(uptime(&[day(4, 0, 4)]).as_deref(), Some("0.00"));
    }

    #[test]
    fn what_was_read_last_is_told_while_nothing_can_be_read_but_not_for_longer_than_it_says_something() {
        let nothing = Rows::default().told_without(100, false).unwrap();
        assert_eq!(nothing.state, ComponentState::Down);
        let states: Vec<_> = nothing.components.iter().map(|part| (part.id, part.state)).collect();
        assert_eq!(states[0], (Component::Api, ComponentState::Down));
        assert!(states[1..].iter().all(|(_, state)| *state == ComponentState::Unknown), "{states:?}");
        assert!(nothing.open.is_empty() && nothing.recent.is_empty());

        let rows = Rows { at_us: 100, checks: vec![check("a", "operational", 100, 200)], ..Rows::default() };
        let ledger = |status: &ServiceStatus| {
            status.components.iter().find(|part| part.id == Component::Ledger).unwrap().state
        };
        assert_eq!(ledger(&rows.told(100, false).unwrap()), ComponentState::Operational);
        let meanwhile = rows.told_without(150, false).unwrap();
        assert_eq!(
            (ledger(&meanwhile), meanwhile.state),
            (ComponentState::Operational, ComponentState::Down)
        );
        assert_eq!(meanwhile.at, rfc3339(150));
        assert_eq!(ledger(&rows.told_without(201, false).unwrap()), ComponentState::Unknown);
    }
}
