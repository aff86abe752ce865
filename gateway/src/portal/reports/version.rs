//! One version of a report: what it is made of, what was found, what validators said, where it went, its figures.

use actix_web::{get, web};
use futures_util::future::{try_join3, try_join4};
use maud::{Markup, html};
use serde_json::Value;

use super::words;
use crate::{
    domain::Scope,
    portal::{
        layout::{self, Page},
        parts::{
            fact, field,
            json::{rows, text},
            money::decimal_in,
            state::{self, Tone},
            table::{self, CURSOR, Column, Table},
            time,
        },
        query::Query,
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
};

/// Remarks on a page.
const REMARKS: usize = 50;
/// Verdicts and deliveries on a page.
const EVIDENCE: usize = 100;
/// Figures on a page.
const FIGURES: usize = 100;

const TABLE: &[Column] = &[
    Column {
        name: "name",
        head: "Figure",
        numeric: false,
        usual: true,
        sort: None,
        cell: |visitor, row| match visitor.may(Scope::TransactionsRead) {
            true => {
                let to = visitor.link(&format!("{}/figures/{}", visitor.path, row["position"]));
                html! { a href=(to) { (text(&row["name"])) } }
            }
            false => html! { (text(&row["name"])) },
        },
    },
    Column {
        name: "formula",
        head: "How it comes about",
        numeric: false,
        usual: true,
        sort: None,
        cell: |_, row| html! { (text(&row["formula"])) },
    },
    Column {
        name: "path",
        head: "Place in the document",
        numeric: false,
        usual: false,
        sort: None,
        cell: |_, row| html! { code { (text(&row["path"])) } },
    },
    Column {
        name: "contributions",
        head: "Own records",
        numeric: true,
        usual: true,
        sort: None,
        cell: |_, row| html! { (words::count(&row["contributions"])) },
    },
    Column {
        name: "value",
        head: "Value",
        numeric: true,
        usual: true,
        sort: None,
        cell: |_, row| decimal_in(text(&row["value"]), text(&row["unit"])),
    },
];

/// The page.
#[get("/reports/{id}/versions/{n}")]
pub async fn page(visit: Visit, path: web::Path<(String, String)>) -> Result<Page, Trouble> {
    let (id, n) = &*path;
    let (report, at) = (words::report_at(id), words::version_at(id, n));
    let (report, version, types) =
        try_join3(visit.get(&report), visit.get(&at), words::types(&visit)).await?;
    let is_made = words::is_made(&version);
    let query = &visit.query;
    let remarks = words::list_at(&format!("{at}/remarks"), REMARKS, query.get("remarks"));
    let validations = words::list_at(&format!("{at}/validations"), EVIDENCE, query.get("validations"));
    let deliveries = words::list_at(&format!("{at}/deliveries"), EVIDENCE, query.get("deliveries"));
    let (remarks, validations, deliveries, figures) = try_join4(
        once_made(&visit, is_made, &remarks),
        visit.get(&validations),
        visit.get(&deliveries),
        figures(&visit, is_made, &at),
    )
    .await?;
    let title = format!("{}, version {}", words::title(&report), version["n"]);
    let of = words::definition(&types, &report["type"]);
    let main = html! {
        (words::up(&words::report_link(&visit, &report), &words::title(&report)))
        h1 { (title) }
        (done(&visit.query))
        (standing(&version))
        @if report["newest"]["n"] != version["n"] {
            p {
                "A later one was ordered: "
                a href=(visit.link(&format!("/reports/{id}/versions/{}", report["newest"]["n"]))) {
                    "version " (report["newest"]["n"])
                }
            }
        }
        (downloads(&visit, &version))
        (facts(&visit, &report, &version))
        @if is_made {
            h2 { "What was found" }
            (found(&visit, &remarks))
        }
        h2 { "Verdicts of validators" }
        (verdicts(&visit, of, &validations))
        @if visit.may(Scope::ReportsWrite) && version["sha256"].is_string() {
            p { a href=(visit.link(&format!("{}/validations/new", visit.path))) { "Record a verdict" } }
        }
        h2 { "Deliveries" }
        (delivered(&visit, &deliveries))
        @if visit.may(Scope::ReportsWrite) && version["state"] == "ready" {
            p { a href=(visit.link(&format!("{}/deliveries/new", visit.path))) { "Record a delivery" } }
        }
        @if is_made {
            h2 { "Figures" }
            (listed(&visit, &figures))
        }
    };
    Ok(layout::page(&visit, &title, &main))
}

/// What the API says of a version once it is made.
async fn once_made(visit: &Visit, is_made: bool, target: &str) -> Result<Value, Trouble> {
    match is_made {
        true => visit.get(target).await,
        false => Ok(Value::Null),
    }
}

/// A page of the version's figures; or what is wrong with the filter.
async fn figures(visit: &Visit, is_made: bool, at: &str) -> Result<Result<Value, Trouble>, Trouble> {
    let asked = visit.query.only(&["prefix", CURSOR]).with("limit", FIGURES.to_string());
    match once_made(visit, is_made, &asked.at(&format!("{at}/figures"))).await {
        Err(trouble) if trouble.is_about_input() => Ok(Err(trouble)),
        other => other.map(Ok),
    }
}

/// What was done just now.
fn done(query: &Query) -> Markup {
    let text = match query.get("done") {
        Some("version") => {
            "The version is ordered. Load this page again in a moment to see what became of it."
        }
        Some("verdict") => "The verdict is recorded.",
        Some("delivery") => "The delivery is recorded.",
        _ => return html! {},
    };
    state::notice(Tone::Good, text)
}

/// How the version stands, in a sentence.
fn standing(version: &Value) -> Markup {
    let (tone, text) = match text(&version["state"]) {
        "producing" => (Tone::Warn, "It is being made. Load this page again in a moment."),
        "refused" => (
            Tone::Bad,
            "It has errors and must not be filed. What was found is below; order a correction once it is mended.",
        ),
        "failed" => (Tone::Bad, "It could not be made, and nothing of it counts. Order it again."),
        _ => return html! { p { (words::state(version)) } },
    };
    state::notice(tone, text)
}

fn downloads(visitor: &Visitor, version: &Value) -> Markup {
    let to = |what: &str| visitor.link(&format!("{}/{what}", visitor.path));
    let takes_evidence = words::is_made(version) && visitor.may(Scope::TransactionsRead);
    html! {
        div.actions {
            @if version["sha256"].is_string() {
                a.button href=(to("content")) download { "Download the document" }
            }
            @if takes_evidence {
                a href=(to("bundle")) download { "Download the evidence bundle" }
                a href="/verify" { "Verify it" }
            }
        }
    }
}

fn facts(visitor: &Visitor, report: &Value, version: &Value) -> Markup {
    let entry = |seq: &Value| seq.is_string().then(|| words::entry(visitor, seq));
    let before = |n: &Value| {
        let to = visitor.link(&format!("/reports/{}/versions/{n}", text(&report["id"])));
        html! { a href=(to) { "Version " (n) } }
    };
    fact::list(&[
        ("Kind", Some(html! { (words::kind(&version["kind"])) })),
        ("Follows or replaces", version["supersedes"].is_number().then(|| before(&version["supersedes"]))),
        ("Why", version["reason"].as_str().map(|reason| html! { (reason) })),
        ("Errors", Some(words::found(&version["errors"], "bad"))),
        ("Warnings", Some(words::found(&version["warnings"], "warn"))),
        ("Parameters", words::parameters(report)),
        ("Of records up to", entry(&version["as_of"])),
        ("Ordered by", entry(&version["seq"])),
        ("Ordered", version["created_at"].as_str().map(time::instant)),
        ("Recorded by", entry(&version["made_seq"])),
        ("Made", version["finished_at"].as_str().map(time::instant)),
        (
            "Document",
            version["media_type"].as_str().map(|kind| {
                html! {
                    (kind) ", " (words::count(&version["bytes"])) " bytes"
                }
            }),
        ),
        ("Document (SHA-256)", version["sha256"].as_str().map(fact::copyable)),
        ("Figures", Some(html! { (words::count(&version["figures"])) })),
        ("List of figures (SHA-256)", version["figures_sha256"].as_str().map(fact::copyable)),
    ])
}

fn found(visitor: &Visitor, remarks: &Value) -> Markup {
    let rows = rows(remarks);
    html! {
        @if rows.is_empty() {
            p.soft { "Nothing: no error and no warning." }
        } @else {
            div.scroll role="region" aria-label="What was found" tabindex="0" {
                table {
                    caption { "Errors, which keep it from being filed, and warnings" }
                    thead { tr {
                        th scope="col" { "Severity" } th scope="col" { "Rule" } th scope="col" { "About" }
                        th scope="col" { "What is wrong" } th scope="col" { "Record" }
                    } }
                    tbody {
                        @for remark in rows {
                            tr {
                                td { (severity(&remark["severity"])) }
                                td { code { (text(&remark["rule"])) } }
                                td { (text(&remark["subject"])) }
                                td { (text(&remark["detail"])) }
                                td { (words::entry(visitor, &remark["seq"])) }
                            }
                        }
                    }
                }
            }
        }
        (words::more(visitor, "remarks", remarks, "remarks"))
    }
}

fn severity(severity: &Value) -> Markup {
    match text(severity) {
        "error" => state::badge(Tone::Bad, "Error"),
        "warning" => state::badge(Tone::Warn, "Warning"),
        other => state::badge(Tone::Plain, other),
    }
}

fn verdicts(visitor: &Visitor, of: Option<&Value>, validations: &Value) -> Markup {
    let rows = rows(validations);
    let is_whole = validations["page"]["next_cursor"].is_null() && visitor.query.get("validations").is_none();
    let needed = of.and_then(|of| of["validators"].as_array()).map(Vec::as_slice).unwrap_or_default();
    let missing = needed.iter().filter(|name| !rows.iter().any(|row| row["validator"] == **name));
    let missing: Vec<&str> = missing.map(text).collect();
    html! {
        @if is_whole && !missing.is_empty() {
            p { "Before it is delivered, these must have passed it, and have not been recorded: "
                strong { (missing.join(", ")) } "." }
        }
        @if rows.is_empty() {
            p.soft { "None is recorded." }
        } @else {
            div.scroll role="region" aria-label="Verdicts" tabindex="0" {
                table {
                    caption { "Verdicts, the oldest first; the newest of a validator counts" }
                    thead { tr {
                        th scope="col" { "Validator" } th scope="col" { "Its version" } th scope="col" { "Verdict" }
                        th scope="col" { "Output" } th scope="col" { "Recorded" } th scope="col" { "Entry" }
                    } }
                    tbody {
                        @for row in rows {
                            @let output = format!("{}/validations/{}/output", visitor.path, text(&row["seq"]));
                            tr {
                                td { (text(&row["validator"])) }
                                td { (text(&row["version"])) }
                                td { (words::verdict(&row["verdict"])) }
                                td { a href=(visitor.link(&output)) download { (words::count(&row["output_bytes"])) " bytes" } }
                                td { (time::instant(text(&row["created_at"]))) }
                                td { (words::entry(visitor, &row["seq"])) }
                            }
                        }
                    }
                }
            }
        }
        (words::more(visitor, "validations", validations, "verdicts"))
    }
}

fn delivered(visitor: &Visitor, deliveries: &Value) -> Markup {
    let rows = rows(deliveries);
    html! {
        @if rows.is_empty() {
            p.soft { "None is recorded." }
        } @else {
            div.scroll role="region" aria-label="Deliveries" tabindex="0" {
                table {
                    caption { "Deliveries, the oldest first" }
                    thead { tr {
                        th scope="col" { "Recipient" } th scope="col" { "Channel" } th scope="col" { "Reference" }
                        th scope="col" { "Delivered" } th scope="col" { "Entry" }
                    } }
                    tbody {
                        @for row in rows {
                            tr {
                                td { (text(&row["recipient"])) }
                                td { (text(&row["channel"])) }
                                td { (text(&row["reference"])) }
                                td { (time::instant(text(&row["delivered_at"]))) }
                                td { (words::entry(visitor, &row["seq"])) }
                            }
                        }
                    }
                }
            }
        }
        (words::more(visitor, "deliveries", deliveries, "deliveries"))
    }
}

fn listed(visitor: &Visitor, figures: &Result<Value, Trouble>) -> Markup {
    let fields = field::text(&visitor.query, "prefix", "Name begins with");
    html! {
        (table::filters(visitor, &["prefix"], &fields))
        @match figures {
            Ok(answer) => {
                div.tools {
                    p.soft { "In the order of the document" }
                    (table::chooser(visitor, TABLE))
                }
                (Table {
                    caption: "Figures",
                    columns: TABLE,
                    answer,
                    sorted: "",
                    empty: state::empty("No figure fits.", &html! { "Clear the filter, or begin with another account." }),
                }.draw(visitor))
            }
            Err(trouble) => (state::notice(Tone::Bad, trouble.detail())),
        }
    }
}
