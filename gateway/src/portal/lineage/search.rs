//! Datasets and jobs, by a part of their name.

use futures_util::future::try_join;
use maud::{Markup, html};
use serde_json::Value;

use super::{
    super::{
        layout::{self, Page},
        parts::{
            field,
            state::{self, Tone},
            table::{self, CURSOR},
        },
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
    entry, text, to_node,
};

/// How many of each kind are shown where both are.
const FIRST: &str = "20";

/// The page.
pub async fn page(visit: &Visit) -> Result<Page, Trouble> {
    let found = match found(visit).await {
        Err(trouble) if trouble.is_about_input() => Err(trouble),
        other => Ok(other?),
    };
    let main = html! {
        h1 { "Lineage" }
        p { "What data was made from, and what was made from it, as jobs have told it. Find a dataset or a job to begin with." }
        (form(visit))
        @match &found {
            Ok(found) => (results(visit, found)),
            Err(trouble) => (state::notice(Tone::Bad, trouble.detail())),
        }
    };
    Ok(layout::page(visit, "Lineage", &main))
}

/// A list of each kind that is asked for.
async fn found(visit: &Visit) -> Result<Vec<(&'static str, Value)>, Trouble> {
    let asked = visit.query.only(&["q", "as_of"]);
    match visit.query.get("type") {
        None => {
            let of = |kind: &str| asked.with("type", kind).with("limit", FIRST).at("/v1/lineage/nodes");
            let (datasets, jobs) = (of("dataset"), of("job"));
            let (datasets, jobs) = try_join(visit.get(&datasets), visit.get(&jobs)).await?;
            Ok(vec![("dataset", datasets), ("job", jobs)])
        }
        Some(kind) => {
            let kind_name = if kind == "job" { "job" } else { "dataset" };
            let target = visit.query.only(&["q", "as_of", "type", "limit", CURSOR]).at("/v1/lineage/nodes");
            Ok(vec![(kind_name, visit.get(&target).await?)])
        }
    }
}

fn form(visitor: &Visitor) -> Markup {
    let query = &visitor.query;
    let fields = html! {
        (field::text(query, "q", "Namespace or name has"))
        (field::choice(query, "type", "Kind", &[("dataset", "Datasets"), ("job", "Jobs")]))
        (field::text(query, "as_of", "As of entry"))
    };
    html! {
        form.filters method="get" action="/lineage" role="search" {
            (layout::keep(visitor))
            (fields)
            div.actions {
                button { "Find" }
                @if ["q", "type", "as_of"].iter().any(|name| query.get(name).is_some()) {
                    a href=(visitor.link("/lineage")) { "Clear" }
                }
            }
        }
    }
}

fn results(visitor: &Visitor, found: &[(&'static str, Value)]) -> Markup {
    let is_empty = |answer: &Value| answer["data"].as_array().is_none_or(Vec::is_empty);
    if found.iter().all(|(_, answer)| is_empty(answer)) {
        return if visitor.query.get("q").is_some() || visitor.query.get("type").is_some() {
            state::empty(
                "Nothing is named so.",
                &html! { "Try a shorter part of the name, or clear the filters." },
            )
        } else {
            state::empty(
                "Nothing has been told of lineage yet.",
                &html! {
                    "Point a client of OpenLineage (Airflow, Spark, dbt) at " code { "/api/v1/lineage" }
                    "; files that are delivered, exports and reports appear by themselves."
                },
            )
        };
    }
    let is_part = found.len() > 1;
    html! {
        @for (kind, answer) in found {
            @let (head, one) = if *kind == "job" { ("Jobs", "Job") } else { ("Datasets", "Dataset") };
            h2 { (head) }
            @if is_empty(answer) {
                p.soft { "None." }
            } @else {
                (nodes(visitor, head, one, answer))
                @if !is_part {
                    (table::pager(visitor, &answer["page"], answer["data"].as_array().map_or(0, Vec::len)))
                } @else if answer["page"]["next_cursor"].is_string() {
                    p { a href=(visitor.query.with("type", *kind).at("/lineage")) { "All " (head.to_lowercase()) } }
                }
            }
        }
    }
}

fn nodes(visitor: &Visitor, caption: &str, one: &str, answer: &Value) -> Markup {
    html! {
        div.scroll role="region" aria-label=(caption) tabindex="0" {
            table {
                caption { (caption) }
                thead { tr {
                    th scope="col" { (one) } th scope="col" { "Namespace" }
                    @if one == "Dataset" { th.num scope="col" { "Columns" } }
                    th.num scope="col" { "First entry" }
                } }
                tbody {
                    @for node in answer["data"].as_array().into_iter().flatten() {
                        tr {
                            td { a href=(to_node(visitor, text(&node["id"]))) { (text(&node["name"])) } }
                            td { (text(&node["namespace"])) }
                            @if one == "Dataset" {
                                td.num { @if let Some(columns) = node["columns"].as_array() { (columns.len()) } }
                            }
                            td.num { (entry(visitor, text(&node["first_seq"]))) }
                        }
                    }
                }
            }
        }
    }
}
