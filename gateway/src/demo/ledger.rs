//! From planned movements to booked transactions, with running balances.

use jiff::civil::Date;

use super::names::Party;
use crate::domain::{
    Balance, Counterparty, Currency, Direction, Money, NewAccount, NewTransaction, Status, Text,
};

/// How much moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Amount {
    /// This many minor units.
    Exact(i64),
    /// This many parts in ten thousand of the balance; what an overdrawn account owes is a debit.
    Interest(i64),
    /// This many parts of a hundred of what is on the account, if anything is.
    Sweep(i64),
}

/// A movement that is to happen on an account.
#[derive(Debug, Clone)]
pub(super) struct Movement {
    /// The day on which it comes on the books.
    pub(super) day: Date,
    /// The day from which it counts, if that is another one.
    pub(super) value_day: Option<Date>,
    /// The account's place in the list of accounts.
    pub(super) account: usize,
    pub(super) direction: Direction,
    pub(super) amount: Amount,
    /// ISO 20022 bank transaction code: domain, family, sub-family.
    pub(super) code: &'static str,
    /// ISO 20022 external purpose code.
    pub(super) purpose: Option<&'static str>,
    pub(super) party: Option<Party>,
    pub(super) end_to_end_id: Option<String>,
    pub(super) note: String,
    pub(super) status: Status,
}

/// Books the movements in the order of their days, each account from nought.
///
/// Pending movements have no balance and change none. A movement of nothing is left out.
pub(super) fn book(accounts: &[NewAccount], mut movements: Vec<Movement>) -> Vec<NewTransaction> {
    // Stable, so that movements of one day stay in the order in which they were planned.
    movements.sort_by_key(|movement| movement.day);
    let mut balances = vec![0_i64; accounts.len()];
    let mut transactions = Vec::with_capacity(movements.len());
    for movement in movements {
        let Some((account, balance)) = accounts.get(movement.account).zip(balances.get_mut(movement.account))
        else {
            continue;
        };
        let (direction, minor) = size(&movement, *balance);
        if minor == 0 {
            continue;
        }
        let is_booked = movement.status == Status::Booked;
        if is_booked {
            *balance += if direction == Direction::Credit { minor } else { -minor };
        }
        let number = transactions.len() + 1;
        let balance_after = is_booked.then(|| on_balance(*balance, account.currency));
        transactions.push(transaction(movement, account, number, direction, minor, balance_after));
    }
    transactions
}

/// Which way and how many minor units a movement moves, given the balance before it.
fn size(movement: &Movement, balance: i64) -> (Direction, i64) {
    match movement.amount {
        Amount::Exact(minor) => (movement.direction, minor),
        Amount::Interest(parts) if balance < 0 => (Direction::Debit, -balance * parts / 10_000),
        Amount::Interest(parts) => (Direction::Credit, balance * parts / 10_000),
        Amount::Sweep(parts) => (movement.direction, balance.max(0) * parts / 100),
    }
}

fn transaction(
    movement: Movement,
    account: &NewAccount,
    number: usize,
    direction: Direction,
    minor: i64,
    balance_after: Option<Balance>,
) -> NewTransaction {
    NewTransaction {
        account: account.reference.clone(),
        amount: Money::from_minor(minor, account.currency).expect("amounts are planned small and positive"),
        balance_after,
        bank_transaction_code: Some(text(movement.code)),
        booking_date: movement.day,
        counterparty: movement.party.map(|party| Counterparty {
            account: Some(text(party.iban)),
            agent: Some(text(party.bic)),
            name: Some(text(party.name)),
        }),
        direction,
        end_to_end_id: movement.end_to_end_id.map(text),
        purpose: movement.purpose.map(text),
        reference: text(format!("{}-{number:06}", movement.day.strftime("%Y%m%d"))),
        remittance_information: Some(text(movement.note)),
        revision: None,
        source: None,
        status: movement.status,
        value_date: Some(movement.value_day.unwrap_or(movement.day)),
    }
}

fn on_balance(minor: i64, currency: Currency) -> Balance {
    Balance::from_signed_minor(minor, currency).expect("balances stay far below the limit")
}

/// A text of ours; all of them are short and plain.
pub(super) fn text<const MAX: usize>(text: impl Into<String>) -> Text<MAX> {
    Text::new(text).expect("the generator's texts keep the limits")
}
