//! Full tiles of each log's tree: 256 hashes each, immutable, derived from the entries.

use super::{Connection, StoreError};
use crate::domain::Tenant;

/// A tile that has just become full.
#[derive(Debug)]
pub struct NewTile {
    /// Whose log.
    pub tenant: Tenant,
    /// Tile level: a hash of it covers 256^level leaves.
    pub level: i64,
    /// Index within its level.
    pub tile: i64,
    /// The tile's own root, which is one hash of the level above.
    pub root: [u8; 32],
    /// 256 hashes of 32 bytes.
    pub hashes: Vec<u8>,
}

/// Inserts full tiles. There is about one for 255 entries, so a statement each.
pub async fn insert(connection: &mut Connection, tiles: &[NewTile]) -> Result<(), StoreError> {
    for tile in tiles {
        sqlx::query(
            "INSERT INTO tiles (institution_id, level, tile, root, hashes) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(tile.tenant.uuid())
        .bind(tile.level)
        .bind(tile.tile)
        .bind(tile.root.as_slice())
        .bind(tile.hashes.as_slice())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// A full tile's 256 hashes, if it is full yet.
pub async fn hashes(
    connection: &mut Connection,
    tenant: Tenant,
    level: i64,
    tile: i64,
) -> Result<Option<Vec<u8>>, StoreError> {
    sqlx::query_scalar("SELECT hashes FROM tiles WHERE institution_id = $1 AND level = $2 AND tile = $3")
        .bind(tenant.uuid())
        .bind(level)
        .bind(tile)
        .fetch_optional(connection)
        .await
}

/// The roots of the full tiles `from..until` of a level, in order.
pub async fn roots(
    connection: &mut Connection,
    tenant: Tenant,
    level: i64,
    from: i64,
    until: i64,
) -> Result<Vec<Vec<u8>>, StoreError> {
    sqlx::query_scalar(
        "SELECT root FROM tiles WHERE institution_id = $1 AND level = $2 AND tile >= $3 AND tile < $4 \
         ORDER BY tile",
    )
    .bind(tenant.uuid())
    .bind(level)
    .bind(from)
    .bind(until)
    .fetch_all(connection)
    .await
}
