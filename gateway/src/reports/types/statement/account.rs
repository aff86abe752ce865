//! One account's statement: `Stmt`.

use std::{
    fs::File,
    io::{self, BufWriter, Seek as _, Write as _},
};

use super::{
    super::super::{
        Basis, Leaf, Period, ProduceError, Recorded, Remark, Severity, Sheet, Value,
        running::{Running, Step},
    },
    entry::{self, agent_element, id_element, side},
    unit,
    xml::Xml,
};
use crate::domain::{Account, Direction, Status};

/// Entries before the period that wait for one with a balance; more are added as they are.
const ANCHOR_MAX: usize = 1_000;

/// A statement that entries come in for.
pub(super) struct Statement {
    account: Account,
    period: Period,
    tolerance: i64,
    running: Running,
    /// What the opening balance is made of, as long as a later balance may take its place.
    anchor: Vec<(u64, i64)>,
    /// Whether some of it was added.
    settled: bool,
    /// Whether the opening balance is known: the period has begun.
    opened: bool,
    opening: Leaf,
    /// What the period's entries before the first balance that is known add up to.
    unanchored: i128,
    credits: Leaf,
    debits: Leaf,
    differences: Leaf,
    counts: [u64; 2],
    breaks: u64,
    entries: BufWriter<File>,
}

impl Statement {
    pub(super) fn begin(
        account: &Account,
        period: Period,
        tolerance: i64,
        sheet: &mut Sheet,
    ) -> Result<Self, ProduceError> {
        let reference = account.reference.as_str();
        if reference.chars().count() > 34 {
            sheet.remark(Remark {
                rule: "account_reference_too_long".into(),
                severity: Severity::Error,
                subject: reference.to_owned(),
                seq: None,
                detail: "an account's id has 34 characters at most in camt.053 (Max34Text)".to_owned(),
            });
        }
        let mut open = |name: &str, formula: &'static str| {
            sheet.open(format!("{reference}/{name}"), unit(account.currency), formula)
        };
        Ok(Self {
            period,
            tolerance,
            running: Running::new(tolerance),
            anchor: Vec::new(),
            settled: false,
            opened: false,
            opening: open(
                "opening_balance",
                "the last balance recorded before the period and the booked entries after it, or what the first one in it implies",
            ),
            unanchored: 0,
            credits: open("credits", "the sum of the period's booked credit entries"),
            debits: open("debits", "the sum of the period's booked debit entries"),
            differences: open(
                "differences",
                "by how much balances recorded in the period differ from what the one before and the entry make",
            ),
            counts: [0, 0],
            breaks: 0,
            entries: BufWriter::new(tempfile::tempfile()?),
            account: account.clone(),
        })
    }

    pub(super) fn take(&mut self, recorded: Recorded<'_>, sheet: &mut Sheet) -> Result<(), ProduceError> {
        let transaction = recorded.transaction;
        if transaction.status != Status::Booked || transaction.booking_date > self.period.last {
            return Ok(());
        }
        if transaction.booking_date >= self.period.first && !self.opened {
            let steps = self.running.end();
            self.steps(steps, sheet);
            self.settle_opening(sheet);
            self.opened = true;
        }
        let steps = self.running.take(recorded.seq, transaction);
        self.steps(steps, sheet);
        if self.period.has(transaction.booking_date) {
            let minor = transaction.amount.minor();
            let is_debit = transaction.direction == Direction::Debit;
            let leaf = if is_debit { &mut self.debits } else { &mut self.credits };
            sheet.add(leaf, recorded.seq, minor);
            self.counts[usize::from(is_debit)] += 1;
            entry::write(&mut self.entries, transaction)?;
        }
        Ok(())
    }

    /// Takes what is known of the order of entries.
    fn steps(&mut self, steps: Vec<Step>, sheet: &mut Sheet) {
        for step in steps {
            if self.period.has(step.day) {
                self.step(&step, sheet);
            } else {
                self.before(&step, sheet);
            }
        }
    }

    /// Takes an entry before the period. One with a balance stands for all before it, as long as these were not
    /// added; then it makes up for the difference.
    fn before(&mut self, step: &Step, sheet: &mut Sheet) {
        match (step.recorded, self.settled) {
            (Some(balance), false) => self.anchor = vec![(step.seq, balance)],
            (Some(balance), true) => {
                self.settle_opening(sheet);
                let missing = i128::from(balance) - self.opening.amount();
                sheet.add(&mut self.opening, step.seq, i64::try_from(missing).unwrap_or_default());
            }
            (None, _) => self.anchor.push((step.seq, step.amount)),
        }
        if self.anchor.len() > ANCHOR_MAX {
            self.settle_opening(sheet);
        }
    }

    fn step(&mut self, step: &Step, sheet: &mut Sheet) {
        let Some(before) = step.before else {
            // The first balance that is known of the account: the period's entries led to it from the opening.
            match step.recorded {
                None => self.unanchored += i128::from(step.amount),
                Some(recorded) => {
                    let opening = i128::from(recorded) - i128::from(step.amount) - self.unanchored;
                    let missing = i64::try_from(opening - self.opening.amount()).unwrap_or_default();
                    if missing != 0 {
                        sheet.add(&mut self.opening, step.seq, missing);
                    }
                }
            }
            return;
        };
        let difference = step.difference();
        let Some(by) = i64::try_from(difference).ok().filter(|by| *by != 0) else { return };
        sheet.add(&mut self.differences, step.seq, by);
        if by.abs() > self.tolerance {
            self.breaks += 1;
            let text = |amount| unit(self.account.currency).text(amount);
            let (expected, after) = (text(before + i128::from(step.amount)), step.after().map(text));
            let detail = format!(
                "after entry {} of {} the balance is {expected}, and {} is recorded",
                step.reference,
                step.day,
                after.unwrap_or_default()
            );
            sheet.remark(Remark {
                rule: "running_balance_differs".into(),
                severity: Severity::Warning,
                subject: self.account.reference.as_str().to_owned(),
                seq: Some(step.seq.to_string()),
                detail,
            });
        }
    }

    fn settle_opening(&mut self, sheet: &mut Sheet) {
        self.settled = true;
        for (seq, amount) in std::mem::take(&mut self.anchor) {
            sheet.add(&mut self.opening, seq, amount);
        }
    }

    /// Writes it as the message's `nth` statement.
    pub(super) fn write(mut self, nth: usize, basis: &Basis, sheet: &mut Sheet) -> Result<(), ProduceError> {
        let steps = self.running.end();
        self.steps(steps, sheet);
        self.settle_opening(sheet);
        let at = |rest: &str| format!("/Document/BkToCstmrStmt/Stmt[{nth}]/{rest}");
        let (reference, currency) = (self.account.reference.as_str().to_owned(), self.account.currency);
        let [credit_count, debit_count] = self.counts;
        let opening = sheet.close(self.opening, at("Bal[1]/Amt"));
        let credits = sheet.close(self.credits, at("TxsSummry/TtlCdtNtries/Sum"));
        let debits = sheet.close(self.debits, at("TxsSummry/TtlDbtNtries/Sum"));
        let differences = sheet.close(self.differences, at("AddtlStmtInf"));
        let closing = sheet.derive(
            format!("{reference}/closing_balance"),
            unit(currency),
            "opening balance + credits - debits + differences",
            &[(opening, 1), (credits, 1), (debits, -1), (differences, 1)],
            at("Bal[2]/Amt"),
        );
        let net = sheet.derive(
            format!("{reference}/net"),
            unit(currency),
            "credits - debits",
            &[(credits, 1), (debits, -1)],
            at("TxsSummry/TtlNtries/TtlNetNtry/Amt"),
        );
        let mut xml = Xml::new(sheet);
        xml.open("Stmt")?;
        xml.text("Id", &basis.id(1, &format!("statement/{reference}")).simple().to_string())?;
        xml.text("ElctrncSeqNb", &basis.number.to_string())?;
        xml.text("CreDtTm", &basis.ordered_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())?;
        xml.open("FrToDt")?;
        xml.text("FrDtTm", &format!("{}T00:00:00", self.period.first))?;
        xml.text("ToDtTm", &format!("{}T23:59:59", self.period.last))?;
        xml.close("FrToDt")?;
        write_account(&mut xml, &self.account)?;
        write_balance(&mut xml, "OPBD", opening, self.period.first)?;
        write_balance(&mut xml, "CLBD", closing, self.period.last)?;
        xml.open("TxsSummry")?;
        xml.open("TtlNtries")?;
        xml.text("NbOfNtries", &(credit_count + debit_count).to_string())?;
        xml.open("TtlNetNtry")?;
        xml.text("Amt", &net.unit.text(net.amount.abs()))?;
        xml.text("CdtDbtInd", side(net.amount < 0))?;
        xml.close("TtlNetNtry")?;
        xml.close("TtlNtries")?;
        for (name, count, sum) in
            [("TtlCdtNtries", credit_count, credits), ("TtlDbtNtries", debit_count, debits)]
        {
            xml.open(name)?;
            xml.text("NbOfNtries", &count.to_string())?;
            xml.text("Sum", &sum.text())?;
            xml.close(name)?;
        }
        xml.close("TxsSummry")?;
        let sheet = xml.into_inner();
        let mut entries = self.entries.into_inner().map_err(io::IntoInnerError::into_error)?;
        entries.rewind()?;
        io::copy(&mut entries, sheet)?;
        if differences.amount != 0 || self.breaks != 0 {
            let said = format!(
                "Recorded balances differ from the entries by {} in all; {} beyond the tolerance.",
                differences.text(),
                self.breaks
            );
            Xml::new(&mut *sheet).text("AddtlStmtInf", &said)?;
        }
        sheet.write_all(b"</Stmt>")?;
        Ok(())
    }
}

fn write_account(xml: &mut Xml<&mut Sheet>, account: &Account) -> io::Result<()> {
    let reference = account.reference.as_str();
    xml.open("Acct")?;
    xml.nested(&format!("Id/{}", id_element(reference)), reference)?;
    xml.text("Ccy", account.currency.code())?;
    if let Some(name) = &account.name {
        xml.text("Nm", name.as_str())?;
    }
    if let Some(servicer) = &account.servicer {
        let element = format!("Svcr/FinInstnId/{}", agent_element(servicer.as_str()));
        xml.nested(&element, servicer.as_str())?;
    }
    xml.close("Acct")
}

fn write_balance(
    xml: &mut Xml<&mut Sheet>,
    code: &str,
    balance: Value,
    day: jiff::civil::Date,
) -> io::Result<()> {
    xml.open("Bal")?;
    xml.nested("Tp/CdOrPrtry/Cd", code)?;
    xml.amount(&balance.unit.text(balance.amount.abs()), balance.unit.name())?;
    xml.text("CdtDbtInd", side(balance.amount < 0))?;
    xml.nested("Dt/Dt", &day.to_string())?;
    xml.close("Bal")
}

/// Says that there was no account to write a statement about.
pub(super) fn remark_none(sheet: &mut Sheet) {
    sheet.remark(Remark {
        rule: "no_account".into(),
        severity: Severity::Error,
        subject: "accounts".to_owned(),
        seq: None,
        detail: "there is no account to write a statement about, and a message has one at least".to_owned(),
    });
}

/// Says that an account that was named is not among those that the institution has in the period.
pub(super) fn remark_unknown(reference: String, sheet: &mut Sheet) {
    sheet.remark(Remark {
        rule: "unknown_account".into(),
        severity: Severity::Warning,
        subject: reference,
        seq: None,
        detail: "there is no such account, or it was opened after the period".to_owned(),
    });
}
