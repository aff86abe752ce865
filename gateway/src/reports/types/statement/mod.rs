//! `account-statement`: what happened on accounts in a day, a month, a quarter or a year, as ISO 20022 camt.053.001.08
//! (`BankToCustomerStatement`).
//!
//! One `Stmt` an account, with the booked entries. Balances are those that the servicer recorded with its entries;
//! where recorded balances don't follow from the entries, the statement says by how much, and each entry at which
//! that begins is remarked. Balances stand before entries in the schema, so an account's entries wait in a file.

mod account;
mod entry;
mod xml;

use std::{collections::BTreeSet, io::Write as _};

use self::{account::Statement, xml::Xml};
use super::super::{
    Basis, Definition, Granularity, Parameter, ProduceError, Producer, Reach, Recorded, Sheet, VersionKind,
};
use crate::domain::{Account, Currency};

const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08";

/// The type.
pub static DEFINITION: Definition = Definition {
    name: "account-statement",
    title: "Account statement",
    standard: "ISO 20022 camt.053.001.08",
    periods: &[Granularity::Day, Granularity::Month, Granularity::Quarter, Granularity::Year],
    media_type: "application/xml",
    extension: "xml",
    file_name: None,
    parameters: &[
        Parameter {
            name: "accounts",
            description: "The accounts that it is about, by their references, separated by spaces; all unless told.",
            required: false,
            example: "DE04000000000000000576",
            check: |value| match value.split(' ').all(|reference| (1..=64).contains(&reference.len())) {
                true => Ok(()),
                false => Err("these must be references of accounts with one space between them".to_owned()),
            },
        },
        Parameter {
            name: "tolerance",
            description: "By how much a recorded balance may differ from what follows without a remark, where a source rounds: a decimal in each account's currency. Nought unless told.",
            required: false,
            example: "0.10",
            check: |value| match decimal(value, 4) {
                Some(_) => Ok(()),
                None => Err("this must be a decimal such as 0.10".to_owned()),
            },
        },
    ],
    validators: &["xsd"],
    files: &[],
    kinds: &[VersionKind::New, VersionKind::Correction, VersionKind::Cancellation],
    adjustable: true,
    reach: Reach::FromLastBalance,
    needs_earlier: false,
    maker: |basis| Box::new(Maker::new(basis)),
};

struct Maker {
    basis: Basis,
    accounts: Option<Vec<String>>,
    /// Accounts that were named and have not come.
    unseen: BTreeSet<String>,
    tolerance: String,
    began: bool,
    /// Statements that are written.
    written: usize,
    open: Option<Statement>,
}

impl Maker {
    fn new(basis: &Basis) -> Self {
        let accounts: Option<Vec<String>> =
            basis.parameter("accounts").map(|told| told.split(' ').map(str::to_owned).collect());
        let unseen = accounts.iter().flatten().cloned().collect();
        let tolerance = basis.parameter("tolerance").unwrap_or("0").to_owned();
        Self { basis: basis.clone(), accounts, unseen, tolerance, began: false, written: 0, open: None }
    }

    /// The message's header, once.
    fn begin(&mut self, sheet: &mut Sheet) -> Result<(), ProduceError> {
        if std::mem::replace(&mut self.began, true) {
            return Ok(());
        }
        let Basis { number, ordered_at, .. } = &self.basis;
        write!(sheet, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"{NAMESPACE}\">")?;
        let mut xml = Xml::new(sheet);
        xml.open("BkToCstmrStmt")?;
        xml.open("GrpHdr")?;
        xml.text("MsgId", &self.basis.id(*number, "message").simple().to_string())?;
        xml.text("CreDtTm", &ordered_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())?;
        if let Some(said) = self.said() {
            xml.text("AddtlInf", &said)?;
        }
        xml.close("GrpHdr")?;
        Ok(())
    }

    /// How the message stands to the one before.
    fn said(&self) -> Option<String> {
        let Basis { kind, supersedes, reason, .. } = &self.basis;
        let does = match kind {
            VersionKind::Correction => "Takes the place of",
            VersionKind::Cancellation => "Withdraws",
            VersionKind::New | VersionKind::NothingToReport => return None,
        };
        let before = self.basis.id((*supersedes)?, "message").simple();
        let said = format!("{does} message {before}: {}", reason.as_deref().unwrap_or_default());
        Some(said.chars().take(500).collect())
    }

    fn end_account(&mut self, sheet: &mut Sheet) -> Result<(), ProduceError> {
        let Some(statement) = self.open.take() else { return Ok(()) };
        self.written += 1;
        statement.write(self.written, &self.basis, sheet)
    }
}

impl Producer for Maker {
    fn wants(&self, account: &Account) -> bool {
        let named = |accounts: &Vec<String>| accounts.iter().any(|it| it == account.reference.as_str());
        let is_open = account.opened_on.is_none_or(|day| day <= self.basis.period.last);
        is_open && self.accounts.as_ref().is_none_or(named)
    }

    fn account(&mut self, account: &Account, sheet: &mut Sheet) -> Result<(), ProduceError> {
        self.begin(sheet)?;
        self.end_account(sheet)?;
        let tolerance = decimal(&self.tolerance, account.currency.exponent()).unwrap_or(0);
        self.unseen.remove(account.reference.as_str());
        self.open = Some(Statement::begin(account, self.basis.period, tolerance, sheet)?);
        Ok(())
    }

    fn transaction(&mut self, recorded: Recorded<'_>, sheet: &mut Sheet) -> Result<(), ProduceError> {
        match &mut self.open {
            Some(statement) => statement.take(recorded, sheet),
            None => Ok(()),
        }
    }

    fn finish(&mut self, sheet: &mut Sheet) -> Result<(), ProduceError> {
        self.begin(sheet)?;
        self.end_account(sheet)?;
        for reference in std::mem::take(&mut self.unseen) {
            account::remark_unknown(reference, sheet);
        }
        if self.written == 0 {
            account::remark_none(sheet);
        }
        sheet.write_all(b"</BkToCstmrStmt></Document>\n")?;
        Ok(())
    }
}

/// A decimal as a number of the smallest unit that has so many decimals; more are cut off.
fn decimal(text: &str, decimals: u32) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |text: &str| (1..=12).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit());
    if !is_digits(whole) || !is_digits(part) || part.len() > 4 {
        return None;
    }
    let part: String = part.chars().chain(std::iter::repeat('0')).take(decimals as usize).collect();
    format!("{whole}{part}").parse().ok()
}

/// What an account is kept in, as a unit of figures.
fn unit(currency: Currency) -> super::super::Unit {
    super::super::Unit::Money(currency)
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn a_tolerance_is_a_decimal() {
        assert_eq!(decimal("0.10", 2), Some(10));
        assert_eq!(decimal("1", 2), Some(100));
        assert_eq!(decimal("1.239", 2), Some(123));
        assert_eq!(decimal("5.5", 0), Some(5));
        for text in ["", ".", "1.", "-1", "1e3", "0.00001", "1,5"] {
            assert_eq!(decimal(text, 2), None, "{text}");
        }
    }
}
