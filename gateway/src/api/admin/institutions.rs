//! `/admin/v1/institutions`: who is served.

use actix_web::{get, http::StatusCode, patch, post, web};
use serde::{Deserialize, Serialize};

use super::{BODY_MAX, PAGE, check_name};
use crate::{
    access::{Answer, Door, Permit, Recorded, right::Administer},
    api::{State, params::Params},
    domain::InstitutionId,
    error::Problem,
    ledger::command::{Change, Onboarding},
    store::institutions,
    world::{id_parts, rfc3339},
};

/// A new institution.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInstitution {
    /// Its name, 1 to 100 characters.
    #[schema(example = "Harbour Leasing Bank", min_length = 1, max_length = 100)]
    name: String,
    /// Its plan; `standard` unless told.
    #[schema(example = "standard")]
    plan: Option<String>,
}

/// A change to an institution.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InstitutionChange {
    /// The plan to move it to.
    #[schema(example = "standard")]
    plan: String,
}

/// An institution.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct InstitutionView {
    /// Its id.
    id: InstitutionId,
    /// Its name.
    #[schema(example = "Harbour Leasing Bank")]
    name: String,
    /// Its plan.
    #[schema(example = "standard")]
    plan: String,
    /// When it was onboarded: RFC 3339, UTC.
    #[schema(example = "2026-01-05T09:30:00.000000Z")]
    onboarded_at: String,
}

/// Institutions, by id.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct InstitutionList {
    /// The institutions.
    data: Vec<InstitutionView>,
    /// Give this as `after` to get more; none when there are no more.
    next_after: Option<InstitutionId>,
}

impl From<institutions::Institution> for InstitutionView {
    fn from(row: institutions::Institution) -> Self {
        Self {
            id: InstitutionId::from_uuid(row.id),
            name: row.name,
            plan: row.plan,
            onboarded_at: rfc3339(row.created_at_us),
        }
    }
}

/// Onboards an institution and opens its log.
#[utoipa::path(
    operation_id = "createInstitution", tag = "admin",
    params(("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one; kept 24 hours.")),
    request_body(content = NewInstitution, content_type = "application/json"),
    responses((status = 201, description = "The institution.", body = InstitutionView)),
    security(("oauth2" = ["admin"]))
)]
#[post("/admin/v1/institutions")]
pub async fn create(permit: Permit<Administer>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (new, idempotency): (NewInstitution, _) = permit.json_once(BODY_MAX).await?;
    check_name(&new.name)?;
    let (ms, random) = id_parts(state.world());
    let id = InstitutionId::from_parts(ms, random);
    let plan = new.plan.unwrap_or_else(|| "standard".to_owned());
    let onboarding = Onboarding { id, name: new.name, plan, provider: false };
    let changed = state.door.recorder.change(permit.by(), Change::Onboard(onboarding), idempotency).await?;
    let id = changed.made.as_deref().and_then(|id| id.parse().ok()).unwrap_or(id);
    let view = load(&state, id).await?;
    permit.answer(Answer::json(&view)?.status(StatusCode::CREATED).changed(changed)).await
}

/// Institutions.
#[utoipa::path(
    operation_id = "listInstitutions", tag = "admin",
    params(("after" = Option<InstitutionId>, Query, description = "`next_after` of the page before.")),
    responses((status = 200, description = "Up to 100 institutions.", body = InstitutionList)),
    security(("oauth2" = ["admin"]))
)]
#[get("/admin/v1/institutions")]
pub async fn list(permit: Permit<Administer>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["after"])?;
    let rows = institutions::page(&mut state.directory().await?, params.parse("after")?, PAGE).await?;
    let data: Vec<InstitutionView> = rows.into_iter().map(Into::into).collect();
    let next_after = data.last().filter(|_| data.len() as i64 == PAGE).map(|last| last.id);
    permit.answer(Answer::json(&InstitutionList { data, next_after })?).await
}

/// One institution.
#[utoipa::path(
    operation_id = "getInstitutionAsOperator", tag = "admin",
    params(("id" = InstitutionId, Path, description = "The institution.")),
    responses((status = 200, description = "The institution.", body = InstitutionView)),
    security(("oauth2" = ["admin"]))
)]
#[get("/admin/v1/institutions/{id}")]
pub async fn get(permit: Permit<Administer>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let view = load(&state, permit.path("id")?).await?;
    permit.answer(Answer::json(&view)?).await
}

/// Moves an institution to another plan.
#[utoipa::path(
    operation_id = "changeInstitution", tag = "admin",
    params(("id" = InstitutionId, Path, description = "The institution.")),
    request_body(content = InstitutionChange, content_type = "application/json"),
    responses((status = 200, description = "The institution as it is now.", body = InstitutionView)),
    security(("oauth2" = ["admin"]))
)]
#[patch("/admin/v1/institutions/{id}")]
pub async fn change(permit: Permit<Administer>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let id: InstitutionId = permit.path("id")?;
    let change: InstitutionChange = permit.json(BODY_MAX).await?;
    let (door, by) = (state.door.clone(), permit.by());
    let changed = Door::whole(async move {
        let changed = door.recorder.change(by, Change::SetPlan(id, change.plan), None).await?;
        // Verdicts name the plan.
        if changed.receipt.is_some() {
            door.callers_changed().await;
        }
        Ok(changed)
    })
    .await?;
    let view = load(&state, id).await?;
    permit.answer(Answer::json(&view)?.changed(changed)).await
}

async fn load(state: &State, id: InstitutionId) -> Result<InstitutionView, Problem> {
    let row = institutions::get(&mut state.directory().await?, id).await?;
    row.filter(|row| row.role == "institution").map(Into::into).ok_or_else(Problem::not_found)
}
