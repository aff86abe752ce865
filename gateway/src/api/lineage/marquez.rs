//! `GET /api/v1/lineage`: the graph in the shape of Marquez, so that tools made for it work.
//!
//! Source of the shape: Marquez's OpenAPI document (`/lineage`), of which what is known here is told.

use std::collections::BTreeMap;

use actix_web::{get, web};
use serde::Serialize;

use super::{
    super::{State, params::Params},
    Column, NodeKind,
    drawn::Drawn,
};
use crate::{
    access::{Answer, Permit, Recorded, right::ReadLineage},
    domain::InstitutionId,
    error::Problem,
    lineage::walk::Node,
};

/// A graph as Marquez has it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct MarquezLineage {
    /// Its nodes.
    graph: Vec<MarquezNode>,
}

/// A node with its edges.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarquezNode {
    /// `dataset:{namespace}:{name}` or `job:{namespace}:{name}`, without escapes.
    #[schema(example = "job:etl:daily-settlement")]
    id: String,
    /// `DATASET` or `JOB`.
    #[schema(example = "JOB")]
    r#type: &'static str,
    /// What it is.
    data: MarquezData,
    /// Edges that end here.
    in_edges: Vec<MarquezEdge>,
    /// Edges that begin here.
    out_edges: Vec<MarquezEdge>,
}

/// An edge.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct MarquezEdge {
    /// The node that data came from.
    #[schema(example = "job:etl:daily-settlement")]
    origin: String,
    /// The node that it went to.
    #[schema(example = "dataset:warehouse:settlement.daily")]
    destination: String,
}

/// A name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
pub struct MarquezId {
    /// The namespace.
    #[schema(example = "etl")]
    namespace: String,
    /// The name in it.
    #[schema(example = "daily-settlement")]
    name: String,
}

/// What a node is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarquezData {
    /// Its name.
    id: MarquezId,
    /// `DB_TABLE` or `BATCH`: Marquez needs one, and events don't say.
    #[schema(example = "BATCH")]
    r#type: &'static str,
    /// Its namespace.
    #[schema(example = "etl")]
    namespace: String,
    /// Its name in it.
    #[schema(example = "daily-settlement")]
    name: String,
    /// The columns of a dataset.
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<Vec<Column>>,
    /// What a job reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    inputs: Option<Vec<MarquezId>>,
    /// What a job writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    outputs: Option<Vec<MarquezId>>,
}

/// The graph around a node, up and down, in the shape of Marquez.
#[utoipa::path(
    operation_id = "getMarquezLineage", tag = "lineage",
    params(
        ("nodeId" = String, Query, description = "`dataset:{namespace}:{name}` or `job:{namespace}:{name}`.", max_length = 600, example = "dataset:warehouse:settlement.daily"),
        ("depth" = Option<u32>, Query, description = "Steps, from node to node; 20 unless told.", minimum = 1, maximum = 100),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "The graph.", body = MarquezLineage)),
    security(("oauth2" = ["lineage:read"]))
)]
#[get("/api/v1/lineage")]
pub async fn get(permit: Permit<ReadLineage>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["nodeId", "depth"])?;
    let (drawn, reader) = Drawn::of(&state, permit.tenant(), &params, "nodeId").await?;
    drop(reader);

    let mut edges: BTreeMap<Node, (Vec<Node>, Vec<Node>)> = BTreeMap::new();
    for edge in &drawn.graph.edges {
        edges.entry(edge.to).or_default().0.push(edge.from);
        edges.entry(edge.from).or_default().1.push(edge.to);
    }
    let nodes = drawn.names.into_all();
    let mut plain: BTreeMap<Node, (String, MarquezId)> = BTreeMap::new();
    for (node, view) in &nodes {
        let kind = match view.kind {
            NodeKind::Dataset => "dataset",
            NodeKind::Job => "job",
        };
        let id = MarquezId { namespace: view.namespace.clone(), name: view.name.clone() };
        plain.insert(*node, (format!("{kind}:{}:{}", view.namespace, view.name), id));
    }
    let graph = nodes.into_iter().map(|(node, view)| {
        let (own, id) = plain[&node].clone();
        let (from, to) = edges.remove(&node).unwrap_or_default();
        let edge = |origin: &str, destination: &str| MarquezEdge {
            origin: origin.to_owned(),
            destination: destination.to_owned(),
        };
        let ids = |nodes: &[Node]| nodes.iter().map(|node| plain[node].1.clone()).collect::<Vec<_>>();
        let is_job = view.kind == NodeKind::Job;
        MarquezNode {
            r#type: if is_job { "JOB" } else { "DATASET" },
            data: MarquezData {
                id,
                r#type: if is_job { "BATCH" } else { "DB_TABLE" },
                namespace: view.namespace,
                name: view.name,
                fields: if is_job { None } else { Some(view.columns.unwrap_or_default()) },
                inputs: is_job.then(|| ids(&from)),
                outputs: is_job.then(|| ids(&to)),
            },
            in_edges: from.iter().map(|other| edge(&plain[other].0, &own)).collect(),
            out_edges: to.iter().map(|other| edge(&own, &plain[other].0)).collect(),
            id: own,
        }
    });
    let answer = MarquezLineage { graph: graph.collect() };
    permit.answer(Answer::json(&answer)?).await
}
