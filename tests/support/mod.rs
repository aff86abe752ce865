//! What the tests stand on: the real binary on a real socket, and a client for it.

pub mod attacks;
pub mod bank;
pub mod behind;
pub mod browser;
pub mod bundle;
pub mod caller;
pub mod data;
pub mod document;
pub mod dpop;
pub mod engine;
pub mod forge;
pub mod grants;
pub mod incidents;
pub mod keys;
pub mod ledger;
pub mod metrics;
pub mod person;
pub mod postgres;
pub mod programs;
pub mod proof;
pub mod python;
pub mod receiver;
pub mod redis;
pub mod replicas;
pub mod reports;
pub mod s3;
pub mod second_factor;
pub mod server;
pub mod sse;
pub mod watch;

pub use caller::{Answer, Caller};
pub use ledger::Ledger;
pub use person::Person;
pub use server::Server;
