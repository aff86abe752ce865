//! Evidence bundles: asked for, prepared, ready.

use super::{Connection, StoreError};
use crate::domain::{Tenant, id::BundleId};

/// A bundle's row.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// Its id.
    pub id: uuid::Uuid,
    /// The `export` entry that recorded the request.
    pub seq: i64,
    /// First entry in it.
    pub from_seq: i64,
    /// First entry after it.
    pub to_seq: i64,
    /// Who asked for it; not known of old ones.
    pub actor: Option<String>,
    /// `preparing`, `ready` or `failed`.
    pub state: String,
    /// Entries and payloads that are in the file so far.
    pub written: i64,
    /// The file's size.
    pub bytes: Option<i64>,
    /// The file's hash.
    pub sha256: Option<Vec<u8>>,
    /// The size of the checkpoint that covers it.
    pub checkpoint_size: Option<i64>,
    /// When it was asked for, in microseconds since the Unix epoch.
    pub created_at_us: i64,
    /// When it became ready or failed.
    pub finished_at_us: Option<i64>,
}

from_row!(Bundle {
    id,
    seq,
    from_seq,
    to_seq,
    actor,
    state,
    written,
    bytes,
    sha256,
    checkpoint_size,
    created_at_us,
    finished_at_us
});

/// A bundle's file, once it is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pressed {
    /// Its size.
    pub bytes: i64,
    /// Its hash.
    pub sha256: [u8; 32],
    /// The size of the checkpoint that covers it.
    pub checkpoint_size: i64,
}

const SELECT: &str = "SELECT id, seq, from_seq, to_seq, actor, state, written, bytes, sha256, \
                      checkpoint_size, created_at_us, finished_at_us \
                      FROM evidence_bundles";

/// A bundle to be prepared.
#[derive(Clone, Debug)]
pub struct NewBundle {
    /// Its id.
    pub id: BundleId,
    /// First entry in it.
    pub from_seq: i64,
    /// First entry after it.
    pub to_seq: i64,
    /// Who asks for it.
    pub actor: String,
}

/// Adds a bundle that is being prepared.
pub async fn insert(
    connection: &mut Connection,
    tenant: Tenant,
    new: NewBundle,
    seq: i64,
    now_us: i64,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "INSERT INTO evidence_bundles (institution_id, id, seq, from_seq, to_seq, actor, state, created_at_us) \
         VALUES ($1, $2, $3, $4, $5, $6, 'preparing', $7)",
        )
        .bind(tenant.uuid())
        .bind(new.id.uuid())
        .bind(seq)
        .bind(new.from_seq)
        .bind(new.to_seq)
        .bind(new.actor)
        .bind(now_us)
    )?;
    Ok(())
}

/// Says how many entries and payloads are in a bundle's file, while it is being prepared.
pub async fn progress(
    connection: &mut Connection,
    tenant: Tenant,
    id: BundleId,
    written: i64,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "UPDATE evidence_bundles SET written = $3 \
         WHERE institution_id = $1 AND id = $2 AND state = 'preparing' AND written <= $3",
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
        .bind(written)
    )?;
    Ok(())
}

/// Says how a bundle's preparation ended: with its size and hash, or failed.
pub async fn finish(
    connection: &mut Connection,
    tenant: Tenant,
    id: BundleId,
    file: Option<Pressed>,
    now_us: i64,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "UPDATE evidence_bundles SET state = $3, bytes = $4, sha256 = $5, finished_at_us = $6, \
             checkpoint_size = $7 \
         WHERE institution_id = $1 AND id = $2 AND state = 'preparing'",
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
        .bind(if file.is_some() { "ready" } else { "failed" })
        .bind(file.map(|file| file.bytes))
        .bind(file.map(|file| file.sha256.to_vec()))
        .bind(now_us)
        .bind(file.map(|file| file.checkpoint_size))
    )?;
    Ok(())
}

/// One bundle.
pub async fn get(
    connection: &mut Connection,
    tenant: Tenant,
    id: BundleId,
) -> Result<Option<Bundle>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} WHERE institution_id = $1 AND id = $2")))
            .bind(tenant.uuid())
            .bind(id.uuid())
    )
}

/// A page of the bundles that were asked for up to seq `snapshot`, newest first.
pub async fn page(
    connection: &mut Connection,
    tenant: Tenant,
    snapshot: i64,
    before: i64,
    limit: i64,
) -> Result<Vec<Bundle>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "{SELECT} WHERE institution_id = $1 AND seq <= $2 AND seq < $3 ORDER BY seq DESC LIMIT $4"
        )))
        .bind(tenant.uuid())
        .bind(snapshot)
        .bind(before)
        .bind(limit)
    )
}

/// The bundles that a stopped process left unfinished, of every institution.
pub async fn unfinished(connection: &mut Connection) -> Result<Vec<(uuid::Uuid, uuid::Uuid)>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as("SELECT institution_id, id FROM evidence_bundles WHERE state = 'preparing'")
    )
}
