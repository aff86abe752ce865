//! Having a report made, and a version of one that is there.

use std::collections::BTreeMap;

use actix_web::{http::StatusCode, post, web};
use serde::Deserialize;

use super::{
    super::{State, as_of::Snapshot, params::Params},
    types::word,
    view::{Report, ReportVersion, location},
};
use crate::{
    access::{Answer, Door, Permit, Recorded, right::OrderReports},
    domain::{InstitutionId, ReportId, Tenant},
    error::{Code, Problem},
    ledger::command::{Filed, Filing},
    reporting::order::Order,
    reports::{Period, VersionKind, types},
    store::{
        Reader,
        reports::{self, At},
    },
    world::id_parts,
};

const BODY_MAX: usize = 64 << 10;
const REASON_MAX: usize = 500;
const PARAMETER_MAX: usize = 10_000;

/// A report that is to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReport {
    /// Its type: one of `/v1/report-types`.
    #[serde(rename = "type")]
    #[schema(max_length = 64, example = "account-statement")]
    kind: String,
    /// What it covers: a day (`2026-03-31`), a month (`2026-03`), a quarter (`2026-Q1`) or a year (`2026`).
    #[schema(max_length = 10, example = "2026-03")]
    period: String,
    /// What its type asks for besides.
    #[serde(default)]
    #[schema(required = false, example = json!({"tolerance": "0.10"}))]
    parameters: BTreeMap<String, String>,
    /// The last entry of the ledger that it takes into account; the newest one unless told.
    #[schema(example = "49102", pattern = "^[0-9]{1,18}$")]
    as_of: Option<String>,
}

/// A version that is to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReportVersion {
    /// How it stands to the one before: `correction` unless told; `new` where none is ready.
    kind: Option<VersionKind>,
    /// Why it is made.
    #[schema(min_length = 1, max_length = 500, example = "an amount was keyed in wrongly")]
    reason: String,
    /// The last entry of the ledger that it takes into account; the newest one unless told. A cancellation has that of
    /// the version that it withdraws.
    #[schema(example = "49102", pattern = "^[0-9]{1,18}$")]
    as_of: Option<String>,
}

/// Has a report made, as its first version.
///
/// It is made in the background, of records as they stand at `as_of`. There is one report of a type, period and
/// parameters; others are versions of it.
#[utoipa::path(
    operation_id = "createReport", tag = "reports",
    params(
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
        ("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one; kept 24 hours."),
    ),
    request_body(content = NewReport, content_type = "application/json", example = json!({
        "type": "account-statement", "period": "2026-03", "parameters": {"tolerance": "0.10"},
    })),
    responses(
        (status = 202, description = "The report, being made; `Location` says where to look.", body = Report),
        (status = 409, description = "There is such a report: order a version of it.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "There is no such type, or period, parameters or seq do not fit; or the Idempotency-Key was used with another body.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["reports:write"]))
)]
#[post("/v1/reports")]
pub async fn create(permit: Permit<OrderReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (new, idempotency): (NewReport, _) = permit.json_once(BODY_MAX).await?;
    let definition = types::of_name(&new.kind).ok_or_else(|| {
        let names: Vec<_> = types::ALL.iter().map(|of| of.name).collect();
        Problem::member("/type", "unknown_type", format!("one of {}", names.join(", ")))
    })?;
    let (period, granularity) = Period::parse(&new.period)
        .map_err(|e| Problem::member("/period", "invalid_period", e.to_string()))?;
    if !definition.periods.contains(&granularity) {
        let lengths: Vec<_> = definition.periods.iter().map(|one| word(*one)).collect();
        let detail = format!("a {} covers a {}", definition.name, lengths.join(" or a "));
        return Err(Problem::member("/period", "invalid_period", detail));
    }
    check(&new.parameters)?;
    if let Some((name, why)) = definition.check(&new.parameters).into_iter().next() {
        let pointer = format!("/parameters/{}", name.replace('~', "~0").replace('/', "~1"));
        return Err(Problem::member(pointer, "invalid_parameter", format!("{name}: {why}")));
    }
    let mut reader = state.read(permit.tenant()).await?;
    let as_of = as_of(&mut reader, permit.tenant(), new.as_of.as_deref()).await?;
    drop(reader);
    let (ms, random) = id_parts(state.world());
    let order = Order {
        report: ReportId::from_parts(ms, random),
        report_type: new.kind,
        period: period.to_string(),
        parameters: new.parameters,
        n: 1,
        kind: VersionKind::New,
        reason: None,
        supersedes: None,
        as_of,
    };
    let (at, filed) = file(&permit, &state, order.clone(), order.filing(permit.by(), idempotency)).await?;
    let mut reader = state.read(permit.tenant()).await?;
    let report =
        reports::get(&mut reader, permit.tenant(), at.report).await?.ok_or_else(Problem::not_found)?;
    let version = reports::version(&mut reader, permit.tenant(), at).await?;
    drop(reader);
    let location = format!("/v1/reports/{}", at.report);
    answer(&permit, Answer::json(&Report::of(report, version)?)?, &location, filed).await
}

/// Has a version of a report made.
///
/// A correction takes the place of the newest version that is ready, a cancellation withdraws it. Where none is
/// ready, the version is `new`; for CESOP it may be `new` also after others, with what was not sent yet. The document says so where its standard can.
#[utoipa::path(
    operation_id = "createReportVersion", tag = "reports",
    params(
        ("id" = ReportId, Path, description = "The report."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
        ("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one; kept 24 hours."),
    ),
    request_body(content = NewReportVersion, content_type = "application/json", example = json!({
        "kind": "correction", "reason": "an amount was keyed in wrongly",
    })),
    responses(
        (status = 202, description = "The version, being made; `Location` says where to look.", body = ReportVersion),
        (status = 409, description = "One is being made, or the kind does not fit the versions that there are.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "There is no such kind of this type, or reason or seq do not fit; or the Idempotency-Key was used with another body.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["reports:write"]))
)]
#[post("/v1/reports/{id}/versions")]
pub async fn create_version(
    permit: Permit<OrderReports>,
    state: web::Data<State>,
) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (new, idempotency): (NewReportVersion, _) = permit.json_once(BODY_MAX).await?;
    let tenant = permit.tenant();
    text("/reason", &new.reason, REASON_MAX)?;
    let mut reader = state.read(tenant).await?;
    let report = super::report(&permit, &mut reader).await?;
    let id = ReportId::from_uuid(report.id);
    let definition = types::of_name(&report.kind).ok_or_else(|| {
        Problem::new(Code::Conflict, "the report was deposited: deposit another version of it")
    })?;
    let newest = reports::newest(&mut reader, tenant, id).await?;
    let standing = reports::standing(&mut reader, tenant, id).await?;
    let as_of = as_of(&mut reader, tenant, new.as_of.as_deref()).await?;
    drop(reader);
    let standing = standing.as_ref();
    let kind = new.kind.unwrap_or(match standing {
        Some(_) => VersionKind::Correction,
        None => VersionKind::New,
    });
    if !definition.kinds.contains(&kind) {
        let kinds: Vec<_> = definition.kinds.iter().map(|kind| kind.as_str()).collect();
        return Err(Problem::member("/kind", "unknown_kind", format!("one of {}", kinds.join(", "))));
    }
    let takes_a_place = matches!(kind, VersionKind::Correction | VersionKind::Cancellation);
    // Where a type knows what was sent before, new data may follow: what was not among it.
    let fits = takes_a_place == standing.is_some() || (!takes_a_place && definition.needs_earlier);
    if !fits {
        let detail = match standing {
            Some(version) => format!("version {} stands: correct or cancel it", version.n),
            None => "there is no version that could be corrected or cancelled".to_owned(),
        };
        return Err(Problem::new(Code::Conflict, detail));
    }
    let order = Order {
        report: id,
        report_type: report.kind,
        period: report.period,
        parameters: serde_json::from_str(&report.parameters).map_err(Problem::internal)?,
        n: newest.map_or(1, |version| version.n + 1),
        kind,
        reason: Some(new.reason),
        supersedes: standing.map(|version| version.n),
        as_of: match (kind, standing) {
            (VersionKind::Cancellation, Some(version)) => version.as_of,
            _ => as_of,
        },
    };
    let (at, filed) = file(&permit, &state, order.clone(), order.filing(permit.by(), idempotency)).await?;
    let version = reports::version(&mut state.read(tenant).await?, tenant, at).await?;
    let version = ReportVersion::of(version.ok_or_else(Problem::not_found)?)?;
    answer(&permit, Answer::json(&version)?, &location(at), filed).await
}

/// Records an order and starts on it; which version that is, the first one's where the call is repeated.
async fn file(
    permit: &Permit<OrderReports>,
    state: &State,
    order: Order,
    filing: Filing,
) -> Result<(At, Filed), Problem> {
    let (recorder, press, tenant) = (state.door.recorder.clone(), state.reports.clone(), permit.tenant());
    let n = order.n;
    let filed = Door::whole(async move {
        let filed = recorder.file(tenant, filing).await?;
        if !filed.replayed {
            press.start(tenant, At { report: order.report, n });
        }
        Ok(filed)
    })
    .await?;
    let report: ReportId = filed.id.parse().map_err(Problem::internal)?;
    if !filed.replayed {
        return Ok((At { report, n }, filed));
    }
    let mut reader = state.read(tenant).await?;
    let versions = reports::versions(&mut reader, tenant, report, 0, i64::MAX).await?;
    let first = versions.iter().find(|version| version.seq.unsigned_abs() == filed.receipt.seq);
    Ok((At { report, n: first.map_or(1, |version| version.n) }, filed))
}

async fn answer(
    permit: &Permit<OrderReports>,
    answer: Answer,
    location: &str,
    filed: Filed,
) -> Result<Recorded, Problem> {
    let answer = answer.status(StatusCode::ACCEPTED).header("location", location);
    permit.answer(answer.receipt(filed.receipt).replayed(filed.replayed)).await
}

/// The seq that is asked for, or the newest one.
async fn as_of(reader: &mut Reader, tenant: Tenant, wanted: Option<&str>) -> Result<i64, Problem> {
    let newest = Snapshot::now(reader, tenant).await?.seq();
    let Some(wanted) = wanted else { return Ok(newest) };
    match wanted.parse::<i64>() {
        Ok(seq) if (0..=newest).contains(&seq) => Ok(seq),
        _ => Err(Problem::member("/as_of", "out_of_range", format!("a seq of the ledger: 0 to {newest}"))),
    }
}

/// Parameters are short texts without control characters.
fn check(parameters: &BTreeMap<String, String>) -> Result<(), Problem> {
    parameters.iter().try_for_each(|(name, value)| {
        let pointer = format!("/parameters/{}", name.replace('~', "~0").replace('/', "~1"));
        text(&pointer, value, PARAMETER_MAX)
    })
}

/// A text that people read.
pub(in crate::api) fn text(pointer: &str, text: &str, max: usize) -> Result<(), Problem> {
    if text.is_empty() || text.chars().count() > max || text.contains(char::is_control) {
        let detail = format!("1 to {max} characters, none of them a control character");
        return Err(Problem::member(pointer, "invalid_text", detail));
    }
    Ok(())
}
