//! CSV out (RFC 4180): UTF-8, commas, CRLF, a header line, quotes where they are needed.
//!
//! A spreadsheet program runs a cell that looks like a formula. Text that begins with one of `= + - @`, a
//! tab or a line end therefore gets an apostrophe in front; so does text that begins with apostrophes and
//! then one of these, so that taking one apostrophe away gives the text back. Numbers and dates are
//! written as they are: nobody else's text gets into them.

use std::{borrow::Cow, io};

use super::table::{Cell, Column};

/// Writes rows as CSV.
pub struct CsvWriter<W: io::Write> {
    out: ::csv::Writer<W>,
    number: String,
}

impl<W: io::Write> CsvWriter<W> {
    /// Begins with the header line.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn new(out: W, columns: &[Column]) -> io::Result<Self> {
        let mut out = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(out);
        out.write_record(columns.iter().map(|column| column.name))?;
        Ok(Self { out, number: String::new() })
    }

    /// Writes a row.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        use std::fmt::Write as _;
        for cell in cells {
            match *cell {
                Cell::Empty => self.out.write_field("")?,
                Cell::Text(text) => self.out.write_field(harmless(text).as_bytes())?,
                Cell::Decimal(false, text) | Cell::Date(text) | Cell::Time(text) => {
                    self.out.write_field(text)?;
                }
                Cell::Decimal(true, digits) => {
                    self.number.clear();
                    let _ = write!(self.number, "-{digits}");
                    self.out.write_field(&self.number)?;
                }
                Cell::Whole(number) => {
                    self.number.clear();
                    let _ = write!(self.number, "{number}");
                    self.out.write_field(&self.number)?;
                }
            }
        }
        Ok(self.out.write_record(None::<&[u8]>)?)
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn finish(self) -> io::Result<W> {
        self.out.into_inner().map_err(|error| error.into_error())
    }
}

/// Whether a spreadsheet program may take this text for a formula.
#[must_use]
pub(super) fn is_risky(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n'])
}

/// Text that no spreadsheet program takes for a formula.
fn harmless(text: &str) -> Cow<'_, str> {
    if is_risky(text.trim_start_matches('\'')) { format!("'{text}").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::table::Kind, *};

    /// What a reader does to get the text back.
    fn back(cell: &str) -> &str {
        match cell.strip_prefix('\'') {
            Some(rest) if is_risky(rest.trim_start_matches('\'')) => rest,
            _ => cell,
        }
    }

    #[test]
    fn a_row_is_as_rfc_4180_has_it() {
        let column = |name| Column { name, kind: Kind::Text };
        let mut writer = CsvWriter::new(Vec::new(), &["a", "b", "c", "d"].map(column)).unwrap();
        let cells =
            [Cell::Whole(-7), Cell::Text("x \"y\", z\nw"), Cell::Empty, Cell::Decimal(true, "310.07")];
        writer.row(&cells).unwrap();
        let text = String::from_utf8(writer.finish().unwrap()).unwrap();
        assert_eq!(text, "a,b,c,d\r\n-7,\"x \"\"y\"\", z\nw\",,-310.07\r\n");
    }

    #[test]
    fn a_formula_is_text() {
        for risky in ["=1+1", "+49", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "'=1"] {
            assert_eq!(harmless(risky), format!("'{risky}"));
        }
        for plain in ["", "Miete", "a=b", "'", "''", "'quoted'", "1-2", "ACME + Co"] {
            assert_eq!(harmless(plain), plain);
        }
    }

    proptest! {
        #[test]
        fn text_comes_back(text in "['=+@a\t\r\n-]{0,5}") {
            let written = harmless(&text).into_owned();
            prop_assert!(!is_risky(&written));
            prop_assert_eq!(back(&written), text);
        }
    }
}
