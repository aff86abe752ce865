//! Currencies that an amount can be stated in.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Fault;

/// A currency code was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CurrencyError {
    /// The text is not an alphabetic code of ISO 4217, in upper case.
    #[error("not an ISO 4217 alphabetic currency code")]
    Unknown,
    /// The code stands for nothing that has a minor unit: metals, baskets, XTS and XXX.
    #[error("ISO 4217 gives this code no minor unit, so no amount can be stated in it")]
    NoMinorUnit,
}

impl Fault for CurrencyError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown_currency",
            Self::NoMinorUnit => "currency_without_minor_unit",
        }
    }
}

/// A currency of ISO 4217 that has a minor unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The currency with this alphabetic code, in upper case.
    ///
    /// # Errors
    /// [`CurrencyError::Unknown`], or [`CurrencyError::NoMinorUnit`] for codes such as XAU and XXX.
    pub fn parse(code: &str) -> Result<Self, CurrencyError> {
        let currency = iso_currency::Currency::from_code(code)
            .filter(|currency| currency.code() == code)
            .ok_or(CurrencyError::Unknown)?;
        match currency.exponent() {
            Some(_) => Ok(Self(currency)),
            None => Err(CurrencyError::NoMinorUnit),
        }
    }

    /// The three-letter code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many decimals its amounts have: 2 for EUR, 0 for JPY, 3 for BHD.
    #[must_use]
    pub fn exponent(self) -> u32 {
        // Only a code with an exponent becomes a `Currency`.
        self.0.exponent().map_or(0, u32::from)
    }
}

impl std::fmt::Display for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl std::str::FromStr for Currency {
    type Err = CurrencyError;

    fn from_str(code: &str) -> Result<Self, CurrencyError> {
        Self::parse(code)
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = <Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&code).map_err(serde::de::Error::custom)
    }
}

impl utoipa::PartialSchema for Currency {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some("An ISO 4217 alphabetic code with a minor unit."))
            .pattern(Some("^[A-Z]{3}$"))
            .examples(["EUR"])
            .into()
    }
}

impl utoipa::ToSchema for Currency {
    fn name() -> Cow<'static, str> {
        "Currency".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_knows_its_decimals() {
        for (code, exponent) in [("EUR", 2), ("JPY", 0), ("BHD", 3), ("CLF", 4), ("CZK", 2)] {
            assert_eq!(Currency::parse(code).map(Currency::exponent), Ok(exponent), "{code}");
        }
    }

    #[test]
    fn a_code_that_no_amount_can_be_stated_in_is_refused() {
        for code in ["XAU", "XXX", "XTS", "XDR"] {
            assert_eq!(Currency::parse(code), Err(CurrencyError::NoMinorUnit), "{code}");
        }
        for code in ["", "eur", "EUR ", "EURO", "AAA", "978", "€"] {
            assert_eq!(Currency::parse(code), Err(CurrencyError::Unknown), "{code}");
        }
    }
}
