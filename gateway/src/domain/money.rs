//! Amounts of money, exact.
//!
//! Inside, an amount is an integer of the currency's minor unit; on the wire it is a decimal string with exactly
//! the currency's decimals beside its code. A float is never involved. Amounts are unsigned: which way money
//! moved is said beside them, as in ISO 20022 (`ActiveCurrencyAndAmount` and `CdtDbtInd`).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, schema::Schema};

use super::{Currency, Fault};

/// The most digits that an amount has, decimals included (ISO 20022 `ActiveCurrencyAndAmount`, totalDigits 18).
pub const MAX_DIGITS: u32 = 18;

/// The largest amount in minor units: [`MAX_DIGITS`] nines.
pub const MAX_MINOR: i64 = 10_i64.pow(MAX_DIGITS) - 1;

/// An amount was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// No characters at all.
    #[error("an amount is not empty")]
    Empty,
    /// A leading minus.
    #[error("an amount has no minus sign; its direction is said beside it")]
    Negative,
    /// A leading plus.
    #[error("an amount has no plus sign")]
    PlusSign,
    /// White space before, in or after the digits.
    #[error("an amount has no white space")]
    WhiteSpace,
    /// Scientific notation.
    #[error("an amount is written out, without an exponent")]
    Exponent,
    /// No digit before the decimal point.
    #[error("an amount has a digit before its decimal point")]
    NoInteger,
    /// No digit after the decimal point.
    #[error("an amount that has a decimal point has a digit after it")]
    NoDecimals,
    /// Anything else that is not digits with at most one decimal point.
    #[error("an amount is digits with at most one decimal point, like 1234.56")]
    Malformed,
    /// More decimals than the currency has.
    #[error("{currency} has {allowed} decimals, and the amount has more")]
    TooManyDecimals {
        /// The currency.
        currency: Currency,
        /// How many decimals it has.
        allowed: u32,
    },
    /// More than [`MAX_DIGITS`] digits.
    #[error("an amount has at most {MAX_DIGITS} digits, decimals included")]
    TooLarge,
}

impl Fault for MoneyError {
    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "amount_empty",
            Self::Negative => "amount_negative",
            Self::PlusSign => "amount_plus_sign",
            Self::WhiteSpace => "amount_white_space",
            Self::Exponent => "amount_exponent",
            Self::NoInteger => "amount_no_integer",
            Self::NoDecimals => "amount_no_decimals",
            Self::Malformed => "invalid_amount",
            Self::TooManyDecimals { .. } => "too_many_decimals",
            Self::TooLarge => "amount_too_large",
        }
    }
}

/// An unsigned amount of a currency, from 0 to [`MAX_MINOR`] minor units.
///
/// On the wire `{"amount":"1234.56","currency":"EUR"}`, always with all of the currency's decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "MoneyWire<'static>", try_from = "MoneyWire<'_>")]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// An unsigned amount of a currency, exact.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"amount": "1234.56", "currency": "EUR"})))]
struct MoneyWire<'a> {
    /// Decimal digits, always with all of the currency's decimals; at most 18 digits.
    #[schema(value_type = String, pattern = "^[0-9]+(\\.[0-9]{1,4})?$", max_length = 19, example = "1234.56")]
    amount: Cow<'a, str>,
    currency: Currency,
}

impl utoipa::PartialSchema for Money {
    fn schema() -> RefOr<Schema> {
        MoneyWire::schema()
    }
}

impl utoipa::ToSchema for Money {
    fn name() -> Cow<'static, str> {
        "Money".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        MoneyWire::schemas(schemas);
    }
}

impl From<Money> for MoneyWire<'static> {
    fn from(money: Money) -> Self {
        Self { amount: money.amount().into(), currency: money.currency }
    }
}

impl TryFrom<MoneyWire<'_>> for Money {
    type Error = MoneyError;

    fn try_from(wire: MoneyWire<'_>) -> Result<Self, MoneyError> {
        Self::parse(&wire.amount, wire.currency)
    }
}

/// A number of the smallest unit, of so many decimals, as decimal text.
#[must_use]
pub fn decimal_text(amount: i128, decimals: usize) -> String {
    let digits = format!("{:0width$}", amount.unsigned_abs(), width = decimals + 1);
    let (whole, part) = digits.split_at(digits.len() - decimals);
    let (sign, point) = (if amount < 0 { "-" } else { "" }, if part.is_empty() { "" } else { "." });
    format!("{sign}{whole}{point}{part}")
}

impl Money {
    /// The amount of this many minor units.
    ///
    /// # Errors
    /// [`MoneyError::Negative`] below 0, [`MoneyError::TooLarge`] above [`MAX_MINOR`].
    pub const fn from_minor(minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        match minor {
            ..0 => Err(MoneyError::Negative),
            0..=MAX_MINOR => Ok(Self { minor, currency }),
            _ => Err(MoneyError::TooLarge),
        }
    }

    /// The amount written as decimal digits with at most one `.`; missing decimals are noughts.
    ///
    /// # Errors
    /// [`MoneyError`], one kind for each way of being wrong; never rounds.
    pub fn parse(amount: &str, currency: Currency) -> Result<Self, MoneyError> {
        let (integer, decimals) = split(amount)?;
        let exponent = currency.exponent() as usize;
        if decimals.len() > exponent {
            return Err(MoneyError::TooManyDecimals { currency, allowed: currency.exponent() });
        }
        let padding = std::iter::repeat_n(b'0', exponent - decimals.len());
        let mut minor: i64 = 0;
        for digit in integer.bytes().chain(decimals.bytes()).chain(padding) {
            // MAX_MINOR times ten overflows, hence the check on the way rather than at the end.
            minor = minor
                .checked_mul(10)
                .and_then(|tens| tens.checked_add(i64::from(digit - b'0')))
                .ok_or(MoneyError::TooLarge)?;
        }
        Self::from_minor(minor, currency)
    }

    /// The amount in minor units, never negative.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The canonical decimal text, with all of the currency's decimals: `1234.50`.
    #[must_use]
    pub fn amount(self) -> String {
        let exponent = self.currency.exponent() as usize;
        let digits = format!("{:0width$}", self.minor, width = exponent + 1);
        let (integer, decimals) = digits.split_at(digits.len() - exponent);
        if decimals.is_empty() { integer.to_owned() } else { format!("{integer}.{decimals}") }
    }
}

/// The digits before and after the point, once the text is known to be nothing else.
fn split(amount: &str) -> Result<(&str, &str), MoneyError> {
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    match amount.split_once('.') {
        None if !amount.is_empty() && digits(amount) => Ok((amount, "")),
        Some((integer, decimals)) if digits(integer) && digits(decimals) => {
            match (integer.is_empty(), decimals.is_empty()) {
                (true, _) => Err(MoneyError::NoInteger),
                (_, true) => Err(MoneyError::NoDecimals),
                _ => Ok((integer, decimals)),
            }
        }
        _ => Err(why_malformed(amount)),
    }
}

/// The most telling reason why a text is not digits with at most one point.
fn why_malformed(amount: &str) -> MoneyError {
    match amount.chars().next() {
        None => MoneyError::Empty,
        _ if amount.contains(char::is_whitespace) => MoneyError::WhiteSpace,
        Some('-') => MoneyError::Negative,
        Some('+') => MoneyError::PlusSign,
        Some('0'..='9') if amount.contains(['e', 'E']) => MoneyError::Exponent,
        _ => MoneyError::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(amount: &str, code: &str) -> Result<String, &'static str> {
        let currency = code.parse().unwrap();
        Money::parse(amount, currency).map(Money::amount).map_err(|error| error.code())
    }

    #[test]
    fn an_amount_is_written_with_all_decimals_of_its_currency() {
        assert_eq!(read("1234.5", "EUR"), Ok("1234.50".into()));
        assert_eq!(read("7", "EUR"), Ok("7.00".into()));
        assert_eq!(read("0.07", "EUR"), Ok("0.07".into()));
        assert_eq!(read("250", "JPY"), Ok("250".into()));
        assert_eq!(read("0.005", "BHD"), Ok("0.005".into()));
        assert_eq!(read("000123.40", "EUR"), Ok("123.40".into()));
    }

    #[test]
    fn every_way_of_being_wrong_has_its_own_code() {
        for (amount, code) in [
            ("1.234", "too_many_decimals"),
            ("1.230", "too_many_decimals"),
            ("-1", "amount_negative"),
            ("1e3", "amount_exponent"),
            ("", "amount_empty"),
            (" 1", "amount_white_space"),
            ("1 000", "amount_white_space"),
            ("+1", "amount_plus_sign"),
            (".5", "amount_no_integer"),
            ("1.", "amount_no_decimals"),
            ("1,5", "invalid_amount"),
            ("1.2.3", "invalid_amount"),
            ("NaN", "invalid_amount"),
            ("١", "invalid_amount"),
            ("10000000000000000.00", "amount_too_large"),
            ("99999999999999999999999999", "amount_too_large"),
        ] {
            assert_eq!(read(amount, "EUR"), Err(code), "{amount}");
        }
        assert_eq!(read("1.0", "JPY"), Err("too_many_decimals"));
    }

    #[test]
    fn eighteen_digits_is_the_most() {
        assert_eq!(read("9999999999999999.99", "EUR"), Ok("9999999999999999.99".into()));
        let euro = Currency::parse("EUR").unwrap();
        assert!(Money::from_minor(MAX_MINOR, euro).is_ok());
        assert_eq!(Money::from_minor(MAX_MINOR + 1, euro), Err(MoneyError::TooLarge));
        assert_eq!(Money::from_minor(-1, euro), Err(MoneyError::Negative));
    }

    #[test]
    fn the_wire_takes_a_string_and_nothing_more() {
        let json = r#"{"amount":"1234.50","currency":"EUR"}"#;
        let money: Money = serde_json::from_str(json).unwrap();
        assert_eq!(money.minor(), 123_450);
        assert_eq!(serde_json::to_string(&money).unwrap(), json);
        for bad in [
            r#"{"amount":1234.50,"currency":"EUR"}"#,
            r#"{"amount":"1","currency":"eur"}"#,
            r#"{"amount":"1","currency":"EUR","sign":"-"}"#,
            r#"{"amount":"1"}"#,
        ] {
            assert!(serde_json::from_str::<Money>(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_panic(amount: String) {
            let _ = read(&amount, "EUR");
        }

        #[test]
        fn what_is_written_is_read_as_the_same_amount(
            minor in 0..=MAX_MINOR,
            code in proptest::sample::select(vec!["EUR", "JPY", "BHD", "CLF"]),
        ) {
            let money = Money::from_minor(minor, Currency::parse(code).unwrap()).unwrap();
            prop_assert_eq!(Money::parse(&money.amount(), money.currency()), Ok(money));
        }
    }
}
