//! `/v1/intakes`: files of records, taken whole or in parts, examined, then stored.
//!
//! An upload in parts goes as tus 1.0.0 has it (its core and `creation`): `POST` with `Upload-Length` and no
//! body, `PATCH` with `Upload-Offset`, `HEAD` to learn where to go on.

use actix_web::{get, head, http::StatusCode, patch, post, web};
use serde::Serialize;
use veritrail_audit::Hash;

use super::{
    State,
    list::{List, Run},
    params::Params,
};
use crate::{
    access::{
        Answer, Door, Permit, Recorded,
        right::{Deliver, GoOn, SeeDelivery},
    },
    domain::{InstitutionId, IntakeId, Tenant},
    error::{Code, Problem},
    intake::{Format, Mapping},
    receiving::{self, IntakeFinding, Trouble},
    store::{
        intake_findings, intake_mappings,
        intakes::{self, New},
    },
    world::{id_parts, rfc3339},
};

/// Media types of files; the format says what is in them.
const TYPES: [&str; 5] = ["application/x-ndjson", "application/xml", "text/xml", "text/csv", "text/plain"];
/// The media type of a part, as tus has it.
const PART: &str = "application/offset+octet-stream";
/// Formats that come this way.
const FORMATS: [(&str, Format); 4] =
    [("camt", Format::Camt), ("mt940", Format::Mt940), ("csv", Format::Csv), ("ndjson", Format::Ndjson)];
/// Longest name of a file.
const FILE_NAME_MAX: usize = 255;

/// A file, and what became of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Intake {
    /// Its id.
    pub id: IntakeId,
    /// `uploading`, `examining`, `storing`; in the end `stored`, `examined` (a dry run without faults), `refused`
    /// or `failed`.
    #[schema(example = "stored")]
    pub state: String,
    /// Why it was refused or failed.
    pub reason: Option<String>,
    /// What the feeder calls it.
    #[schema(example = "statement-2026-03-31.xml")]
    pub file_name: Option<String>,
    /// `camt`, `mt940`, `csv` or `ndjson`.
    #[schema(example = "camt")]
    pub format: String,
    /// Whether nothing is to be stored.
    #[schema(example = false)]
    pub dry_run: bool,
    /// `abort` or `skip`.
    #[schema(example = "abort")]
    pub on_error: String,
    /// The file's size in bytes.
    #[schema(example = 7081)]
    pub bytes: i64,
    /// The file's SHA-256 in hex, once all of it is here.
    pub sha256: Option<String>,
    /// The entry that recorded the file, once all of it is here.
    #[schema(example = "7", pattern = "^[0-9]+$")]
    pub seq: Option<String>,
    /// What was counted; final once `finished_at` is there.
    pub counts: IntakeCounts,
    /// When it began: RFC 3339, UTC.
    #[schema(example = "2026-01-05T09:30:00.000000Z")]
    pub created_at: String,
    /// When it ended.
    pub finished_at: Option<String>,
}

/// What was counted in a file.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct IntakeCounts {
    /// Statements, reports and notifications.
    #[schema(example = 1)]
    pub statements: i64,
    /// Transactions without a fault.
    #[schema(example = 1)]
    pub records: i64,
    /// Transactions that it added.
    #[schema(example = 1)]
    pub added: i64,
    /// Transactions that were there already, with the same content.
    #[schema(example = 0)]
    pub unchanged: i64,
    /// Faults: findings of severity `error`.
    #[schema(example = 0)]
    pub faults: i64,
    /// Balances that do not add up: findings of severity `break`.
    #[schema(example = 0)]
    pub breaks: i64,
}

/// Delivers a file of transactions. It is examined and stored in the background.
///
/// All or nothing: the whole file is read, and held against what is stored, before anything of it is stored; if
/// anything is refused, nothing is stored, unless `on_error=skip`. A statement whose balances do not add up is a
/// finding of severity `break`, and is stored. What is there already with the same content is left alone, so a
/// file may be sent again. A booked entry takes the place of the pending one of its reference, as a correction; a
/// pending one that comes late changes nothing. An upload that breaks off leaves nothing behind. For large files
/// over poor lines, send `Upload-Length` and no body, then the parts by `PATCH` (tus 1.0.0).
#[utoipa::path(
    operation_id = "createIntake", tag = "intakes",
    params(
        ("institution" = InstitutionId, Query, description = "Whose transactions these are."),
        ("format" = String, Query, description = "`camt` (camt.052, camt.053 or camt.054, any version), `mt940`, `csv` or `ndjson`.", example = "ndjson"),
        ("mapping" = Option<String>, Query, description = "For `csv`: the name of the mapping that says what its columns mean.", example = "kontoauszug"),
        ("dry_run" = Option<bool>, Query, description = "`true`: examine only, store nothing.", example = false),
        ("on_error" = Option<String>, Query, description = "`abort` (unless told): all or nothing. `skip`: keep what is without fault.", example = "abort"),
        ("file_name" = Option<String>, Query, description = "What you call the file; it is on the ledger.", example = "statement-2026-03-31.xml"),
        ("Upload-Length" = Option<i64>, Header, description = "Begins an upload in parts, of a file of so many bytes. The body is empty then.", example = 7081),
        ("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one; kept 24 hours."),
    ),
    request_body(
        content(
            (crate::domain::NewTransaction = "application/x-ndjson"),
            (String = "application/xml", example = json!("<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\">…</Document>")),
            (String = "text/xml", example = json!("<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\">…</Document>")),
            (String = "text/csv", example = json!("Beleg;Konto;Buchung;Betrag\n1;DE04;31.03.2026;12,50\n")),
            (String = "text/plain", example = json!(":20:STARTUMS\r\n:25:10020030/1234567\r\n…")),
        ),
        description = "The file.",
    ),
    responses(
        (status = 201, description = "An upload in parts begins; `Location` says where to send them.", body = Intake),
        (status = 202, description = "The file is here and on the ledger; `Location` says where to look.", body = Intake),
        (status = 409, description = "The institution has as many unfinished uploads, or as many bytes on their way, as it may.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "csv without a mapping that was set, or a mapping with another format; or the Idempotency-Key was used with another body.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["transactions:write"]))
)]
#[post("/v1/intakes")]
pub async fn create(permit: Permit<Deliver>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let new = requested(&permit, &state).await?;
    let length = permit.header("upload-length").map(ToOwned::to_owned);
    let (filed, status) = match length {
        Some(length) => (begin(&permit, &state, new, &length).await?, StatusCode::CREATED),
        None => (take(&permit, &state, new).await?, StatusCode::ACCEPTED),
    };
    let id: IntakeId = filed.id.parse().map_err(Problem::internal)?;
    let row = load(&state, permit.tenant(), id).await?;
    let answer = Answer::json(&shown(&row)?)?
        .status(status)
        .header("location", &format!("/v1/intakes/{id}?institution={}", permit.tenant().id()))
        .header("tus-resumable", "1.0.0")
        .header("upload-offset", &if status == StatusCode::CREATED { 0 } else { row.bytes }.to_string())
        .receipt(filed.receipt)
        .replayed(filed.replayed);
    permit.answer(answer).await
}

/// What a query asks for.
async fn requested(permit: &Permit<Deliver>, state: &State) -> Result<New, Problem> {
    let params = Params::read(permit.query(), &["format", "mapping", "dry_run", "on_error", "file_name"])?;
    let format = params.word("format", &FORMATS)?.ok_or_else(|| {
        Problem::new(Code::MissingParameter, "the parameter format must be there: camt, mt940, csv or ndjson")
    })?;
    let flag = [("false", false), ("true", true)];
    let file_name = params.get("file_name").map(ToOwned::to_owned);
    if file_name.as_ref().is_some_and(|name| {
        name.is_empty() || name.chars().count() > FILE_NAME_MAX || name.contains(char::is_control)
    }) {
        let detail = format!("1 to {FILE_NAME_MAX} characters, none of them a control character");
        return Err(Problem::parameter("file_name", "invalid_value", detail));
    }
    let mapping = match (format, params.get("mapping")) {
        (Format::Csv, None) => {
            let detail = "csv is read by a mapping: set one at /v1/intake-mappings/{name}, and name it";
            return Err(Problem::refused(detail, &[]));
        }
        (Format::Csv, Some(name)) => {
            let mut reader = state.read(permit.tenant()).await?;
            let mapping = intake_mappings::get(&mut reader, permit.tenant(), name).await?;
            let mapping = mapping.ok_or_else(|| Problem::refused("there is no mapping of this name", &[]))?;
            mapping.parse::<Mapping>().map_err(Problem::internal)?;
            Some(mapping)
        }
        (_, Some(_)) => {
            return Err(Problem::refused("a mapping goes with csv alone", &[]));
        }
        (_, None) => None,
    };
    let (ms, random) = id_parts(state.world());
    Ok(New {
        id: IntakeId::from_parts(ms, random),
        actor: permit.by().actor,
        format: format.as_str(),
        file_name,
        mapping,
        dry_run: params.word("dry_run", &flag)?.unwrap_or(false),
        skips: params.word("on_error", &[("abort", false), ("skip", true)])?.unwrap_or(false),
        bytes: 0,
    })
}

/// Takes a file that comes in one piece; if it does not come whole, nothing stays of it.
async fn take(
    permit: &Permit<Deliver>,
    state: &State,
    new: New,
) -> Result<crate::ledger::command::Filed, Problem> {
    let (tenant, receiver) = (permit.tenant(), state.receiver.clone());
    // A key that can't be taken is told of before the body is.
    let key = permit.idempotency_of([0; 32])?;
    let told = permit.header("content-length").and_then(|length| length.parse().ok());
    let _pour = receiver.room(tenant, told.unwrap_or(0), key.as_ref()).await?;
    let path = receiver.path(tenant, new.id).await.map_err(Problem::internal)?;
    let mut file = tokio::fs::File::create(&path).await.map_err(Problem::internal)?;
    let bounds = (receiver.limits.file_bytes_max, state.upload_time);
    let poured = permit.body_to(&TYPES, &mut file, bounds).await;
    let outcome = match poured {
        Ok(bytes) => whole(permit, &receiver, new, (&mut file, &path, bytes)).await,
        Err(problem) => Err(problem),
    };
    // The first answer again is about the first call's file.
    if !outcome.as_ref().is_ok_and(|filed| !filed.replayed) {
        let _ = tokio::fs::remove_file(&path).await;
    }
    outcome
}

/// Puts a file that came whole on the ledger.
async fn whole(
    permit: &Permit<Deliver>,
    receiver: &receiving::Receiver,
    mut new: New,
    (file, path, bytes): (&mut tokio::fs::File, &std::path::Path, u64),
) -> Result<crate::ledger::command::Filed, Problem> {
    file.sync_all().await.map_err(Problem::internal)?;
    new.bytes = bytes.cast_signed();
    let sha256 = receiving::sha256(path).await?;
    let idempotency = permit.idempotency_of(sha256)?;
    let (tenant, receiver, by) = (permit.tenant(), receiver.clone(), permit.by());
    Door::whole(async move { receiver.take(tenant, by, new, sha256, idempotency).await }).await
}

/// Begins an upload in parts.
async fn begin(
    permit: &Permit<Deliver>,
    state: &State,
    mut new: New,
    length: &str,
) -> Result<crate::ledger::command::Filed, Problem> {
    let bytes = number("upload-length", length)?;
    let max = state.receiver.limits.file_bytes_max;
    if bytes > max {
        return Err(Problem::new(Code::BodyTooLarge, format!("a file may have {max} bytes")));
    }
    new.bytes = bytes.cast_signed();
    let (tenant, receiver, by) = (permit.tenant(), state.receiver.clone(), permit.by());
    let path = receiver.path(tenant, new.id).await.map_err(Problem::internal)?;
    let idempotency = permit.idempotency(&bytes.to_be_bytes())?;
    tokio::fs::File::create(&path).await.map_err(Problem::internal)?;
    let filed = Door::whole(async move { receiver.begin(tenant, by, new, idempotency).await }).await;
    if !filed.as_ref().is_ok_and(|filed| !filed.replayed) {
        let _ = tokio::fs::remove_file(&path).await;
    }
    filed
}

/// Sends the next part of a file (tus 1.0.0): bytes from `Upload-Offset` on. What came of a part that broke off
/// stays; `HEAD` says where to go on.
#[utoipa::path(
    operation_id = "appendToIntake", tag = "intakes",
    params(
        ("id" = IntakeId, Path, description = "The intake."),
        ("institution" = InstitutionId, Query, description = "Whose transactions these are."),
        ("Upload-Offset" = i64, Header, description = "How many bytes of the file are here.", example = 0),
    ),
    request_body(content = String, content_type = "application/offset+octet-stream", description = "The bytes from there on.", example = json!("<Document>")),
    responses(
        (status = 204, description = "The part is here; `Upload-Offset` says how many bytes are, in all."),
        (status = 409, description = "Another number of bytes is here, the part goes beyond the file, another part is on its way, or the file is whole already.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["transactions:write"]))
)]
#[patch("/v1/intakes/{id}")]
pub async fn append(permit: Permit<GoOn>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (tenant, receiver) = (permit.tenant(), state.receiver.clone());
    let id: IntakeId = permit.path("id")?;
    let conflict = |detail: String| Problem::new(Code::Conflict, detail);
    // Whether it is there comes before who else writes to it.
    load(&state, tenant, id).await?;
    let told = permit
        .header("upload-offset")
        .ok_or_else(|| Problem::new(Code::MissingParameter, "the header Upload-Offset must be there"))?;
    let told = number("upload-offset", told)?;
    let writing = receiver.claim(id);
    let Some(_writing) = writing else { return Err(conflict("another part is on its way".to_owned())) };
    let row = load(&state, tenant, id).await?;
    if row.state != "uploading" {
        return Err(conflict(format!("the file is {}", row.state)));
    }
    let path = receiver.path(tenant, id).await.map_err(Problem::internal)?;
    let opened = tokio::fs::OpenOptions::new().append(true).open(&path).await;
    let mut file = opened.map_err(|_| elsewhere())?;
    let here = file.metadata().await.map_err(Problem::internal)?.len();
    if here != told {
        return Err(conflict(format!("{here} bytes are here, not {told}")));
    }
    let bounds = (row.bytes.unsigned_abs().saturating_sub(here), state.upload_time);
    let poured = permit.body_to(&[PART], &mut file, bounds).await;
    file.sync_all().await.map_err(Problem::internal)?;
    let now = here
        + poured.map_err(|problem| match problem.code {
            Code::BodyTooLarge => {
                conflict(format!("the file has {} bytes, and the part goes beyond", row.bytes))
            }
            _ => problem,
        })?;
    let mut answer = Answer::bytes(Vec::new())
        .status(StatusCode::NO_CONTENT)
        .header("tus-resumable", "1.0.0")
        .header("upload-offset", &now.to_string());
    if now == row.bytes.unsigned_abs() {
        let (by, sha256) = (permit.by(), receiving::sha256(&path).await?);
        let filed = Door::whole(async move { receiver.arrive(tenant, by, row, sha256).await }).await?;
        answer = answer.receipt(filed.receipt);
    }
    permit.answer(answer).await
}

/// How much of a file is here (tus 1.0.0): `Upload-Offset` and `Upload-Length`.
#[utoipa::path(
    operation_id = "getIntakeOffset", tag = "intakes",
    params(
        ("id" = IntakeId, Path, description = "The intake."),
        ("institution" = InstitutionId, Query, description = "Whose transactions these are."),
    ),
    responses(
        (status = 200, description = "`Upload-Offset` says how many bytes are here."),
        (status = 409, description = "Another process of the service has the file's beginning.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["transactions:write"]))
)]
#[head("/v1/intakes/{id}")]
pub async fn offset(permit: Permit<SeeDelivery>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (tenant, id) = (permit.tenant(), permit.path("id")?);
    let row = load(&state, tenant, id).await?;
    let here = if row.state == "uploading" {
        let path = state.receiver.path(tenant, id).await.map_err(Problem::internal)?;
        tokio::fs::metadata(path).await.map_err(|_| elsewhere())?.len()
    } else {
        row.bytes.unsigned_abs()
    };
    let answer = Answer::bytes(Vec::new())
        .header("cache-control", "no-store")
        .header("tus-resumable", "1.0.0")
        .header("upload-length", &row.bytes.to_string())
        .header("upload-offset", &here.to_string());
    permit.answer(answer).await
}

/// Files, newest first, and what became of them.
#[utoipa::path(
    operation_id = "listIntakes", tag = "intakes",
    params(
        ("institution" = InstitutionId, Query, description = "Whose transactions these are."),
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 500, description = "Intakes on a page, 100 unless told.", example = 100),
        ("cursor" = Option<String>, Query, description = "From the page before: its `next_cursor`."),
    ),
    responses((status = 200, description = "A page of intakes, as they stand now.", body = List<Intake>)),
    security(("oauth2" = ["transactions:write"]))
)]
#[get("/v1/intakes")]
pub async fn list(permit: Permit<SeeDelivery>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["limit", "cursor"])?;
    let tenant = permit.tenant();
    let mut reader = state.read(tenant).await?;
    let run = Run::take_up(&state, &mut reader, "listIntakes", tenant, &params).await?;
    let before = run.after.as_ref().and_then(|position| position.key.as_deref());
    let before = before.map(str::parse).transpose().map_err(Problem::internal)?;
    let mut rows = intakes::page(&mut reader, tenant, before, run.fetch()).await?;
    drop(reader);
    let page = run.cut(&mut rows, |row| (Some(IntakeId::from_uuid(row.id).to_string()), 0))?;
    let data: Vec<Intake> = rows.iter().map(shown).collect::<Result<_, _>>()?;
    permit.answer(List { data, page, as_of: run.snapshot.as_of()? }.answer()?).await
}

/// A file, and what became of it.
#[utoipa::path(
    operation_id = "getIntake", tag = "intakes",
    params(
        ("id" = IntakeId, Path, description = "The intake."),
        ("institution" = InstitutionId, Query, description = "Whose transactions these are."),
    ),
    responses((status = 200, description = "The intake's state.", body = Intake)),
    security(("oauth2" = ["transactions:write"]))
)]
#[get("/v1/intakes/{id}")]
pub async fn get(permit: Permit<SeeDelivery>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let row = load(&state, permit.tenant(), permit.path("id")?).await?;
    permit.answer(Answer::json(&shown(&row)?)?).await
}

/// What was found in a file: faults, and balances that do not add up. The first 10,000 are kept.
#[utoipa::path(
    operation_id = "listIntakeFindings", tag = "intakes",
    params(
        ("id" = IntakeId, Path, description = "The intake."),
        ("institution" = InstitutionId, Query, description = "Whose transactions these are."),
        ("limit" = Option<u16>, Query, minimum = 1, maximum = 500, description = "Findings on a page, 100 unless told.", example = 100),
        ("cursor" = Option<String>, Query, description = "From the page before: its `next_cursor`."),
    ),
    responses((status = 200, description = "Findings, in the order in which they were made.", body = List<IntakeFinding>)),
    security(("oauth2" = ["transactions:write"]))
)]
#[get("/v1/intakes/{id}/findings")]
pub async fn findings(permit: Permit<SeeDelivery>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["limit", "cursor"])?;
    let (tenant, id): (Tenant, IntakeId) = (permit.tenant(), permit.path("id")?);
    load(&state, tenant, id).await?;
    let mut reader = state.read(tenant).await?;
    let operation = format!("listIntakeFindings {id}");
    let run = Run::take_up(&state, &mut reader, &operation, tenant, &params).await?;
    let after = run.after.as_ref().map_or(0, |position| position.seq);
    let mut rows = intake_findings::page(&mut reader, tenant, id, after, run.fetch()).await?;
    drop(reader);
    let page = run.cut(&mut rows, |row| (None, row.number))?;
    let data: Result<Vec<IntakeFinding>, _> =
        rows.iter().map(|row| serde_json::from_str(&row.finding)).collect();
    let found = List { data: data.map_err(Problem::internal)?, page, as_of: run.snapshot.as_of()? };
    permit.answer(found.answer()?).await
}

async fn load(state: &State, tenant: Tenant, id: IntakeId) -> Result<intakes::Intake, Problem> {
    let mut reader = state.read(tenant).await?;
    intakes::get(&mut reader, tenant, id).await?.ok_or_else(Problem::not_found)
}

fn shown(row: &intakes::Intake) -> Result<Intake, Problem> {
    let hash = row.sha256.clone().map(<[u8; 32]>::try_from).transpose();
    let hash = hash.map_err(|_| Problem::internal("a stored hash is damaged"))?;
    Ok(Intake {
        id: IntakeId::from_uuid(row.id),
        state: row.state.clone(),
        reason: row.reason.clone(),
        file_name: row.file_name.clone(),
        format: row.format.clone(),
        dry_run: row.dry_run != 0,
        on_error: if row.skips != 0 { "skip" } else { "abort" }.to_owned(),
        bytes: row.bytes,
        sha256: hash.map(|hash| Hash(hash).to_string()),
        seq: row.seq.map(|seq| seq.to_string()),
        counts: IntakeCounts {
            statements: row.statements,
            records: row.records,
            added: row.added,
            unchanged: row.unchanged,
            faults: row.faults,
            breaks: row.breaks,
        },
        created_at: rfc3339(row.created_at_us),
        finished_at: row.finished_at_us.map(rfc3339),
    })
}

fn elsewhere() -> Problem {
    Problem::new(Code::Conflict, "another process of the service has the file's beginning")
}

/// A header's number.
fn number(name: &str, value: &str) -> Result<u64, Problem> {
    let digits = (1..=15).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| value.parse().ok()).flatten();
    number.ok_or_else(|| {
        Problem::new(Code::InvalidParameter, format!("the header {name} is a number of bytes"))
    })
}

impl From<Trouble> for Problem {
    fn from(trouble: Trouble) -> Self {
        Self::internal(trouble)
    }
}
