//! What depends on a dataset, a job or a column: a list to go through before it is changed.

use actix_web::get;
use maud::{Markup, html};
use serde_json::Value;

use super::{
    super::{
        layout::{self, Page},
        parts::{
            field,
            state::{self, Tone},
        },
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
    about, read, text, to_node,
};

/// Rows that are shown.
const ROWS_MAX: usize = 500;
/// Jobs that are named in a row.
const JOBS_MAX: usize = 3;

/// The page; its query names the node, and the column if it is of one.
#[get("/lineage/impact")]
pub async fn page(visit: Visit) -> Result<Page, Trouble> {
    let asked = visit.query.only(&["node", "column", "depth", "as_of"]).at("/v1/lineage/impact");
    let answer = match visit.get(&asked).await {
        Err(trouble) if trouble.is_about_input() || trouble.is_not_found() => Err(trouble),
        other => Ok(other?),
    };
    let node = visit.query.get("node").unwrap_or_default();
    let (kind, namespace, name) = read(node);
    let main = html! {
        h1 {
            "What depends on "
            @if let Some(column) = visit.query.get("column") { (column) " of " }
            (name)
        }
        @if !node.is_empty() {
            p.soft {
                "A " (kind) " in " (namespace) "."
                @if let Ok(answer) = &answer { " As of entry " (text(&answer["as_of"]["seq"])) "." }
            }
        }
        (controls(&visit, node, kind == "dataset"))
        div.tools {
            p { a href=(to_node(&visit, node)) { "Its graph" } }
            @if visit.query.get("column").is_some() {
                a href=(about(&visit, "/lineage/impact", &[("node", node)])) { "What depends on the whole dataset" }
            }
        }
        @match &answer {
            Ok(answer) => (shown(&visit, answer)),
            Err(trouble) if trouble.is_not_found() => {
                (state::notice(Tone::Warn, "There is no such dataset, job or column, or there was none yet."))
            }
            Err(trouble) => (state::notice(Tone::Bad, trouble.detail())),
        }
    };
    Ok(layout::page(&visit, &format!("What depends on {name}"), &main))
}

fn controls(visitor: &Visitor, node: &str, is_dataset: bool) -> Markup {
    html! {
        form.filters method="get" action="/lineage/impact" {
            (layout::keep(visitor))
            label.field { span { "Dataset or job" } input type="text" name="node" value=(node) required autocomplete="off"; }
            @if is_dataset { (field::text(&visitor.query, "column", "Column")) }
            (field::text(&visitor.query, "as_of", "As of entry"))
            div.actions { button { "Show" } }
        }
    }
}

fn shown(visitor: &Visitor, answer: &Value) -> Markup {
    let dependents = answer["dependents"].as_array().map(Vec::as_slice).unwrap_or_default();
    if dependents.is_empty() {
        let then = match answer["column"].is_string() {
            true => {
                "As far as events tell of columns. A job that does not tell is found by asking for the whole dataset."
            }
            false => "No job on record reads it, or what was made of it.",
        };
        return state::empty("Nothing depends on it.", &html! { (then) });
    }
    let counted = ["dataset", "column", "job"].map(|kind| {
        let count = dependents.iter().filter(|one| one["kind"] == kind).count();
        (count, if count == 1 { kind.to_owned() } else { format!("{kind}s") })
    });
    let counted =
        counted.iter().filter(|(count, _)| *count > 0).map(|(count, kind)| format!("{count} {kind}"));
    let counted = counted.collect::<Vec<_>>().join(", ");
    html! {
        p { (counted) " depend on it." }
        @if answer["is_truncated"] == true {
            (state::notice(Tone::Warn, "There are more than are shown. Go on from one of them."))
        }
        div.scroll role="region" aria-label="What depends on it" tabindex="0" {
            table {
                caption { "What depends on it, the nearest first" }
                thead { tr {
                    th.num scope="col" { "Steps" } th scope="col" { "Kind" } th scope="col" { "Name" }
                    th scope="col" { "Namespace" } th scope="col" { "Made by" }
                } }
                tbody { @for one in dependents.iter().take(ROWS_MAX) { (row(visitor, one)) } }
            }
        }
        @if dependents.len() > ROWS_MAX {
            p.soft { "The first " (ROWS_MAX) " of " (dependents.len()) "." }
        }
    }
}

fn row(visitor: &Visitor, one: &Value) -> Markup {
    let node = text(&one["node"]);
    let (_, namespace, name) = read(node);
    let jobs: Vec<&str> = one["by"].as_array().into_iter().flatten().map(|job| read(text(job)).2).collect();
    html! {
        tr {
            td.num { (one["distance"].as_u64().unwrap_or_default()) }
            td { (text(&one["kind"])) }
            td {
                @match one["column"].as_str() {
                    Some(column) => {
                        a href=(about(visitor, "/lineage/impact", &[("node", node), ("column", column)])) { (column) }
                        " of " a href=(to_node(visitor, node)) { (name) }
                    }
                    None => a href=(to_node(visitor, node)) { (name) },
                }
            }
            td { (namespace) }
            td {
                (jobs.iter().take(JOBS_MAX).copied().collect::<Vec<_>>().join(", "))
                @if jobs.len() > JOBS_MAX { " and " (jobs.len() - JOBS_MAX) " more" }
            }
        }
    }
}
