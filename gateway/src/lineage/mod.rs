//! Lineage: what was made from what, as OpenLineage events tell it.
//!
//! Each event is a record on the ledger, verbatim. What is asked about (datasets, jobs, runs, edges, columns)
//! are projections of the events: a pure function of the set of them, so the order in which they come and how
//! often one comes make no difference, and projections can be dropped and made again.

pub mod event;
pub mod impact;
pub mod name;
pub mod own;
pub mod project;
pub mod rebuild;
pub mod record;
pub mod walk;

pub use self::{event::Event, project::project};
