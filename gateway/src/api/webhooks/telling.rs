//! What a webhook endpoint was told, and having it told again or tried.

use actix_web::{get, http::StatusCode, post, web};
use serde::{Deserialize, Serialize};

use super::{BODY_MAX, filed, load};
use crate::{
    access::{
        Answer, Permit, Recorded,
        right::{ManageWebhooks, TellWebhooks},
    },
    api::{State, as_of::Snapshot, params::Params},
    domain::{AttemptId, EndpointId, InstitutionId},
    error::{Code, Problem},
    ledger::events::{self, Wanted},
    store::{entries, webhook_attempts},
    webhooks::settings,
    world::{id_parts, rfc3339},
};

/// What an endpoint is to be told again.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Redelivery {
    /// This event, once, at once. Not with `since`.
    #[schema(pattern = "^[0-9]+$")]
    event: Option<String>,
    /// All events since this time (RFC 3339), in order, and then those after. Not with `event`.
    #[schema(example = "2026-01-05T09:30:00Z", format = DateTime)]
    since: Option<String>,
}

/// What was ordered.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Ordered {
    /// The attempt that is made of it; none when all since a time is told again.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<AttemptId>,
    /// The endpoint.
    endpoint: EndpointId,
}

/// An attempt to tell an endpoint.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Attempt {
    /// Its id.
    id: AttemptId,
    /// The message's `webhook-id`: the same for each attempt to tell the same.
    #[schema(example = "msg_0190163d8694739bba1a9fbee4e5c1b2_49102")]
    message_id: String,
    /// The event; none for a test.
    #[schema(example = "49102")]
    event: Option<String>,
    /// The event's type.
    r#type: String,
    /// The how manyth attempt in a row it is.
    #[schema(example = 1)]
    number: i64,
    /// `ordered` (not made yet), `succeeded` or `failed`.
    #[schema(example = "succeeded")]
    state: String,
    /// When it ended, or was ordered: RFC 3339, UTC.
    #[schema(example = "2026-01-05T09:30:00.000000Z")]
    at: String,
    /// Milliseconds that it took.
    #[schema(example = 84)]
    took_ms: Option<i64>,
    /// The HTTP status that was answered.
    #[schema(example = 204)]
    status: Option<i64>,
    /// The first 1024 bytes of the answer.
    #[schema(example = "")]
    answer: Option<String>,
    /// What went wrong.
    #[schema(example = "it answered 500")]
    error: Option<String>,
}

/// Attempts, the newest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AttemptList {
    /// The attempts.
    data: Vec<Attempt>,
    /// Give this as `before` to get more; none when there are no more.
    next_before: Option<AttemptId>,
}

/// The attempts to tell an endpoint, the newest first, and what it answered. They are kept for 30 days.
#[utoipa::path(
    operation_id = "listWebhookDeliveries", tag = "webhooks",
    params(
        ("id" = EndpointId, Path, description = "The endpoint."),
        ("before" = Option<AttemptId>, Query, description = "`next_before` of the page before."),
        ("limit" = Option<u16>, Query, description = "Page size, 1 to 500; 100 unless told.", minimum = 1, maximum = 500),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "A page of attempts.", body = AttemptList)),
    security(("oauth2" = ["webhooks:manage"]))
)]
#[get("/v1/webhooks/{id}/deliveries")]
pub async fn deliveries(
    permit: Permit<ManageWebhooks>,
    state: web::Data<State>,
) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["before", "limit"])?;
    let (tenant, id) = (permit.tenant(), permit.path("id")?);
    load(&state, tenant, id).await?;
    let limit = params.limit()?;
    let mut reader = state.read(tenant).await?;
    let mut rows =
        webhook_attempts::page(&mut reader, tenant, id, params.parse("before")?, limit + 1).await?;
    drop(reader);
    let has_more = rows.len() as i64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or_default());
    let next_before = rows.last().filter(|_| has_more).map(|last| AttemptId::from_uuid(last.id));
    let data = rows.into_iter().map(Into::into).collect();
    permit.answer(Answer::json(&AttemptList { data, next_before })?).await
}

impl From<webhook_attempts::Attempt> for Attempt {
    fn from(row: webhook_attempts::Attempt) -> Self {
        Self {
            id: AttemptId::from_uuid(row.id),
            message_id: row.message_id,
            event: row.event_seq.map(|seq| seq.to_string()),
            r#type: row.event_type,
            number: row.number,
            state: row.state,
            at: rfc3339(row.at_us),
            took_ms: row.took_ms,
            status: row.status,
            answer: row.answer,
            error: row.error,
        }
    }
}

/// Tells an endpoint of an event again, or of all since a time. Works for one that is paused or disabled too:
/// an event is told at once, all since a time once it is active.
#[utoipa::path(
    operation_id = "redeliverWebhook", tag = "webhooks",
    params(
        ("id" = EndpointId, Path, description = "The endpoint."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
        ("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one; kept 24 hours."),
    ),
    request_body(content = Redelivery, content_type = "application/json", example = json!({"since": "2026-01-05T09:30:00Z"})),
    responses(
        (status = 202, description = "It is done soon; see the endpoint's deliveries.", body = Ordered),
        (status = 409, description = "100 attempts are waiting.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["webhooks:manage"]))
)]
#[post("/v1/webhooks/{id}/redeliver")]
pub async fn redeliver(permit: Permit<TellWebhooks>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (tenant, id): (_, EndpointId) = (permit.tenant(), permit.path("id")?);
    let (wanted, idempotency): (Redelivery, _) = permit.json_once(BODY_MAX).await?;
    load(&state, tenant, id).await?;
    let mut reader = state.read(tenant).await?;
    let size = Snapshot::now(&mut reader, tenant).await?.seq() + 1;
    let (filing, attempt) = match (wanted.event, wanted.since) {
        (Some(event), None) => {
            let found = match event.parse::<i64>() {
                Ok(seq) if (0..size).contains(&seq) => {
                    events::after(&mut reader, tenant, (seq - 1, seq + 1), &Wanted::default(), 1)
                        .await?
                        .events
                }
                _ => Vec::new(),
            };
            let told = found.first().ok_or_else(|| refused("event: there is no such event"))?;
            let attempt = attempt_id(&state);
            let event = Some((told.seq, told.event.r#type));
            (settings::order(permit.by(), id, attempt, event, idempotency)?, Some(attempt))
        }
        (None, Some(since)) => {
            let at: jiff::Timestamp =
                since.parse().map_err(|_| refused("since: a time as RFC 3339 writes it"))?;
            let first = entries::seq_at(&mut reader, tenant, size, at.as_microsecond()).await?;
            let since = rfc3339(at.as_microsecond());
            (settings::set_back(permit.by(), id, first - 1, since, idempotency)?, None)
        }
        _ => return Err(refused("say either an event or since when")),
    };
    drop(reader);
    let filed = filed(&state, tenant, filing).await?;
    // A call that is repeated made no attempt of this id.
    let attempt = attempt.filter(|_| !filed.replayed);
    let answer = Answer::json(&Ordered { attempt, endpoint: id })?.status(StatusCode::ACCEPTED);
    permit.answer(answer.receipt(filed.receipt).replayed(filed.replayed)).await
}

/// Sends an endpoint a message of type `webhook.test`, once and at once, whatever state it is in.
#[utoipa::path(
    operation_id = "testWebhook", tag = "webhooks",
    params(
        ("id" = EndpointId, Path, description = "The endpoint."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
        ("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one; kept 24 hours."),
    ),
    responses(
        (status = 202, description = "It is done soon; see the endpoint's deliveries.", body = Ordered),
        (status = 409, description = "100 attempts are waiting.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The Idempotency-Key was used with another body.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["webhooks:manage"]))
)]
#[post("/v1/webhooks/{id}/test")]
pub async fn test(permit: Permit<TellWebhooks>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (tenant, id): (_, EndpointId) = (permit.tenant(), permit.path("id")?);
    let idempotency = permit.idempotency(&[])?;
    load(&state, tenant, id).await?;
    let attempt = attempt_id(&state);
    let filing = settings::order(permit.by(), id, attempt, None, idempotency)?;
    let filed = filed(&state, tenant, filing).await?;
    let attempt = Some(attempt).filter(|_| !filed.replayed);
    let answer = Answer::json(&Ordered { attempt, endpoint: id })?.status(StatusCode::ACCEPTED);
    permit.answer(answer.receipt(filed.receipt).replayed(filed.replayed)).await
}

fn attempt_id(state: &State) -> AttemptId {
    let (ms, random) = id_parts(state.world());
    AttemptId::from_parts(ms, random)
}

fn refused(detail: &str) -> Problem {
    Problem::new(Code::Refused, detail)
}
