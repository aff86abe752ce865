//! camt.052, camt.053 and camt.054 of ISO 20022, in every version: reports, statements, notifications.
//!
//! One reader for all versions: it goes by local names, and knows where each version has what is looked for.
//! Elements that it does not look for are passed over.
//!
//! An `Ntry` is one transaction, or as many as it has `TxDtls` when there are several, each with an amount in
//! the entry's currency, that together make the entry's amount. A transaction's reference begins with the account,
//! since servicers number within one: after it comes the entry's `AcctSvcrRef`, or without one the statement's id
//! and the `NtryRef`, or `#` and the entry's number, with `/` between them; the parts of a batch have theirs, or `/`
//! and their number after the entry's.
//! By `AcctSvcrRef` an entry is known again in another message: the booked one of a statement takes the place of the
//! pending one that an intraday report told, and a report that comes late changes nothing. Without it they are two
//! transactions.
//! What a statement uses again gets `/2`, `/3` and so on, in the order of the file: two equal entries are two
//! transactions, and the same two when the file comes again (see [`reference`](super::statement::reference) for what is too long).
//!
//! Memory is flat whatever comes: a piece of markup or text has at most [`PIECE_BYTES`], an element's text and
//! an entry have limits, elements are at most 64 deep, and there is no DTD and no entity but XML's own five.
//! Once one of these does not hold, or the document is not well-formed, nothing more is read.

mod entry;
mod head;
mod place;
mod uses;

use std::{
    collections::{HashSet, VecDeque},
    io::BufRead,
};

use quick_xml::{
    Error, Reader as Xml,
    events::{BytesStart, Event},
};

use self::{
    entry::{Detail, Entry},
    head::Head,
    place::{DEPTH_MAX, Place, Value},
};
use super::{Item, Pulled, Record, metered::Metered};
use crate::domain::Finding;

/// The most bytes of one tag, one comment or one run of text.
const PIECE_BYTES: usize = 64 * 1024;
/// The most bytes of an element's text, put together.
const TEXT_BYTES: usize = 16 * 1024;
/// The most bytes that are kept of an element's text: more than any field takes, so that what is longer is
/// refused as too long.
const VALUE_BYTES: usize = 4 * 1024;
/// The most bytes of an element's name.
const NAME_BYTES: usize = 128;
/// The most bytes that are kept of one entry with all of its details, which are some 5,000 then.
const ENTRY_BYTES: usize = 6 << 20;
/// What keeping a value, or a detail, takes besides its text.
const OVERHEAD_BYTES: usize = 128;
/// Accounts of a file that are remembered as told.
const ACCOUNTS_MAX: usize = 10_000;

const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.05";
/// Messages, and what each consists of.
const MESSAGES: [(&str, char, &str); 3] = [
    ("BkToCstmrAcctRpt", '2', "Rpt"),
    ("BkToCstmrStmt", '3', "Stmt"),
    ("BkToCstmrDbtCdtNtfctn", '4', "Ntfctn"),
];

/// Reads a document as it is asked for what comes next.
#[derive(Debug)]
pub(super) struct Reader<R> {
    xml: Xml<Metered<R>>,
    buffer: Vec<u8>,
    place: Place,
    text: String,
    currency: Option<String>,
    /// The line on which the element at hand begins.
    line: u64,
    /// `2`, `3` or `4`: which message the namespace names.
    message: char,
    /// What the message consists of.
    part: &'static str,
    parts: u64,
    head: Option<Head>,
    entry: Option<Entry>,
    told: HashSet<String>,
    waiting: VecDeque<Pulled>,
    ended: bool,
}

/// How much may still be kept of an entry.
#[derive(Debug)]
struct Budget(Option<usize>);

impl Budget {
    /// Takes what a value of this size costs; once it is not there, nothing is.
    fn take(&mut self, bytes: usize) -> bool {
        self.0 = self.0.and_then(|left| left.checked_sub(bytes + OVERHEAD_BYTES));
        self.0.is_some()
    }
}

/// Why nothing more is read.
type Fatal = (&'static str, String);

impl<R: BufRead> Reader<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            xml: Xml::from_reader(Metered::new(input)),
            buffer: Vec::new(),
            place: Place::default(),
            text: String::new(),
            currency: None,
            line: 1,
            message: ' ',
            part: "",
            parts: 0,
            head: None,
            entry: None,
            told: HashSet::new(),
            waiting: VecDeque::new(),
            ended: false,
        }
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
            if let Err((code, detail)) = self.step() {
                self.ended = true;
                let (line, path) = (self.xml.get_ref().line(), self.place.path());
                return Some(Pulled::Finding(Finding::at(line, path, code, detail)));
            }
        }
    }

    /// Reads one piece of the document.
    fn step(&mut self) -> Result<(), Fatal> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        // What a hostile document made large is not kept.
        buffer.shrink_to(PIECE_BYTES);
        let source = self.xml.get_mut();
        source.allow(PIECE_BYTES);
        let (line, offset) = (source.line(), source.offset());
        let done = match self.xml.read_event_into(&mut buffer) {
            Ok(event) => self.take(event, line, offset),
            Err(error) => Err(self.failed(&error)),
        };
        self.buffer = buffer;
        done
    }

    fn failed(&self, error: &Error) -> Fatal {
        match error {
            Error::Io(_) if self.xml.get_ref().is_used_up() => {
                ("element_too_long", format!("one piece of the document has more than {PIECE_BYTES} bytes"))
            }
            Error::Io(error) => (Finding::READ_FAILED, format!("the input failed: {error}")),
            error => ("malformed_xml", error.to_string()),
        }
    }

    fn take(&mut self, event: Event<'_>, line: u64, offset: u64) -> Result<(), Fatal> {
        match event {
            Event::Start(start) => self.start(&start, line, offset),
            Event::Empty(start) => {
                self.start(&start, line, offset)?;
                self.end();
                Ok(())
            }
            Event::End(_) => {
                self.end();
                Ok(())
            }
            Event::Text(text) => self.add_text(&text.xml10_content()),
            Event::CData(text) => self.add_text(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let letter = match reference.resolve_char_ref() {
                    Ok(Some(letter)) => Some(letter),
                    Ok(None) => predefined(&reference.xml10_content()),
                    Err(error) => return Err(("malformed_xml", error.to_string())),
                };
                let refused = || ("entity_refused", "no entity is taken but XML's own five".to_owned());
                self.add_text(letter.ok_or_else(refused)?.encode_utf8(&mut [0; 4]))
            }
            Event::DocType(_) => Err(("dtd_refused", "a document type definition is not taken".to_owned())),
            Event::Decl(declaration) => match declaration.encoding() {
                Some(Ok(name))
                    if !name.eq_ignore_ascii_case("utf-8") && !name.eq_ignore_ascii_case("us-ascii") =>
                {
                    Err(("unsupported_encoding", "a document is taken in UTF-8 alone".to_owned()))
                }
                _ => Ok(()),
            },
            Event::Comment(_) | Event::PI(_) => Ok(()),
            Event::Eof => self.eof(),
        }
    }

    fn add_text(&mut self, text: &str) -> Result<(), Fatal> {
        if self.text.len() + text.len() > TEXT_BYTES {
            return Err(("element_too_long", format!("an element's text has more than {TEXT_BYTES} bytes")));
        }
        self.text.push_str(text);
        Ok(())
    }

    fn eof(&mut self) -> Result<(), Fatal> {
        self.ended = true;
        if self.place.depth() > 0 {
            return Err(("malformed_xml", "the document breaks off".to_owned()));
        }
        if self.part.is_empty() {
            return Err(("unknown_document", "this is no camt.052, camt.053 or camt.054".to_owned()));
        }
        Ok(())
    }

    fn start(&mut self, start: &BytesStart<'_>, line: u64, offset: u64) -> Result<(), Fatal> {
        let name = start.local_name();
        let name = name.as_ref();
        if self.place.depth() == DEPTH_MAX {
            return Err(("too_deep", format!("elements are at most {DEPTH_MAX} deep")));
        }
        if name.len() > NAME_BYTES {
            return Err(("element_too_long", format!("an element's name has more than {NAME_BYTES} bytes")));
        }
        match self.place.depth() {
            0 if self.message == ' ' => self.message = message(start)?,
            0 => return Err(("malformed_xml", "a document has one root".to_owned())),
            1 if self.part.is_empty() => {
                let known =
                    MESSAGES.iter().find(|(known, digit, _)| *known == name && *digit == self.message);
                let Some((_, _, part)) = known else {
                    return Err((
                        "unknown_message",
                        format!("the namespace is of another message than {name:?}"),
                    ));
                };
                self.part = part;
            }
            1 => return Err(("unknown_message", "a document has one message".to_owned())),
            _ => {}
        }
        self.place.enter(name);
        self.line = line;
        self.text.clear();
        self.currency = match start.try_get_attribute("Ccy") {
            // Longer than any code, so that it is known for none.
            Ok(attribute) => attribute.map(|attribute| attribute.value.chars().take(8).collect()),
            Err(error) => return Err(("malformed_xml", error.to_string())),
        };
        let depth = self.place.depth();
        if depth == 3 && name == self.part {
            self.parts += 1;
            let path = format!("{}[{}]", self.place.path(), self.parts);
            self.head = Some(Head::new(line, path));
        } else if depth == 4 && name == "Ntry" {
            if let Some(head) = &mut self.head {
                head.statement.entries += 1;
                let path = format!("{}/Ntry[{}]", head.statement.path, head.statement.entries);
                self.entry = Some(Entry::new(line, offset, path));
            }
        } else if let Some(entry) = &mut self.entry
            && name == "TxDtls"
            && matches!(self.place.below(4), "NtryDtls/TxDtls" | "TxDtls")
        {
            entry.details.extend(entry.budget.take(0).then(|| Detail::new(line, offset, depth)));
        } else if let Some(head) = &mut self.head
            && depth == 4
            && name == "Bal"
        {
            head.begin_balance(line);
        }
        Ok(())
    }

    fn end(&mut self) {
        let depth = self.place.depth();
        let text = self.text.trim();
        if !text.is_empty() {
            let currency = self.currency.take();
            let text = text[..text.floor_char_boundary(VALUE_BYTES)].to_owned();
            self.value(Value { text, currency, line: self.line });
        }
        self.text.clear();
        self.currency = None;
        let own = self.place.below(depth.saturating_sub(1));
        match (depth, own) {
            (2, _) if self.parts == 0 => {
                let detail = format!("the message has no {}", self.part);
                let path = format!("{}/{}", self.place.path(), self.part);
                self.waiting.push_back(Pulled::Finding(Finding::at(
                    self.xml.get_ref().line(),
                    path,
                    "missing_field",
                    detail,
                )));
            }
            (3, name) if name == self.part => self.end_part(),
            (4, "Acct") => self.end_account(),
            (4, "Bal") => {
                if let Some(head) = &mut self.head {
                    let found = head.end_balance();
                    self.waiting.extend(found.into_iter().map(Pulled::Finding));
                }
            }
            (4, "Ntry") => self.end_entry(),
            _ => {}
        }
        self.place.leave();
    }

    /// Keeps the text of the element at hand where it is looked for.
    fn value(&mut self, value: Value) {
        if let Some(entry) = &mut self.entry {
            if !entry.budget.take(value.text.len()) {
                return;
            }
            let name = self.place.below(4);
            match entry.details.last_mut() {
                Some(detail) if name.starts_with("NtryDtls/TxDtls/") || name.starts_with("TxDtls/") => {
                    detail.fields.keep(self.place.below(detail.depth), value);
                }
                _ => entry.fields.keep(name, value),
            }
        } else if let Some(head) = &mut self.head {
            let found = head.keep(self.place.below(3), value);
            self.waiting.extend(found.map(Pulled::Finding));
        }
    }

    fn end_account(&mut self) {
        let Some(head) = &mut self.head else { return };
        match head.account() {
            Ok(Some(account)) => {
                let is_new =
                    self.told.len() < ACCOUNTS_MAX && self.told.insert(account.reference.to_string());
                if is_new {
                    let (line, offset) = (self.line, self.xml.get_ref().offset());
                    self.waiting.push_back(Pulled::Record(Record {
                        line,
                        offset,
                        item: Item::Account(account),
                    }));
                }
            }
            Ok(None) => {}
            Err(findings) => self.waiting.extend(findings.into_iter().map(Pulled::Finding)),
        }
    }

    fn end_entry(&mut self) {
        let (Some(entry), Some(head)) = (self.entry.take(), &mut self.head) else { return };
        match entry.records(head) {
            Ok(records) => {
                for record in records {
                    if let Item::Transaction(transaction) = &record.item {
                        head.statement.count(transaction);
                    }
                    self.waiting.push_back(Pulled::Record(record));
                }
            }
            Err(findings) => {
                head.statement.countable = false;
                self.waiting.extend(findings.into_iter().map(Pulled::Finding));
            }
        }
    }

    fn end_part(&mut self) {
        if let Some(head) = self.head.take() {
            self.waiting.push_back(Pulled::Statement(head.statement));
        }
    }
}

/// The message that the root's namespace names.
fn message(root: &BytesStart<'_>) -> Result<char, Fatal> {
    let name = root.name();
    let binding = match name.prefix() {
        Some(prefix) => format!("xmlns:{}", prefix.as_ref()),
        None => "xmlns".to_owned(),
    };
    let unknown = || {
        let detail = "the root's namespace is none of camt.052, camt.053 and camt.054".to_owned();
        ("unknown_document", detail)
    };
    let attribute = root.try_get_attribute(binding.as_str()).map_err(|e| ("malformed_xml", e.to_string()))?;
    let namespace = attribute.ok_or_else(unknown)?.value;
    let rest = namespace.strip_prefix(NAMESPACE).ok_or_else(unknown)?;
    let (digit, version) = rest.split_once(".001.").ok_or_else(unknown)?;
    let numbered = version.len() == 2 && version.bytes().all(|byte| byte.is_ascii_digit());
    match digit {
        "2" | "3" | "4" if numbered => Ok(digit.chars().next().unwrap_or(' ')),
        _ => Err(unknown()),
    }
}

/// The character of one of XML's own entities.
fn predefined(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => None,
    }
}

#[cfg(test)]
#[path = "../camt_tests.rs"]
mod tests;
