//! Records as rows of a table: for each thing that can be exported, its columns, and how each is read out
//! of a record. CSV, Parquet and XLSX share them.

use std::io;

use veritrail_audit::leaf_hash;

use super::{
    order::Of,
    record::{Amount, Entry, Look, Looks, Str, Transaction},
};

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name, in snake_case.
    pub name: &'static str,
    /// What is in it.
    pub kind: Kind,
}

/// What is in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Whole,
    /// An exact decimal, of 22 digits at most, 4 of them behind the point.
    Decimal,
    /// A day.
    Date,
    /// An instant, to the microsecond.
    Time,
}

/// A cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Nothing.
    Empty,
    /// Text.
    Text(&'a str),
    /// A whole number.
    Whole(i64),
    /// An exact decimal: whether it is below nought, and its digits with at most one point.
    Decimal(bool, &'a str),
    /// A day: `2026-03-31`.
    Date(&'a str),
    /// An instant: RFC 3339, UTC, microseconds.
    Time(&'a str),
}

/// A table: its columns, and the function that reads a row's cells out of a record.
macro_rules! table {
    ($columns:ident, $cells:ident($($param:ident: $type:ty),*) { $($name:literal $kind:ident = $read:expr;)* }) => {
        const $columns: &[Column] = &[$(Column { name: $name, kind: Kind::$kind }),*];

        fn $cells<'r>($($param: $type),*) -> [Cell<'r>; $columns.len()] {
            [$($read),*]
        }
    };
}

table!(TRANSACTIONS, transaction(seq: i64, row: &'r Transaction<'r>) {
    "seq" Whole = Cell::Whole(seq);
    "id" Text = text(&row.id);
    "account_id" Text = text(&row.account_id);
    "account" Text = text(&row.account);
    "reference" Text = text(&row.reference);
    "status" Text = text(&row.status);
    "booking_date" Date = Cell::Date(row.booking_date.get());
    "value_date" Date = row.value_date.as_ref().map_or(Cell::Empty, |date| Cell::Date(date.get()));
    "direction" Text = text(&row.direction);
    "amount" Decimal = Cell::Decimal(false, row.amount.amount.get());
    "currency" Text = text(&row.amount.currency);
    // Below nought where the account is overdrawn.
    "balance_after" Decimal = row.balance_after.as_ref().map_or(Cell::Empty, balance);
    "counterparty_name" Text = row.counterparty.as_ref().map_or(Cell::Empty, |other| maybe(&other.name));
    "counterparty_account" Text = row.counterparty.as_ref().map_or(Cell::Empty, |other| maybe(&other.account));
    "counterparty_agent" Text = row.counterparty.as_ref().map_or(Cell::Empty, |other| maybe(&other.agent));
    "end_to_end_id" Text = maybe(&row.end_to_end_id);
    "purpose" Text = maybe(&row.purpose);
    "bank_transaction_code" Text = maybe(&row.bank_transaction_code);
    "remittance_information" Text = maybe(&row.remittance_information);
});

table!(ENTRIES, entry(seq: i64, row: &'r Entry<'r>, hash: &'r str) {
    "seq" Whole = Cell::Whole(seq);
    "at" Time = Cell::Time(row.at.get());
    "kind" Text = text(&row.kind);
    "actor" Text = text(&row.actor);
    "request" Text = maybe(&row.request);
    "subject_kind" Text = row.subject.as_ref().map_or(Cell::Empty, |subject| text(&subject.kind));
    "subject_id" Text = row.subject.as_ref().map_or(Cell::Empty, |subject| text(&subject.id));
    "commitment" Text = text(&row.commitment);
    "prev" Text = text(&row.prev);
    "leaf_hash" Text = Cell::Text(hash);
});

table!(ACCESSES, look(seq: i64, row: &'r Look<'r>) {
    "seq" Whole = Cell::Whole(seq);
    "at" Time = Cell::Time(row.at.get());
    "actor" Text = text(&row.actor);
    "method" Text = text(&row.method);
    "path" Text = text(&row.path);
    "status" Whole = Cell::Whole(row.status.into());
    "digest" Text = text(&row.digest);
    "request" Text = text(&row.request);
});

table!(LINEAGE_EVENTS, event(seq: i64, text: &'r str) {
    "seq" Whole = Cell::Whole(seq);
    "event" Text = Cell::Text(text);
});

/// The columns of what can be exported.
#[must_use]
pub fn columns(of: Of) -> &'static [Column] {
    match of {
        Of::Transactions => TRANSACTIONS,
        Of::Entries => ENTRIES,
        Of::Accesses => ACCESSES,
        Of::LineageEvents => LINEAGE_EVENTS,
    }
}

/// Reads a stored record's rows: one, or for an `access` entry one for each look.
///
/// # Errors
/// When the record can't be read, or a row not be taken.
pub fn rows(
    of: Of,
    seq: i64,
    record: &[u8],
    mut take: impl FnMut(&[Cell<'_>]) -> io::Result<()>,
) -> io::Result<()> {
    match of {
        Of::Transactions => take(&transaction(seq, &serde_json::from_slice(record)?)),
        Of::Entries => {
            let hash = leaf_hash(record).to_string();
            take(&entry(seq, &serde_json::from_slice(record)?, &hash))
        }
        Of::Accesses => {
            let looks: Looks<'_> = serde_json::from_slice(record)?;
            looks.accesses.iter().try_for_each(|one| take(&look(seq, one)))
        }
        Of::LineageEvents => take(&event(seq, std::str::from_utf8(record).map_err(io::Error::other)?)),
    }
}

fn text<'r>(text: &'r Str<'_>) -> Cell<'r> {
    Cell::Text(text.get())
}

fn maybe<'r>(text: &'r Option<Str<'_>>) -> Cell<'r> {
    text.as_ref().map_or(Cell::Empty, |text| Cell::Text(text.get()))
}

fn balance<'r>(balance: &'r Amount<'_>) -> Cell<'r> {
    let digits = balance.amount.get();
    let is_debit = balance.direction.as_ref().is_some_and(|direction| direction.get() == "debit");
    Cell::Decimal(is_debit && digits.bytes().any(|digit| (b'1'..=b'9').contains(&digit)), digits)
}
