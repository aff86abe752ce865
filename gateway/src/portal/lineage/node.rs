//! One dataset or job: its versions and columns, or its runs.

use actix_web::get;
use maud::{Markup, html};
use serde_json::Value;

use super::{
    super::{
        layout::{self, Page},
        parts::{
            fact,
            json::rows,
            state::{self, Tone, badge},
            table, time,
        },
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
    about, entry, read, text, to_node,
};

/// The page; its query names the node.
#[get("/lineage/node")]
pub async fn page(visit: Visit) -> Result<Page, Trouble> {
    let node = visit.query.get("node").unwrap_or_default();
    let is_job = node.starts_with("job:");
    let (path, name) = if is_job { ("/v1/lineage/runs", "job") } else { ("/v1/lineage/versions", "dataset") };
    let asked = visit.query.only(&["as_of", "limit", table::CURSOR]).with(name, node);
    let answer = match visit.get(&asked.at(path)).await {
        Err(trouble) if trouble.is_about_input() => Err(trouble),
        other => Ok(other?),
    };
    let (_, namespace, shown) = read(node);
    let kind = if is_job { "job" } else { "dataset" };
    let main = html! {
        h1 { @if is_job { "Job " } @else { "Dataset " } (shown) }
        (fact::list(&[
            ("Namespace", Some(html! { (namespace) })),
            ("Written as", Some(fact::copyable(node))),
            ("As of entry", answer.as_ref().ok().map(|answer| html! { (text(&answer["as_of"]["seq"])) })),
        ]))
        div.tools {
            p { a href=(to_node(&visit, node)) { "Its graph" } }
            a href=(about(&visit, "/lineage/impact", &[("node", node)])) { "What depends on it" }
        }
        @match &answer {
            Ok(answer) if is_job => (runs(&visit, answer)),
            Ok(answer) => (versions(&visit, node, answer)),
            Err(trouble) => (state::notice(Tone::Bad, trouble.detail())),
        }
    };
    Ok(layout::page(&visit, &format!("Lineage: {kind} {shown}"), &main))
}

fn runs(visitor: &Visitor, answer: &Value) -> Markup {
    let runs = rows(answer);
    if runs.is_empty() {
        return state::empty(
            "No run of it is on record.",
            &html! { "Events tell of the job, and of none of its runs." },
        );
    }
    html! {
        h2 { "Runs" }
        div.scroll role="region" aria-label="Runs" tabindex="0" {
            table {
                caption { "Runs, the newest first" }
                thead { tr {
                    th scope="col" { "Started" } th scope="col" { "State" } th scope="col" { "Ended" }
                    th scope="col" { "Run" } th scope="col" { "Started by" } th.num scope="col" { "First entry" }
                } }
                tbody {
                    @for run in runs {
                        tr {
                            td { (time::instant(text(&run["started_at"]))) }
                            td { (badge(tone(text(&run["state"])), &text(&run["state"]).to_lowercase())) }
                            td { @if let Some(at) = run["ended_at"].as_str() { (time::instant(at)) } }
                            td { (fact::short(text(&run["run_id"]))) }
                            td { @if let Some(parent) = run["parent_run_id"].as_str() { (fact::short(parent)) } }
                            td.num { (entry(visitor, text(&run["first_seq"]))) }
                        }
                    }
                }
            }
        }
        (table::pager(visitor, &answer["page"], runs.len()))
    }
}

/// How a run stands.
fn tone(state: &str) -> Tone {
    match state {
        "COMPLETE" => Tone::Good,
        "FAIL" | "ABORT" => Tone::Bad,
        _ => Tone::Plain,
    }
}

fn versions(visitor: &Visitor, node: &str, answer: &Value) -> Markup {
    let versions = rows(answer);
    if versions.is_empty() {
        return state::empty(
            "No version of it is on record.",
            &html! { "It was read, and nobody told who wrote it." },
        );
    }
    // The newest that says what its columns are; on later pages it is an older one, and not shown.
    let is_first = visitor.query.get(table::CURSOR).is_none();
    let columns = versions.iter().find_map(|version| version["columns"].as_array()).filter(|_| is_first);
    html! {
        @if let Some(columns) = columns {
            h2 { "Columns" }
            (made_up(visitor, node, columns))
        }
        h2 { "Versions" }
        div.scroll role="region" aria-label="Versions" tabindex="0" {
            table {
                caption { "Versions, the newest first" }
                thead { tr {
                    th scope="col" { "Made" } th scope="col" { "Version" } th scope="col" { "Written by run" }
                    th.num scope="col" { "Columns" } th.num scope="col" { "First entry" }
                } }
                tbody {
                    @for version in versions {
                        tr {
                            td { (time::instant(text(&version["created_at"]))) }
                            td { (fact::short(text(&version["version"]))) }
                            td { @if let Some(run) = version["run_id"].as_str() { (fact::short(run)) } }
                            td.num { @if let Some(columns) = version["columns"].as_array() { (columns.len()) } }
                            td.num { (entry(visitor, text(&version["first_seq"]))) }
                        }
                    }
                }
            }
        }
        (table::pager(visitor, &answer["page"], versions.len()))
    }
}

fn made_up(visitor: &Visitor, node: &str, columns: &[Value]) -> Markup {
    html! {
        div.scroll role="region" aria-label="Columns" tabindex="0" {
            table {
                caption { "Columns of its newest version that tells of them" }
                thead { tr { th scope="col" { "Column" } th scope="col" { "Type" } th scope="col" { "Impact" } } }
                tbody {
                    @for column in columns {
                        @let name = text(&column["name"]);
                        tr {
                            td { (name) }
                            td { (text(&column["type"])) }
                            td {
                                a href=(about(visitor, "/lineage/impact", &[("node", node), ("column", name)])) {
                                    "What depends on " (name)
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
