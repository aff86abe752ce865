//! Running balances: which transaction follows on which, and where what is recorded does not follow.
//!
//! The day is the finest time that a booking has, and files often list a day's bookings in another order than the
//! balance took. So a day's transactions are held until its end, and put in the order in which each balance
//! follows on the one before. What can't be put so is a difference, of the transaction that was next.
//!
//! Where an account begins, the balance before is unknown. A first day whose amounts sum to nought goes round in a
//! ring, and could begin anywhere on it: it is held until a day that does not, and put in order together with it.

use jiff::civil::Date;

use crate::domain::{Direction, Status, Transaction};

/// Transactions that are put in order together; a longer day is put in order as it comes.
const TOGETHER: usize = 64;
/// Steps that are tried for the order of a day before the first that fits is taken.
const TRIES: usize = 20_000;

/// A booked transaction in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its entry.
    pub seq: u64,
    /// The servicer's reference of it.
    pub reference: String,
    /// The day on which it was booked.
    pub day: Date,
    /// What it adds, in minor units; below nought, what it takes.
    pub amount: i64,
    /// The balance after it that is recorded, if one is.
    pub recorded: Option<i64>,
    /// The balance before it; unknown before the first that is recorded.
    pub before: Option<i128>,
}

impl Step {
    /// The balance after it: what is recorded, or what follows.
    #[must_use]
    pub fn after(&self) -> Option<i128> {
        self.recorded.map(i128::from).or_else(|| Some(self.before? + i128::from(self.amount)))
    }

    /// By how much what is recorded differs from what follows; nought where nothing can be said.
    #[must_use]
    pub fn difference(&self) -> i128 {
        match (self.recorded, self.before) {
            (Some(recorded), Some(before)) => i128::from(recorded) - before - i128::from(self.amount),
            _ => 0,
        }
    }

    fn fits(&self, before: Option<i128>, tolerance: i64) -> bool {
        let Self { recorded, amount, .. } = self;
        let (Some(recorded), Some(before)) = (recorded, before) else { return true };
        let difference = i128::from(*recorded) - before - i128::from(*amount);
        difference.unsigned_abs() <= u128::from(tolerance.unsigned_abs())
    }
}

/// The running balance of one account.
#[derive(Debug)]
pub struct Running {
    tolerance: i64,
    balance: Option<i128>,
    /// What is held: one day, or the first days of an account.
    held: Vec<Step>,
}

impl Running {
    /// An account of which nothing is known. Differences up to the tolerance, in minor units, are rounding: they
    /// don't stand against an order.
    #[must_use]
    pub fn new(tolerance: i64) -> Self {
        Self { tolerance, balance: None, held: Vec::new() }
    }

    /// The balance after the steps that were given out.
    #[must_use]
    pub fn balance(&self) -> Option<i128> {
        self.balance
    }

    /// Takes the next transaction; gives out the steps whose place is known now. What is not booked is passed over.
    pub fn take(&mut self, seq: u64, transaction: &Transaction) -> Vec<Step> {
        if transaction.status != Status::Booked {
            return Vec::new();
        }
        let mut steps = Vec::new();
        if self.is_over(transaction.booking_date) {
            steps = self.end();
        } else if self.held.len() == TOGETHER {
            let next = self.fitting().unwrap_or(0);
            let next = self.held.remove(next);
            steps.push(self.step(next));
        }
        let recorded =
            transaction.balance_after.map(|balance| signed(balance.money.minor(), balance.direction));
        self.held.push(Step {
            seq,
            reference: transaction.reference.as_str().to_owned(),
            day: transaction.booking_date,
            amount: signed(transaction.amount.minor(), transaction.direction),
            recorded,
            before: None,
        });
        steps
    }

    /// Gives out the rest: there are no more transactions of the day, or of the account.
    pub fn end(&mut self) -> Vec<Step> {
        let mut tries = TRIES;
        let mut order = Vec::with_capacity(self.held.len());
        let mut rest: Vec<usize> = (0..self.held.len()).collect();
        let ordered = if self.follow(self.balance, &mut rest, &mut order, &mut tries) {
            let mut held: Vec<_> = std::mem::take(&mut self.held).into_iter().map(Some).collect();
            order.into_iter().filter_map(|at| held[at].take()).collect()
        } else {
            Vec::new()
        };
        let mut steps: Vec<_> = ordered.into_iter().map(|step| self.step(step)).collect();
        while !self.held.is_empty() {
            let next = self.fitting().unwrap_or(0);
            let next = self.held.remove(next);
            steps.push(self.step(next));
        }
        steps
    }

    /// Whether what is held can be put in order, now that the next is of this day.
    fn is_over(&self, next: Date) -> bool {
        let ring = || self.held.iter().map(|step| i128::from(step.amount)).sum::<i128>() == 0;
        self.held.last().is_some_and(|last| last.day != next) && (self.balance.is_some() || !ring())
    }

    /// Looks for an order of the rest in which each follows on the one before, day by day.
    fn follow(
        &self,
        balance: Option<i128>,
        rest: &mut Vec<usize>,
        order: &mut Vec<usize>,
        tries: &mut usize,
    ) -> bool {
        for nth in 0..rest.len() {
            let step = &self.held[rest[nth]];
            if step.day != self.held[rest[0]].day {
                break;
            }
            if *tries == 0 {
                return false;
            }
            *tries -= 1;
            if !step.fits(balance, self.tolerance) {
                continue;
            }
            let next = Step { before: balance, ..step.clone() }.after();
            let at = rest.remove(nth);
            order.push(at);
            if self.follow(next, rest, order, tries) {
                return true;
            }
            order.pop();
            rest.insert(nth, at);
        }
        rest.is_empty()
    }

    /// The first of its day that follows: best to the cent.
    fn fitting(&self) -> Option<usize> {
        let day = self.held.first()?.day;
        let of_the_day = self.held.iter().take_while(|step| step.day == day);
        let fits = |tolerance| of_the_day.clone().position(|step| step.fits(self.balance, tolerance));
        fits(0).or_else(|| fits(self.tolerance))
    }

    fn step(&mut self, step: Step) -> Step {
        let step = Step { before: self.balance, ..step };
        self.balance = step.after();
        step
    }
}

/// An amount with its side as a sign.
fn signed(minor: i64, direction: Direction) -> i64 {
    match direction {
        Direction::Credit => minor,
        Direction::Debit => -minor,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn transaction(reference: usize, day: i8, amount: i64, balance: Option<i64>) -> Transaction {
        let side = |amount: i64| if amount < 0 { "debit" } else { "credit" };
        let money = |amount: i64| format!("{}.{:02}", amount.abs() / 100, amount.abs() % 100);
        let mut it = json!({
            "account": "576", "account_id": "acc_00000000000000000000000000000002",
            "amount": {"amount": money(amount), "currency": "EUR"}, "booking_date": format!("2026-03-{day:02}"),
            "direction": side(amount), "id": "txn_00000000000000000000000000000001",
            "reference": reference.to_string(), "status": "booked", "type": "transaction",
        });
        if let Some(balance) = balance {
            it["balance_after"] =
                json!({"amount": money(balance), "currency": "EUR", "direction": side(balance)});
        }
        serde_json::from_value(it).unwrap()
    }

    fn run(tolerance: i64, parts: &[(i8, i64, Option<i64>)]) -> Vec<Step> {
        let mut running = Running::new(tolerance);
        let mut steps = Vec::new();
        for (at, (day, amount, balance)) in parts.iter().enumerate() {
            steps.extend(running.take(at as u64, &transaction(at, *day, *amount, *balance)));
        }
        steps.extend(running.end());
        assert_eq!(steps.len(), parts.len());
        steps
    }

    #[test]
    fn a_day_is_put_in_the_order_of_its_balances() {
        let steps = run(0, &[(1, 100, Some(100)), (2, -30, Some(120)), (2, 50, Some(150)), (3, 1, None)]);
        assert_eq!(steps.iter().map(|step| step.seq).collect::<Vec<_>>(), [0, 2, 1, 3]);
        assert!(steps.iter().all(|step| step.difference() == 0));
        assert_eq!(steps[3].after(), Some(121));
    }

    #[test]
    fn the_first_that_does_not_follow_is_named_and_the_rest_goes_on_from_there() {
        let steps =
            run(10, &[(1, 100, Some(100)), (2, 50, Some(160)), (3, 50, Some(310)), (4, 1, Some(311))]);
        let differences: Vec<_> = steps.iter().map(Step::difference).collect();
        assert_eq!(differences, [0, 10, 100, 0]);
    }

    #[test]
    fn where_a_wrong_turn_is_possible_the_right_one_is_found() {
        // Both of 50 fit first, and only one of them leaves a way on.
        let steps = run(
            0,
            &[
                (1, 100, Some(100)),
                (2, 50, Some(150)),
                (2, -50, Some(100)),
                (2, 50, Some(150)),
                (2, 7, Some(157)),
            ],
        );
        assert!(steps.iter().all(|step| step.difference() == 0), "{steps:?}");
    }

    #[test]
    fn a_first_day_that_sums_to_nought_begins_where_the_next_day_needs_it() {
        let ring = [(1, 466, Some(466)), (1, -279, Some(187)), (1, -187, Some(0))];
        for (next, first) in [(0, 0), (466, 1), (187, 2)] {
            let steps = run(0, &[ring[0], ring[1], ring[2], (2, 0, Some(next)), (3, 5, Some(next + 5))]);
            assert!(steps.iter().all(|step| step.difference() == 0), "{steps:?}");
            assert_eq!(steps[0].seq, first);
        }
    }

    proptest! {
        #[test]
        fn what_adds_up_adds_up_in_any_order_of_its_days(
            amounts in prop::collection::vec((1_i8..5, -500_i64..500), 1..30),
            shuffle in prop::collection::vec(any::<u64>(), 30),
        ) {
            let mut parts: Vec<_> = amounts;
            parts.sort_by_key(|(day, _)| *day);
            let mut balance = 0;
            let mut told: Vec<_> = parts.iter().zip(&shuffle).map(|((day, amount), key)| {
                balance += amount;
                (*day, *amount, Some(balance), *key)
            }).collect();
            told.sort_by_key(|(day, _, _, key)| (*day, *key));
            let told: Vec<_> = told.into_iter().map(|(day, amount, balance, _)| (day, amount, balance)).collect();
            let steps = run(0, &told);
            // The differences make up for whatever order was found.
            let sum: i128 = steps.iter().map(|step| i128::from(step.amount) + step.difference()).sum();
            let first = steps[0].after().unwrap() - i128::from(steps[0].amount);
            prop_assert_eq!(first + sum, steps.last().unwrap().after().unwrap());
            if told.len() < 9 {
                prop_assert!(steps.iter().all(|step| step.difference() == 0));
            }
        }
    }
}
