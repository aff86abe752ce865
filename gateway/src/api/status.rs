//! `/v1/status`: how the service is, for everybody. Public, of nobody's data, and nothing that needs recording.

mod told;

use actix_web::{HttpRequest, HttpResponse, get, http::header, web};
use serde::Serialize;

use super::State;
use crate::{
    domain::{
        IncidentId,
        status::{Component, ComponentState, IncidentImpact, IncidentStatus},
    },
    error::Problem,
    store::incidents,
    world::rfc3339,
};
pub use told::Told;

/// Whoever asks often is answered by what stands between.
const A_WHILE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=10");

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
///
/// It is answered when the database can't be read as well, by what was read last; then the part `api` is `down`.
#[utoipa::path(
    operation_id = "getStatus", tag = "status",
    responses((status = 200, description = "How it is. May be kept for 10 seconds.", body = ServiceStatus)),
    security(())
)]
#[get("/v1/status")]
pub async fn get(state: web::Data<State>) -> Result<HttpResponse, Problem> {
    let body = state.told.now(&state).await?;
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
