//! Tables read through mappings.

use super::super::mapping::{EXAMPLE, EXAMPLE_HEADER};
use super::*;
use crate::intake::{Format, Item, open};

const GOOD: &str = r#"4711;10001;31.03.2026;01.04.2026;1.234,50;S;-12,00;"Gärtnerei; Süßmilch";DE04000000000000000576;Rate 7"#;

/// The transactions of a table, or pointer and code of each finding.
fn read(mapping: &str, table: &str) -> Vec<Result<NewTransaction, (String, &'static str)>> {
    let records = match open(Format::Csv, Some(mapping.parse().unwrap()), table.as_bytes()) {
        Ok(records) => records,
        Err(findings) => return findings.kept().iter().cloned().map(|finding| Err(short(finding))).collect(),
    };
    records
        .map(|record| match record.map_err(short)?.item {
            Item::Transaction(new) => Ok(new),
            Item::Account(_) => panic!("a table holds transactions"),
        })
        .collect()
}

fn short(finding: Finding) -> (String, &'static str) {
    let code = finding.made();
    (finding.pointer.unwrap_or_default(), code)
}

#[test]
fn a_line_is_read_as_the_mapping_says() {
    let mut read = read(EXAMPLE, &format!("{EXAMPLE_HEADER}\r\n{GOOD}\r\n"));
    let new = read.pop().unwrap().unwrap();
    assert_eq!(
        serde_json::to_string(&new).unwrap(),
        concat!(
            r#"{"account":"10001","amount":{"amount":"1234.50","currency":"EUR"},"#,
            r#""balance_after":{"amount":"12.00","currency":"EUR","direction":"debit"},"#,
            r#""booking_date":"2026-03-31","#,
            r#""counterparty":{"account":"DE04000000000000000576","name":"Gärtnerei; Süßmilch"},"#,
            r#""direction":"debit","reference":"4711","remittance_information":"Rate 7","#,
            r#""status":"booked","value_date":"2026-04-01"}"#
        )
    );
    assert!(read.is_empty());
}

#[test]
fn all_faults_of_a_line_are_told_by_column() {
    let bad = ";10001;31.02.2026;01.04.2026;1.23,50;X;;;;";
    assert_eq!(
        read(EXAMPLE, &format!("{EXAMPLE_HEADER}\n{bad}\n{GOOD}"))
            .into_iter()
            .map(|line| line.map(|new| new.reference.into_string()))
            .collect::<Vec<_>>(),
        [
            Err(("Umsatz".to_owned(), "invalid_grouping")),
            Err(("S/H".to_owned(), "unknown_value")),
            Err(("Buchung".to_owned(), "no_such_day")),
            Err(("Beleg".to_owned(), "missing_field")),
            Ok("4711".to_owned()),
        ]
    );
}

#[test]
fn a_table_that_lacks_a_column_is_refused_before_its_first_line() {
    let header = EXAMPLE_HEADER.replace("Umsatz", "Umsätze").replace("Saldo", "Name");
    let findings = open(Format::Csv, Some(EXAMPLE.parse().unwrap()), header.as_bytes()).unwrap_err();
    let seen: Vec<_> = findings.kept().iter().map(ToString::to_string).collect();
    assert_eq!(
        seen,
        [
            "line 1, Saldo: the header has no such column (missing_column)",
            "line 1, Name: the header has this column more than once (duplicate_column)",
            "line 1, Umsatz: the header has no such column; it has `Umsätze` (missing_column)",
        ]
    );
    assert_eq!(read(EXAMPLE, "\n\n"), [Err((String::new(), "missing_header"))]);
}

#[test]
fn a_short_or_broken_line_costs_itself_alone() {
    let table = format!("{EXAMPLE_HEADER}\n1;2\n\"x;2\n{GOOD}\n{}", &GOOD[..30]);
    let codes: Vec<_> =
        read(EXAMPLE, &table).into_iter().map(|line| line.map(|_| ()).map_err(|e| e.1)).collect();
    assert_eq!(codes, [Err("wrong_field_count"), Err("unclosed_quote"), Ok(()), Err("truncated_line")]);
}

const MINIMAL: &str = "
    [columns]
    reference = \"id\"
    booking_date = \"date\"
    account = \"account\"
    currency = \"currency\"
    status = \"status\"
    [status_values]
    B = \"booked\"
    P = \"pending\"
    [amount]
";

/// Amount and direction, or the code, of a single line.
fn movement(rule: &str, header: &str, cells: &str) -> Result<String, &'static str> {
    let table = format!("id,date,account,currency,status,{header}\n1,2026-03-31,7,JPY,P,{cells}\n");
    let mut lines = read(&format!("{MINIMAL}{rule}"), &table);
    assert_eq!(lines.len(), 1, "{lines:?}");
    let new = lines.remove(0).map_err(|(_, code)| code)?;
    assert_eq!(new.status, Status::Pending);
    Ok(format!("{} {}", new.amount.amount(), new.direction))
}

#[test]
fn a_sign_may_say_the_direction() {
    let rule = "by = \"sign\"\ncolumn = \"amount\"";
    assert_eq!(movement(rule, "amount", "-250"), Ok("250 debit".into()));
    assert_eq!(movement(rule, "amount", " 250 "), Ok("250 credit".into()));
    assert_eq!(movement(rule, "amount", "2.5"), Err("too_many_decimals"));
    assert_eq!(movement(rule, "amount", ""), Err("missing_field"));
}

#[test]
fn two_columns_may_say_the_direction() {
    let rule = "by = \"two_columns\"\ncredit_column = \"in\"\ndebit_column = \"out\"";
    assert_eq!(movement(rule, "in,out", "250,"), Ok("250 credit".into()));
    assert_eq!(movement(rule, "in,out", ",250"), Ok("250 debit".into()));
    assert_eq!(movement(rule, "in,out", "0,250"), Ok("250 debit".into()));
    assert_eq!(movement(rule, "in,out", "250,250"), Err("ambiguous_direction"));
    assert_eq!(movement(rule, "in,out", ","), Err("missing_field"));
    assert_eq!(movement(rule, "in,out", "-5,"), Err("amount_negative"));
}
