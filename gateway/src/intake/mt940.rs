//! MT940 of SWIFT: customer statements, read one at a time.
//!
//! The crate `mt940` reads the fields; this splits the file into statements, says on which lines they are, and
//! takes the text of `:86:` as it stands, since that crate knows SWIFT's own characters alone. A statement with
//! a fault is refused whole, because fields are known by their order.
//!
//! A transaction's reference is the account, the closing balance's date, the statement's number and the
//! servicer's reference (behind `//`), which banks count anew in each, with `/` between them; `#` and the line's
//! number in the statement stands for a servicer's reference that is lacking or not the only one of its kind there.

use std::{collections::HashMap, io::BufRead};

use mt940::{DebitOrCredit, ExtDebitOrCredit, Message, StatementLine, TransactionTypeIdentificationCode};

use super::{
    Item, Pulled, Record,
    lines::Lines,
    statement::{self, Stated, Statement, reference},
};
use crate::domain::{Currency, Direction, Finding, Money, NewTransaction, Status, Text, date};

/// The most bytes of one statement.
const STATEMENT_BYTES: usize = 1 << 20;
/// The most fields of one statement, two for an entry: the crate takes half a kilobyte for each.
const STATEMENT_FIELDS: usize = 10_000;
/// What stands for no reference.
const NONREF: &str = "NONREF";

/// Reads a file as it is asked for what comes next.
#[derive(Debug)]
pub(super) struct Reader<R> {
    lines: Lines<R>,
    block: Block,
    statements: u64,
    waiting: std::collections::VecDeque<Pulled>,
    ended: bool,
}

/// The lines of one statement.
#[derive(Debug, Default)]
struct Block {
    line: u64,
    /// What the crate reads: SWIFT's characters alone.
    text: String,
    /// Of each `:61:`: its line, its offset, and the text of the `:86:` after it.
    entries: Vec<(u64, u64, String)>,
    fields: usize,
    /// Whether the lines at hand belong to a `:86:` of an entry.
    informs: bool,
    /// Whether the closing balance was seen: a `:86:` after it is about the whole statement.
    closed: bool,
    is_too_long: bool,
}

impl<R: BufRead> Reader<R> {
    pub(super) fn new(input: R) -> Self {
        let (block, waiting) = (Block::default(), std::collections::VecDeque::new());
        Self { lines: Lines::new(input), block, statements: 0, waiting, ended: false }
    }

    /// The next record, finding or statement; none at the end.
    pub(super) fn pull(&mut self) -> Option<Pulled> {
        loop {
            if let Some(pulled) = self.waiting.pop_front() {
                return Some(pulled);
            }
            if self.ended {
                return None;
            }
            self.step();
        }
    }

    fn step(&mut self) {
        let line = match self.lines.next_filled() {
            Some(Ok(line)) => line,
            Some(Err(finding)) => {
                // The statement around it can't be trusted.
                self.block.is_too_long = !self.block.text.is_empty();
                self.waiting.push_back(Pulled::Finding(finding));
                return;
            }
            None => {
                self.ended = true;
                self.finish();
                if self.statements == 0 {
                    let detail = "the file has no statement, which begins with :20:";
                    self.waiting.push_back(Pulled::Finding(Finding::on_line(1, "unknown_document", detail)));
                }
                return;
            }
        };
        let (number, offset) = (line.number, line.offset);
        let text = line.text.trim_end();
        if text.starts_with(":20:") {
            let text = text.to_owned();
            self.finish();
            self.block = Block { line: number, ..Block::default() };
            self.block.add(&text, number, offset);
        } else if matches!(text, "-" | "-}") || text.starts_with("-}") {
            self.finish();
        } else if !self.block.text.is_empty() {
            let text = text.to_owned();
            self.block.add(&text, number, offset);
        } else if [":61:", ":60", ":62"].iter().any(|tag| text.starts_with(tag)) {
            let detail = "it stands in no statement, which begins with :20:";
            self.waiting.push_back(Pulled::Finding(Finding::on_line(number, "malformed_mt940", detail)));
        }
    }

    /// Reads the statement that was gathered, if one was.
    fn finish(&mut self) {
        let block = std::mem::take(&mut self.block);
        if block.text.is_empty() {
            return;
        }
        self.statements += 1;
        let path = format!("/{}", self.statements);
        match block.read(&path) {
            Ok(pulled) => self.waiting.extend(pulled),
            Err(findings) => self.waiting.extend(findings.into_iter().map(Pulled::Finding)),
        }
    }
}

impl Block {
    fn add(&mut self, text: &str, line: u64, offset: u64) {
        self.fields += usize::from(text.starts_with(':'));
        if self.text.len() + text.len() > STATEMENT_BYTES || self.fields > STATEMENT_FIELDS {
            self.is_too_long = true;
            return;
        }
        if text.starts_with(":61:") {
            self.entries.push((line, offset, String::new()));
            self.informs = false;
        } else if let Some(first) = text.strip_prefix(":86:") {
            self.informs = !self.closed;
            if self.informs
                && let Some((_, _, information)) = self.entries.last_mut()
            {
                information.push_str(first);
            }
        } else if text.starts_with(':') {
            self.informs = false;
            self.closed |= text.starts_with(":62F:") || text.starts_with(":62M:");
        } else if self.informs
            && let Some((_, _, information)) = self.entries.last_mut()
        {
            information.push(' ');
            information.push_str(text);
        }
        self.text.extend(text.chars().map(|c| if is_swift(c) { c } else { '.' }));
        self.text.push_str("\r\n");
    }

    fn read(&self, path: &str) -> Result<Vec<Pulled>, Vec<Finding>> {
        let refuse = |line, path: &str, code, detail: String| vec![Finding::at(line, path, code, detail)];
        if self.is_too_long {
            let detail = format!(
                "a statement has at most {STATEMENT_BYTES} bytes and {STATEMENT_FIELDS} fields, and lines that can be read"
            );
            return Err(refuse(self.line, path, "statement_too_long", detail));
        }
        self.check_days(path)?;
        let messages = mt940::parse_mt940(&self.text)
            .map_err(|error| refuse(self.line, path, "malformed_mt940", short(&error.to_string())))?;
        let [message] = messages.as_slice() else {
            return Err(refuse(self.line, path, "malformed_mt940", "it is not one statement".to_owned()));
        };
        if message.statement_lines.len() != self.entries.len() {
            return Err(refuse(self.line, path, "malformed_mt940", "an entry cannot be read".to_owned()));
        }
        self.statement(message, path)
    }

    /// The crate takes the day of an entry for one that there is.
    fn check_days(&self, path: &str) -> Result<(), Vec<Finding>> {
        let lines = self.text.split("\r\n").filter_map(|line| line.strip_prefix(":61:"));
        for ((number, _, _), line) in self.entries.iter().zip(lines) {
            let digits = line.bytes().take_while(u8::is_ascii_digit).count();
            if digits < 10 {
                continue;
            }
            if day(&line[..2], &line[6..10]).is_none() {
                let detail = "the calendar has no such day";
                return Err(vec![Finding::at(*number, format!("{path}/61"), "no_such_day", detail)]);
            }
        }
        Ok(())
    }

    fn statement(&self, message: &Message, path: &str) -> Result<Vec<Pulled>, Vec<Finding>> {
        let mut findings = Vec::new();
        let mut statement = Statement::new(self.line, path.to_owned());
        let mut refuse = |tag: &str, error: &dyn std::fmt::Display, code: &'static str| {
            findings.push(Finding::at(self.line, format!("{path}/{tag}"), code, error.to_string()));
        };
        let account = Text::<64>::new(message.account_id.trim());
        let account = account.map_err(|error| refuse("25", &error, "invalid_account")).ok();
        let opening = stated(&message.opening_balance).map_err(|(code, why)| refuse("60", &why, code)).ok();
        let closing = stated(&message.closing_balance).map_err(|(code, why)| refuse("62", &why, code)).ok();
        let (Some(account), Some(opening), Some(closing)) = (account, opening, closing) else {
            return Err(findings);
        };
        statement.id = match &message.sequence_no {
            Some(sequence) => format!("{}/{sequence}", message.statement_no),
            None => message.statement_no.clone(),
        };
        statement.account = account.to_string();
        (statement.opening, statement.closing, statement.closes) = (Some(opening), Some(closing), true);
        let mut uses: HashMap<&str, u32> = HashMap::new();
        for own in message.statement_lines.iter().filter_map(own_reference) {
            *uses.entry(own).or_default() += 1;
        }
        let day = closing.date.strftime("%Y%m%d").to_string();
        let mut pulled = Vec::with_capacity(message.statement_lines.len() + 1);
        for ((index, entry), (line, offset, information)) in
            message.statement_lines.iter().enumerate().zip(&self.entries)
        {
            let own = own_reference(entry).filter(|own| uses[own] == 1).map(ToOwned::to_owned);
            let own = own.unwrap_or_else(|| format!("#{}", index + 1));
            let reference = reference(&[account.as_str(), &day, &statement.id, &own]);
            match transaction(entry, opening.currency, account.clone(), reference, information) {
                Ok(transaction) => {
                    statement.entries += 1;
                    statement.count(&transaction);
                    let item = Item::Transaction(transaction);
                    pulled.push(Pulled::Record(Record { line: *line, offset: *offset, item }));
                }
                Err((tag, code, why)) => {
                    statement.countable = false;
                    pulled.push(Pulled::Finding(Finding::at(*line, format!("{path}/{tag}"), code, why)));
                }
            }
        }
        pulled.push(Pulled::Statement(statement));
        Ok(pulled)
    }
}

/// Why a field can't be taken: its tag, the reason's code, the reason.
type Why = (&'static str, &'static str, String);

fn transaction(
    entry: &StatementLine,
    currency: Currency,
    account: Text<64>,
    reference: Text<64>,
    information: &str,
) -> Result<NewTransaction, Why> {
    use crate::domain::Fault as _;
    let money = Money::parse(&entry.amount.to_string(), currency)
        .map_err(|fault| ("61", fault.code(), fault.to_string()))?;
    let value_date = read_day(&entry.value_date.to_string()).map_err(|(code, why)| ("61", code, why))?;
    let booking_date = match entry.entry_date {
        None => value_date,
        Some(entered) => {
            let entered = read_day(&entered.to_string()).map_err(|(code, why)| ("61", code, why))?;
            near(entered, value_date)
        }
    };
    let customer = entry.customer_ref.trim();
    let information = information.trim();
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Ok(NewTransaction {
        account,
        amount: money,
        balance_after: None,
        bank_transaction_code: Text::new(kind(&entry.transaction_type_ident_code)).ok(),
        booking_date,
        counterparty: None,
        direction: match entry.ext_debit_credit_indicator {
            // RD takes a debit back, which brings money; RC a credit. The crate names them by that.
            ExtDebitOrCredit::Credit | ExtDebitOrCredit::ReverseCredit => Direction::Credit,
            ExtDebitOrCredit::Debit | ExtDebitOrCredit::ReverseDebit => Direction::Debit,
        },
        end_to_end_id: text(customer).filter(|own| own != NONREF).and_then(|own| Text::new(own).ok()),
        purpose: None,
        reference,
        remittance_information: text(information)
            .map(|text| Text::new(text).map_err(|fault| ("86", fault.code(), fault.to_string())))
            .transpose()?,
        revision: None,
        source: None,
        status: Status::Booked,
        value_date: Some(value_date),
    })
}

/// The servicer's own reference of an entry.
fn own_reference(entry: &StatementLine) -> Option<&str> {
    entry.bank_ref.as_deref().map(str::trim).filter(|own| !own.is_empty() && *own != NONREF)
}

/// The kind of transaction, as SWIFT's three letters.
fn kind(code: &TransactionTypeIdentificationCode) -> String {
    match code {
        TransactionTypeIdentificationCode::NonStandard(own) => own.clone(),
        known => format!("{known:?}"),
    }
}

fn stated(balance: &mt940::Balance) -> Result<Stated, (&'static str, String)> {
    use crate::domain::Fault as _;
    let currency =
        Currency::parse(&balance.iso_currency_code).map_err(|fault| (fault.code(), fault.to_string()))?;
    let money = Money::parse(&balance.amount.to_string(), currency)
        .map_err(|fault| (fault.code(), fault.to_string()))?;
    let direction = match balance.debit_credit_indicator {
        DebitOrCredit::Credit => Direction::Credit,
        DebitOrCredit::Debit => Direction::Debit,
    };
    Ok(statement::stated(money, direction, read_day(&balance.date.to_string())?))
}

fn read_day(text: &str) -> Result<jiff::civil::Date, (&'static str, String)> {
    use crate::domain::Fault as _;
    date::parse(text).map_err(|fault| (fault.code(), fault.to_string()))
}

/// A day whose year is not said, in the year in which it is next to another: entries of the turn of the year.
fn near(entered: jiff::civil::Date, value: jiff::civil::Date) -> jiff::civil::Date {
    let away = |day: jiff::civil::Date| (day - value).get_days().unsigned_abs();
    let years = [value.year() - 1, value.year(), value.year() + 1];
    let days = years
        .into_iter()
        .filter_map(|year| date::of(year, entered.month().into(), entered.day().into()).ok());
    days.min_by_key(|day| away(*day)).unwrap_or(entered)
}

/// The day of two digits of a year and four of month and day.
fn day(year: &str, rest: &str) -> Option<jiff::civil::Date> {
    let year: i16 = year.parse().ok()?;
    date::of(2000 + year, rest[..2].parse().ok()?, rest[2..].parse().ok()?).ok()
}

/// The first line of a parser's message, not too long.
fn short(text: &str) -> String {
    let line = text.lines().map(str::trim).rfind(|line| line.len() > 3).unwrap_or("it cannot be read");
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// Whether a character is of SWIFT's set x, with the braces that the crate takes.
fn is_swift(c: char) -> bool {
    c.is_ascii_alphanumeric() || "/-?:().,'+{} ".contains(c) && c != '\''
}

#[cfg(test)]
#[path = "mt940_tests.rs"]
mod tests;
