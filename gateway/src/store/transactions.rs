//! Transactions: found by id, by reference, and in pages by a key that has an index.

use jiff::civil::Date;
use jiff_sqlx::Date as SqlDate;

use super::{
    Connection, StoreError, references,
    rows::{Column, Table, Value},
    select::Select,
};
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
    /// Whose transaction.
    pub institution_id: uuid::Uuid,
    /// The reference.
    pub reference: String,
    /// The transaction's id.
    pub id: uuid::Uuid,
    /// The entry that recorded it.
    pub seq: i64,
    /// The record's canonical JSON.
    pub payload: Vec<u8>,
}

from_row!(Named { institution_id, reference, id, seq, payload });

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

pub(super) const TABLE: Table = Table {
    name: "transactions",
    columns: &[
        ("institution_id", Column::Uuid),
        ("seq", Column::Int),
        ("id", Column::Uuid),
        ("account_id", Column::Uuid),
        ("reference", Column::Text),
        ("booking_date", Column::Date),
        ("amount_minor", Column::Int),
        ("currency", Column::Text),
        ("direction", Column::Text),
        ("status", Column::Text),
    ],
};

/// What a transaction has in the table's columns.
pub(super) fn values(row: &NewRow) -> [Value<'_>; 10] {
    [
        Value::Uuid(row.tenant.uuid()),
        Value::Int(row.seq),
        Value::Uuid(row.id.uuid()),
        Value::Uuid(row.account_id.uuid()),
        Value::Text(&row.reference),
        Value::Date(row.booking_date),
        Value::Int(row.amount_minor),
        Value::Text(row.currency),
        Value::Text(row.direction),
        Value::Text(row.status),
    ]
}

/// The transactions that have one of these references, each in its institution.
pub async fn by_reference(
    connection: &mut Connection,
    wanted: &[(Tenant, &str)],
) -> Result<Vec<Named>, StoreError> {
    references::find(
        connection,
        wanted,
        "SELECT t.institution_id, t.reference, t.id, t.seq, p.payload FROM transactions t \
         JOIN payloads p ON p.institution_id = t.institution_id AND p.seq = t.seq",
        "t",
    )
    .await
}

/// The seq of a transaction's entry.
pub async fn seq(
    connection: &mut Connection,
    tenant: Tenant,
    id: TransactionId,
) -> Result<Option<i64>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_scalar("SELECT seq FROM transactions WHERE institution_id = $1 AND id = $2")
            .bind(tenant.uuid())
            .bind(id.uuid())
    )
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
    let mut sql = Select::new(
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
    sql.bind(tenant.uuid()).push(bound).bind(snapshot);
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
    sql.push(" LIMIT ").bind(limit);
    sql.fetch_all(connection).await
}

fn push_filter(sql: &mut Select, filter: &Filter) {
    if let Some(id) = filter.account_id {
        sql.push(" AND t.account_id = ").bind(id.uuid());
    }
    for (comparison, date) in &filter.booking_date {
        sql.push(" AND t.booking_date").push(comparison.sql()).bind(*date);
    }
    for (comparison, minor) in &filter.amount_minor {
        sql.push(" AND t.amount_minor").push(comparison.sql()).bind(*minor);
    }
    if let Some(direction) = filter.direction {
        sql.push(" AND t.direction = ").bind(direction);
    }
    sql.and_in("t.currency", filter.currency.iter().map(String::as_str));
    sql.and_in("t.status", filter.status.iter().copied());
    sql.and_in("t.reference", filter.reference.iter().map(String::as_str));
}

fn push_after(sql: &mut Select, sort: Sort, after: After) {
    match sort {
        Sort::Booked | Sort::BookedDescending => {
            sql.push(" AND (t.booking_date, t.seq) ");
            sql.push(if sort == Sort::Booked { "> (" } else { "< (" });
            sql.bind(after.booking_date).push(", ").bind(after.seq).push(")");
        }
        Sort::Seq => {
            sql.push(" AND t.seq > ").bind(after.seq);
        }
        Sort::SeqDescending => {
            sql.push(" AND t.seq < ").bind(after.seq);
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
    fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT seq, id, account_id, reference, booking_date, amount_minor, currency, direction, status \
         FROM transactions WHERE institution_id = $1 AND seq >= $2 AND seq < $3",
        )
        .bind(tenant.uuid())
        .bind(from)
        .bind(until)
    )
}
