//! What the drawing of a graph shows, as tables.

use maud::{Markup, html};
use serde_json::Value;

use super::{
    super::visit::Visitor,
    about,
    draw::kind,
    entry,
    graph::{Edge, Graph, Node},
    read, text, to_node,
};

/// Rows of a table.
const ROWS_MAX: usize = 500;
/// Ways to a node that are named.
const WAYS_MAX: usize = 3;

/// The nodes, the nearest first.
#[must_use]
pub fn nodes(visitor: &Visitor, graph: &Graph<'_>) -> Markup {
    let caption = "Datasets and jobs, the nearest first";
    html! {
        div.scroll role="region" aria-label=(caption) tabindex="0" {
            table {
                caption { (caption) }
                thead { tr {
                    th scope="col" { "Name" } th scope="col" { "Kind" } th scope="col" { "Namespace" }
                    th scope="col" { "Where" } th scope="col" { "By way of" }
                    th.num scope="col" { "Runs" } th.num scope="col" { "Last entry" }
                } }
                tbody {
                    @for (number, node) in graph.nodes.iter().enumerate().take(ROWS_MAX) {
                        (row(visitor, graph, number, node))
                    }
                }
            }
        }
        (shortened(graph.nodes.len()))
    }
}

fn row(visitor: &Visitor, graph: &Graph<'_>, number: usize, node: &Node<'_>) -> Markup {
    let ways: Vec<(usize, &Edge<'_>)> = match number {
        0 => graph.edges.iter().filter(|edge| edge.from == 0 || edge.to == 0).map(|edge| (0, edge)).collect(),
        _ => graph.ways(number).collect(),
    };
    let runs: i64 = ways.iter().map(|(_, edge)| edge.runs).sum();
    let last = ways.iter().map(|(_, edge)| edge.last_seq).max_by_key(|seq| seq.parse::<u64>().unwrap_or(0));
    html! {
        tr class=[(number == 0).then_some("here")] {
            td {
                @if number == 0 { strong { (node.name) } }
                @else { a href=(to_node(visitor, node.id)) { (node.name) } }
            }
            td { (kind(node)) }
            td { (node.namespace) }
            td { (place(number, node)) }
            td {
                @if number != 0 {
                    @for (at, (other, _)) in ways.iter().take(WAYS_MAX).enumerate() {
                        @if at > 0 { ", " }
                        (graph.nodes[*other].name)
                    }
                    @if ways.len() > WAYS_MAX { " and " (ways.len() - WAYS_MAX) " more" }
                }
            }
            td.num { @if number != 0 { (runs) } }
            td.num { @if let Some(seq) = last { (entry(visitor, seq)) } }
        }
    }
}

/// How far a node is from the centre, and which way.
fn place(number: usize, node: &Node<'_>) -> String {
    match (number, node.up, node.down) {
        (0, ..) => "the centre".to_owned(),
        (_, Some(up), Some(down)) => format!("{up} up, and {down} down"),
        (_, Some(up), None) => format!("{up} up"),
        (_, None, Some(down)) => format!("{down} down"),
        (_, None, None) => String::new(),
    }
}

/// The edges.
#[must_use]
pub fn edges(visitor: &Visitor, graph: &Graph<'_>) -> Markup {
    let caption = "What jobs read and wrote";
    html! {
        div.scroll role="region" aria-label=(caption) tabindex="0" {
            table {
                caption { (caption) }
                thead { tr {
                    th scope="col" { "From" } th scope="col" { "To" } th.num scope="col" { "Runs" }
                    th.num scope="col" { "First entry" } th.num scope="col" { "Last entry" }
                } }
                tbody {
                    @for edge in graph.edges.iter().take(ROWS_MAX) {
                        @let [from, to] = [&graph.nodes[edge.from], &graph.nodes[edge.to]];
                        tr {
                            td { span.soft { (kind(from)) } " " (from.name) }
                            td { span.soft { (kind(to)) } " " (to.name) }
                            td.num { (edge.runs) }
                            td.num { (entry(visitor, edge.first_seq)) }
                            td.num { (entry(visitor, edge.last_seq)) }
                        }
                    }
                }
            }
        }
        (shortened(graph.edges.len()))
    }
}

/// Which column was made of which; those of the centre first, and values before what only decided.
#[must_use]
pub fn columns(visitor: &Visitor, centre: &str, columns: &[Value]) -> Markup {
    if columns.is_empty() {
        return html! { p.soft { "No event in this graph tells of columns." } };
    }
    let mut shown: Vec<&Value> = columns.iter().collect();
    shown.sort_by(|a, b| order(a, centre).cmp(&order(b, centre)));
    let caption = "Columns, and what they were made of";
    html! {
        div.scroll role="region" aria-label=(caption) tabindex="0" {
            table {
                caption { (caption) }
                thead { tr {
                    th scope="col" { "Column" } th scope="col" { "of" } th scope="col" { "Made of" }
                    th scope="col" { "of" } th scope="col" { "How" } th scope="col" { "Job" }
                } }
                tbody {
                    @for edge in shown.iter().take(ROWS_MAX) { (column(visitor, edge)) }
                }
            }
        }
        (shortened(columns.len()))
    }
}

fn order<'v>(edge: &'v Value, centre: &str) -> (bool, bool, [&'v str; 4]) {
    let is_near = edge["to"] == centre || edge["from"] == centre;
    let names = ["to", "to_column", "from", "from_column"].map(|name| text(&edge[name]));
    (!is_near, edge["transformation"] != "direct", names)
}

fn column(visitor: &Visitor, edge: &Value) -> Markup {
    let [to, from, job] = ["to", "from", "job"].map(|end| text(&edge[end]));
    let depends =
        |node: &str, column: &str| about(visitor, "/lineage/impact", &[("node", node), ("column", column)]);
    html! {
        tr {
            td {
                @match edge["to_column"].as_str() {
                    Some(name) => a href=(depends(to, name)) { (name) },
                    None => span.soft { "whole rows" },
                }
            }
            td { (read(to).2) }
            td { a href=(depends(from, text(&edge["from_column"]))) { (text(&edge["from_column"])) } }
            td { (read(from).2) }
            td {
                @if edge["transformation"] == "direct" { "values" } @else { "only decided" }
                @if let Some(how) = edge["subtype"].as_str() { ", " (how.to_lowercase()) }
                @if edge["masking"] == true { ", masked" }
            }
            td { (read(job).2) }
        }
    }
}

/// Says so where a table has fewer rows than there are.
fn shortened(all: usize) -> Markup {
    html! {
        @if all > ROWS_MAX {
            p.soft { "The first " (ROWS_MAX) " of " (all) ". Ask for less depth, or go on from another node." }
        }
    }
}
