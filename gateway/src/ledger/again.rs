//! A delivery of what is on record already: the same again, a revision of it, or another under its name.

use crate::{
    domain::{
        finding::Finding,
        id::{AccountId, TransactionId},
        transaction::{NewTransaction, Transaction, Version},
    },
    store::transactions::Named,
};

/// A transaction that is in the log, or earlier in a batch.
#[derive(Debug)]
pub struct Existing {
    pub(super) id: TransactionId,
    /// Its versions: at least one, and in order.
    pub(super) versions: Vec<Known>,
}

/// A version of it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) version: Version,
    pub(super) is_reversal: bool,
    pub(super) payload: Vec<u8>,
}

impl Existing {
    /// A transaction none of whose versions is known yet.
    #[must_use]
    pub fn new(id: TransactionId) -> Self {
        Self { id, versions: Vec::new() }
    }

    /// Learns a version from its row; rows come in the order of their versions.
    pub fn learn(&mut self, row: Named) {
        self.versions.push(Known {
            version: Version { seq: row.seq.unsigned_abs(), number: row.version.unsigned_abs() },
            is_reversal: row.reversed != 0,
            payload: row.payload,
        });
    }

    pub(super) fn last(&self) -> Option<&Known> {
        self.versions.last()
    }

    /// What a line says of it, whose account has this id and currency: it again, with the seq that it has; or,
    /// without a seq, a revision of it.
    ///
    /// # Errors
    /// When it is neither.
    pub fn judge(
        &self,
        account: Option<(AccountId, &str)>,
        line: u64,
        new: &NewTransaction,
    ) -> Result<Option<u64>, Finding> {
        let conflict = || conflict(line, "transaction", &new.reference);
        let (Some(last), Some((account, currency))) = (self.last(), account) else {
            return Err(match new.revision {
                Some(_) => other_account(line, new),
                None => conflict(),
            });
        };
        // A line without a revision is the first version; one with a revision may be the last one again.
        let (again, before) = match new.revision {
            None => (&self.versions[0], None),
            Some(_) => (last, self.versions.iter().rev().nth(1).map(|known| known.version)),
        };
        if (new.revision.is_none() || before.is_some())
            && is_same(Transaction::new(self.id, account, new.clone(), before), &again.payload)
        {
            return Ok(Some(again.version.seq));
        }
        if new.revision.is_none() {
            return Err(conflict());
        }
        if last.is_reversal {
            let detail = format!("transaction {:?} was reversed, and stays so", &*new.reference);
            return Err(Finding::at(line, "/revision", "already_reversed", detail));
        }
        if currency != new.amount.currency().code() {
            return Err(other_currency(line, &new.account, currency));
        }
        let on_record: Transaction = serde_json::from_slice(&last.payload).map_err(|_| conflict())?;
        if on_record.account_id != account {
            return Err(other_account(line, new));
        }
        Ok(None)
    }
}

/// Whether two deliveries say the same, wherever in a file they stand.
pub(super) fn same_content(one: &NewTransaction, other: &NewTransaction) -> bool {
    let without_source = |new: &NewTransaction| NewTransaction { source: None, ..new.clone() };
    one == other || without_source(one) == without_source(other)
}

/// Whether a record says what is stored: what two files say alike is one record, and keeps the source that it
/// had first.
fn is_same(again: Transaction, stored: &[u8]) -> bool {
    again.payload() == stored
        || serde_json::from_slice::<Transaction>(stored).is_ok_and(|stored| {
            stored.source != again.source && stored == Transaction { source: stored.source.clone(), ..again }
        })
}

pub(super) fn conflict(line: u64, kind: &str, reference: &str) -> Finding {
    let detail = format!("{kind} {reference:?} is recorded with other content");
    Finding::at(line, "/reference", "reference_conflict", detail)
}

/// A transaction in another currency than its account's.
#[must_use]
pub fn other_currency(line: u64, reference: &str, currency: &str) -> Finding {
    let detail = format!("account {reference:?} is kept in {currency}");
    Finding::at(line, "/amount/currency", "currency_mismatch", detail)
}

/// A revision of what is not there.
#[must_use]
pub fn nothing_to_revise(line: u64, new: &NewTransaction) -> Finding {
    let detail = format!("there is no transaction {:?} to revise", &*new.reference);
    Finding::at(line, "/revision", "nothing_to_revise", detail)
}

fn other_account(line: u64, new: &NewTransaction) -> Finding {
    let detail = format!(
        "transaction {:?} is on another account: reverse it there and deliver it here under a reference of its own",
        &*new.reference
    );
    Finding::at(line, "/account", "account_changed", detail)
}
