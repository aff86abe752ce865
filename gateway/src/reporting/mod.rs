//! Reports, from the order to the archive: made in the background of records as of a seq by [`crate::reports`], put
//! into the archive, and said to be so on the ledger, in this order.
//!
//! A version that is ready never changes: its bytes are found by their hash, which its entry names, and so is the
//! list of its figures. Making is the same each time, so whatever a stop interrupts is made again.

pub mod archive;
pub mod bundle;
pub mod judge;
mod making;
pub mod order;
pub mod press;
pub mod schedule;
mod scheduler;
pub mod wording;

pub use archive::{Archive, ArchiveError};
pub use press::{PressError, ReportPress};
pub use scheduler::Scheduler;
