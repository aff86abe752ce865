//! Lineage: which events came, and what they project to.
//!
//! A projection's row is found by a hash of what it is, so that the same thing told twice is one row. What can be
//! told in several ways (a run's state, a dataset's columns) goes to the newest event; between events of one
//! time, to the greater text. So rows do not depend on the order in which events come. `seq` is the first entry
//! that told of it.

mod events;
mod graph;
mod hex;
mod nodes;
mod write;

use uuid::Uuid;

pub use self::{
    events::{Known, Order, after, before, known, stored},
    graph::{ColumnHop, End, Hop, columns, hops},
    nodes::{Dataset, Job, Kind, RunRow, VersionRow, datasets, find, jobs, runs, runs_of, versions_of},
    write::{clear, write},
};

/// What one event projects to.
#[derive(Debug, Default)]
pub struct Projection {
    /// The event itself.
    pub events: Vec<NewEvent>,
    /// Jobs.
    pub jobs: Vec<NewJob>,
    /// Datasets.
    pub datasets: Vec<NewDataset>,
    /// Their versions.
    pub versions: Vec<NewVersion>,
    /// Runs.
    pub runs: Vec<NewRun>,
    /// What runs and jobs read and wrote.
    pub edges: Vec<NewEdge>,
    /// What columns were made of.
    pub columns: Vec<NewColumn>,
}

/// An event.
#[derive(Debug)]
pub struct NewEvent {
    /// SHA-256 of it, without white space between its tokens.
    pub digest: [u8; 32],
    /// When it happened, in microseconds since the Unix epoch.
    pub time_us: i64,
}

/// A job.
#[derive(Debug)]
pub struct NewJob {
    /// A hash of its name.
    pub id: Uuid,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// A dataset.
#[derive(Debug)]
pub struct NewDataset {
    /// A hash of its name.
    pub id: Uuid,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its columns as JSON, where the event tells them.
    pub columns: Option<String>,
    /// When the event happened.
    pub time_us: i64,
}

/// A version of a dataset.
#[derive(Debug)]
pub struct NewVersion {
    /// A hash of the dataset and the version.
    pub id: Uuid,
    /// The dataset.
    pub dataset_id: Uuid,
    /// What it is called.
    pub version: String,
    /// The run that wrote it.
    pub run_id: Option<Uuid>,
    /// Its columns as JSON, where the event tells them.
    pub columns: Option<String>,
    /// When the event happened.
    pub time_us: i64,
}

/// A run.
#[derive(Debug)]
pub struct NewRun {
    /// A hash of its job and its name.
    pub id: Uuid,
    /// What its client calls it.
    pub name: String,
    /// Its job.
    pub job_id: Uuid,
    /// What happened to it.
    pub state: &'static str,
    /// Whether nothing comes after that.
    pub is_end: bool,
    /// When that happened.
    pub time_us: i64,
    /// The run that started it.
    pub parent_id: Option<Uuid>,
}

/// Something read or written.
#[derive(Debug)]
pub struct NewEdge {
    /// A hash of all that follows.
    pub id: Uuid,
    /// The job.
    pub job_id: Uuid,
    /// Its run, if it was told of one.
    pub run_id: Option<Uuid>,
    /// The dataset.
    pub dataset_id: Uuid,
    /// Whether it was written.
    pub is_output: bool,
    /// Its version, where the event says one.
    pub version: Option<String>,
}

/// A column that was made of another.
#[derive(Debug)]
pub struct NewColumn {
    /// A hash of all that follows.
    pub id: Uuid,
    /// The job.
    pub job_id: Uuid,
    /// Its run, if it was told of one.
    pub run_id: Option<Uuid>,
    /// The dataset.
    pub dataset_id: Uuid,
    /// Its column; empty for all of them.
    pub field: String,
    /// The dataset that it was made of.
    pub from_dataset_id: Uuid,
    /// The column of it.
    pub from_field: String,
    /// Whether values went over, or only decided.
    pub is_direct: bool,
    /// How, in the client's words.
    pub how: Option<String>,
    /// Whether the values were hidden on the way.
    pub is_masked: bool,
}
