//! The graph around a dataset or a job: drawn, and as a list.

use std::time::Duration;

use maud::{Markup, html};
use serde_json::Value;

use super::{
    super::{
        layout::{self, Page},
        parts::{
            field,
            state::{self, Tone},
        },
        query::Query,
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
    KEPT, about,
    draw::{Drawing, kind},
    graph::Graph,
    list,
    place::{NODES_MAX, Placed, Plan, place},
    text, to_node,
};
use crate::error::{Code, Problem};

/// Steps, unless told: as many as can be looked over.
const DEPTH: &str = "4";
/// How long a layout may take.
const PATIENCE: Duration = Duration::from_secs(2);
const DIRECTIONS: &[(&str, &str)] = &[
    ("both", "Up and down"),
    ("upstream", "Upstream: what it was made from"),
    ("downstream", "Downstream: what was made from it"),
];

/// The page around a node.
pub async fn page(visit: &Visit, node: &str) -> Result<Page, Trouble> {
    let answer = match visit.get(&asked(&visit.query)).await {
        Err(trouble) if trouble.is_about_input() || trouble.is_not_found() => Err(trouble),
        other => Ok(other?),
    };
    let main = match &answer {
        Ok(answer) => shown(visit, answer).await?,
        Err(trouble) => html! {
            h1 { "Lineage" }
            (controls(visit, node))
            @if trouble.is_not_found() {
                (state::notice(Tone::Warn, "No dataset or job of this name was known then."))
                p { a href=(visit.link("/lineage")) { "Find it by a part of its name" } }
            } @else {
                (state::notice(Tone::Bad, trouble.detail()))
            }
        },
    };
    Ok(layout::page(visit, "Lineage", &main))
}

/// The drawing alone.
pub async fn file(visit: &Visit) -> Result<Markup, Trouble> {
    let answer = visit.get(&asked(&visit.query)).await?;
    let graph = Graph::read(&answer).ok_or_else(unread)?;
    match placed(&graph).await {
        Ok(placed) => {
            let told = graph.told(columns(&answer).unwrap_or_default());
            Ok(Drawing { graph: &graph, placed: &placed, told: &told }.file())
        }
        Err(why) => Err(Problem::new(Code::Refused, why).into()),
    }
}

/// What the API is asked for.
fn asked(query: &Query) -> String {
    let asked = query.only(&["node"]).with("depth", query.get("depth").unwrap_or(DEPTH));
    let kept = KEPT.iter().filter(|name| **name != "depth");
    kept.filter_map(|name| Some((*name, query.get(name)?)))
        .fold(asked, |asked, (name, value)| asked.with(name, value))
        .at("/v1/lineage")
}

fn columns(answer: &Value) -> Option<&[Value]> {
    answer["columns"].as_array().map(Vec::as_slice)
}

fn unread() -> Trouble {
    Problem::internal("the answer has no graph").into()
}

/// Where the graph's nodes are; or why it is not drawn.
async fn placed(graph: &Graph<'_>) -> Result<Placed, String> {
    let advice = "Ask for less depth or for one direction, or go on from another node.";
    let Some(plan) = Plan::of(graph) else {
        let (nodes, edges) = (graph.nodes.len(), graph.edges.len());
        return Err(format!(
            "It has {nodes} nodes and {edges} edges, more than a drawing shows well (up to {NODES_MAX} nodes are drawn). {advice}"
        ));
    };
    let placing = tokio::task::spawn_blocking(move || place(&plan));
    match tokio::time::timeout(PATIENCE, placing).await {
        Ok(Ok(Some(placed))) => Ok(placed),
        Ok(_) => Err(format!("It is too tangled to be drawn. {advice}")),
        Err(_) => Err(format!("To draw it takes too long. {advice}")),
    }
}

async fn shown(visit: &Visit, answer: &Value) -> Result<Markup, Trouble> {
    let graph = Graph::read(answer).ok_or_else(unread)?;
    let placed = placed(&graph).await;
    let (centre, columns) = (&graph.nodes[0], columns(answer));
    let told = graph.told(columns.unwrap_or_default());
    Ok(html! {
        h1 { "Lineage of " (centre.name) }
        p.soft { "A " (kind(centre)) " in " (centre.namespace) ". As of entry " (text(&answer["as_of"]["seq"])) "." }
        (controls(visit, centre.id))
        @if answer["is_truncated"] == true {
            (state::notice(Tone::Warn, "There is more than is shown. Ask for less depth, or go on from another node."))
        }
        div.tools {
            p {
                a href=(about(visit, "/lineage/node", &[("node", centre.id)])) {
                    @if centre.is_job { "Its runs" } @else { "Its versions and columns" }
                }
            }
            a href=(about(visit, "/lineage/impact", &[("node", centre.id)])) { "What depends on it" }
            @if placed.is_ok() { a href=(taken_away(visit)) { "Download as SVG" } }
            a href=(visit.link("/lineage")) { "Find another" }
        }
        @if graph.edges.is_empty() {
            (state::empty("Nothing is told of it in this direction.", &html! { "Look up and down, or as of a later entry." }))
        }
        h2 { "Graph" }
        @match &placed {
            Ok(placed) => {
                div.scroll.drawn role="region" aria-label="Graph" tabindex="0" {
                    (Drawing { graph: &graph, placed, told: &told }.page(|node| to_node(visit, node)))
                }
                p.soft {
                    "Data flows from left to right. Datasets are rectangles, jobs are rounded; each leads to its own graph."
                    @if !told.is_empty() { " Along thick lines it is told which column was made of which." }
                }
            }
            Err(why) => (state::notice(Tone::Warn, why)),
        }
        h2 { "List" }
        (list::nodes(visit, &graph))
        @if !graph.edges.is_empty() {
            details { summary { "Every step between them" } (list::edges(visit, &graph)) }
        }
        @if let Some(columns) = columns {
            h2 { "Columns" }
            (list::columns(visit, centre.id, columns))
        }
    })
}

/// The same graph's file.
fn taken_away(visitor: &Visitor) -> String {
    visitor.link(
        &visitor
            .query
            .only(KEPT)
            .with("node", visitor.query.get("node").unwrap_or_default())
            .at("/lineage.svg"),
    )
}

fn controls(visitor: &Visitor, node: &str) -> Markup {
    let query = &visitor.query;
    let direction = query.get("direction").unwrap_or("both");
    html! {
        form.filters method="get" action="/lineage" {
            (layout::keep(visitor))
            label.field { span { "Dataset or job" } input type="text" name="node" value=(node) required autocomplete="off"; }
            label.field {
                span { "Direction" }
                select name="direction" {
                    @for (value, shown) in DIRECTIONS {
                        option value=(value) selected[direction == *value] { (shown) }
                    }
                }
            }
            label.field {
                span { "Steps" }
                input type="number" name="depth" min="1" max="100" value=(query.get("depth").unwrap_or(DEPTH));
            }
            (field::text(query, "as_of", "As of entry"))
            label.tick {
                input type="checkbox" name="columns" value="true" checked[query.get("columns") == Some("true")];
                " With columns"
            }
            div.actions { button { "Show" } }
        }
    }
}
