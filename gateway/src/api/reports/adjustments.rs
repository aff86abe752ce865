//! Amounts that somebody adds to a figure by hand, once somebody else has approved them.

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
    view::decimal,
};
use crate::{
    access::{
        Answer, Permit, Recorded,
        right::{ReadReports, WriteReports},
    },
    domain::{
        AdjustmentId, InstitutionId, ReportId,
        report::{AdjustmentDecision, ReportAdjustment as Proposed},
    },
    error::{Code, Problem},
    ledger::{
        RecordError,
        command::{Filing, Rows},
    },
    reporting::order::SUBJECT,
    reports::types,
    store::{
        idempotency,
        reports::{
            self, At, Report,
            adjustments::{self, AdjustmentRow, NewAdjustment},
            figures,
        },
    },
    world::{id_parts, rfc3339},
};

const OPERATION: &str = "listReportAdjustments";
const BODY_MAX: usize = 16 << 10;
/// Why an adjustment is not decided.
const DECIDED: &str = "the adjustment is decided, or it is the caller's own: somebody else must decide it";

/// An amount that is to be added to a figure.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReportAdjustment {
    /// The figure's name, as the newest version has it.
    #[schema(min_length = 1, max_length = 200, example = "DE04000000000000000576/credits")]
    figure: String,
    /// What is to be added, in the figure's unit; with a minus, what is to be taken away. Not nought.
    #[schema(pattern = "^-?[0-9]{1,14}(\\.[0-9]{1,4})?$", example = "-12.50")]
    amount: String,
    /// Why.
    #[schema(min_length = 1, max_length = 500, example = "a fee was booked after the cut-off")]
    reason: String,
}

/// What somebody decides about an adjustment.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDecision {
    /// Whether it is approved; declined otherwise.
    #[schema(example = true)]
    approve: bool,
}

/// An adjustment.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReportAdjustment {
    /// Its id.
    pub id: AdjustmentId,
    /// The figure's name.
    #[schema(example = "DE04000000000000000576/credits")]
    pub figure: String,
    /// What it adds, in the figure's unit.
    #[schema(example = "-12.50")]
    pub amount: String,
    /// What the figure is counted in.
    #[schema(example = "EUR")]
    pub unit: String,
    /// Why.
    #[schema(example = "a fee was booked after the cut-off")]
    pub reason: String,
    /// `proposed`, `approved` or `declined`.
    #[schema(example = "approved")]
    pub state: String,
    /// The client that proposed it.
    #[schema(example = "cli_0190163d8694739bba1a9fbee4e5c1b2")]
    pub proposed_by: String,
    /// The client that decided.
    #[schema(example = "cli_0190163d8694739bba1a9fbee4e5c1b3")]
    pub decided_by: Option<String>,
    /// The entry that proposed it.
    #[schema(example = "49111", pattern = "^[0-9]+$")]
    pub seq: String,
    /// The entry that decided: once approved, versions as of it or later have the amount as a contribution.
    #[schema(example = "49112", pattern = "^[0-9]+$")]
    pub decided_seq: Option<String>,
    /// When it was proposed: RFC 3339, UTC.
    #[schema(example = "2026-01-05T09:50:00.000000Z")]
    pub created_at: String,
    /// When it was decided.
    #[schema(example = "2026-01-05T09:55:00.000000Z")]
    pub decided_at: Option<String>,
}

impl ReportAdjustment {
    fn of(row: AdjustmentRow) -> Self {
        Self {
            id: AdjustmentId::from_uuid(row.id),
            amount: decimal(row.amount, decimals(&row.unit)),
            figure: row.figure,
            unit: row.unit,
            reason: row.reason,
            state: row.state,
            proposed_by: row.actor,
            decided_by: row.decided_by,
            seq: row.seq.to_string(),
            decided_seq: row.decided_seq.map(|seq| seq.to_string()),
            created_at: rfc3339(row.created_at_us),
            decided_at: row.decided_at_us.map(rfc3339),
        }
    }
}

/// How many decimals a unit has: those of the currency, or none.
fn decimals(unit: &str) -> i64 {
    crate::domain::Currency::parse(unit).map_or(0, |currency| currency.exponent().into())
}

/// Decimal text as a number of the smallest unit; none where it has more decimals, or is too long.
fn smallest(text: &str, decimals: i64) -> Option<i64> {
    let decimals = usize::try_from(decimals).ok()?;
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fits =
        (1..=14).contains(&whole.len()) && is_digits(whole) && is_digits(part) && part.len() <= decimals;
    let has_point = digits.contains('.');
    if !fits || (has_point && part.is_empty()) {
        return None;
    }
    format!("{whole}{part:0<decimals$}").parse::<i64>().ok().map(|amount| sign * amount)
}

/// Proposes an amount that is to be added to a figure by hand.
///
/// It counts in versions that are ordered after another client has approved it.
#[utoipa::path(
    operation_id = "createReportAdjustment", tag = "reports",
    params(
        ("id" = ReportId, Path, description = "The report."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
        ("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one; kept 24 hours."),
    ),
    request_body(content = NewReportAdjustment, content_type = "application/json", example = json!({
        "figure": "DE04000000000000000576/credits", "amount": "-12.50", "reason": "a fee was booked after the cut-off",
    })),
    responses(
        (status = 201, description = "It is proposed.", body = ReportAdjustment),
        (status = 409, description = "The report has no figures, or was deposited.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "There is no such figure, or amount or reason can't be taken; or the Idempotency-Key was used with another body.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["reports:write"]))
)]
#[post("/v1/reports/{id}/adjustments")]
pub async fn create(permit: Permit<WriteReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (new, idempotency): (NewReportAdjustment, _) = permit.json_once(BODY_MAX).await?;
    let tenant = permit.tenant();
    text("/figure", &new.figure, 200)?;
    text("/reason", &new.reason, 500)?;
    let mut reader = state.read(tenant).await?;
    let report = super::report(&permit, &mut reader).await?;
    let first = super::first_answer(&mut reader, tenant, idempotency.as_ref()).await?;
    drop(reader);
    let id = ReportId::from_uuid(report.id);
    let filed = match first {
        Some(first) => first,
        None => {
            let filing = proposal(&permit, &state, &report, new, idempotency).await?;
            state.door.recorder.file(tenant, filing).await?
        }
    };
    let after = i64::try_from(filed.receipt.seq).map_err(Problem::internal)? - 1;
    let rows = adjustments::page(&mut state.read(tenant).await?, tenant, id, after, 1).await?;
    let view = rows.into_iter().next().map(ReportAdjustment::of).ok_or_else(Problem::not_found)?;
    let answer = Answer::json(&view)?.status(StatusCode::CREATED);
    permit.answer(answer.receipt(filed.receipt).replayed(filed.replayed)).await
}

/// What records a proposed adjustment, once it fits a figure of the newest version that has some.
async fn proposal(
    permit: &Permit<WriteReports>,
    state: &State,
    report: &Report,
    new: NewReportAdjustment,
    idempotency: Option<idempotency::Key>,
) -> Result<Filing, Problem> {
    let (tenant, id) = (permit.tenant(), ReportId::from_uuid(report.id));
    let mut reader = state.read(tenant).await?;
    let newest = reports::newest_with_figures(&mut reader, tenant, id).await?;
    let Some(n) = newest.filter(|_| types::of_name(&report.kind).is_some()) else {
        return Err(Problem::new(Code::Conflict, "no version of the report has figures"));
    };
    let figure = figures::named(&mut reader, tenant, At { report: id, n }, &new.figure).await?;
    drop(reader);
    let figure = figure.ok_or_else(|| {
        Problem::member("/figure", "unknown_figure", "the newest version has no such figure")
    })?;
    if figure.inputs != "[]" {
        let detail = "the figure is made of others: adjust one of these";
        return Err(Problem::member("/figure", "derived_figure", detail));
    }
    if types::of_name(&report.kind).is_some_and(|of| !of.adjustable) {
        return Err(Problem::member(
            "/figure",
            "not_adjustable",
            "a report of this type is of its records alone",
        ));
    }
    let amount = smallest(&new.amount, figure.decimals).filter(|amount| *amount != 0).ok_or_else(|| {
        let detail = format!("a decimal other than nought, with {} decimals at most", figure.decimals);
        Problem::member("/amount", "invalid_amount", detail)
    })?;
    let (ms, random) = id_parts(state.world());
    let new = NewAdjustment {
        id: AdjustmentId::from_parts(ms, random),
        report: id,
        figure: new.figure,
        unit: figure.unit,
        amount,
        reason: new.reason,
        actor: permit.by().actor,
    };
    let payload = Proposed {
        amount: decimal(amount, figure.decimals),
        figure: new.figure.clone(),
        id: new.id,
        reason: new.reason.clone(),
        report: id,
        unit: new.unit.clone(),
    }
    .payload();
    let rows: Rows = Box::new(move |connection, now| {
        Box::pin(
            async move { Ok(adjustments::propose(connection, now.tenant, now.seq, new, now.at_us).await?) },
        )
    });
    let subject = (SUBJECT, id.to_string());
    Ok(Filing { by: permit.by(), kind: Kind::Record, subject, payload, rows, idempotency })
}

/// A report's adjustments, oldest first.
#[utoipa::path(
    operation_id = "listReportAdjustments", tag = "reports",
    params(
        ("id" = ReportId, Path, description = "The report."),
        ("limit" = Option<u16>, Query, description = "Page size, 1 to 500; 100 unless told.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "A page of adjustments.", body = List<ReportAdjustment>)),
    security(("oauth2" = ["reports:read"]))
)]
#[get("/v1/reports/{id}/adjustments")]
pub async fn list(permit: Permit<ReadReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["limit", "cursor"])?;
    let tenant = permit.tenant();
    let mut reader = state.read(tenant).await?;
    let report = super::report(&permit, &mut reader).await?;
    let id = ReportId::from_uuid(report.id);
    let operation = format!("{OPERATION} {id}");
    let run = Run::take_up(&state, &mut reader, &operation, tenant, &params).await?;
    let after = run.after_seq();
    let snapshot = run.snapshot.seq();
    let mut rows = adjustments::page(&mut reader, tenant, id, after, run.fetch()).await?;
    drop(reader);
    rows.retain(|row| row.seq <= snapshot);
    let page = run.cut(&mut rows, |row| (None, row.seq))?;
    let data = rows.into_iter().map(|row| ReportAdjustment::of(row.at(snapshot))).collect();
    permit.answer(List { data, page, as_of: run.snapshot.as_of()? }.answer()?).await
}

/// An adjustment as it stands.
#[utoipa::path(
    operation_id = "getReportAdjustment", tag = "reports",
    params(
        ("id" = ReportId, Path, description = "The report."),
        ("adjustment" = AdjustmentId, Path, description = "The adjustment."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "The adjustment.", body = ReportAdjustment)),
    security(("oauth2" = ["reports:read"]))
)]
#[get("/v1/reports/{id}/adjustments/{adjustment}")]
pub async fn get(permit: Permit<ReadReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (tenant, id) = (permit.tenant(), permit.path::<AdjustmentId>("adjustment")?);
    let mut reader = state.read(tenant).await?;
    let report = ReportId::from_uuid(super::report(&permit, &mut reader).await?.id);
    let row = adjustments::get(&mut reader, tenant, report, id).await?.ok_or_else(Problem::not_found)?;
    drop(reader);
    permit.answer(Answer::json(&ReportAdjustment::of(row))?).await
}

/// Approves or declines an adjustment that another client proposed.
#[utoipa::path(
    operation_id = "decideReportAdjustment", tag = "reports",
    params(
        ("id" = ReportId, Path, description = "The report."),
        ("adjustment" = AdjustmentId, Path, description = "The adjustment."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
        ("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one; kept 24 hours."),
    ),
    request_body(content = NewDecision, content_type = "application/json", example = json!({"approve": true})),
    responses(
        (status = 200, description = "It is decided.", body = ReportAdjustment),
        (status = 409, description = "It was decided before, or the caller proposed it.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The Idempotency-Key was used with another body.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["reports:write"]))
)]
#[post("/v1/reports/{id}/adjustments/{adjustment}/decision")]
pub async fn decide(permit: Permit<WriteReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (new, idempotency): (NewDecision, _) = permit.json_once(BODY_MAX).await?;
    let (tenant, id) = (permit.tenant(), permit.path::<AdjustmentId>("adjustment")?);
    let mut reader = state.read(tenant).await?;
    let report = ReportId::from_uuid(super::report(&permit, &mut reader).await?.id);
    let row = adjustments::get(&mut reader, tenant, report, id).await?.ok_or_else(Problem::not_found)?;
    drop(reader);
    let decided = if new.approve { "approved" } else { "declined" };
    let payload = AdjustmentDecision {
        amount: decimal(row.amount, decimals(&row.unit)),
        figure: row.figure,
        id,
        report,
        state: decided.to_owned(),
        unit: row.unit,
    }
    .payload();
    let actor = permit.by().actor;
    let rows: Rows = Box::new(move |connection, now| {
        Box::pin(async move {
            let how = (now.seq, actor.as_str(), decided);
            match adjustments::decide(connection, now.tenant, id, how, now.at_us).await? {
                0 => Err(RecordError::Conflict(DECIDED)),
                _ => Ok(()),
            }
        })
    });
    let subject = (SUBJECT, report.to_string());
    let filing = Filing { by: permit.by(), kind: Kind::Record, subject, payload, rows, idempotency };
    let filed = state.door.recorder.file(tenant, filing).await?;
    let row = adjustments::get(&mut state.read(tenant).await?, tenant, report, id).await?;
    let view = ReportAdjustment::of(row.ok_or_else(Problem::not_found)?);
    permit.answer(Answer::json(&view)?.receipt(filed.receipt).replayed(filed.replayed)).await
}

#[cfg(test)]
mod tests {
    use super::smallest;

    #[test]
    fn an_amount_is_a_decimal_of_its_unit() {
        assert_eq!(smallest("-12.5", 2), Some(-1_250));
        assert_eq!(smallest("12", 0), Some(12));
        assert_eq!(smallest("0.001", 3), Some(1));
        for text in ["", "-", "1.", ".5", "1.234", "+1", "1e2", "123456789012345"] {
            assert_eq!(smallest(text, 2), None, "{text}");
        }
    }
}
