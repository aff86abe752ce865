//! A transaction as far as it could be read.

use jiff::civil::Date;

use super::faults::{Faults, UnknownWord};
use crate::domain::{
    Balance, Counterparty, Direction, Fault, Finding, Money, NewRevision, NewTransaction, RevisionKind,
    Status, Text,
};

/// A [`NewTransaction`] whose required fields may still be lacking. A reader fills in what it can, notes every
/// fault on the way, and finishes.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) account: Option<Text<64>>,
    pub(super) amount: Option<Money>,
    pub(super) balance_after: Option<Balance>,
    pub(super) bank_transaction_code: Option<Text<35>>,
    pub(super) booking_date: Option<Date>,
    pub(super) counterparty: Option<Counterparty>,
    pub(super) direction: Option<Direction>,
    pub(super) end_to_end_id: Option<Text<35>>,
    pub(super) purpose: Option<Text<35>>,
    pub(super) reference: Option<Text<64>>,
    pub(super) remittance_information: Option<Text<1000>>,
    pub(super) revision: Option<NewRevision>,
    pub(super) status: Option<Status>,
    pub(super) value_date: Option<Date>,
}

impl Draft {
    /// The transaction, if no fault was noted and its fields agree; `balance` is the pointer of its balance.
    pub(super) fn finish(self, mut faults: Faults, balance: &str) -> Result<NewTransaction, Vec<Finding>> {
        if !faults.is_empty() {
            return Err(faults.into_findings());
        }
        let required = (self.account, self.amount, self.booking_date, self.direction, self.reference);
        let (Some(account), Some(amount), Some(booking_date), Some(direction), Some(reference)) = required
        else {
            // A reader names the field itself; a record is never dropped in silence if one should not.
            faults.missing("");
            return Err(faults.into_findings());
        };
        let new = NewTransaction {
            account,
            amount,
            balance_after: self.balance_after,
            bank_transaction_code: self.bank_transaction_code,
            booking_date,
            counterparty: self.counterparty,
            direction,
            end_to_end_id: self.end_to_end_id,
            purpose: self.purpose,
            reference,
            remittance_information: self.remittance_information,
            revision: self.revision,
            source: None,
            status: self.status.unwrap_or_default(),
            value_date: self.value_date,
        };
        if let Err(error) = new.check() {
            faults.at(balance, error.code(), error.to_string());
            return Err(faults.into_findings());
        }
        Ok(new)
    }
}

/// The direction with this word.
pub(super) fn direction(word: &str) -> Result<Direction, UnknownWord> {
    Direction::parse(word).ok_or_else(|| UnknownWord::new(word, Direction::ALL.map(Direction::as_str)))
}

/// The status with this word.
pub(super) fn status(word: &str) -> Result<Status, UnknownWord> {
    Status::parse(word).ok_or_else(|| UnknownWord::new(word, Status::ALL.map(Status::as_str)))
}

/// The kind of revision with this word.
pub(super) fn revision_kind(word: &str) -> Result<RevisionKind, UnknownWord> {
    RevisionKind::parse(word)
        .ok_or_else(|| UnknownWord::new(word, RevisionKind::ALL.map(RevisionKind::as_str)))
}
