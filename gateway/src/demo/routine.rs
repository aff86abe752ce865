//! What happens on an account in a month.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::ledger::{Amount, Movement};
use super::names::{self, Party};
use super::random::Random;
use crate::domain::Direction::{self, Credit, Debit};
use crate::domain::Status;

/// The days that a log covers, both included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) first: Date,
    pub(super) last: Date,
}

impl Window {
    /// The two years up to and with this day.
    pub(super) fn two_years_to(last: Date) -> Self {
        Self { first: last.saturating_sub(2.years()).saturating_add(1.day()), last }
    }

    /// The first of every month that has a day in the window.
    pub(super) fn months(self) -> impl Iterator<Item = Date> {
        let start = self.first.first_of_month();
        (0..=24).map(move |n| start.saturating_add(n.months())).filter(move |month| *month <= self.last)
    }
}

/// The day itself, or the Monday after it.
pub(super) fn business_day(day: Date) -> Date {
    match day.weekday() {
        Weekday::Saturday => day.saturating_add(2.days()),
        Weekday::Sunday => day.saturating_add(1.day()),
        _ => day,
    }
}

/// Plans the movements of one account.
pub(super) struct Planner<'a> {
    pub(super) account: usize,
    pub(super) window: Window,
    pub(super) random: Random,
    pub(super) movements: &'a mut Vec<Movement>,
}

impl Planner<'_> {
    /// Plans a movement, unless its business day lies outside of the window.
    pub(super) fn add(&mut self, day: Date, direction: Direction, amount: Amount, kind: Kind) {
        let booked_on = business_day(day);
        if booked_on < self.window.first || booked_on > self.window.last {
            return;
        }
        let is_recent = booked_on >= self.window.last.saturating_sub(2.days());
        self.movements.push(Movement {
            day: booked_on,
            value_day: kind.counts_from_day.then_some(day).filter(|day| *day >= self.window.first),
            account: self.account,
            direction,
            amount,
            code: kind.code,
            purpose: kind.purpose,
            party: kind.party,
            end_to_end_id: kind.end_to_end_id,
            note: kind.note,
            status: if kind.may_pend && is_recent { Status::Pending } else { Status::Booked },
        });
    }

    fn exact(&mut self, low: i64, high: i64) -> Amount {
        Amount::Exact(self.random.between(low, high))
    }

    /// A day of the month from `low` to `high`.
    fn day(&mut self, month: Date, low: i64, high: i64) -> Date {
        month.saturating_add(self.random.between(low - 1, high - 1).days())
    }

    /// What the account begins with.
    pub(super) fn opening(&mut self, low: i64, high: i64, from: Party) {
        let amount = self.exact(low, high);
        let kind = Kind::new("PMNT-RCDT-ESCT", "Übertrag des Guthabens bei Kontoeröffnung").with(from);
        self.add(self.window.first, Credit, amount, kind);
    }

    /// Card payments, of which a few are disputed and paid back.
    pub(super) fn cards(&mut self, month: Date, count: i64) {
        for _ in 0..count {
            let day = self.day(month, 1, 28);
            let shop = self.random.pick(&names::SHOPS);
            let amount = self.exact(290, 16_400);
            let card = self.random.between(1000, 9999);
            let note = format!("{shop}, Karte …{card}");
            let kind = Kind { may_pend: true, counts_from_day: true, ..Kind::new("PMNT-CCRD-POSD", note) };
            self.add(day, Debit, amount, kind);
            if self.random.chance(12) {
                let later = day.saturating_add(self.random.between(9, 40).days());
                let note = format!("Rückbuchung nach Reklamation: {shop}, Karte …{card}");
                self.add(later, Credit, amount, Kind::new("PMNT-CCRD-RIMB", note));
            }
        }
    }

    /// A SEPA transfer in or out, with or without a reference of the other side.
    pub(super) fn transfer(&mut self, month: Date, direction: Direction, range: (i64, i64), party: Party) {
        let day = self.day(month, 1, 28);
        let amount = self.exact(range.0, range.1);
        let number = self.random.between(10_000, 99_999);
        let (code, note) = match direction {
            Credit => ("PMNT-RCDT-ESCT", format!("Rechnung {number}, danke für die prompte Lieferung")),
            Debit => ("PMNT-ICDT-ESCT", format!("Facture nº {number} réglée")),
        };
        let reference =
            if self.random.chance(250) { "NOTPROVIDED".to_owned() } else { format!("INV-{number}") };
        let kind = Kind { end_to_end_id: Some(reference), ..Kind::new(code, note).with(party) };
        self.add(day, direction, amount, kind);
    }

    /// A payment that is alike every month.
    pub(super) fn standing(&mut self, day: Date, direction: Direction, minor: i64, kind: Kind) {
        self.add(day, direction, Amount::Exact(minor), kind);
    }

    /// The account's own: a monthly fee, and interest at the end of a quarter.
    pub(super) fn bank(&mut self, month: Date, fee_minor: i64) {
        let end = month.last_of_month();
        let fee = Kind::new("ACMT-MDOP-CHRG", format!("Kontoführung {}", month.strftime("%m/%Y")));
        self.add(end, Debit, Amount::Exact(fee_minor), fee);
        if end.month() % 3 == 0 {
            let note = format!("Abschluss {}. Quartal {}", end.month() / 3, end.year());
            let kind = Kind { purpose: Some("INTE"), ..Kind::new("ACMT-MCOP-INTR", note) };
            self.add(end, Credit, Amount::Interest(12), kind);
        }
    }
}

/// What kind of movement it is and what is told about it.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    pub(super) code: &'static str,
    pub(super) purpose: Option<&'static str>,
    pub(super) party: Option<Party>,
    pub(super) end_to_end_id: Option<String>,
    pub(super) note: String,
    /// Whether it waits some days before it is on the books.
    pub(super) may_pend: bool,
    /// Whether it counts from the day itself, though the books open on the next business day.
    pub(super) counts_from_day: bool,
}

impl Kind {
    pub(super) fn new(code: &'static str, note: impl Into<String>) -> Self {
        Self {
            code,
            purpose: None,
            party: None,
            end_to_end_id: None,
            note: note.into(),
            may_pend: false,
            counts_from_day: false,
        }
    }

    /// With this party on the other side.
    pub(super) fn with(self, party: Party) -> Self {
        Self { party: Some(party), ..self }
    }

    /// For this purpose, under this end-to-end id.
    pub(super) fn purposed(self, purpose: &'static str, end_to_end_id: String) -> Self {
        Self { purpose: Some(purpose), end_to_end_id: Some(end_to_end_id), ..self }
    }
}
