//! Which transactions are payments or refunds of CESOP, and what is written of each.
//!
//! - A *payment* is a booked credit whose payer is in a Member State and in another country than the payee
//!   (Directive 2006/112/EC, Article 243b(1)).
//! - A *refund* is a booked debit whose ISO 20022 bank transaction code says that a payment went back, to a payer
//!   of whom the same holds. Refunds don't count for the threshold.
//! - The payer's place is that of the IBAN, and where there is no good one that of its bank's BIC (Article 243c).
//!   Where neither is known, a credit is *unlocated*.
//! - What goes back to the payee is no payment to it, and neither is what the code puts in another domain than
//!   payments (`PMNT`), such as interest.
//!
//! A bank transaction code is read where it is written as `DOMAIN-FAMILY-SUBFAMILY`; other codes say nothing.

use jiff::civil::Date;

use super::location::{Country, Source, bic_country, iban_country};
use crate::domain::{Counterparty, Currency, Direction, Status, Transaction};

/// Subfamilies that say that a payment goes back (ISO 20022 external code set
/// `ExternalBankTransactionSubFamily1Code`): after a return, a cancellation request, an unpaid direct debit, a
/// reversal; reimbursements; and debit adjustments of a card acceptor.
const RETURNS: [&str; 7] = ["RRTN", "RPCR", "UPDD", "PRDD", "RCDD", "RIMB", "DAJT"];

/// The other domains of the external code set `ExternalBankTransactionDomain1Code`.
const NO_PAYMENTS: [&str; 9] = ["ACMT", "CAMT", "CMDT", "DERV", "FORX", "LDAS", "PMET", "SECU", "TRAD"];

/// A payment or a refund, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Its record's entry.
    pub seq: u64,
    /// Its identifier.
    pub identifier: String,
    /// The day on which it was booked.
    pub day: Date,
    /// How much, in minor units; a refund's is below nought.
    pub minor: i64,
    /// The amount's currency.
    pub currency: Currency,
    /// The payment method, where the bank transaction code says it.
    pub method: Option<&'static str>,
    /// Whether it was made at a terminal of the payee.
    pub at_premises: bool,
    /// The payer's Member State.
    pub payer: Country,
    /// What says so.
    pub source: Source,
    /// Whether it is a refund.
    pub refund: bool,
}

/// What a transaction is to CESOP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Class {
    /// A payment or a refund across a border.
    Reportable(Box<Payment>),
    /// A credit of which nobody knows where it came from.
    Unlocated,
    /// Neither.
    Other,
}

/// What a transaction on the account of a payee in this country is.
#[must_use]
pub fn classify(seq: u64, transaction: &Transaction, payee: Country) -> Class {
    if transaction.status != Status::Booked {
        return Class::Other;
    }
    let code = transaction.bank_transaction_code.as_ref().map_or("", |code| code.as_str());
    let mut parts = code.split('-');
    let (domain, family, subfamily) =
        (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let goes_back = domain == "PMNT" && RETURNS.contains(&subfamily);
    let refund = match (transaction.direction, goes_back) {
        (Direction::Credit, false) if !NO_PAYMENTS.contains(&domain) => false,
        (Direction::Debit, true) => true,
        _ => return Class::Other,
    };
    let Some((payer, source)) = transaction.counterparty.as_ref().and_then(place) else {
        return if refund { Class::Other } else { Class::Unlocated };
    };
    if !payer.is_member_state() || payer == payee {
        return Class::Other;
    }
    let minor = transaction.amount.minor();
    Class::Reportable(Box::new(Payment {
        seq,
        identifier: collapse(&transaction.reference),
        day: transaction.booking_date,
        minor: if refund { -minor } else { minor },
        currency: transaction.amount.currency(),
        method: if domain == "PMNT" { method(family) } else { None },
        at_premises: domain == "PMNT" && subfamily == "POSP",
        payer,
        source,
        refund,
    }))
}

/// Where a party is.
fn place(party: &Counterparty) -> Option<(Country, Source)> {
    let iban = party.account.as_ref().and_then(|account| iban_country(account).ok());
    let bic = || party.agent.as_ref().and_then(|agent| bic_country(agent));
    iban.map(|country| (country, Source::Iban)).or_else(|| bic().map(|country| (country, Source::Bic)))
}

/// The payment method of a family (`ExternalBankTransactionFamily1Code`).
fn method(family: &str) -> Option<&'static str> {
    match family {
        "RCDT" | "ICDT" | "RRCT" | "IRCT" => Some("Bank transfer"),
        "RDDT" | "IDDT" => Some("Direct debit"),
        "MCRD" | "CCRD" => Some("Card payment"),
        _ => None,
    }
}

/// A text without white space around it, and with one space where more stand in it: what a reader of the schema's
/// strings sees (`xs:whiteSpace` is `collapse`).
#[must_use]
pub fn collapse(text: &str) -> String {
    text.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// An amount as the schema has it, with two decimals; none where it can't be said in two.
#[must_use]
pub fn two_decimals(minor: i64, currency: Currency) -> Option<String> {
    let cents = match currency.exponent() {
        more @ 3.. => {
            let unit = 10_i128.pow(more - 2);
            (i128::from(minor) % unit == 0).then_some(i128::from(minor) / unit)?
        }
        fewer => i128::from(minor) * 10_i128.pow(2 - fewer),
    };
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    Some(format!("{sign}{}.{:02}", cents / 100, cents % 100))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, NewTransaction, TransactionId};

    const FRENCH: &str = "FR1420041010050500013M02606";

    fn class(direction: &str, code: &str, account: Option<&str>, agent: Option<&str>) -> Class {
        let new: NewTransaction = serde_json::from_value(serde_json::json!({
            "account": "a", "reference": " T  1", "booking_date": "2026-02-03", "direction": direction,
            "amount": {"amount": "12.34", "currency": "EUR"}, "bank_transaction_code": code,
            "counterparty": {"account": account, "agent": agent},
        }))
        .unwrap();
        let id = uuid::Uuid::from_u128(1);
        let transaction = Transaction::new(TransactionId::from_uuid(id), AccountId::from_uuid(id), new, None);
        classify(7, &transaction, Country::parse("DE").unwrap())
    }

    fn reportable(class: Class) -> Payment {
        match class {
            Class::Reportable(payment) => *payment,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_credit_from_another_member_state_is_a_payment() {
        let payment = reportable(class("credit", "PMNT-RCDT-ESCT", Some(FRENCH), None));
        assert_eq!((payment.payer.code(), payment.source, payment.minor), ("FR", Source::Iban, 1234));
        assert_eq!((payment.method, payment.refund), (Some("Bank transfer"), false));
        assert_eq!(payment.identifier, "T 1");
    }

    #[test]
    fn the_bank_says_where_the_payer_is_where_its_account_does_not() {
        for account in [None, Some("12345"), Some("FR1520041010050500013M02606")] {
            let payment = reportable(class("credit", "other", account, Some("AGRIFRPP")));
            assert_eq!((payment.payer.code(), payment.source), ("FR", Source::Bic));
        }
        assert_eq!(class("credit", "other", Some("12345"), Some("Bank")), Class::Unlocated);
    }

    #[test]
    fn domestic_ones_and_those_from_outside_the_union_are_none() {
        assert_eq!(class("credit", "x", Some("DE89370400440532013000"), None), Class::Other);
        assert_eq!(class("credit", "x", Some("NO9386011117947"), None), Class::Other);
        assert_eq!(class("credit", "x", None, Some("NDEANOKK")), Class::Other);
    }

    #[test]
    fn a_debit_is_a_refund_where_its_code_says_that_a_payment_goes_back() {
        for subfamily in RETURNS {
            let refund = reportable(class("debit", &format!("PMNT-MCRD-{subfamily}"), Some(FRENCH), None));
            assert_eq!((refund.refund, refund.minor), (true, -1234));
        }
        assert_eq!(class("debit", "PMNT-ICDT-ESCT", Some(FRENCH), None), Class::Other);
        assert_eq!(class("debit", "PMNT-RCDT-RRTN", None, None), Class::Other);
    }

    #[test]
    fn what_comes_back_to_the_payee_and_interest_are_no_payments() {
        assert_eq!(class("credit", "PMNT-ICDT-RRTN", Some(FRENCH), None), Class::Other);
        assert_eq!(class("credit", "ACMT-MCOP-INTR", None, None), Class::Other);
    }

    #[test]
    fn amounts_have_two_decimals_or_none_at_all() {
        let text = |minor, code| two_decimals(minor, Currency::parse(code).unwrap());
        assert_eq!(text(123_456, "EUR").as_deref(), Some("1234.56"));
        assert_eq!(text(-5, "EUR").as_deref(), Some("-0.05"));
        assert_eq!(text(1234, "JPY").as_deref(), Some("1234.00"));
        assert_eq!(text(-1230, "BHD").as_deref(), Some("-1.23"));
        assert_eq!(text(1234, "BHD"), None);
    }
}
