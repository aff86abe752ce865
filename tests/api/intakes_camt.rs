//! The sample messages of ISO 20022, with figures that were read in them by eye.

use serde_json::{Value, json};

use crate::support::{Server, bank::Bank, data};

/// What a sample holds.
struct Sample {
    file: &'static str,
    statements: u64,
    breaks: &'static [&'static str],
    /// Of each entry: reference, amount, direction, booking date, value date, and the rest that it says.
    entries: &'static [Entry],
}

struct Entry {
    reference: &'static str,
    account: &'static str,
    amount: (&'static str, &'static str),
    direction: &'static str,
    dates: (&'static str, &'static str),
    code: &'static str,
    counterparty: Option<&'static str>,
    end_to_end_id: Option<&'static str>,
    information: Option<&'static str>,
}

const SWISS: &str = "CH2801234000123456789";
const DUTCH: &str = "NL26VAYB8060476890";
const OCTOBER: (&str, &str) = ("2007-10-18", "2007-10-18");
const NEW_YEAR: (&str, &str) = ("2014-12-31", "2015-01-02");

const SAMPLES: &[Sample] = &[
    Sample {
        file: "camt052.v2.xml",
        statements: 1,
        breaks: &[],
        entries: &[Entry {
            reference: "CH2801234000123456789/AAAASESS-FP-ACCR-01",
            account: SWISS,
            amount: ("200000.00", "SEK"),
            direction: "debit",
            dates: OCTOBER,
            code: "PAYM-0001-0003",
            counterparty: Some("Company Name"),
            end_to_end_id: None,
            information: Some("Credit"),
        }],
    },
    Sample {
        file: "camt052.v8.xml",
        statements: 1,
        breaks: &[],
        entries: &[Entry {
            reference: "CH2801234000123456789/AAAASESS-FP-ACCR-01",
            account: SWISS,
            amount: ("200000.00", "SEK"),
            direction: "debit",
            dates: OCTOBER,
            code: "PMNT-ICDT-XBCT",
            counterparty: None,
            end_to_end_id: None,
            information: Some("Credit"),
        }],
    },
    Sample {
        file: "camt053.v2.minimal.xml",
        statements: 1,
        breaks: &["balance_currencies_differ"],
        entries: &[Entry {
            reference: "NL26VAYB8060476890/253EURNL26VAYB8060476890/#1",
            account: DUTCH,
            amount: ("8.85", "EUR"),
            direction: "credit",
            dates: NEW_YEAR,
            code: "544",
            counterparty: Some("NAME NAME"),
            end_to_end_id: None,
            information: Some("4654654654654654"),
        }],
    },
    Sample {
        file: "camt053.v2.multi.statement.xml",
        statements: 2,
        breaks: &[],
        entries: &[
            Entry {
                reference: "NL26VAYB8060476890/253EURNL26VAYB8060476890/#1",
                account: DUTCH,
                amount: ("8.85", "EUR"),
                direction: "credit",
                dates: NEW_YEAR,
                code: "544",
                counterparty: None,
                end_to_end_id: Some("000000001"),
                information: Some("Transaction Description 1"),
            },
            Entry {
                reference: "NL26VAYB8060476890/254EURNL26VAYB8060476890/#1",
                account: DUTCH,
                amount: ("7.00", "EUR"),
                direction: "debit",
                dates: NEW_YEAR,
                code: "544",
                counterparty: Some("Company Name 2"),
                end_to_end_id: Some("000000002"),
                information: Some("Transaction Description 2"),
            },
        ],
    },
    Sample {
        file: "camt053.v2.with-party-ids.xml",
        statements: 1,
        breaks: &["balance_currencies_differ"],
        entries: &[Entry {
            reference: "NL26VAYB8060476890/253EURNL26VAYB8060476890/#1",
            account: DUTCH,
            amount: ("8.85", "EUR"),
            direction: "credit",
            dates: NEW_YEAR,
            code: "544",
            counterparty: Some("NAME NAME"),
            end_to_end_id: None,
            information: Some("4654654654654654"),
        }],
    },
    Sample {
        file: "camt053.v4.xml",
        statements: 1,
        breaks: &["balance_currencies_differ"],
        entries: &[Entry {
            reference: "NL26VAYB8060476890/AAAASESS-FP-CN_98765/01",
            account: DUTCH,
            amount: ("8.85", "EUR"),
            direction: "credit",
            dates: NEW_YEAR,
            code: "PAYM-0001-0005",
            counterparty: Some("NAME NAME"),
            end_to_end_id: None,
            information: Some("4654654654654654"),
        }],
    },
    Sample {
        file: "camt053.v8.xml",
        statements: 1,
        breaks: &["balance_currencies_differ"],
        entries: &[Entry {
            reference: "NL26VAYB8060476890/AAAASESS-FP-CN_98765/01",
            account: DUTCH,
            amount: ("8.85", "EUR"),
            direction: "credit",
            dates: NEW_YEAR,
            code: "PMNT-RCDT-BOOK",
            counterparty: Some("NAME NAME"),
            end_to_end_id: Some("MUELL/FINP/RA12345"),
            information: Some("4654654654654654"),
        }],
    },
    // Three parts without amounts: the entry is one transaction.
    Sample {
        file: "camt054.v2.xml",
        statements: 1,
        breaks: &[],
        entries: &[Entry {
            reference: "CH2801234000123456789/AAAASESS-FP-ACCR001",
            account: SWISS,
            amount: ("200000.00", "SEK"),
            direction: "debit",
            dates: OCTOBER,
            code: "PMNT-ICDT-DMCT",
            counterparty: None,
            end_to_end_id: None,
            information: None,
        }],
    },
    // Three parts in another currency, which do not make the entry's amount.
    Sample {
        file: "camt054.v8.xml",
        statements: 1,
        breaks: &[],
        entries: &[Entry {
            reference: "CH2801234000123456789/ACSR160617103200001",
            account: SWISS,
            amount: ("200000.00", "SEK"),
            direction: "debit",
            dates: OCTOBER,
            code: "PMNT-ICDT-DMCT",
            counterparty: None,
            end_to_end_id: None,
            information: Some("Order"),
        }],
    },
];

fn assert_entry(file: &str, row: &Value, entry: &Entry) {
    let (amount, currency) = entry.amount;
    let text = |text: Option<&str>| text.map_or(Value::Null, |text| json!(text));
    for (name, expected) in [
        ("reference", json!(entry.reference)),
        ("account", json!(entry.account)),
        ("amount", json!({"amount": amount, "currency": currency})),
        ("direction", json!(entry.direction)),
        ("booking_date", json!(entry.dates.0)),
        ("value_date", json!(entry.dates.1)),
        ("status", json!("booked")),
        ("bank_transaction_code", json!(entry.code)),
        ("end_to_end_id", text(entry.end_to_end_id)),
        ("remittance_information", text(entry.information)),
    ] {
        assert_eq!(row[name], expected, "{file}: {name}");
    }
    assert_eq!(row["counterparty"]["name"], text(entry.counterparty), "{file}: the other side's name");
}

#[tokio::test]
async fn the_samples_say_what_a_reader_sees_in_them() {
    let Some(folder) = data::camt() else { return };
    for sample in SAMPLES {
        let bank = Bank::new(Server::shared()).await;
        let (file, body) = (sample.file, std::fs::read(folder.join(sample.file)).unwrap());
        let intake =
            bank.take(&format!("format=camt&file_name={file}"), "application/xml", body.clone()).await;
        let count = sample.entries.len() as u64;
        assert_eq!(intake["state"], "stored", "{file}: {intake}");
        assert_eq!(
            intake["counts"],
            json!({
                "statements": sample.statements, "records": count, "added": count, "unchanged": 0, "faults": 0,
                "breaks": sample.breaks.len(),
            }),
            "{file}"
        );
        let codes: Vec<Value> =
            bank.findings(&intake).await.iter().map(|found| found["code"].clone()).collect();
        assert_eq!(codes, sample.breaks, "{file}");
        let rows = bank.transactions().await;
        assert_eq!(rows.len(), sample.entries.len(), "{file}");
        for (row, entry) in rows.iter().zip(sample.entries) {
            assert_entry(file, row, entry);
            assert_eq!(row["source"]["file_sha256"], intake["sha256"], "{file}");
            let line: usize = row["source"]["line"].as_str().unwrap().parse().unwrap();
            let offset: usize = row["source"]["offset"].as_str().unwrap().parse().unwrap();
            let lines: Vec<&str> = std::str::from_utf8(&body).unwrap().lines().collect();
            assert!(lines[line - 1].contains("<Ntry>"), "{file}: line {line}");
            assert!(body[offset..].starts_with(b"<Ntry>"), "{file}: offset {offset}");
        }
        let again = bank.take("format=camt", "application/xml", body).await;
        let counts = &again["counts"];
        assert_eq!((&counts["added"], &counts["unchanged"]), (&json!(0), &json!(count)), "{file}: {again}");
    }
}

#[tokio::test]
async fn the_account_is_opened_as_its_statement_has_it() {
    let Some(folder) = data::camt() else { return };
    let bank = Bank::new(Server::shared()).await;
    let body = std::fs::read(folder.join("camt053.v2.minimal.xml")).unwrap();
    bank.take("format=camt", "text/xml", body).await;
    let accounts = bank.system.get("/v1/accounts").await.ok();
    assert_eq!(accounts["data"].as_array().unwrap().len(), 1);
    assert_eq!(accounts["data"][0]["reference"], DUTCH);
    assert_eq!(accounts["data"][0]["currency"], "EUR");
}

#[tokio::test]
async fn a_message_without_a_statement_is_refused_with_its_reason() {
    let Some(folder) = data::camt() else { return };
    let bank = Bank::new(Server::shared()).await;
    let body = std::fs::read(folder.join("camt053.v2.wrong.xml")).unwrap();
    let intake = bank.take("format=camt", "application/xml", body).await;
    assert_eq!(intake["state"], "refused", "{intake}");
    let findings = bank.findings(&intake).await;
    assert_eq!(findings.len(), 1);
    assert_eq!(
        findings[0],
        json!({
            "line": 8, "path": "/Document/BkToCstmrStmt/Stmt", "field": "Stmt", "code": "missing_field",
            "severity": "error", "detail": "the message has no Stmt",
        })
    );
    assert_eq!(bank.transactions().await, Vec::<Value>::new());
}

#[tokio::test]
async fn an_amount_with_more_decimals_than_its_currency_names_its_place() {
    let Some(folder) = data::camt() else { return };
    let bank = Bank::new(Server::shared()).await;
    let body = std::fs::read(folder.join("camt053.v2.five.decimals.xml")).unwrap();
    let intake = bank.take("format=camt", "application/xml", body).await;
    assert_eq!(intake["state"], "refused", "{intake}");
    let found: Vec<(u64, String, String)> = bank
        .findings(&intake)
        .await
        .iter()
        .map(|found| {
            let text = |name: &str| found[name].as_str().unwrap().to_owned();
            (found["line"].as_u64().unwrap(), text("path"), text("code"))
        })
        .collect();
    let at = |path: &str| format!("/Document/BkToCstmrStmt/Stmt[1]/{path}");
    let code = || "too_many_decimals".to_owned();
    assert_eq!(
        found,
        [(43, at("Bal[1]/Amt"), code()), (55, at("Bal[2]/Amt"), code()), (62, at("Ntry[1]/Amt"), code())]
    );
    assert_eq!(bank.transactions().await, Vec::<Value>::new());
}
