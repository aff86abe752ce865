//! A graph as a query wants it, with its nodes' names: what every shape of it is made of.

use std::collections::BTreeMap;

use super::{
    super::{State, as_of::Snapshot, params::Params},
    NodeView, find,
};
use crate::{
    domain::Tenant,
    error::Problem,
    lineage::walk::{Bounds, Direction, Graph, Node, walk},
    store::{Reader, lineage},
};

/// Steps of a walk, unless told; as Marquez has it.
const DEPTH: u32 = 20;
const DEPTH_MAX: u32 = 100;
/// Nodes that are shown.
const NODES_MAX: usize = 2_000;
const DIRECTIONS: &[(&str, Direction)] =
    &[("upstream", Direction::Upstream), ("downstream", Direction::Downstream), ("both", Direction::Both)];

/// A graph around a node.
pub(super) struct Drawn {
    /// What it is pinned to.
    pub snapshot: Snapshot,
    /// The node.
    pub start: Node,
    /// The graph.
    pub graph: Graph,
    /// Its nodes, as they are shown.
    pub names: Names,
}

impl Drawn {
    /// The graph around the node that `name` names, as far as `depth` and `direction` say.
    pub async fn of(
        state: &State,
        tenant: Tenant,
        params: &Params<'_>,
        name: &str,
    ) -> Result<(Self, Reader), Problem> {
        let text = super::node_text(params, name)?;
        let direction = params.word("direction", DIRECTIONS)?.unwrap_or(Direction::Both);
        let bounds = bounds(params)?;
        let mut reader = state.read(tenant).await?;
        let snapshot = Snapshot::wanted(&mut reader, tenant, params).await?;
        let as_of = snapshot.seq();
        let start = find(&mut reader, tenant, as_of, &text).await?;
        let graph = walk(&mut reader, tenant, as_of, start, direction, bounds).await?;
        let names = Names::load(&mut reader, tenant, as_of, &graph).await?;
        Ok((Self { snapshot, start, graph, names }, reader))
    }
}

/// How far a query wants to go.
pub(super) fn bounds(params: &Params<'_>) -> Result<Bounds, Problem> {
    let depth = params.parse::<u32>("depth")?.unwrap_or(DEPTH);
    if (1..=DEPTH_MAX).contains(&depth) {
        Ok(Bounds { depth, nodes: NODES_MAX })
    } else {
        Err(Problem::parameter("depth", "out_of_range", format!("1 to {DEPTH_MAX}")))
    }
}

/// Nodes by id, as they are shown.
pub(super) struct Names(BTreeMap<Node, NodeView>);

impl Names {
    async fn load(reader: &mut Reader, tenant: Tenant, as_of: i64, graph: &Graph) -> Result<Self, Problem> {
        Self::of_nodes(reader, tenant, as_of, graph.nodes.keys().copied()).await
    }

    /// The names of these nodes.
    pub async fn of_nodes(
        reader: &mut Reader,
        tenant: Tenant,
        as_of: i64,
        nodes: impl IntoIterator<Item = Node>,
    ) -> Result<Self, Problem> {
        let (mut datasets, mut jobs) = (Vec::new(), Vec::new());
        for node in nodes {
            match node {
                Node::Dataset(id) => datasets.push(id),
                Node::Job(id) => jobs.push(id),
            }
        }
        let mut names = BTreeMap::new();
        for row in lineage::datasets(reader, tenant, as_of, &datasets).await? {
            names.insert(Node::Dataset(row.id), row.try_into()?);
        }
        for row in lineage::jobs(reader, tenant, as_of, &jobs).await? {
            names.insert(Node::Job(row.id), row.into());
        }
        Ok(Self(names))
    }

    /// A node.
    pub fn get(&self, node: Node) -> Result<&NodeView, Problem> {
        self.0.get(&node).ok_or_else(|| Problem::internal("an edge has a node that is not there"))
    }

    /// How a node is written.
    pub fn of(&self, node: Node) -> Result<&str, Problem> {
        self.get(node).map(|view| view.id.as_str())
    }

    /// All of them, given away.
    pub fn into_all(self) -> BTreeMap<Node, NodeView> {
        self.0
    }
}
