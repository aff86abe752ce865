//! An entry: one transaction, or those of its batch.

use super::{
    Budget, ENTRY_BYTES,
    head::{Head, amount, day, direction, keep},
    place::{Fields, Value},
    uses::Uses,
};
use crate::{
    domain::{Counterparty, Direction, Finding, Money, NewTransaction, Status, Text},
    intake::{Item, Record, faults::UnknownWord, statement::reference},
};

const ENTRY: &[&str] = &[
    "NtryRef",
    "Amt",
    "CdtDbtInd",
    "Sts",
    "Sts/Cd",
    "BookgDt/Dt",
    "BookgDt/DtTm",
    "ValDt/Dt",
    "ValDt/DtTm",
    "AcctSvcrRef",
    "BkTxCd/Domn/Cd",
    "BkTxCd/Domn/Fmly/Cd",
    "BkTxCd/Domn/Fmly/SubFmlyCd",
    "BkTxCd/Prtry/Cd",
    "AddtlNtryInf",
];
const DETAIL: &[&str] = &[
    "Refs/AcctSvcrRef",
    "Refs/EndToEndId",
    "Amt",
    "AmtDtls/TxAmt/Amt",
    "CdtDbtInd",
    "BkTxCd/Domn/Cd",
    "BkTxCd/Domn/Fmly/Cd",
    "BkTxCd/Domn/Fmly/SubFmlyCd",
    "BkTxCd/Prtry/Cd",
    "RltdPties/Dbtr/Nm",
    "RltdPties/Dbtr/Pty/Nm",
    "RltdPties/DbtrAcct/Id/IBAN",
    "RltdPties/DbtrAcct/Id/Othr/Id",
    "RltdPties/Cdtr/Nm",
    "RltdPties/Cdtr/Pty/Nm",
    "RltdPties/CdtrAcct/Id/IBAN",
    "RltdPties/CdtrAcct/Id/Othr/Id",
    "RltdAgts/DbtrAgt/FinInstnId/BICFI",
    "RltdAgts/DbtrAgt/FinInstnId/BIC",
    "RltdAgts/DbtrAgt/FinInstnId/ClrSysMmbId/MmbId",
    "RltdAgts/DbtrAgt/FinInstnId/Nm",
    "RltdAgts/CdtrAgt/FinInstnId/BICFI",
    "RltdAgts/CdtrAgt/FinInstnId/BIC",
    "RltdAgts/CdtrAgt/FinInstnId/ClrSysMmbId/MmbId",
    "RltdAgts/CdtrAgt/FinInstnId/Nm",
    "Purp/Cd",
    "Purp/Prtry",
    "RmtInf/Ustrd",
    "RmtInf/Strd/CdtrRefInf/Ref",
    "RmtInf/Strd/CdtrRefInf/CdtrRef",
    "AddtlTxInf",
];
/// Kinds of codes: the domain's three parts, and the servicer's own.
const CODES: [&[&str]; 4] =
    [&["BkTxCd/Domn/Cd"], &["BkTxCd/Domn/Fmly/Cd"], &["BkTxCd/Domn/Fmly/SubFmlyCd"], &["BkTxCd/Prtry/Cd"]];

/// An entry as far as it was read.
#[derive(Debug)]
pub(super) struct Entry {
    line: u64,
    offset: u64,
    path: String,
    pub(super) fields: Fields,
    pub(super) details: Vec<Detail>,
    /// How much more may be kept of it.
    pub(super) budget: Budget,
}

/// A transaction within an entry.
#[derive(Debug)]
pub(super) struct Detail {
    line: u64,
    offset: u64,
    /// How deep its element is.
    pub(super) depth: usize,
    pub(super) fields: Fields,
}

impl Detail {
    pub(super) fn new(line: u64, offset: u64, depth: usize) -> Self {
        Self { line, offset, depth, fields: Fields::new(DETAIL) }
    }
}

/// What all transactions of an entry have in common.
struct Common {
    account: Text<64>,
    money: Money,
    direction: Direction,
    status: Status,
    booking_date: jiff::civil::Date,
    value_date: Option<jiff::civil::Date>,
    reference: Text<64>,
}

impl Entry {
    pub(super) fn new(line: u64, offset: u64, path: String) -> Self {
        let fields = Fields::new(ENTRY);
        Self { line, offset, path, fields, details: Vec::new(), budget: Budget(Some(ENTRY_BYTES)) }
    }

    /// The records that it makes, or all of its faults.
    pub(super) fn records(self, head: &mut Head) -> Result<Vec<Record>, Vec<Finding>> {
        let mut findings = Vec::new();
        if self.budget.0.is_none() {
            let detail = "the entry has too many details to be taken";
            return Err(vec![Finding::at(self.line, self.path, "entry_too_large", detail)]);
        }
        let common = self.common(head, &mut findings);
        let Some(common) = common else { return Err(findings) };
        let made = match self.parts(&common) {
            Some(parts) => self.batch(&common, parts, &mut head.uses, &mut findings),
            None => vec![self.single(&common, &mut findings)],
        };
        if findings.is_empty() { Ok(made) } else { Err(findings) }
    }

    fn common(&self, head: &mut Head, findings: &mut Vec<Finding>) -> Option<Common> {
        let at = |name: &str| format!("{}/{name}", self.path);
        let money = amount(self.line, &self.fields, &["Amt"], &at, findings);
        let direction = direction(self.line, &self.fields, &["CdtDbtInd"], &at, findings);
        let status = self.status(&at, findings);
        let before = findings.len();
        let booked = day(&self.fields, &["BookgDt/Dt", "BookgDt/DtTm"], &at, findings);
        let value_date = day(&self.fields, &["ValDt/Dt", "ValDt/DtTm"], &at, findings);
        // What is not on the books yet may lack the day on which it came there.
        let booking_date = match (booked, status) {
            (None, Some(Status::Pending | Status::Information)) => value_date,
            (booked, _) => booked,
        };
        if booking_date.is_none() && findings.len() == before {
            findings.push(Finding::at(self.line, at("BookgDt"), "missing_field", "a value is required"));
        }
        if head.account.is_none() && findings.is_empty() {
            let detail = "its account is not known";
            findings.push(Finding::at(self.line, self.path.clone(), "missing_account", detail));
        }
        let account = head.account.clone();
        let reference = match self.fields.first(&["AcctSvcrRef"]) {
            Some((name, value)) => {
                let own = keep(Text::<64>::new(value.text.as_str()), value.line, || at(name), findings);
                own.zip(account.as_ref()).map(|(own, account)| reference(&[account.as_str(), own.as_str()]))
            }
            None => account.as_ref().map(|account| self.own_reference(account.as_str(), head)),
        };
        // Also when the entry is refused: what is mended later has the same reference.
        let reference = reference.map(|reference| head.uses.own(reference));
        let common = Common {
            account: account?,
            money: money?,
            direction: direction?,
            status: status?,
            booking_date: booking_date?,
            value_date,
            reference: reference?,
        };
        findings.is_empty().then_some(common)
    }

    /// A reference for an entry that the servicer gave none.
    fn own_reference(&self, account: &str, head: &Head) -> Text<64> {
        let statement = head.statement.id.as_str();
        let name = match self.fields.text(&["NtryRef"]) {
            Some(own) => own.to_owned(),
            None => format!("#{}", head.statement.entries),
        };
        match head.page() {
            Some(page) => reference(&[account, statement, page, &name]),
            None => reference(&[account, statement, &name]),
        }
    }

    fn status(&self, at: &impl Fn(&str) -> String, findings: &mut Vec<Finding>) -> Option<Status> {
        let Some((name, value)) = self.fields.first(&["Sts/Cd", "Sts"]) else {
            findings.push(Finding::at(self.line, at("Sts"), "missing_field", "a value is required"));
            return None;
        };
        let status = match value.text.as_str() {
            "BOOK" => Ok(Status::Booked),
            "PDNG" | "FUTR" => Ok(Status::Pending),
            "INFO" => Ok(Status::Information),
            other => Err(UnknownWord::new(other, ["BOOK", "PDNG", "FUTR", "INFO"])),
        };
        keep(status, value.line, || at(name), findings)
    }

    /// The amounts of its details, if there are several, all in its own currency, that make its amount.
    fn parts(&self, common: &Common) -> Option<Vec<(Money, Direction)>> {
        if self.details.len() < 2 {
            return None;
        }
        let mut sum = 0_i128;
        let mut parts = Vec::with_capacity(self.details.len());
        for detail in &self.details {
            let (_, value) = detail.fields.first(&["Amt", "AmtDtls/TxAmt/Amt"])?;
            let own = common.money.currency();
            if value.currency.as_deref() != Some(own.code()) {
                return None;
            }
            let money = Money::parse(&value.text, own).ok()?;
            let direction = match detail.fields.text(&["CdtDbtInd"]) {
                Some("CRDT") => Direction::Credit,
                Some("DBIT") => Direction::Debit,
                Some(_) => return None,
                None => common.direction,
            };
            let along = if direction == common.direction { 1 } else { -1 };
            sum += along * i128::from(money.minor());
            parts.push((money, direction));
        }
        (sum == i128::from(common.money.minor())).then_some(parts)
    }

    fn single(&self, common: &Common, findings: &mut Vec<Finding>) -> Record {
        let one = match self.details.as_slice() {
            [detail] => Some(detail),
            _ => None,
        };
        let money = (common.money, common.direction);
        let transaction = self.transaction(common, one, money, common.reference.clone(), findings);
        Record { line: self.line, offset: self.offset, item: Item::Transaction(transaction) }
    }

    fn batch(
        &self,
        common: &Common,
        parts: Vec<(Money, Direction)>,
        uses: &mut Uses,
        findings: &mut Vec<Finding>,
    ) -> Vec<Record> {
        let mut records = Vec::with_capacity(parts.len());
        for ((number, detail), money) in (1..).zip(&self.details).zip(parts) {
            let own = detail.fields.text(&["Refs/AcctSvcrRef"]).and_then(|own| Text::<64>::new(own).ok());
            let own = own.map(|own| reference(&[common.account.as_str(), own.as_str()]));
            let reference = match own.filter(|own| uses.is_first(own)) {
                Some(own) => own,
                None => uses.own(reference(&[common.reference.as_str(), &format!("{number}")])),
            };
            let transaction = self.transaction(common, Some(detail), money, reference, findings);
            let (line, offset) = (detail.line, detail.offset);
            records.push(Record { line, offset, item: Item::Transaction(transaction) });
        }
        records
    }

    fn transaction(
        &self,
        common: &Common,
        detail: Option<&Detail>,
        (amount, direction): (Money, Direction),
        reference: Text<64>,
        findings: &mut Vec<Finding>,
    ) -> NewTransaction {
        let number = detail.and_then(|one| self.details.iter().position(|other| std::ptr::eq(one, other)));
        let within = format!("{}/NtryDtls/TxDtls[{}]", self.path, number.unwrap_or_default() + 1);
        let of_detail = |names: &[&'static str]| detail.and_then(|detail| detail.fields.first(names));
        let information = of_detail(&["RmtInf/Ustrd", "RmtInf/Strd/CdtrRefInf/Ref"])
            .or_else(|| of_detail(&["RmtInf/Strd/CdtrRefInf/CdtrRef", "AddtlTxInf"]))
            .map(|found| (within.as_str(), found))
            .or_else(|| self.fields.first(&["AddtlNtryInf"]).map(|found| (self.path.as_str(), found)));
        let end_to_end = of_detail(&["Refs/EndToEndId"]).map(|found| (within.as_str(), found));
        let purpose = of_detail(&["Purp/Cd", "Purp/Prtry"]).map(|found| (within.as_str(), found));
        NewTransaction {
            account: common.account.clone(),
            amount,
            balance_after: None,
            bank_transaction_code: code(&self.fields)
                .or_else(|| detail.and_then(|detail| code(&detail.fields)))
                .and_then(|code| Text::new(code).ok()),
            booking_date: common.booking_date,
            counterparty: detail.and_then(|detail| counterparty(detail, direction, &within, findings)),
            direction,
            end_to_end_id: text(end_to_end, findings),
            purpose: text(purpose, findings),
            reference,
            remittance_information: text(information, findings),
            revision: None,
            source: None,
            status: common.status,
            value_date: common.value_date,
        }
    }
}

/// The text of an element, or a finding.
fn text<const MAX: usize>(
    found: Option<(&str, (&'static str, &Value))>,
    findings: &mut Vec<Finding>,
) -> Option<Text<MAX>> {
    let (path, (name, value)) = found?;
    // Line breaks within an element are white space like any other there.
    let text: String = value.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    keep(Text::new(text), value.line, || format!("{path}/{name}"), findings)
}

/// The bank transaction code: ISO 20022's, or the servicer's own.
fn code(fields: &Fields) -> Option<String> {
    let [domain, family, sub_family, own] = CODES.map(|names| fields.text(names));
    match (domain, family, sub_family) {
        (Some(domain), Some(family), Some(sub_family)) => Some(format!("{domain}-{family}-{sub_family}")),
        _ => own.map(ToOwned::to_owned),
    }
}

/// Who is on the other side: who paid what came, who got what went.
fn counterparty(
    detail: &Detail,
    direction: Direction,
    path: &str,
    findings: &mut Vec<Finding>,
) -> Option<Counterparty> {
    let first = |names: &[&'static str]| detail.fields.first(names).map(|found| (path, found));
    let (name, account, agent) = match direction {
        Direction::Credit => (
            first(&["RltdPties/Dbtr/Pty/Nm", "RltdPties/Dbtr/Nm"]),
            first(&["RltdPties/DbtrAcct/Id/IBAN", "RltdPties/DbtrAcct/Id/Othr/Id"]),
            first(&[
                "RltdAgts/DbtrAgt/FinInstnId/BICFI",
                "RltdAgts/DbtrAgt/FinInstnId/BIC",
                "RltdAgts/DbtrAgt/FinInstnId/ClrSysMmbId/MmbId",
                "RltdAgts/DbtrAgt/FinInstnId/Nm",
            ]),
        ),
        Direction::Debit => (
            first(&["RltdPties/Cdtr/Pty/Nm", "RltdPties/Cdtr/Nm"]),
            first(&["RltdPties/CdtrAcct/Id/IBAN", "RltdPties/CdtrAcct/Id/Othr/Id"]),
            first(&[
                "RltdAgts/CdtrAgt/FinInstnId/BICFI",
                "RltdAgts/CdtrAgt/FinInstnId/BIC",
                "RltdAgts/CdtrAgt/FinInstnId/ClrSysMmbId/MmbId",
                "RltdAgts/CdtrAgt/FinInstnId/Nm",
            ]),
        ),
    };
    let (name, account, agent) = (text(name, findings), text(account, findings), text(agent, findings));
    Counterparty { account, agent, name }.known()
}
