//! Formats in: from a feeder's bytes to accounts and transactions.
//!
//! Every format has the same face: [`open`] it and iterate over [`Records`], which yields each record with its
//! line, or a [`Finding`] that names line, field and reason. A faulty line yields all of its faults and costs
//! nothing but itself: reading goes on at the next. Whether good lines are kept beside faulty ones is the
//! caller's decision.
//!
//! In berka, csv and ndjson one line is one record; camt and mt940 have statements, whose balances are checked
//! against their entries (see [`Statement`]). Memory is flat: a line is at most [`MAX_LINE_BYTES`] long, and a
//! longer one is passed over without being held. Text is UTF-8; other encodings are converted before delivery,
//! because guessing one would alter what was delivered.
//!
//! Pure: reads from a `BufRead` and knows neither store nor network. Deliberately absent: checks against other
//! records (an account that exists, a reference that is new, balances that run on), which need the store.

mod berka;
mod camt;
mod csv;
mod draft;
mod faults;
mod json;
mod lines;
pub mod mapping;
mod metered;
mod mt940;
pub mod ndjson;
mod number;
mod statement;
mod table;

use std::collections::VecDeque;
use std::io::BufRead;

use crate::domain::{Finding, Findings, NewAccount, NewTransaction};
pub use lines::MAX_LINE_BYTES;
use lines::{Line, Lines};
pub use mapping::Mapping;
pub use statement::{Break, Stated, Statement};

/// A format that a delivery may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `trans.asc` or `account.asc` of the Czech bank's published log, told apart by their headers.
    Berka,
    /// camt.052, camt.053 or camt.054 of ISO 20022, in any version.
    Camt,
    /// A table of transactions, described by a [`Mapping`].
    Csv,
    /// MT940 of SWIFT.
    Mt940,
    /// A JSON object a line, each a transaction.
    Ndjson,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 5] = [Self::Berka, Self::Camt, Self::Csv, Self::Mt940, Self::Ndjson];

    /// Its name: `berka`, `camt`, `csv`, `mt940` or `ndjson`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Berka => "berka",
            Self::Camt => "camt",
            Self::Csv => "csv",
            Self::Mt940 => "mt940",
            Self::Ndjson => "ndjson",
        }
    }

    /// The format of a file that begins like this, if it can be told.
    #[must_use]
    pub fn detect(beginning: &[u8]) -> Option<Self> {
        let text = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning).trim_ascii_start();
        let has_line = |start: &[u8]| text.split(|byte| *byte == b'\n').any(|line| line.starts_with(start));
        if text.starts_with(b"<") {
            Some(Self::Camt)
        } else if has_line(b":20:") {
            Some(Self::Mt940)
        } else if text.starts_with(b"{\"") || text.starts_with(b"{ ") {
            Some(Self::Ndjson)
        } else if [berka::TRANSACTIONS, berka::ACCOUNTS]
            .iter()
            .any(|header| text.starts_with(header.as_bytes()))
        {
            Some(Self::Berka)
        } else {
            None
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No format has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a format is one of berka, camt, csv, mt940, ndjson")]
pub struct UnknownFormat;

impl std::str::FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.as_str() == name).ok_or(UnknownFormat)
    }
}

/// What a line delivers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are transactions: a box for each would be for nothing"
)]
pub enum Item {
    /// An account.
    Account(NewAccount),
    /// A transaction.
    Transaction(NewTransaction),
}

/// An item and the line that it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The line, counted from 1 with every line of the file.
    pub line: u64,
    /// The bytes before it: before the line, or in XML before its element.
    pub offset: u64,
    /// What it delivers.
    pub item: Item,
}

/// What comes next in a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly all are records: a box for each would be for nothing")]
pub enum Pulled {
    /// A record.
    Record(Record),
    /// A fault.
    Finding(Finding),
    /// The end of a statement whose records came before.
    Statement(Statement),
}

/// The records of a delivery in the order of its lines, each read when it is asked for.
///
/// When the input itself fails, the last thing yielded is a finding for which [`Finding::ends_reading`] holds.
/// Iterating leaves statements out; [`pull`](Self::pull) has them too.
#[derive(Debug)]
pub struct Records<R>(Source<R>);

#[derive(Debug)]
enum Source<R> {
    Lines { lines: Lines<R>, parser: Parser, waiting: VecDeque<Finding> },
    Camt(Box<camt::Reader<R>>),
    Mt940(Box<mt940::Reader<R>>),
}

/// What turns a line into an item, once the header is read.
#[derive(Debug)]
enum Parser {
    Berka(berka::Table),
    Csv(Box<csv::Table>),
    Ndjson,
}

impl Parser {
    fn item(&self, line: &Line<'_>) -> Result<Item, Vec<Finding>> {
        match self {
            Self::Berka(table) => table.item(line),
            Self::Csv(table) => table.transaction(line).map(Item::Transaction),
            Self::Ndjson => ndjson::parse(line).map(Item::Transaction),
        }
    }
}

/// Opens a delivery: reads the header, if the format has one.
///
/// `mapping` is there for [`Format::Csv`] and for no other format.
///
/// # Errors
/// Findings about the header, or about a mapping that is missing or not taken. Nothing was read beyond the
/// header then.
pub fn open<R: BufRead>(format: Format, mapping: Option<Mapping>, input: R) -> Result<Records<R>, Findings> {
    let input = match (format, &mapping) {
        (Format::Camt, None) => return Ok(Records(Source::Camt(Box::new(camt::Reader::new(input))))),
        (Format::Mt940, None) => return Ok(Records(Source::Mt940(Box::new(mt940::Reader::new(input))))),
        _ => input,
    };
    let mut lines = Lines::new(input);
    let parser = match (format, mapping) {
        (Format::Berka, None) => Parser::Berka(berka::Table::open(&mut lines)?),
        (Format::Csv, Some(mapping)) => Parser::Csv(Box::new(csv::Table::open(mapping, &mut lines)?)),
        (Format::Ndjson, None) => Parser::Ndjson,
        (Format::Csv, None) => {
            let detail = "a mapping says which column means what; csv is not read without one";
            return Err(Finding::on_line(1, "mapping_missing", detail).into());
        }
        (Format::Berka | Format::Camt | Format::Mt940 | Format::Ndjson, mapping) => {
            debug_assert!(mapping.is_some(), "without one, the format was opened above");
            let detail = format!("{format} describes itself; a mapping goes with csv alone");
            return Err(Finding::on_line(1, "mapping_not_taken", detail).into());
        }
    };
    Ok(Records(Source::Lines { lines, parser, waiting: VecDeque::new() }))
}

impl<R: BufRead> Records<R> {
    /// What comes next; none at the end.
    pub fn pull(&mut self) -> Option<Pulled> {
        let (lines, parser, waiting) = match &mut self.0 {
            Source::Lines { lines, parser, waiting } => (lines, parser, waiting),
            Source::Camt(reader) => return reader.pull(),
            Source::Mt940(reader) => return reader.pull(),
        };
        loop {
            if let Some(finding) = waiting.pop_front() {
                return Some(Pulled::Finding(finding));
            }
            let line = match lines.next_filled()? {
                Ok(line) => line,
                Err(finding) => return Some(Pulled::Finding(finding)),
            };
            let (number, offset) = (line.number, line.offset);
            match parser.item(&line) {
                Ok(item) => return Some(Pulled::Record(Record { line: number, offset, item })),
                Err(findings) => waiting.extend(findings),
            }
        }
    }
}

impl<R: BufRead> Iterator for Records<R> {
    type Item = Result<Record, Finding>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            return match self.pull()? {
                Pulled::Record(record) => Some(Ok(record)),
                Pulled::Finding(finding) => Some(Err(finding)),
                Pulled::Statement(_) => continue,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_format_is_known_by_its_name() {
        for format in Format::ALL {
            assert_eq!(format.as_str().parse(), Ok(format));
        }
        assert_eq!("xml".parse::<Format>(), Err(UnknownFormat));
    }

    #[test]
    fn csv_needs_a_mapping_and_nothing_else_takes_one() {
        let refused = |format, mapping| open(format, mapping, &b""[..]).unwrap_err().kept()[0].made();
        assert_eq!(refused(Format::Csv, None), "mapping_missing");
        let mapping: Mapping = mapping::EXAMPLE.parse().unwrap();
        assert_eq!(refused(Format::Ndjson, Some(mapping)), "mapping_not_taken");
    }

    #[test]
    fn an_input_that_fails_is_not_mistaken_for_its_end() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("the disk is gone"))
            }
        }
        let mut records = open(Format::Ndjson, None, BufReader::new(b"\n".chain(Broken))).unwrap();
        assert!(records.next().unwrap().unwrap_err().ends_reading());
        assert!(records.next().is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_panic_or_run_on(
            bytes in proptest::collection::vec(any::<u8>(), 0..2000),
            header in prop_oneof![Just(berka::TRANSACTIONS), Just(berka::ACCOUNTS), Just(mapping::EXAMPLE_HEADER)],
        ) {
            let with_header = [header.as_bytes(), b"\n", &bytes].concat();
            let at_most = bytes.len() * (faults::MAX_PER_LINE + 1);
            for format in Format::ALL {
                let mapping = || (format == Format::Csv).then(|| mapping::EXAMPLE.parse().unwrap());
                for input in [&bytes, &with_header] {
                    if let Ok(records) = open(format, mapping(), &input[..]) {
                        prop_assert!(records.count() <= at_most + faults::MAX_PER_LINE);
                    }
                }
            }
        }
    }
}
