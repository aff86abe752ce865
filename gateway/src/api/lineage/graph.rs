//! `GET /v1/lineage`: the graph around a node; and the same as Marquez's tools know it.

use actix_web::{get, web};
use serde::Serialize;
use uuid::Uuid;

use super::{
    super::{
        State,
        as_of::{AS_OF, AsOf},
        params::Params,
    },
    NodeView,
    drawn::{Drawn, Names},
};
use crate::{
    access::{Answer, Permit, Recorded, right::ReadLineage},
    domain::{InstitutionId, Tenant},
    error::Problem,
    lineage::walk::{Graph, Node},
    store::{Reader, lineage},
};

/// Column edges that are shown.
const COLUMNS_MAX: i64 = 20_000;
/// A graph around a node.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LineageGraph {
    /// The node that it is of.
    #[schema(example = "dataset:warehouse:settlement.daily")]
    pub node: String,
    /// The nodes, the nearest first.
    pub nodes: Vec<ReachedNode>,
    /// What was read and written.
    pub edges: Vec<EdgeView>,
    /// What columns were made of, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<ColumnEdgeView>>,
    /// Whether there is more, beyond 2,000 nodes: ask for less depth, or go on from another node.
    #[schema(example = false)]
    pub is_truncated: bool,
    /// The state of the ledger that this shows.
    pub as_of: AsOf,
}

/// A node, and how far it is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReachedNode {
    /// The node.
    #[serde(flatten)]
    pub node: NodeView,
    /// How many steps away it is at least.
    #[schema(example = 1)]
    pub distance: u32,
}

/// A job that read or wrote a dataset.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct EdgeView {
    /// The node that data came from.
    #[schema(example = "job:etl:daily-settlement")]
    pub from: String,
    /// The node that it went to.
    #[schema(example = "dataset:warehouse:settlement.daily")]
    pub to: String,
    /// How many runs did this.
    #[schema(example = 12)]
    pub runs: i64,
    /// The first entry that told of it.
    #[schema(example = "7", pattern = "^[0-9]+$")]
    pub first_seq: String,
    /// The last entry that told of another run or version.
    #[schema(example = "190", pattern = "^[0-9]+$")]
    pub last_seq: String,
}

/// A column that was made of another.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ColumnEdgeView {
    /// The dataset that was read.
    pub from: String,
    /// Its column.
    #[schema(example = "amount")]
    pub from_column: String,
    /// The dataset that was written.
    pub to: String,
    /// Its column; none when it decided on whole rows: filters, orders, joins.
    #[schema(example = "total")]
    pub to_column: Option<String>,
    /// The job.
    pub job: String,
    /// `direct` when values went over, `indirect` when they only decided.
    #[schema(example = "direct")]
    pub transformation: &'static str,
    /// How, in the client's words.
    #[schema(example = "AGGREGATION")]
    pub subtype: Option<String>,
    /// Whether the values were hidden on the way.
    #[schema(example = false)]
    pub masking: bool,
}

/// What a dataset was made from, or what was made from it.
#[utoipa::path(
    operation_id = "getLineage", tag = "lineage",
    params(
        ("node" = String, Query, description = "`dataset:{namespace}:{name}` or `job:{namespace}:{name}`; a colon in the namespace is written `%3A` (and so `%253A` in a URL), unless there is but one node that is named so.", max_length = 600, example = "dataset:warehouse:settlement.daily"),
        ("direction" = Option<String>, Query, description = "`upstream`: what it was made from. `downstream`: what was made from it. `both` unless told.", pattern = "^(upstream|downstream|both)$", example = "upstream"),
        ("depth" = Option<u32>, Query, description = "Steps, from node to node; 20 unless told.", minimum = 1, maximum = 100),
        ("columns" = Option<String>, Query, description = "`true` for what columns were made of, too.", pattern = "^(true|false)$", example = "true"),
        ("as_of" = Option<String>, Query, description = "As it was known at this entry; now unless told.", pattern = "^[0-9]{1,18}$"),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "The graph.", body = LineageGraph)),
    security(("oauth2" = ["lineage:read"]))
)]
#[get("/v1/lineage")]
pub async fn get(permit: Permit<ReadLineage>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["node", "direction", "depth", "columns", AS_OF])?;
    let wants_columns = params.word("columns", &[("true", true), ("false", false)])?.unwrap_or(false);
    let tenant = permit.tenant();
    let (drawn, mut reader) = Drawn::of(&state, tenant, &params, "node").await?;
    let Drawn { snapshot, start, graph, names } = drawn;
    let mut is_truncated = graph.is_cut;
    let columns = match wants_columns {
        true => {
            let columns = columns(&mut reader, tenant, snapshot.seq(), &graph, &names).await?;
            is_truncated |= columns.len() as i64 >= COLUMNS_MAX;
            Some(columns)
        }
        false => None,
    };
    drop(reader);
    let edges = graph.edges.iter().map(|edge| {
        Ok(EdgeView {
            from: names.of(edge.from)?.to_owned(),
            to: names.of(edge.to)?.to_owned(),
            runs: edge.hop.runs,
            first_seq: edge.hop.first_seq.to_string(),
            last_seq: edge.hop.last_seq.to_string(),
        })
    });
    let edges = edges.collect::<Result<_, Problem>>()?;
    let node = names.of(start)?.to_owned();
    let distance = |node: &Node| graph.nodes.get(node).copied().unwrap_or_default();
    let reached = |(node, view)| ReachedNode { distance: distance(&node), node: view };
    let mut nodes: Vec<ReachedNode> = names.into_all().into_iter().map(reached).collect();
    nodes.sort_by_key(|reached| reached.distance);
    let answer = LineageGraph { node, nodes, edges, columns, is_truncated, as_of: snapshot.as_of()? };
    permit.answer(Answer::json(&answer)?).await
}

/// What columns of the graph's datasets were made of, within the graph.
async fn columns(
    reader: &mut Reader,
    tenant: Tenant,
    as_of: i64,
    graph: &Graph,
    names: &Names,
) -> Result<Vec<ColumnEdgeView>, Problem> {
    let datasets: Vec<Uuid> = graph
        .nodes
        .keys()
        .filter_map(|node| match node {
            Node::Dataset(id) => Some(*id),
            Node::Job(_) => None,
        })
        .collect();
    let hops = lineage::columns(reader, tenant, as_of, &datasets, true, COLUMNS_MAX).await?;
    let within = hops.into_iter().filter(|hop| {
        let ends = [Node::Dataset(hop.from_dataset_id), Node::Job(hop.job_id)];
        ends.iter().all(|end| graph.nodes.contains_key(end))
    });
    let views = within.map(|hop| {
        Ok(ColumnEdgeView {
            from: names.of(Node::Dataset(hop.from_dataset_id))?.to_owned(),
            from_column: hop.from_field,
            to: names.of(Node::Dataset(hop.dataset_id))?.to_owned(),
            to_column: Some(hop.field).filter(|field| !field.is_empty()),
            job: names.of(Node::Job(hop.job_id))?.to_owned(),
            transformation: if hop.direct == 0 { "indirect" } else { "direct" },
            subtype: hop.how,
            masking: hop.masked != 0,
        })
    });
    views.collect()
}
