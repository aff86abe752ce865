//! The yearly report on credit transfers: what it counts, and what its validator makes of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;
use veritrail::{
    domain::{Account, AccountId, NewTransaction, ReportId, Transaction, TransactionId},
    reports::{
        Adjustment, Basis, Period, Severity, VersionKind,
        types::{
            of_name,
            sepa::{DEFINITION, package_name},
        },
    },
};
use veritrail_audit::stored_zip;

use crate::support::{
    python::python,
    reports::{Made, OnAccount, make},
};

const AUSTRIAN: &str = "AT611904300234573201";
const FRENCH: &str = "FR1420041010050500013M02606";
const GERMAN: &str = "DE89370400440532013000";
const SWISS: &str = "CH9300762011623852957";

fn basis() -> Basis {
    let parameters = [("lei", "529900T8BM49AURSDO55"), ("country", "DE")];
    Basis {
        institution: "Sparbank".to_owned(),
        report: ReportId::from_uuid(Uuid::from_u128(1)),
        number: 1,
        kind: VersionKind::New,
        reason: None,
        supersedes: None,
        earlier: BTreeMap::new(),
        period: Period::parse("2025").unwrap().0,
        parameters: parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        as_of: 100,
        ordered_at: "2026-03-31T08:30:15.250Z".parse().unwrap(),
    }
}

fn account(currency: &str) -> Account {
    let new = json!({ "currency": currency, "reference": GERMAN });
    Account::new(AccountId::from_uuid(Uuid::from_u128(2)), serde_json::from_value(new).unwrap())
}

/// A transaction of this code to or from an account, and what else is to be said of it.
fn transfer(seq: u64, code: &str, amount: &str, with: &str, more: &Value) -> (u64, Transaction) {
    let sent = code.contains("-ICDT") || code.contains("-IRCT");
    let mut new = json!({
        "account": GERMAN,
        "amount": { "amount": amount, "currency": "EUR" },
        "bank_transaction_code": code,
        "booking_date": "2025-05-05",
        "counterparty": { "account": with },
        "direction": if sent { "debit" } else { "credit" },
        "reference": seq.to_string(),
    });
    for (field, value) in more.as_object().unwrap() {
        new[field] = value.clone();
    }
    let new: NewTransaction = serde_json::from_value(new).unwrap();
    let id = TransactionId::from_uuid(Uuid::from_u128(u128::from(seq) + 100));
    (seq, Transaction::new(id, AccountId::from_uuid(Uuid::from_u128(2)), new, None))
}

/// A year's transfers: of every kind that is counted, and of kinds that are not.
fn year() -> Vec<OnAccount> {
    let plain = json!({});
    let transactions = vec![
        transfer(10, "PMNT-ICDT-ESCT", "100.00", GERMAN, &plain),
        transfer(11, "PMNT-ICDT-ESCT", "20.50", AUSTRIAN, &plain),
        transfer(12, "PMNT-IRCT-ESCT", "3.07", GERMAN, &plain),
        transfer(13, "PMNT-IRCT-STDO", "4.00", FRENCH, &plain),
        transfer(14, "PMNT-RCDT-ESCT", "1000.00", FRENCH, &plain),
        transfer(15, "PMNT-RRCT-ESCT", "0.99", GERMAN, &plain),
        transfer(16, "PMNT-ICDT-CHRG", "5.00", GERMAN, &plain),
        transfer(17, "PMNT-RDDT-ESDD", "60.00", GERMAN, &plain),
        transfer(18, "PMNT-ICDT-ESCT", "7.00", GERMAN, &json!({ "status": "pending" })),
        transfer(19, "PMNT-ICDT-ESCT", "8.00", SWISS, &plain),
        transfer(20, "PMNT-ICDT-ESCT", "9.00", GERMAN, &json!({ "direction": "credit" })),
    ];
    vec![(account("EUR"), transactions)]
}

fn made(records: &[OnAccount], adjustments: Vec<Adjustment>) -> Made {
    make(&DEFINITION, &basis(), records, adjustments)
}

fn adjustment(figure: &str, amount: i64) -> Adjustment {
    Adjustment { figure: figure.to_owned(), seq: 50, amount }
}

/// The rules of the remarks of this severity.
fn rules(made: &Made, severity: Severity) -> Vec<&str> {
    made.remarks.iter().filter(|it| it.severity == severity).map(|it| it.rule.as_ref()).collect()
}

/// What the validator says of a package.
fn validate(package: &[u8]) -> Value {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), package).unwrap();
    python("validate_eba.py", &[file.path().to_str().unwrap()])
}

/// That the validator refuses a package, and says this.
fn assert_refused(package: &[u8], because: &str) {
    let told = validate(package);
    assert_eq!(told["verdict"], "failed", "{told}");
    let messages = told["messages"].as_array().unwrap();
    let says = messages.iter().any(|message| message.as_str().unwrap().contains(because));
    assert!(says, "{because} is not in {messages:?}");
}

/// The members of a package: their names without the folder, and their texts. Members are stored, each behind a
/// local header whose zip64 field has the size (APPNOTE 4.3.7, 4.5.3).
fn members(document: &[u8]) -> Vec<(String, String)> {
    let mut members = Vec::new();
    let mut rest = document;
    while rest.starts_with(b"PK\x03\x04") {
        let number = |at: usize| usize::from(u16::from_le_bytes([rest[at], rest[at + 1]]));
        let (name, data) = (&rest[30..30 + number(26)], 30 + number(26) + number(28));
        let size = u64::from_le_bytes(rest[data - 16..data - 8].try_into().unwrap());
        let end = data + usize::try_from(size).unwrap();
        let (_, name) = std::str::from_utf8(name).unwrap().split_once('/').unwrap();
        members.push((name.to_owned(), String::from_utf8(rest[data..end].to_vec()).unwrap()));
        rest = &rest[end..];
    }
    members
}

/// The text of a member.
fn member(document: &[u8], name: &str) -> String {
    members(document).into_iter().find(|it| it.0 == name).unwrap_or_else(|| panic!("no {name}")).1
}

/// The package of a year with something changed in one member.
fn changed(name: &str, from: &str, to: &str) -> Vec<u8> {
    let folder = package_name(&basis());
    let mut members = members(&made(&year(), Vec::new()).document);
    let text = &mut members.iter_mut().find(|it| it.0 == name).unwrap().1;
    assert!(text.contains(from), "{from} is not in {text}");
    *text = text.replacen(from, to, 1);
    let members: Vec<_> = members.iter().map(|(name, text)| (format!("{folder}/{name}"), text)).collect();
    stored_zip(&members.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect::<Vec<_>>())
}

#[test]
fn it_is_a_type_of_report() {
    assert_eq!(of_name("sepa-instant-payments").unwrap().validators, ["eba-xbridge"]);
}

#[test]
fn a_year_of_transfers_passes() {
    let made = made(&year(), Vec::new());
    assert_eq!(rules(&made, Severity::Error), [""; 0]);
    let told = validate(&made.document);
    assert_eq!((&told["verdict"], &told["version"]), (&json!("passed"), &json!("2.2.1")), "{told}");
}

#[test]
fn a_year_without_transfers_passes() {
    let made = made(&[], Vec::new());
    assert_eq!(made.figure("S_01.01/dp3526422").amount, 0);
    assert_eq!(validate(&made.document)["verdict"], "passed");
}

#[test]
fn figures_are_what_was_sent_and_received() {
    let made = made(&year(), Vec::new());
    made.assert_sums();
    for (datapoint, amount, what) in [
        ("dp3526420", 2, "sent within a country"),
        ("dp3526427", 1, "of these instant"),
        ("dp3529940", 10_307, "their value"),
        ("dp3529917", 307, "of the instant ones"),
        ("dp3526426", 2, "sent to another country"),
        ("dp3526421", 1, "of these instant"),
        ("dp3529942", 2_450, "their value"),
        ("dp3529941", 400, "of the instant ones"),
        ("dp3526422", 4, "sent"),
        ("dp3526424", 2, "of these instant"),
        ("dp3529924", 12_757, "their value"),
        ("dp3529929", 707, "of the instant ones"),
        ("dp3526425", 2, "received"),
        ("dp3526423", 1, "of these instant"),
        ("dp3529932", 100_099, "their value"),
        ("dp3529928", 99, "of the instant ones"),
    ] {
        assert_eq!(made.figure(&format!("S_01.01/{datapoint}")).amount, amount, "{what}");
    }
}

#[test]
fn every_fact_is_the_figure_of_its_path() {
    let made = made(&year(), Vec::new());
    let table = member(&made.document, "reports/s_01.01.csv");
    assert_eq!(table.lines().count(), 17);
    for line in table.lines().skip(1) {
        let fields: Vec<_> = line.split(',').collect();
        let figure = made.figure(&format!("S_01.01/{}", fields[0]));
        assert_eq!(figure.unit.text(figure.amount), fields[1]);
        assert_eq!(fields[2], if fields[1].contains('.') { "iso4217:EUR" } else { "" });
    }
}

#[test]
fn a_package_is_made_again_to_the_byte() {
    assert_eq!(made(&year(), Vec::new()).document, made(&year(), Vec::new()).document);
}

#[test]
fn a_package_is_named_as_the_filing_rules_have_it() {
    let name = "529900T8BM49AURSDO55.IND_DE_PAY010100_SEPAIPR_2025-12-31_20260331083015250";
    assert_eq!(package_name(&basis()), name);
}

#[test]
fn what_transactions_do_not_tell_is_said_and_left_out() {
    let made = made(&year(), Vec::new());
    assert_eq!(
        rules(&made, Severity::Warning),
        [
            "breakdown_not_told",
            "breakdown_not_told",
            "breakdown_not_told",
            "breakdown_not_told",
            "template_not_told",
            "template_not_told",
            "template_not_told",
            "outside_economic_area",
            "direction_differs",
        ]
    );
    assert_eq!(
        member(&made.document, "reports/FilingIndicators.csv"),
        "templateID,reported\nS_01.01,true\nS_01.02,false\nS_02.01,false\nS_02.02,false\nS_03.00,false\nS_04.00,false\n"
    );
}

#[test]
fn approved_adjustments_fill_what_transactions_do_not_tell() {
    let told = [
        ("S_02.01/dp3530892", 1_234),
        ("S_03.00/dp3526437", 1),
        ("S_04.00/dp3530896", 2),
        // Two of the four were sent by the one kind of user and two by the other; their values likewise.
        ("S_01.01/dp3526431", 2),
        ("S_01.01/dp3526432", 2),
        ("S_01.01/dp3526416", 2),
        ("S_01.01/dp3529922", 10_000),
        ("S_01.01/dp3529936", 2_757),
        ("S_01.01/dp3529937", 707),
    ];
    let made = made(&year(), told.map(|(figure, amount)| adjustment(figure, amount)).into());
    made.assert_sums();
    assert_eq!(rules(&made, Severity::Error), [""; 0]);
    assert!(!made.remarks.iter().any(|it| it.rule == "breakdown_differs"), "{:?}", made.remarks);
    assert!(member(&made.document, "reports/s_02.01.csv").contains("dp3530892,12.34,iso4217:EUR\n"));
    assert!(member(&made.document, "reports/s_04.00.csv").contains("dp3530896,2\n"));
    let verdict = validate(&made.document);
    assert_eq!(verdict["verdict"], "passed", "{verdict}");
}

#[test]
fn a_transfer_whose_other_account_is_not_known_is_not_filed() {
    let wrong_check_digits = AUSTRIAN.replace("AT61", "AT16");
    for with in ["19-2000145399/0800", wrong_check_digits.as_str()] {
        let mut records = year();
        records[0].1.push(transfer(30, "PMNT-ICDT-ESCT", "1.00", with, &json!({})));
        let made = made(&records, Vec::new());
        let errors: Vec<_> = made.remarks.iter().filter(|it| it.severity == Severity::Error).collect();
        assert_eq!((errors.len(), errors[0].seq.as_deref()), (1, Some("30")));
        assert_eq!(errors[0].rule, "counterparty_iban_missing");
    }
}

#[test]
fn a_breakdown_of_more_than_there_is_is_not_filed() {
    let made = made(&year(), vec![adjustment("S_01.01/dp3526431", 5)]);
    assert_eq!(rules(&made, Severity::Error), ["breakdown_differs"]);
}

#[test]
fn a_number_below_nought_is_not_filed() {
    let made = made(&year(), vec![adjustment("S_02.01/dp3530892", -3)]);
    assert_eq!(rules(&made, Severity::Error), ["below_nought"]);
}

#[test]
fn adjusted_numbers_that_contradict_each_other_are_not_filed() {
    for (figure, rule) in
        [("S_01.01/dp3529924", "parts_differ"), ("S_01.01/dp3526423", "more_instant_than_all")]
    {
        let made = made(&year(), vec![adjustment(figure, 2)]);
        assert_eq!(rules(&made, Severity::Error), [rule]);
    }
}

#[test]
fn transfers_in_another_currency_are_left_out_and_counted() {
    let more = json!({ "amount": { "amount": "9.00", "currency": "CZK" } });
    let records = [(account("CZK"), vec![transfer(40, "PMNT-ICDT-ESCT", "9.00", GERMAN, &more)])];
    let made = made(&records, Vec::new());
    assert_eq!(made.figure("S_01.01/dp3526422").amount, 0);
    assert!(rules(&made, Severity::Warning).contains(&"not_in_euro"));
}

#[test]
fn parameters_are_checked() {
    for (name, value) in
        [("lei", "529900T8BM49AURSDO56"), ("country", "CZ"), ("country", "XX"), ("consolidation", "BOTH")]
    {
        let mut told = basis().parameters;
        told.insert(name.to_owned(), value.to_owned());
        let wrong = DEFINITION.check(&told);
        assert_eq!(wrong.iter().map(|it| it.0.as_str()).collect::<Vec<_>>(), [name]);
    }
}

#[test]
fn planted_errors_in_facts_are_refused() {
    let facts = "reports/s_01.01.csv";
    for (from, to, because) in [
        ("dp3526420,", "dp9999999,", "dp9999999 is no datapoint of this table"),
        ("dp3526420,2", "dp3526420,two", "no whole number"),
        ("dp3526420,2", "dp3526420,2.5", "no whole number"),
        ("103.07", "103,07", "fields"),
        ("iso4217:EUR", "iso4217:CZK", "has the unit"),
    ] {
        assert_refused(&changed(facts, from, to), because);
    }
}

#[test]
fn planted_errors_in_what_frames_facts_are_refused() {
    for (name, from, to, because) in [
        ("reports/FilingIndicators.csv", "S_04.00,false\n", "", "CSV-034"),
        ("reports/FilingIndicators.csv", "S_01.01,true", "S_01.01,false", "S_01.01"),
        ("reports/FilingIndicators.csv", "S_04.00,false", "S_04.00,true", "has no table"),
        ("reports/parameters.csv", "AURSDO55", "AURSDO56", "check digits"),
        ("reports/parameters.csv", "refPeriod,2025-12-31", "refPeriod,2025-13-31", "CSV-023"),
        ("reports/parameters.csv", "iso4217:EUR", "euro", "euro"),
        ("reports/report.json", "sepa_ipr.json", "sepa.json", "sepa.json"),
    ] {
        assert_refused(&changed(name, from, to), because);
    }
}

#[test]
fn what_is_no_package_is_refused() {
    assert_refused(b"datapoint,factValue\n", "can't be read");
}
