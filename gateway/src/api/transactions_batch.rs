//! `POST /v1/transactions:batch`: how feeders deliver.

use actix_web::{http::StatusCode, post, web};
use serde::Serialize;

use super::{State, params::Params};
use crate::{
    access::{Answer, Permit, Recorded, right::WriteTransactions},
    domain::{Finding, InstitutionId, NewTransaction},
    error::Problem,
    intake::{self, Format, Item},
    ledger::{
        Receipt,
        command::{Delivered, DeliveredRecord, Delivery},
    },
};

/// Findings that are told; more are counted.
const FINDINGS_MAX: usize = 100;

/// What became of a batch.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct BatchResult {
    /// Records stored by this batch.
    #[schema(example = 1)]
    pub added: usize,
    /// Records that were there already, with the same content.
    #[schema(example = 0)]
    pub unchanged: usize,
    /// Lines that were refused; always 0 unless `on_error=skip`.
    #[schema(example = 0)]
    pub refused: usize,
    /// The log's name.
    #[schema(example = "localhost:8080/ledger/ins_0190163d8694739bba1a9fbee4e5c1b2")]
    pub log: String,
    /// One for each line kept, in order.
    pub records: Vec<BatchRecord>,
    /// The first 100 of the refused lines' faults.
    pub findings: Vec<Finding>,
}

/// What became of one line.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct BatchRecord {
    /// The line, from 1.
    #[schema(example = 1)]
    pub line: u64,
    /// The servicer's own id of it.
    #[schema(example = "695247")]
    pub reference: String,
    /// Our id of it.
    #[schema(example = "txn_0190163d8694739bba1a9fbee4e5c1b2")]
    pub id: String,
    /// The entry that records it.
    #[schema(example = "7", pattern = "^[0-9]+$")]
    pub seq: String,
    /// Whether this batch stored it.
    #[schema(example = true)]
    pub added: bool,
}

/// Delivers transactions: NDJSON, one a line.
///
/// All or nothing: if any line is refused, none is stored, and each fault is named by line, field and
/// code. With `on_error=skip` the good lines are stored. A record that is there already with the same
/// content is left alone, so that a batch may be sent again; with other content it is refused.
#[utoipa::path(
    operation_id = "deliverTransactions", tag = "transactions",
    params(
        ("institution" = InstitutionId, Query, description = "Whose transactions these are."),
        ("on_error" = Option<String>, Query, description = "`abort` (unless told): all or nothing. `skip`: keep the good lines.", example = "abort"),
        ("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one; kept 24 hours."),
    ),
    request_body(content = NewTransaction, content_type = "application/x-ndjson", description = "A transaction a line.", example = json!({
        "account": "DE04000000000000000576", "amount": {"amount": "750.00", "currency": "EUR"},
        "balance_after": {"amount": "1310.07", "currency": "EUR", "direction": "credit"},
        "bank_transaction_code": "PMNT-RCDT-ESCT", "booking_date": "2026-03-31",
        "counterparty": {"account": "AT560000000012345864", "name": "Gärtnerei Süßmilch"},
        "direction": "credit", "end_to_end_id": "RENT-2026-03", "reference": "2026033100018844",
        "remittance_information": "Miete März, Wohnung 7", "status": "booked", "value_date": "2026-03-31",
    })),
    responses(
        (status = 201, description = "What became of each line.", body = BatchResult),
        (status = 422, description = "Lines were refused, so nothing was stored; or the Idempotency-Key was used with another body.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["transactions:write"]))
)]
#[post("/v1/transactions:batch")]
pub async fn deliver(
    permit: Permit<WriteTransactions>,
    state: web::Data<State>,
) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["on_error"])?;
    let skip = params.word("on_error", &[("abort", false), ("skip", true)])?.unwrap_or(false);
    let body = permit.body(&["application/x-ndjson"], state.batch_bytes_max).await?;
    let idempotency = permit.idempotency(&body)?;
    let Lines { items, mut findings } = read(&body, state.batch_lines_max)?;
    if items.is_empty() && findings.is_empty() {
        return Err(Problem::refused("the body has no lines", &[]));
    }
    if !findings.is_empty() && !skip {
        let total = findings.len();
        findings.truncate(FINDINGS_MAX);
        let detail = match total {
            1 => "a fault was found, so nothing was stored".to_owned(),
            _ => {
                format!("{total} faults were found, so nothing was stored; the first {FINDINGS_MAX} are told")
            }
        };
        return Err(Problem::refused(detail, &findings));
    }
    let delivery = Delivery { by: permit.by(), items, skip, idempotency };
    let delivered = state.door.recorder.deliver(permit.tenant(), delivery).await?;
    findings.extend(delivered.findings.clone());
    answer(&permit, delivered, findings).await
}

/// What a body says.
#[derive(Default)]
struct Lines {
    /// Records, by line.
    items: Vec<(u64, Item)>,
    /// Faults, by line.
    findings: Vec<Finding>,
}

fn read(body: &[u8], lines_max: usize) -> Result<Lines, Problem> {
    let Lines { mut items, mut findings } = Lines::default();
    let records = intake::open(Format::Ndjson, None, body)
        .map_err(|findings| Problem::refused("the body cannot be read", findings.kept()))?;
    for record in records {
        let line = match &record {
            Ok(record) => record.line,
            Err(finding) => finding.line,
        };
        if line > lines_max as u64 {
            let detail = format!("a batch has {lines_max} lines at most");
            return Err(Problem::new(crate::error::Code::BodyTooLarge, detail));
        }
        match record {
            Ok(record) => items.push((record.line, record.item)),
            Err(finding) => findings.push(finding),
        }
    }
    Ok(Lines { items, findings })
}

async fn answer(
    permit: &Permit<WriteTransactions>,
    delivered: Delivered,
    mut findings: Vec<Finding>,
) -> Result<Recorded, Problem> {
    let replayed = delivered.replayed;
    let last = delivered.records.iter().map(|record| record.seq).max();
    let added = delivered.records.iter().filter(|record| record.added).count();
    let mut refused: Vec<u64> = findings.iter().map(|finding| finding.line).collect();
    refused.dedup();
    findings.truncate(FINDINGS_MAX);
    let result = BatchResult {
        added,
        unchanged: delivered.records.len() - added,
        refused: refused.len(),
        log: delivered.origin.clone(),
        records: delivered.records.into_iter().map(batch_record).collect(),
        findings,
    };
    let mut answer = Answer::json(&result)?.status(StatusCode::CREATED).replayed(replayed);
    if let Some(seq) = last {
        answer = answer.receipt(Receipt { origin: delivered.origin, seq });
    }
    permit.answer(answer).await
}

fn batch_record(record: DeliveredRecord) -> BatchRecord {
    let DeliveredRecord { line, reference, id, seq, added, .. } = record;
    BatchRecord { line, reference, id, seq: seq.to_string(), added }
}
