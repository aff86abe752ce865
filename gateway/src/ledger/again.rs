//! A delivery of what is on record already: the same again, a revision of it, or another under its name.
//!
//! A transaction is changed by a line that says so, and by one that need not: what is pending is provisional, so
//! that the booked transaction of the same reference takes its place, as a correction, whatever else it says. What
//! was ever booked is never pending again for that: a pending one that comes after it changes nothing. Both only on
//! the same account, in the same currency and direction, and with the same end-to-end id where both have one: a
//! servicer's references need not be unique.

use crate::{
    domain::{
        Currency, Text,
        direction::{Direction, Status},
        finding::Finding,
        id::{AccountId, TransactionId},
        transaction::{NewRevision, NewTransaction, Transaction, Version},
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

/// What a line says of a transaction that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said<T> {
    /// Nothing new: it is there as this.
    Again(T),
    /// A revision, which it states.
    Revises,
    /// That it is booked now, which it need not state as a revision.
    Settles,
}

/// What tells whether one transaction settles another under its reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traits<A, E> {
    /// The account.
    pub account: A,
    /// Its currency.
    pub currency: Currency,
    /// Which way the money moved.
    pub direction: Direction,
    /// The initiating party's reference, if it is known.
    pub end_to_end_id: Option<E>,
    /// How final it is.
    pub status: Status,
}

/// What a line without a revision says of one that it differs from: nothing if neither settles the other.
pub fn settling<A: PartialEq, E: PartialEq>(before: &Traits<A, E>, now: &Traits<A, E>) -> Option<Said<()>> {
    let is_one = before.account == now.account
        && before.currency == now.currency
        && before.direction == now.direction
        && match (&before.end_to_end_id, &now.end_to_end_id) {
            (Some(before), Some(now)) => before == now,
            _ => true,
        };
    match (before.status, now.status) {
        _ if !is_one => None,
        (Status::Pending, Status::Booked) => Some(Said::Settles),
        (Status::Booked, Status::Pending) => Some(Said::Again(())),
        _ => None,
    }
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

    /// What a line says of it, whose account has this id and currency; of what is there again, the seq that it
    /// has.
    ///
    /// # Errors
    /// When it is another transaction, or a revision that can't be.
    pub fn judge(
        &self,
        account: Option<(AccountId, &str)>,
        line: u64,
        new: &NewTransaction,
    ) -> Result<Said<u64>, Finding> {
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
            return Ok(Said::Again(again.version.seq));
        }
        if new.revision.is_none() {
            return self.settled(account, new).ok_or_else(conflict);
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
        Ok(Said::Revises)
    }

    /// What a line without a revision says of it, if what was pending is booked, or was.
    fn settled(&self, account: AccountId, new: &NewTransaction) -> Option<Said<u64>> {
        let read = |known: &Known| serde_json::from_slice::<Transaction>(&known.payload).ok();
        let versions: Vec<Transaction> = self.versions.iter().map(read).collect::<Option<_>>()?;
        let last = self.last()?;
        let fits =
            |one: &Transaction| one.account_id == account && one.amount.currency() == new.amount.currency();
        if !versions.iter().all(fits) {
            return None;
        }
        let now = traits_of(account, new);
        let says = |one: &Transaction| {
            let before = Traits {
                account: one.account_id,
                currency: one.amount.currency(),
                direction: one.direction,
                end_to_end_id: one.end_to_end_id.as_ref(),
                status: one.status,
            };
            settling(&before, &now)
        };
        if new.status == Status::Pending {
            let was_booked = versions.iter().any(|one| says(one) == Some(Said::Again(())));
            return was_booked.then_some(Said::Again(last.version.seq));
        }
        // The statement that settled it may come again, also when what it said was corrected since.
        let again = Transaction::new(self.id, account, new.clone(), None);
        let mut later = versions.windows(2).zip(&self.versions[1..]);
        let settled = later.find(|(pair, _)| {
            let plain = Transaction { revision: None, source: again.source.clone(), ..pair[1].clone() };
            pair[0].status == Status::Pending && pair[1].status == Status::Booked && plain == again
        });
        if let Some((_, known)) = settled {
            return Some(Said::Again(known.version.seq));
        }
        let settles = says(versions.last()?) == Some(Said::Settles);
        (settles && !last.is_reversal).then_some(Said::Settles)
    }
}

fn traits_of<A>(account: A, new: &NewTransaction) -> Traits<A, &Text<35>> {
    Traits {
        account,
        currency: new.amount.currency(),
        direction: new.direction,
        end_to_end_id: new.end_to_end_id.as_ref(),
        status: new.status,
    }
}

/// What a line says of one that comes earlier in its delivery; nothing if it is another.
pub(super) fn said_after(earlier: &NewTransaction, new: &NewTransaction) -> Option<Said<()>> {
    let stated = |new: &NewTransaction| {
        let revision = new.revision.clone().filter(|revision| *revision != NewRevision::settlement());
        NewTransaction { revision, source: None, ..new.clone() }
    };
    if earlier == new {
        return Some(Said::Again(()));
    }
    let (before, now) = (stated(earlier), stated(new));
    if before == now {
        return Some(Said::Again(()));
    }
    if before.revision.is_some() || now.revision.is_some() {
        return None;
    }
    settling(&traits_of(&before.account, &before), &traits_of(&now.account, &now))
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
