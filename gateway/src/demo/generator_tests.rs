//! What the invented logs have in common with true ones.

use std::collections::{HashMap, HashSet};

use jiff::civil::date;

use super::*;
use crate::domain::Status;

const LAST_DAY: Date = date(2026, 3, 31);

fn logs() -> impl Iterator<Item = Log> {
    [Flavour::Leasing, Flavour::Payments]
        .into_iter()
        .flat_map(|flavour| [7, u64::MAX].map(|seed| generate(seed, flavour, LAST_DAY)))
}

fn bytes(log: &Log) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(&log.accounts).unwrap();
    bytes.extend(serde_json::to_vec(&log.transactions).unwrap());
    bytes
}

#[test]
fn a_seed_gives_one_log() {
    let log = generate(7, Flavour::Leasing, LAST_DAY);
    assert_eq!(bytes(&log), bytes(&generate(7, Flavour::Leasing, LAST_DAY)));
    assert_ne!(bytes(&log), bytes(&generate(8, Flavour::Leasing, LAST_DAY)));
    assert_ne!(bytes(&log), bytes(&generate(7, Flavour::Payments, LAST_DAY)));
}

#[test]
fn a_log_has_the_size_of_a_demonstration() {
    for log in logs() {
        assert_eq!(log.accounts.len(), ACCOUNTS);
        assert!((6_000..=10_000).contains(&log.transactions.len()), "{}", log.transactions.len());
    }
}

#[test]
fn every_balance_follows_from_the_one_before_it() {
    for log in logs() {
        let mut balances: HashMap<&str, i64> = HashMap::new();
        for new in &log.transactions {
            let balance = balances.entry(&new.account).or_default();
            match (new.status, new.balance_after) {
                (Status::Booked, Some(after)) => {
                    let sign = if new.direction == Credit { 1 } else { -1 };
                    *balance += sign * new.amount.minor();
                    assert_eq!(after.signed_minor(), *balance, "{}", new.reference);
                }
                (Status::Pending, None) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(balances.len(), ACCOUNTS);
    }
}

#[test]
fn references_are_unique_and_days_are_in_order() {
    for log in logs() {
        let references: HashSet<&str> = log.transactions.iter().map(|new| &*new.reference).collect();
        assert_eq!(references.len(), log.transactions.len());
        let accounts: HashSet<&str> = log.accounts.iter().map(|new| &*new.reference).collect();
        assert_eq!(accounts.len(), ACCOUNTS);
        assert!(log.transactions.is_sorted_by_key(|new| new.booking_date));
        assert!(log.transactions.iter().all(|new| accounts.contains(&*new.account)));
    }
}

#[test]
fn every_record_keeps_the_rules_of_the_domain() {
    for log in logs() {
        let opened: HashMap<&str, Date> =
            log.accounts.iter().map(|new| (&*new.reference, new.opened_on.unwrap())).collect();
        for new in &log.transactions {
            assert_eq!(new.check(), Ok(()));
            assert!(new.booking_date >= opened[&*new.account] && new.booking_date <= LAST_DAY);
            assert!(new.value_date.is_some_and(|day| day <= new.booking_date));
            let line = serde_json::to_string(new).unwrap();
            assert_eq!(crate::intake::ndjson::transaction(1, &line).as_ref(), Ok(new));
        }
    }
}

#[test]
fn there_is_something_of_everything_to_look_at() {
    let log = generate(7, Flavour::Leasing, LAST_DAY);
    let count = |code: &str| {
        log.transactions.iter().filter(|new| new.bank_transaction_code.as_deref() == Some(code)).count()
    };
    for code in ["PMNT-RCDT-SALA", "PMNT-CCRD-POSD", "PMNT-CCRD-RIMB", "ACMT-MCOP-INTR", "ACMT-MDOP-CHRG"] {
        assert!(count(code) > 0, "{code}");
    }
    // Each instalment stands on the lessee's account and on the lessor's, and so does each return.
    assert!(count("PMNT-IDDT-ESDD") > 800);
    assert!(count("PMNT-IDDT-UPDD") > 0);
    assert_eq!(count("PMNT-IDDT-UPDD"), count("PMNT-RDDT-UPDD"));
    assert!(log.transactions.iter().any(|new| new.status == Status::Pending));
    assert!(log.transactions.iter().any(|new| new.balance_after.is_some_and(|b| b.signed_minor() < 0)));
}

#[test]
fn a_payments_bank_keeps_accounts_in_two_currencies() {
    let log = generate(7, Flavour::Payments, LAST_DAY);
    let currencies: HashSet<&str> = log.accounts.iter().map(|new| new.currency.code()).collect();
    assert_eq!(currencies, HashSet::from(["CHF", "EUR"]));
}
