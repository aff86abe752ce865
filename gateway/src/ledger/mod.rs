//! The ledger in the database: the one writer, the signer, proofs, and the walk that checks it all.
//!
//! Invariants:
//! - Only the [`recorder`] writes. Rows, payloads, entries and heads of a batch are one transaction.
//! - A caller hears of success only after that transaction is durable.
//! - Only the [`signer`] signs, and what it has signed it remembers outside the database
//!   ([`memory`]), so that a database from a backup cannot lead to a signed fork.
//! - Entries are hashed as they stand; nothing re-serialises them.

pub mod again;
mod batch;
mod clients;
pub mod command;
mod deliver;
mod directory;
mod doubt;
pub mod events;
mod filing;
mod forgetting;
pub mod fsck;
pub mod grants;
pub mod incidents;
mod log;
pub mod memory;
pub mod metrics;
mod people;
mod recall;
pub mod recorder;
pub mod rounds;
pub mod signer;
pub mod stops;
pub mod tree;

pub use command::{By, Receipt, RecordError};
pub use recorder::Recorder;
pub use signer::Signer;
