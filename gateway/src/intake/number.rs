//! Numbers as other systems write them: with a comma, with groups of three, with a sign.

use std::borrow::Cow;

use crate::domain::money::MoneyError;
use crate::domain::{Currency, Direction, Fault, Money};

/// How a column of amounts is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Notation {
    /// Before the decimals: `.` or `,`.
    pub(super) decimal: char,
    /// Between groups of three digits, where the source writes groups.
    pub(super) thousands: Option<char>,
}

/// A cell does not hold an amount in the mapping's notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NumberError {
    #[error("thousands separators stand before each group of three digits, and nowhere else")]
    Grouping,
    #[error("`{wrong}` is not the mapping's decimal separator, `{right}`")]
    DecimalSeparator { wrong: char, right: char },
    #[error("{0}")]
    Amount(#[from] MoneyError),
}

impl Fault for NumberError {
    fn code(&self) -> &'static str {
        match self {
            Self::Grouping => "invalid_grouping",
            Self::DecimalSeparator { .. } => "wrong_decimal_separator",
            Self::Amount(error) => error.code(),
        }
    }
}

impl Notation {
    /// An amount without a sign.
    pub(super) fn unsigned(self, text: &str, currency: Currency) -> Result<Money, NumberError> {
        Ok(Money::parse(&self.plain(text)?, currency)?)
    }

    /// An amount with a sign before it: minus is a debit, plus or none is a credit.
    pub(super) fn signed(self, text: &str, currency: Currency) -> Result<(Money, Direction), NumberError> {
        let (text, direction) = match text.strip_prefix('-') {
            Some(text) => (text, Direction::Debit),
            None => (text.strip_prefix('+').unwrap_or(text), Direction::Credit),
        };
        Ok((self.unsigned(text, currency)?, direction))
    }

    /// The number as our wire writes it, sign and all else that is not for us to judge left as it is.
    fn plain(self, text: &str) -> Result<Cow<'_, str>, NumberError> {
        if let Some(wrong) = ['.', ',']
            .into_iter()
            .find(|c| *c != self.decimal && Some(*c) != self.thousands && text.contains(*c))
        {
            return Err(NumberError::DecimalSeparator { wrong, right: self.decimal });
        }
        let (integer, decimals) = match text.split_once(self.decimal) {
            Some((integer, decimals)) => (integer, Some(decimals)),
            None => (text, None),
        };
        let integer = self.ungrouped(integer)?;
        Ok(match decimals {
            // A second separator, of either kind, belongs to no number.
            Some(decimals) if decimals.contains(['.', ',']) => return Err(NumberError::Grouping),
            Some(decimals) => format!("{integer}.{decimals}").into(),
            None => integer,
        })
    }

    /// Digits without the separators between their groups.
    fn ungrouped(self, integer: &str) -> Result<Cow<'_, str>, NumberError> {
        let Some(thousands) = self.thousands.filter(|thousands| integer.contains(*thousands)) else {
            return Ok(integer.into());
        };
        let mut groups = integer.split(thousands);
        let first = groups.next().unwrap_or_default();
        if !(1..=3).contains(&first.len()) || groups.any(|group| group.len() != 3) {
            return Err(NumberError::Grouping);
        }
        Ok(integer.split(thousands).collect::<String>().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, decimal: char, thousands: Option<char>) -> Result<String, &'static str> {
        let euro = Currency::parse("EUR").unwrap();
        let read = Notation { decimal, thousands }.signed(text, euro);
        read.map(|(money, direction)| format!("{} {direction}", money.amount())).map_err(|error| error.code())
    }

    #[test]
    fn separators_are_those_of_the_mapping() {
        assert_eq!(read("1.234.567,8", ',', Some('.')), Ok("1234567.80 credit".into()));
        assert_eq!(read("-1,234.50", '.', Some(',')), Ok("1234.50 debit".into()));
        assert_eq!(read("1\u{a0}234,50", ',', Some('\u{a0}')), Ok("1234.50 credit".into()));
        assert_eq!(read("+12", '.', None), Ok("12.00 credit".into()));
    }

    #[test]
    fn a_number_in_another_notation_is_refused_not_guessed() {
        assert_eq!(read("1234.50", ',', None), Err("wrong_decimal_separator"));
        assert_eq!(read("1,234.50", '.', None), Err("wrong_decimal_separator"));
        assert_eq!(read("1.50", ',', Some('.')), Err("invalid_grouping"));
        assert_eq!(read("1234.567,00", ',', Some('.')), Err("invalid_grouping"));
        assert_eq!(read("1,234.567", ',', Some('.')), Err("invalid_grouping"));
        assert_eq!(read("1.2.3", '.', None), Err("invalid_grouping"));
        assert_eq!(read("--1", '.', None), Err("amount_negative"));
        assert_eq!(read("", '.', None), Err("amount_empty"));
        assert_eq!(read("12,345", ',', None), Err("too_many_decimals"));
    }
}
