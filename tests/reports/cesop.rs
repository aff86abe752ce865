//! `cesop-payment-data`: messages of each kind, by the schema and by figures, and errors that must not get through.

use std::collections::BTreeMap;

use jiff::{ToSpan as _, civil::date};
use serde_json::{Value, json};
use uuid::Uuid;
use veritrail::{
    domain::{Account, AccountId, NewAccount, NewTransaction, ReportId, Transaction, TransactionId},
    reports::{
        Adjustment, Basis, Period, Severity, VersionKind,
        types::{cesop::DEFINITION, of_name},
    },
};

use crate::support::{
    data,
    python::python,
    reports::{Made, OnAccount, make},
};

const SHOP: &str = "DE89370400440532013000";
const CAFE: &str = "DE02120300000000202051";
const FRENCH: &str = "FR1420041010050500013M02606";
const DUTCH: &str = "NL91ABNA0417164300";

fn basis(kind: VersionKind, number: u32) -> Basis {
    let parameters =
        [("transmitting_country", "DE"), ("psp_bic", "XMPLDEX0"), ("psp_name", "Muster & Söhne")];
    Basis {
        institution: "Musterbank".to_owned(),
        report: ReportId::from_uuid(Uuid::from_u128(7)),
        number,
        kind,
        reason: None,
        supersedes: (number > 1).then(|| number - 1),
        earlier: BTreeMap::new(),
        period: Period::parse("2026-Q1").unwrap().0,
        parameters: parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        as_of: 100_000,
        ordered_at: "2026-04-02T08:00:00.5Z".parse().unwrap(),
    }
}

/// A version after another one.
fn after(kind: VersionKind, number: u32, before: &Made) -> Basis {
    let value = |figure: &veritrail::reports::Figure| figure.unit.text(figure.amount);
    let earlier = before.figures.iter().map(|figure| (figure.name.clone(), value(figure))).collect();
    Basis { earlier, ..basis(kind, number) }
}

fn account(reference: &str, name: &str) -> Account {
    let new: NewAccount =
        serde_json::from_value(json!({"currency": "EUR", "reference": reference, "name": name})).unwrap();
    Account::new(AccountId::from_uuid(Uuid::from_u128(1)), new)
}

/// A transaction: a credit of 10.01 from France, but for what is said.
fn transaction(reference: &str, account: &str, day: i64, but: &Value) -> Transaction {
    let day = date(2026, 1, 1).checked_add(day.days()).unwrap();
    let mut new = json!({
        "account": account, "reference": reference, "booking_date": day.to_string(), "direction": "credit",
        "amount": {"amount": "10.01", "currency": "EUR"}, "bank_transaction_code": "PMNT-RCDT-ESCT",
        "counterparty": {"account": FRENCH, "name": "Payer"},
    });
    new.as_object_mut().unwrap().extend(but.as_object().unwrap().clone());
    let new: NewTransaction = serde_json::from_value(new).unwrap();
    let (id, account) = (TransactionId::from_uuid(Uuid::from_u128(2)), Uuid::from_u128(1));
    Transaction::new(id, AccountId::from_uuid(account), new, None)
}

/// An account with this many payments from France, whose entries begin at `seq`.
fn paid(reference: &str, name: &str, count: u64, seq: u64) -> OnAccount {
    let records = (0..count).map(|at| {
        let day = i64::try_from(at).unwrap() % 90;
        (seq + at, transaction(&format!("T{}", seq + at), reference, day, &json!({})))
    });
    let mut records: Vec<_> = records.collect();
    records.sort_by_key(|(seq, record)| (record.booking_date, *seq));
    (account(reference, name), records)
}

fn new_data(records: &[OnAccount]) -> Made {
    made(&basis(VersionKind::New, 1), records)
}

fn made(basis: &Basis, records: &[OnAccount]) -> Made {
    let made = make(&DEFINITION, basis, records, Vec::new());
    made.assert_sums();
    made
}

/// The remarks of this severity: their rules.
fn rules(made: &Made, severity: Severity) -> Vec<&str> {
    let of = made.remarks.iter().filter(|remark| remark.severity == severity);
    of.map(|remark| remark.rule.as_ref()).collect()
}

fn text(made: &Made) -> &str {
    std::str::from_utf8(&made.document).unwrap()
}

/// What the schema's validator says of a document; nothing where the schema is absent.
fn verdict(document: &[u8]) -> Option<Value> {
    let schema = data::cesop()?.join("PaymentData.xsd");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("message.xml");
    std::fs::write(&path, document).unwrap();
    let told = python("validate_xsd.py", &[path.to_str().unwrap(), schema.to_str().unwrap()]);
    assert_eq!(told["validator"], DEFINITION.validators[0]);
    assert!(told["version"].as_str().unwrap().starts_with("libxml2 "));
    Some(told)
}

fn assert_valid(made: &Made) {
    assert_eq!(rules(made, Severity::Error), [""; 0], "{:?}", made.remarks);
    if let Some(told) = verdict(&made.document) {
        assert_eq!(told["verdict"], "passed", "{told}");
    }
}

/// The values of the figures' paths, as an XPath engine that is not ours evaluates them.
fn evaluate(made: &Made, paths: &[&str]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let namespaces = json!({
        "cesop": "urn:ec.europa.eu:taxud:fiscalis:cesop:v1", "cm": "urn:eu:taxud:commontypes:v1",
    });
    let query = json!({"namespaces": namespaces, "paths": paths}).to_string();
    let (document, query) = (file("message.xml", &made.document), file("query.json", query.as_bytes()));
    serde_json::from_value(python("evaluate_xpaths.py", &[&document, &query])).unwrap()
}

fn assert_figures_stand_in_the_document(made: &Made) {
    let in_it = |path: &str| path.contains("/cesop:CESOP");
    let figures: Vec<_> = made
        .figures
        .iter()
        .filter(|figure| in_it(&figure.path) && !figure.name.starts_with("message/1/"))
        .collect();
    let paths: Vec<_> = figures.iter().map(|figure| figure.path.as_str()).collect();
    for (figure, value) in figures.iter().zip(evaluate(made, &paths)) {
        let told: f64 = figure.unit.text(figure.amount).parse().unwrap();
        let difference = (value.as_f64().unwrap() - told).abs();
        assert!(difference < 0.001, "{}: {told} is told, {value} stands there", figure.name);
    }
}

/// What the payees of a message are: account, `DocTypeIndic`, `DocRefId`, `CorrDocRefId`.
fn payees(made: &Made) -> Vec<[String; 4]> {
    let after = |part: &str, tag: &str| {
        let from = part.find(&format!("<{tag}")).map(|at| &part[at..]);
        from.map(|part| part[part.find('>').unwrap() + 1..].split('<').next().unwrap().to_owned())
    };
    let parts = text(made).split("<cesop:ReportedPayee>").skip(1);
    parts
        .map(|part| {
            ["cesop:AccountIdentifier", "cm:DocTypeIndic", "cm:DocRefId", "cm:CorrDocRefId"]
                .map(|tag| after(part, tag).unwrap_or_default())
        })
        .collect()
}

fn kinds(made: &Made) -> Vec<(String, String)> {
    payees(made).into_iter().map(|[account, kind, ..]| (account, kind)).collect()
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(account, kind)| ((*account).to_owned(), (*kind).to_owned())).collect()
}

#[test]
fn a_payee_is_reported_from_the_26th_payment_on() {
    let made = new_data(&[paid(CAFE, "Café", 25, 100), paid(SHOP, "Müller <&> Söhne", 26, 200)]);
    assert_valid(&made);
    assert!(text(&made).contains("<cesop:MessageTypeIndic>CESOP100</cesop:MessageTypeIndic>"));
    assert!(text(&made).contains("<cesop:Timestamp>2026-04-02T08:00:00Z</cesop:Timestamp>"));
    assert!(text(&made).contains("Müller &lt;&amp;&gt; Söhne"));
    assert_eq!(kinds(&made), owned(&[(SHOP, "CESOP1")]));
    assert_eq!(made.figure(&format!("payee/{SHOP}/payments")).amount, 26);
    assert_eq!(made.figure(&format!("payee/{SHOP}/amount/EUR")).amount, 26 * 1001);
    assert_eq!(made.figure("message/payees").amount, 1);
    assert_eq!(made.figure("message/amount/EUR").amount, 26 * 1001);
    assert_figures_stand_in_the_document(&made);
}

#[test]
fn refunds_stand_apart_and_do_not_count_for_the_threshold() {
    let refund = json!({"direction": "debit", "bank_transaction_code": "PMNT-RCDT-RRTN",
        "amount": {"amount": "3.50", "currency": "EUR"}});
    let (holder, mut records) = paid(SHOP, "Shop", 25, 100);
    records.push((300, transaction("R1", SHOP, 89, &refund)));
    assert_eq!(kinds(&new_data(&[(holder.clone(), records.clone())])), []);
    records.push((301, transaction("T301", SHOP, 89, &json!({}))));
    records.push((302, transaction("R2", SHOP, 89, &refund)));
    let made = new_data(&[(holder, records)]);
    assert_valid(&made);
    assert!(text(&made).contains(r#"IsRefund="true"><cesop:TransactionIdentifier>R1<"#));
    assert!(text(&made).contains(r#"<cesop:Amount currency="EUR">-3.50</cesop:Amount>"#));
    assert_eq!(made.figure(&format!("payee/{SHOP}/refunds")).amount, 2);
    assert_eq!(made.figure(&format!("payee/{SHOP}/refunded/EUR")).amount, -700);
    assert_eq!(made.figure("message/payments").amount, 26);
    assert_eq!(made.figure("message/refunded/EUR").amount, -700);
    assert_figures_stand_in_the_document(&made);
}

#[test]
fn only_booked_payments_across_a_border_from_a_member_state_are_taken_up() {
    let (holder, mut records) = paid(SHOP, "Shop", 26, 100);
    for (at, but) in [
        json!({"counterparty": {"account": CAFE}}),
        json!({"counterparty": {"account": "NO9386011117947"}}),
        json!({"status": "pending"}),
        json!({"direction": "debit"}),
        json!({"bank_transaction_code": "PMNT-ICDT-RRTN"}),
        json!({"bank_transaction_code": "ACMT-MCOP-INTR"}),
    ]
    .iter()
    .enumerate()
    {
        records.push((200 + at as u64, transaction(&format!("X{at}"), SHOP, 89, but)));
    }
    records.push((300, transaction("N", SHOP, 89, &json!({"counterparty": {"agent": "ABNANL2A"}}))));
    let made = new_data(&[(holder, records)]);
    assert_valid(&made);
    assert_eq!(made.figure("message/payments").amount, 27);
    assert!(!text(&made).contains("<cesop:TransactionIdentifier>X"));
    assert!(text(&made).contains(r#"<cesop:PayerMS PayerMSSource="BIC">NL</cesop:PayerMS>"#));
    assert!(text(&made).contains(r#"<cesop:PayerMS PayerMSSource="IBAN">FR</cesop:PayerMS>"#));
}

#[test]
fn payments_from_nobody_knows_where_are_counted_apart() {
    let (holder, mut records) = paid(SHOP, "Shop", 25, 100);
    records.push((200, transaction("U1", SHOP, 89, &json!({"counterparty": {"name": "Payer"}}))));
    records.push((201, transaction("U2", SHOP, 89, &json!({"counterparty": null}))));
    let made = new_data(&[(holder, records)]);
    assert_valid(&made);
    assert_eq!(rules(&made, Severity::Warning), ["payer_not_located"]);
    assert_eq!(made.figure("unlocated/payments").amount, 2);
    assert_eq!(made.figure("message/payments").amount, 0);
}

#[test]
fn accounts_of_one_name_are_not_added_together_and_it_is_said() {
    let made = new_data(&[paid(CAFE, "Shop", 20, 100), paid(SHOP, "Shop", 20, 200)]);
    assert_valid(&made);
    assert_eq!(rules(&made, Severity::Warning), ["accounts_of_one_name"]);
    assert!(payees(&made).is_empty());
}

#[test]
fn nothing_to_report_is_told_when_ordered_and_by_itself() {
    for kind in [VersionKind::New, VersionKind::NothingToReport] {
        let made = made(&basis(kind, 1), &[paid(SHOP, "Shop", 25, 100)]);
        assert_valid(&made);
        assert!(text(&made).contains("<cesop:MessageTypeIndic>CESOP102</cesop:MessageTypeIndic>"));
        assert_eq!(made.figure("message/payees").amount, 0);
        assert_figures_stand_in_the_document(&made);
    }
    let sent = [paid(SHOP, "Shop", 26, 100)];
    let something = made(&basis(VersionKind::NothingToReport, 1), &sent);
    assert_eq!(rules(&something, Severity::Error), ["something_to_report"]);
    let after_it = made(&after(VersionKind::NothingToReport, 2, &new_data(&sent)), &[]);
    assert_eq!(rules(&after_it, Severity::Error), ["payees_were_sent"]);
}

#[test]
fn a_correction_states_payees_anew_and_deletes_those_that_are_out() {
    let first = new_data(&[paid(CAFE, "Café", 26, 100), paid(SHOP, "Shop", 30, 200)]);
    let [[_, _, cafe, _], [_, _, shop, _]] = payees(&first).try_into().unwrap();
    assert_valid(&first);
    assert_ne!(cafe, shop);
    let second = made(
        &after(VersionKind::Correction, 2, &first),
        &[paid(CAFE, "Café", 20, 100), paid(SHOP, "Shop", 31, 200)],
    );
    assert_valid(&second);
    assert!(text(&second).contains("<cesop:MessageTypeIndic>CESOP101</cesop:MessageTypeIndic>"));
    let message = basis(VersionKind::New, 1).id(1, "message");
    assert!(text(&first).contains(&format!("<cesop:MessageRefId>{message}<")));
    assert!(text(&second).contains(&format!("<cesop:CorrMessageRefId>{message}<")));
    assert_eq!(kinds(&second), owned(&[(CAFE, "CESOP3"), (SHOP, "CESOP2")]));
    let now = payees(&second);
    assert_eq!([&now[0][3], &now[1][3]], [&cafe, &shop]);
    assert!(now.iter().all(|[_, _, id, before]| id != before));
    assert_eq!(text(&second).matches("<cesop:ReportedTransaction ").count(), 31);
    assert_eq!(second.figure("message/payments").amount, 31);
    assert_figures_stand_in_the_document(&second);

    // The next one names what this one sent.
    let third = made(&after(VersionKind::Correction, 3, &second), &[paid(SHOP, "Shop", 29, 200)]);
    assert_valid(&third);
    assert_eq!(payees(&third)[0][3], now[1][2]);
}

#[test]
fn a_payee_whose_account_is_gone_is_deleted_by_its_reference() {
    let first = new_data(&[paid(CAFE, "Café", 26, 100), paid(SHOP, "Shop", 26, 200)]);
    let second = made(&after(VersionKind::Correction, 2, &first), &[paid(SHOP, "Shop", 26, 200)]);
    assert_valid(&second);
    assert_eq!(kinds(&second), owned(&[(SHOP, "CESOP2"), (CAFE, "CESOP3")]));
    assert_eq!(payees(&second)[1][3], payees(&first)[0][2]);
    assert_eq!(rules(&second, Severity::Warning), ["account_gone"]);
}

#[test]
fn a_payee_that_was_not_sent_waits_for_new_data() {
    let first = new_data(&[paid(SHOP, "Shop", 26, 200)]);
    let records = [paid(CAFE, "Café", 27, 100), paid(SHOP, "Shop", 26, 200)];
    let second = made(&after(VersionKind::Correction, 2, &first), &records);
    assert_valid(&second);
    assert_eq!(kinds(&second), owned(&[(SHOP, "CESOP2")]));
    assert_eq!(rules(&second, Severity::Warning), ["10080"]);

    let third = made(&after(VersionKind::New, 3, &second), &records);
    assert_valid(&third);
    assert_eq!(kinds(&third), owned(&[(CAFE, "CESOP1")]));
    assert_eq!(third.figure("message/payments").amount, 27);
    assert_eq!(third.figure(&format!("message/2/payee/{SHOP}/payments")).amount, 26);

    // A correction knows both, and where each was sent.
    let fourth = made(&after(VersionKind::Correction, 4, &third), &records);
    assert_valid(&fourth);
    let before: Vec<_> = payees(&fourth).into_iter().map(|[.., before]| before).collect();
    assert_eq!(before, [payees(&third)[0][2].clone(), payees(&second)[0][2].clone()]);
}

#[test]
fn a_correction_to_a_message_without_payees_is_new_data() {
    let first = new_data(&[paid(SHOP, "Shop", 25, 200)]);
    let second = made(&after(VersionKind::Correction, 2, &first), &[paid(SHOP, "Shop", 26, 200)]);
    assert_valid(&second);
    assert!(text(&second).contains("<cesop:MessageTypeIndic>CESOP100</cesop:MessageTypeIndic>"));
    assert_eq!(kinds(&second), owned(&[(SHOP, "CESOP1")]));
}

#[test]
fn a_cancellation_deletes_each_payee_of_the_version() {
    let records = [paid(CAFE, "Café", 26, 100), paid(SHOP, "Shop", 30, 200)];
    let first = new_data(&records);
    // By the figures of the version withdrawn, and where they are not at hand by its records.
    for basis in [after(VersionKind::Cancellation, 2, &first), basis(VersionKind::Cancellation, 2)] {
        let second = made(&basis, &records);
        assert_valid(&second);
        assert_eq!(kinds(&second), owned(&[(CAFE, "CESOP3"), (SHOP, "CESOP3")]));
        assert!(!text(&second).contains("<cesop:ReportedTransaction"));
        let before =
            |made: &Made, at: usize| payees(made).into_iter().map(|it| it[at].clone()).collect::<Vec<_>>();
        assert_eq!(before(&second, 3), before(&first, 2));
        assert_eq!(second.figure("message/payees").amount, 0);
    }
    let none = made(&basis(VersionKind::Cancellation, 2), &[paid(SHOP, "Shop", 25, 200)]);
    assert_eq!(rules(&none, Severity::Error), ["nothing_to_withdraw"]);
}

#[test]
fn the_same_records_make_the_same_bytes() {
    let records = [paid(CAFE, "Café", 26, 100), paid(SHOP, "Shop", 30, 200)];
    assert_eq!(new_data(&records).document, new_data(&records).document);
}

/// A payee's 26 payments, and one that something is wrong with.
fn planted(but: &Value) -> Made {
    let (holder, mut records) = paid(SHOP, "Shop", 26, 100);
    records.push((200, transaction("P", SHOP, 89, but)));
    made(&basis(VersionKind::New, 1), &[(holder, records)])
}

#[test]
fn errors_in_records_that_the_schema_does_not_see_are_caught_before_filing() {
    let wrong_iban = new_data(&[paid("DE89370400440532013001", "Shop", 26, 100)]);
    let nameless = {
        let (mut holder, records) = paid(SHOP, "Shop", 26, 100);
        holder.name = None;
        new_data(&[(holder, records)])
    };
    let nought = planted(&json!({"amount": {"amount": "0.00", "currency": "EUR"}}));
    let twice = planted(&json!({"reference": "T100"}));
    let outside = planted(&json!({"booking_date": "2026-04-01"}));
    let decimals = planted(&json!({"amount": {"amount": "1.234", "currency": "BHD"}}));
    let early = Basis { period: Period::parse("2023-Q4").unwrap().0, ..basis(VersionKind::New, 1) };
    for (planted, rule) in [
        (wrong_iban, "40030"),
        (nameless, "payee_without_name"),
        (nought, "45060"),
        (twice, "45040"),
        (outside, "45030"),
        (decimals, "amount_decimals"),
        (made(&early, &[]), "10030"),
    ] {
        assert_eq!(rules(&planted, Severity::Error), [rule]);
        if let Some(told) = verdict(&planted.document) {
            assert_eq!(told["verdict"], "passed", "the schema sees {rule} too: {told}");
        }
    }
}

#[test]
fn what_is_in_records_and_not_in_the_schema_is_caught_by_it() {
    // A currency that the schema's list lacks: there is no rule of ours for it.
    let made = planted(&json!({"amount": {"amount": "5.00", "currency": "VED"}}));
    assert_eq!(rules(&made, Severity::Error), [""; 0]);
    let Some(told) = verdict(&made.document) else { return };
    assert_eq!(told["verdict"], "failed");
    assert!(told["messages"][0].as_str().unwrap().contains("VED"), "{told}");
}

#[test]
fn names_that_the_schema_has_no_room_for_are_not_cut() {
    let long = Basis { institution: "Bank ".repeat(50), ..basis(VersionKind::New, 1) };
    let parameters = long.parameters.clone().into_iter().filter(|(name, _)| name != "psp_name").collect();
    let made = made(&Basis { parameters, ..long }, &[paid(SHOP, "A\u{fffe}", 26, 100)]);
    assert_eq!(rules(&made, Severity::Error), ["psp_name", "not_a_character"]);
    assert!(text(&made).contains(&"Bank ".repeat(49)));
    if let Some(told) = verdict(&made.document) {
        assert_eq!(told["verdict"], "failed");
    }
}

#[test]
fn errors_in_a_document_are_caught_by_the_schema() {
    let made = new_data(&[paid(SHOP, "Shop", 26, 100)]);
    for (right, wrong) in [
        ("<cesop:TransmittingCountry>DE<", "<cesop:TransmittingCountry>CH<"),
        (">10.01<", ">10.011<"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00"),
        (r#"currency="EUR""#, r#"currency="EURO""#),
        ("<cm:DocTypeIndic>CESOP1<", "<cm:DocTypeIndic>CESOP4<"),
        (r#"version="4.03""#, r#"version="4.02""#),
        ("</cesop:CESOP>", ""),
    ] {
        assert!(text(&made).contains(right), "{right}");
        let Some(told) = verdict(text(&made).replacen(right, wrong, 1).as_bytes()) else { return };
        assert_eq!(told["verdict"], "failed", "{wrong}");
        assert!(!told["messages"].as_array().unwrap().is_empty());
    }
}

#[test]
fn a_figure_cannot_be_adjusted_since_the_document_has_no_sums() {
    for figure in [format!("payee/{SHOP}/amount/EUR"), "message/payments".to_owned()] {
        let adjustment = Adjustment { figure, seq: 900, amount: 1 };
        let records = [paid(SHOP, "Shop", 26, 100)];
        let made = make(&DEFINITION, &basis(VersionKind::New, 1), &records, vec![adjustment]);
        made.assert_sums();
        assert_eq!(rules(&made, Severity::Error), ["adjustment_has_no_place"]);
    }
}

#[test]
fn parameters_are_checked() {
    let wrong = |name: &str, value: &str| {
        let mut told = basis(VersionKind::New, 1).parameters;
        told.insert(name.to_owned(), value.to_owned());
        DEFINITION.check(&told).into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    for (name, value) in [
        ("transmitting_country", "CH"),
        ("psp_bic", "XMPLDEX"),
        ("psp_name", " "),
        ("payment_method", "Barter"),
    ] {
        assert_eq!(wrong(name, value), [name]);
    }
    assert_eq!(wrong("payment_method", "E-money"), [""; 0]);
    assert_eq!(DEFINITION.check(&BTreeMap::new()).len(), 2);
    assert!(std::ptr::eq(of_name("cesop-payment-data").unwrap(), &DEFINITION));
}

#[test]
fn a_payment_in_another_currency_has_a_sum_of_its_own() {
    let made = planted(
        &json!({"amount": {"amount": "1200", "currency": "JPY"}, "counterparty": {"account": DUTCH}}),
    );
    assert_valid(&made);
    assert!(text(&made).contains(r#"<cesop:Amount currency="JPY">1200.00</cesop:Amount>"#));
    assert_eq!(made.figure(&format!("payee/{SHOP}/amount/JPY")).amount, 1200);
    assert_figures_stand_in_the_document(&made);
}

#[test]
fn payees_without_an_iban_are_where_their_servicer_is() {
    let (mut holder, mut records) = paid("4711", "Boutique", 26, 100);
    holder.servicer = Some("AGRIFRPP".parse().unwrap());
    assert_eq!(payees(&new_data(&[(holder.clone(), records.clone())])), Vec::<[String; 4]>::new());
    for (_, record) in &mut records {
        record.counterparty.as_mut().unwrap().account = Some(DUTCH.parse().unwrap());
    }
    let made = new_data(&[(holder, records)]);
    assert_valid(&made);
    assert!(text(&made).contains(r#"<cesop:AccountIdentifier CountryCode="FR" type="OBAN">4711<"#));
}
