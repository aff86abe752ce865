//! What NDJSON takes, and what it says of the rest.

use proptest::prelude::*;

use super::*;
use crate::domain::{Direction, Status, testing};
use crate::intake::{Format, Item, open};

const GOOD: &str = concat!(
    r#"{"account":"576","amount":{"amount":"1234.5","currency":"EUR"},"booking_date":"2026-03-31","#,
    r#""counterparty":{"name":"Gärtnerei Süßmilch"},"direction":"debit","reference":"T-1"}"#
);

/// Pointer and code of every finding about a line.
fn findings(json: &str) -> Vec<(String, &'static str)> {
    let findings = transaction(1, json).unwrap_err();
    findings.iter().map(|finding| (finding.pointer.clone().unwrap_or_default(), finding.made())).collect()
}

/// The only finding about the good line with `from` replaced by `to`.
fn finding(from: &str, to: &str) -> (String, &'static str) {
    assert!(GOOD.contains(from), "{from}");
    let mut findings = findings(&GOOD.replacen(from, to, 1));
    assert_eq!(findings.len(), 1, "{findings:?}");
    findings.remove(0)
}

#[test]
fn a_line_is_a_transaction() {
    let new = transaction(1, GOOD).unwrap();
    assert_eq!(new.amount.minor(), 123_450);
    assert_eq!(new.direction, Direction::Debit);
    assert_eq!(new.status, Status::Booked);
    assert_eq!(new.counterparty.unwrap().name.unwrap(), "Gärtnerei Süßmilch");
}

#[test]
fn each_fault_has_its_pointer_and_its_code() {
    for (from, to, pointer, code) in [
        ("2026-03-31", "1999-02-30", "/booking_date", "no_such_day"),
        ("2026-03-31", "31.3.2026", "/booking_date", "invalid_date"),
        ("1234.5", "1.234", "/amount/amount", "too_many_decimals"),
        ("\"1234.5\"", "1234.5", "/amount/amount", "wrong_type"),
        ("EUR", "EUX", "/amount/currency", "unknown_currency"),
        ("\"debit\"", "\"DBIT\"", "/direction", "unknown_value"),
        ("\"576\"", "576", "/account", "wrong_type"),
        ("\"576\"", "\"\"", "/account", "text_empty"),
        ("\"576\"", "null", "/account", "missing_field"),
        ("\"account\":\"576\",", "", "/account", "missing_field"),
        ("\"account\":\"576\",", "\"account\":\"576\",\"account\":\"577\",", "/account", "duplicate_field"),
        ("Gärtnerei", "\\u0000", "/counterparty/name", "control_character"),
        ("\"direction\"", "\"status\":null,\"direction\"", "/status", "wrong_type"),
        ("{\"name\":\"Gärtnerei Süßmilch\"}", "[]", "/counterparty", "wrong_type"),
        ("\"direction\"", "\"a/b~\":1,\"direction\"", "/a~1b~0", "unknown_field"),
    ] {
        assert_eq!(finding(from, to), (pointer.to_owned(), code), "{to}");
    }
    let long = "x".repeat(65);
    assert_eq!(finding("576", &long), ("/account".to_owned(), "text_too_long"));
}

#[test]
fn a_balance_in_another_currency_is_refused() {
    let balance = r#""balance_after":{"amount":"1","currency":"CHF","direction":"credit"},"direction""#;
    assert_eq!(
        finding("\"direction\"", balance),
        ("/balance_after/currency".to_owned(), "currency_mismatch")
    );
}

#[test]
fn all_faults_of_a_line_are_told_at_once() {
    let line = r#"{"ammount":1,"amount":{"currency":"EUX"},"booking_date":"2026-02-30","direction":"x"}"#;
    assert_eq!(
        findings(line),
        [
            ("/ammount", "unknown_field"),
            ("/account", "missing_field"),
            ("/amount/currency", "unknown_currency"),
            ("/amount/amount", "missing_field"),
            ("/booking_date", "no_such_day"),
            ("/direction", "unknown_value"),
            ("/reference", "missing_field"),
        ]
        .map(|(pointer, code)| (pointer.to_owned(), code))
    );
    let details = transaction(1, line).unwrap_err();
    assert_eq!(details[0].detail, "no such field; `amount` may be meant");
    assert_eq!(details[5].detail, "`x` is not one of credit, debit");
}

#[test]
fn a_hostile_line_makes_no_flood_of_findings() {
    let fields: String = (0..5000).map(|i| format!("\"f{i}\":0,")).collect();
    assert_eq!(findings(&format!("{{{fields}\"x\":0}}")).len(), super::super::faults::MAX_PER_LINE);
}

#[test]
fn what_is_not_an_object_is_refused_as_a_whole() {
    for (line, code) in [
        ("[]", "wrong_type"),
        ("7", "wrong_type"),
        ("{", "malformed_json"),
        ("{} {}", "malformed_json"),
        ("{\"a\":1e999}", "malformed_json"),
        ("{'a':1}", "malformed_json"),
    ] {
        assert_eq!(findings(line), [(String::new(), code)], "{line}");
    }
    assert_eq!(transaction(1, "{} {}").unwrap_err()[0].detail, "trailing characters, at column 4");
}

#[test]
fn nesting_is_bounded_and_brackets_in_text_do_not_count() {
    let nested = |depth| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(findings(&nested(16))[0].1, "nested_too_deep");
    assert_eq!(findings(&nested(60_000))[0].1, "nested_too_deep");
    assert_eq!(findings(&nested(15))[0].1, "unknown_field");
    let brackets = "[".repeat(40);
    assert!(transaction(1, &GOOD.replace("T-1", &format!("{brackets}\\\"{{"))).is_ok());
}

#[test]
fn a_line_that_was_cut_is_told_from_a_malformed_one() {
    let input = format!("{GOOD}\n{}\n\n{}", &GOOD[..40], &GOOD[..40]);
    let seen: Vec<_> = open(Format::Ndjson, None, input.as_bytes())
        .unwrap()
        .map(|record| record.map(|record| record.line).map_err(|finding| (finding.line, finding.made())))
        .collect();
    assert_eq!(seen, [Ok(1), Err((2, "malformed_json")), Err((4, "truncated_line"))]);
}

proptest! {
    #[test]
    fn whatever_is_valid_is_read_as_it_is(new in testing::new_transaction()) {
        let line = serde_json::to_vec(&new).unwrap();
        let mut records = open(Format::Ndjson, None, &line[..]).unwrap();
        prop_assert_eq!(records.next().unwrap().unwrap().item, Item::Transaction(new));
        prop_assert!(records.next().is_none());
    }

    /// Whatever one byte is changed to, this reader and the type's `Deserialize` agree on whether to take it.
    #[test]
    fn the_reader_and_the_type_take_the_same_language(
        new in testing::new_transaction(),
        place: proptest::sample::Index,
        byte in prop_oneof![Just(b'"'), Just(b','), Just(b'1'), Just(b'x'), Just(b'-'), Just(b'\\')],
    ) {
        let mut line = serde_json::to_vec(&new).unwrap();
        let i = place.index(line.len());
        line[i] = byte;
        if let Ok(text) = String::from_utf8(line) {
            let typed = serde_json::from_str::<NewTransaction>(&text).ok();
            let typed = typed.filter(|new| new.check().is_ok());
            prop_assert_eq!(transaction(1, &text).ok(), typed);
        }
    }

    #[test]
    fn no_text_makes_reading_panic(text: String) {
        let _ = transaction(1, &text);
    }
}
