//! What an event projects to.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::event::{About, ColumnEdge, Dataset, Event, Named};
use crate::store::lineage::{
    NewColumn, NewDataset, NewEdge, NewEvent, NewJob, NewRun, NewVersion, Projection,
};

/// The projection of an event that has this digest.
#[must_use]
pub fn project(event: &Event, digest: [u8; 32]) -> Projection {
    let mut rows = Rows { time_us: event.time_us, ..Rows::default() };
    let place = match &event.about {
        About::Run { job, run, transition, parent } => {
            let job_id = rows.job(job);
            let id = run_id(job, run);
            let parent_id = parent.as_ref().map(|(run, job)| run_id(job, run));
            rows.run = Some(NewRun {
                id,
                name: run.to_string(),
                job_id,
                state: transition.as_str(),
                is_end: transition.is_end(),
                time_us: event.time_us,
                parent_id,
            });
            Some((job_id, Some((id, run.as_str()))))
        }
        About::Job(job) => Some((rows.job(job), None)),
        About::Dataset => None,
    };
    for (datasets, is_output) in [(&event.inputs, false), (&event.outputs, true)] {
        for dataset in datasets {
            let dataset_id = rows.dataset(dataset);
            rows.version(dataset, dataset_id, place.and_then(|(_, run)| run).filter(|_| is_output));
            let Some((job_id, run)) = place else { continue };
            rows.edge(job_id, run.map(|(id, _)| id), dataset_id, is_output, dataset.version.as_deref());
            if is_output {
                for made_of in &dataset.made_of {
                    rows.column(job_id, run.map(|(id, _)| id), dataset_id, made_of);
                }
            }
        }
    }
    Projection {
        events: vec![NewEvent { digest, time_us: event.time_us }],
        jobs: rows.jobs.into_values().collect(),
        datasets: rows.datasets.into_values().collect(),
        versions: rows.versions.into_values().collect(),
        runs: rows.run.into_iter().collect(),
        edges: rows.edges.into_values().collect(),
        columns: rows.columns.into_values().collect(),
    }
}

/// The id of a dataset.
#[must_use]
pub fn dataset_id(named: &Named) -> Uuid {
    id("dataset", &[&named.namespace, &named.name])
}

/// The id of a job.
#[must_use]
pub fn job_id(named: &Named) -> Uuid {
    id("job", &[&named.namespace, &named.name])
}

/// The id of a run. Clients are told to make run ids unique; some use one for several jobs.
#[must_use]
pub fn run_id(job: &Named, run: &str) -> Uuid {
    id("run", &[&job.namespace, &job.name, run])
}

/// A hash of what a thing is: of each part with its length, so that no two things run into each other.
fn id(kind: &str, parts: &[&str]) -> Uuid {
    let mut hash = Sha256::new();
    for part in [kind].iter().chain(parts) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let hash: [u8; 32] = hash.finalize().into();
    let mut first = [0; 16];
    first.copy_from_slice(&hash[..16]);
    uuid::Builder::from_custom_bytes(first).into_uuid()
}

/// Rows by id: a statement takes each once.
#[derive(Default)]
struct Rows {
    time_us: i64,
    run: Option<NewRun>,
    jobs: BTreeMap<Uuid, NewJob>,
    datasets: BTreeMap<Uuid, NewDataset>,
    versions: BTreeMap<Uuid, NewVersion>,
    edges: BTreeMap<Uuid, NewEdge>,
    columns: BTreeMap<Uuid, NewColumn>,
}

impl Rows {
    fn job(&mut self, named: &Named) -> Uuid {
        let id = job_id(named);
        let (namespace, name) = (named.namespace.to_string(), named.name.to_string());
        self.jobs.insert(id, NewJob { id, namespace, name });
        id
    }

    fn dataset(&mut self, dataset: &Dataset) -> Uuid {
        let id = self.named(&dataset.named);
        let columns = columns(dataset);
        if let Some(row) = self.datasets.get_mut(&id) {
            row.columns = columns.max(row.columns.take());
        }
        id
    }

    fn named(&mut self, named: &Named) -> Uuid {
        let id = dataset_id(named);
        let (namespace, name) = (named.namespace.to_string(), named.name.to_string());
        let new = NewDataset { id, namespace, name, columns: None, time_us: self.time_us };
        self.datasets.entry(id).or_insert(new);
        id
    }

    /// The version that an event names; else, of what a run wrote, one that is called as the run.
    fn version(&mut self, dataset: &Dataset, dataset_id: Uuid, writer: Option<(Uuid, &str)>) {
        let version = match (&dataset.version, writer) {
            (Some(version), _) => version.to_string(),
            (None, Some((_, run))) => format!("run:{run}"),
            (None, None) => return,
        };
        let id = id("version", &[&dataset_id.to_string(), &version]);
        let run_id = writer.map(|(id, _)| id);
        let columns = columns(dataset);
        let time_us = self.time_us;
        let row = NewVersion { id, dataset_id, version, run_id: None, columns: None, time_us };
        let row = self.versions.entry(id).or_insert(row);
        row.run_id = run_id.max(row.run_id);
        row.columns = columns.max(row.columns.take());
    }

    fn edge(
        &mut self,
        job_id: Uuid,
        run_id: Option<Uuid>,
        dataset_id: Uuid,
        is_output: bool,
        version: Option<&str>,
    ) {
        let direction = if is_output { "output" } else { "input" };
        let run = run_id.map(|run| run.to_string()).unwrap_or_default();
        let parts =
            [&job_id.to_string(), &run, &dataset_id.to_string(), direction, version.unwrap_or_default()];
        let id = id("edge", &parts);
        let version = version.map(ToOwned::to_owned);
        self.edges.insert(id, NewEdge { id, job_id, run_id, dataset_id, is_output, version });
    }

    fn column(&mut self, job_id: Uuid, run_id: Option<Uuid>, dataset_id: Uuid, edge: &ColumnEdge) {
        let from_dataset_id = self.named(&edge.from);
        let field = edge.field.as_deref().unwrap_or_default();
        let how = edge.how.as_deref();
        let run = run_id.map(|run| run.to_string()).unwrap_or_default();
        let id = id(
            "column",
            &[
                &job_id.to_string(),
                &run,
                &dataset_id.to_string(),
                field,
                &from_dataset_id.to_string(),
                &edge.from_field,
                if edge.is_direct { "direct" } else { "indirect" },
                how.unwrap_or_default(),
                if edge.is_masked { "masked" } else { "" },
            ],
        );
        let row = NewColumn {
            id,
            job_id,
            run_id,
            dataset_id,
            field: field.to_owned(),
            from_dataset_id,
            from_field: edge.from_field.to_string(),
            is_direct: edge.is_direct,
            how: how.map(ToOwned::to_owned),
            is_masked: edge.is_masked,
        };
        self.columns.insert(id, row);
    }
}

/// A dataset's columns as they are stored.
fn columns(dataset: &Dataset) -> Option<String> {
    let columns = dataset.columns.as_ref()?.iter();
    let columns = columns.map(|(name, of)| match of {
        Some(of) => serde_json::json!({"name": name, "type": of}),
        None => serde_json::json!({"name": name}),
    });
    Some(serde_json::Value::from_iter(columns).to_string())
}
