//! `/v1/evidence-bundles`: the file that a regulator takes home.

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
    list::{List, Run},
    params::Params,
};
use crate::{
    access::{
        Answer, Door, Permit, Recorded,
        right::{OrderEvidence, ReadEvidence},
    },
    domain::{BundleId, InstitutionId, Tenant},
    error::{Code, Problem},
    ledger::{
        By,
        command::{Filing, Rows},
    },
    store::{
        Reader,
        bundles::{self, Bundle, NewBundle},
        entries, idempotency,
    },
    world::{id_parts, rfc3339},
};

/// What the cursors of the list are for.
const OPERATION: &str = "listEvidenceBundles";
const BODY_MAX: usize = 4096;

/// Which entries go into a bundle: a range, a period, or (with nothing said) all there are.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BundleRequest {
    /// The first entry's seq.
    #[schema(example = "0", pattern = "^[0-9]+$")]
    from_seq: Option<String>,
    /// The seq after the last entry's.
    #[schema(pattern = "^[0-9]+$")]
    to_seq: Option<String>,
    /// Entries made at this time or later: RFC 3339. Not with `from_seq`.
    #[schema(format = DateTime)]
    from: Option<String>,
    /// Entries made before this time: RFC 3339. Not with `to_seq`.
    #[schema(format = DateTime)]
    to: Option<String>,
}

/// A bundle's state.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct EvidenceBundle {
    /// Its id.
    pub id: BundleId,
    /// `preparing`, `ready` or `failed`.
    #[schema(example = "ready")]
    pub state: String,
    /// The first entry in it.
    #[schema(example = "0", pattern = "^[0-9]+$")]
    pub from_seq: String,
    /// The first entry after it.
    #[schema(example = "49103", pattern = "^[0-9]+$")]
    pub to_seq: String,
    /// The entry that ordered it.
    #[schema(example = "49103", pattern = "^[0-9]+$")]
    pub seq: String,
    /// Who ordered it: a client, or somebody in the portal. Null for those ordered before this was kept.
    #[schema(example = "cli_0190163d8694739bba1a9fbee4e5c1b2")]
    pub ordered_by: Option<String>,
    /// How much of it is written, in percent: 100 once it is ready.
    #[schema(example = 100, minimum = 0, maximum = 100)]
    pub percent_done: u8,
    /// When it was asked for: RFC 3339, UTC.
    #[schema(example = "2026-01-05T09:30:00.000000Z")]
    pub created_at: String,
    /// When it became ready or failed.
    pub finished_at: Option<String>,
    /// The file's size in bytes, once it is ready.
    #[schema(example = 1048576)]
    pub bytes: Option<i64>,
    /// The file's SHA-256 in hex, once it is ready.
    pub sha256: Option<String>,
    /// Where to download it, once it is ready.
    pub content_url: Option<String>,
}

/// Asks for an evidence bundle. It is prepared in the background; its entry is on the ledger at once.
#[utoipa::path(
    operation_id = "createEvidenceBundle", tag = "evidence",
    params(
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
        ("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one; kept 24 hours."),
    ),
    request_body(content = BundleRequest, content_type = "application/json", example = json!({"from_seq": "0"})),
    responses(
        (status = 202, description = "The bundle, being prepared; `Location` says where to look.", body = EvidenceBundle),
        (status = 422, description = "The range is empty or beyond the log; or the Idempotency-Key was used with another body.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["evidence:read"]))
)]
#[post("/v1/evidence-bundles")]
pub async fn create(permit: Permit<OrderEvidence>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (request, idempotency): (BundleRequest, _) = permit.json_once(BODY_MAX).await?;
    let tenant = permit.tenant();
    let mut reader = state.read(permit.tenant()).await?;
    let (from, to) = range(&mut reader, tenant, &request).await?;
    drop(reader);
    let (ms, random) = id_parts(state.world());
    let new = BundleId::from_parts(ms, random);
    let order = order(permit.by(), new, (from, to), idempotency);
    let (recorder, press) = (state.door.recorder.clone(), state.press.clone());
    let ordered = Door::whole(async move {
        let ordered = recorder.file(tenant, order).await?;
        if !ordered.replayed {
            press.start(tenant, new);
        }
        Ok(ordered)
    })
    .await?;
    let id: BundleId = ordered.id.parse().map_err(Problem::internal)?;
    let bundle = load(&state, tenant, id).await?;
    let answer = Answer::json(&bundle)?
        .status(StatusCode::ACCEPTED)
        .header("location", &format!("/v1/evidence-bundles/{id}"))
        .receipt(ordered.receipt)
        .replayed(ordered.replayed);
    permit.answer(answer).await
}

/// The order of a bundle as the ledger has it.
fn order(by: By, id: BundleId, (from, to): (u64, u64), idempotency: Option<idempotency::Key>) -> Filing {
    let payload = format!(r#"{{"from":"{from}","id":"{id}","to":"{to}","type":"evidence_bundle"}}"#);
    let new =
        NewBundle { id, from_seq: from.cast_signed(), to_seq: to.cast_signed(), actor: by.actor.clone() };
    let rows: Rows = Box::new(move |connection, at| {
        Box::pin(async move { Ok(bundles::insert(connection, at.tenant, new, at.seq, at.at_us).await?) })
    });
    Filing {
        by,
        kind: Kind::Export,
        subject: ("evidence_bundle", id.to_string()),
        payload: payload.into_bytes(),
        rows,
        idempotency,
    }
}

/// Evidence bundles, newest first, as they stand now.
#[utoipa::path(
    operation_id = "listEvidenceBundles", tag = "evidence",
    params(
        ("limit" = Option<u16>, Query, description = "Page size, 1 to 500; 100 unless told.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "A page of bundles.", body = List<EvidenceBundle>)),
    security(("oauth2" = ["evidence:read"]))
)]
#[get("/v1/evidence-bundles")]
pub async fn list(permit: Permit<ReadEvidence>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["limit", "cursor"])?;
    let tenant = permit.tenant();
    let mut reader = state.read(tenant).await?;
    let run = Run::take_up(&state, &mut reader, OPERATION, tenant, &params).await?;
    let (snapshot, before) = (run.snapshot.seq(), run.before());
    let mut rows = bundles::page(&mut reader, tenant, snapshot, before, run.fetch()).await?;
    drop(reader);
    let page = run.cut(&mut rows, |row| (None, row.seq))?;
    let data = rows.into_iter().map(|row| EvidenceBundle::of(&state, row)).collect();
    permit.answer(List { data, page, as_of: run.snapshot.as_of()? }.answer()?).await
}

/// The state of an evidence bundle.
#[utoipa::path(
    operation_id = "getEvidenceBundle", tag = "evidence",
    params(
        ("id" = BundleId, Path, description = "The bundle."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "The bundle's state.", body = EvidenceBundle)),
    security(("oauth2" = ["evidence:read"]))
)]
#[get("/v1/evidence-bundles/{id}")]
pub async fn get(permit: Permit<ReadEvidence>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let bundle = load(&state, permit.tenant(), permit.path("id")?).await?;
    permit.answer(Answer::json(&bundle)?).await
}

/// Downloads an evidence bundle; takes one `Range` of bytes (RFC 9110 section 14).
#[utoipa::path(
    operation_id = "downloadEvidenceBundle", tag = "evidence",
    params(
        ("id" = BundleId, Path, description = "The bundle."),
        ("Range" = Option<String>, Header, description = "One range of bytes.", example = "bytes=0-1023"),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses(
        (status = 200, description = "The file.", body = Vec<u8>, content_type = "application/zip"),
        (status = 206, description = "A part of the file.", body = Vec<u8>, content_type = "application/zip"),
        (status = 409, description = "It is not ready.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
        (status = 416, description = "The range can't be served.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["evidence:read"]))
)]
#[get("/v1/evidence-bundles/{id}/content")]
pub async fn content(permit: Permit<ReadEvidence>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let id: BundleId = permit.path("id")?;
    let mut reader = state.read(permit.tenant()).await?;
    let row = bundles::get(&mut reader, permit.tenant(), id).await?.ok_or_else(Problem::not_found)?;
    drop(reader);
    let size = match (row.state.as_str(), row.bytes) {
        ("ready", Some(bytes)) => bytes.unsigned_abs(),
        (other, _) => return Err(Problem::new(Code::Conflict, format!("the bundle is {other}"))),
    };
    let wanted = Wanted::of(permit.header(header::RANGE.as_str()), size)?;
    let path = state.press.file(permit.tenant(), &row).await.map_err(Problem::internal)?;
    permit.answer(wanted.answer(path, "application/zip", &format!("{id}.zip"))).await
}

async fn load(state: &State, tenant: Tenant, id: BundleId) -> Result<EvidenceBundle, Problem> {
    let mut reader = state.read(tenant).await?;
    let row = bundles::get(&mut reader, tenant, id).await?.ok_or_else(Problem::not_found)?;
    Ok(EvidenceBundle::of(state, row))
}

impl EvidenceBundle {
    fn of(state: &State, row: Bundle) -> Self {
        let id = BundleId::from_uuid(row.id);
        let percent_done = percent(&row);
        let sha256 = row.sha256.and_then(|hash| <[u8; 32]>::try_from(hash).ok());
        Self {
            id,
            from_seq: row.from_seq.to_string(),
            to_seq: row.to_seq.to_string(),
            seq: row.seq.to_string(),
            ordered_by: row.actor,
            percent_done,
            created_at: rfc3339(row.created_at_us),
            finished_at: row.finished_at_us.map(rfc3339),
            bytes: row.bytes,
            sha256: sha256.map(|hash| Hash(hash).to_string()),
            content_url: (row.state == "ready")
                .then(|| format!("{}/v1/evidence-bundles/{id}/content", state.base_url)),
            state: row.state,
        }
    }
}

/// How much of a bundle is written: it has each entry and each payload. It is all there once it is ready, not before.
fn percent(row: &Bundle) -> u8 {
    if row.state == "ready" {
        return 100;
    }
    let whole = row.to_seq.saturating_sub(row.from_seq).saturating_mul(2).max(1);
    let done = row.written.saturating_mul(100) / whole;
    u8::try_from(done.clamp(0, 99)).unwrap_or_default()
}

/// The entries that a request means.
async fn range(reader: &mut Reader, tenant: Tenant, request: &BundleRequest) -> Result<(u64, u64), Problem> {
    let size = Snapshot::now(reader, tenant).await?.seq() + 1;
    let from =
        bound(reader, tenant, size, "from", request.from_seq.as_deref(), request.from.as_deref(), 0).await?;
    let to =
        bound(reader, tenant, size, "to", request.to_seq.as_deref(), request.to.as_deref(), size).await?;
    if from >= to || to > size {
        let detail = format!("entries {from} up to {to} are none: the log has {size}");
        return Err(Problem::new(Code::Refused, detail));
    }
    Ok((from.unsigned_abs(), to.unsigned_abs()))
}

async fn bound(
    reader: &mut Reader,
    tenant: Tenant,
    size: i64,
    name: &str,
    seq: Option<&str>,
    time: Option<&str>,
    otherwise: i64,
) -> Result<i64, Problem> {
    let refuse = |field: String, detail: &str| Problem::new(Code::Refused, format!("{field}: {detail}"));
    match (seq, time) {
        (None, None) => Ok(otherwise),
        (Some(_), Some(_)) => Err(refuse(name.to_owned(), "say either a seq or a time")),
        (Some(seq), None) => match seq.parse::<i64>() {
            Ok(seq) if seq >= 0 => Ok(seq),
            _ => Err(refuse(format!("{name}_seq"), "a whole number from 0")),
        },
        (None, Some(time)) => {
            let at: jiff::Timestamp =
                time.parse().map_err(|_| refuse(name.to_owned(), "a time as RFC 3339 writes it"))?;
            Ok(entries::seq_at(reader, tenant, size, at.as_microsecond()).await?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_done_when_it_is_ready_and_not_before() {
        let at = |state: &str, written: i64| {
            percent(&Bundle {
                id: uuid::Uuid::nil(),
                seq: 9,
                from_seq: 100,
                to_seq: 300,
                actor: None,
                state: state.to_owned(),
                written,
                bytes: None,
                sha256: None,
                checkpoint_size: None,
                created_at_us: 0,
                finished_at_us: None,
            })
        };
        assert_eq!([at("preparing", 0), at("preparing", 100), at("preparing", 201)], [0, 25, 50]);
        assert_eq!([at("preparing", 400), at("ready", 0), at("failed", 200)], [99, 100, 50]);
    }
}
