//! `POST /api/v1/lineage`: where OpenLineage's clients send events.

use std::io::Read as _;

use actix_web::{
    http::{StatusCode, header},
    post, web,
};
use serde::Serialize;
use serde_json::value::RawValue;

use super::super::{State, params::Params};
use crate::{
    access::{Answer, Permit, Recorded, right::WriteLineage},
    domain::{Finding, InstitutionId, LineageEventId},
    error::{Code, Fault, Problem},
    ledger::{Receipt, command::RecordError},
    lineage::{
        event,
        record::{IS_KNOWN, NewEvent},
    },
    store::lineage::known,
};

/// Bytes of an event, as it comes and as it is.
const EVENT_MAX: usize = 5 << 20;
/// Bytes of a batch.
const BATCH_MAX: usize = 16 << 20;
/// Events of a batch.
const EVENTS_MAX: usize = 1_000;

/// An event that is on record.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LineageEventRecord {
    /// Its id: the same event has the same.
    pub id: LineageEventId,
    /// The entry that records it.
    #[schema(example = "7", pattern = "^[0-9]+$")]
    pub seq: String,
}

/// What became of a batch.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LineageBatchResult {
    /// Events that are on record now and were not before.
    #[schema(example = 2)]
    pub added: usize,
    /// Events that were there already.
    #[schema(example = 0)]
    pub unchanged: usize,
    /// Events that were refused.
    #[schema(example = 0)]
    pub refused: usize,
    /// One for each event that is on record, in order.
    pub records: Vec<LineageEventRecord>,
    /// What was wrong with others; `line` is the event's place in the batch, from 1.
    pub findings: Vec<Finding>,
}

/// An event that was told.
struct Told {
    id: LineageEventId,
    seq: u64,
    receipt: Option<Receipt>,
}

/// Takes an OpenLineage event.
///
/// The event is stored as it is. One that is on record already is answered by 200, and nothing changes. Any client
/// of OpenLineage can be pointed here: the URL is this service's, the API key an access token.
#[utoipa::path(
    operation_id = "tellLineage", tag = "lineage",
    params(
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
        ("Content-Encoding" = Option<String>, Header, description = "`gzip` when the body is compressed.", pattern = "^(identity|gzip)$"),
    ),
    request_body(content = Object, content_type = "application/json", description = "A RunEvent, DatasetEvent or JobEvent of OpenLineage (spec 2-0-2), 5 MiB at most. It is a RunEvent unless `schemaURL` ends with another type.", example = json!({
        "eventTime": "2026-01-05T09:30:00Z", "eventType": "COMPLETE", "producer": "https://example.com/etl",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": "01942f5e-3a2b-7c11-8e02-5f7d4c1b9a60"}, "job": {"namespace": "etl", "name": "daily-settlement"},
        "inputs": [{"namespace": "sftp://files.example.com", "name": "camt053/2026-01-05.xml"}],
        "outputs": [{"namespace": "warehouse", "name": "settlement.daily"}],
    })),
    responses(
        (status = 201, description = "It is on record.", body = LineageEventRecord),
        (status = 200, description = "It was on record.", body = LineageEventRecord),
        (status = 422, description = "It does not say what it is about.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["lineage:write"]))
)]
#[post("/api/v1/lineage")]
pub async fn tell(permit: Permit<WriteLineage>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let body = read(&permit, EVENT_MAX).await?;
    let json = text(&body)?;
    let event = event::read(json.as_bytes()).map_err(|findings| refused(&findings))?;
    let told = record(&permit, &state, NewEvent::new(json, event)).await?;
    let status = if told.receipt.is_some() { StatusCode::CREATED } else { StatusCode::OK };
    let view = LineageEventRecord { id: told.id, seq: told.seq.to_string() };
    let mut answer = Answer::json(&view)?.status(status);
    if let Some(receipt) = told.receipt {
        answer = answer.receipt(receipt);
    }
    permit.answer(answer).await
}

/// Takes OpenLineage events.
///
/// Each is taken or refused for itself: what could be stored is, and `findings` says what could not.
#[utoipa::path(
    operation_id = "tellLineageBatch", tag = "lineage",
    params(
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
        ("Content-Encoding" = Option<String>, Header, description = "`gzip` when the body is compressed.", pattern = "^(identity|gzip)$"),
    ),
    request_body(content = Vec<Object>, content_type = "application/json", description = "Events, 1 to 1,000, and 16 MiB at most.", example = json!([{
        "eventTime": "2026-01-05T09:30:00Z", "eventType": "START", "producer": "https://example.com/etl",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": "01942f5e-3a2b-7c11-8e02-5f7d4c1b9a60"}, "job": {"namespace": "etl", "name": "daily-settlement"},
    }])),
    responses((status = 200, description = "What became of each.", body = LineageBatchResult)),
    security(("oauth2" = ["lineage:write"]))
)]
#[post("/api/v1/lineage/batch")]
pub async fn tell_all(permit: Permit<WriteLineage>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let body = read(&permit, BATCH_MAX).await?;
    let events: Vec<&RawValue> = serde_json::from_str(text(&body)?).map_err(malformed)?;
    if events.is_empty() || events.len() > EVENTS_MAX {
        return Err(Problem::new(Code::Refused, format!("a batch has 1 to {EVENTS_MAX} events")));
    }
    let (mut readable, mut findings) = (Vec::new(), Vec::new());
    let mut refused = 0;
    for (place, json) in (1..).zip(events) {
        match event::read(json.get().as_bytes()) {
            Ok(event) => readable.push(NewEvent::new(json.get(), event)),
            Err(faults) => {
                refused += 1;
                findings.extend(faults.into_iter().map(|fault| Finding { line: place, ..fault }));
            }
        }
    }
    // Side by side, so that they come into one batch of the recorder.
    let telling = readable.into_iter().map(|event| record(&permit, &state, event));
    let told = futures_util::future::try_join_all(telling).await?;
    let added = told.iter().filter(|told| told.receipt.is_some()).count();
    let last = told.iter().filter_map(|told| told.receipt.clone()).max_by_key(|receipt| receipt.seq);
    let records = told.iter().map(|told| LineageEventRecord { id: told.id, seq: told.seq.to_string() });
    let unchanged = told.len() - added;
    let result = LineageBatchResult { added, unchanged, refused, records: records.collect(), findings };
    let mut answer = Answer::json(&result)?;
    if let Some(receipt) = last {
        answer = answer.receipt(receipt);
    }
    permit.answer(answer).await
}

/// Records an event; no receipt where it was on record.
async fn record(permit: &Permit<WriteLineage>, state: &State, new: NewEvent) -> Result<Told, Problem> {
    let (id, digest, tenant) = (new.id, new.digest, permit.tenant());
    let filing = new.filing(permit.by()).map_err(Problem::internal)?;
    match state.door.recorder.file(tenant, filing).await {
        Ok(filed) => Ok(Told { id, seq: filed.receipt.seq, receipt: Some(filed.receipt) }),
        Err(RecordError::Conflict(IS_KNOWN)) => {
            let mut reader = state.read(tenant).await?;
            let seq = known(&mut reader, tenant, digest).await?;
            let seq = seq.ok_or_else(|| Problem::internal("an event that is on record is not there"))?;
            Ok(Told { id, seq: seq.unsigned_abs(), receipt: None })
        }
        Err(error) => Err(error.into()),
    }
}

/// The body, out of gzip if it is in it.
async fn read(permit: &Permit<WriteLineage>, max: usize) -> Result<Vec<u8>, Problem> {
    let body = permit.body(&["application/json"], max).await?;
    let coding = permit.header(header::CONTENT_ENCODING.as_str()).unwrap_or("identity");
    if coding.eq_ignore_ascii_case("identity") {
        return Ok(body.to_vec());
    }
    // A few bytes can stand for many: no more are unpacked than would have been taken as they are.
    let mut unpacked = Vec::new();
    let most = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let read = flate2::read::MultiGzDecoder::new(&body[..]).take(most).read_to_end(&mut unpacked);
    read.map_err(|e| Problem::new(Code::Refused, format!("the body is no gzip: {e}")))?;
    if unpacked.len() > max {
        return Err(Problem::new(Code::BodyTooLarge, format!("the body may have {max} bytes, unpacked")));
    }
    Ok(unpacked)
}

fn text(body: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(body)
        .map_err(|e| Problem::new(Code::MalformedBody, format!("the body is not UTF-8: {e}")))
}

fn malformed(error: serde_json::Error) -> Problem {
    Problem::new(Code::MalformedBody, format!("the body cannot be read: {error}"))
}

fn refused(findings: &[Finding]) -> Problem {
    let fault = |finding: &Finding| Fault {
        pointer: finding.pointer.clone().unwrap_or_default(),
        code: finding.code.to_string(),
        detail: finding.detail.clone(),
    };
    let errors = findings.iter().map(fault).collect();
    Problem { errors, ..Problem::new(Code::Refused, "the event does not say what it is about") }
}
