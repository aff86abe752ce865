//! What a demonstration runs on: an invented institution's log, the same on every run.
//!
//! Pure like the domain: the seed and the last day are parameters. No person, firm or account in it exists.

pub mod generator;
mod ledger;
mod names;
mod random;
mod routine;

pub use generator::{Flavour, Log, generate};
