//! Full tiles of each log's tree: 256 hashes each, immutable, derived from the entries.

use super::{
    Connection, StoreError,
    rows::{Column, Table, Value},
};
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

pub(super) const TABLE: Table = Table {
    name: "tiles",
    columns: &[
        ("institution_id", Column::Uuid),
        ("level", Column::Int),
        ("tile", Column::Int),
        ("root", Column::Bytes),
        ("hashes", Column::Bytes),
    ],
};

/// What a tile has in the table's columns.
pub(super) fn values(row: &NewTile) -> [Value<'_>; 5] {
    [
        Value::Uuid(row.tenant.uuid()),
        Value::Int(row.level),
        Value::Int(row.tile),
        Value::Bytes(&row.root),
        Value::Bytes(&row.hashes),
    ]
}

/// A full tile's 256 hashes, if it is full yet.
pub async fn hashes(
    connection: &mut Connection,
    tenant: Tenant,
    level: i64,
    tile: i64,
) -> Result<Option<Vec<u8>>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_scalar("SELECT hashes FROM tiles WHERE institution_id = $1 AND level = $2 AND tile = $3")
            .bind(tenant.uuid())
            .bind(level)
            .bind(tile)
    )
}

/// The roots of the full tiles `from..until` of a level, in order.
pub async fn roots(
    connection: &mut Connection,
    tenant: Tenant,
    level: i64,
    from: i64,
    until: i64,
) -> Result<Vec<Vec<u8>>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_scalar(
            "SELECT root FROM tiles WHERE institution_id = $1 AND level = $2 AND tile >= $3 AND tile < $4 \
         ORDER BY tile",
        )
        .bind(tenant.uuid())
        .bind(level)
        .bind(from)
        .bind(until)
    )
}
