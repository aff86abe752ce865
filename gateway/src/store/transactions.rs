//! Transactions: found by id, by reference, and in pages by a key that has an index.

use jiff::civil::Date;
use jiff_sqlx::{Date as SqlDate, ToSqlx as _};
use sqlx::{QueryBuilder, Sqlite};

use super::{Connection, StoreError, rows};
use crate::domain::{
    Tenant,
    id::{AccountId, TransactionId},
};

/// A transaction to be stored.
#[derive(Debug)]
pub struct NewRow {
    /// Whose transaction.
    pub tenant: Tenant,
    /// The entry that recorded it.
    pub seq: i64,
    /// Its id.
    pub id: TransactionId,
    /// Its account.
    pub account_id: AccountId,
    /// The servicer's own id, unique in the institution.
    pub reference: String,
    /// When it was booked.
    pub booking_date: Date,
    /// Unsigned amount in the currency's minor unit.
    pub amount_minor: i64,
    /// ISO 4217 alphabetic code.
    pub currency: &'static str,
    /// `credit` or `debit`.
    pub direction: &'static str,
    /// `booked`, `pending` or `information`.
    pub status: &'static str,
}

/// What a reference stands for.
#[derive(Debug)]
pub struct Named {
    /// The reference.
    pub reference: String,
    /// The transaction's id.
    pub id: uuid::Uuid,
    /// The entry that recorded it.
    pub seq: i64,
    /// The record's canonical JSON.
    pub payload: Vec<u8>,
}

from_row!(Named { reference, id, seq, payload });

/// A listed transaction.
#[derive(Debug)]
pub struct Row {
    /// The entry that recorded it.
    pub seq: i64,
    /// When it was booked.
    pub booking_date: SqlDate,
    /// The record's canonical JSON.
    pub payload: Vec<u8>,
}

from_row!(Row { seq, booking_date, payload });

/// The orders that an index serves; ledger order breaks ties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// By booking date, oldest first.
    #[default]
    Booked,
    /// By booking date, newest first.
    BookedDescending,
    /// As recorded.
    Seq,
    /// As recorded, newest first.
    SeqDescending,
}

/// A comparison in a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `>=`
    AtLeast,
    /// `>`
    Above,
    /// `<=`
    AtMost,
    /// `<`
    Below,
}

impl Comparison {
    fn sql(self) -> &'static str {
        match self {
            Self::Equal => " = ",
            Self::AtLeast => " >= ",
            Self::Above => " > ",
            Self::AtMost => " <= ",
            Self::Below => " < ",
        }
    }
}

/// What to keep.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// One account.
    pub account_id: Option<AccountId>,
    /// Bounds on the booking date.
    pub booking_date: Vec<(Comparison, Date)>,
    /// Bounds on the amount in minor units; a bound goes with `currency`.
    pub amount_minor: Vec<(Comparison, i64)>,
    /// ISO 4217 alphabetic codes.
    pub currency: Vec<String>,
    /// `credit` or `debit`.
    pub direction: Option<&'static str>,
    /// Statuses.
    pub status: Vec<&'static str>,
    /// The servicer's own ids.
    pub reference: Vec<String>,
}

/// Where the last page ended.
#[derive(Clone, Copy, Debug)]
pub struct After {
    /// The last row's booking date.
    pub booking_date: Date,
    /// The last row's seq.
    pub seq: i64,
}

/// Inserts transactions, in seq order.
pub async fn insert(connection: &mut Connection, transactions: &[NewRow]) -> Result<(), StoreError> {
    const COLUMNS: &[&str] = &[
        "institution_id",
        "seq",
        "id",
        "account_id",
        "reference",
        "booking_date",
        "amount_minor",
        "currency",
        "direction",
        "status",
    ];
    rows::insert(connection, "transactions", COLUMNS, transactions, |query, row| {
        query
            .bind(row.tenant.uuid())
            .bind(row.seq)
            .bind(row.id.uuid())
            .bind(row.account_id.uuid())
            .bind(row.reference.as_str())
            .bind(row.booking_date.to_sqlx())
            .bind(row.amount_minor)
            .bind(row.currency)
            .bind(row.direction)
            .bind(row.status)
    })
    .await
}

/// The transactions that have one of these references (a JSON array of strings).
pub async fn by_reference(
    connection: &mut Connection,
    tenant: Tenant,
    references: &str,
) -> Result<Vec<Named>, StoreError> {
    sqlx::query_as(
        "SELECT t.reference, t.id, t.seq, p.payload FROM transactions t \
         JOIN payloads p ON p.institution_id = t.institution_id AND p.seq = t.seq \
         WHERE t.institution_id = $1 AND t.reference IN (SELECT value FROM json_each($2))",
    )
    .bind(tenant.uuid())
    .bind(references)
    .fetch_all(connection)
    .await
}

/// The seq of a transaction's entry.
pub async fn seq(
    connection: &mut Connection,
    tenant: Tenant,
    id: TransactionId,
) -> Result<Option<i64>, StoreError> {
    sqlx::query_scalar("SELECT seq FROM transactions WHERE institution_id = $1 AND id = $2")
        .bind(tenant.uuid())
        .bind(id.uuid())
        .fetch_optional(connection)
        .await
}

/// A page of the transactions recorded up to seq `snapshot`, by keyset: no offset, no count.
pub async fn page(
    connection: &mut Connection,
    tenant: Tenant,
    snapshot: i64,
    filter: &Filter,
    sort: Sort,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    let mut sql = QueryBuilder::<Sqlite>::new(
        "SELECT t.seq, t.booking_date, p.payload FROM transactions t \
         JOIN payloads p ON p.institution_id = t.institution_id AND p.seq = t.seq \
         WHERE t.institution_id = ",
    );
    // By date, the date's index must lead: the plus keeps the planner from walking the log by seq and
    // sorting all of it for one page.
    let bound = match sort {
        Sort::Booked | Sort::BookedDescending => " AND +t.seq <= ",
        Sort::Seq | Sort::SeqDescending => " AND t.seq <= ",
    };
    sql.push_bind(tenant.uuid()).push(bound).push_bind(snapshot);
    push_filter(&mut sql, filter);
    if let Some(after) = after {
        push_after(&mut sql, sort, after);
    }
    sql.push(match sort {
        Sort::Booked => " ORDER BY t.booking_date, t.seq",
        Sort::BookedDescending => " ORDER BY t.booking_date DESC, t.seq DESC",
        Sort::Seq => " ORDER BY t.seq",
        Sort::SeqDescending => " ORDER BY t.seq DESC",
    });
    sql.push(" LIMIT ").push_bind(limit);
    sql.build_query_as().fetch_all(connection).await
}

fn push_filter(sql: &mut QueryBuilder<Sqlite>, filter: &Filter) {
    if let Some(id) = filter.account_id {
        sql.push(" AND t.account_id = ").push_bind(id.uuid());
    }
    for (comparison, date) in &filter.booking_date {
        sql.push(" AND t.booking_date").push(comparison.sql()).push_bind(date.to_sqlx());
    }
    for (comparison, minor) in &filter.amount_minor {
        sql.push(" AND t.amount_minor").push(comparison.sql()).push_bind(*minor);
    }
    if let Some(direction) = filter.direction {
        sql.push(" AND t.direction = ").push_bind(direction);
    }
    push_in(sql, "t.currency", filter.currency.iter().cloned());
    push_in(sql, "t.status", filter.status.iter().map(ToString::to_string));
    push_in(sql, "t.reference", filter.reference.iter().cloned());
}

fn push_in(sql: &mut QueryBuilder<Sqlite>, column: &str, values: impl ExactSizeIterator<Item = String>) {
    if values.len() == 0 {
        return;
    }
    sql.push(" AND ").push(column).push(" IN (");
    let mut list = sql.separated(", ");
    for value in values {
        list.push_bind(value);
    }
    sql.push(")");
}

fn push_after(sql: &mut QueryBuilder<Sqlite>, sort: Sort, after: After) {
    match sort {
        Sort::Booked | Sort::BookedDescending => {
            sql.push(" AND (t.booking_date, t.seq) ");
            sql.push(if sort == Sort::Booked { "> (" } else { "< (" });
            sql.push_bind(after.booking_date.to_sqlx()).push(", ").push_bind(after.seq).push(")");
        }
        Sort::Seq => {
            sql.push(" AND t.seq > ").push_bind(after.seq);
        }
        Sort::SeqDescending => {
            sql.push(" AND t.seq < ").push_bind(after.seq);
        }
    }
}

/// A row as it is stored, to be held against its payload.
#[derive(Debug)]
pub struct Stored {
    /// The entry that recorded it.
    pub seq: i64,
    /// Its id.
    pub id: uuid::Uuid,
    /// Its account.
    pub account_id: uuid::Uuid,
    /// The servicer's own id.
    pub reference: String,
    /// When it was booked.
    pub booking_date: SqlDate,
    /// Unsigned amount in the currency's minor unit.
    pub amount_minor: i64,
    /// ISO 4217 alphabetic code.
    pub currency: String,
    /// `credit` or `debit`.
    pub direction: String,
    /// `booked`, `pending` or `information`.
    pub status: String,
}

from_row!(Stored { seq, id, account_id, reference, booking_date, amount_minor, currency, direction, status });

/// The rows of the records `from <= seq < until`.
pub async fn stored(
    connection: &mut Connection,
    tenant: Tenant,
    from: i64,
    until: i64,
) -> Result<Vec<Stored>, StoreError> {
    sqlx::query_as(
        "SELECT seq, id, account_id, reference, booking_date, amount_minor, currency, direction, status \
         FROM transactions WHERE institution_id = $1 AND seq >= $2 AND seq < $3",
    )
    .bind(tenant.uuid())
    .bind(from)
    .bind(until)
    .fetch_all(connection)
    .await
}
