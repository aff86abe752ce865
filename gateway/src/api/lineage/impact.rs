//! `GET /v1/lineage/impact`: what depends on a node, or on a column, as a list that a person can read.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{get, web};
use serde::Serialize;
use uuid::Uuid;

use super::{
    super::{
        State,
        as_of::{AS_OF, AsOf, Snapshot},
        params::Params,
    },
    Column, columns,
    drawn::{Names, bounds},
    find,
};
use crate::{
    access::{Answer, Permit, Recorded, right::ReadLineage},
    domain::{InstitutionId, Tenant},
    error::Problem,
    lineage::{
        impact::{Impact, Part, Reach, of_column},
        walk::{Bounds, Direction, Graph, Node, walk},
    },
    store::{Reader, lineage},
};

const COLUMN_MAX: usize = 1_000;

/// What something is that depends on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DependentKind {
    /// A dataset; where it was asked for a column, one all of whose columns depend on it.
    Dataset,
    /// A job that reads it, or what was made of it.
    Job,
    /// A column of a dataset.
    Column,
}

/// Something that depends on what was asked for.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
pub struct Dependent {
    /// How many steps away it is at least; from a dataset to a job is one, and from the job to what it wrote.
    #[schema(example = 2)]
    pub distance: u32,
    /// What it is.
    pub kind: DependentKind,
    /// The dataset or the job.
    #[schema(example = "dataset:warehouse:settlement.daily")]
    pub node: String,
    /// The column.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "total")]
    pub column: Option<String>,
    /// The jobs that made it, by the shortest ways; none of a job.
    #[schema(example = json!(["job:etl:daily-settlement"]))]
    pub by: Vec<String>,
}

/// What depends on a node, or on a column.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LineageImpact {
    /// The node.
    #[schema(example = "dataset:warehouse:transactions")]
    pub node: String,
    /// The column.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "amount")]
    pub column: Option<String>,
    /// What depends on it, the nearest first; then by kind and name.
    pub dependents: Vec<Dependent>,
    /// Whether there is more, beyond 2,000: ask for less depth, or go on from another node.
    #[schema(example = false)]
    pub is_truncated: bool,
    /// The state of the ledger that this shows.
    pub as_of: AsOf,
}

/// What depends on a node, or on a column of a dataset.
///
/// Of a column this is told as far as events tell of columns: a job that does not say what it made its columns of
/// is found only by asking for the dataset.
#[utoipa::path(
    operation_id = "getLineageImpact", tag = "lineage",
    params(
        ("node" = String, Query, description = "`dataset:{namespace}:{name}` or `job:{namespace}:{name}`; a colon in the namespace is written `%3A` (and so `%253A` in a URL), unless there is but one node that is named so.", max_length = 600, example = "dataset:warehouse:settlement.daily"),
        ("column" = Option<String>, Query, description = "A column of the dataset: only what depends on it.", max_length = 1000),
        ("depth" = Option<u32>, Query, description = "Steps, from node to node; 20 unless told.", minimum = 1, maximum = 100),
        ("as_of" = Option<String>, Query, description = "As it was known at this entry; now unless told.", pattern = "^[0-9]{1,18}$"),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "What depends on it.", body = LineageImpact)),
    security(("oauth2" = ["lineage:read"]))
)]
#[get("/v1/lineage/impact")]
pub async fn get(permit: Permit<ReadLineage>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["node", "column", "depth", AS_OF])?;
    let text = super::node_text(&params, "node")?;
    let column = params.text("column", COLUMN_MAX)?;
    let bounds = bounds(&params)?;
    let tenant = permit.tenant();
    let mut reader = state.read(tenant).await?;
    let snapshot = Snapshot::wanted(&mut reader, tenant, &params).await?;
    let as_of = snapshot.seq();
    let start = find(&mut reader, tenant, as_of, &text).await?;
    let impact = match (column, start) {
        (None, _) => {
            let graph = walk(&mut reader, tenant, as_of, start, Direction::Downstream, bounds).await?;
            of_graph(&graph, start)
        }
        (Some(column), Node::Dataset(dataset)) => {
            of_known_column(&mut reader, tenant, as_of, (dataset, column), bounds).await?
        }
        (Some(_), Node::Job(_)) => {
            return Err(Problem::parameter("column", "invalid_value", "only of a node of the kind dataset"));
        }
    };
    let nodes: BTreeSet<Node> = [start]
        .into_iter()
        .chain(impact.parts.iter().flat_map(|(part, reach)| {
            let node = match part {
                Part::Node(node) => *node,
                Part::Column(dataset, _) => Node::Dataset(*dataset),
            };
            reach.by.iter().map(|job| Node::Job(*job)).chain([node])
        }))
        .collect();
    let names = Names::of_nodes(&mut reader, tenant, as_of, nodes).await?;
    drop(reader);
    let dependents = impact.parts.into_iter().map(|(part, reach)| shown(&names, part, &reach));
    let mut dependents: Vec<Dependent> = dependents.collect::<Result<_, _>>()?;
    dependents.sort();
    let answer = LineageImpact {
        node: names.of(start)?.to_owned(),
        column: column.map(ToOwned::to_owned),
        dependents,
        is_truncated: impact.is_cut,
        as_of: snapshot.as_of()?,
    };
    permit.answer(Answer::json(&answer)?).await
}

/// What lies downstream in a graph, and by which jobs it was first reached.
fn of_graph(graph: &Graph, start: Node) -> Impact {
    let mut by: BTreeMap<Node, BTreeSet<Uuid>> = BTreeMap::new();
    for edge in &graph.edges {
        if let (Node::Job(job), Some(from), Some(to)) =
            (edge.from, graph.nodes.get(&edge.from), graph.nodes.get(&edge.to))
            && to == &(from + 1)
        {
            by.entry(edge.to).or_default().insert(job);
        }
    }
    let reached = graph.nodes.iter().filter(|(node, _)| **node != start).map(|(node, distance)| {
        (Part::Node(*node), Reach { distance: *distance, by: by.remove(node).unwrap_or_default() })
    });
    Impact { parts: reached.collect(), is_cut: graph.is_cut, is_told: true }
}

/// What depends on a column, if there is one of this name.
async fn of_known_column(
    reader: &mut Reader,
    tenant: Tenant,
    as_of: i64,
    (dataset, column): (Uuid, &str),
    bounds: Bounds,
) -> Result<Impact, Problem> {
    let impact = of_column(reader, tenant, as_of, (dataset, column), bounds).await?;
    if impact.is_told {
        return Ok(impact);
    }
    // Nothing depends on it: it may be there all the same, listed, or made of others.
    let rows = lineage::datasets(reader, tenant, as_of, &[dataset]).await?;
    let listed = rows.first().and_then(|row| row.columns.as_deref()).map(columns).transpose()?;
    let is_listed = listed.iter().flatten().any(|known: &Column| known.name == column);
    let most = i64::try_from(bounds.nodes).unwrap_or(i64::MAX);
    let is_made = !is_listed
        && lineage::columns(reader, tenant, as_of, &[dataset], true, most)
            .await?
            .iter()
            .any(|hop| hop.field == column);
    if is_listed || is_made { Ok(impact) } else { Err(Problem::not_found()) }
}

fn shown(names: &Names, part: Part, reach: &Reach) -> Result<Dependent, Problem> {
    let (kind, node, column) = match part {
        Part::Node(node @ Node::Dataset(_)) => (DependentKind::Dataset, node, None),
        Part::Node(node @ Node::Job(_)) => (DependentKind::Job, node, None),
        Part::Column(dataset, column) => (DependentKind::Column, Node::Dataset(dataset), Some(column)),
    };
    let by = reach.by.iter().map(|job| names.of(Node::Job(*job)).map(ToOwned::to_owned));
    let mut by: Vec<String> = by.collect::<Result<_, _>>()?;
    by.sort();
    Ok(Dependent { distance: reach.distance, kind, node: names.of(node)?.to_owned(), column, by })
}
