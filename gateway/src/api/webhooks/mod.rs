//! `/v1/webhooks`: endpoints of the institution that are told what happens.

pub mod telling;

use actix_web::{delete, get, http::StatusCode, patch, post, web};
use serde::{Deserialize, Serialize};

use super::{State, params::Params};
use crate::{
    access::{Answer, Door, Permit, Recorded, right::ManageWebhooks},
    domain::{EndpointId, EventType, InstitutionId, Tenant},
    error::{Code, Problem},
    ledger::{
        command::{Filed, Filing},
        events::Wanted,
    },
    store::webhooks::{self as store, Changes, Endpoint, NewEndpoint},
    webhooks::{self, settings, sign::Scheme},
    world::{id_parts, rfc3339},
};

const BODY_MAX: usize = 8192;
const DESCRIPTION_MAX: usize = 200;
const OVERLAP_HOURS_MAX: u32 = 168;

/// A new endpoint.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// Where it is told: `https://`, at a public address. It stands on the ledger: put no secret into it.
    #[schema(example = "https://hooks.bank.example/veritrail", max_length = 2048)]
    url: String,
    /// The types that it is told of; all unless some are named.
    #[serde(default)]
    events: Vec<EventType>,
    /// What it is for, at most 200 characters.
    #[serde(default)]
    #[schema(example = "Reconciliation", max_length = 200)]
    description: String,
    /// How messages are signed: `ed25519` unless told.
    #[serde(default)]
    signature: Scheme,
}

/// What is to be changed of an endpoint; what is left out stays. One that failed is tried at once.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookChange {
    /// Where it is told.
    #[schema(example = "https://hooks.bank.example/veritrail", max_length = 2048)]
    url: Option<String>,
    /// The types that it is told of; all when none is named.
    events: Option<Vec<EventType>>,
    /// What it is for.
    #[schema(max_length = 200)]
    description: Option<String>,
    /// `paused` tells it nothing until it is `active` again; then all that happened meanwhile.
    state: Option<WantedState>,
}

/// What an owner can have an endpoint be.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WantedState {
    /// It is told what happens.
    Active,
    /// It is told nothing for now.
    Paused,
}

/// How a key is rotated.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// Hours for which messages are signed with the key before as well: 0 to 168, 24 unless told.
    #[schema(example = 24, maximum = 168)]
    overlap_hours: Option<u32>,
}

/// An endpoint.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Webhook {
    /// Its id.
    id: EndpointId,
    /// Where it is told.
    #[schema(example = "https://hooks.bank.example/veritrail")]
    url: String,
    /// The types that it is told of; all when there are none.
    events: Vec<EventType>,
    /// What it is for.
    #[schema(example = "Reconciliation")]
    description: String,
    /// `active`, `paused`, `disabled` (it kept failing) or `deleted`.
    #[schema(example = "active")]
    state: String,
    /// Why it is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// How messages are signed.
    signature: Scheme,
    /// What to check signatures with: `whpk_` and the Ed25519 public key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "whpk_2qEq1Wz0m1o6kYFXkPp0n5O8Z5cYoqz3s3q1v1l0m2E=")]
    public_key: Option<String>,
    /// The key before, as long as messages are signed with it too.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_public_key: Option<String>,
    /// The secret that both sides hold, `whsec_` and 32 bytes: shown when it is made and never again. None with
    /// `ed25519`.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// Until when messages are signed with the key before as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    overlap_until: Option<String>,
    /// The last entry that it was told of, or that is not for it; none when that is before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "49102", pattern = "^[0-9]+$")]
    position: Option<String>,
    /// How often it was told of the next event in vain.
    #[schema(example = 0)]
    failed_attempts: i64,
    /// Since when it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<String>,
    /// When it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<String>,
    /// When it was made: RFC 3339, UTC.
    #[schema(example = "2026-01-05T09:30:00.000000Z")]
    created_at: String,
}

/// An institution's endpoints.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct WebhookList {
    /// The endpoints, the oldest first; there are 100 at most.
    data: Vec<Webhook>,
}

/// Adds an endpoint; it is told what happens from now on.
#[utoipa::path(
    operation_id = "createWebhook", tag = "webhooks",
    params(
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
        ("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one, but without the secret; kept 24 hours."),
    ),
    request_body(content = NewWebhook, content_type = "application/json", example = json!({"url": "https://hooks.bank.example/veritrail", "events": ["transaction.created", "transaction.corrected"], "description": "Reconciliation"})),
    responses(
        (status = 201, description = "The endpoint; a secret is shown this once.", body = Webhook),
        (status = 409, description = "There are 100 already.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["webhooks:manage"]))
)]
#[post("/v1/webhooks")]
pub async fn create(permit: Permit<ManageWebhooks>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (new, idempotency): (NewWebhook, _) = permit.json_once(BODY_MAX).await?;
    check_description(&new.description)?;
    let (ms, random) = id_parts(state.world());
    let order = NewEndpoint {
        id: EndpointId::from_parts(ms, random),
        url: checked_url(&state, &new.url)?,
        events: Wanted::new(new.events).to_string(),
        description: new.description,
        scheme: new.signature.as_str(),
    };
    let filed = filed(&state, permit.tenant(), settings::create(permit.by(), order, idempotency)?).await?;
    answer(&permit, &state, &filed, StatusCode::CREATED, true).await
}

/// The institution's endpoints.
#[utoipa::path(
    operation_id = "listWebhooks", tag = "webhooks",
    params(("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant.")),
    responses((status = 200, description = "The endpoints.", body = WebhookList)),
    security(("oauth2" = ["webhooks:manage"]))
)]
#[get("/v1/webhooks")]
pub async fn list(permit: Permit<ManageWebhooks>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let tenant = permit.tenant();
    let rows = store::list(&mut state.read(tenant).await?, tenant).await?;
    let data = rows.into_iter().map(|row| view(&state, tenant, row, false)).collect();
    permit.answer(Answer::json(&WebhookList { data })?).await
}

/// One endpoint: what it is told of, and how that goes.
#[utoipa::path(
    operation_id = "getWebhook", tag = "webhooks",
    params(
        ("id" = EndpointId, Path, description = "The endpoint."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "The endpoint.", body = Webhook)),
    security(("oauth2" = ["webhooks:manage"]))
)]
#[get("/v1/webhooks/{id}")]
pub async fn get(permit: Permit<ManageWebhooks>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (tenant, id) = (permit.tenant(), permit.path("id")?);
    let row = load(&state, tenant, id).await?;
    permit.answer(Answer::json(&view(&state, tenant, row, false))?).await
}

/// Changes an endpoint, pauses it, or has it told again.
#[utoipa::path(
    operation_id = "changeWebhook", tag = "webhooks",
    params(
        ("id" = EndpointId, Path, description = "The endpoint."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
        ("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one; kept 24 hours."),
    ),
    request_body(content = WebhookChange, content_type = "application/json", example = json!({"state": "paused"})),
    responses((status = 200, description = "The endpoint as it is now.", body = Webhook)),
    security(("oauth2" = ["webhooks:manage"]))
)]
#[patch("/v1/webhooks/{id}")]
pub async fn change(permit: Permit<ManageWebhooks>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let id: EndpointId = permit.path("id")?;
    let (change, idempotency): (WebhookChange, _) = permit.json_once(BODY_MAX).await?;
    load(&state, permit.tenant(), id).await?;
    if let Some(description) = &change.description {
        check_description(description)?;
    }
    let changes = Changes {
        url: change.url.map(|url| checked_url(&state, &url)).transpose()?,
        events: change.events.map(|events| Wanted::new(events).to_string()),
        description: change.description,
        state: change.state.map(|state| match state {
            WantedState::Active => "active",
            WantedState::Paused => "paused",
        }),
    };
    let filing = settings::change(permit.by(), id, changes, idempotency)?;
    let filed = filed(&state, permit.tenant(), filing).await?;
    answer(&permit, &state, &filed, StatusCode::OK, false).await
}

/// Signs messages with a new key; the key before signs them too for a while, so that a receiver can learn the
/// new one without missing any. An endpoint that failed is tried again at once.
#[utoipa::path(
    operation_id = "rotateWebhookSecret", tag = "webhooks",
    params(
        ("id" = EndpointId, Path, description = "The endpoint."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
        ("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one, but without the secret; kept 24 hours."),
    ),
    request_body(content = Rotation, content_type = "application/json", example = json!({"overlap_hours": 24})),
    responses((status = 200, description = "The endpoint with its new key; a secret is shown this once.", body = Webhook)),
    security(("oauth2" = ["webhooks:manage"]))
)]
#[post("/v1/webhooks/{id}/rotate-secret")]
pub async fn rotate(permit: Permit<ManageWebhooks>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let id: EndpointId = permit.path("id")?;
    let (rotation, idempotency): (Rotation, _) = permit.json_once(BODY_MAX).await?;
    load(&state, permit.tenant(), id).await?;
    let overlap_hours = rotation.overlap_hours.unwrap_or(24);
    if overlap_hours > OVERLAP_HOURS_MAX {
        return Err(Problem::new(Code::Refused, format!("overlap_hours: 0 to {OVERLAP_HOURS_MAX}")));
    }
    let filing = settings::rotate(permit.by(), id, overlap_hours, idempotency)?;
    let filed = filed(&state, permit.tenant(), filing).await?;
    answer(&permit, &state, &filed, StatusCode::OK, true).await
}

/// Removes an endpoint, with what is known of its attempts. Its entries stay on the ledger.
#[utoipa::path(
    operation_id = "deleteWebhook", tag = "webhooks",
    params(
        ("id" = EndpointId, Path, description = "The endpoint."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "The endpoint as it was.", body = Webhook)),
    security(("oauth2" = ["webhooks:manage"]))
)]
#[delete("/v1/webhooks/{id}")]
pub async fn delete(permit: Permit<ManageWebhooks>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (tenant, id) = (permit.tenant(), permit.path("id")?);
    let row = load(&state, tenant, id).await?;
    let filed = filed(&state, tenant, settings::delete(permit.by(), id, None)?).await?;
    let was = Webhook { state: "deleted".to_owned(), reason: None, ..view(&state, tenant, row, false) };
    permit.answer(Answer::json(&was)?.receipt(filed.receipt)).await
}

/// Files what an owner asked for; it is done or not, even if the caller hangs up.
async fn filed(state: &State, tenant: Tenant, filing: Filing) -> Result<Filed, Problem> {
    let recorder = state.door.recorder.clone();
    Door::whole(async move { recorder.file(tenant, filing).await }).await
}

/// The endpoint that a filing is about, as it is now; with its secret if it was made just now.
async fn answer(
    permit: &Permit<ManageWebhooks>,
    state: &State,
    filed: &Filed,
    status: StatusCode,
    made: bool,
) -> Result<Recorded, Problem> {
    let id: EndpointId = filed.id.parse().map_err(Problem::internal)?;
    let row = load(state, permit.tenant(), id).await?;
    let answer = Answer::json(&view(state, permit.tenant(), row, made && !filed.replayed))?;
    let answer = match status {
        StatusCode::CREATED => answer.header("location", &format!("/v1/webhooks/{id}")),
        _ => answer,
    };
    permit.answer(answer.status(status).receipt(filed.receipt.clone()).replayed(filed.replayed)).await
}

async fn load(state: &State, tenant: Tenant, id: EndpointId) -> Result<Endpoint, Problem> {
    let mut reader = state.read(tenant).await?;
    store::get(&mut reader, tenant, id).await?.ok_or_else(Problem::not_found)
}

fn view(state: &State, tenant: Tenant, row: Endpoint, with_secret: bool) -> Webhook {
    let now_us = state.world().now_us();
    let secrets = state.webhooks.secrets();
    let keys = webhooks::keys(tenant, &row, now_us);
    let public = |place: usize| keys.get(place).and_then(|key| secrets.public(*key));
    let overlaps = keys.len() > 1;
    Webhook {
        id: EndpointId::from_uuid(row.id),
        events: Wanted::parse(&row.events).types().to_vec(),
        signature: Scheme::parse(&row.scheme).unwrap_or_default(),
        public_key: public(0),
        previous_public_key: public(1),
        secret: keys.first().filter(|_| with_secret).and_then(|key| secrets.shared(*key)),
        overlap_until: overlaps.then(|| rfc3339(row.overlap_until_us)),
        position: (row.position >= 0).then(|| row.position.to_string()),
        failed_attempts: row.attempts,
        failing_since: row.failing_since_us.map(rfc3339),
        next_attempt_at: (row.state == "active" && row.attempts > 0).then(|| rfc3339(row.next_at_us)),
        created_at: rfc3339(row.created_at_us),
        url: row.url,
        description: row.description,
        state: row.state,
        reason: row.reason,
    }
}

fn checked_url(state: &State, url: &str) -> Result<String, Problem> {
    let checked = state.webhooks.sender().check(url);
    checked.map(Into::into).map_err(|why| Problem::new(Code::Refused, format!("url: {why}")))
}

fn check_description(description: &str) -> Result<(), Problem> {
    let is_plain =
        description.chars().count() <= DESCRIPTION_MAX && !description.chars().any(char::is_control);
    if is_plain {
        Ok(())
    } else {
        let detail = format!("description: at most {DESCRIPTION_MAX} characters, none a control character");
        Err(Problem::new(Code::Refused, detail))
    }
}
