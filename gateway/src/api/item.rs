//! One record, or a page of them, as they stand on the ledger, on demand with proof.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use veritrail_audit::inclusion_spans;

use super::{
    State,
    as_of::{AS_OF, AsOf, Snapshot},
    etag::{self, Tag},
    list::raw,
    params::Params,
};
use crate::{
    access::{Answer, Permit, Recorded, right::Right},
    domain::Tenant,
    error::Problem,
    ledger::tree,
    store::{Reader, entries, payloads},
};

/// One record.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Item<T> {
    /// The record, byte for byte as the ledger committed to it.
    pub data: T,
    /// The state of the ledger that this shows.
    pub as_of: AsOf,
    /// With `proof=inclusion`: what proves that the record is on the ledger unaltered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// Proves that a record is on the ledger.
///
/// `commitment` in `entry` is SHA-256 of `veritrail/commit@1\n`, the salt and the record's canonical
/// bytes; the entry's leaf hash is SHA-256 of a zero byte and the entry; and RFC 6962 section 2.1.1
/// says how `path` leads from there to the root in `checkpoint`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Proof {
    /// The entry's index in the log.
    #[schema(example = "7", pattern = "^[0-9]+$")]
    pub seq: String,
    /// The entry, byte for byte.
    pub entry: String,
    /// The salt of the entry's commitment: 32 bytes in hex.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub salt: String,
    /// The audit path from the leaf to the root: hashes in hex.
    pub path: Vec<String>,
    /// A signed checkpoint that covers the entry (C2SP tlog-checkpoint).
    pub checkpoint: String,
}

/// A record's name in the query: whether a proof is asked for.
///
/// # Errors
/// 400 when it is another word, or `fields` cuts the record that the proof is of.
pub fn wants_proof(params: &Params<'_>) -> Result<bool, Problem> {
    let wanted = params.word("proof", &[("inclusion", true)])?.unwrap_or(false);
    if wanted && params.get("fields").is_some() {
        return Err(Problem::parameter("fields", "conflicting_parameters", "a proof is of the whole record"));
    }
    Ok(wanted)
}

/// What a query about one record takes.
pub const KNOWN: &[&str] = &["proof", "fields", AS_OF];

/// Answers with one record, by the entry that recorded it.
///
/// # Errors
/// 400 when the parameters don't fit, 503 when there can be no proof.
pub async fn answer<R: Right>(
    permit: &Permit<R>,
    state: &State,
    mut reader: Reader,
    params: &Params<'_>,
    snapshot: &Snapshot,
    seq: i64,
    known_fields: &[&str],
) -> Result<Recorded, Problem> {
    let (fields, proof) = (fields(params, known_fields)?, wants_proof(params)?);
    let row = payloads::get(&mut reader, permit.tenant(), seq).await?.ok_or_else(Problem::not_found)?;
    drop(reader);
    let proof = match proof {
        true => proofs(state, permit.tenant(), &[seq]).await?.pop(),
        false => None,
    };
    let proven = i64::from(proof.is_some());
    let item = Item { data: shown(&row.payload, &fields)?, as_of: snapshot.as_of()?, proof };
    let tag = Tag::of("item", &fields.join(","), [seq, proven]);
    etag::answer(permit, &tag, || Answer::json(&item)).await
}

/// Proofs for some entries, all against one signed checkpoint.
///
/// # Errors
/// 503 when the log can't be signed or is damaged.
pub async fn proofs(state: &State, tenant: Tenant, seqs: &[i64]) -> Result<Vec<Proof>, Problem> {
    let needed = seqs.iter().map(|seq| seq.unsigned_abs() + 1).max().unwrap_or(0);
    let (size, checkpoint) = state.signer.cover(tenant, needed).await?;
    let mut reader = state.read(tenant).await?;
    let spans: Vec<Vec<_>> = seqs.iter().map(|seq| inclusion_spans(seq.unsigned_abs(), size)).collect();
    let mut roots = tree::span_roots(&mut reader, tenant, size, &spans.concat()).await?.into_iter();
    let mut proofs = Vec::with_capacity(seqs.len());
    for (seq, spans) in seqs.iter().zip(&spans) {
        let path = roots.by_ref().take(spans.len()).map(|hash| hash.to_string()).collect();
        proofs.push(proof(&mut reader, tenant, *seq, path, checkpoint.clone()).await?);
    }
    Ok(proofs)
}

async fn proof(
    reader: &mut Reader,
    tenant: Tenant,
    seq: i64,
    path: Vec<String>,
    checkpoint: String,
) -> Result<Proof, Problem> {
    let entry =
        entries::get(reader, tenant, seq).await?.ok_or_else(|| Problem::internal("an entry is missing"))?;
    let payload =
        payloads::get(reader, tenant, seq).await?.ok_or_else(|| Problem::internal("a payload is missing"))?;
    let entry = String::from_utf8(entry).map_err(Problem::internal)?;
    let salt = <[u8; 32]>::try_from(payload.salt.as_slice()).map_err(Problem::internal)?;
    Ok(Proof { seq: seq.to_string(), entry, salt: veritrail_audit::Hash(salt).to_string(), path, checkpoint })
}

/// A record, or those of its fields that were asked for.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Shown<'a> {
    /// As it stands.
    Whole(&'a RawValue),
    /// Some of it.
    Part(BTreeMap<&'a str, &'a RawValue>),
}

/// The fields that a query asks for; none means all.
///
/// # Errors
/// 400 when one is not among `known`.
pub fn fields<'a>(params: &'a Params<'_>, known: &[&str]) -> Result<Vec<&'a str>, Problem> {
    let fields = params.list("fields")?;
    match fields.iter().find(|field| !known.contains(field)) {
        None => Ok(fields),
        Some(field) => {
            let near = crate::domain::nearest::nearest(field, known.iter().copied());
            let hint = near.map_or_else(
                || format!("one of {}", known.join(", ")),
                |near| format!("did you mean {near:?}?"),
            );
            Err(Problem::parameter("fields", "unknown_field", format!("there is no field {field:?}; {hint}")))
        }
    }
}

/// A stored payload, or those of its fields that were asked for.
///
/// # Errors
/// When the stored bytes are no JSON object.
pub fn shown<'a>(payload: &'a [u8], fields: &[&str]) -> Result<Shown<'a>, Problem> {
    if fields.is_empty() {
        return raw(payload).map(Shown::Whole);
    }
    let mut all: BTreeMap<&str, &RawValue> = serde_json::from_slice(payload).map_err(Problem::internal)?;
    all.retain(|name, _| *name == "id" || fields.contains(name));
    Ok(Shown::Part(all))
}
