//! The Czech bank's log: `trans.asc` and `account.asc` of the PKDD'99 discovery challenge ("Berka"), told apart
//! by their headers.
//!
//! Transactions: `trans_id` is the reference, `account_id` the account, `date` is YYMMDD of the 20th century,
//! `type` the direction (`PRIJEM` came in; `VYDAJ` and `VYBER` went out), `operation` the bank transaction code,
//! `k_symbol` the purpose, `bank` and `account` the counterparty's. Everything is in CZK. A `k_symbol` of white
//! space and an `account` of 0 stand for none. A negative `balance` is a debit.
//!
//! Accounts: `account_id` is the reference and `date` the day of opening. `district_id` (the branch's district)
//! and `frequency` (of statements) are not read: an account of ours has no such field.

use std::borrow::Cow;
use std::io::BufRead;

use jiff::civil::Date;

use super::Item;
use super::draft::Draft;
use super::faults::{Faults, UnknownWord};
use super::lines::{Line, Lines};
use super::number::{Notation, NumberError};
use super::table::Dialect;
use crate::domain::date::{self, DateError};
use crate::domain::{
    Balance, Counterparty, Currency, Direction, Fault, Finding, Findings, NewAccount, NewTransaction, Text,
};

const DIALECT: Dialect = Dialect { delimiter: ';', quote: Some('"') };
const NOTATION: Notation = Notation { decimal: '.', thousands: None };

/// The header of `trans.asc`, without quotes.
pub(super) const TRANSACTIONS: &str =
    "trans_id;account_id;date;type;operation;amount;balance;k_symbol;bank;account";
/// The header of `account.asc`, without quotes.
pub(super) const ACCOUNTS: &str = "account_id;district_id;frequency;date";

/// Which of the two files it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Transactions,
    Accounts,
}

/// One of the two files, and the currency that it is in.
#[derive(Debug)]
pub(super) struct Table {
    kind: Kind,
    currency: Currency,
}

impl Table {
    /// Reads the header.
    pub(super) fn open<R: BufRead>(lines: &mut Lines<R>) -> Result<Self, Findings> {
        let Some(line) = lines.next_filled() else {
            return Err(Finding::on_line(1, "missing_header", "the delivery is empty").into());
        };
        let line = line?;
        let kind = match &*DIALECT.split(&line)?.join(";") {
            TRANSACTIONS => Kind::Transactions,
            ACCOUNTS => Kind::Accounts,
            _ => {
                let detail = format!(
                    "neither the header of trans.asc ({TRANSACTIONS}) nor that of account.asc ({ACCOUNTS})"
                );
                return Err(Finding::on_line(line.number, "unknown_header", detail).into());
            }
        };
        let currency = Currency::parse("CZK")
            .map_err(|error| Finding::on_line(line.number, error.code(), error.to_string()))?;
        Ok(Self { kind, currency })
    }

    pub(super) fn item(&self, line: &Line<'_>) -> Result<Item, Vec<Finding>> {
        match self.kind {
            Kind::Transactions => self.transaction(line).map(Item::Transaction),
            Kind::Accounts => self.account(line).map(Item::Account),
        }
    }

    fn transaction(&self, line: &Line<'_>) -> Result<NewTransaction, Vec<Finding>> {
        let mut row = Row::<10>::of(line)?;
        let [reference, account, day, kind, operation, amount, balance, k_symbol, agent, other] = row.cells();
        let faults = &mut row.faults;
        let draft = Draft {
            account: faults.keep("account_id", Text::new(account)),
            amount: faults.keep("amount", NOTATION.unsigned(&amount, self.currency)),
            balance_after: faults.keep("balance", self.balance(&balance)),
            bank_transaction_code: text(faults, "operation", &operation),
            booking_date: faults.keep("date", yymmdd(&day)),
            counterparty: Counterparty {
                account: if other == "0" { None } else { text(faults, "account", &other) },
                agent: text(faults, "bank", &agent),
                name: None,
            }
            .known(),
            direction: faults.keep("type", direction(&kind)),
            purpose: text(faults, "k_symbol", &k_symbol),
            reference: faults.keep("trans_id", Text::new(reference)),
            ..Draft::default()
        };
        draft.finish(row.faults, "balance")
    }

    fn account(&self, line: &Line<'_>) -> Result<NewAccount, Vec<Finding>> {
        let mut row = Row::<4>::of(line)?;
        let [reference, _district, _frequency, day] = row.cells();
        let reference = row.faults.keep("account_id", Text::new(reference));
        let opened_on = row.faults.keep("date", yymmdd(&day));
        match reference {
            Some(reference) if row.faults.is_empty() => {
                Ok(NewAccount { currency: self.currency, name: None, opened_on, reference, servicer: None })
            }
            _ => Err(row.faults.into_findings()),
        }
    }

    fn balance(&self, text: &str) -> Result<Balance, NumberError> {
        let (money, direction) = NOTATION.signed(text, self.currency)?;
        Ok(Balance { money, direction: if money.minor() == 0 { Direction::Credit } else { direction } })
    }
}

/// A line of `N` fields, being read.
struct Row<'a, const N: usize> {
    fields: Vec<Cow<'a, str>>,
    faults: Faults,
}

impl<'a, const N: usize> Row<'a, N> {
    fn of(line: &Line<'a>) -> Result<Self, Vec<Finding>> {
        let fields = DIALECT.split_into(line, N).map_err(|finding| vec![finding])?;
        Ok(Self { fields, faults: Faults::on(line.number) })
    }

    /// The fields, given away.
    fn cells(&mut self) -> [Cow<'a, str>; N] {
        let mut fields = std::mem::take(&mut self.fields).into_iter();
        std::array::from_fn(|_| fields.next().unwrap_or_default())
    }
}

/// The text of a cell, unless it is blank.
fn text<const MAX: usize>(faults: &mut Faults, column: &str, cell: &str) -> Option<Text<MAX>> {
    if cell.trim().is_empty() { None } else { faults.keep(column, Text::new(cell)) }
}

fn direction(word: &str) -> Result<Direction, UnknownWord> {
    match word {
        "PRIJEM" => Ok(Direction::Credit),
        "VYDAJ" | "VYBER" => Ok(Direction::Debit),
        _ => Err(UnknownWord::new(word, ["PRIJEM", "VYDAJ", "VYBER"])),
    }
}

/// A date written YYMMDD, of the 20th century.
fn yymmdd(text: &str) -> Result<Date, DateError> {
    if text.len() != 6 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DateError::Malformed);
    }
    let number: i32 = text.parse().map_err(|_| DateError::Malformed)?;
    let part = |divisor: i32| i16::try_from(number / divisor % 100).map_err(|_| DateError::Malformed);
    date::of(1900 + part(10_000)?, part(100)?, part(1)?)
}

#[cfg(test)]
#[path = "berka_tests.rs"]
mod tests;
