//! What the tests stand on: the real binary on a real socket, and a client for it.

pub mod caller;
pub mod data;
pub mod server;

pub use caller::{Answer, Caller};
pub use server::Server;
