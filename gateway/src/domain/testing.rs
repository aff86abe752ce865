//! Arbitrary valid values, for property tests.

use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::money::MAX_MINOR;
use super::{
    Balance, Counterparty, Currency, Direction, Money, NewAccount, NewRevision, NewTransaction, RevisionKind,
    Status, Text, date,
};

/// A text of 1 to 20 characters from all over Unicode, quotes and separators included.
fn text<const MAX: usize>() -> impl Strategy<Value = Text<MAX>> {
    let any = proptest::string::string_regex("[^\\p{Cc}]{1,20}").expect("a regular expression");
    prop_oneof![any, Just("\"\\/;,\u{2028}\u{fffd}😀".to_owned())]
        .prop_map(|text| Text::new(text).expect("within the limits"))
}

fn currency() -> impl Strategy<Value = Currency> {
    select(vec!["EUR", "CHF", "JPY", "BHD", "CZK"]).prop_map(|code| Currency::parse(code).expect("a code"))
}

fn date() -> impl Strategy<Value = jiff::civil::Date> {
    (1..=9999_i16, 1..=12_i16, 1..=28_i16)
        .prop_map(|(year, month, day)| date::of(year, month, day).expect("a day"))
}

fn counterparty() -> impl Strategy<Value = Counterparty> {
    (of(text()), of(text()), of(text())).prop_map(|(account, agent, name)| Counterparty {
        account,
        agent,
        name,
    })
}

fn revision() -> impl Strategy<Value = NewRevision> {
    (select(RevisionKind::ALL.to_vec()), text()).prop_map(|(kind, reason)| NewRevision { kind, reason })
}

pub(crate) fn new_account() -> impl Strategy<Value = NewAccount> {
    (currency(), of(text()), of(date()), text(), of(text())).prop_map(
        |(currency, name, opened_on, reference, servicer)| NewAccount {
            currency,
            name,
            opened_on,
            reference,
            servicer,
        },
    )
}

pub(crate) fn new_transaction() -> impl Strategy<Value = NewTransaction> {
    let money = (currency(), 0..=MAX_MINOR, of(-MAX_MINOR..=MAX_MINOR));
    let words = (select(Direction::ALL.to_vec()), select(Status::ALL.to_vec()));
    let texts = (text(), text(), of(text()), of(text()), of(text()), of(text()));
    (money, words, texts, (date(), of(date())), (of(counterparty()), of(revision()))).prop_map(
        |(
            (currency, minor, balance),
            (direction, status),
            texts,
            (booking_date, value_date),
            (counterparty, revision),
        )| {
            let (account, reference, bank_transaction_code, purpose, end_to_end_id, remittance_information) =
                texts;
            NewTransaction {
                account,
                amount: Money::from_minor(minor, currency).expect("in range"),
                balance_after: balance
                    .map(|minor| Balance::from_signed_minor(minor, currency).expect("in range")),
                bank_transaction_code,
                booking_date,
                counterparty: counterparty.and_then(Counterparty::known),
                direction,
                end_to_end_id,
                purpose,
                reference,
                remittance_information,
                revision,
                source: None,
                status,
                value_date,
            }
        },
    )
}
