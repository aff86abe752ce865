//! Reports that were made elsewhere, kept here beside the others.

use std::collections::BTreeMap;

use actix_web::{http::StatusCode, post, web};
use sha2::{Digest as _, Sha256};

use super::{
    super::{State, as_of::Snapshot, params::Params},
    order::text,
    read::MEDIA_TYPES,
    view::{Report, location},
};
use crate::{
    access::{Answer, Permit, Recorded, right::OrderReports},
    domain::{InstitutionId, ReportId, Tenant},
    error::{Code, Problem},
    reporting::{
        archive,
        order::{Deposit, Order},
    },
    reports::{Period, VersionKind, types},
    store::{
        idempotency,
        reports::{self, At},
    },
    world::id_parts,
};

/// Bytes of a document.
const DOCUMENT_MAX: u64 = 256 << 20;

/// Deposits a report that was made elsewhere.
///
/// It is archived as it is, and its hash is on the ledger. There is one report of a type and period; another document
/// of it is its next version, and says why. It has no figures: what was made elsewhere can't be opened here.
#[utoipa::path(
    operation_id = "depositReport", tag = "reports",
    params(
        ("type" = String, Query, description = "Its type, by a name of the depositor's own: none of `/v1/report-types`.", pattern = "^[a-z0-9][a-z0-9.-]{0,63}$", example = "finrep"),
        ("period" = String, Query, description = "What it covers: a day, a month, a quarter or a year.", pattern = "^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?|-Q[1-4])?$", example = "2026-Q1"),
        ("reason" = Option<String>, Query, description = "Why there is another version of it.", min_length = 1, max_length = 500),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
        ("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one; kept 24 hours."),
    ),
    request_body(description = "The document, 256 MiB at most.", content(
        (String = "application/xml", example = json!("<xbrl/>")), (String = "application/json", example = json!("{}")),
        (String = "text/csv", example = json!("a,b")), (Vec<u8> = "application/zip"), (Vec<u8> = "application/pdf"), (Vec<u8> = "application/octet-stream"),
    )),
    responses(
        (status = 201, description = "It is archived.", body = Report),
        (status = 409, description = "There is one of this type and period, and no reason for another; or one was deposited at the same time.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The type is one that is made here, or there is no such period; or the Idempotency-Key was used with another document.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["reports:write"]))
)]
#[post("/v1/report-deposits")]
pub async fn create(permit: Permit<OrderReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["type", "period", "reason"])?;
    let kind: String = params.require("type")?;
    let is_name =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    let begins = kind.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if kind.len() > 64 || !begins || !kind.bytes().all(is_name) || types::of_name(&kind).is_some() {
        let detail = "1 to 64 of a-z, 0-9, full stop and hyphen, and no type that is made here";
        return Err(Problem::member("?type", "invalid_value", detail));
    }
    let period = Period::parse(&params.require::<String>("period")?)
        .map_err(|error| Problem::member("?period", "invalid_period", error.to_string()))?
        .0;
    let reason = params.text("reason", 500)?.map(ToOwned::to_owned);
    if let Some(reason) = &reason {
        text("?reason", reason, 500)?;
    }
    let given = permit.header("content-type").unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let media_type = MEDIA_TYPES.into_iter().find(|it| *it == essence).unwrap_or("application/octet-stream");
    let (tenant, about) = (permit.tenant(), (kind, period, reason));
    // What would be refused is refused before the document is read, and long before it is kept.
    if !is_repeated(&permit, &state).await? {
        order(&state, tenant, about.clone()).await?;
    }
    let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(Problem::internal)?);
    permit.body_to(&MEDIA_TYPES, &mut file, (DOCUMENT_MAX, state.upload_time)).await?;
    let (file, sha256, bytes) = archive::digest(file.into_std().await).await.map_err(Problem::internal)?;
    let idempotency = permit.idempotency_of(Sha256::digest(sha256).into())?;
    let first = super::first_answer(&mut state.read(tenant).await?, tenant, idempotency.as_ref()).await?;
    let filed = match first {
        Some(first) => first,
        None => {
            let order = order(&state, tenant, about).await?;
            state.reports.archive().put(tenant, file).await?;
            let bytes = i64::try_from(bytes).map_err(Problem::internal)?;
            let deposit = Deposit { media_type, sha256, bytes };
            state.door.recorder.file(tenant, order.deposit(permit.by(), deposit, idempotency)).await?
        }
    };
    let report: ReportId = filed.id.parse().map_err(Problem::internal)?;
    let seq = i64::try_from(filed.receipt.seq).map_err(Problem::internal)?;
    let mut reader = state.read(tenant).await?;
    let row = reports::get(&mut reader, tenant, report).await?.ok_or_else(Problem::not_found)?;
    let n = reports::ordered_by(&mut reader, tenant, report, seq).await?.ok_or_else(Problem::not_found)?;
    let at = At { report, n };
    let version = reports::version(&mut reader, tenant, at).await?;
    drop(reader);
    let answer = Answer::json(&Report::of(row, version)?)?
        .status(StatusCode::CREATED)
        .header("location", &location(at));
    permit.answer(answer.receipt(filed.receipt).replayed(filed.replayed)).await
}

/// Whether there is an answer under the call's key already, whatever its document was.
async fn is_repeated(permit: &Permit<OrderReports>, state: &State) -> Result<bool, Problem> {
    let Some(key) = permit.idempotency_of([0; 32])? else { return Ok(false) };
    let first = idempotency::get(&mut state.read(permit.tenant()).await?, permit.tenant(), &key).await?;
    Ok(first.is_some())
}

/// The version that a deposit is.
async fn order(
    state: &State,
    tenant: Tenant,
    (kind, period, reason): (String, Period, Option<String>),
) -> Result<Order, Problem> {
    let mut reader = state.read(tenant).await?;
    let as_of = Snapshot::now(&mut reader, tenant).await?.seq();
    let period = period.to_string();
    let there = reports::of(&mut reader, tenant, (&kind, &period, "{}")).await?;
    let newest = match &there {
        Some(report) => reports::newest(&mut reader, tenant, ReportId::from_uuid(report.id)).await?,
        None => None,
    };
    drop(reader);
    if newest.is_some() && reason.is_none() {
        let detail = "there is one of this type and period: say in reason why there is another version";
        return Err(Problem::new(Code::Conflict, detail));
    }
    let (ms, random) = id_parts(state.world());
    Ok(Order {
        report: there
            .map_or_else(|| ReportId::from_parts(ms, random), |report| ReportId::from_uuid(report.id)),
        report_type: kind,
        period,
        parameters: BTreeMap::new(),
        n: newest.as_ref().map_or(1, |version| version.n + 1),
        kind: if newest.is_some() { VersionKind::Correction } else { VersionKind::New },
        reason,
        supersedes: newest.map(|version| version.n),
        as_of,
    })
}
