//! `/ledger/{institution}/…`: the log's files in the layout of C2SP tlog-tiles, so that tools made
//! for transparency logs read it unchanged. Full tiles never change and may be cached for ever.

use actix_web::{get, web};
use veritrail_audit::{EntriesTileId, TileId, entry_bundle, tile_bytes};

use super::State;
use crate::{
    access::{Answer, Permit, Recorded, right::ReadLedger},
    domain::{InstitutionId, Tenant},
    error::Problem,
    ledger::tree::{self, TILE_WIDTH},
    store::{Reader, checkpoints, entries},
};

const FOR_EVER: &str = "private, max-age=31536000, immutable";
const BRIEFLY: &str = "private, max-age=60";

/// The newest signed checkpoint.
#[utoipa::path(
    operation_id = "getTlogCheckpoint", tag = "ledger",
    params(("institution" = InstitutionId, Path, description = "Whose log.")),
    responses((status = 200, description = "The signed note.", body = String, content_type = "text/plain")),
    security(("oauth2" = ["ledger:read"]))
)]
#[get("/ledger/{institution}/checkpoint")]
pub async fn get_checkpoint(
    permit: Permit<ReadLedger>,
    state: web::Data<State>,
) -> Result<Recorded, Problem> {
    let tenant = named(&permit)?;
    let note = super::ledger::newest(&state, tenant).await?.1;
    permit.answer(Answer::text(note)).await
}

/// A tile of 256 hashes, `<level>/<index>[.p/<width>]`, or an entry bundle, `entries/<index>[.p/<width>]`.
#[utoipa::path(
    operation_id = "getTile", tag = "ledger",
    params(
        ("institution" = InstitutionId, Path, description = "Whose log."),
        ("tile" = String, Path, description = "The tile, as C2SP tlog-tiles names it; may have slashes.", example = "0/000.p/1"),
    ),
    responses((status = 200, description = "Hashes of 32 bytes each; or entries, each behind its length as a big-endian uint16.", body = Vec<u8>, content_type = "application/octet-stream")),
    security(("oauth2" = ["ledger:read"]))
)]
#[get("/ledger/{institution}/tile/{tile:.*}")]
pub async fn get_tile(permit: Permit<ReadLedger>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let tenant = named(&permit)?;
    let name = format!("tile/{}", permit.path::<String>("tile")?);
    let mut reader = state.read(permit.tenant()).await?;
    let signed = checkpoints::latest(&mut reader, tenant).await?.map_or(0, |(size, _)| size.unsigned_abs());
    let (bytes, width) = if let Ok(id) = name.parse::<EntriesTileId>() {
        (entries_of(&mut reader, tenant, signed, id).await?, id.width)
    } else if let Ok(id) = name.parse::<TileId>() {
        let mut hashes = tree::tile(&mut reader, tenant, signed, id.level, id.index).await?;
        // A partial tile is served at any width that it ever had.
        if hashes.len() < usize::from(id.width) {
            return Err(Problem::not_found());
        }
        hashes.truncate(usize::from(id.width));
        (tile_bytes(&hashes), id.width)
    } else {
        return Err(Problem::not_found());
    };
    drop(reader);
    let caching = if u64::from(width) == TILE_WIDTH { FOR_EVER } else { BRIEFLY };
    permit.answer(Answer::bytes(bytes).header("cache-control", caching)).await
}

async fn entries_of(
    reader: &mut Reader,
    tenant: Tenant,
    signed: u64,
    id: EntriesTileId,
) -> Result<Vec<u8>, Problem> {
    let first = id.index.saturating_mul(TILE_WIDTH);
    let until = first.saturating_add(u64::from(id.width));
    if until > signed {
        return Err(Problem::not_found());
    }
    let signed_of = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let rows =
        entries::range(reader, tenant, signed_of(first), signed_of(until), i64::from(id.width)).await?;
    entry_bundle(rows.iter().map(|row| row.bytes.as_slice())).map_err(Problem::internal)
}

/// The institution of the path: the caller's own, or nothing that it may see.
fn named(permit: &Permit<ReadLedger>) -> Result<Tenant, Problem> {
    let named: InstitutionId = permit.path("institution")?;
    if named == permit.tenant().id() { Ok(permit.tenant()) } else { Err(Problem::not_found()) }
}
