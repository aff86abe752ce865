//! `/v1/exports`: all that a filter selects, as files to take away.

use std::collections::BTreeMap;

use actix_web::{
    get,
    http::{StatusCode, header},
    post, web,
};
use serde::{Deserialize, Serialize};
use veritrail_audit::{Hash, Kind};

use super::{
    State,
    as_of::Snapshot,
    download::Wanted,
    ledger,
    list::{List, Run},
    params::Params,
};
use crate::{
    access::{
        Answer, Door, Permit, Recorded,
        right::{OrderExports, ReadExports, Right},
    },
    domain::{ExportId, InstitutionId, Scope, Tenant},
    error::{Code, Problem},
    export::{
        order::{Compression, Form, Format, Of},
        press::form,
        source::Selection,
    },
    ledger::{
        By,
        command::{Filing, Rows},
    },
    store::{
        Reader,
        exports::{self, NewExport},
        idempotency,
    },
    world::{id_parts, rfc3339},
};

const BODY_MAX: usize = 16 << 10;
const OPERATION: &str = "listExports";
/// Parameters of lists that select nothing.
const NO_FILTERS: [&str; 7] = ["as_of", "cursor", "fields", "institution", "limit", "proof", "sort"];

/// What is to be exported, and how.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportRequest {
    /// What it is of. Besides `exports:read` it takes the scope of the data: `transactions:read`, or
    /// `ledger:read` for entries and accesses.
    of: Of,
    /// What to keep: the filters of the list by their names. Accesses have `at[gte]` and `at[lt]`.
    #[serde(default)]
    #[schema(example = json!({"booking_date[gte]": "2026-01-01", "status[in]": "booked,pending"}))]
    filter: BTreeMap<String, String>,
    /// The last entry of the ledger that it takes into account; the newest one unless told.
    #[schema(example = "49102", pattern = "^[0-9]+$")]
    as_of: Option<String>,
    /// The format of its files.
    format: Format,
    /// How CSV or NDJSON files are compressed; `none` unless told.
    #[serde(default = "uncompressed")]
    #[schema(required = false)]
    compression: Compression,
}

fn uncompressed() -> Compression {
    Compression::None
}

/// An export's state.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Export {
    /// Its id.
    pub id: ExportId,
    /// What it is of.
    pub of: Of,
    /// What it keeps.
    #[schema(example = json!({"booking_date[gte]": "2026-01-01"}))]
    pub filter: BTreeMap<String, String>,
    /// The last entry of the ledger that it takes into account.
    #[schema(example = "49102", pattern = "^[0-9]+$")]
    pub as_of: String,
    /// The format of its files.
    pub format: Format,
    /// How they are compressed.
    pub compression: Compression,
    /// `preparing`, `ready`, `failed` or `expired`.
    #[schema(example = "ready")]
    pub state: String,
    /// Rows written so far; of all parts, once it is ready.
    #[schema(example = "49102", pattern = "^[0-9]+$")]
    pub rows: String,
    /// When it was ordered: RFC 3339, UTC.
    #[schema(example = "2026-01-05T09:30:00.000000Z")]
    pub created_at: String,
    /// When it became ready or failed.
    pub finished_at: Option<String>,
    /// Until when its files are kept, once it is ready.
    pub expires_at: Option<String>,
}

/// An export with its parts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ExportDetail {
    /// The export.
    #[serde(flatten)]
    pub export: Export,
    /// The parts that are whole, in order. Each is a file by itself; together they have every row once.
    pub parts: Vec<ExportPart>,
}

/// A part of an export.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ExportPart {
    /// Its number, from 1.
    #[schema(example = 1)]
    pub n: i64,
    /// How many rows.
    #[schema(example = 49102)]
    pub rows: i64,
    /// The file's size in bytes.
    #[schema(example = 10485760)]
    pub bytes: i64,
    /// The file's SHA-256 in hex.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub sha256: String,
    /// Where to download it, as long as it is kept.
    pub content_url: Option<String>,
}

/// Orders an export. It is prepared in the background; its entry is on the ledger at once.
///
/// Rows are in ledger order, as the ledger had them at `as_of`. In CSV, text that begins with `=`, `+`,
/// `-`, `@`, a tab or a line end has an apostrophe in front, so that no spreadsheet program takes it for a
/// formula; so has text that begins with apostrophes and then one of these.
#[utoipa::path(
    operation_id = "createExport", tag = "exports",
    params(
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
        ("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one; kept 24 hours."),
    ),
    request_body(content = ExportRequest, content_type = "application/json", example = json!({
        "of": "transactions", "filter": {"booking_date[gte]": "2026-01-01"}, "format": "csv", "compression": "gzip",
    })),
    responses(
        (status = 202, description = "The export, being prepared; `Location` says where to look.", body = ExportDetail),
        (status = 422, description = "The filter or the seq does not fit, or there is no such form; or the Idempotency-Key was used with another body.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["exports:read"]))
)]
#[post("/v1/exports")]
pub async fn create(permit: Permit<OrderExports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (request, idempotency): (ExportRequest, _) = permit.json_once(BODY_MAX).await?;
    allow(&permit, request.of)?;
    let tenant = permit.tenant();
    let form = Form { format: request.format, compression: request.compression };
    if !form.is_made() {
        let detail = format!("{} compresses by itself: leave compression out", form.format.as_str());
        return Err(Problem::member("/compression", "unsupported_form", detail));
    }
    let mut reader = state.read(permit.tenant()).await?;
    let as_of = as_of(&mut reader, tenant, request.as_of.as_deref()).await?;
    let selection = select(&mut reader, tenant, as_of, &request).await?;
    drop(reader);
    let (ms, random) = id_parts(state.world());
    let new = NewExport {
        id: ExportId::from_parts(ms, random),
        what: request.of.as_str(),
        format: form.format.as_str(),
        compression: form.compression.as_str(),
        filter: serde_json::to_string(&request.filter).map_err(Problem::internal)?,
        selection: serde_json::to_string(&selection).map_err(Problem::internal)?,
        as_of,
        part_rows: form.part_rows(state.exports.part_rows_max()),
    };
    let id = new.id;
    let order = order(permit.by(), new, idempotency);
    let (recorder, press) = (state.door.recorder.clone(), state.exports.clone());
    let ordered = Door::whole(async move {
        let ordered = recorder.file(tenant, order).await?;
        if !ordered.replayed {
            press.start(tenant, id);
        }
        Ok(ordered)
    })
    .await?;
    let id: ExportId = ordered.id.parse().map_err(Problem::internal)?;
    let export = load(&permit, &state, id).await?;
    let answer = Answer::json(&export)?
        .status(StatusCode::ACCEPTED)
        .header("location", &format!("/v1/exports/{id}"))
        .receipt(ordered.receipt)
        .replayed(ordered.replayed);
    permit.answer(answer).await
}

/// The order of an export as the ledger has it.
fn order(by: By, new: NewExport, idempotency: Option<idempotency::Key>) -> Filing {
    let NewExport { id, what, format, compression, filter, as_of, .. } = &new;
    let id = id.to_string();
    let payload = format!(
        r#"{{"as_of":"{as_of}","compression":"{compression}","filter":{filter},"format":"{format}","id":"{id}","of":"{what}","type":"export"}}"#
    );
    let rows: Rows = Box::new(move |connection, at| {
        Box::pin(async move { Ok(exports::insert(connection, at.tenant, new, at.seq, at.at_us).await?) })
    });
    Filing {
        by,
        kind: Kind::Export,
        subject: ("export", id),
        payload: payload.into_bytes(),
        rows,
        idempotency,
    }
}

/// Exports, newest first: those of data that the caller may see.
#[utoipa::path(
    operation_id = "listExports", tag = "exports",
    params(
        ("limit" = Option<u16>, Query, description = "Page size, 1 to 500; 100 unless told.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "A page of exports.", body = List<Export>)),
    security(("oauth2" = ["exports:read"]))
)]
#[get("/v1/exports")]
pub async fn list(permit: Permit<ReadExports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["limit", "cursor"])?;
    let tenant = permit.tenant();
    let mut reader = state.read(permit.tenant()).await?;
    let run = Run::take_up(&state, &mut reader, OPERATION, tenant, &params).await?;
    let before = run.before();
    let mut rows = exports::page(&mut reader, tenant, run.snapshot.seq(), before, run.fetch()).await?;
    drop(reader);
    let page = run.cut(&mut rows, |row| (None, row.seq))?;
    let now = state.world().now_us();
    let data: Vec<Export> = rows.iter().map(|row| shown(row, now)).collect::<Result<_, _>>()?;
    let data = data.into_iter().filter(|export| allow(&permit, export.of).is_ok()).collect();
    permit.answer(List { data, page, as_of: run.snapshot.as_of()? }.answer()?).await
}

/// The state of an export, and its parts.
#[utoipa::path(
    operation_id = "getExport", tag = "exports",
    params(
        ("id" = ExportId, Path, description = "The export."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "The export's state.", body = ExportDetail)),
    security(("oauth2" = ["exports:read"]))
)]
#[get("/v1/exports/{id}")]
pub async fn get(permit: Permit<ReadExports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let export = load(&permit, &state, permit.path("id")?).await?;
    permit.answer(Answer::json(&export)?).await
}

/// Downloads a part of an export; takes one `Range` of bytes (RFC 9110 section 14).
#[utoipa::path(
    operation_id = "downloadExportPart", tag = "exports",
    params(
        ("id" = ExportId, Path, description = "The export."),
        ("n" = i64, Path, description = "The part's number, from 1.", example = 1),
        ("Range" = Option<String>, Header, description = "One range of bytes.", example = "bytes=0-1023"),
        ("If-Range" = Option<String>, Header, description = "The `ETag` that the range is of; the whole file comes where it is of another."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses(
        (status = 200, description = "The file.", content(
            (Vec<u8> = "text/csv"), (Vec<u8> = "application/x-ndjson"), (Vec<u8> = "application/gzip"), (Vec<u8> = "application/zstd"),
            (Vec<u8> = "application/vnd.apache.parquet"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        )),
        (status = 206, description = "A part of the file.", content(
            (Vec<u8> = "text/csv"), (Vec<u8> = "application/x-ndjson"), (Vec<u8> = "application/gzip"), (Vec<u8> = "application/zstd"),
            (Vec<u8> = "application/vnd.apache.parquet"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        )),
        (status = 409, description = "It is not ready.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
        (status = 410, description = "It is no longer kept.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
        (status = 416, description = "The range can't be served.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["exports:read"]))
)]
#[get("/v1/exports/{id}/parts/{n}")]
pub async fn content(permit: Permit<ReadExports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (tenant, id) = (permit.tenant(), permit.path::<ExportId>("id")?);
    let n: i64 = permit.path("n")?;
    let mut reader = state.read(permit.tenant()).await?;
    let row = exports::get(&mut reader, tenant, id).await?.ok_or_else(Problem::not_found)?;
    let parts = exports::parts(&mut reader, tenant, id).await?;
    drop(reader);
    let export = shown(&row, state.world().now_us())?;
    allow(&permit, export.of)?;
    let part = parts.into_iter().find(|part| part.n == n);
    let part = match (export.state.as_str(), part) {
        ("expired", _) => return Err(Problem::new(Code::Expired, "the export's files are no longer kept")),
        ("preparing" | "ready", Some(part)) => part,
        ("preparing" | "failed", _) => {
            return Err(Problem::new(Code::Conflict, format!("the export is {}", export.state)));
        }
        _ => return Err(Problem::not_found()),
    };
    let (size, form) = (part.bytes.unsigned_abs(), form(&row)?);
    let etag = format!("\"{}\"", hex(&part.sha256)?);
    let asked = permit.header(header::RANGE.as_str()).filter(|_| {
        let of = permit.header(header::IF_RANGE.as_str());
        of.is_none_or(|of| of == etag)
    });
    let wanted = Wanted::of(asked, size)?;
    let path = state.exports.file(tenant, &row, &part).await?;
    let answer = wanted.answer(path, form.media_type(), &format!("{id}-{n}.{}", form.extension()));
    permit.answer(answer.header("etag", &etag)).await
}

/// Whether a caller may see what an export is of.
fn allow<R: Right>(permit: &Permit<R>, of: Of) -> Result<(), Problem> {
    let scope = match of {
        Of::Transactions => Scope::TransactionsRead,
        Of::Entries | Of::Accesses => Scope::LedgerRead,
        Of::LineageEvents => Scope::LineageRead,
    };
    if permit.caller().scopes.contains(&scope) {
        return Ok(());
    }
    let detail = format!("{} also need the scope {}", of.as_str(), scope.as_str());
    Err(Problem::new(Code::InsufficientScope, detail))
}

async fn load<R: Right>(permit: &Permit<R>, state: &State, id: ExportId) -> Result<ExportDetail, Problem> {
    let tenant = permit.tenant();
    let mut reader = state.read(permit.tenant()).await?;
    let row = exports::get(&mut reader, tenant, id).await?.ok_or_else(Problem::not_found)?;
    let parts = exports::parts(&mut reader, tenant, id).await?;
    drop(reader);
    let export = shown(&row, state.world().now_us())?;
    allow(permit, export.of)?;
    let is_kept = matches!(export.state.as_str(), "preparing" | "ready");
    let parts = parts.into_iter().map(|part| {
        Ok(ExportPart {
            n: part.n,
            rows: part.rows_in,
            bytes: part.bytes,
            sha256: hex(&part.sha256)?,
            content_url: is_kept.then(|| format!("{}/v1/exports/{id}/parts/{}", state.base_url, part.n)),
        })
    });
    let parts = parts.collect::<Result<_, Problem>>()?;
    Ok(ExportDetail { export, parts })
}

/// An export as it stands now.
fn shown(row: &exports::Export, now_us: i64) -> Result<Export, Problem> {
    let of = Of::parse(&row.what).ok_or_else(|| Problem::internal("an export of nothing known"))?;
    let form = form(row)?;
    let is_over = row.expires_at_us.is_some_and(|until| until <= now_us);
    Ok(Export {
        id: ExportId::from_uuid(row.id),
        of,
        filter: serde_json::from_str(&row.filter).map_err(Problem::internal)?,
        as_of: row.as_of.to_string(),
        format: form.format,
        compression: form.compression,
        state: if is_over { "expired".to_owned() } else { row.state.clone() },
        rows: row.rows_done.to_string(),
        created_at: rfc3339(row.created_at_us),
        finished_at: row.finished_at_us.map(rfc3339),
        expires_at: row.expires_at_us.map(rfc3339),
    })
}

fn hex(sha256: &[u8]) -> Result<String, Problem> {
    let hash = <[u8; 32]>::try_from(sha256).map_err(|_| Problem::internal("a part without a hash"))?;
    Ok(Hash(hash).to_string())
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

/// The records that an order means.
async fn select(
    reader: &mut Reader,
    tenant: Tenant,
    as_of: i64,
    request: &ExportRequest,
) -> Result<Selection, Problem> {
    if let Some(name) = request.filter.keys().find(|name| NO_FILTERS.contains(&name.as_str())) {
        return Err(Problem::member(
            format!("/filter/{name}"),
            "unknown_parameter",
            format!("{name} is no filter"),
        ));
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    let query = query.extend_pairs(&request.filter).finish();
    let filter = |problem: Problem| match problem.code.status() {
        StatusCode::BAD_REQUEST => Problem::member("/filter", "invalid_filter", problem.detail),
        _ => problem,
    };
    match request.of {
        Of::Transactions => {
            super::transactions::read_filter(&query)
                .map_err(|why| Problem::member("/filter", "invalid_filter", why))?;
            Ok(Selection::Transactions(query))
        }
        Of::Entries => {
            let params = Params::read(&query, ledger::FILTERS).map_err(filter)?;
            let meant = ledger::meant(reader, tenant, as_of + 1, &params).await.map_err(filter)?;
            Ok(Selection::Entries(meant))
        }
        Of::Accesses => {
            let params = Params::read(&query, &["at[gte]", "at[lt]"]).map_err(filter)?;
            let meant = ledger::meant(reader, tenant, as_of + 1, &params).await.map_err(filter)?;
            Ok(Selection::Accesses(meant))
        }
        Of::LineageEvents => {
            Err(Problem::member("/of", "unsupported_form", "events are at /v1/lineage/events"))
        }
    }
}
