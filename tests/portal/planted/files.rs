//! Files and answers that have what was planted: tables without formulas, and nothing that a browser would show.

use serde_json::json;

use super::{
    crawl::Crawl,
    payload::{self, FORMULA},
    plant::{Planted, text},
};
use crate::support::python::read_back;

/// Whether a spreadsheet program takes a cell for a formula.
fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && cell.parse::<f64>().is_err()
}

/// What is wrong with the tables that somebody found.
pub fn faults(crawl: &Crawl) -> Vec<String> {
    let tables = crawl.files.iter().filter(|(path, _)| path.split('?').next().unwrap().ends_with(".csv"));
    let mut faults = Vec::new();
    for (path, table) in tables {
        let cells = cells(table);
        faults.extend(cells.iter().filter(|cell| is_formula(cell)).map(|cell| format!("{path}: {cell}")));
    }
    faults
}

/// The cells of a table, as RFC 4180 has them.
fn cells(table: &str) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = table.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.next_if_eq(&'"').is_some() => cell.push('"'),
            '"' => quoted = !quoted,
            ',' | '\n' if !quoted => cells.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            other => cell.push(other),
        }
    }
    if !cell.is_empty() {
        cells.push(cell);
    }
    cells
}

/// Tables of transactions, of entries and of looks, read by programs that are not ours.
pub async fn exports(planted: &Planted) {
    let field = ("deliverTransactions", "/remittance_information");
    for of in ["transactions", "entries", "accesses"] {
        for format in ["csv", "xlsx"] {
            let ordered = planted.system.post("/v1/exports", &json!({"of": of, "format": format})).await.ok();
            let id = text(&ordered["id"]);
            planted.system.until_exported(&id).await;
            let answer = planted.system.get(&format!("/v1/exports/{id}/parts/1")).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{of} {format}");
            assert!(answer.header("content-disposition").unwrap().starts_with("attachment"), "{of} {format}");
            let found = read_back(format, &answer.body);
            let rows = found["rows"].as_array().unwrap();
            let mut texts = Vec::new();
            for (at, row) in rows.iter().enumerate() {
                for (place, cell) in row.as_array().unwrap().iter().enumerate() {
                    let Some(cell) = cell.as_str() else { continue };
                    texts.push(cell.to_owned());
                    if format == "csv" {
                        assert!(!is_formula(cell), "{of} {format}: {cell}");
                        continue;
                    }
                    // A text is a text, and stays one when somebody edits it.
                    assert_ne!(found["types"][at][place], "f", "{of}: {cell}");
                    let is_text = found["types"][at][place] == "s";
                    if is_text && is_formula(cell) {
                        assert_eq!(found["quoted"][at][place], true, "{of}: {cell}");
                    }
                }
            }
            if of == "transactions" {
                let formula = payload::of(field, FORMULA);
                let written = if format == "csv" { format!("'{formula}") } else { formula };
                assert!(texts.contains(&written), "{format}: {written} is not there");
            }
        }
    }
}

/// Answers of the API: JSON that no browser takes for anything else.
pub async fn answers(planted: &Planted) {
    let mut paths: Vec<String> = [
        "/v1/institution",
        "/v1/accounts",
        "/v1/transactions",
        "/v1/ledger/entries?limit=500",
        "/v1/ledger/looks",
        "/v1/exports",
        "/v1/events",
        "/v1/webhooks",
        "/v1/clients",
        "/v1/grants",
        "/v1/reports",
        "/v1/report-schedules",
        "/v1/lineage/nodes",
        "/v1/lineage/events",
        "/v1/usage?group_by=route",
    ]
    .map(str::to_owned)
    .into();
    paths.push(format!("/v1/reports/{}/versions/1/deliveries", planted.report));
    paths.push(format!("/v1/reports/{}/versions/1/validations", planted.report));
    paths.push(format!("/v1/reports/{}/versions/1/figures", planted.report));
    paths.push(format!("/v1/reports/{}/adjustments", planted.report));
    for path in paths {
        let answer = planted.system.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let kind = answer.header("content-type").unwrap();
        assert!(kind.starts_with("application/json"), "{path}: {kind}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
    }
}

#[test]
fn cells_are_told_apart() {
    assert_eq!(cells("a,\"b,\"\"c\"\"\nd\",\r\n'=1,-2\r\n"), ["a", "b,\"c\"\nd", "", "'=1", "-2"]);
    assert!(is_formula("=1") && is_formula("-2+3") && !is_formula("-2.50") && !is_formula("'=1"));
}
