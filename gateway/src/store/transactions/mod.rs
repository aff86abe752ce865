//! Transactions: a row for each version, with what it is found by.

mod list;
mod versions;

use jiff::civil::Date;
use jiff_sqlx::Date as SqlDate;

pub(super) use self::versions::push_standing;
pub use self::{
    list::{After, Among, Comparison, Filter, Row, Sort, among, page},
    versions::{Change, LookedUp, changes, look_up, newest, seqs, successors, versions},
};
use super::{
    Connection, StoreError, references,
    rows::{Column, Table, Value},
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
