//! To whom a version was delivered.

use actix_web::{get, http::StatusCode, post, web};
use serde::{Deserialize, Serialize};
use veritrail_audit::Kind;

use super::{
    super::{
        State,
        list::{List, Run},
        params::Params,
    },
    order::text,
};
use crate::{
    access::{
        Answer, Permit, Recorded,
        right::{ReadReports, WriteReports},
    },
    domain::{InstitutionId, ReportId, Tenant, report::ReportDelivered},
    error::{Code, Problem},
    ledger::{
        RecordError,
        command::{Filing, Rows},
    },
    reporting::{order::SUBJECT, wording::hex},
    reports::types,
    store::{
        Connection,
        reports::{
            self, At,
            evidence::{self, Delivery, NewDelivery},
        },
    },
    world::rfc3339,
};

const OPERATION: &str = "listReportDeliveries";
const BODY_MAX: usize = 16 << 10;
/// Why a version is not delivered.
const UNSEEN: &str = "no verdict is recorded of a validator that must have passed the version";
const FAILED: &str = "a validator that must have passed the version has failed it";
const SUPERSEDED: &str = "a later version has taken its place, or withdrawn it; say in delivered_at when it was delivered, \
                          if that was before";

/// A receipt: a version was delivered.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReportDelivery {
    /// To whom.
    #[schema(min_length = 1, max_length = 140, example = "Deutsche Bundesbank")]
    recipient: String,
    /// By what way.
    #[schema(min_length = 1, max_length = 140, example = "ExtraNet file transfer")]
    channel: String,
    /// What the recipient calls it: the receipt's number, for one.
    #[schema(min_length = 1, max_length = 140, example = "R-2026-000123")]
    reference: Option<String>,
    /// When it was delivered: RFC 3339, not in the future; now, unless told.
    #[schema(max_length = 40, example = "2026-01-05T09:45:00Z")]
    delivered_at: Option<String>,
}

/// A delivery.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReportDelivery {
    /// The entry that recorded it.
    #[schema(example = "49110", pattern = "^[0-9]+$")]
    pub seq: String,
    /// To whom.
    #[schema(example = "Deutsche Bundesbank")]
    pub recipient: String,
    /// By what way.
    #[schema(example = "ExtraNet file transfer")]
    pub channel: String,
    /// What the recipient calls it.
    #[schema(example = "R-2026-000123")]
    pub reference: Option<String>,
    /// When it was delivered: RFC 3339, UTC.
    #[schema(example = "2026-01-05T09:45:00.000000Z")]
    pub delivered_at: String,
    /// When that was recorded.
    #[schema(example = "2026-01-05T09:45:01.000000Z")]
    pub created_at: String,
}

impl ReportDelivery {
    pub(super) fn of(row: Delivery) -> Self {
        Self {
            seq: row.seq.to_string(),
            recipient: row.recipient,
            channel: row.channel,
            reference: row.reference,
            delivered_at: rfc3339(row.delivered_at_us),
            created_at: rfc3339(row.created_at_us),
        }
    }
}

/// Records that a version was delivered.
///
/// Only one that is ready, and that each of its type's validators has passed with its newest verdict. Where a later
/// version has taken its place, it must have been delivered before that one was made.
#[utoipa::path(
    operation_id = "createReportDelivery", tag = "reports",
    params(
        ("id" = ReportId, Path, description = "The report."),
        ("n" = u32, Path, description = "The version's number, from 1.", example = 1),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
        ("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one; kept 24 hours."),
    ),
    request_body(content = NewReportDelivery, content_type = "application/json", example = json!({
        "recipient": "Deutsche Bundesbank", "channel": "ExtraNet file transfer", "reference": "R-2026-000123",
        "delivered_at": "2026-01-05T09:45:00Z",
    })),
    responses(
        (status = 201, description = "It is recorded.", body = ReportDelivery),
        (status = 409, description = "The version must not be delivered: it is not ready, a validator has not passed it, or a later one has taken its place.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A text or the time can't be taken; or the Idempotency-Key was used with another body.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["reports:write"]))
)]
#[post("/v1/reports/{id}/versions/{n}/deliveries")]
pub async fn create(permit: Permit<WriteReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (new, idempotency): (NewReportDelivery, _) = permit.json_once(BODY_MAX).await?;
    let tenant = permit.tenant();
    text("/recipient", &new.recipient, 140)?;
    text("/channel", &new.channel, 140)?;
    if let Some(reference) = &new.reference {
        text("/reference", reference, 140)?;
    }
    let now_us = state.world().now_us();
    let delivered_at_us = match &new.delivered_at {
        None => now_us,
        Some(told) => told
            .parse::<jiff::Timestamp>()
            .map_err(|e| Problem::member("/delivered_at", "invalid_time", e.to_string()))?
            .as_microsecond(),
    };
    if delivered_at_us > now_us {
        return Err(Problem::member("/delivered_at", "out_of_range", "a time that is not in the future"));
    }
    let mut reader = state.read(tenant).await?;
    let (report, version, at) = super::version(&permit, &mut reader).await?;
    drop(reader);
    let Some(sha256) = version.sha256.filter(|_| version.state == "ready") else {
        let detail = format!("the version is {}: only what is ready is delivered", version.state);
        return Err(Problem::new(Code::Conflict, detail));
    };
    let needed = types::of_name(&report.kind).map_or(&[] as &[&str], |definition| definition.validators);
    let payload = ReportDelivered {
        channel: new.channel.clone(),
        delivered_at: rfc3339(delivered_at_us),
        n: at.n.to_string(),
        recipient: new.recipient.clone(),
        reference: new.reference.clone(),
        report: at.report,
        sha256: hex(&sha256),
    }
    .payload();
    let NewReportDelivery { recipient, channel, reference, delivered_at } = new;
    let told_us = delivered_at.map(|_| delivered_at_us);
    let new = NewDelivery { recipient, channel, reference, delivered_at_us };
    let rows: Rows = Box::new(move |connection, now| {
        Box::pin(async move {
            // Here, since nothing is recorded between this look and the delivery.
            check(connection, now.tenant, at, needed, told_us).await?;
            Ok(evidence::add_delivery(connection, now.tenant, at, now.seq, new, now.at_us).await?)
        })
    });
    let subject = (SUBJECT, at.report.to_string());
    let filing = Filing { by: permit.by(), kind: Kind::Record, subject, payload, rows, idempotency };
    let filed = state.door.recorder.file(tenant, filing).await?;
    let after = i64::try_from(filed.receipt.seq).map_err(Problem::internal)? - 1;
    let rows = evidence::deliveries(&mut state.read(tenant).await?, tenant, at, after, 1).await?;
    let view = rows.into_iter().next().map(ReportDelivery::of).ok_or_else(Problem::not_found)?;
    let answer = Answer::json(&view)?.status(StatusCode::CREATED);
    permit.answer(answer.receipt(filed.receipt).replayed(filed.replayed)).await
}

/// Whether a version may be delivered, by what is recorded of it.
async fn check(
    connection: &mut Connection,
    tenant: Tenant,
    at: At,
    validators: &[&str],
    told_us: Option<i64>,
) -> Result<(), RecordError> {
    for validator in validators {
        match evidence::verdict(connection, tenant, at, validator).await?.as_deref() {
            Some("passed") => {}
            Some(_) => return Err(RecordError::Conflict(FAILED)),
            None => return Err(RecordError::Conflict(UNSEEN)),
        }
    }
    match reports::superseded_at(connection, tenant, at).await? {
        Some(since_us) if told_us.is_none_or(|told_us| told_us >= since_us) => {
            Err(RecordError::Conflict(SUPERSEDED))
        }
        _ => Ok(()),
    }
}

/// To whom a version was delivered, oldest first.
#[utoipa::path(
    operation_id = "listReportDeliveries", tag = "reports",
    params(
        ("id" = ReportId, Path, description = "The report."),
        ("n" = u32, Path, description = "The version's number, from 1.", example = 1),
        ("limit" = Option<u16>, Query, description = "Page size, 1 to 500; 100 unless told.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "A page of deliveries.", body = List<ReportDelivery>)),
    security(("oauth2" = ["reports:read"]))
)]
#[get("/v1/reports/{id}/versions/{n}/deliveries")]
pub async fn list(permit: Permit<ReadReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["limit", "cursor"])?;
    let tenant = permit.tenant();
    let mut reader = state.read(tenant).await?;
    let (_, _, at) = super::version(&permit, &mut reader).await?;
    let operation = super::list_of(OPERATION, at);
    let run = Run::take_up(&state, &mut reader, &operation, tenant, &params).await?;
    let after = run.after_seq();
    let mut rows = evidence::deliveries(&mut reader, tenant, at, after, run.fetch()).await?;
    drop(reader);
    rows.retain(|row| row.seq <= run.snapshot.seq());
    let page = run.cut(&mut rows, |row| (None, row.seq))?;
    let data = rows.into_iter().map(ReportDelivery::of).collect();
    permit.answer(List { data, page, as_of: run.snapshot.as_of()? }.answer()?).await
}
