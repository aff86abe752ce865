//! Transactions in pages, by a key that has an index, as they stood at a seq.

use jiff::civil::Date;
use jiff_sqlx::Date as SqlDate;

use super::{
    super::{Connection, StoreError, select::Select},
    versions::{push_standing, superseded},
};
use crate::domain::{
    Tenant,
    id::{AccountId, TransactionId},
};

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

/// Listed transactions of an institution, which is to be bound.
const ROWS: &str = "SELECT t.seq, t.booking_date, p.payload FROM transactions t \
                    JOIN payloads p ON p.institution_id = t.institution_id AND p.seq = t.seq \
                    WHERE t.institution_id = ";

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
    let mut sql = Select::new(ROWS);
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

/// Transactions among a range of entries.
#[derive(Debug)]
pub struct Among {
    /// The entries that recorded them, in ledger order.
    pub seqs: Vec<i64>,
    /// The last entry that was looked at.
    pub last: i64,
}

/// The transactions among a range of entries as they stood at seq `snapshot`, `limit` of them at most.
///
/// A server reads each range by its keys, however long the log is. Joined, these ranges are one look-up a
/// row to it, since it takes them for small: three statements take a fifth of the time.
pub async fn among(
    connection: &mut Connection,
    tenant: Tenant,
    snapshot: i64,
    filter: &Filter,
    (after, last): (i64, i64),
    limit: i64,
) -> Result<Among, StoreError> {
    let mut sql = Select::new("SELECT t.seq FROM transactions t WHERE t.institution_id = ");
    sql.bind(tenant.uuid()).push(" AND t.seq > ").bind(after).push(" AND t.seq <= ").bind(last);
    sql.push(" AND t.reversed = 0");
    push_filter(&mut sql, filter);
    sql.push(" ORDER BY t.seq LIMIT ").bind(limit);
    let found: Vec<(i64,)> = sql.fetch_all(connection).await?;
    let mut seqs: Vec<i64> = found.into_iter().map(|(seq,)| seq).collect();
    let is_full = i64::try_from(seqs.len()).is_ok_and(|found| found >= limit);
    let last = seqs.last().copied().filter(|_| is_full).unwrap_or(last);
    let superseded = superseded(connection, tenant, snapshot, (after, last)).await?;
    seqs.retain(|seq| superseded.binary_search(seq).is_err());
    Ok(Among { seqs, last })
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

fn push_contains(sql: &mut Select, column: &str, part: Option<&str>) {
    if let Some(part) = part {
        sql.push(" AND ").push(column).contains(part);
    }
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
