//! The settlement reconciliation: its figures, what it notices, and what Arelle says of its document.

use std::{collections::BTreeMap, fs::File, io::BufReader};

use serde_json::{Value, json};
use veritrail::{
    domain::{Account, AccountId, NewAccount, ReportId, Transaction, TransactionId},
    intake::{self, Format, Item},
    reports::{Adjustment, Basis, Period, Severity, VersionKind, types::settlement::DEFINITION},
};

use crate::support::{
    data,
    python::python,
    reports::{Made, OnAccount, make},
};

fn basis(period: &str, parameters: &[(&str, &str)]) -> Basis {
    Basis {
        institution: "Bank Süd & Co.".to_owned(),
        report: ReportId::from_uuid(uuid::Uuid::from_u128(7)),
        number: 1,
        kind: VersionKind::New,
        reason: None,
        supersedes: None,
        earlier: BTreeMap::new(),
        period: Period::parse(period).unwrap().0,
        parameters: parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        as_of: 4711,
        ordered_at: "2026-04-01T05:00:00Z".parse().unwrap(),
    }
}

fn account(reference: &str, currency: &str) -> Account {
    let new: NewAccount =
        serde_json::from_value(json!({"reference": reference, "currency": currency})).unwrap();
    Account::new(AccountId::from_uuid(uuid::Uuid::from_u128(2)), new)
}

/// A transaction of 2026-03 in euro; its reference is `T` and its entry.
fn transaction(seq: u64, day: u8, amount: i64, balance: Option<i64>) -> (u64, Transaction) {
    let money = |amount: i64| {
        let side = if amount < 0 { "debit" } else { "credit" };
        (format!("{}.{:02}", amount.abs() / 100, amount.abs() % 100), side)
    };
    let (text, side) = money(amount);
    let mut new = json!({
        "account": "A", "reference": format!("T{seq}"), "booking_date": format!("2026-03-{day:02}"),
        "direction": side, "amount": {"amount": text, "currency": "EUR"},
    });
    if let Some(balance) = balance {
        let (text, side) = money(balance);
        new["balance_after"] = json!({"amount": text, "currency": "EUR", "direction": side});
    }
    (seq, recorded(seq, new))
}

fn recorded(seq: u64, new: Value) -> Transaction {
    let new = serde_json::from_value(new).unwrap();
    let (id, account) = (uuid::Uuid::from_u128(seq.into()), uuid::Uuid::from_u128(2));
    Transaction::new(TransactionId::from_uuid(id), AccountId::from_uuid(account), new, None)
}

fn changed((seq, transaction): (u64, Transaction), field: &str, value: Value) -> (u64, Transaction) {
    let mut changed = serde_json::to_value(transaction).unwrap();
    changed[field] = value;
    (seq, serde_json::from_value(changed).unwrap())
}

/// A day with an account that adds up, one that breaks, one without balances, one in yen that rests, and one
/// that nothing is to be said of.
fn day() -> Vec<OnAccount> {
    let yen = (account("D-yen", "JPY"), {
        let balance = json!({"amount": "5000", "currency": "JPY", "direction": "credit"});
        let yen = json!({"amount": "5000", "currency": "JPY"});
        let before = changed(transaction(30, 2, 1, Some(1)), "amount", yen);
        vec![changed(before, "balance_after", balance)]
    });
    vec![
        (
            account("A ordered otherwise", "EUR"),
            vec![
                transaction(1, 30, 10_000, Some(10_000)),
                transaction(2, 31, -3_000, Some(12_000)),
                transaction(3, 31, 5_000, Some(15_000)),
                changed(transaction(4, 31, 77, None), "status", json!("pending")),
                transaction(5, 31, 1, None),
            ],
        ),
        (
            account("B breaks", "EUR"),
            vec![
                transaction(10, 29, 500, Some(-200)),
                transaction(11, 30, 100, None),
                transaction(12, 31, 1_000, Some(900)),
                transaction(13, 31, 1_000, Some(2_150)),
                transaction(14, 31, -150, Some(1_900)),
            ],
        ),
        (account("C says none", "EUR"), vec![transaction(20, 1, 300, None), transaction(21, 31, -50, None)]),
        yen,
        (account("E empty", "EUR"), vec![]),
    ]
}

fn made(records: &[OnAccount]) -> Made {
    let made = make(&DEFINITION, &basis("2026-03-31", &[]), records, Vec::new());
    made.assert_sums();
    made
}

fn figures(made: &Made, of: &str) -> Vec<(String, String)> {
    let of = format!("{of}/");
    let mut figures: Vec<_> = made.figures.iter().collect();
    figures.sort_by_key(|figure| &figure.name);
    let ours = figures.into_iter().filter_map(|it| Some((it.name.strip_prefix(&of)?, it)));
    ours.map(|(name, figure)| (name.to_owned(), figure.unit.text(figure.amount))).collect()
}

/// The rules of what was found, with what they are about and the entry.
fn found(made: &Made, severity: Severity) -> Vec<(String, String, Option<String>)> {
    let of = made.remarks.iter().filter(|remark| remark.severity == severity);
    of.map(|it| (it.rule.to_string(), it.subject.clone(), it.seq.clone())).collect()
}

fn pairs(figures: &[(&str, &str)]) -> Vec<(String, String)> {
    figures.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// What Arelle says of a document, with the taxonomy that the definition hands out.
fn arelle(document: &[u8]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    std::fs::write(&path, document).unwrap();
    let package = folder.path().join("taxonomy");
    for (name, content) in DEFINITION.files {
        let file = package.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content).unwrap();
    }
    let verdict = python("validate_arelle.py", &[path.to_str().unwrap(), package.to_str().unwrap()]);
    assert_eq!(verdict["validator"], "arelle");
    (verdict["verdict"] == "passed", verdict["messages"].to_string())
}

fn document(made: &Made) -> Value {
    serde_json::from_slice(&made.document).unwrap()
}

#[test]
fn an_account_that_adds_up_does_so_in_whatever_order_its_day_was_told() {
    let made = made(&day());
    let expected = pairs(&[
        ("balance_difference", "0.00"),
        ("entries", "3"),
        ("expected_closing_balance", "120.01"),
        ("opening_balance", "100.00"),
        ("pending_entries", "1"),
        ("running_balance_breaks", "0"),
        ("stated_closing_balance", "120.01"),
        ("total_credits", "50.01"),
        ("total_debits", "30.00"),
    ]);
    assert_eq!(figures(&made, "account/A ordered otherwise"), expected);
}

#[test]
fn a_break_is_told_with_the_first_entry_that_does_not_follow() {
    let made = made(&day());
    let expected = pairs(&[
        ("balance_difference", "1.50"),
        ("entries", "3"),
        ("expected_closing_balance", "17.50"),
        ("opening_balance", "-1.00"),
        ("pending_entries", "0"),
        ("running_balance_breaks", "2"),
        ("stated_closing_balance", "19.00"),
        ("total_credits", "20.00"),
        ("total_debits", "1.50"),
    ]);
    assert_eq!(figures(&made, "account/B breaks"), expected);
    let warnings = [
        ("running_balance_differs".to_owned(), "B breaks".to_owned(), Some("13".to_owned())),
        ("closing_balance_differs".to_owned(), "B breaks".to_owned(), None),
    ];
    assert_eq!(found(&made, Severity::Warning), warnings);
    assert_eq!(found(&made, Severity::Error), []);
    assert_eq!(document(&made)["facts"]["a2.first_break"]["value"], "T13");
}

#[test]
fn where_no_balance_is_recorded_none_is_stated() {
    let made = made(&day());
    let expected = pairs(&[
        ("entries", "1"),
        ("expected_closing_balance", "2.50"),
        ("opening_balance", "3.00"),
        ("pending_entries", "0"),
        ("running_balance_breaks", "0"),
        ("total_credits", "0.00"),
        ("total_debits", "0.50"),
    ]);
    assert_eq!(figures(&made, "account/C says none"), expected);
    assert_eq!(
        figures(&made, "account/D-yen")[1..3],
        pairs(&[("expected_closing_balance", "5000"), ("opening_balance", "5000")])
    );
    assert_eq!(figures(&made, "account/E empty"), []);
}

#[test]
fn totals_are_by_currency_and_every_figure_stands_in_the_document() {
    let made = made(&day());
    let euro = pairs(&[
        ("credits", "70.01"),
        ("debits", "32.00"),
        ("differences", "1.50"),
        ("expected_closing_balances", "140.01"),
        ("opening_balances", "102.00"),
    ]);
    assert_eq!(figures(&made, "total/EUR"), euro);
    let all = pairs(&[("entries", "7"), ("pending_entries", "1"), ("running_balance_breaks", "2")]);
    assert_eq!(figures(&made, "total/all"), all);
    let document = document(&made);
    for figure in &made.figures {
        let fact = &document["facts"][&figure.path];
        assert_eq!(fact["value"], figure.unit.text(figure.amount), "{}", figure.name);
    }
    let numbers = document["facts"].as_object().unwrap().keys().filter(|id| !id.starts_with("report."));
    assert_eq!(numbers.filter(|id| !id.ends_with("first_break")).count(), made.figures.len());
}

#[test]
fn an_opening_balance_that_was_never_recorded_is_noticed() {
    let first = vec![(account("A", "EUR"), vec![transaction(1, 31, 100, Some(900))])];
    let made = made(&first);
    let rules: Vec<_> = found(&made, Severity::Warning).into_iter().map(|(rule, ..)| rule).collect();
    assert_eq!(rules, ["opening_balance_not_recorded", "closing_balance_differs"]);
    assert_eq!(made.figure("account/A/opening_balance").amount, 0);
    assert_eq!(made.figure("account/A/balance_difference").amount, 800);
}

#[test]
fn a_tolerance_takes_small_differences_for_rounding_and_still_states_them() {
    let records =
        [(account("A", "EUR"), vec![transaction(1, 30, 1, Some(100)), transaction(2, 31, 50, Some(160))])];
    let made = make(&DEFINITION, &basis("2026-03-31", &[("tolerance", "10")]), &records, Vec::new());
    assert_eq!(made.remarks, []);
    assert_eq!(made.figure("account/A/balance_difference").amount, 10);
    assert_eq!(self::made(&records).figure("account/A/running_balance_breaks").amount, 1);
}

#[test]
fn an_adjustment_goes_into_what_is_derived() {
    let adjustment =
        Adjustment { figure: "account/C says none/total_credits".to_owned(), seq: 90, amount: 25 };
    let made = make(&DEFINITION, &basis("2026-03-31", &[]), &day(), vec![adjustment]);
    made.assert_sums();
    assert_eq!(made.figure("account/C says none/expected_closing_balance").amount, 275);
    assert_eq!(made.figure("total/EUR/credits").amount, 7026);
    assert!(arelle(&made.document).0);
}

#[test]
fn a_long_row_of_entries_without_a_balance_is_summed_all_the_same() {
    let mut entries = vec![transaction(1, 1, 5, Some(1_000))];
    entries.extend((2..700).map(|seq| transaction(seq, 2, 1, None)));
    entries.push(transaction(700, 30, 2, Some(5_000)));
    entries.extend((701..1_400).map(|seq| transaction(seq, 31, 1, None)));
    entries.push(transaction(1_400, 31, 1, Some(5_700)));
    let made = made(&[(account("A", "EUR"), entries)]);
    assert_eq!(made.figure("account/A/opening_balance").amount, 5_000);
    assert_eq!(made.figure("account/A/balance_difference").amount, 0);
}

#[test]
fn the_document_is_the_same_whenever_it_is_made() {
    assert_eq!(made(&day()).document, made(&day()).document);
}

#[test]
fn arelle_passes_a_day_and_a_month_and_an_institution_with_an_lei() {
    let (passed, messages) = arelle(&made(&day()).document);
    assert!(passed, "{messages}");
    let basis = basis("2026-03", &[("entity", "506700GE1G29325QX363")]);
    let (passed, messages) = arelle(&make(&DEFINITION, &basis, &day(), Vec::new()).document);
    assert!(passed, "{messages}");
}

#[test]
fn arelle_passes_what_corrects_and_what_withdraws() {
    let later = |kind| Basis {
        number: 2,
        kind,
        reason: Some("keyed in wrongly".to_owned()),
        supersedes: Some(1),
        ..basis("2026-03-31", &[])
    };
    for kind in [VersionKind::Correction, VersionKind::Cancellation] {
        let made = make(&DEFINITION, &later(kind), &day(), Vec::new());
        assert_eq!(made.figures.is_empty(), kind == VersionKind::Cancellation);
        let facts = &document(&made)["facts"];
        assert_eq!(
            (&facts["report.kind"]["value"], &facts["report.superseded"]["value"]),
            (&json!(kind.as_str()), &json!("1"))
        );
        let (passed, messages) = arelle(&made.document);
        assert!(passed, "{messages}");
    }
}

/// Plants an error in the document and asks Arelle.
fn planted(plant: impl FnOnce(&mut Value)) -> String {
    let mut document = document(&made(&day()));
    plant(&mut document);
    let (passed, messages) = arelle(document.to_string().as_bytes());
    assert!(!passed, "Arelle passes what is wrong");
    messages
}

#[test]
fn arelle_refuses_a_closing_balance_that_is_a_cent_off() {
    let messages = planted(|it| it["facts"]["a1.expected_closing_balance"]["value"] = json!("120.02"));
    assert!(messages.contains("calc11e:inconsistentCalculation"), "{messages}");
    let messages = planted(|it| it["facts"]["EUR.debits"]["value"] = json!("32.01"));
    assert!(messages.contains("calc11e:inconsistentCalculation"), "{messages}");
    let messages = planted(|it| it["facts"]["a2.balance_difference"]["value"] = json!("1.49"));
    assert!(messages.contains("calc11e:inconsistentCalculation"), "{messages}");
}

#[test]
fn arelle_refuses_a_balance_of_no_account() {
    let messages = planted(|it| {
        it["facts"]["a1.opening_balance"]["dimensions"].as_object_mut().unwrap().remove("sr:AccountAxis");
    });
    assert!(messages.contains("xbrldie:PrimaryItemDimensionallyInvalidError"), "{messages}");
}

#[test]
fn arelle_refuses_a_concept_that_the_taxonomy_has_not() {
    let messages =
        planted(|it| it["facts"]["a1.entries"]["dimensions"]["concept"] = json!("sr:NumberOfEntries"));
    assert!(messages.contains("oime:unknownConcept"), "{messages}");
}

#[test]
fn arelle_refuses_a_value_of_another_type_and_one_told_twice() {
    let messages = planted(|it| it["facts"]["a1.entries"]["value"] = json!("-3"));
    assert!(messages.contains("a1.entries"), "{messages}");
    let messages = planted(|it| {
        let mut again = it["facts"]["a1.total_credits"].clone();
        again["value"] = json!("1.00");
        it["facts"]["again"] = again;
    });
    assert!(messages.contains("uplicate"), "{messages}");
}

#[test]
fn an_entry_in_another_currency_than_its_account_is_refused() {
    let other =
        changed(transaction(6, 31, 100, None), "amount", json!({"amount": "1.00", "currency": "CHF"}));
    let made = made(&[(account("A", "EUR"), vec![transaction(5, 31, 10, None), other])]);
    let errors = [("currency_differs".to_owned(), "A".to_owned(), Some("6".to_owned()))];
    assert_eq!(found(&made, Severity::Error), errors);
    assert_eq!(made.figure("account/A/total_credits").amount, 10);
}

#[test]
fn a_reference_that_stands_twice_and_a_booking_after_the_period_are_refused() {
    let again = changed(transaction(6, 31, 100, None), "reference", json!("T5"));
    let late = changed(transaction(7, 31, 100, None), "booking_date", json!("2026-04-01"));
    let made = made(&[(account("A", "EUR"), vec![transaction(5, 31, 10, None), again, late])]);
    let errors = [
        ("reference_twice".to_owned(), "A".to_owned(), Some("6".to_owned())),
        ("booked_after_the_period".to_owned(), "A".to_owned(), Some("7".to_owned())),
    ];
    assert_eq!(found(&made, Severity::Error), errors);
}

#[test]
fn an_amount_beyond_18_digits_and_a_text_that_no_document_takes_are_refused() {
    let most = 999_999_999_999_999_999;
    let records = [
        (account("A", "EUR"), vec![transaction(5, 31, most, None), transaction(6, 31, most, None)]),
        (account("B\u{FFFF}", "EUR"), vec![]),
        (account("B\u{FFFF}", "EUR"), vec![]),
    ];
    let rules: Vec<_> = found(&made(&records), Severity::Error)
        .into_iter()
        .map(|(rule, subject, _)| (rule, subject))
        .collect();
    let range = |fact: &str| ("amount_out_of_range".to_owned(), fact.to_owned());
    let text = ("not_a_character_of_xml".to_owned(), "B\u{FFFF}".to_owned());
    let twice = ("account_twice".to_owned(), "B\u{FFFF}".to_owned());
    let expected = [
        range("a1.total_credits"),
        range("a1.expected_closing_balance"),
        text.clone(),
        text,
        twice,
        range("EUR.credits"),
        range("EUR.expected_closing_balances"),
    ];
    assert_eq!(rules, expected);
}

/// The Czech bank's accounts with all their transactions up to a day, as its intake reads them.
fn berka(until: jiff::civil::Date) -> Option<Vec<OnAccount>> {
    let folder = data::berka()?;
    let file = BufReader::new(File::open(folder.join("trans.asc")).unwrap());
    let mut accounts: BTreeMap<String, OnAccount> = BTreeMap::new();
    for record in intake::open(Format::Berka, None, file).unwrap() {
        // What is at hand of the log breaks off within its last line.
        let record = match record {
            Err(finding) if finding.code == "truncated_line" => break,
            record => record.unwrap(),
        };
        let Item::Transaction(new) = record.item else { panic!("trans.asc has transactions") };
        let reference = new.account.as_str().to_owned();
        let on = accounts.entry(reference.clone()).or_insert_with(|| (account(&reference, "CZK"), vec![]));
        if new.booking_date <= until {
            on.1.push((record.line, recorded(record.line, serde_json::to_value(new).unwrap())));
        }
    }
    let mut accounts: Vec<_> = accounts.into_values().collect();
    for (_, transactions) in &mut accounts {
        transactions.sort_by_key(|(seq, transaction)| (transaction.booking_date, *seq));
    }
    Some(accounts)
}

#[test]
fn arelle_passes_a_day_of_a_real_bank() {
    let Some(records) = berka(jiff::civil::date(1994, 3, 31)) else { return };
    let made = make(&DEFINITION, &basis("1994-03-31", &[("tolerance", "10")]), &records, Vec::new());
    made.assert_sums();
    assert_eq!(found(&made, Severity::Error), []);
    // Its accounts that don't reconcile all break on this last day, and each break shows in the closing balance.
    for rule in ["running_balance_differs", "closing_balance_differs"] {
        let of = found(&made, Severity::Warning).into_iter().filter(|(found, ..)| found == rule);
        assert_eq!(of.count(), 28, "{rule}");
    }
    let (passed, messages) = arelle(&made.document);
    assert!(passed, "{messages}");
    let entries = records.iter().flat_map(|(_, transactions)| transactions);
    let on_the_day = entries.filter(|(_, it)| it.booking_date == jiff::civil::date(1994, 3, 31));
    assert_eq!(made.figure("total/all/entries").amount, i128::try_from(on_the_day.count()).unwrap());
}
