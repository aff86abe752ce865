//! Transactions: found by id, by reference, and in pages by a key that has an index.

use jiff::civil::Date;
use jiff_sqlx::Date as SqlDate;

use super::{
    Connection, StoreError, references,
    rows::{Column, Table, Value},
    select::Select,
};
use crate::domain::{
    Tenant, Transaction,
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
    /// The version's number, from 1.
    pub version: i64,
    /// The seq of the version before.
    pub supersedes: Option<i64>,
    /// Whether it withdraws the transaction.
    pub reversed: bool,
    /// What it is searched by.
    pub search: Search,
}

/// What transactions are searched by, beside the columns that each has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// The day from which it counts for interest.
    pub value_date: Option<Date>,
    /// The initiating party's reference.
    pub end_to_end_id: Option<String>,
    /// The account on the other side.
    pub counterparty_account: Option<String>,
    /// The name on the other side, in lower case.
    pub counterparty_name: Option<String>,
    /// What the parties wrote, in lower case.
    pub remittance_information: Option<String>,
}

impl Search {
    /// What a record is searched by.
    #[must_use]
    pub fn of(record: &Transaction) -> Self {
        let counterparty = record.counterparty.as_ref();
        Self {
            value_date: record.value_date,
            end_to_end_id: record.end_to_end_id.as_ref().map(ToString::to_string),
            counterparty_account: counterparty
                .and_then(|other| other.account.as_ref())
                .map(ToString::to_string),
            counterparty_name: counterparty
                .and_then(|other| other.name.as_ref())
                .map(|name| name.to_lowercase()),
            remittance_information: record.remittance_information.as_ref().map(|text| text.to_lowercase()),
        }
    }
}

/// A version that a reference stands for.
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
    /// The version's number.
    pub version: i64,
    /// 1 if it withdraws the transaction.
    pub reversed: i64,
    /// The record's canonical JSON.
    pub payload: Vec<u8>,
}

from_row!(Named { institution_id, reference, id, seq, version, reversed, payload });

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
    /// Ids.
    pub id: Vec<TransactionId>,
    /// Bounds on the value date.
    pub value_date: Vec<(Comparison, Date)>,
    /// The initiating party's reference.
    pub end_to_end_id: Option<String>,
    /// The account on the other side.
    pub counterparty_account: Option<String>,
    /// What the name on the other side contains, in lower case.
    pub counterparty_name: Option<String>,
    /// What the remittance information contains, in lower case.
    pub remittance_information: Option<String>,
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
        ("version", Column::Int),
        ("supersedes", Column::Int),
        ("reversed", Column::Int),
        ("value_date", Column::Date),
        ("end_to_end_id", Column::Text),
        ("counterparty_account", Column::Text),
        ("counterparty_name", Column::Text),
        ("remittance_information", Column::Text),
    ],
};

/// What a transaction has in the table's columns.
pub(super) fn values(row: &NewRow) -> [Value<'_>; 18] {
    let search = &row.search;
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
        Value::Int(row.version),
        row.supersedes.map_or(Value::Null, Value::Int),
        Value::Int(row.reversed.into()),
        search.value_date.map_or(Value::Null, Value::Date),
        Value::text(search.end_to_end_id.as_deref()),
        Value::text(search.counterparty_account.as_deref()),
        Value::text(search.counterparty_name.as_deref()),
        Value::text(search.remittance_information.as_deref()),
    ]
}

/// All versions of the transactions that have one of these references, each in its institution.
pub async fn by_reference(
    connection: &mut Connection,
    wanted: &[(Tenant, &str)],
) -> Result<Vec<Named>, StoreError> {
    references::find(
        connection,
        wanted,
        "SELECT t.institution_id, t.reference, t.id, t.seq, t.version, t.reversed, p.payload FROM transactions t \
         JOIN payloads p ON p.institution_id = t.institution_id AND p.seq = t.seq",
        "t",
    )
    .await
}

/// The seq of a transaction's newest version at seq `snapshot`.
pub async fn newest(
    connection: &mut Connection,
    tenant: Tenant,
    id: TransactionId,
    snapshot: i64,
) -> Result<Option<i64>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_scalar(
            "SELECT seq FROM transactions WHERE institution_id = $1 AND id = $2 AND seq <= $3 \
             ORDER BY version DESC LIMIT 1"
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
        .bind(snapshot)
    )
}

/// The entries that recorded a transaction's versions.
pub async fn seqs(
    connection: &mut Connection,
    tenant: Tenant,
    id: TransactionId,
) -> Result<Vec<i64>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_scalar(
            "SELECT seq FROM transactions WHERE institution_id = $1 AND id = $2 ORDER BY version"
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
    )
}

/// A transaction's versions with `after < seq <= snapshot`, in order.
pub async fn versions(
    connection: &mut Connection,
    tenant: Tenant,
    id: TransactionId,
    snapshot: i64,
    after: i64,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT t.seq, t.booking_date, p.payload FROM transactions t \
             JOIN payloads p ON p.institution_id = t.institution_id AND p.seq = t.seq \
             WHERE t.institution_id = $1 AND t.id = $2 AND t.seq <= $3 AND t.seq > $4 \
             ORDER BY t.version LIMIT $5"
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
        .bind(snapshot)
        .bind(after)
        .bind(limit)
    )
}

/// A transaction that was looked up.
#[derive(Debug)]
pub struct LookedUp {
    /// Its id.
    pub id: uuid::Uuid,
    /// The servicer's own id.
    pub reference: String,
    /// The newest version's canonical JSON.
    pub payload: Vec<u8>,
}

from_row!(LookedUp { id, reference, payload });

/// The newest versions, at seq `snapshot`, of the transactions with these ids or references, in ledger order.
pub async fn look_up(
    connection: &mut Connection,
    tenant: Tenant,
    snapshot: i64,
    ids: &[TransactionId],
    references: &[&str],
) -> Result<Vec<LookedUp>, StoreError> {
    let mut sql = Select::new(
        "SELECT t.id, t.reference, p.payload FROM transactions t \
         JOIN payloads p ON p.institution_id = t.institution_id AND p.seq = t.seq \
         WHERE t.institution_id = ",
    );
    sql.bind(tenant.uuid()).push(" AND t.seq <= ").bind(snapshot).push(" AND (1 = 0");
    sql.or_in("t.id", ids.iter().map(|id| id.uuid()));
    sql.or_in("t.reference", references.iter().copied());
    sql.push(")").push(NEWEST).bind(snapshot).push(") ORDER BY t.seq");
    sql.fetch_all(connection).await
}

/// A transaction that changed.
#[derive(Debug)]
pub struct Change {
    /// The newest version's entry.
    pub seq: i64,
    /// The first version's.
    pub first_seq: i64,
    /// The transaction's id.
    pub id: uuid::Uuid,
    /// 1 if the newest version withdraws it.
    pub reversed: i64,
    /// The newest version's canonical JSON.
    pub payload: Vec<u8>,
}

from_row!(Change { seq, first_seq, id, reversed, payload });

/// The transactions of which a version was recorded after one seq and up to another, each by the version
/// that was its newest then, in ledger order.
pub async fn changes(
    connection: &mut Connection,
    tenant: Tenant,
    account_id: Option<AccountId>,
    (after, to): (i64, i64),
    limit: i64,
) -> Result<Vec<Change>, StoreError> {
    let mut sql = Select::new(
        "SELECT t.seq, f.seq AS first_seq, t.id, t.reversed, p.payload FROM transactions t \
         JOIN transactions f ON f.institution_id = t.institution_id AND f.id = t.id AND f.version = 1 \
         JOIN payloads p ON p.institution_id = t.institution_id AND p.seq = t.seq \
         WHERE t.institution_id = ",
    );
    sql.bind(tenant.uuid()).push(" AND t.seq > ").bind(after).push(" AND t.seq <= ").bind(to);
    if let Some(id) = account_id {
        sql.push(" AND t.account_id = ").bind(id.uuid());
    }
    sql.push(NEWEST).bind(to).push(") ORDER BY t.seq LIMIT ").bind(limit);
    sql.fetch_all(connection).await
}

/// A page of the transactions as they stood at seq `snapshot`, by keyset: no offset, no count. What was
/// superseded or withdrawn by then is not among them.
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
    push_standing(&mut sql, snapshot);
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

/// Only versions that were the newest at a seq, which is to be bound, and a bracket closed.
const NEWEST: &str = " AND NOT EXISTS (SELECT 1 FROM transactions n \
                      WHERE n.institution_id = t.institution_id AND n.supersedes = t.seq AND n.seq <= ";

/// Only versions that stood at a seq: of each transaction the newest, unless it withdraws it.
pub(super) fn push_standing(sql: &mut Select, snapshot: i64) {
    sql.push(" AND t.reversed = 0").push(NEWEST).bind(snapshot).push(")");
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
    sql.and_in("t.id", filter.id.iter().map(|id| id.uuid()));
    for (comparison, date) in &filter.value_date {
        sql.push(" AND t.value_date").push(comparison.sql()).bind(*date);
    }
    if let Some(id) = &filter.end_to_end_id {
        sql.push(" AND t.end_to_end_id = ").bind(id.as_str());
    }
    if let Some(account) = &filter.counterparty_account {
        sql.push(" AND t.counterparty_account = ").bind(account.as_str());
    }
    push_contains(sql, "t.counterparty_name", filter.counterparty_name.as_deref());
    push_contains(sql, "t.remittance_information", filter.remittance_information.as_deref());
}

/// ` AND column LIKE %part%`, with what LIKE takes for a pattern written plainly.
fn push_contains(sql: &mut Select, column: &str, part: Option<&str>) {
    let Some(part) = part else { return };
    let plain = part.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    sql.push(" AND ").push(column).push(" LIKE ").bind(format!("%{plain}%")).push(" ESCAPE '\\'");
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
    /// The version's number.
    pub version: i64,
    /// The seq of the version before.
    pub supersedes: Option<i64>,
    /// 1 if it withdraws the transaction.
    pub reversed: i64,
    /// The day from which it counts for interest.
    pub value_date: Option<SqlDate>,
    /// The initiating party's reference.
    pub end_to_end_id: Option<String>,
    /// The account on the other side.
    pub counterparty_account: Option<String>,
    /// The name on the other side, in lower case.
    pub counterparty_name: Option<String>,
    /// What the parties wrote, in lower case.
    pub remittance_information: Option<String>,
}

from_row!(Stored {
    seq,
    id,
    account_id,
    reference,
    booking_date,
    amount_minor,
    currency,
    direction,
    status,
    version,
    supersedes,
    reversed,
    value_date,
    end_to_end_id,
    counterparty_account,
    counterparty_name,
    remittance_information
});

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
            "SELECT seq, id, account_id, reference, booking_date, amount_minor, currency, direction, status, \
         version, supersedes, reversed, value_date, end_to_end_id, counterparty_account, counterparty_name, \
         remittance_information \
         FROM transactions WHERE institution_id = $1 AND seq >= $2 AND seq < $3",
        )
        .bind(tenant.uuid())
        .bind(from)
        .bind(until)
    )
}
