//! Balances: amounts that may be on either side of nought.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, schema::Schema};

use super::money::MoneyError;
use super::{Currency, Direction, Money};

/// An amount and the side that it is on.
///
/// On the wire `{"amount":"1234.56","currency":"EUR","direction":"credit"}` (ISO 20022 `Bal/Amt` and
/// `Bal/CdtDbtInd`). A nought made here is a credit, as ISO 20022 has it; one delivered as a debit stays one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "BalanceWire<'static>", try_from = "BalanceWire<'_>")]
pub struct Balance {
    /// How much.
    pub money: Money,
    /// Credit: the account is in funds. Debit: it is overdrawn.
    pub direction: Direction,
}

/// A balance: an exact amount and the side that it is on.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"amount": "310.07", "currency": "EUR", "direction": "debit"})))]
struct BalanceWire<'a> {
    /// Decimal digits, always with all of the currency's decimals; at most 18 digits.
    #[schema(value_type = String, pattern = "^[0-9]+(\\.[0-9]{1,4})?$", max_length = 19, example = "310.07")]
    amount: Cow<'a, str>,
    currency: Currency,
    direction: Direction,
}

impl From<Balance> for BalanceWire<'static> {
    fn from(balance: Balance) -> Self {
        let Balance { money, direction } = balance;
        Self { amount: money.amount().into(), currency: money.currency(), direction }
    }
}

impl TryFrom<BalanceWire<'_>> for Balance {
    type Error = MoneyError;

    fn try_from(wire: BalanceWire<'_>) -> Result<Self, MoneyError> {
        Ok(Self { money: Money::parse(&wire.amount, wire.currency)?, direction: wire.direction })
    }
}

impl utoipa::PartialSchema for Balance {
    fn schema() -> RefOr<Schema> {
        BalanceWire::schema()
    }
}

impl utoipa::ToSchema for Balance {
    fn name() -> Cow<'static, str> {
        "Balance".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        BalanceWire::schemas(schemas);
    }
}

impl Balance {
    /// The balance of this many minor units, negative when overdrawn.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`] beyond [`MAX_MINOR`](super::money::MAX_MINOR) on either side.
    pub fn from_signed_minor(minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        let direction = if minor < 0 { Direction::Debit } else { Direction::Credit };
        let size = minor.checked_abs().ok_or(MoneyError::TooLarge)?;
        Ok(Self { money: Money::from_minor(size, currency)?, direction })
    }

    /// The balance in minor units, negative when overdrawn.
    #[must_use]
    pub const fn signed_minor(self) -> i64 {
        match self.direction {
            Direction::Credit => self.money.minor(),
            Direction::Debit => -self.money.minor(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::money::MAX_MINOR;
    use super::*;

    #[test]
    fn an_overdrawn_account_has_a_debit_balance() {
        let euro = Currency::parse("EUR").unwrap();
        let balance = Balance::from_signed_minor(-31_007, euro).unwrap();
        let json = serde_json::to_string(&balance).unwrap();
        assert_eq!(json, r#"{"amount":"310.07","currency":"EUR","direction":"debit"}"#);
        assert_eq!(serde_json::from_str::<Balance>(&json).unwrap(), balance);
    }

    #[test]
    fn a_balance_has_the_limits_of_an_amount() {
        let euro = Currency::parse("EUR").unwrap();
        for minor in [i64::MIN, i64::MAX, MAX_MINOR + 1, -MAX_MINOR - 1] {
            assert_eq!(Balance::from_signed_minor(minor, euro), Err(MoneyError::TooLarge));
        }
    }

    proptest! {
        #[test]
        fn the_sign_survives(minor in -MAX_MINOR..=MAX_MINOR) {
            let euro = Currency::parse("EUR").unwrap();
            prop_assert_eq!(Balance::from_signed_minor(minor, euro).unwrap().signed_minor(), minor);
        }
    }
}
