//! `/v1/ledger`: the institution's log, its proofs and its checkpoint.

mod actor;
pub mod actors;
pub mod days;
pub mod looks;

use actix_web::{get, web};
use serde::Serialize;
use serde_json::value::RawValue;
use veritrail_audit::{Kind, leaf_hash};

use super::{
    State, accept,
    as_of::AS_OF,
    direct, etag,
    item::Proof,
    list::{List, Run, raw},
    params::Params,
};
use crate::{
    access::{Answer, Permit, Recorded, right::ReadLedger},
    domain::{AccountId, BundleId, ClientId, ExportId, InstitutionId, Tenant, TransactionId},
    error::Problem,
    export::source::{Entries, Selection},
    ledger::tree,
    store::{
        Reader, accounts, bundles, checkpoints,
        entries::{self, EntryQuery, Order},
        exports, logs, payloads, transactions,
    },
};

const OPERATION: &str = "listEntries";

/// What selects entries.
pub(super) const FILTERS: &[&str] = &["kind", "subject", "at[gte]", "at[lt]"];

const KNOWN: &[&str] = &["kind", "subject", "actor", "at[gte]", "at[lt]", "sort", "limit", "cursor", AS_OF];

const ORDERS: &[(&str, Order)] = &[("seq", Order::Oldest), ("-seq", Order::Newest)];

/// An entry, and its hash.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LedgerEntry<T> {
    /// The entry, byte for byte as it is hashed.
    pub entry: T,
    /// Its RFC 6962 leaf hash, which the next entry names as `prev`.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub leaf_hash: String,
}

/// An entry as FORMAT.md describes it: canonical JSON.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct EntryDocument {
    /// Who caused it: a client's id, that of a schedule of reports, or `veritrail` for the service itself.
    #[schema(example = "cli_0190163d8694739bba1a9fbee4e5c1b2")]
    actor: String,
    /// When: RFC 3339, UTC, microseconds; never before the entry ahead of it.
    #[schema(example = "2026-01-05T09:30:00.000000Z")]
    at: String,
    /// SHA-256 of `veritrail/commit@1\n`, the salt and the payload.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    commitment: String,
    /// What it is: `record`, `access`, `denied`, `export`, `key`, `admin` …
    #[schema(example = "record")]
    kind: String,
    /// The log's name.
    log: String,
    /// The leaf hash of the entry before.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    prev: String,
    /// The request that caused it; none where it lists several.
    #[schema(required)]
    request: Option<String>,
    /// Its index in the log.
    #[schema(example = "7", pattern = "^[0-9]+$")]
    seq: String,
    /// What it is about.
    #[schema(required)]
    subject: Option<EntrySubject>,
    /// `veritrail/entry@1`.
    #[schema(example = "veritrail/entry@1")]
    v: String,
}

/// What an entry is about.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct EntrySubject {
    /// The record's id.
    #[schema(example = "txn_0190163d8694739bba1a9fbee4e5c1b2")]
    id: String,
    /// The kind of record.
    #[schema(example = "transaction")]
    kind: String,
}

/// An entry with all that proves it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct EntryDetail<T> {
    /// The entry's proof; `entry` in it is the entry itself.
    #[serde(flatten)]
    pub proof: Proof,
    /// What the entry committed to: the record, or the list of looks or refusals.
    pub payload: T,
}

/// Hashes that lead from one state of the log to another.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ProofPath {
    /// Hashes in hex, in the order of RFC 6962 section 2.1.
    pub path: Vec<String>,
    /// The signed checkpoint that the proof is for, when it is for the newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
}

/// Entries, in ledger order or the newest first.
///
/// With `actor`, a page may hold fewer entries than asked for, even none, and yet have a next one.
#[utoipa::path(
    operation_id = "listEntries", tag = "ledger",
    params(
        ("kind" = Option<String>, Query, description = "Only entries of this kind.", example = "access"),
        ("subject" = Option<String>, Query, description = "Only entries that record this thing: an account's, a transaction's, a bundle's or an export's id."),
        ("actor" = Option<String>, Query, description = "Only entries that this one caused: a client's or a person's id, or `veritrail`. An entry that lists looks or refusals of several names `veritrail`; `/v1/ledger/looks` tells them apart. Only with application/json.", pattern = "^[!#-\\[\\]-~]{1,128}$", example = "veritrail"),
        ("at[gte]" = Option<String>, Query, description = "Made at this time or later (RFC 3339).", example = "2026-01-05T00:00:00Z"),
        ("at[lt]" = Option<String>, Query, description = "Made before this time (RFC 3339)."),
        ("sort" = Option<String>, Query, description = "`seq` (unless told): ledger order. `-seq`: the newest first; only with application/json.", pattern = "^-?seq$", example = "-seq"),
        ("as_of" = Option<String>, Query, description = "As the ledger stood at this entry: none after it.", pattern = "^[0-9]+$"),
        ("limit" = Option<u16>, Query, description = "Page size, 1 to 500; 100 unless told.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses(
        (status = 200, description = "A page of entries; or, by `Accept`, all that there are, as a file.", content(
            (List<LedgerEntry<EntryDocument>> = "application/json"),
            (String = "text/csv"),
            (EntryDocument = "application/x-ndjson"),
        )),
        (status = 406, description = "There is no such representation.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The whole result is too large for one answer.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["ledger:read"]))
)]
#[get("/v1/ledger/entries")]
pub async fn list_entries(permit: Permit<ReadLedger>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), KNOWN)?;
    let (tenant, whole) = (permit.tenant(), accept::whole(&permit)?);
    let order = params.word("sort", ORDERS)?.unwrap_or_default();
    let actor = actor::named(&params)?;
    let mut reader = state.read(permit.tenant()).await?;
    let run = Run::take_up(&state, &mut reader, OPERATION, tenant, &params).await?;
    let Entries { from, until, kind, seqs } =
        meant(&mut reader, tenant, run.snapshot.seq() + 1, &params).await?;
    if let Some(format) = whole {
        drop(reader);
        if actor.is_some() {
            let detail = "only with application/json: another type has all rows whole";
            return Err(Problem::parameter("actor", "conflicting_parameters", detail));
        }
        let selection = Selection::Entries(Entries { from, until, kind, seqs });
        return direct::answer(&permit, &state, &params, &run.snapshot, selection, format).await;
    }
    let (from, until) = match (&run.after, order) {
        (Some(position), Order::Oldest) => (position.seq + 1, until),
        (Some(position), Order::Newest) => (from, position.seq),
        (None, _) => (from, until),
    };
    let query = EntryQuery { from, until, kind, seqs, limit: run.fetch() };
    let (mut rows, reached) = match actor {
        Some(actor) => actor::entries(&mut reader, tenant, query, actor, order).await?,
        None => (entries::sorted(&mut reader, tenant, &query, order).await?, None),
    };
    drop(reader);
    let page = match reached {
        Some(seq) => run.ends_at(seq, true)?,
        None => run.cut(&mut rows, |row| (None, row.seq))?,
    };
    let data: Vec<LedgerEntry<&RawValue>> = rows
        .iter()
        .map(|row| Ok(LedgerEntry { entry: raw(&row.bytes)?, leaf_hash: leaf_hash(&row.bytes).to_string() }))
        .collect::<Result<_, Problem>>()?;
    let tag = run.tag(rows.iter().map(|row| row.seq).chain(reached), &page);
    let list = List { data, page, as_of: run.snapshot.as_of()? };
    etag::answer(&permit, &tag, || Ok(list.answer()?.header("vary", "Accept"))).await
}

/// The entries that a list's parameters select, of a log of some size.
pub(super) async fn meant(
    reader: &mut Reader,
    tenant: Tenant,
    size: i64,
    params: &Params<'_>,
) -> Result<Entries, Problem> {
    let kinds = Kind::ALL.map(|kind| (kind.as_str(), kind.as_str()));
    let kind = params.word("kind", &kinds)?.map(ToOwned::to_owned);
    let (from, until) = period(reader, tenant, size, params).await?;
    let seqs = match params.get("subject") {
        Some(subject) => Some(subject_seqs(reader, tenant, subject).await?),
        None => None,
    };
    Ok(Entries { from, until, kind, seqs })
}

/// The entries of the time that a list's parameters name, of a log of some size.
async fn period(
    reader: &mut Reader,
    tenant: Tenant,
    size: i64,
    params: &Params<'_>,
) -> Result<(i64, i64), Problem> {
    let from = match time(params, "at[gte]")? {
        Some(at) => entries::seq_at(reader, tenant, size, at).await?,
        None => 0,
    };
    let until = match time(params, "at[lt]")? {
        Some(at) => entries::seq_at(reader, tenant, size, at).await?,
        None => size,
    };
    Ok((from, until))
}

/// One entry with its payload and its proof.
#[utoipa::path(
    operation_id = "getEntry", tag = "ledger",
    params(
        ("seq" = u64, Path, description = "The entry's index in the log."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "The entry, its payload and its proof.", body = EntryDetail<serde_json::Value>)),
    security(("oauth2" = ["ledger:read"]))
)]
#[get("/v1/ledger/entries/{seq}")]
pub async fn get_entry(permit: Permit<ReadLedger>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (tenant, seq) = (permit.tenant(), permit.path::<u64>("seq")?);
    let seq = i64::try_from(seq).map_err(|_| Problem::not_found())?;
    let mut reader = state.read(permit.tenant()).await?;
    entries::get(&mut reader, tenant, seq).await?.ok_or_else(Problem::not_found)?;
    let payload = payloads::get(&mut reader, tenant, seq).await?.ok_or_else(Problem::not_found)?;
    drop(reader);
    let proof = super::item::proofs(&state, tenant, &[seq]).await?.pop().ok_or_else(Problem::not_found)?;
    let detail = EntryDetail { proof, payload: raw(&payload.payload)? };
    permit.answer(Answer::json(&detail)?).await
}

/// The audit path of an entry (RFC 6962 section 2.1.1).
#[utoipa::path(
    operation_id = "getInclusionProof", tag = "ledger",
    params(
        ("seq" = u64, Query, description = "The entry.", example = "7"),
        ("size" = Option<u64>, Query, description = "The tree's size; that of the newest checkpoint unless told."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "The audit path, leaf to root.", body = ProofPath)),
    security(("oauth2" = ["ledger:read"]))
)]
#[get("/v1/ledger/proofs/inclusion")]
pub async fn prove_inclusion(
    permit: Permit<ReadLedger>,
    state: web::Data<State>,
) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["seq", "size"])?;
    let tenant = permit.tenant();
    let seq: u64 = params.require("seq")?;
    let (size, checkpoint) = size_or_newest(&state, tenant, &params, "size", seq.saturating_add(1)).await?;
    if seq >= size {
        return Err(Problem::parameter("seq", "out_of_range", format!("the tree has {size} entries")));
    }
    let mut reader = state.read(permit.tenant()).await?;
    let path = tree::inclusion(&mut reader, tenant, seq, size).await?;
    drop(reader);
    permit.answer(Answer::json(&proof_path(&path, checkpoint))?).await
}

/// The proof that a tree extends an earlier one (RFC 6962 section 2.1.2).
#[utoipa::path(
    operation_id = "getConsistencyProof", tag = "ledger",
    params(
        ("from" = u64, Query, description = "The earlier size.", example = "1"),
        ("to" = Option<u64>, Query, description = "The later size; that of the newest checkpoint unless told."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "The consistency proof.", body = ProofPath)),
    security(("oauth2" = ["ledger:read"]))
)]
#[get("/v1/ledger/proofs/consistency")]
pub async fn prove_consistency(
    permit: Permit<ReadLedger>,
    state: web::Data<State>,
) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["from", "to"])?;
    let tenant = permit.tenant();
    let from: u64 = params.require("from")?;
    let (to, checkpoint) = size_or_newest(&state, tenant, &params, "to", from).await?;
    if from > to || from == 0 {
        return Err(Problem::parameter("from", "out_of_range", format!("1 to {to}")));
    }
    let mut reader = state.read(permit.tenant()).await?;
    let path = tree::consistency(&mut reader, tenant, from, to).await?;
    drop(reader);
    permit.answer(Answer::json(&proof_path(&path, checkpoint))?).await
}

/// The newest signed checkpoint (C2SP tlog-checkpoint).
#[utoipa::path(
    operation_id = "getCheckpoint", tag = "ledger",
    params(("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant.")),
    responses((status = 200, description = "The signed note.", body = String, content_type = "text/plain")),
    security(("oauth2" = ["ledger:read"]))
)]
#[get("/v1/ledger/checkpoint")]
pub async fn get_checkpoint(
    permit: Permit<ReadLedger>,
    state: web::Data<State>,
) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let note = newest(&state, permit.tenant()).await?.1;
    permit.answer(Answer::text(note)).await
}

/// The key that signs the log's checkpoints (C2SP signed-note vkey).
#[utoipa::path(
    operation_id = "getLedgerKey", tag = "ledger",
    params(("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant.")),
    responses((status = 200, description = "The vkey, with a newline.", body = String, content_type = "text/plain")),
    security(("oauth2" = ["ledger:read"]))
)]
#[get("/v1/ledger/key")]
pub async fn get_key(permit: Permit<ReadLedger>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let mut reader = state.read(permit.tenant()).await?;
    let head = logs::head(&mut reader, permit.tenant()).await?.ok_or_else(Problem::not_found)?;
    drop(reader);
    permit.answer(Answer::text(format!("{}\n", state.key.vkey(&head.origin)))).await
}

/// The newest signed checkpoint; the first one is signed here if nobody has yet.
pub(super) async fn newest(state: &State, tenant: Tenant) -> Result<(u64, String), Problem> {
    let mut reader = state.read(tenant).await?;
    let latest = checkpoints::latest(&mut reader, tenant).await?;
    drop(reader);
    match latest {
        Some((size, note)) => Ok((size.unsigned_abs(), note)),
        None => Ok(state.signer.cover(tenant, 1).await?),
    }
}

/// The tree that a proof is for: of the size that the parameter of this name asks for, or the newest
/// checkpoint's.
async fn size_or_newest(
    state: &State,
    tenant: Tenant,
    params: &Params<'_>,
    name: &str,
    needed: u64,
) -> Result<(u64, Option<String>), Problem> {
    let mut reader = state.read(tenant).await?;
    let head = logs::head(&mut reader, tenant).await?.ok_or_else(Problem::not_found)?.size.unsigned_abs();
    drop(reader);
    match params.parse(name)? {
        Some(size) if size > head || size == 0 => {
            Err(Problem::parameter(name, "out_of_range", format!("the log has {head} entries")))
        }
        Some(size) => Ok((size, None)),
        None => {
            let (size, note) = state.signer.cover(tenant, needed.clamp(1, head)).await?;
            Ok((size, Some(note)))
        }
    }
}

fn proof_path(path: &[veritrail_audit::Hash], checkpoint: Option<String>) -> ProofPath {
    ProofPath { path: path.iter().map(ToString::to_string).collect(), checkpoint }
}

/// The entries that record a thing. A thing that isn't there has none.
async fn subject_seqs(reader: &mut Reader, tenant: Tenant, subject: &str) -> Result<Vec<i64>, Problem> {
    let seq = if let Ok(id) = subject.parse::<TransactionId>() {
        return Ok(transactions::seqs(reader, tenant, id).await?);
    } else if let Ok(id) = subject.parse::<AccountId>() {
        accounts::seq(reader, tenant, id).await?
    } else if let Ok(id) = subject.parse::<BundleId>() {
        bundles::get(reader, tenant, id).await?.map(|bundle| bundle.seq)
    } else if let Ok(id) = subject.parse::<ExportId>() {
        exports::get(reader, tenant, id).await?.map(|export| export.seq)
    } else if subject.parse::<ClientId>().is_ok() {
        return Err(Problem::parameter("subject", "invalid_value", "for a client, ask for kind=admin"));
    } else {
        return Err(Problem::parameter(
            "subject",
            "invalid_value",
            "the id of an account, a transaction, a bundle or an export",
        ));
    };
    Ok(seq.into_iter().collect())
}

fn time(params: &Params<'_>, name: &str) -> Result<Option<i64>, Problem> {
    Ok(params.parse::<jiff::Timestamp>(name)?.map(jiff::Timestamp::as_microsecond))
}
