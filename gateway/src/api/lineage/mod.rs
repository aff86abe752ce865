//! `/v1/lineage`: what was made from what. `/api/v1/lineage` is where OpenLineage's clients send their events,
//! and where Marquez's tools ask.

mod drawn;
pub mod events;
pub mod graph;
pub mod impact;
pub mod marquez;
pub mod nodes;
pub mod prov;
pub mod tell;

use serde::Serialize;

use super::params::Params;
use crate::{
    domain::Tenant,
    error::{Code, Problem},
    lineage::{name, walk::Node},
    store::{
        Reader,
        lineage::{self, Dataset, Job},
    },
};

/// Longest name of a node, in characters: a URI holds it in any encoding.
const NODE_MAX: usize = 600;

/// The node that a query names.
fn node_text(params: &Params<'_>, name: &str) -> Result<String, Problem> {
    let text: String = params.require(name)?;
    if text.chars().count() > NODE_MAX {
        return Err(Problem::parameter(name, "out_of_range", format!("at most {NODE_MAX} characters")));
    }
    Ok(text)
}

/// The kind of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// Data: a table, a file, a topic.
    Dataset,
    /// What reads and writes data.
    Job,
}

/// A column of a dataset.
#[derive(Debug, Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Column {
    /// Its name.
    #[schema(example = "amount")]
    pub name: String,
    /// Its type, in the client's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "decimal(18,2)")]
    pub r#type: Option<String>,
}

/// A dataset or a job.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct NodeView {
    /// `dataset:{namespace}:{name}` or `job:{namespace}:{name}`; a colon in the namespace is `%3A`.
    #[schema(example = "dataset:bigquery:project.payments.daily")]
    pub id: String,
    /// Which of the two.
    pub kind: NodeKind,
    /// Its namespace.
    #[schema(example = "bigquery")]
    pub namespace: String,
    /// Its name.
    #[schema(example = "project.payments.daily")]
    pub name: String,
    /// The columns of a dataset, as the newest event has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<Column>>,
    /// The first entry that told of it.
    #[schema(example = "7", pattern = "^[0-9]+$")]
    pub first_seq: String,
}

impl TryFrom<Dataset> for NodeView {
    type Error = Problem;

    fn try_from(row: Dataset) -> Result<Self, Problem> {
        Ok(Self {
            id: name::dataset(&row.namespace, &row.name),
            kind: NodeKind::Dataset,
            namespace: row.namespace,
            name: row.name,
            columns: row.columns.as_deref().map(columns).transpose()?,
            first_seq: row.seq.to_string(),
        })
    }
}

impl From<Job> for NodeView {
    fn from(row: Job) -> Self {
        Self {
            id: name::job(&row.namespace, &row.name),
            kind: NodeKind::Job,
            namespace: row.namespace,
            name: row.name,
            columns: None,
            first_seq: row.seq.to_string(),
        }
    }
}

/// Columns as they are stored.
fn columns(stored: &str) -> Result<Vec<Column>, Problem> {
    serde_json::from_str(stored).map_err(|e| Problem::internal(format!("stored columns are damaged: {e}")))
}

/// The node that a text names, as it was known at a seq.
///
/// # Errors
/// 404 when there is none, 422 when it could be several.
async fn find(reader: &mut Reader, tenant: Tenant, as_of: i64, text: &str) -> Result<Node, Problem> {
    let candidates = name::candidates(text);
    let (mut datasets, mut jobs) = (Vec::new(), Vec::new());
    for node in &candidates {
        match *node {
            Node::Dataset(id) => datasets.push(id),
            Node::Job(id) => jobs.push(id),
        }
    }
    let mut found: Vec<Node> = Vec::new();
    let known = lineage::datasets(reader, tenant, as_of, &datasets).await?;
    found.extend(known.into_iter().map(|row| Node::Dataset(row.id)));
    let known = lineage::jobs(reader, tenant, as_of, &jobs).await?;
    found.extend(known.into_iter().map(|row| Node::Job(row.id)));
    match found.as_slice() {
        [] => Err(Problem::not_found()),
        // Written as we write it, it is one node, whatever else it may be.
        _ if candidates.first().is_some_and(|first| found.contains(first)) => Ok(candidates[0]),
        [one] => Ok(*one),
        _ => {
            let detail = "several nodes are named so: write a colon in the namespace as %3A";
            Err(Problem::new(Code::Refused, detail))
        }
    }
}
