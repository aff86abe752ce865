//! Payloads and their salts: what the entries' commitments commit to.

use super::{Connection, StoreError, rows};
use crate::domain::Tenant;

/// A payload to be stored beside its entry.
#[derive(Debug)]
pub struct NewPayload {
    /// Whose log.
    pub tenant: Tenant,
    /// The entry's index.
    pub seq: i64,
    /// 32 random bytes that blind the commitment.
    pub salt: [u8; 32],
    /// The canonical bytes.
    pub payload: Vec<u8>,
}

/// A stored payload.
#[derive(Debug)]
pub struct PayloadRow {
    /// The entry's index.
    pub seq: i64,
    /// 32 bytes.
    pub salt: Vec<u8>,
    /// The canonical bytes.
    pub payload: Vec<u8>,
}

from_row!(PayloadRow { seq, salt, payload });

/// Inserts payloads, in seq order.
pub async fn insert(connection: &mut Connection, payloads: &[NewPayload]) -> Result<(), StoreError> {
    rows::insert(
        connection,
        "payloads",
        &["institution_id", "seq", "salt", "payload"],
        payloads,
        |query, row| {
            query.bind(row.tenant.uuid()).bind(row.seq).bind(row.salt.as_slice()).bind(row.payload.as_slice())
        },
    )
    .await
}

/// The payload of one entry.
pub async fn get(
    connection: &mut Connection,
    tenant: Tenant,
    seq: i64,
) -> Result<Option<PayloadRow>, StoreError> {
    sqlx::query_as("SELECT seq, salt, payload FROM payloads WHERE institution_id = $1 AND seq = $2")
        .bind(tenant.uuid())
        .bind(seq)
        .fetch_optional(connection)
        .await
}

/// The payloads with `from <= seq < until`, at most `limit`, in order.
pub async fn range(
    connection: &mut Connection,
    tenant: Tenant,
    from: i64,
    until: i64,
    limit: i64,
) -> Result<Vec<PayloadRow>, StoreError> {
    sqlx::query_as(
        "SELECT seq, salt, payload FROM payloads WHERE institution_id = $1 AND seq >= $2 AND seq < $3 \
         ORDER BY seq LIMIT $4",
    )
    .bind(tenant.uuid())
    .bind(from)
    .bind(until)
    .bind(limit)
    .fetch_all(connection)
    .await
}
