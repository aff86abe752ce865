//! What depends on a column: the columns that were made of it, step by step, as far as events tell of columns.
//!
//! What decides on whole rows of a dataset (a filter, an order, a join) decides on each of its columns.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::walk::{Bounds, Node};
use crate::{
    domain::Tenant,
    store::{Connection, StoreError, lineage},
};

/// Something that depends on a column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A job or, where all of its columns do, a dataset.
    Node(Node),
    /// A column of a dataset.
    Column(Uuid, String),
}

/// How something depends on a column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Steps, at least: from a column to the job that reads it one, from that to the column it makes another.
    pub distance: u32,
    /// The jobs that made it so, by the shortest ways.
    pub by: BTreeSet<Uuid>,
}

/// What depends on a column.
#[derive(Debug, Default)]
pub struct Impact {
    /// Each part, without the column itself.
    pub parts: BTreeMap<Part, Reach>,
    /// Whether there is more.
    pub is_cut: bool,
    /// Whether events tell of the column at all.
    pub is_told: bool,
}

/// Column edges that one step reads for each part that may be found.
const EDGES_PER_PART: usize = 20;

/// What depends on a column, as it was known at a seq.
///
/// # Errors
/// When the database fails.
pub async fn of_column(
    connection: &mut Connection,
    tenant: Tenant,
    as_of: i64,
    (dataset, field): (Uuid, &str),
    bounds: Bounds,
) -> Result<Impact, StoreError> {
    let most = i64::try_from(bounds.nodes.saturating_mul(EDGES_PER_PART)).unwrap_or(i64::MAX);
    let mut impact = Impact::default();
    let start = Part::Column(dataset, field.to_owned());
    // By dataset, the columns to go on from; none for all of them.
    let mut frontier = BTreeMap::from([(dataset, Some(BTreeSet::from([field.to_owned()])))]);
    let mut distance = 0;
    while !frontier.is_empty() && distance < bounds.depth {
        let datasets: Vec<Uuid> = frontier.keys().copied().collect();
        let hops = lineage::columns(connection, tenant, as_of, &datasets, false, most).await?;
        impact.is_cut |= hops.len() as i64 == most;
        let mut next: BTreeMap<Uuid, Option<BTreeSet<String>>> = BTreeMap::new();
        for hop in hops {
            let is_meant = frontier
                .get(&hop.from_dataset_id)
                .is_some_and(|fields| fields.as_ref().is_none_or(|fields| fields.contains(&hop.from_field)));
            if !is_meant {
                continue;
            }
            impact.is_told = true;
            let job = Part::Node(Node::Job(hop.job_id));
            impact.reach(job, distance + 1, None, bounds);
            let made = match hop.field.as_str() {
                "" => Part::Node(Node::Dataset(hop.dataset_id)),
                field => Part::Column(hop.dataset_id, field.to_owned()),
            };
            if distance + 2 > bounds.depth || made == start {
                continue;
            }
            if !impact.reach(made, distance + 2, Some(hop.job_id), bounds) {
                continue;
            }
            let fields = next.entry(hop.dataset_id).or_insert_with(|| Some(BTreeSet::new()));
            match (hop.field.is_empty(), fields.as_mut()) {
                (true, _) => *fields = None,
                (false, Some(fields)) => drop(fields.insert(hop.field)),
                (false, None) => {}
            }
        }
        frontier = next;
        distance += 2;
    }
    Ok(impact)
}

impl Impact {
    /// Notes a part, and says whether it is new.
    fn reach(&mut self, part: Part, distance: u32, by: Option<Uuid>, bounds: Bounds) -> bool {
        if let Some(known) = self.parts.get_mut(&part) {
            if known.distance == distance {
                known.by.extend(by);
            }
            return false;
        }
        if self.parts.len() >= bounds.nodes {
            self.is_cut = true;
            return false;
        }
        self.parts.insert(part, Reach { distance, by: by.into_iter().collect() });
        true
    }
}
