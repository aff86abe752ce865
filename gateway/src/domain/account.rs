//! Accounts: what an institution keeps and its transactions are on.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{AccountId, Currency, Text, date, transaction};

/// An account as a feeder delivers it (ISO 20022 `CashAccount`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// The currency that the account is kept in (`Acct/Ccy`).
    pub currency: Currency,
    /// What the account is called (`Acct/Nm`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 70, example = "Leasing collections")]
    pub name: Option<Text<70>>,
    /// The day on which it was opened.
    #[serde(skip_serializing_if = "Option::is_none", default, with = "date::iso_option")]
    #[schema(value_type = Option<String>, format = Date, example = "2019-04-01")]
    pub opened_on: Option<Date>,
    /// The institution's own name for it: an IBAN or an account number, unique within the institution
    /// (`Acct/Id/IBAN` or `Acct/Id/Othr/Id`).
    #[schema(value_type = String, min_length = 1, max_length = 64, example = "DE04000000000000000576")]
    pub reference: Text<64>,
    /// The party that keeps it: a BIC, a clearing code or a name (`Acct/Svcr/FinInstnId`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 140, example = "XMPLDEX0")]
    pub servicer: Option<Text<140>>,
}

/// An account on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
// Fields in sorted order: see the parent module for why that matters.
pub struct Account {
    /// The currency that the account is kept in.
    pub currency: Currency,
    /// The id that it was given when it was first delivered.
    pub id: AccountId,
    /// What the account is called.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 70, example = "Leasing collections")]
    pub name: Option<Text<70>>,
    /// The day on which it was opened.
    #[serde(skip_serializing_if = "Option::is_none", default, with = "date::iso_option")]
    #[schema(value_type = Option<String>, format = Date, example = "2019-04-01")]
    pub opened_on: Option<Date>,
    /// The institution's own name for it.
    #[schema(value_type = String, min_length = 1, max_length = 64, example = "DE04000000000000000576")]
    pub reference: Text<64>,
    /// The party that keeps it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 140, example = "XMPLDEX0")]
    pub servicer: Option<Text<140>>,
    /// Always `account`.
    #[serde(rename = "type")]
    pub kind: AccountKind,
}

/// The `type` of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// The only one.
    #[default]
    Account,
}

impl Account {
    /// The account that a delivery makes under this id.
    #[must_use]
    pub fn new(id: AccountId, new: NewAccount) -> Self {
        let NewAccount { currency, name, opened_on, reference, servicer } = new;
        Self { currency, id, name, opened_on, reference, servicer, kind: AccountKind::Account }
    }

    /// The bytes that the ledger commits to and that are served: RFC 8785 canonical JSON.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        transaction::canonical(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing;
    use super::*;

    #[test]
    fn the_payload_is_one_canonical_line() {
        let new = NewAccount {
            currency: Currency::parse("CZK").unwrap(),
            name: Some("Běžný účet".parse().unwrap()),
            opened_on: Some(date::parse("1993-01-01").unwrap()),
            reference: "576".parse().unwrap(),
            servicer: None,
        };
        let id = AccountId::from_uuid(uuid::Uuid::from_u128(7));
        assert_eq!(
            String::from_utf8(Account::new(id, new).payload()).unwrap(),
            concat!(
                r#"{"currency":"CZK","id":"acc_00000000000000000000000000000007","name":"Běžný účet","#,
                r#""opened_on":"1993-01-01","reference":"576","type":"account"}"#,
            )
        );
    }

    #[test]
    fn an_unknown_field_is_refused() {
        assert!(serde_json::from_str::<NewAccount>(r#"{"currency":"EUR","reference":"1"}"#).is_ok());
        assert!(
            serde_json::from_str::<NewAccount>(r#"{"currency":"EUR","reference":"1","iban":"x"}"#).is_err()
        );
    }

    proptest! {
        #[test]
        fn the_payload_is_what_rfc_8785_says(new in testing::new_account(), id: u128) {
            let account = Account::new(AccountId::from_uuid(uuid::Uuid::from_u128(id)), new);
            let payload = account.payload();
            prop_assert_eq!(&payload, &serde_json_canonicalizer::to_vec(&account).unwrap());
            prop_assert_eq!(serde_json::from_slice::<Account>(&payload).unwrap(), account);
        }
    }
}
