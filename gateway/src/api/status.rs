//! `/v1/status`: how the service is, for everybody. Public, of nobody's data, and nothing that needs recording.

use actix_web::{HttpRequest, HttpResponse, get, http::header, web};
use serde::Serialize;

use super::State;
use crate::{
    domain::{
        IncidentId,
        status::{Component, ComponentState, DAYS, IncidentImpact, IncidentStatus},
    },
    error::Problem,
    status::{day, oldest},
    store::{
        Reader, StoreError, incidents,
        status::{self as store, Check},
    },
    world::rfc3339,
};

/// Whoever asks often is answered by what stands between.
const A_WHILE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=10");
/// Incidents that are told of while they are open.
const OPEN_MAX: usize = 50;
/// Incidents that are over and still told of, beside those that are open.
const RECENT_MAX: i64 = 30;
const DAY_US: i64 = 24 * 3600 * 1_000_000;

/// How the service is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ServiceStatus {
    /// How all parts together are: as the worst of them. `unknown` when none is bad and of some nothing is known.
    state: ComponentState,
    /// When this was looked up: RFC 3339, UTC.
    #[schema(example = "2026-11-30T09:30:00.000000Z")]
    at: String,
    /// The parts of the service.
    components: Vec<ComponentStatus>,
    /// Up to 50 incidents that are not resolved, the newest first, with the newest update of each.
    open: Vec<Incident>,
    /// Up to 30 incidents that were resolved in the last 90 days, the last one first.
    recent: Vec<Incident>,
}

/// How a part of the service is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ComponentStatus {
    /// The part.
    id: Component,
    /// What people call it.
    #[schema(example = "API and portal")]
    name: &'static str,
    /// What is checked of it.
    #[schema(example = "Requests are answered, and the database is read.")]
    description: &'static str,
    /// As the last checks found it, or as an open incident that names it says if that is worse. `unknown` when it was
    /// not checked lately.
    state: ComponentState,
    /// When it was checked last.
    #[schema(example = "2026-11-30T09:29:48.000000Z")]
    checked_at: Option<String>,
    /// How many checks of the last 90 days found it working, degraded or not, in percent, rounded down; none when
    /// there was no check.
    #[schema(example = "99.98", pattern = "^[0-9]{1,3}\\.[0-9]{2}$")]
    uptime_percent: Option<String>,
    /// Of the last 90 days those on which it was checked, in order; of the others nothing is known.
    days: Vec<StatusDay>,
}

/// What checks of a part came to on a day.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct StatusDay {
    /// The day, in UTC.
    #[schema(example = "2026-11-30", format = Date)]
    date: String,
    /// How many checks there were.
    #[schema(example = 2880, minimum = 1)]
    checks: i64,
    /// How many found it degraded.
    #[schema(example = 2, minimum = 0)]
    degraded: i64,
    /// How many found it down.
    #[schema(example = 0, minimum = 0)]
    down: i64,
}

/// An incident, as everybody is told of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Incident {
    /// Its id.
    id: IncidentId,
    /// What it is called.
    #[schema(example = "Reports are late")]
    title: String,
    /// How far it is.
    status: IncidentStatus,
    /// How much it keeps people from.
    impact: IncidentImpact,
    /// The parts that it concerns.
    components: Vec<Component>,
    /// When it was opened: RFC 3339, UTC.
    #[schema(example = "2026-11-30T09:30:00.000000Z")]
    opened_at: String,
    /// When its newest update was made.
    #[schema(example = "2026-11-30T09:30:00.000000Z")]
    updated_at: String,
    /// When it was resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-30T10:30:00.000000Z")]
    resolved_at: Option<String>,
    /// What was told of it, the newest first.
    updates: Vec<IncidentUpdate>,
}

/// What was told of an incident at a time.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct IncidentUpdate {
    /// When: RFC 3339, UTC.
    #[schema(example = "2026-11-30T09:30:00.000000Z")]
    at: String,
    /// How far the incident was then.
    status: IncidentStatus,
    /// How much it kept people from.
    impact: IncidentImpact,
    /// What people were told.
    #[schema(example = "Reports are made again. We watch whether it stays so.")]
    text: String,
}

impl Incident {
    /// An incident with some of its updates.
    ///
    /// # Errors
    /// When what is stored has no such name.
    pub(super) fn of(row: incidents::Incident, updates: &[incidents::Update]) -> Result<Self, Problem> {
        Ok(Self {
            id: IncidentId::from_uuid(row.id),
            status: status(&row.status)?,
            impact: impact(&row.impact)?,
            components: Component::split(&row.components),
            opened_at: rfc3339(row.opened_at_us),
            updated_at: rfc3339(row.updated_at_us),
            resolved_at: row.resolved_at_us.map(rfc3339),
            updates: updates.iter().map(IncidentUpdate::of).collect::<Result<_, _>>()?,
            title: row.title,
        })
    }
}

impl IncidentUpdate {
    fn of(row: &incidents::Update) -> Result<Self, Problem> {
        Ok(Self {
            at: rfc3339(row.at_us),
            status: status(&row.status)?,
            impact: impact(&row.impact)?,
            text: row.body.clone(),
        })
    }
}

/// A stored status.
pub(super) fn status(name: &str) -> Result<IncidentStatus, Problem> {
    IncidentStatus::parse(name).ok_or_else(|| Problem::internal(format!("a status {name}")))
}

/// A stored impact.
pub(super) fn impact(name: &str) -> Result<IncidentImpact, Problem> {
    IncidentImpact::parse(name).ok_or_else(|| Problem::internal(format!("an impact {name}")))
}

/// How the service is: its parts, 90 days of each, and incidents.
#[utoipa::path(
    operation_id = "getStatus", tag = "status",
    responses((status = 200, description = "How it is. May be kept for 10 seconds.", body = ServiceStatus)),
    security(())
)]
#[get("/v1/status")]
pub async fn get(state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let now_us = state.world().now_us();
    let mut reader = state.directory().await?;
    let mut open = incidents::open_ones(&mut reader).await?;
    let components = components(&state, &mut reader, &open, now_us).await?;
    let since_us = now_us - i64::try_from(DAYS).unwrap_or_default() * DAY_US;
    open.truncate(OPEN_MAX);
    let recent = incidents::resolved(&mut reader, since_us, RECENT_MAX).await?;
    let newest = incidents::newest(&mut reader, since_us).await?;
    let all: Vec<ComponentState> = components.iter().map(|one| one.state).collect();
    let body = ServiceStatus {
        state: ComponentState::of_all(&all),
        at: rfc3339(now_us),
        components,
        open: with_newest(open, &newest)?,
        recent: with_newest(recent, &newest)?,
    };
    Ok(HttpResponse::Ok().insert_header(A_WHILE).json(body))
}

/// One incident, with everything that was told of it.
#[utoipa::path(
    operation_id = "getStatusIncident", tag = "status",
    params(("id" = IncidentId, Path, description = "The incident.")),
    responses(
        (status = 200, description = "The incident. May be kept for 10 seconds.", body = Incident),
        (status = 404, description = "There is no such incident.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(())
)]
#[get("/v1/status/incidents/{id}")]
pub async fn incident(request: HttpRequest, state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let id = request.match_info().get("id").and_then(|id| id.parse::<IncidentId>().ok());
    let id = id.ok_or_else(Problem::not_found)?;
    let mut reader = state.directory().await?;
    let row = incidents::get(&mut reader, id).await?.ok_or_else(Problem::not_found)?;
    let updates = incidents::updates(&mut reader, row.id).await?;
    Ok(HttpResponse::Ok().insert_header(A_WHILE).json(Incident::of(row, &updates)?))
}

/// Incidents, each with its newest update.
fn with_newest(
    rows: Vec<incidents::Incident>,
    newest: &[incidents::Update],
) -> Result<Vec<Incident>, Problem> {
    let one = |row: incidents::Incident| {
        let newest = newest.iter().find(|update| update.seq == row.last_seq);
        Incident::of(row, newest.map(std::slice::from_ref).unwrap_or_default())
    };
    rows.into_iter().map(one).collect()
}

/// Every part that there is, as checks and open incidents have it.
async fn components(
    state: &State,
    reader: &mut Reader,
    open: &[incidents::Incident],
    now_us: i64,
) -> Result<Vec<ComponentStatus>, StoreError> {
    let checks = store::checks(reader).await?;
    let days = store::days(reader, &oldest(day(now_us)).to_string()).await?;
    let told = |component: Component| {
        let naming = open.iter().filter(move |row| Component::split(&row.components).contains(&component));
        naming.filter_map(|row| IncidentImpact::parse(&row.impact)?.at_best()).max()
    };
    let components = Component::ALL.into_iter().map(|component| {
        let mut of_it = days.iter().filter(|day| day.component == component.as_str()).peekable();
        let found = found(&checks, component, now_us);
        let told = told(component);
        // Without Redis there is one replica, and nothing to share.
        let is_there = component != Component::Limits
            || state.door.redis.is_some()
            || told.is_some()
            || of_it.peek().is_some();
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
    Ok(components.flatten().collect())
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
}
