//! Makes the reconciliation: accounts one after the other, then their totals.

use std::collections::BTreeMap;

use super::{
    account::{Reckoning, Told},
    document::{About, Document},
    telling,
};
use crate::{
    domain::{Account, Currency},
    reports::{Basis, ProduceError, Producer, Recorded, Remark, Severity, Sheet, Unit, Value, VersionKind},
};

/// The maker. Of each account that is done it keeps what the totals need.
pub(super) struct Maker {
    basis: Basis,
    tolerance: i64,
    document: Option<Document>,
    number: u64,
    last: Option<String>,
    account: Option<Reckoning>,
    amounts: BTreeMap<Currency, [Terms; 5]>,
    counts: [Terms; 3],
}

/// The terms of a total.
type Terms = Vec<(Value, i8)>;

/// A total: its name, its concept, and how it comes about.
type Total = (&'static str, &'static str, &'static str);

const AMOUNTS: [Total; 5] = [
    ("opening_balances", "SumOfOpeningBalances", "the opening balances of all accounts in this currency"),
    ("credits", "SumOfCredits", "the credits of all accounts in this currency"),
    ("debits", "SumOfDebits", "the debits of all accounts in this currency"),
    (
        "expected_closing_balances",
        "SumOfExpectedClosingBalances",
        "the expected closing balances of all accounts in this currency",
    ),
    ("differences", "SumOfDifferences", "the differences of all accounts in this currency"),
];

const COUNTS: [Total; 3] = [
    ("entries", "SumOfEntries", "the booked entries of all accounts"),
    ("pending_entries", "SumOfPendingEntries", "the pending entries of all accounts"),
    ("running_balance_breaks", "SumOfRunningBalanceBreaks", "the breaks of all accounts"),
];

impl Maker {
    pub(super) fn new(basis: &Basis) -> Self {
        Self {
            basis: basis.clone(),
            // The definition checked it: without one, nothing is taken for rounding.
            tolerance: basis.parameter("tolerance").and_then(|text| text.parse().ok()).unwrap_or(0),
            document: None,
            number: 0,
            last: None,
            account: None,
            amounts: BTreeMap::new(),
            counts: Default::default(),
        }
    }

    /// The document, begun where it was not.
    fn document(&mut self, sheet: &mut Sheet) -> Result<Document, ProduceError> {
        match self.document.take() {
            Some(document) => Ok(document),
            None => self.begin(sheet),
        }
    }

    fn begin(&self, sheet: &mut Sheet) -> Result<Document, ProduceError> {
        let Basis { institution, kind, number, reason, supersedes, as_of, ordered_at, .. } = &self.basis;
        telling::of_xml(institution, "report.institution", sheet);
        telling::of_xml(reason.as_deref().unwrap_or_default(), "report.reason", sheet);
        let mut document = Document::begin(&self.basis, sheet)?;
        let facts = [
            ("institution", "InstitutionName", Some(institution.clone())),
            ("kind", "ReportKind", Some(kind.as_str().to_owned())),
            ("version", "ReportVersion", Some(number.to_string())),
            ("superseded", "SupersededVersion", supersedes.map(|number| number.to_string())),
            ("reason", "ReportReason", reason.clone()),
            ("as_of", "RecordsAsOf", Some(as_of.to_string())),
            ("ordered_at", "OrderedAt", Some(ordered_at.to_string())),
        ];
        for (name, concept, value) in facts {
            let Some(value) = value else { continue };
            let about = About { account: None, unit: None };
            document.fact(&format!("report.{name}"), concept, &value, about, sheet)?;
        }
        Ok(document)
    }

    /// Ends the account that was begun last.
    fn end_account(&mut self, sheet: &mut Sheet) -> Result<(), ProduceError> {
        let Some(told) = self.account.take().map(|account| account.end(sheet)).transpose()?.flatten() else {
            return Ok(());
        };
        let mut document = self.document(sheet)?;
        telling::tell(&told, self.tolerance, &mut document, sheet)?;
        self.document = Some(document);
        self.keep(&told);
        Ok(())
    }

    fn keep(&mut self, told: &Told) {
        let amounts = self.amounts.entry(told.currency).or_default();
        let values =
            [Some(told.opening), Some(told.credits), Some(told.debits), Some(told.expected), told.difference];
        for (terms, value) in amounts.iter_mut().zip(values) {
            terms.extend(value.map(|value| (value, 1)));
        }
        for (terms, value) in self.counts.iter_mut().zip([told.entries, told.pending, told.breaks]) {
            terms.push((value, 1));
        }
    }

    fn totals(&self, document: &mut Document, sheet: &mut Sheet) -> Result<(), ProduceError> {
        for (currency, amounts) in &self.amounts {
            for (total, terms) in AMOUNTS.iter().zip(amounts) {
                tell(*total, currency.code(), Unit::Money(*currency), terms, document, sheet)?;
            }
        }
        for ((total, terms), things) in COUNTS.iter().zip(&self.counts).zip(["entries", "entries", "breaks"])
        {
            tell(*total, "all", Unit::Count(things), terms, document, sheet)?;
        }
        Ok(())
    }
}

fn tell(
    (name, concept, formula): Total,
    of: &str,
    unit: Unit,
    terms: &[(Value, i8)],
    document: &mut Document,
    sheet: &mut Sheet,
) -> Result<(), ProduceError> {
    let id = format!("{of}.{name}");
    let value = sheet.derive(format!("total/{of}/{name}"), unit, formula, terms, id.clone());
    telling::in_range(value, &id, sheet);
    document.fact(&id, concept, &value.text(), About { account: None, unit: Some(unit) }, sheet)
}

impl Producer for Maker {
    fn wants(&self, _account: &Account) -> bool {
        // A version that withdraws another says so, and nothing of accounts.
        self.basis.kind != VersionKind::Cancellation
    }

    fn account(&mut self, account: &Account, sheet: &mut Sheet) -> Result<(), ProduceError> {
        self.end_account(sheet)?;
        let reference = account.reference.as_str();
        telling::of_xml(reference, reference, sheet);
        if self.last.as_deref() == Some(reference) {
            sheet.remark(Remark {
                rule: "account_twice".into(),
                severity: Severity::Error,
                subject: reference.to_owned(),
                seq: None,
                detail: "there are two accounts of this reference".to_owned(),
            });
        }
        self.last = Some(reference.to_owned());
        self.number += 1;
        self.account = Some(Reckoning::new(account, self.number, self.basis.period, self.tolerance));
        Ok(())
    }

    fn transaction(&mut self, recorded: Recorded<'_>, sheet: &mut Sheet) -> Result<(), ProduceError> {
        match &mut self.account {
            Some(account) => account.take(recorded, sheet),
            None => Ok(()),
        }
    }

    fn finish(&mut self, sheet: &mut Sheet) -> Result<(), ProduceError> {
        self.end_account(sheet)?;
        let mut document = self.document(sheet)?;
        if self.basis.kind != VersionKind::Cancellation {
            self.totals(&mut document, sheet)?;
        }
        document.end(sheet)
    }
}
