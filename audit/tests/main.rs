//! The tests of the ledger's format and verifier, as one binary.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod bundle;
mod cases;
mod cli;
mod entries;
mod entry_cases;
mod example;
mod forge;
mod formats;
mod parts;
mod report;
mod report_cases;
mod report_data;
mod support;
mod tamper;
mod tree;
