//! Walking the graph, from one node: step by step, all nodes of a step at once.
//!
//! Upstream is what a node was made from, downstream what was made from it. Both are two walks, each of which
//! keeps its direction: what else was made from the same source is not lineage of a node.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::{
    domain::Tenant,
    store::{
        Connection, StoreError,
        lineage::{self, End, Hop},
    },
};

/// A node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// A dataset, by its id.
    Dataset(Uuid),
    /// A job, by its id.
    Job(Uuid),
}

/// Where a walk goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To what it was made from.
    Upstream,
    /// To what was made from it.
    Downstream,
    /// Each way.
    Both,
}

/// An edge: a job that read or wrote a dataset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Where the data came from.
    pub from: Node,
    /// Where it went.
    pub to: Node,
    /// What is known of it.
    pub hop: Hop,
}

/// What a walk found.
#[derive(Debug, Default)]
pub struct Graph {
    /// Nodes, and how many steps away each is at least.
    pub nodes: BTreeMap<Node, u32>,
    /// Edges between them.
    pub edges: BTreeSet<Edge>,
    /// Whether there is more, beyond as many nodes as may be found.
    pub is_cut: bool,
}

/// How far a walk may go.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Steps.
    pub depth: u32,
    /// Nodes.
    pub nodes: usize,
}

/// Edges that one step reads for each node that may be found: a bound on what one node can have.
const EDGES_PER_NODE: usize = 20;

/// Walks from a node, in the graph as it stood at a seq.
///
/// # Errors
/// When the database fails.
pub async fn walk(
    connection: &mut Connection,
    tenant: Tenant,
    as_of: i64,
    start: Node,
    direction: Direction,
    bounds: Bounds,
) -> Result<Graph, StoreError> {
    let mut graph = Graph::default();
    graph.nodes.insert(start, 0);
    let ways: &[bool] = match direction {
        Direction::Upstream => &[true],
        Direction::Downstream => &[false],
        Direction::Both => &[true, false],
    };
    for &upstream in ways {
        let mut seen = BTreeSet::from([start]);
        let mut frontier = vec![start];
        for step in 1..=bounds.depth {
            if frontier.is_empty() {
                break;
            }
            let (edges, is_cut) = step_from(connection, tenant, as_of, &frontier, upstream, bounds).await?;
            graph.is_cut |= is_cut;
            frontier.clear();
            for edge in edges {
                let reached = if upstream { edge.from } else { edge.to };
                if !graph.nodes.contains_key(&reached) && graph.nodes.len() >= bounds.nodes {
                    graph.is_cut = true;
                    continue;
                }
                let known = graph.nodes.entry(reached).or_insert(step);
                *known = step.min(*known);
                graph.edges.insert(edge);
                if seen.insert(reached) {
                    frontier.push(reached);
                }
            }
        }
    }
    Ok(graph)
}

/// The edges of one step, and whether there were too many.
async fn step_from(
    connection: &mut Connection,
    tenant: Tenant,
    as_of: i64,
    frontier: &[Node],
    upstream: bool,
    bounds: Bounds,
) -> Result<(Vec<Edge>, bool), StoreError> {
    let (mut jobs, mut datasets) = (Vec::new(), Vec::new());
    for node in frontier {
        match *node {
            Node::Dataset(id) => datasets.push(id),
            Node::Job(id) => jobs.push(id),
        }
    }
    let most = i64::try_from(bounds.nodes.saturating_mul(EDGES_PER_NODE)).unwrap_or(i64::MAX);
    let (mut edges, mut is_cut) = (Vec::new(), false);
    // Upstream of a job is what it reads, upstream of a dataset who wrote it; downstream is the reverse.
    for (end, ids, is_output) in [(End::Job, &jobs, !upstream), (End::Dataset, &datasets, upstream)] {
        if ids.is_empty() {
            continue;
        }
        let hops = lineage::hops(connection, tenant, as_of, (end, ids), is_output, most).await?;
        is_cut |= hops.len() as i64 == most;
        edges.extend(hops.into_iter().map(|hop| {
            let (job, dataset) = (Node::Job(hop.job_id), Node::Dataset(hop.dataset_id));
            let (from, to) = if is_output { (job, dataset) } else { (dataset, job) };
            Edge { from, to, hop }
        }));
    }
    Ok((edges, is_cut))
}
