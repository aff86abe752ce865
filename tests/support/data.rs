//! Real inputs beside the repository, and small ones made here.

use std::path::PathBuf;

use serde_json::{Value, json};

/// The Czech bank's log, where it is present. A test without it says so and passes over.
pub fn berka() -> Option<PathBuf> {
    beside("berka", "trans.asc")
}

/// Sample messages of ISO 20022, where they are present.
pub fn camt() -> Option<PathBuf> {
    beside("camt/samples", "camt053.v8.xml")
}

/// OpenLineage events, where they are present.
pub fn openlineage() -> Option<PathBuf> {
    beside("openlineage/events", "simple_run_event/simple_run_event.json")
}

/// The schema of CESOP's PaymentData, where it is present.
pub fn cesop() -> Option<PathBuf> {
    beside("cesop", "PaymentData.xsd")
}

/// A folder of inputs that has this file.
fn beside(folder: &str, file: &str) -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let root = std::env::var_os("VERITRAIL_DATA").map_or(beside, PathBuf::from);
    let path = root.join(folder);
    if path.join(file).exists() {
        return Some(path);
    }
    eprintln!("passed over: there is nothing at {}", path.display());
    None
}

/// A reference that no other test uses.
pub fn unique(prefix: &str) -> String {
    format!("{prefix}-{:016x}", rand::random::<u64>())
}

/// A deliverable transaction on an account of its own.
pub fn transaction(reference: &str) -> Value {
    json!({
        "account": format!("acct-{reference}"), "reference": reference, "booking_date": "2026-02-03",
        "direction": "credit", "amount": {"amount": "12.34", "currency": "EUR"},
    })
}

/// Transactions as NDJSON.
pub fn ndjson(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A transaction revised: as it is to be, with what kind of change it is and why.
pub fn revised(transaction: &Value, kind: &str, reason: &str) -> Value {
    let mut line = transaction.clone();
    line["revision"] = json!({"kind": kind, "reason": reason});
    line
}

/// A zip of members that are stored as they are, with some bytes of one member changed.
pub fn in_zip(zip: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = zip.windows(from.len()).position(|bytes| bytes == from).expect("it stands in the zip");
    let mut altered = zip.to_vec();
    altered[at..at + to.len()].copy_from_slice(to);
    altered
}
