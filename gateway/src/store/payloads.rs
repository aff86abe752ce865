//! Payloads and their salts: what the entries' commitments commit to.

use super::{
    Connection, StoreError,
    rows::{Column, Table, Value},
};
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

pub(super) const TABLE: Table = Table {
    name: "payloads",
    columns: &[
        ("institution_id", Column::Uuid),
        ("seq", Column::Int),
        ("salt", Column::Bytes),
        ("payload", Column::Bytes),
    ],
};

/// What a payload has in the table's columns.
pub(super) fn values(row: &NewPayload) -> [Value<'_>; 4] {
    [Value::Uuid(row.tenant.uuid()), Value::Int(row.seq), Value::Bytes(&row.salt), Value::Bytes(&row.payload)]
}

/// The payload of one entry.
pub async fn get(
    connection: &mut Connection,
    tenant: Tenant,
    seq: i64,
) -> Result<Option<PayloadRow>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_as("SELECT seq, salt, payload FROM payloads WHERE institution_id = $1 AND seq = $2")
            .bind(tenant.uuid())
            .bind(seq)
    )
}

/// The payloads with `from <= seq < until`, at most `limit`, in order.
pub async fn range(
    connection: &mut Connection,
    tenant: Tenant,
    from: i64,
    until: i64,
    limit: i64,
) -> Result<Vec<PayloadRow>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT seq, salt, payload FROM payloads WHERE institution_id = $1 AND seq >= $2 AND seq < $3 \
         ORDER BY seq LIMIT $4",
        )
        .bind(tenant.uuid())
        .bind(from)
        .bind(until)
        .bind(limit)
    )
}

/// The payloads of the entries of a kind with `after < seq < until`, at most `limit`, in order.
pub async fn of_kind(
    connection: &mut Connection,
    tenant: Tenant,
    kind: &str,
    (after, until): (i64, i64),
    limit: i64,
) -> Result<Vec<PayloadRow>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT p.seq, p.salt, p.payload FROM entries e \
             JOIN payloads p ON p.institution_id = e.institution_id AND p.seq = e.seq \
             WHERE e.institution_id = $1 AND e.kind = $2 AND e.seq > $3 AND e.seq < $4 \
             ORDER BY e.seq LIMIT $5",
        )
        .bind(tenant.uuid())
        .bind(kind)
        .bind(after)
        .bind(until)
        .bind(limit)
    )
}
