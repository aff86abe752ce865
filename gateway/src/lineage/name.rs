//! How a node is written: `dataset:{namespace}:{name}` or `job:{namespace}:{name}`.
//!
//! Namespaces have colons of their own (`gs://bucket`, `postgres://host:5432`). Where we write a node, a colon in
//! its namespace is `%3A` and a percent sign `%25`, so that it can be read in one way. Marquez writes them plain,
//! and people copy them; such a text may name several nodes, of which the one is meant that exists.

use super::{
    event::{Name, Named},
    project::{dataset_id, job_id},
    walk::Node,
};

/// The kind of a node, as its text begins.
const DATASET: &str = "dataset";
const JOB: &str = "job";

/// The nodes that a text may name: the likeliest first.
#[must_use]
pub fn candidates(text: &str) -> Vec<Node> {
    let Some((kind, rest)) = text.split_once(':') else { return Vec::new() };
    let id = |namespace: &str, name: &str| {
        let named = Named { namespace: Name::new(namespace).ok()?, name: Name::new(name).ok()? };
        match kind {
            DATASET => Some(Node::Dataset(dataset_id(&named))),
            JOB => Some(Node::Job(job_id(&named))),
            _ => None,
        }
    };
    let exact = rest.split_once(':').and_then(|(namespace, name)| id(&decode(namespace), name));
    let plain = rest.match_indices(':').filter_map(|(at, _)| id(&rest[..at], &rest[at + 1..]));
    let mut all: Vec<Node> = exact.into_iter().chain(plain).collect();
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|node| seen.insert(*node));
    all
}

/// The text of a dataset.
#[must_use]
pub fn dataset(namespace: &str, name: &str) -> String {
    format!("{DATASET}:{}:{name}", encode(namespace))
}

/// The text of a job.
#[must_use]
pub fn job(namespace: &str, name: &str) -> String {
    format!("{JOB}:{}:{name}", encode(namespace))
}

fn encode(namespace: &str) -> String {
    namespace.replace('%', "%25").replace(':', "%3A")
}

fn decode(namespace: &str) -> String {
    namespace.replace("%3A", ":").replace("%3a", ":").replace("%25", "%")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_node_is_read_as_it_was_written(namespace in "[a%3A:/]{1,12}", name in "[a%3A:/]{1,12}") {
            let named = Named { namespace: namespace.parse().unwrap(), name: name.parse().unwrap() };
            let first = |text: &str| candidates(text).first().copied();
            prop_assert_eq!(first(&dataset(&namespace, &name)), Some(Node::Dataset(dataset_id(&named))));
            prop_assert_eq!(first(&job(&namespace, &name)), Some(Node::Job(job_id(&named))));
            let plain = candidates(&format!("job:{namespace}:{name}"));
            prop_assert!(plain.contains(&Node::Job(job_id(&named))));
        }
    }

    #[test]
    fn what_is_no_node_names_none() {
        for text in ["", "dataset", "dataset:", "dataset:a", "dataset:a:", "run:a:b", "dataset::"] {
            assert_eq!(candidates(text), [], "{text}");
        }
    }
}
