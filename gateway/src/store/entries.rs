//! The entries of each log: exact bytes, written once.

use sqlx::{QueryBuilder, Sqlite};

use super::{Connection, StoreError, rows};
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

/// Inserts entries, in seq order.
pub async fn insert(connection: &mut Connection, entries: &[NewEntry]) -> Result<(), StoreError> {
    rows::insert(
        connection,
        "entries",
        &["institution_id", "seq", "kind", "at_us", "bytes"],
        entries,
        |query, row| {
            query
                .bind(row.tenant.uuid())
                .bind(row.seq)
                .bind(row.kind)
                .bind(row.at_us)
                .bind(row.bytes.as_slice())
        },
    )
    .await
}

/// The bytes of one entry.
pub async fn get(
    connection: &mut Connection,
    tenant: Tenant,
    seq: i64,
) -> Result<Option<Vec<u8>>, StoreError> {
    sqlx::query_scalar("SELECT bytes FROM entries WHERE institution_id = $1 AND seq = $2")
        .bind(tenant.uuid())
        .bind(seq)
        .fetch_optional(connection)
        .await
}

/// The entries with `from <= seq < until`, at most `limit`, in order.
pub async fn range(
    connection: &mut Connection,
    tenant: Tenant,
    from: i64,
    until: i64,
    limit: i64,
) -> Result<Vec<EntryRow>, StoreError> {
    sqlx::query_as(
        "SELECT seq, bytes FROM entries WHERE institution_id = $1 AND seq >= $2 AND seq < $3 \
         ORDER BY seq LIMIT $4",
    )
    .bind(tenant.uuid())
    .bind(from)
    .bind(until)
    .bind(limit)
    .fetch_all(connection)
    .await
}

/// The entries that a query selects, in order.
pub async fn list(
    connection: &mut Connection,
    tenant: Tenant,
    query: &EntryQuery,
) -> Result<Vec<EntryRow>, StoreError> {
    let mut sql = QueryBuilder::<Sqlite>::new("SELECT seq, bytes FROM entries WHERE institution_id = ");
    sql.push_bind(tenant.uuid());
    sql.push(" AND seq >= ").push_bind(query.from).push(" AND seq < ").push_bind(query.until);
    if let Some(kind) = &query.kind {
        sql.push(" AND kind = ").push_bind(kind.as_str());
    }
    if let Some(seqs) = &query.seqs {
        if seqs.is_empty() {
            return Ok(Vec::new());
        }
        sql.push(" AND seq IN (");
        let mut list = sql.separated(", ");
        for seq in seqs {
            list.push_bind(*seq);
        }
        sql.push(")");
    }
    sql.push(" ORDER BY seq LIMIT ").push_bind(query.limit);
    sql.build_query_as().fetch_all(connection).await
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
    sqlx::query_as(
        "SELECT seq, kind, at_us, bytes FROM entries WHERE institution_id = $1 AND seq >= $2 AND seq < $3 \
         ORDER BY seq",
    )
    .bind(tenant.uuid())
    .bind(from)
    .bind(until)
    .fetch_all(connection)
    .await
}

/// When an entry was made, in microseconds since the Unix epoch.
pub async fn at_us(connection: &mut Connection, tenant: Tenant, seq: i64) -> Result<Option<i64>, StoreError> {
    sqlx::query_scalar("SELECT at_us FROM entries WHERE institution_id = $1 AND seq = $2")
        .bind(tenant.uuid())
        .bind(seq)
        .fetch_optional(connection)
        .await
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
