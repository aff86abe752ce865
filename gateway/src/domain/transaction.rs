//! Transactions: movements of money on an account.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{AccountId, Balance, Currency, Direction, Fault, Money, Status, Text, TransactionId, date};

/// A transaction as a feeder delivers it (ISO 20022 `ReportEntry`, the `Ntry` of a camt.053 statement).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
// Fields in sorted order, like those of `Transaction`.
pub struct NewTransaction {
    /// The `reference` of the account that it is on.
    #[schema(value_type = String, min_length = 1, max_length = 64, example = "DE04000000000000000576")]
    pub account: Text<64>,
    /// How much, in the account's currency (`Ntry/Amt`).
    pub amount: Money,
    /// The account's balance once this transaction is on the books, in the amount's currency.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub balance_after: Option<Balance>,
    /// What kind of transaction it is: an ISO 20022 bank transaction code such as `PMNT-RCDT-ESCT`, or the
    /// servicer's own (`BkTxCd`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 35, example = "PMNT-RCDT-ESCT")]
    pub bank_transaction_code: Option<Text<35>>,
    /// The day on which it came on the books (`BookgDt/Dt`).
    #[serde(with = "date::iso")]
    #[schema(value_type = String, format = Date, example = "2026-03-31")]
    pub booking_date: Date,
    /// Who is on the other side (`RltdPties`, `RltdAgts`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub counterparty: Option<Counterparty>,
    /// Which way the money moved (`CdtDbtInd`).
    pub direction: Direction,
    /// The initiating party's own reference, passed on unchanged (`Refs/EndToEndId`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 35, example = "RENT-2026-03")]
    pub end_to_end_id: Option<Text<35>>,
    /// Why the money moved: an ISO 20022 external purpose code such as `SALA`, or the servicer's own (`Purp`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 35, example = "SALA")]
    pub purpose: Option<Text<35>>,
    /// The servicer's own id of the transaction, unique within the institution (`AcctSvcrRef`).
    #[schema(value_type = String, min_length = 1, max_length = 64, example = "2026033100018844")]
    pub reference: Text<64>,
    /// What the parties wrote about it (`RmtInf/Ustrd`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1000, example = "Miete März, Wohnung 7")]
    pub remittance_information: Option<Text<1000>>,
    /// That this changes a transaction which is on record under this reference, and why. The other fields
    /// are then the transaction as it is to be. It need not be said that what was pending is booked now.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revision: Option<NewRevision>,
    /// Where in a delivered file it stands: for whoever reads the file to say, not for the file.
    #[serde(skip)]
    #[schema(ignore)]
    pub source: Option<Source>,
    /// How final it is; `booked` when it is not said.
    #[serde(default)]
    #[schema(required = false, default = "booked")]
    pub status: Status,
    /// The day from which it counts for interest (`ValDt/Dt`).
    #[serde(skip_serializing_if = "Option::is_none", default, with = "date::iso_option")]
    #[schema(value_type = Option<String>, format = Date, example = "2026-03-31")]
    pub value_date: Option<Date>,
}

/// Who is on the other side of a transaction, as far as the servicer knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Counterparty {
    /// Its account: an IBAN or an account number (`CdtrAcct/Id`, `DbtrAcct/Id`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 34, example = "AT560000000012345864")]
    pub account: Option<Text<34>>,
    /// Its bank: a BIC, a clearing code or a name (`RltdAgts/…/FinInstnId`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 140, example = "XMPLATX0")]
    pub agent: Option<Text<140>>,
    /// Its name (`Cdtr/Pty/Nm`, `Dbtr/Pty/Nm`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 140, example = "Gärtnerei Süßmilch")]
    pub name: Option<Text<140>>,
}

impl Counterparty {
    /// This counterparty, unless nothing at all is known of it.
    #[must_use]
    pub fn known(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}

/// What a revision does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RevisionKind {
    /// The transaction was not as recorded: this is how it is.
    Correction,
    /// The transaction is withdrawn, as if it had never been (ISO 20022 `RvslInd`): it stands in no list,
    /// no balance and no export from then on, and only its history shows it.
    Reversal,
}

impl RevisionKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Correction, Self::Reversal];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Correction => "correction",
            Self::Reversal => "reversal",
        }
    }

    /// The kind with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// That a delivered transaction changes one that is on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRevision {
    /// What it does.
    #[schema(example = "correction")]
    pub kind: RevisionKind,
    /// Why, for people to read.
    #[schema(value_type = String, min_length = 1, max_length = 500, example = "amount was keyed in wrongly")]
    pub reason: Text<500>,
}

impl NewRevision {
    /// The one change that needs no saying: what was pending came on the books.
    #[must_use]
    pub fn settlement() -> Self {
        let reason = Text::new("what was pending came on the books").expect("a sentence is a text");
        Self { kind: RevisionKind::Correction, reason }
    }
}

/// How a version of a transaction differs from the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    /// What it does.
    #[schema(example = "correction")]
    pub kind: RevisionKind,
    /// Why, for people to read.
    #[schema(value_type = String, min_length = 1, max_length = 500, example = "amount was keyed in wrongly")]
    pub reason: Text<500>,
    /// The seq of the version that it takes the place of.
    #[schema(example = "7", pattern = "^[0-9]+$")]
    pub supersedes: String,
    /// Its number, from 2: the first version has no revision.
    #[schema(example = "2", pattern = "^[0-9]+$")]
    pub version: String,
}

/// A transaction on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
// Fields in sorted order: see the parent module for why that matters.
pub struct Transaction {
    /// The institution's own name of the account that it is on.
    #[schema(value_type = String, min_length = 1, max_length = 64, example = "DE04000000000000000576")]
    pub account: Text<64>,
    /// The account that it is on.
    pub account_id: AccountId,
    /// How much, in the account's currency.
    pub amount: Money,
    /// The account's balance once this transaction is on the books.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub balance_after: Option<Balance>,
    /// What kind of transaction it is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 35, example = "PMNT-RCDT-ESCT")]
    pub bank_transaction_code: Option<Text<35>>,
    /// The day on which it came on the books.
    #[serde(with = "date::iso")]
    #[schema(value_type = String, format = Date, example = "2026-03-31")]
    pub booking_date: Date,
    /// Who is on the other side.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub counterparty: Option<Counterparty>,
    /// Which way the money moved.
    pub direction: Direction,
    /// The initiating party's own reference.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 35, example = "RENT-2026-03")]
    pub end_to_end_id: Option<Text<35>>,
    /// The id that it was given when it was first delivered.
    pub id: TransactionId,
    /// Why the money moved.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 35, example = "SALA")]
    pub purpose: Option<Text<35>>,
    /// The servicer's own id of the transaction.
    #[schema(value_type = String, min_length = 1, max_length = 64, example = "2026033100018844")]
    pub reference: Text<64>,
    /// What the parties wrote about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1000, example = "Miete März, Wohnung 7")]
    pub remittance_information: Option<Text<1000>>,
    /// How this version differs from the one before; absent from the first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revision: Option<Revision>,
    /// Where it stands in the file that it was delivered in; absent when it came in none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<Source>,
    /// How final it is.
    pub status: Status,
    /// Always `transaction`.
    #[serde(rename = "type")]
    pub kind: TransactionKind,
    /// The day from which it counts for interest.
    #[serde(skip_serializing_if = "Option::is_none", default, with = "date::iso_option")]
    #[schema(value_type = Option<String>, format = Date, example = "2026-03-31")]
    pub value_date: Option<Date>,
}

/// Where a record stands in the file that it was delivered in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
// Fields in sorted order, and no numbers, like those of `Transaction`.
pub struct Source {
    /// The file: its SHA-256 in hex. The file's own entry on the ledger names it too.
    #[schema(
        value_type = String,
        pattern = "^[0-9a-f]{64}$",
        example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    )]
    pub file_sha256: Text<64>,
    /// The line, from 1; in XML that of the entry's element.
    #[schema(value_type = String, pattern = "^[0-9]+$", example = "90")]
    pub line: Text<20>,
    /// The bytes before it in the file.
    #[schema(value_type = String, pattern = "^[0-9]+$", example = "3377")]
    pub offset: Text<20>,
}

impl Source {
    /// A place in a file.
    #[must_use]
    pub fn new(file_sha256: &Text<64>, line: u64, offset: u64) -> Self {
        let digits = |number: u64| Text::new(number.to_string()).expect("20 digits at most are a text");
        Self { file_sha256: file_sha256.clone(), line: digits(line), offset: digits(offset) }
    }
}

/// The `type` of a transaction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransactionKind {
    /// The only one.
    #[default]
    Transaction,
}

/// Two fields of a transaction contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TransactionError {
    /// The balance is in another currency than the amount.
    #[error("the balance is in {balance}, the amount in {amount}")]
    CurrencyMismatch {
        /// The amount's currency.
        amount: Currency,
        /// The balance's.
        balance: Currency,
    },
}

impl Fault for TransactionError {
    fn code(&self) -> &'static str {
        match self {
            Self::CurrencyMismatch { .. } => "currency_mismatch",
        }
    }
}

impl NewTransaction {
    /// Whether the fields agree with each other; that each is right by itself, its type says. Every reader of
    /// `intake` has called this on what it yields.
    ///
    /// # Errors
    /// [`TransactionError`].
    pub fn check(&self) -> Result<(), TransactionError> {
        let amount = self.amount.currency();
        match self.balance_after.map(|balance| balance.money.currency()) {
            Some(balance) if balance != amount => Err(TransactionError::CurrencyMismatch { amount, balance }),
            _ => Ok(()),
        }
    }
}

/// A version of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// Its entry's seq.
    pub seq: u64,
    /// Its number, from 1.
    pub number: u64,
}

impl Transaction {
    /// The transaction that a delivery makes under this id, on this account; `before` is the version that
    /// it revises, if it revises one.
    #[must_use]
    pub fn new(
        id: TransactionId,
        account_id: AccountId,
        new: NewTransaction,
        before: Option<Version>,
    ) -> Self {
        let revision = new.revision.zip(before).map(|(new, before)| Revision {
            kind: new.kind,
            reason: new.reason,
            supersedes: before.seq.to_string(),
            version: (before.number + 1).to_string(),
        });
        Self {
            revision,
            account: new.account,
            account_id,
            amount: new.amount,
            balance_after: new.balance_after,
            bank_transaction_code: new.bank_transaction_code,
            booking_date: new.booking_date,
            counterparty: new.counterparty,
            direction: new.direction,
            end_to_end_id: new.end_to_end_id,
            id,
            purpose: new.purpose,
            reference: new.reference,
            remittance_information: new.remittance_information,
            source: new.source,
            status: new.status,
            kind: TransactionKind::Transaction,
            value_date: new.value_date,
        }
    }

    /// Whether it withdraws the transaction.
    #[must_use]
    pub fn is_reversal(&self) -> bool {
        self.revision.as_ref().is_some_and(|revision| revision.kind == RevisionKind::Reversal)
    }

    /// The bytes that the ledger commits to and that are served: RFC 8785 canonical JSON.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        canonical(self)
    }
}

/// A record as JSON without white space, which is canonical for structs whose fields are declared in sorted
/// order and that hold no numbers.
pub(super) fn canonical<T: Serialize>(record: &T) -> Vec<u8> {
    // Writing to memory cannot fail, and a struct of strings has no map key that JSON lacks.
    serde_json::to_vec(record).expect("a record of strings is JSON")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing;
    use super::*;

    const SMALLEST: &str = concat!(
        r#"{"account":"576","amount":{"amount":"7.5","currency":"EUR"},"#,
        r#""booking_date":"2026-03-31","direction":"debit","reference":"1"}"#
    );

    #[test]
    fn the_payload_is_one_canonical_line() {
        let new: NewTransaction = serde_json::from_str(SMALLEST).unwrap();
        let (id, account_id) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
        let record =
            Transaction::new(TransactionId::from_uuid(id), AccountId::from_uuid(account_id), new, None);
        assert_eq!(
            String::from_utf8(record.payload()).unwrap(),
            concat!(
                r#"{"account":"576","account_id":"acc_00000000000000000000000000000002","#,
                r#""amount":{"amount":"7.50","currency":"EUR"},"booking_date":"2026-03-31","#,
                r#""direction":"debit","id":"txn_00000000000000000000000000000001","#,
                r#""reference":"1","status":"booked","type":"transaction"}"#
            )
        );
    }

    #[test]
    fn a_balance_is_in_the_currency_of_the_amount() {
        let mut new: NewTransaction = serde_json::from_str(SMALLEST).unwrap();
        assert_eq!(new.check(), Ok(()));
        new.balance_after = Balance::from_signed_minor(-5, Currency::parse("CHF").unwrap()).ok();
        assert_eq!(new.check().unwrap_err().to_string(), "the balance is in CHF, the amount in EUR");
    }

    #[test]
    fn an_unknown_field_is_refused() {
        let more = SMALLEST.replace("\"reference\"", "\"colour\":\"red\",\"reference\"");
        assert!(serde_json::from_str::<NewTransaction>(&more).is_err());
    }

    proptest! {
        #[test]
        fn the_payload_is_what_rfc_8785_says(new in testing::new_transaction(), id: u128, from_a_file: bool) {
            let id = uuid::Uuid::from_u128(id);
            let sha256 = Text::new("0123456789abcdef".repeat(4)).unwrap();
            let source = from_a_file.then(|| Source::new(&sha256, 7, 300));
            let new = NewTransaction { source, ..new };
            let record = Transaction::new(TransactionId::from_uuid(id), AccountId::from_uuid(id), new, Some(Version { seq: 7, number: 1 }));
            let payload = record.payload();
            prop_assert_eq!(&payload, &serde_json_canonicalizer::to_vec(&record).unwrap());
            prop_assert_eq!(serde_json::from_slice::<Transaction>(&payload).unwrap(), record);
        }

        #[test]
        fn a_delivery_comes_back_from_its_json(new in testing::new_transaction()) {
            let json = serde_json::to_vec(&new).unwrap();
            prop_assert_eq!(serde_json::from_slice::<NewTransaction>(&json).unwrap(), new);
        }
    }
}
