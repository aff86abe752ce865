//! The Czech bank's files, small and whole.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::Command;

use super::*;
use crate::intake::{Format, Record, open};

fn read(input: &str) -> Vec<Result<Record, Finding>> {
    open(Format::Berka, None, input.as_bytes()).unwrap().collect()
}

fn transaction(line: &str) -> Result<String, Vec<(String, &'static str)>> {
    let records = read(&format!("{TRANSACTIONS}\r\n{line}\r\n"));
    let (good, bad): (Vec<_>, Vec<_>) = records.into_iter().partition(Result::is_ok);
    match good.into_iter().next() {
        Some(Ok(Record { line: 2, item: Item::Transaction(new), .. })) => {
            Ok(serde_json::to_string(&new).unwrap())
        }
        _ => Err(bad
            .into_iter()
            .filter_map(Result::err)
            .map(|finding| (finding.pointer.clone().unwrap_or_default(), finding.made()))
            .collect()),
    }
}

#[test]
fn a_transaction_has_all_that_the_line_says() {
    assert_eq!(
        transaction(r#"1;576;930105;"VYDAJ";"PREVOD NA UCET";3372.70;-12.00;"SIPO";"QR";"13943797""#)
            .unwrap(),
        concat!(
            r#"{"account":"576","amount":{"amount":"3372.70","currency":"CZK"},"#,
            r#""balance_after":{"amount":"12.00","currency":"CZK","direction":"debit"},"#,
            r#""bank_transaction_code":"PREVOD NA UCET","booking_date":"1993-01-05","#,
            r#""counterparty":{"account":"13943797","agent":"QR"},"direction":"debit","#,
            r#""purpose":"SIPO","reference":"1","status":"booked"}"#
        )
    );
}

#[test]
fn blanks_and_noughts_stand_for_nothing() {
    assert_eq!(
        transaction(r#"1;576;930105;"PRIJEM";"";1;0.00;" ";"";"0""#).unwrap(),
        concat!(
            r#"{"account":"576","amount":{"amount":"1.00","currency":"CZK"},"#,
            r#""balance_after":{"amount":"0.00","currency":"CZK","direction":"credit"},"#,
            r#""booking_date":"1993-01-05","direction":"credit","reference":"1","status":"booked"}"#
        )
    );
}

#[test]
fn every_fault_of_a_line_is_named_by_its_column() {
    assert_eq!(
        transaction(r#";576;930230;"JINE";"";1.234;x;"";;"#).unwrap_err(),
        [
            ("amount", "too_many_decimals"),
            ("balance", "invalid_amount"),
            ("date", "no_such_day"),
            ("type", "unknown_value"),
            ("trans_id", "text_empty"),
        ]
        .map(|(pointer, code)| (pointer.to_owned(), code))
    );
}

#[test]
fn an_account_has_its_day_of_opening() {
    let records = read(&format!("{ACCOUNTS}\n576;55;\"POPLATEK MESICNE\";930101\n7;1;\"\";9301\n"));
    let Ok(Record { item: Item::Account(account), .. }) = &records[0] else { panic!("{records:?}") };
    assert_eq!(
        serde_json::to_string(account).unwrap(),
        r#"{"currency":"CZK","opened_on":"1993-01-01","reference":"576"}"#
    );
    assert_eq!(records[1].as_ref().unwrap_err().code, "invalid_date");
}

#[test]
fn another_header_is_refused() {
    for (header, code) in [("order_id;account_id", "unknown_header"), ("", "missing_header")] {
        assert_eq!(open(Format::Berka, None, header.as_bytes()).unwrap_err().kept()[0].code, code);
    }
}

/// The bank's own file, if it is on this machine.
fn real(name: &str) -> Option<PathBuf> {
    let data = std::env::var_os("VERITRAIL_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"), PathBuf::from);
    let path = data.join("berka").join(name);
    if !path.exists() {
        eprintln!("passed over: {name} is not here; set VERITRAIL_DATA to the folder that holds berka/");
        return None;
    }
    Some(path)
}

/// Sums in hellers by direction, as awk adds them up; 2^53 is far away.
fn sums_by_awk(path: &PathBuf) -> BTreeMap<String, i64> {
    let program = r#"NR > 1 && NF == 10 { d = $4 ~ /PRIJEM/ ? "credit" : "debit"; s[d] += $6 * 100; n[d]++ }
        END { for (d in s) printf "%s %.0f\n%s_count %d\n", d, s[d], d, n[d] }"#;
    let output = Command::new("awk").args(["-F;", program]).arg(path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(name, sum)| (name.to_owned(), sum.parse().unwrap()))
        .collect()
}

#[test]
fn the_whole_log_adds_up_to_what_awk_says() {
    let Some(path) = real("trans.asc") else { return };
    let input = BufReader::new(std::fs::File::open(&path).unwrap());
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    let mut findings = Vec::new();
    for record in open(Format::Berka, None, input).unwrap() {
        match record {
            Ok(Record { item: Item::Transaction(new), .. }) => {
                *sums.entry(new.direction.to_string()).or_default() += new.amount.minor();
                *sums.entry(format!("{}_count", new.direction)).or_default() += 1;
            }
            Ok(record) => panic!("{record:?}"),
            Err(finding) => findings.push((finding.line, finding.made())),
        }
    }
    assert_eq!(sums["credit_count"] + sums["debit_count"], 49_102);
    assert_eq!(findings, [(49_104, "truncated_line")]);
    assert_eq!(sums, sums_by_awk(&path));
}

#[test]
fn all_accounts_are_read() {
    let Some(path) = real("account.asc") else { return };
    let lines = std::fs::read_to_string(&path).unwrap().lines().count();
    let input = BufReader::new(std::fs::File::open(&path).unwrap());
    let records = open(Format::Berka, None, input).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!(records.len(), lines - 1);
}
