//! The entries of each log: exact bytes, written once.

use super::{
    Connection, StoreError,
    rows::{Column, Table, Value},
    select::Select,
};
use crate::domain::Tenant;

/// An entry to be stored.
#[derive(Debug)]
pub struct NewEntry {
    /// Whose log.
    pub tenant: Tenant,
    /// Index in the log, from 0.
    pub seq: i64,
    /// The entry's kind, as it stands in its bytes.
    pub kind: &'static str,
    /// When, in microseconds since the Unix epoch, as it stands in its bytes.
    pub at_us: i64,
    /// The leaf hash of the entry before, as it stands in its bytes.
    pub prev: [u8; 32],
    /// The canonical bytes.
    pub bytes: Vec<u8>,
}

/// A stored entry.
#[derive(Debug)]
pub struct EntryRow {
    /// Index in the log.
    pub seq: i64,
    /// The canonical bytes.
    pub bytes: Vec<u8>,
}

from_row!(EntryRow { seq, bytes });

/// Which entries to list, in ledger order.
#[derive(Clone, Debug, Default)]
pub struct EntryQuery {
    /// First seq that may be listed.
    pub from: i64,
    /// First seq that may not.
    pub until: i64,
    /// Only this kind.
    pub kind: Option<String>,
    /// Only these seqs (a subject's), when given.
    pub seqs: Option<Vec<i64>>,
    /// At most this many.
    pub limit: i64,
}

pub(super) const TABLE: Table = Table {
    name: "entries",
    columns: &[
        ("institution_id", Column::Uuid),
        ("seq", Column::Int),
        ("kind", Column::Text),
        ("at_us", Column::Int),
        ("bytes", Column::Bytes),
    ],
};

/// With what PostgreSQL itself refuses a fork by: a second entry on the same one. One process writes to a
/// file, under a lock on all of it, and needs no such guard.
pub(super) const CHAINED: Table = Table {
    name: "entries",
    columns: &[
        ("institution_id", Column::Uuid),
        ("seq", Column::Int),
        ("kind", Column::Text),
        ("at_us", Column::Int),
        ("bytes", Column::Bytes),
        ("prev", Column::Bytes),
    ],
};

/// What an entry has in the table's columns.
pub(super) fn values(row: &NewEntry) -> [Value<'_>; 5] {
    [
        Value::Uuid(row.tenant.uuid()),
        Value::Int(row.seq),
        Value::Text(row.kind),
        Value::Int(row.at_us),
        Value::Bytes(&row.bytes),
    ]
}

/// The same, chained.
pub(super) fn chained(row: &NewEntry) -> [Value<'_>; 6] {
    let [institution_id, seq, kind, at_us, bytes] = values(row);
    [institution_id, seq, kind, at_us, bytes, Value::Bytes(&row.prev)]
}

/// The bytes of one entry.
pub async fn get(
    connection: &mut Connection,
    tenant: Tenant,
    seq: i64,
) -> Result<Option<Vec<u8>>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_scalar("SELECT bytes FROM entries WHERE institution_id = $1 AND seq = $2")
            .bind(tenant.uuid())
            .bind(seq)
    )
}

/// The entries with `from <= seq < until`, at most `limit`, in order.
pub async fn range(
    connection: &mut Connection,
    tenant: Tenant,
    from: i64,
    until: i64,
    limit: i64,
) -> Result<Vec<EntryRow>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT seq, bytes FROM entries WHERE institution_id = $1 AND seq >= $2 AND seq < $3 \
         ORDER BY seq LIMIT $4",
        )
        .bind(tenant.uuid())
        .bind(from)
        .bind(until)
        .bind(limit)
    )
}

/// The entries that a query selects, in order.
pub async fn list(
    connection: &mut Connection,
    tenant: Tenant,
    query: &EntryQuery,
) -> Result<Vec<EntryRow>, StoreError> {
    let mut sql = Select::new("SELECT seq, bytes FROM entries WHERE institution_id = ");
    sql.bind(tenant.uuid());
    sql.push(" AND seq >= ").bind(query.from).push(" AND seq < ").bind(query.until);
    if let Some(kind) = &query.kind {
        sql.push(" AND kind = ").bind(kind.as_str());
    }
    if let Some(seqs) = &query.seqs {
        if seqs.is_empty() {
            return Ok(Vec::new());
        }
        sql.and_in("seq", seqs.iter().copied());
    }
    sql.push(" ORDER BY seq LIMIT ").bind(query.limit);
    sql.fetch_all(connection).await
}

/// An entry with the columns that it is found by.
#[derive(Debug)]
pub struct Stored {
    /// Index in the log.
    pub seq: i64,
    /// Its kind, as it is found by.
    pub kind: String,
    /// When, as it is found by.
    pub at_us: i64,
    /// The canonical bytes.
    pub bytes: Vec<u8>,
}

from_row!(Stored { seq, kind, at_us, bytes });

/// The entries with `from <= seq < until` and their columns, in order.
pub async fn stored(
    connection: &mut Connection,
    tenant: Tenant,
    from: i64,
    until: i64,
) -> Result<Vec<Stored>, StoreError> {
    fetch_all!(connection, sqlx::query_as(
        "SELECT seq, kind, at_us, bytes FROM entries WHERE institution_id = $1 AND seq >= $2 AND seq < $3 \
         ORDER BY seq",
    )
    .bind(tenant.uuid())
    .bind(from)
    .bind(until))
}

/// When an entry was made, in microseconds since the Unix epoch.
pub async fn at_us(connection: &mut Connection, tenant: Tenant, seq: i64) -> Result<Option<i64>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_scalar("SELECT at_us FROM entries WHERE institution_id = $1 AND seq = $2")
            .bind(tenant.uuid())
            .bind(seq)
    )
}

/// The first seq in `[0, size)` whose time is at or after `at_us`, or `size`.
///
/// Time never goes back along a log, so this is a binary search on the primary key and needs no
/// index of its own.
pub async fn seq_at(
    connection: &mut Connection,
    tenant: Tenant,
    size: i64,
    at: i64,
) -> Result<i64, StoreError> {
    let (mut low, mut high) = (0, size);
    while low < high {
        let middle = low + (high - low) / 2;
        match at_us(&mut *connection, tenant, middle).await? {
            Some(found) if found < at => low = middle + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}
