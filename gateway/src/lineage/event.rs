//! Reading an OpenLineage event (spec 2-0-2).
//!
//! What clients in the field send is taken: times without a zone (they are UTC), times finer than a
//! microsecond, run ids that are no UUIDs, `null` for what is left out, facets that nobody here knows. A facet
//! that is not as its schema has it is passed over; it stays in the event. Refused is only what no graph can be
//! drawn of: an event that does not say what it is about.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::domain::{Finding, Text};

/// A namespace, or a name within one.
pub type Name = Text<2000>;
/// A column.
pub type Field = Text<1000>;
/// What a client calls a run: a UUID in most.
pub type RunName = Text<200>;

/// Rows that one event may bring: datasets, and edges between columns.
const ROWS_MAX: usize = 20_000;

/// A node's own name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Named {
    /// The namespace.
    pub namespace: Name,
    /// The name, unique in it.
    pub name: Name,
}

/// What happened to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transition {
    /// Something that is no change of state.
    Other,
    /// It began.
    Start,
    /// It goes on.
    Running,
    /// It was given up.
    Abort,
    /// It failed.
    Fail,
    /// It is done.
    Complete,
}

impl Transition {
    const ALL: [Self; 6] = [Self::Other, Self::Start, Self::Running, Self::Abort, Self::Fail, Self::Complete];

    /// As events have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Other => "OTHER",
            Self::Start => "START",
            Self::Running => "RUNNING",
            Self::Abort => "ABORT",
            Self::Fail => "FAIL",
            Self::Complete => "COMPLETE",
        }
    }

    /// Whether nothing comes after it.
    #[must_use]
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Abort | Self::Fail | Self::Complete)
    }
}

/// An event, as far as a graph is drawn of it.
#[derive(Debug)]
pub struct Event {
    /// When it happened, in microseconds since the Unix epoch.
    pub time_us: i64,
    /// What it is about.
    pub about: About,
    /// What was read.
    pub inputs: Vec<Dataset>,
    /// What was written; of a dataset's own event, the dataset.
    pub outputs: Vec<Dataset>,
}

/// What an event is about.
#[derive(Debug)]
pub enum About {
    /// A run of a job.
    Run {
        /// The job.
        job: Named,
        /// The run.
        run: RunName,
        /// What happened to it.
        transition: Transition,
        /// The run that started it.
        parent: Option<(RunName, Named)>,
    },
    /// A job, apart from its runs.
    Job(Named),
    /// A dataset, apart from what made it.
    Dataset,
}

/// A dataset as an event tells of it.
#[derive(Debug)]
pub struct Dataset {
    /// Its name.
    pub named: Named,
    /// Its version, where the event says one.
    pub version: Option<Name>,
    /// Its columns and their types, in order, where the event says them.
    pub columns: Option<Vec<(Field, Option<Name>)>>,
    /// What its columns were made of.
    pub made_of: Vec<ColumnEdge>,
}

/// A column that was made of another, or, without a field, a dataset all of which was.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ColumnEdge {
    /// The column that was made.
    pub field: Option<Field>,
    /// The dataset that it was made of.
    pub from: Named,
    /// The column of it.
    pub from_field: Field,
    /// `DIRECT` when values went over, `INDIRECT` when they only decided.
    pub is_direct: bool,
    /// How, in the client's words: `IDENTITY`, `AGGREGATION`, `FILTER` and the like.
    pub how: Option<Name>,
    /// Whether the values were hidden on the way.
    pub is_masked: bool,
}

type Raw = Option<Box<RawValue>>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEvent {
    event_time: Option<String>,
    event_type: Option<String>,
    #[serde(rename = "schemaURL")]
    schema_url: Option<String>,
    run: Option<RawRun>,
    job: Option<RawNamed>,
    dataset: Option<RawDataset>,
    inputs: Option<Vec<RawDataset>>,
    outputs: Option<Vec<RawDataset>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRun {
    run_id: Option<String>,
    facets: Option<RunFacets>,
}

#[derive(Deserialize)]
struct RunFacets {
    parent: Raw,
}

#[derive(Deserialize)]
struct Parent {
    run: RawRun,
    job: RawNamed,
}

#[derive(Deserialize)]
struct RawNamed {
    namespace: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct RawDataset {
    namespace: Option<String>,
    name: Option<String>,
    facets: Option<DatasetFacets>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DatasetFacets {
    schema: Raw,
    version: Raw,
    column_lineage: Raw,
}

#[derive(Deserialize)]
struct SchemaFacet {
    fields: Vec<SchemaField>,
}

#[derive(Deserialize)]
struct SchemaField {
    name: String,
    r#type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VersionFacet {
    dataset_version: String,
}

#[derive(Deserialize)]
struct ColumnLineageFacet {
    fields: BTreeMap<String, MadeOf>,
    #[serde(default)]
    dataset: Vec<InputField>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MadeOf {
    input_fields: Vec<InputField>,
    transformation_type: Option<String>,
}

#[derive(Deserialize)]
struct InputField {
    namespace: String,
    name: String,
    field: String,
    #[serde(default)]
    transformations: Vec<Transformation>,
}

#[derive(Deserialize)]
struct Transformation {
    r#type: String,
    subtype: Option<String>,
    masking: Option<bool>,
}

/// Reads an event.
///
/// # Errors
/// Every reason why no graph can be drawn of it.
pub fn read(json: &[u8]) -> Result<Event, Vec<Finding>> {
    let raw: RawEvent = serde_json::from_slice(json)
        .map_err(|error| vec![Finding::on_line(line(&error), "malformed_event", error.to_string())])?;
    let mut reader = Reader::default();
    let event = reader.event(raw);
    match event {
        Some(event) if reader.findings.is_empty() => Ok(event),
        _ => Err(reader.findings),
    }
}

fn line(error: &serde_json::Error) -> u64 {
    u64::try_from(error.line()).unwrap_or_default().max(1)
}

/// Collects what is wrong.
#[derive(Default)]
struct Reader {
    findings: Vec<Finding>,
    rows: usize,
}

impl Reader {
    fn event(&mut self, raw: RawEvent) -> Option<Event> {
        let kind = raw.schema_url.as_deref().and_then(|url| url.rsplit('/').next()).unwrap_or_default();
        let time_us = self.time(raw.event_time);
        let about = match kind {
            "DatasetEvent" => Some(About::Dataset),
            "JobEvent" => self.named("/job", raw.job).map(About::Job),
            _ => self.run(raw.run, raw.job, raw.event_type),
        };
        let mut datasets = |at: &str, all: Option<Vec<RawDataset>>| -> Vec<Dataset> {
            let all = all.unwrap_or_default().into_iter().enumerate();
            all.filter_map(|(number, dataset)| self.dataset(&format!("{at}/{number}"), dataset)).collect()
        };
        let (inputs, mut outputs) = (datasets("/inputs", raw.inputs), datasets("/outputs", raw.outputs));
        if kind == "DatasetEvent" {
            match raw.dataset {
                Some(dataset) => outputs = self.dataset("/dataset", dataset).into_iter().collect(),
                None => self.missing("/dataset"),
            }
        }
        if self.rows > ROWS_MAX {
            let detail =
                format!("an event may tell of {ROWS_MAX} datasets and column edges; this one has more");
            self.findings.push(Finding::on_line(1, "event_too_large", detail));
        }
        Some(Event { time_us: time_us?, about: about?, inputs, outputs })
    }

    fn run(&mut self, run: Option<RawRun>, job: Option<RawNamed>, kind: Option<String>) -> Option<About> {
        let job = self.named("/job", job);
        let transition = match kind.as_deref() {
            None => Some(Transition::Other),
            Some(word) => {
                let known = Transition::ALL.into_iter().find(|known| known.as_str() == word);
                if known.is_none() {
                    let words = Transition::ALL.map(Transition::as_str).join(", ");
                    let detail = format!("one of {words}");
                    self.findings.push(Finding::at(1, "/eventType", "unknown_word", detail));
                }
                known
            }
        };
        let Some(run) = run else {
            self.missing("/run");
            return None;
        };
        let parent = run.facets.and_then(|facets| facet::<Parent>(facets.parent)).and_then(parent);
        let run = self.text("/run/runId", run.run_id);
        Some(About::Run { job: job?, run: run?, transition: transition?, parent })
    }

    fn dataset(&mut self, at: &str, raw: RawDataset) -> Option<Dataset> {
        let named = self.named(at, Some(RawNamed { namespace: raw.namespace, name: raw.name }));
        let facets = raw.facets;
        let (schema, version, lineage) = match facets {
            Some(facets) => (facets.schema, facets.version, facets.column_lineage),
            None => (None, None, None),
        };
        let version = facet::<VersionFacet>(version).and_then(|facet| Text::new(facet.dataset_version).ok());
        let made_of = facet::<ColumnLineageFacet>(lineage).map(made_of).unwrap_or_default();
        self.rows += 1 + made_of.len();
        Some(Dataset { named: named?, version, columns: facet(schema).and_then(columns), made_of })
    }

    fn named(&mut self, at: &str, raw: Option<RawNamed>) -> Option<Named> {
        let Some(raw) = raw else {
            self.missing(at);
            return None;
        };
        let namespace = self.text(&format!("{at}/namespace"), raw.namespace);
        let name = self.text(&format!("{at}/name"), raw.name);
        Some(Named { namespace: namespace?, name: name? })
    }

    fn text<const MAX: usize>(&mut self, at: &str, raw: Option<String>) -> Option<Text<MAX>> {
        let Some(raw) = raw else {
            self.missing(at);
            return None;
        };
        Text::new(raw).map_err(|fault| self.findings.push(Finding::of(1, at, &fault))).ok()
    }

    fn missing(&mut self, at: &str) {
        self.findings.push(Finding::at(1, at, "missing_field", "a value is required"));
    }

    fn time(&mut self, raw: Option<String>) -> Option<i64> {
        let Some(raw) = raw else {
            self.missing("/eventTime");
            return None;
        };
        let time = raw.parse::<Timestamp>().ok().or_else(|| {
            let civil: civil::DateTime = raw.parse().ok()?;
            Some(TimeZone::UTC.to_zoned(civil).ok()?.timestamp())
        });
        if time.is_none() {
            let detail = "a time is written as in RFC 3339: 2026-01-05T09:30:00Z";
            self.findings.push(Finding::at(1, "/eventTime", "invalid_time", detail));
        }
        time.map(Timestamp::as_microsecond)
    }
}

/// A facet, if it is as its schema has it.
fn facet<T: DeserializeOwned>(raw: Raw) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

fn named(namespace: String, name: String) -> Option<Named> {
    Some(Named { namespace: Text::new(namespace).ok()?, name: Text::new(name).ok()? })
}

fn parent(parent: Parent) -> Option<(RunName, Named)> {
    Some((Text::new(parent.run.run_id?).ok()?, named(parent.job.namespace?, parent.job.name?)?))
}

fn columns(facet: SchemaFacet) -> Option<Vec<(Field, Option<Name>)>> {
    let column = |field: SchemaField| {
        Some((Text::new(field.name).ok()?, field.r#type.and_then(|of| Text::new(of).ok())))
    };
    Some(facet.fields.into_iter().filter_map(column).collect())
}

fn made_of(facet: ColumnLineageFacet) -> Vec<ColumnEdge> {
    let of_columns = facet.fields.into_iter().flat_map(|(field, made_of)| {
        let field = Text::new(field).ok();
        let older = made_of.transformation_type;
        made_of.input_fields.into_iter().flat_map(move |input| {
            // A field that can't be kept takes its edges with it.
            field.clone().map_or_else(Vec::new, |field| edges(Some(&field), input, older.as_deref()))
        })
    });
    let of_all = facet.dataset.into_iter().flat_map(|input| edges(None, input, None));
    of_columns.chain(of_all).collect()
}

/// An edge for each way in which an input counts; one where none is told. Before version 1-1-0 of the facet a
/// word for all inputs of a column stood beside them.
fn edges(field: Option<&Field>, input: InputField, older: Option<&str>) -> Vec<ColumnEdge> {
    let Some(from) = named(input.namespace, input.name) else { return Vec::new() };
    let Ok(from_field) = Field::new(input.field) else { return Vec::new() };
    let edge = |is_direct, how: Option<&str>, is_masked| ColumnEdge {
        field: field.cloned(),
        from: from.clone(),
        from_field: from_field.clone(),
        is_direct,
        how: how.and_then(|how| Text::new(how).ok()),
        is_masked,
    };
    if input.transformations.is_empty() {
        // What stands for the whole dataset (filters, orders, joins) decides, and goes nowhere.
        return vec![edge(field.is_some(), older, older == Some("MASKED"))];
    }
    let each = input.transformations.iter();
    each.map(|way| edge(way.r#type != "INDIRECT", way.subtype.as_deref(), way.masking == Some(true)))
        .collect()
}
