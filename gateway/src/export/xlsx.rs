//! An Excel workbook out: one sheet with a header row that stays in view.
//!
//! Text is always a text cell, which no program evaluates; text that looks like a formula is marked as
//! quoted too (`quotePrefix`), so that it stays text when somebody edits it. Excel counts in binary
//! floating point with 15 digits: an amount that has more is written as text, and instants are text as
//! well, since Excel's have milliseconds. Rows go to a scratch file, not to memory.

use std::{io, path::Path};

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::{
    csv::is_risky,
    table::{Cell, Column},
};

/// Digits that a number has in Excel.
const DIGITS_MAX: usize = 15;
/// Most decimals that a currency has, and one more: the number formats.
const DECIMALS: usize = 5;
/// Of dates, and of texts: ids have 36 characters.
const WIDTH: f64 = 16.0;

/// Writes rows as a workbook.
pub struct XlsxWriter {
    book: Workbook,
    row: u32,
    date: Format,
    quoted: Format,
    decimals: [Format; DECIMALS],
}

impl XlsxWriter {
    /// Begins a workbook with its header row.
    ///
    /// # Errors
    /// When the scratch folder can't be used.
    pub fn new(name: &str, columns: &[Column], scratch: &Path) -> io::Result<Self> {
        let mut book = Workbook::new();
        book.set_tempdir(scratch).map_err(failed)?;
        // The time of writing would make each file another one.
        let epoch = ExcelDateTime::from_ymd(2000, 1, 1).map_err(failed)?;
        book.set_properties(&DocProperties::new().set_creation_datetime(&epoch));
        let decimals = std::array::from_fn(|decimals| match decimals {
            0 => Format::new().set_num_format("0"),
            many => Format::new().set_num_format(format!("0.{}", "0".repeat(many))),
        });
        let header = Format::new().set_bold();
        let sheet = book.add_worksheet_with_constant_memory().map_err(failed)?;
        sheet.set_name(name).map_err(failed)?;
        sheet.set_freeze_panes(1, 0).map_err(failed)?;
        for (place, column) in (0_u16..).zip(columns) {
            sheet.set_column_width(place, WIDTH).map_err(failed)?;
            sheet.write_string_with_format(0, place, column.name, &header).map_err(failed)?;
        }
        let date = Format::new().set_num_format("yyyy-mm-dd");
        Ok(Self { book, row: 0, date, quoted: Format::new().set_quote_prefix(), decimals })
    }

    /// Writes a row.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        self.row += 1;
        let row = self.row;
        let sheet = self.book.worksheet_from_index(0).map_err(failed)?;
        for (place, cell) in (0_u16..).zip(cells) {
            match *cell {
                Cell::Empty => Ok(&mut *sheet),
                Cell::Text(text) if is_risky(text) => {
                    sheet.write_string_with_format(row, place, text, &self.quoted)
                }
                Cell::Text(text) | Cell::Time(text) => sheet.write_string(row, place, text),
                Cell::Whole(number) => whole(sheet, row, place, number),
                Cell::Decimal(negative, digits) => {
                    decimal(sheet, row, place, (negative, digits), &self.decimals)
                }
                Cell::Date(text) => match day(text) {
                    Some(day) => sheet.write_datetime_with_format(row, place, &day, &self.date),
                    None => sheet.write_string(row, place, text),
                },
            }
            .map_err(failed)?;
        }
        Ok(())
    }

    /// Ends the workbook.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn finish(mut self, out: impl io::Write + Send) -> io::Result<()> {
        self.book.save_to_writer(out).map_err(failed)
    }
}

type Written<'a> = Result<&'a mut Worksheet, XlsxError>;

fn whole(sheet: &mut Worksheet, row: u32, place: u16, number: i64) -> Written<'_> {
    let text = number.to_string();
    match text.parse::<f64>() {
        Ok(exact) if text.len() <= DIGITS_MAX => sheet.write_number(row, place, exact),
        _ => sheet.write_string(row, place, text),
    }
}

fn decimal<'a>(
    sheet: &'a mut Worksheet,
    row: u32,
    place: u16,
    (negative, digits): (bool, &str),
    formats: &[Format; DECIMALS],
) -> Written<'a> {
    let text = if negative { format!("-{digits}") } else { digits.to_owned() };
    let decimals = digits.split_once('.').map_or(0, |(_, behind)| behind.len());
    match (text.parse::<f64>(), formats.get(decimals)) {
        (Ok(number), Some(format)) if digits.len() <= DIGITS_MAX => {
            sheet.write_number_with_format(row, place, number, format)
        }
        _ => sheet.write_string(row, place, text),
    }
}

/// A day that Excel knows: from 1900 on.
fn day(text: &str) -> Option<ExcelDateTime> {
    let date: jiff::civil::Date = text.parse().ok()?;
    let (year, month, day) = (date.year(), date.month(), date.day());
    if year < 1900 {
        // The library takes its last day for the nought of Excel's count, which is a time of day.
        return None;
    }
    ExcelDateTime::from_ymd(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()
}

fn failed(error: XlsxError) -> io::Error {
    io::Error::other(error)
}
