//! What the tests stand on: the real binary on a real socket, and a client for it.

pub mod behind;
pub mod caller;
pub mod data;
pub mod document;
pub mod engine;
pub mod forge;
pub mod keys;
pub mod ledger;
pub mod metrics;
pub mod postgres;
pub mod programs;
pub mod proof;
pub mod python;
pub mod redis;
pub mod replicas;
pub mod server;

pub use caller::{Answer, Caller};
pub use ledger::Ledger;
pub use server::Server;
