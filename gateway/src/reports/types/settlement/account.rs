//! One account: what was recorded before the period, what its entries make, and what is stated.

use std::collections::HashSet;

use jiff::civil::Date;

use super::held::Held;
use crate::{
    domain::{Account, Currency, Status, Transaction},
    reports::{
        Leaf, Period, ProduceError, Recorded, Remark, Severity, Sheet, Unit, Value,
        running::{Running, Step},
    },
};

/// How many references of a day are kept to find one that stands twice.
const REFERENCES: usize = 4096;

/// What is told of an account.
#[derive(Debug)]
pub(super) struct Told {
    /// Its reference.
    pub(super) reference: String,
    /// What its facts' ids begin with.
    pub(super) fact: String,
    /// What amounts are in.
    pub(super) currency: Currency,
    /// The opening balance.
    pub(super) opening: Value,
    /// What came in.
    pub(super) credits: Value,
    /// What went out.
    pub(super) debits: Value,
    /// What the entries make.
    pub(super) expected: Value,
    /// What is stated, where anything is.
    pub(super) stated: Option<Value>,
    /// What is stated, less what the entries make; none where nothing is stated.
    pub(super) difference: Option<Value>,
    /// Booked entries.
    pub(super) entries: Value,
    /// Entries that are not booked yet.
    pub(super) pending: Value,
    /// Breaks of the running balance.
    pub(super) breaks: Value,
    /// Where no balance was recorded before: the first entry that says one, and what it makes of the opening.
    pub(super) unrecorded: Option<(u64, i128)>,
    /// The first entry that does not follow.
    pub(super) first_break: Option<Step>,
}

/// An account, being reckoned.
#[derive(Debug)]
pub(super) struct Reckoning {
    reference: String,
    currency: Currency,
    fact: String,
    period: Period,
    tolerance: u128,
    running: Running,
    opening: Held,
    stated: Held,
    sums: Option<Sums>,
    unrecorded: Option<(u64, i128)>,
    first_break: Option<Step>,
    references: (Option<Date>, HashSet<String>),
}

/// The sums over the period, being summed.
#[derive(Debug)]
struct Sums {
    credits: Leaf,
    debits: Leaf,
    entries: Leaf,
    pending: Leaf,
    breaks: Leaf,
}

impl Reckoning {
    /// The account of this number, from 1.
    pub(super) fn new(account: &Account, number: u64, period: Period, tolerance: i64) -> Self {
        let reference = account.reference.as_str().to_owned();
        let unit = Unit::Money(account.currency);
        let opening = "the last balance recorded before the period, and the entries after it that say none";
        let stated = "the last balance recorded in the period, and the entries after it that say none";
        Self {
            opening: Held::new(format!("account/{reference}/opening_balance"), unit, opening),
            stated: Held::new(format!("account/{reference}/stated_closing_balance"), unit, stated),
            reference,
            currency: account.currency,
            fact: format!("a{number}"),
            period,
            tolerance: u128::from(tolerance.unsigned_abs()),
            running: Running::new(tolerance),
            sums: None,
            unrecorded: None,
            first_break: None,
            references: (None, HashSet::new()),
        }
    }

    /// Takes its next transaction.
    pub(super) fn take(&mut self, recorded: Recorded<'_>, sheet: &mut Sheet) -> Result<(), ProduceError> {
        let Recorded { seq, transaction } = recorded;
        if !self.passes(recorded, sheet) {
            return Ok(());
        }
        if transaction.status == Status::Pending && self.period.has(transaction.booking_date) {
            let sums = self.sums(sheet);
            sheet.add(&mut sums.pending, seq, 1);
        }
        let steps = self.running.take(seq, transaction);
        self.follow(&steps, sheet)
    }

    /// Whether a transaction can be reckoned with; says why where it can't.
    fn passes(&mut self, Recorded { seq, transaction }: Recorded<'_>, sheet: &mut Sheet) -> bool {
        let day = transaction.booking_date;
        if self.period.has(day) && self.repeats(transaction) {
            let detail = format!("the reference {} stands twice on {day}", transaction.reference.as_str());
            sheet.remark(self.remark("reference_twice", Severity::Error, seq, detail));
        }
        if day > self.period.last {
            let detail = format!("it was booked on {day}, after the period");
            sheet.remark(self.remark("booked_after_the_period", Severity::Error, seq, detail));
            return false;
        }
        let balance = transaction.balance_after.map(|balance| balance.money.currency());
        let other = [Some(transaction.amount.currency()), balance].into_iter().flatten();
        if let Some(other) = other.into_iter().find(|other| *other != self.currency) {
            let detail = format!("the entry is in {other}, and its account in {}", self.currency);
            sheet.remark(self.remark("currency_differs", Severity::Error, seq, detail));
            return false;
        }
        true
    }

    fn repeats(&mut self, transaction: &Transaction) -> bool {
        let (day, references) = &mut self.references;
        if day.replace(transaction.booking_date) != Some(transaction.booking_date) {
            references.clear();
        }
        let reference = transaction.reference.as_str();
        if references.len() < REFERENCES {
            !references.insert(reference.to_owned())
        } else {
            references.contains(reference)
        }
    }

    /// Takes entries in the order of the running balance.
    fn follow(&mut self, steps: &[Step], sheet: &mut Sheet) -> Result<(), ProduceError> {
        for step in steps {
            if self.period.has(step.day) {
                self.reckon(step, sheet)?;
            } else {
                self.opening.take(step, sheet)?;
            }
        }
        Ok(())
    }

    fn reckon(&mut self, step: &Step, sheet: &mut Sheet) -> Result<(), ProduceError> {
        if let Some(recorded) = step.recorded
            && !self.opening.stated()
            && !self.stated.stated()
        {
            let entries = self.sums.as_ref().map_or(0, |sums| sums.credits.amount() - sums.debits.amount());
            let before = i128::from(recorded) - i128::from(step.amount) - entries;
            self.unrecorded = ((before - self.opening.amount()).unsigned_abs() > self.tolerance)
                .then_some((step.seq, before));
        }
        if step.recorded.is_some() || self.stated.stated() {
            self.stated.take(step, sheet)?;
        }
        let breaks = step.difference().unsigned_abs() > self.tolerance;
        let sums = self.sums(sheet);
        sheet.add(&mut sums.entries, step.seq, 1);
        let (side, amount) = match step.amount {
            debit @ ..0 => (&mut sums.debits, -debit),
            credit => (&mut sums.credits, credit),
        };
        sheet.add(side, step.seq, amount);
        if breaks {
            sheet.add(&mut sums.breaks, step.seq, 1);
            self.first_break.get_or_insert_with(|| step.clone());
        }
        Ok(())
    }

    fn sums(&mut self, sheet: &mut Sheet) -> &mut Sums {
        let (reference, money) = (&self.reference, Unit::Money(self.currency));
        self.sums.get_or_insert_with(|| {
            let mut open = |name, unit, formula: &'static str| {
                sheet.open(format!("account/{reference}/{name}"), unit, formula)
            };
            Sums {
                credits: open("total_credits", money, "the booked credits of the period, added up"),
                debits: open("total_debits", money, "the booked debits of the period, added up"),
                entries: open("entries", Unit::Count("entries"), "1 for each booked entry of the period"),
                pending: open(
                    "pending_entries",
                    Unit::Count("entries"),
                    "1 for each entry of the period that is not booked yet",
                ),
                breaks: open(
                    "running_balance_breaks",
                    Unit::Count("breaks"),
                    "1 for each entry of the period whose balance does not follow from the one before",
                ),
            }
        })
    }

    /// Ends the account: its figures, where there is anything to tell.
    pub(super) fn end(mut self, sheet: &mut Sheet) -> Result<Option<Told>, ProduceError> {
        let steps = self.running.end();
        self.follow(&steps, sheet)?;
        if self.sums.is_none() && (self.opening.is_empty() || self.opening.amount() == 0) {
            return Ok(None);
        }
        self.sums(sheet);
        let Self { reference, currency, fact, opening, stated, sums, unrecorded, first_break, .. } = self;
        let Some(sums) = sums else { return Ok(None) };
        let path = |name: &str| format!("{fact}.{name}");
        let named = |name: &str| format!("account/{reference}/{name}");
        let money = Unit::Money(currency);
        let opening = opening.close(path("opening_balance"), sheet);
        let credits = sheet.close(sums.credits, path("total_credits"));
        let debits = sheet.close(sums.debits, path("total_debits"));
        let expected = sheet.derive(
            named("expected_closing_balance"),
            money,
            "opening balance plus total credits minus total debits",
            &[(opening, 1), (credits, 1), (debits, -1)],
            path("expected_closing_balance"),
        );
        let stated = stated.stated().then(|| stated.close(path("stated_closing_balance"), sheet));
        let difference = stated.map(|stated| {
            sheet.derive(
                named("balance_difference"),
                money,
                "stated closing balance minus expected closing balance",
                &[(stated, 1), (expected, -1)],
                path("balance_difference"),
            )
        });
        let entries = sheet.close(sums.entries, path("entries"));
        let pending = sheet.close(sums.pending, path("pending_entries"));
        let breaks = sheet.close(sums.breaks, path("running_balance_breaks"));
        Ok(Some(Told {
            reference,
            currency,
            fact,
            opening,
            credits,
            debits,
            expected,
            stated,
            difference,
            entries,
            pending,
            breaks,
            unrecorded,
            first_break,
        }))
    }

    fn remark(&self, rule: &'static str, severity: Severity, seq: u64, detail: String) -> Remark {
        Remark {
            rule: rule.into(),
            severity,
            subject: self.reference.clone(),
            seq: Some(seq.to_string()),
            detail,
        }
    }
}
