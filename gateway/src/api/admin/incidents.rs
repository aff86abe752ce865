//! `/admin/v1/incidents`: what operators tell everybody of the service. Each incident and each update is an entry on
//! the provider's log.

use actix_web::{get, http::StatusCode, post, web};
use serde::{Deserialize, Serialize};

use super::{BODY_MAX, PAGE};
use crate::{
    access::{Answer, Door, Permit, Recorded, right::Administer},
    api::{
        State,
        params::Params,
        status::{impact, status},
    },
    domain::{
        IncidentId,
        status::{Component, IncidentImpact, IncidentStatus, TEXT_MAX, TITLE_MAX},
    },
    error::Problem,
    ledger::{
        command::{Filed, Filing},
        incidents::{self as ledger, Said},
    },
    reporting::judge,
    store::incidents as store,
    world::{id_parts, rfc3339},
};

/// A new incident.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIncident {
    /// What it is called: 1 to 200 characters.
    #[schema(example = "Reports are late", min_length = 1, max_length = 200)]
    title: String,
    /// How far it is: `investigating` unless told; not `resolved`.
    status: Option<IncidentStatus>,
    /// How much it keeps people from.
    impact: IncidentImpact,
    /// The parts that it concerns, at least one.
    #[schema(min_items = 1)]
    components: Vec<Component>,
    /// What people are told: 1 to 2000 characters.
    #[schema(
        example = "Reports take longer than they should. We look why.",
        min_length = 1,
        max_length = 2000
    )]
    text: String,
}

/// What is new of an incident.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIncidentUpdate {
    /// How far it is: `resolved` ends it.
    status: IncidentStatus,
    /// How much it keeps people from; as before unless told.
    impact: Option<IncidentImpact>,
    /// The parts that it concerns, at least one; as before unless told.
    #[schema(min_items = 1)]
    components: Option<Vec<Component>>,
    /// The `seq` of the newest update that whoever tells this has seen: when there is a newer one, nothing is told.
    #[schema(example = "49102", pattern = "^[0-9]{1,18}$")]
    after: Option<String>,
    /// What people are told: 1 to 2000 characters.
    #[schema(
        example = "Reports are made again. We watch whether it stays so.",
        min_length = 1,
        max_length = 2000
    )]
    text: String,
}

/// An incident, as operators see it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct IncidentView {
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
    /// The provider's entry that opened it.
    #[schema(example = "49102", pattern = "^[0-9]+$")]
    seq: String,
    /// What was told of it, the newest first; of an incident in a list, the newest alone.
    updates: Vec<IncidentUpdateView>,
}

/// What was told of an incident at a time, and by whom.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct IncidentUpdateView {
    /// When: RFC 3339, UTC.
    #[schema(example = "2026-11-30T09:30:00.000000Z")]
    at: String,
    /// How far the incident was then.
    status: IncidentStatus,
    /// How much it kept people from.
    impact: IncidentImpact,
    /// The parts that it concerned.
    components: Vec<Component>,
    /// What people were told.
    #[schema(example = "Reports take longer than they should. We look why.")]
    text: String,
    /// Who told it: a client or a person.
    #[schema(example = "usr_0190163d8694739bba1a9fbee4e5c1b2")]
    made_by: String,
    /// The provider's entry that records it.
    #[schema(example = "49102", pattern = "^[0-9]+$")]
    seq: String,
}

/// Incidents, the newest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct IncidentList {
    /// The incidents.
    data: Vec<IncidentView>,
    /// Give this as `before` to get more; none when there are no more.
    next_before: Option<IncidentId>,
}

impl IncidentView {
    fn of(row: store::Incident, updates: Vec<store::Update>) -> Result<Self, Problem> {
        Ok(Self {
            id: IncidentId::from_uuid(row.id),
            status: status(&row.status)?,
            impact: impact(&row.impact)?,
            components: Component::split(&row.components),
            opened_at: rfc3339(row.opened_at_us),
            updated_at: rfc3339(row.updated_at_us),
            resolved_at: row.resolved_at_us.map(rfc3339),
            seq: row.seq.to_string(),
            updates: updates.into_iter().map(IncidentUpdateView::of).collect::<Result<_, _>>()?,
            title: row.title,
        })
    }
}

impl IncidentUpdateView {
    fn of(row: store::Update) -> Result<Self, Problem> {
        Ok(Self {
            at: rfc3339(row.at_us),
            status: status(&row.status)?,
            impact: impact(&row.impact)?,
            components: Component::split(&row.components),
            text: row.body,
            made_by: row.made_by,
            seq: row.seq.to_string(),
        })
    }
}

/// Opens an incident: everybody is told of it at once.
#[utoipa::path(
    operation_id = "createIncident", tag = "admin",
    params(("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one; kept 24 hours.")),
    request_body(content = NewIncident, content_type = "application/json", example = json!({
        "title": "Reports are late", "impact": "minor", "components": ["exports-and-reports"],
        "text": "Reports take longer than they should. We look why.",
    })),
    responses(
        (status = 201, description = "The incident.", body = IncidentView),
        (status = 409, description = "1000 incidents are open.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "It can't be told so; or the Idempotency-Key was used with another body.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["admin"]))
)]
#[post("/admin/v1/incidents")]
pub async fn create(permit: Permit<Administer>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (new, idempotency): (NewIncident, _) = permit.json_once(BODY_MAX).await?;
    judge::text("/title", &new.title, TITLE_MAX)?;
    judge::text("/text", &new.text, TEXT_MAX)?;
    let status = new.status.unwrap_or(IncidentStatus::Investigating);
    if status == IncidentStatus::Resolved {
        let detail = "an incident is open at first; an update resolves it";
        return Err(Problem::member("/status", "resolved_at_once", detail));
    }
    let components = components(new.components)?;
    let said = Said { status, impact: new.impact, components, text: new.text };
    let (ms, random) = id_parts(state.world());
    let id = IncidentId::from_parts(ms, random);
    let filed = filed(&state, ledger::open(permit.by(), id, new.title, said, idempotency)?).await?;
    let id: IncidentId = filed.id.parse().map_err(Problem::internal)?;
    let answer = Answer::json(&load(&state, id).await?)?
        .status(StatusCode::CREATED)
        .header("location", &format!("/admin/v1/incidents/{id}"));
    permit.answer(answer.receipt(filed.receipt).replayed(filed.replayed)).await
}

/// Incidents, the newest first.
#[utoipa::path(
    operation_id = "listIncidents", tag = "admin",
    params(("before" = Option<IncidentId>, Query, description = "`next_before` of the page before.")),
    responses((status = 200, description = "Up to 100 incidents.", body = IncidentList)),
    security(("oauth2" = ["admin"]))
)]
#[get("/admin/v1/incidents")]
pub async fn list(permit: Permit<Administer>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["before"])?;
    let mut reader = state.directory().await?;
    let rows = store::page(&mut reader, params.parse("before")?, PAGE).await?;
    let next_before =
        rows.last().filter(|_| rows.len() as i64 == PAGE).map(|last| IncidentId::from_uuid(last.id));
    let mut newest = store::newest(&mut reader, &rows).await?;
    drop(reader);
    let one = |row: store::Incident| {
        let newest = newest.remove(&row.last_seq);
        IncidentView::of(row, newest.into_iter().collect())
    };
    let data = rows.into_iter().map(one).collect::<Result<_, _>>()?;
    permit.answer(Answer::json(&IncidentList { data, next_before })?).await
}

/// One incident, with everything that was told of it.
#[utoipa::path(
    operation_id = "getIncident", tag = "admin",
    params(("id" = IncidentId, Path, description = "The incident.")),
    responses((status = 200, description = "The incident.", body = IncidentView)),
    security(("oauth2" = ["admin"]))
)]
#[get("/admin/v1/incidents/{id}")]
pub async fn get(permit: Permit<Administer>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let incident = load(&state, permit.path("id")?).await?;
    permit.answer(Answer::json(&incident)?).await
}

/// Tells what is new of an incident: everybody is told at once.
#[utoipa::path(
    operation_id = "updateIncident", tag = "admin",
    params(
        ("id" = IncidentId, Path, description = "The incident."),
        ("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one; kept 24 hours."),
    ),
    request_body(content = NewIncidentUpdate, content_type = "application/json", example = json!({
        "status": "monitoring", "text": "Reports are made again. We watch whether it stays so.",
    })),
    responses(
        (status = 201, description = "The incident as it is now.", body = IncidentView),
        (status = 409, description = "It is resolved, `after` is not its newest update, somebody else has just updated it, or it has 49 updates and this one does not resolve it.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "It can't be told so; or the Idempotency-Key was used with another body.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["admin"]))
)]
#[post("/admin/v1/incidents/{id}/updates")]
pub async fn update(permit: Permit<Administer>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let id: IncidentId = permit.path("id")?;
    let (new, idempotency): (NewIncidentUpdate, _) = permit.json_once(BODY_MAX).await?;
    let mut seen = store::get(&mut state.directory().await?, id).await?.ok_or_else(Problem::not_found)?;
    judge::text("/text", &new.text, TEXT_MAX)?;
    if let Some(after) = &new.after {
        seen.last_seq = seq("/after", after)?;
    }
    let said = Said {
        status: new.status,
        impact: new.impact.map_or_else(|| impact(&seen.impact), Ok)?,
        components: new.components.map_or_else(|| Ok(Component::split(&seen.components)), components)?,
        text: new.text,
    };
    let filed = filed(&state, ledger::update(permit.by(), &seen, said, idempotency)?).await?;
    let answer = Answer::json(&load(&state, id).await?)?.status(StatusCode::CREATED);
    permit.answer(answer.receipt(filed.receipt).replayed(filed.replayed)).await
}

/// The seq of an entry, as it is written.
fn seq(pointer: &str, digits: &str) -> Result<i64, Problem> {
    let fits = (1..=18).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let seq = digits.parse::<i64>().ok().filter(|_| fits);
    seq.ok_or_else(|| Problem::member(pointer, "invalid_seq", "the seq of an entry: 1 to 18 digits"))
}

/// The parts that are named, each once and in their order.
fn components(named: Vec<Component>) -> Result<Vec<Component>, Problem> {
    if named.is_empty() {
        return Err(Problem::member("/components", "too_few", "name at least one"));
    }
    Ok(Component::ALL.into_iter().filter(|one| named.contains(one)).collect())
}

/// Files what was asked for on the provider's log; it is done or not, even if the caller hangs up. Then everybody is
/// told of it.
async fn filed(state: &State, filing: Filing) -> Result<Filed, Problem> {
    let (recorder, provider, told) = (state.door.recorder.clone(), state.door.provider, state.told.clone());
    Door::whole(async move {
        let filed = recorder.file(provider, filing).await?;
        told.look_again().await;
        Ok(filed)
    })
    .await
}

async fn load(state: &State, id: IncidentId) -> Result<IncidentView, Problem> {
    let mut reader = state.directory().await?;
    let row = store::get(&mut reader, id).await?.ok_or_else(Problem::not_found)?;
    let updates = store::updates(&mut reader, row.id).await?;
    IncidentView::of(row, updates)
}
