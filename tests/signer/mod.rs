//! The signer's memory outside the database: shared by replicas, never going back, never trusted when it
//! was lost.

mod backup;
mod memory;
mod shared;
