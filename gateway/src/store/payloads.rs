//! Payloads and their salts: what the entries' commitments commit to.

use sqlx::AssertSqlSafe;

use super::{
    Connection, StoreError,
    engine::Link,
    rows::{Column, Table, Value},
    select::Select,
};
use crate::domain::Tenant;

/// How much of a range may be read for each row that is wanted.
const DENSE: i64 = 4;

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

/// The payloads of these few entries with their salts, in order.
pub async fn salted(
    connection: &mut Connection,
    tenant: Tenant,
    seqs: &[i64],
) -> Result<Vec<PayloadRow>, StoreError> {
    if seqs.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Select::new("SELECT seq, salt, payload FROM payloads WHERE institution_id = ");
    sql.bind(tenant.uuid()).and_in("seq", seqs.iter().copied());
    sql.push(" ORDER BY seq");
    sql.fetch_all(connection).await
}

/// A payload without its salt.
#[derive(Debug)]
pub struct Plain {
    /// The entry's index.
    pub seq: i64,
    /// The canonical bytes.
    pub payload: Vec<u8>,
}

from_row!(Plain { seq, payload });

/// The payloads of these entries, which are in order.
pub async fn of(connection: &mut Connection, tenant: Tenant, seqs: &[i64]) -> Result<Vec<Plain>, StoreError> {
    const SELECT: &str = "SELECT seq, payload FROM payloads WHERE institution_id = $1 AND seq";
    let [Some(first), Some(last)] = [seqs.first(), seqs.last()] else { return Ok(Vec::new()) };
    // Where most of a range is wanted, the range is read.
    if last - first < DENSE * i64::try_from(seqs.len()).unwrap_or(i64::MAX) {
        let sql = format!("{SELECT} BETWEEN $2 AND $3 ORDER BY seq");
        let mut rows: Vec<Plain> = fetch_all!(
            connection,
            sqlx::query_as(AssertSqlSafe(sql.clone())).bind(tenant.uuid()).bind(first).bind(last)
        )?;
        rows.retain(|row| seqs.binary_search(&row.seq).is_ok());
        return Ok(rows);
    }
    match connection.link() {
        Link::Sqlite(link) => {
            let sql = format!("{SELECT} IN (SELECT value FROM json_each($2)) ORDER BY seq");
            let list = serde_json::to_string(seqs).map_err(|e| StoreError::Encode(e.into()))?;
            sqlx::query_as(AssertSqlSafe(sql)).bind(tenant.uuid()).bind(list).fetch_all(link).await
        }
        Link::Postgres(link) => {
            let sql = format!("{SELECT} = ANY($2) ORDER BY seq");
            sqlx::query_as(AssertSqlSafe(sql)).bind(tenant.uuid()).bind(seqs).fetch_all(link).await
        }
    }
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
