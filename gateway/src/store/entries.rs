//! The entries of each log: exact bytes, written once.

use std::collections::{BTreeSet, HashMap};

use sqlx::AssertSqlSafe;

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

/// In which order entries are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The oldest one first: the ledger's own order.
    #[default]
    Oldest,
    /// The newest one first.
    Newest,
}

impl Order {
    const fn by(self) -> &'static str {
        match self {
            Self::Oldest => " ORDER BY seq LIMIT ",
            Self::Newest => " ORDER BY seq DESC LIMIT ",
        }
    }
}

/// The entries that a query selects, in order.
pub async fn list(
    connection: &mut Connection,
    tenant: Tenant,
    query: &EntryQuery,
) -> Result<Vec<EntryRow>, StoreError> {
    sorted(connection, tenant, query, Order::Oldest).await
}

/// The entries that a query selects, in the order that is asked for.
pub async fn sorted(
    connection: &mut Connection,
    tenant: Tenant,
    query: &EntryQuery,
    order: Order,
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
    sql.push(order.by()).bind(query.limit);
    sql.fetch_all(connection).await
}

/// What an entry that somebody caused begins with: it has one spelling (FORMAT.md, 2).
#[must_use]
pub fn beginning(actor: &str) -> Vec<u8> {
    format!("{{\"actor\":\"{actor}\",").into_bytes()
}

/// The entries of a range that somebody caused, of one kind if that is named, at most `limit`, in order. No
/// index leads to them: the range is what bounds the work.
pub async fn of_actor(
    connection: &mut Connection,
    tenant: Tenant,
    (from, until): (i64, i64),
    actor: &str,
    kind: Option<&str>,
    (order, limit): (Order, i64),
) -> Result<Vec<EntryRow>, StoreError> {
    let beginning = beginning(actor);
    let length = i32::try_from(beginning.len()).unwrap_or(i32::MAX);
    let sql = format!(
        "SELECT seq, bytes FROM entries WHERE institution_id = $1 AND seq >= $2 AND seq < $3 \
         AND ($4 = '' OR kind = $4) AND substr(bytes, 1, $5) = $6{}$7",
        order.by()
    );
    fetch_all!(
        connection,
        sqlx::query_as(AssertSqlSafe(sql.clone()))
            .bind(tenant.uuid())
            .bind(from)
            .bind(until)
            .bind(kind.unwrap_or_default())
            .bind(length)
            .bind(beginning.as_slice())
            .bind(limit)
    )
}

/// An entry whose payload lists looks or refusals.
#[derive(Debug)]
pub struct Listing {
    /// Index in the log.
    pub seq: i64,
    /// Its kind.
    pub kind: String,
    /// When, in microseconds since the Unix epoch.
    pub at_us: i64,
    /// Its payload.
    pub payload: Vec<u8>,
}

from_row!(Listing { seq, kind, at_us, payload });

/// The entries of some kinds with `from <= seq < until` and their payloads, at most `limit`, the newest first.
pub async fn listings(
    connection: &mut Connection,
    tenant: Tenant,
    (from, until): (i64, i64),
    kinds: &[&str],
    limit: i64,
) -> Result<Vec<Listing>, StoreError> {
    let mut sql = Select::new(
        "SELECT e.seq, e.kind, e.at_us, p.payload FROM entries e \
         JOIN payloads p ON p.institution_id = e.institution_id AND p.seq = e.seq \
         WHERE e.institution_id = ",
    );
    sql.bind(tenant.uuid()).push(" AND e.seq >= ").bind(from).push(" AND e.seq < ").bind(until);
    sql.and_in("e.kind", kinds.iter().copied());
    sql.push(" ORDER BY e.seq DESC LIMIT ").bind(limit);
    sql.fetch_all(connection).await
}

/// How many entries of a kind there are in a range.
#[derive(Debug)]
pub struct Count {
    /// The range's place among those that were asked for.
    pub place: i64,
    /// The kind.
    pub kind: String,
    /// How many.
    pub entries: i64,
}

from_row!(Count { place, kind, entries });

/// How many entries of each of some kinds there are in each of some ranges. It reads the index alone.
pub async fn counts(
    connection: &mut Connection,
    tenant: Tenant,
    ranges: &[(i64, i64)],
    kinds: &[&str],
) -> Result<Vec<Count>, StoreError> {
    if ranges.is_empty() || kinds.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Select::new("WITH ranges(place, low, high) AS (VALUES ");
    for (place, (low, high)) in (0_i64..).zip(ranges) {
        sql.push(if place == 0 { "(" } else { ", (" });
        sql.bind(place).push(", ").bind(*low).push(", ").bind(*high).push(")");
    }
    sql.push("), kinds(kind) AS (VALUES ");
    for (place, kind) in kinds.iter().enumerate() {
        sql.push(if place == 0 { "(" } else { ", (" }).bind(*kind).push(")");
    }
    sql.push(
        ") SELECT ranges.place, kinds.kind, CAST((SELECT count(*) FROM entries e \
         WHERE e.kind = kinds.kind AND e.seq >= ranges.low AND e.seq < ranges.high \
         AND e.institution_id = ",
    );
    sql.bind(tenant.uuid()).push(") AS BIGINT) AS entries FROM ranges CROSS JOIN kinds");
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

/// The same for several times, in their order: all of them are looked for together.
pub async fn seqs_at(
    connection: &mut Connection,
    tenant: Tenant,
    size: i64,
    times: &[i64],
) -> Result<Vec<i64>, StoreError> {
    let mut spans = vec![(0, size); times.len()];
    loop {
        let open = spans.iter().filter(|(low, high)| low < high);
        let middles: BTreeSet<i64> = open.map(|(low, high)| low + (high - low) / 2).collect();
        if middles.is_empty() {
            return Ok(spans.into_iter().map(|(low, _)| low).collect());
        }
        let mut sql = Select::new("SELECT seq, at_us FROM entries WHERE institution_id = ");
        sql.bind(tenant.uuid()).and_in("seq", middles);
        let moments: Vec<(i64, i64)> = sql.fetch_all(connection).await?;
        let found: HashMap<i64, i64> = moments.into_iter().collect();
        for ((low, high), time) in spans.iter_mut().zip(times) {
            if *low >= *high {
                continue;
            }
            let middle = *low + (*high - *low) / 2;
            match found.get(&middle) {
                Some(at) if at < time => *low = middle + 1,
                _ => *high = middle,
            }
        }
    }
}
