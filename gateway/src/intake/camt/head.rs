//! What a statement says before its entries: id, account, balances.

use super::{
    place::{Fields, Value},
    uses::Uses,
};
use crate::{
    domain::{Currency, Direction, Fault, Finding, Money, NewAccount, Text, date},
    intake::{
        faults::UnknownWord,
        statement::{self, Stated, Statement},
    },
};

const FIELDS: &[&str] = &[
    "Id",
    "StmtPgntn/PgNb",
    "RptPgntn/PgNb",
    "NtfctnPgntn/PgNb",
    "Acct/Id/IBAN",
    "Acct/Id/Othr/Id",
    // Version 1.
    "Acct/Id/PrtryAcct/Id",
    "Acct/Ccy",
    "Acct/Nm",
    "Acct/Ownr/Nm",
    "Acct/Svcr/FinInstnId/BICFI",
    "Acct/Svcr/FinInstnId/BIC",
    "Acct/Svcr/FinInstnId/ClrSysMmbId/MmbId",
    "Acct/Svcr/FinInstnId/Nm",
];
const BALANCE: &[&str] =
    &["Bal/Tp/CdOrPrtry/Cd", "Bal/Tp/Cd", "Bal/Amt", "Bal/CdtDbtInd", "Bal/Dt/Dt", "Bal/Dt/DtTm"];

/// A statement's head as far as it was read.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) statement: Statement,
    pub(super) account: Option<Text<64>>,
    /// The references that its entries used.
    pub(super) uses: Uses,
    fields: Fields,
    balance: Option<(u64, Fields)>,
    balances: u64,
    /// How well the balances that were taken fit: the least is the best.
    ranks: (u8, u8),
}

impl Head {
    pub(super) fn new(line: u64, path: String) -> Self {
        Self {
            statement: Statement::new(line, path),
            account: None,
            uses: Uses::default(),
            fields: Fields::new(FIELDS),
            balance: None,
            balances: 0,
            ranks: (u8::MAX, u8::MAX),
        }
    }

    /// Keeps a value; what is found is an id that is no text.
    pub(super) fn keep(&mut self, name: &str, value: Value) -> Option<Finding> {
        if let Some((_, fields)) = &mut self.balance {
            fields.keep(name, value);
            return None;
        }
        let mut finding = None;
        if name == "Id" {
            match Text::<64>::new(value.text.as_str()) {
                Ok(id) => self.statement.id = id.into_string(),
                Err(fault) => {
                    let path = format!("{}/Id", self.statement.path);
                    finding = Some(Finding::of(value.line, path, &fault));
                }
            }
        }
        self.fields.keep(name, value);
        finding
    }

    /// The number of the page, for a statement that is told in several.
    pub(super) fn page(&self) -> Option<&str> {
        self.fields.text(&["StmtPgntn/PgNb", "RptPgntn/PgNb", "NtfctnPgntn/PgNb"])
    }

    /// The account, once all of it was read; none when its currency is not said.
    pub(super) fn account(&mut self) -> Result<Option<NewAccount>, Vec<Finding>> {
        let path = |name: &str| format!("{}/{name}", self.statement.path);
        let mut findings = Vec::new();
        let id = self.fields.first(&["Acct/Id/IBAN", "Acct/Id/Othr/Id", "Acct/Id/PrtryAcct/Id"]);
        match id {
            None => {
                let (line, detail) = (self.statement.line, "a value is required");
                findings.push(Finding::at(line, path("Acct/Id"), "missing_field", detail));
            }
            Some((name, value)) => match Text::new(value.text.as_str()) {
                Ok(text) => self.account = Some(text),
                Err(fault) => findings.push(Finding::of(value.line, path(name), &fault)),
            },
        }
        let currency = match self.fields.first(&["Acct/Ccy"]).map(|(name, value)| {
            Currency::parse(&value.text).map_err(|fault| Finding::of(value.line, path(name), &fault))
        }) {
            Some(Err(finding)) => {
                findings.push(finding);
                None
            }
            Some(Ok(currency)) => Some(currency),
            None => None,
        };
        if !findings.is_empty() {
            return Err(findings);
        }
        let Some(reference) = self.account.clone() else { return Ok(None) };
        self.statement.account = reference.to_string();
        Ok(currency.map(|currency| NewAccount {
            currency,
            name: self.short(&["Acct/Nm", "Acct/Ownr/Nm"]),
            opened_on: None,
            reference,
            servicer: self.short(&[
                "Acct/Svcr/FinInstnId/BICFI",
                "Acct/Svcr/FinInstnId/BIC",
                "Acct/Svcr/FinInstnId/ClrSysMmbId/MmbId",
                "Acct/Svcr/FinInstnId/Nm",
            ]),
        }))
    }

    /// A text that is told along when it fits.
    fn short<const MAX: usize>(&self, names: &[&'static str]) -> Option<Text<MAX>> {
        Text::new(self.fields.text(names)?).ok()
    }

    pub(super) fn begin_balance(&mut self, line: u64) {
        self.balances += 1;
        self.balance = Some((line, Fields::new(BALANCE)));
    }

    /// Takes the balance that was read, if it is one that entries are checked against.
    pub(super) fn end_balance(&mut self) -> Vec<Finding> {
        let Some((line, fields)) = self.balance.take() else { return Vec::new() };
        let path = format!("{}/Bal[{}]", self.statement.path, self.balances);
        let mut findings = Vec::new();
        let stated = balance(line, &path, &fields, &mut findings);
        let Some(stated) = stated else { return findings };
        // The balance before the entries, and the one after them; of several the first named here.
        let (opening, closing) = match fields.text(&["Bal/Tp/CdOrPrtry/Cd", "Bal/Tp/Cd"]) {
            Some("OPBD") => (0, u8::MAX),
            Some("PRCD") => (1, u8::MAX),
            Some("CLBD") => (u8::MAX, 0),
            Some("ITBD") => (u8::MAX, 1),
            _ => (u8::MAX, u8::MAX),
        };
        self.statement.closes |= closing == 0;
        if opening < self.ranks.0 {
            self.ranks.0 = opening;
            self.statement.opening = Some(stated);
        }
        if closing < self.ranks.1 {
            self.ranks.1 = closing;
            self.statement.closing = Some(stated);
        }
        findings
    }
}

/// A balance, if all of it is there.
fn balance(line: u64, path: &str, fields: &Fields, findings: &mut Vec<Finding>) -> Option<Stated> {
    let at = |name: &str| format!("{path}/{}", name.trim_start_matches("Bal/"));
    let money = amount(line, fields, &["Bal/Amt"], &at, findings);
    let direction = direction(line, fields, &["Bal/CdtDbtInd"], &at, findings);
    let day = day(fields, &["Bal/Dt/Dt", "Bal/Dt/DtTm"], &at, findings);
    if day.is_none() && findings.is_empty() {
        findings.push(Finding::at(line, at("Dt"), "missing_field", "a value is required"));
    }
    Some(statement::stated(money?, direction?, day?))
}

/// The amount in one of these elements.
pub(super) fn amount(
    line: u64,
    fields: &Fields,
    names: &[&'static str],
    at: &impl Fn(&str) -> String,
    findings: &mut Vec<Finding>,
) -> Option<Money> {
    let Some((name, value)) = fields.first(names) else {
        findings.push(Finding::at(line, at(names[0]), "missing_field", "a value is required"));
        return None;
    };
    let Some(code) = &value.currency else {
        let path = format!("{}/@Ccy", at(name));
        findings.push(Finding::at(value.line, path, "missing_field", "a value is required"));
        return None;
    };
    let currency = keep(Currency::parse(code), value.line, || format!("{}/@Ccy", at(name)), findings)?;
    keep(Money::parse(&value.text, currency), value.line, || at(name), findings)
}

/// The direction in one of these elements.
pub(super) fn direction(
    line: u64,
    fields: &Fields,
    names: &[&'static str],
    at: &impl Fn(&str) -> String,
    findings: &mut Vec<Finding>,
) -> Option<Direction> {
    let Some((name, value)) = fields.first(names) else {
        findings.push(Finding::at(line, at(names[0]), "missing_field", "a value is required"));
        return None;
    };
    let direction = match value.text.as_str() {
        "CRDT" => Ok(Direction::Credit),
        "DBIT" => Ok(Direction::Debit),
        other => Err(UnknownWord::new(other, ["CRDT", "DBIT"])),
    };
    keep(direction, value.line, || at(name), findings)
}

/// The day in one of these elements: of a time, the day that it says, in the zone that it says.
pub(super) fn day(
    fields: &Fields,
    names: &[&'static str],
    at: &impl Fn(&str) -> String,
    findings: &mut Vec<Finding>,
) -> Option<jiff::civil::Date> {
    let (name, value) = fields.first(names)?;
    let text = value.text.as_str();
    let of_time = || text.split_once('T').map_or(text, |(day, _)| day);
    // XML Schema lets a date have a zone.
    let day = if name.ends_with("DtTm") { of_time() } else { text.get(..10).unwrap_or(text) };
    keep(date::parse(day), value.line, || at(name), findings)
}

/// The value, or none and a finding.
pub(super) fn keep<T, F: Fault>(
    result: Result<T, F>,
    line: u64,
    path: impl FnOnce() -> String,
    findings: &mut Vec<Finding>,
) -> Option<T> {
    result.map_err(|fault| findings.push(Finding::of(line, path(), &fault))).ok()
}
