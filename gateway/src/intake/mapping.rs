//! What the columns of a table mean: a small TOML file, one for each source.
//!
//! | key | meaning | when left out |
//! |---|---|---|
//! | `delimiter` | the character between fields | `","` |
//! | `quote` | the character around fields; `""` for none | `"\""` |
//! | `trim` | whether white space around a cell is dropped | `true` |
//! | `date_format` | how dates are written, in `strftime`'s letters | `"%Y-%m-%d"` |
//! | `value_date_format` | the same for value dates | that of `date_format` |
//! | `decimal_separator` | `"."` or `","` | `"."` |
//! | `thousands_separator` | the character between groups of three digits | no groups |
//! | `[columns]` | our field = the header of its column | |
//! | `[amount]` | where the amount is, and how its direction is told; see [`AmountRule`] | required |
//! | `[status_values]` | the source's word = ours: `booked`, `pending`, `information` | our words |
//! | `[fixed]` | a value that every record has and no column says | |
//!
//! `[columns]` takes `reference` and `booking_date` (both required), `account`, `currency`, `value_date`,
//! `balance_after` (minus is overdrawn), `bank_transaction_code`, `purpose`, `end_to_end_id`,
//! `counterparty_name`, `counterparty_account`, `counterparty_agent`, `remittance_information` and `status`.
//! `[fixed]` takes `account`, `currency`, `status`, `bank_transaction_code` and `purpose`. `account` and
//! `currency` come from one of the two, and nothing comes from both. A column that no key names is not read; an
//! empty cell is an absent value. Any other key is refused.
//!
//! ```toml
#![doc = include_str!("example_mapping.toml")]
//! ```

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;

use super::number::Notation;
use super::table::Dialect;
use crate::domain::date::DateError;
use crate::domain::{Currency, Direction, Fault, Status, Text};

#[cfg(test)]
pub(super) const EXAMPLE: &str = include_str!("example_mapping.toml");
#[cfg(test)]
pub(super) const EXAMPLE_HEADER: &str = "Beleg;Konto;Buchung;Valuta;Umsatz;S/H;Saldo;Name;IBAN;Zweck";

/// A mapping file was refused; the message names the key, and the place where TOML itself is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the mapping: {0}")]
pub struct MappingError(String);

impl Fault for MappingError {
    fn code(&self) -> &'static str {
        "invalid_mapping"
    }
}

/// Where the amount is and how its direction is told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum AmountRule {
    /// `by = "sign"`: one column; minus is a debit.
    Sign {
        /// The header of the amount's column.
        column: String,
    },
    /// `by = "column"`: one column of unsigned amounts, another that says the direction.
    Column {
        /// The header of the amount's column.
        column: String,
        /// The header of the direction's column.
        direction_column: String,
        /// The source's word = `credit` or `debit`.
        values: BTreeMap<String, Direction>,
    },
    /// `by = "two_columns"`: credits in one column, debits in another, unsigned. One of the two is filled; a
    /// nought beside an amount counts as not filled.
    TwoColumns {
        /// The header of the credits' column.
        credit_column: String,
        /// The header of the debits' column.
        debit_column: String,
    },
}

/// The headers of our fields.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each is the field of the same name, as the module's table says")]
pub struct Columns {
    pub reference: String,
    pub booking_date: String,
    pub account: Option<String>,
    pub currency: Option<String>,
    pub value_date: Option<String>,
    pub balance_after: Option<String>,
    pub bank_transaction_code: Option<String>,
    pub purpose: Option<String>,
    pub end_to_end_id: Option<String>,
    pub counterparty_name: Option<String>,
    pub counterparty_account: Option<String>,
    pub counterparty_agent: Option<String>,
    pub remittance_information: Option<String>,
    pub status: Option<String>,
}

/// Values that every record has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each is the field of the same name, as the module's table says")]
pub struct Fixed {
    pub account: Option<Text<64>>,
    pub currency: Option<Currency>,
    pub status: Option<Status>,
    pub bank_transaction_code: Option<Text<35>>,
    pub purpose: Option<Text<35>>,
}

/// A mapping, checked: what it says can be carried out on any table that has its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    pub(super) dialect: Dialect,
    pub(super) notation: Notation,
    pub(super) trim: bool,
    pub(super) date_format: DateFormat,
    pub(super) value_date_format: DateFormat,
    pub(super) columns: Columns,
    pub(super) amount: AmountRule,
    pub(super) status_values: Option<BTreeMap<String, Status>>,
    pub(super) fixed: Fixed,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default = "comma")]
    delimiter: String,
    #[serde(default = "double_quote")]
    quote: String,
    #[serde(default = "yes")]
    trim: bool,
    #[serde(default = "iso_date")]
    date_format: String,
    value_date_format: Option<String>,
    #[serde(default = "point")]
    decimal_separator: String,
    thousands_separator: Option<String>,
    columns: Columns,
    amount: AmountRule,
    status_values: Option<BTreeMap<String, Status>>,
    #[serde(default)]
    fixed: Fixed,
}

fn comma() -> String {
    ",".to_owned()
}

fn double_quote() -> String {
    "\"".to_owned()
}

fn point() -> String {
    ".".to_owned()
}

fn iso_date() -> String {
    "%Y-%m-%d".to_owned()
}

const fn yes() -> bool {
    true
}

impl std::str::FromStr for Mapping {
    type Err = MappingError;

    fn from_str(toml: &str) -> Result<Self, MappingError> {
        let file: File = toml::from_str(toml).map_err(|error| MappingError(error.to_string()))?;
        let value_date_format = file.value_date_format.as_ref().unwrap_or(&file.date_format);
        let mapping = Self {
            dialect: dialect(&file)?,
            notation: notation(&file)?,
            trim: file.trim,
            date_format: DateFormat::new("date_format", &file.date_format)?,
            value_date_format: DateFormat::new("value_date_format", value_date_format)?,
            columns: file.columns,
            amount: file.amount,
            status_values: file.status_values,
            fixed: file.fixed,
        };
        mapping.check_sources()?;
        Ok(mapping)
    }
}

impl Mapping {
    /// Holds that each field has one source, and each that must have one has it.
    fn check_sources(&self) -> Result<(), MappingError> {
        let Self { columns, fixed, .. } = self;
        for (field, column, fixed, is_required) in [
            ("account", columns.account.is_some(), fixed.account.is_some(), true),
            ("currency", columns.currency.is_some(), fixed.currency.is_some(), true),
            ("status", columns.status.is_some(), fixed.status.is_some(), false),
            (
                "bank_transaction_code",
                columns.bank_transaction_code.is_some(),
                fixed.bank_transaction_code.is_some(),
                false,
            ),
            ("purpose", columns.purpose.is_some(), fixed.purpose.is_some(), false),
        ] {
            if column && fixed {
                return refuse(format!("`{field}` is in [columns] and in [fixed]; one of them must go"));
            }
            if is_required && !column && !fixed {
                return refuse(format!("`{field}` is neither in [columns] nor in [fixed]"));
            }
        }
        if self.status_values.is_some() && columns.status.is_none() {
            return refuse("[status_values] goes with a `status` in [columns]");
        }
        match &self.amount {
            AmountRule::Column { values, .. } if values.is_empty() => {
                refuse("[amount] `values` says which word means credit and which debit")
            }
            _ => Ok(()),
        }
    }
}

fn refuse<T>(why: impl Into<String>) -> Result<T, MappingError> {
    Err(MappingError(why.into()))
}

/// The one character of a text, if it may separate anything.
fn separator(key: &str, text: &str) -> Result<char, MappingError> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if !c.is_alphanumeric() && !matches!(c, '\n' | '\r' | '-' | '+') => Ok(c),
        _ => refuse(format!(
            "`{key}` is one character, and neither a letter, a digit, a sign nor a line break"
        )),
    }
}

fn dialect(file: &File) -> Result<Dialect, MappingError> {
    let delimiter = separator("delimiter", &file.delimiter)?;
    let quote = if file.quote.is_empty() { None } else { Some(separator("quote", &file.quote)?) };
    if quote == Some(delimiter) {
        return refuse("`quote` and `delimiter` are the same character");
    }
    Ok(Dialect { delimiter, quote })
}

fn notation(file: &File) -> Result<Notation, MappingError> {
    let decimal = match &*file.decimal_separator {
        "." => '.',
        "," => ',',
        _ => return refuse("`decimal_separator` is \".\" or \",\""),
    };
    let thousands = file.thousands_separator.as_deref().map(|text| separator("thousands_separator", text));
    let thousands = thousands.transpose()?;
    if thousands == Some(decimal) {
        return refuse("`thousands_separator` and `decimal_separator` are the same character");
    }
    Ok(Notation { decimal, thousands })
}

/// How a source writes dates, in `strftime`'s letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DateFormat(String);

impl DateFormat {
    /// A format that tells every day from every other: tried out on two days, which must come back. It may
    /// have a time of day, which is read over.
    fn new(key: &str, format: &str) -> Result<Self, MappingError> {
        let this = Self(format.to_owned());
        for day in [jiff::civil::date(1999, 12, 31), jiff::civil::date(2004, 2, 3)] {
            let written = jiff::fmt::strtime::format(format, day.at(0, 0, 0, 0)).unwrap_or_default();
            if this.parse(&written) != Ok(day) {
                return refuse(format!("`{key}` does not say year, month and day in strftime's letters"));
            }
        }
        Ok(this)
    }

    /// The date that a cell states.
    pub(super) fn parse(&self, text: &str) -> Result<Date, DateError> {
        let parts = jiff::fmt::strtime::parse(&self.0, text).map_err(|_| DateError::Malformed)?;
        let date = parts.to_date().map_err(|_| DateError::NoSuchDay)?;
        crate::domain::date::of(date.year(), i16::from(date.month()), i16::from(date.day()))
    }
}

#[cfg(test)]
#[path = "mapping_tests.rs"]
mod tests;
