//! A graph of the API, as pages want it: its nodes by number, and how far up or down each is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use super::text;

/// A dataset or a job.
#[derive(Debug)]
pub struct Node<'a> {
    /// How it is written.
    pub id: &'a str,
    /// Whether it is a job.
    pub is_job: bool,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Steps up to it, where the centre was made from it.
    pub up: Option<u32>,
    /// Steps down to it, where it was made from the centre.
    pub down: Option<u32>,
}

/// A job that read or wrote a dataset.
#[derive(Debug)]
pub struct Edge<'a> {
    /// The node that data came from.
    pub from: usize,
    /// The node that it went to.
    pub to: usize,
    /// How many runs did this.
    pub runs: i64,
    /// The first entry that told of it.
    pub first_seq: &'a str,
    /// The last entry that told of more.
    pub last_seq: &'a str,
}

/// A graph around its node 0.
#[derive(Debug)]
pub struct Graph<'a> {
    /// Its nodes, the nearest first.
    pub nodes: Vec<Node<'a>>,
    /// Its edges.
    pub edges: Vec<Edge<'a>>,
}

impl<'a> Graph<'a> {
    /// Reads what the API answered; none where it has no centre.
    #[must_use]
    pub fn read(answer: &'a Value) -> Option<Self> {
        let node = |node: &'a Value| Node {
            id: text(&node["id"]),
            is_job: node["kind"] == "job",
            namespace: text(&node["namespace"]),
            name: text(&node["name"]),
            up: None,
            down: None,
        };
        let centre = text(&answer["node"]);
        let mut nodes: Vec<Node<'a>> = answer["nodes"].as_array()?.iter().map(node).collect();
        nodes.sort_by_key(|node| node.id != centre);
        if nodes.first()?.id != centre {
            return None;
        }
        let numbers: BTreeMap<&str, usize> = nodes.iter().zip(0..).map(|(node, n)| (node.id, n)).collect();
        let edge = |edge: &'a Value| {
            Some(Edge {
                from: *numbers.get(text(&edge["from"]))?,
                to: *numbers.get(text(&edge["to"]))?,
                runs: edge["runs"].as_i64().unwrap_or_default(),
                first_seq: text(&edge["first_seq"]),
                last_seq: text(&edge["last_seq"]),
            })
        };
        let edges: Vec<Edge<'a>> = answer["edges"].as_array()?.iter().filter_map(edge).collect();
        let up = distances(nodes.len(), edges.iter().map(|edge| (edge.to, edge.from)));
        let down = distances(nodes.len(), edges.iter().map(|edge| (edge.from, edge.to)));
        for (node, (up, down)) in nodes.iter_mut().zip(up.into_iter().zip(down)) {
            (node.up, node.down) = (up, down);
        }
        Some(Self { nodes, edges })
    }

    /// The edges of the shortest ways between a node and the centre, at the node's end, and the node at their
    /// other end.
    pub fn ways(&self, node: usize) -> impl Iterator<Item = (usize, &Edge<'a>)> {
        let (up, down) = (self.nodes[node].up, self.nodes[node].down);
        self.edges.iter().filter_map(move |edge| {
            let other = if edge.from == node { edge.to } else { edge.from };
            let nearer = |own: Option<u32>, other: Option<u32>| {
                own.zip(other).is_some_and(|(own, other)| own == other + 1)
            };
            let is_way = (edge.from == node && nearer(up, self.nodes[other].up))
                || (edge.to == node && nearer(down, self.nodes[other].down));
            is_way.then_some((other, edge))
        })
    }

    /// The edges along which events tell of columns.
    #[must_use]
    pub fn told(&self, columns: &[Value]) -> BTreeSet<(usize, usize)> {
        let numbers: BTreeMap<&str, usize> =
            self.nodes.iter().zip(0..).map(|(node, n)| (node.id, n)).collect();
        let number = |value: &Value| numbers.get(text(value)).copied();
        columns
            .iter()
            .flat_map(|column| {
                let job = number(&column["job"]);
                [number(&column["from"]).zip(job), job.zip(number(&column["to"]))]
            })
            .flatten()
            .collect()
    }
}

/// How many steps each node is from node 0.
fn distances(count: usize, steps: impl Iterator<Item = (usize, usize)>) -> Vec<Option<u32>> {
    let mut next = vec![Vec::new(); count];
    for (from, to) in steps {
        next[from].push(to);
    }
    let mut found = vec![None; count];
    let mut waiting = VecDeque::from([(0_usize, 0_u32)]);
    while let Some((node, distance)) = waiting.pop_front() {
        if found[node].is_some() {
            continue;
        }
        found[node] = Some(distance);
        waiting.extend(next[node].iter().map(|node| (*node, distance + 1)));
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_node_says_how_far_up_or_down_it_is_and_by_which_way() {
        let node = |id: &str| json!({"id": id, "kind": id.split(':').next(), "namespace": "n", "name": id});
        let edge = |from: &str, to: &str| json!({"from": from, "to": to, "runs": 2, "first_seq": "1", "last_seq": "3"});
        let answer = json!({
            "node": "dataset:n:b",
            "nodes": [node("job:n:j"), node("dataset:n:b"), node("job:n:k"), node("dataset:n:a"), node("dataset:n:c")],
            "edges": [
                edge("dataset:n:a", "job:n:j"), edge("job:n:j", "dataset:n:b"),
                edge("dataset:n:b", "job:n:k"), edge("job:n:k", "dataset:n:c"),
            ],
        });
        let graph = Graph::read(&answer).unwrap();
        let shown: Vec<_> = graph.nodes.iter().map(|node| (node.id, node.up, node.down)).collect();
        let expected = [
            ("dataset:n:b", Some(0), Some(0)),
            ("job:n:j", Some(1), None),
            ("job:n:k", None, Some(1)),
            ("dataset:n:a", Some(2), None),
            ("dataset:n:c", None, Some(2)),
        ];
        assert_eq!(shown, expected);
        let ways: Vec<_> = graph.ways(3).map(|(node, edge)| (graph.nodes[node].id, edge.runs)).collect();
        assert_eq!(ways, [("job:n:j", 2)]);
        let columns = [json!({"from": "dataset:n:a", "job": "job:n:j", "to": "dataset:n:b"})];
        assert_eq!(graph.told(&columns), BTreeSet::from([(3, 1), (1, 0)]));
    }
}
