//! What a type of report is, and the interface that its maker has.

use std::collections::BTreeMap;

use super::{Basis, Granularity, ProduceError, Sheet};
use crate::domain::{Account, Transaction};

/// A type of report.
#[derive(Debug)]
pub struct Definition {
    /// Its name in the API, such as `account-statement`.
    pub name: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// The standard that its document follows, with its version.
    pub standard: &'static str,
    /// How long its periods may be.
    pub periods: &'static [Granularity],
    /// The document's media type.
    pub media_type: &'static str,
    /// The document's file extension, without a dot.
    pub extension: &'static str,
    /// The document's name without extension, where its standard has rules for it.
    pub file_name: Option<fn(&Basis) -> String>,
    /// What it is told besides the period.
    pub parameters: &'static [Parameter],
    /// Which validators made elsewhere must have passed a version before it is delivered.
    pub validators: &'static [&'static str],
    /// Files that readers of the document need, such as its taxonomy: paths and contents.
    pub files: &'static [(&'static str, &'static str)],
    /// Which kinds of versions there are of it. A correction is shown the records as they stand now, a
    /// cancellation those of the version that it withdraws.
    pub kinds: &'static [super::VersionKind],
    /// Whether amounts that no record has may be added to its figures by hand.
    pub adjustable: bool,
    /// Which records it is shown.
    pub reach: Reach,
    /// Whether a correction needs the figures of the version before ([`Basis::earlier`]).
    pub needs_earlier: bool,
    /// Makes its maker; the parameters were checked against [`Self::parameters`] before.
    pub maker: fn(&Basis) -> Box<dyn Producer>,
}

/// A parameter of a type of report.
#[derive(Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub description: &'static str,
    /// Whether it must be told.
    pub required: bool,
    /// An example.
    pub example: &'static str,
    /// Whether a value is one; `Err` says what it must be.
    pub check: fn(&str) -> Result<(), String>,
}

/// Which transactions a maker is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those booked in the period.
    Period,
    /// Also the ones before: on each account, from the last one before the period that says a balance, or all
    /// where none says one.
    FromLastBalance,
}

/// A transaction and its entry: the version in force as of the report's seq.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'a> {
    /// Its entry.
    pub seq: u64,
    /// The transaction.
    pub transaction: &'a Transaction,
}

/// Makes one version of a report. It is shown each account in the order of their references, each followed by its
/// transactions by booking date and then by entry; every status is among them, what was withdrawn is not.
/// What it holds must not grow with the number of transactions.
pub trait Producer: Send + Sync {
    /// Whether it is about this account at all.
    fn wants(&self, account: &Account) -> bool {
        let _ = account;
        true
    }

    /// Begins an account.
    ///
    /// # Errors
    /// When the document can't be written.
    fn account(&mut self, account: &Account, sheet: &mut Sheet) -> Result<(), ProduceError>;

    /// Takes a transaction of the account that was begun last.
    ///
    /// # Errors
    /// When the document can't be written.
    fn transaction(&mut self, recorded: Recorded<'_>, sheet: &mut Sheet) -> Result<(), ProduceError>;

    /// Ends the document.
    ///
    /// # Errors
    /// When it can't be written.
    fn finish(&mut self, sheet: &mut Sheet) -> Result<(), ProduceError>;
}

impl Definition {
    /// What is wrong with a report's parameters: the parameter and why, each once.
    #[must_use]
    pub fn check(&self, told: &BTreeMap<String, String>) -> Vec<(String, String)> {
        let known = |name: &str| self.parameters.iter().find(|parameter| parameter.name == name);
        let missing = self.parameters.iter().filter(|it| it.required && !told.contains_key(it.name));
        let mut wrong: Vec<_> =
            missing.map(|it| (it.name.to_owned(), "this parameter must be told".to_owned())).collect();
        for (name, value) in told {
            match known(name).map(|parameter| (parameter.check)(value)) {
                None => wrong.push((name.clone(), "this type of report has no such parameter".to_owned())),
                Some(Err(why)) => wrong.push((name.clone(), why)),
                Some(Ok(())) => {}
            }
        }
        wrong
    }
}
