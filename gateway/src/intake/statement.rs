//! Statements: what an account is said to have held before and after a set of entries.
//!
//! A statement that does not add up is no fault of a line: it is told as a [`Break`], and its records are kept.

use jiff::civil::Date;
use sha2::{Digest as _, Sha256};

use crate::domain::{Currency, Direction, Money, NewTransaction, Status, Text, money::decimal_text};

/// A balance as a statement has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stated {
    /// In minor units, below nought when overdrawn.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
    /// The day that it is of.
    pub date: Date,
}

/// One statement, report or notification of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The line that it begins on.
    pub line: u64,
    /// Where it stands in the document.
    pub path: String,
    /// Its own id.
    pub id: String,
    /// The account that it is about.
    pub account: String,
    /// The balance before its entries.
    pub opening: Option<Stated>,
    /// The balance after its entries.
    pub closing: Option<Stated>,
    /// Whether the account's next statement begins with that balance: an interim one is of some moment between.
    pub closes: bool,
    /// Its booked entries, credits less debits, in minor units of the opening balance's currency.
    pub(super) booked_minor: i128,
    /// Whether each of its entries could be counted: none was refused, none is in another currency.
    pub(super) countable: bool,
    /// How many entries it has.
    pub entries: u64,
}

/// Figures of a statement that do not fit together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// The line that the statement begins on.
    pub line: u64,
    /// Where it stands in the document.
    pub path: String,
    /// What does not fit: `balance_differs`, `balance_currencies_differ` or `previous_closing_differs`.
    pub code: &'static str,
    /// The statement's id.
    pub statement: String,
    /// The account.
    pub account: String,
    /// What the figure had to be.
    pub expected: String,
    /// What is stated.
    pub stated: String,
    /// What is stated less what was expected; none between currencies.
    pub difference: Option<String>,
}

impl Statement {
    pub(super) fn new(line: u64, path: String) -> Self {
        Self {
            line,
            path,
            id: String::new(),
            account: String::new(),
            opening: None,
            closing: None,
            closes: false,
            booked_minor: 0,
            countable: true,
            entries: 0,
        }
    }

    /// The balance that the account's next statement begins with.
    #[must_use]
    pub fn final_balance(&self) -> Option<Stated> {
        self.closing.filter(|_| self.closes)
    }

    /// Counts an entry.
    pub(super) fn count(&mut self, transaction: &NewTransaction) {
        let Some(opening) = self.opening else { return };
        if transaction.status != Status::Booked {
            return;
        }
        if transaction.amount.currency() != opening.currency {
            self.countable = false;
        }
        self.booked_minor += match transaction.direction {
            Direction::Credit => i128::from(transaction.amount.minor()),
            Direction::Debit => -i128::from(transaction.amount.minor()),
        };
    }

    /// What does not add up: the opening balance and the booked entries make the closing balance. Nothing is
    /// said of a statement that lacks a balance or had an entry refused.
    #[must_use]
    pub fn check(&self) -> Option<Break> {
        let (opening, closing) = (self.opening?, self.closing?);
        if opening.currency != closing.currency {
            let (expected, stated) = (opening.currency.to_string(), closing.currency.to_string());
            return Some(self.broken("balance_currencies_differ", expected, stated, None));
        }
        if !self.countable {
            return None;
        }
        let expected = i128::from(opening.minor) + self.booked_minor;
        self.compare("balance_differs", expected, closing)
    }

    /// Whether this statement goes on where an account's earlier one ended.
    #[must_use]
    pub fn check_after(&self, previous: Stated) -> Option<Break> {
        let opening = self.opening.filter(|opening| opening.currency == previous.currency)?;
        self.compare("previous_closing_differs", i128::from(previous.minor), opening)
    }

    fn compare(&self, code: &'static str, expected: i128, stated: Stated) -> Option<Break> {
        let (is, currency) = (i128::from(stated.minor), stated.currency);
        let text = |minor| signed(minor, currency);
        (is != expected).then(|| self.broken(code, text(expected), text(is), Some(text(is - expected))))
    }

    fn broken(
        &self,
        code: &'static str,
        expected: String,
        stated: String,
        difference: Option<String>,
    ) -> Break {
        let (line, path) = (self.line, self.path.clone());
        let (statement, account) = (self.id.clone(), self.account.clone());
        Break { line, path, code, statement, account, expected, stated, difference }
    }
}

impl Break {
    /// What does not fit, as a sentence.
    #[must_use]
    pub fn detail(&self) -> String {
        let Self { expected, stated, .. } = self;
        match self.code {
            "balance_differs" => {
                format!("opening balance and booked entries make {expected}, and {stated} is stated")
            }
            "balance_currencies_differ" => {
                format!("the opening balance is in {expected}, and the closing balance in {stated}")
            }
            _ => format!("the statement before ended with {expected}, and this one begins with {stated}"),
        }
    }
}

impl std::fmt::Display for Break {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, path, code, statement, account, .. } = self;
        write!(f, "line {line}, {path}: statement {statement:?} of {account:?}: {} ({code})", self.detail())
    }
}

/// A signed amount as decimal text.
fn signed(minor: i128, currency: Currency) -> String {
    decimal_text(minor, currency.exponent() as usize)
}

/// The balance that an unsigned amount and its side make.
pub(super) fn stated(money: Money, direction: Direction, date: Date) -> Stated {
    let minor = match direction {
        Direction::Credit => money.minor(),
        Direction::Debit => -money.minor(),
    };
    Stated { minor, currency: money.currency(), date }
}

/// A reference made of parts that together name an entry, the same each time: the parts with `/` between
/// them, or `ref-` and 32 digits of their SHA-256 where that is too long or no text.
pub(super) fn reference(parts: &[&str]) -> Text<64> {
    let joined = parts.join("/");
    Text::new(joined.as_str()).unwrap_or_else(|_| {
        let digest: [u8; 32] = Sha256::digest(joined.as_bytes()).into();
        let digits: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        Text::new(format!("ref-{digits}")).expect("36 characters are a text")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(opening: i64, booked: i128, closing: i64) -> Statement {
        let currency = Currency::parse("EUR").unwrap();
        let at = |minor| Some(Stated { minor, currency, date: jiff::civil::date(2026, 1, 31) });
        let mut statement = Statement::new(1, "/Stmt[1]".to_owned());
        (statement.opening, statement.closing, statement.booked_minor) = (at(opening), at(closing), booked);
        statement
    }

    #[test]
    fn a_statement_adds_up_or_says_by_how_much_it_does_not() {
        assert_eq!(of(100, -250, -150).check(), None);
        let off = of(1815, 885, 2701).check().unwrap();
        assert_eq!((off.expected.as_str(), off.stated.as_str()), ("27.00", "27.01"));
        assert_eq!(off.difference.as_deref(), Some("0.01"));
        let off = of(0, 5, -5).check().unwrap();
        assert_eq!(off.difference.as_deref(), Some("-0.10"));
    }

    #[test]
    fn a_statement_goes_on_where_the_one_before_ended() {
        let statement = of(100, 0, 100);
        assert_eq!(statement.check_after(statement.opening.unwrap()), None);
        let other = Stated { minor: 90, ..statement.opening.unwrap() };
        assert_eq!(statement.check_after(other).unwrap().difference.as_deref(), Some("0.10"));
    }

    #[test]
    fn a_reference_is_its_parts_or_their_digest() {
        assert_eq!(reference(&["a", "b", "#1"]).as_str(), "a/b/#1");
        let long = "x".repeat(64);
        assert_eq!(reference(&[&long, "1"]).as_str().len(), 36);
        assert_eq!(reference(&[&long, "1"]), reference(&[&long, "1"]));
        assert_ne!(reference(&[&long, "1"]), reference(&[&long, "2"]));
    }
}
