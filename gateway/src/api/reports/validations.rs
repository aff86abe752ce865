//! What validators that are not ours said of a version: evidence, and the condition of a delivery.

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
        answer::Spooled,
        right::{ReadReports, WriteReports},
    },
    domain::{InstitutionId, ReportId, report::ReportVerdict},
    error::{Code, Problem},
    ledger::command::{Filing, Rows},
    reporting::{order::SUBJECT, wording::hex},
    store::reports::evidence::{self, NewValidation, Validation},
    world::rfc3339,
};

const OPERATION: &str = "listReportValidations";
const BODY_MAX: usize = 4 << 20;

/// A validator's verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It found nothing wrong.
    Passed,
    /// It found something wrong.
    Failed,
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
        }
    }
}

/// What a validator said.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReportValidation {
    /// The validator: one that the type names, or another.
    #[schema(min_length = 1, max_length = 70, example = "xsd")]
    validator: String,
    /// Its version.
    #[schema(min_length = 1, max_length = 70, example = "libxml2 2.14.6")]
    version: String,
    /// What it said.
    verdict: Verdict,
    /// The SHA-256 of what it looked at, in hex: the version's document.
    #[schema(
        pattern = "^[0-9a-f]{64}$",
        example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    )]
    sha256: String,
    /// What it printed. It is kept, and its hash is on the ledger.
    #[schema(max_length = 300000, pattern = "^[\\s\\S]*$", example = "no errors")]
    output: String,
}

/// A recorded verdict.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReportValidation {
    /// The entry that recorded it.
    #[schema(example = "49105", pattern = "^[0-9]+$")]
    pub seq: String,
    /// The validator.
    #[schema(example = "xsd")]
    pub validator: String,
    /// Its version.
    #[schema(example = "libxml2 2.14.6")]
    pub version: String,
    /// What it said.
    pub verdict: Verdict,
    /// The SHA-256 of what it printed, in hex.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub output_sha256: String,
    /// How long that is, in bytes.
    #[schema(example = 9)]
    pub output_bytes: i64,
    /// When it was recorded: RFC 3339, UTC.
    #[schema(example = "2026-01-05T09:31:00.000000Z")]
    pub created_at: String,
}

impl ReportValidation {
    fn of(row: Validation) -> Self {
        Self {
            seq: row.seq.to_string(),
            validator: row.validator,
            version: row.version,
            verdict: if row.verdict == "passed" { Verdict::Passed } else { Verdict::Failed },
            output_sha256: hex(&row.output_sha256),
            output_bytes: row.output_bytes,
            created_at: rfc3339(row.created_at_us),
        }
    }
}

/// Records what a validator said of a version.
///
/// Validators run outside: download the document, let one look at it, and record what it said. The newest verdict of
/// a validator counts.
#[utoipa::path(
    operation_id = "createReportValidation", tag = "reports",
    params(
        ("id" = ReportId, Path, description = "The report."),
        ("n" = u32, Path, description = "The version's number, from 1.", example = 1),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
        ("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one; kept 24 hours."),
    ),
    request_body(content = NewReportValidation, content_type = "application/json", example = json!({
        "validator": "xsd", "version": "libxml2 2.14.6", "verdict": "passed", "output": "no errors",
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    })),
    responses(
        (status = 201, description = "It is recorded.", body = ReportValidation),
        (status = 409, description = "The version is not made.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "What was looked at is another document, or a text can't be taken; or the Idempotency-Key was used with another body.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["reports:write"]))
)]
#[post("/v1/reports/{id}/versions/{n}/validations")]
pub async fn create(permit: Permit<WriteReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (new, idempotency): (NewReportValidation, _) = permit.json_once(BODY_MAX).await?;
    let tenant = permit.tenant();
    text("/validator", &new.validator, 70)?;
    text("/version", &new.version, 70)?;
    if new.output.chars().count() > 300_000 {
        return Err(Problem::member("/output", "invalid_text", "at most 300000 characters"));
    }
    let (_, version, at) = super::version(&permit, &mut state.read(tenant).await?).await?;
    let Some(sha256) = version.sha256.as_deref().map(hex) else {
        return Err(Problem::new(Code::Conflict, format!("the version is {}", version.state)));
    };
    if new.sha256 != sha256 {
        let detail = format!("the version's document is {sha256}, and the validator looked at another");
        return Err(Problem::member("/sha256", "other_document", detail));
    }
    let output_bytes = i64::try_from(new.output.len()).map_err(Problem::internal)?;
    let output_sha256 = state.reports.archive().put_bytes(tenant, new.output.into_bytes()).await?;
    let payload = ReportVerdict {
        n: at.n.to_string(),
        output_sha256: hex(&output_sha256),
        report: at.report,
        sha256,
        validator: new.validator.clone(),
        verdict: new.verdict.as_str().to_owned(),
        version: new.version.clone(),
    }
    .payload();
    let new = NewValidation {
        validator: new.validator,
        version: new.version,
        verdict: new.verdict.as_str(),
        output_sha256,
        output_bytes,
    };
    let rows: Rows = Box::new(move |connection, now| {
        Box::pin(async move {
            Ok(evidence::add_validation(connection, now.tenant, at, now.seq, new, now.at_us).await?)
        })
    });
    let subject = (SUBJECT, at.report.to_string());
    let filing = Filing { by: permit.by(), kind: Kind::Record, subject, payload, rows, idempotency };
    let filed = state.door.recorder.file(tenant, filing).await?;
    let after = i64::try_from(filed.receipt.seq).map_err(Problem::internal)? - 1;
    let rows = evidence::validations(&mut state.read(tenant).await?, tenant, at, after, 1).await?;
    let view = rows.into_iter().next().map(ReportValidation::of).ok_or_else(Problem::not_found)?;
    let answer = Answer::json(&view)?.status(StatusCode::CREATED);
    permit.answer(answer.receipt(filed.receipt).replayed(filed.replayed)).await
}

/// What validators said of a version, oldest first.
#[utoipa::path(
    operation_id = "listReportValidations", tag = "reports",
    params(
        ("id" = ReportId, Path, description = "The report."),
        ("n" = u32, Path, description = "The version's number, from 1.", example = 1),
        ("limit" = Option<u16>, Query, description = "Page size, 1 to 500; 100 unless told.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "A page of verdicts.", body = List<ReportValidation>)),
    security(("oauth2" = ["reports:read"]))
)]
#[get("/v1/reports/{id}/versions/{n}/validations")]
pub async fn list(permit: Permit<ReadReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["limit", "cursor"])?;
    let tenant = permit.tenant();
    let mut reader = state.read(tenant).await?;
    let (_, _, at) = super::version(&permit, &mut reader).await?;
    let operation = super::list_of(OPERATION, at);
    let run = Run::take_up(&state, &mut reader, &operation, tenant, &params).await?;
    let after = run.after_seq();
    let mut rows = evidence::validations(&mut reader, tenant, at, after, run.fetch()).await?;
    drop(reader);
    rows.retain(|row| row.seq <= run.snapshot.seq());
    let page = run.cut(&mut rows, |row| (None, row.seq))?;
    let data = rows.into_iter().map(ReportValidation::of).collect();
    permit.answer(List { data, page, as_of: run.snapshot.as_of()? }.answer()?).await
}

/// What a validator printed.
#[utoipa::path(
    operation_id = "getReportValidationOutput", tag = "reports",
    params(
        ("id" = ReportId, Path, description = "The report."),
        ("n" = u32, Path, description = "The version's number, from 1.", example = 1),
        ("seq" = u32, Path, description = "The entry that recorded the verdict.", example = 49105),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "What it printed.", body = String, content_type = "text/plain; charset=utf-8")),
    security(("oauth2" = ["reports:read"]))
)]
#[get("/v1/reports/{id}/versions/{n}/validations/{seq}/output")]
pub async fn output(permit: Permit<ReadReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (tenant, seq) = (permit.tenant(), i64::from(permit.path::<u32>("seq")?));
    let mut reader = state.read(tenant).await?;
    let (_, _, at) = super::version(&permit, &mut reader).await?;
    let rows = evidence::validations(&mut reader, tenant, at, seq - 1, 1).await?;
    drop(reader);
    let row = rows.into_iter().find(|row| row.seq == seq).ok_or_else(Problem::not_found)?;
    let document = state.reports.archive().get(tenant, &row.output_sha256).await?;
    let sha256 = row.output_sha256.try_into().map_err(|_| Problem::internal("an output without a hash"))?;
    let spooled = Spooled { file: document.file, length: document.length, sha256 };
    permit.answer(Answer::spooled(spooled, "text/plain; charset=utf-8")).await
}
