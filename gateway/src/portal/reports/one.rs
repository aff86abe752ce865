//! One report: how its newest version stands, every version with what became of it, and its adjustments.

use actix_web::{get, web};
use futures_util::future::{try_join, try_join_all, try_join4};
use maud::{Markup, html};
use serde_json::Value;

use super::{adjust, words};
use crate::{
    domain::Scope,
    portal::{
        layout::{self, Page},
        parts::{
            fact,
            json::{rows, text},
            state::{self, Tone},
            time,
        },
        query::Query,
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
};

/// Versions on a page.
const VERSIONS: usize = 10;
/// Adjustments on a page.
const ADJUSTMENTS: usize = 50;

/// What validators said of a version, and to whom it was delivered.
type Said = (Value, Value);

/// The page.
#[get("/reports/{id}")]
pub async fn page(visit: Visit, id: web::Path<String>) -> Result<Page, Trouble> {
    let path = words::report_at(&id);
    let versions = words::list_at(&format!("{path}/versions"), VERSIONS, visit.query.get("versions"));
    let adjustments =
        words::list_at(&format!("{path}/adjustments"), ADJUSTMENTS, visit.query.get("adjustments"));
    let (report, versions, adjustments, types) =
        try_join4(visit.get(&path), visit.get(&versions), visit.get(&adjustments), words::types(&visit))
            .await?;
    let said = rows(&versions).iter().map(|version| said(&visit, &path, version));
    let said = try_join_all(said).await?;
    let of = words::definition(&types, &report["type"]);
    let title = words::title(&report);
    let main = html! {
        (words::up(&visit.link("/reports"), "Reports"))
        h1 { (title) }
        (done(&visit.query))
        (standing(&visit, &report, of))
        (actions(&visit, &report, of))
        h2 { "Versions" }
        (table(&visit, &report, &versions, &said))
        (words::more(&visit, "versions", &versions, "versions"))
        (comparison(&visit, &report))
        h2 { "Adjustments" }
        (adjust::table(&visit, &report, rows(&adjustments)))
        (words::more(&visit, "adjustments", &adjustments, "adjustments"))
        @if of.is_some() && visit.may(Scope::ReportsWrite) {
            p { a href=(visit.link(&format!("/reports/{}/adjustments/new", text(&report["id"])))) {
                "Propose an adjustment"
            } }
        }
    };
    Ok(layout::page(&visit, &title, &main))
}

/// What was said of a version.
async fn said(visit: &Visit, path: &str, version: &Value) -> Result<Said, Trouble> {
    let at = format!("{path}/versions/{}", version["n"]);
    let (validations, deliveries) = (format!("{at}/validations"), format!("{at}/deliveries"));
    try_join(visit.get(&validations), visit.get(&deliveries)).await
}

/// What was done just now.
fn done(query: &Query) -> Markup {
    let text = match query.get("done") {
        Some("ordered") => {
            "The report is ordered. Load this page again in a moment to see what became of it."
        }
        Some("proposed") => "The adjustment is proposed. It counts once somebody else has approved it.",
        Some("approved") => "The adjustment is approved. It counts in versions that are ordered from now on.",
        Some("declined") => "The adjustment is declined.",
        _ => return html! {},
    };
    state::notice(Tone::Good, text)
}

fn standing(visitor: &Visitor, report: &Value, of: Option<&Value>) -> Markup {
    let newest = &report["newest"];
    let version = visitor.link(&format!("/reports/{}/versions/{}", text(&report["id"]), newest["n"]));
    fact::list(&[
        (
            "Newest version",
            newest
                .is_object()
                .then(|| html! { a href=(version) { "Version " (newest["n"]) } " " (words::state(newest)) }),
        ),
        ("Errors", Some(words::found(&newest["errors"], "bad"))),
        ("Warnings", Some(words::found(&newest["warnings"], "warn"))),
        ("Of records up to", newest["as_of"].is_string().then(|| words::entry(visitor, &newest["as_of"]))),
        ("What it is", Some(what(of))),
        ("Parameters", words::parameters(report)),
        ("First ordered", report["created_at"].as_str().map(time::instant)),
        ("Id", report["id"].as_str().map(fact::copyable)),
    ])
}

fn what(of: Option<&Value>) -> Markup {
    html! {
        @match of {
            Some(of) => { (text(&of["title"])) " (" (text(&of["standard"])) ")" },
            None => "Made elsewhere and deposited; another version of it is deposited by the API",
        }
    }
}

fn actions(visitor: &Visitor, report: &Value, of: Option<&Value>) -> Markup {
    let (newest, id) = (&report["newest"], text(&report["id"]));
    let version = format!("/reports/{id}/versions/{}", newest["n"]);
    let cancels = of.is_some_and(|of| words::names(&of["kinds"], "cancellation"));
    let orders = of.is_some() && visitor.may(Scope::ReportsWrite) && newest["state"] != "producing";
    html! {
        div.actions {
            @if newest["sha256"].is_string() {
                a.button href=(visitor.link(&format!("{version}/content"))) download { "Download the document" }
            }
            @if orders {
                a href=(visitor.link(&format!("/reports/{id}/next"))) { "Order a correction" }
                @if cancels {
                    a href=(visitor.link(&format!("/reports/{id}/next?kind=cancellation"))) { "Withdraw it" }
                }
            }
        }
    }
}

fn table(visitor: &Visitor, report: &Value, versions: &Value, said: &[Said]) -> Markup {
    html! {
        div.scroll role="region" aria-label="Versions" tabindex="0" {
            table {
                caption { "Versions, the first one first" }
                thead { tr {
                    th scope="col" { "Version" } th scope="col" { "State" } th scope="col" { "Kind" }
                    th scope="col" { "Why" } th.num scope="col" { "Errors" } th.num scope="col" { "Warnings" }
                    th scope="col" { "Verdicts" } th scope="col" { "Delivered to" } th scope="col" { "As of" }
                    th scope="col" { "Ordered" }
                } }
                tbody {
                    @for (version, (validations, deliveries)) in rows(versions).iter().zip(said) {
                        (row(visitor, text(&report["id"]), version, validations, deliveries))
                    }
                }
            }
        }
    }
}

fn row(visitor: &Visitor, id: &str, version: &Value, validations: &Value, deliveries: &Value) -> Markup {
    let to = visitor.link(&format!("/reports/{id}/versions/{}", version["n"]));
    html! {
        tr {
            td { a href=(to) { "Version " (version["n"]) } }
            td { (words::state(version)) }
            td {
                (words::kind(&version["kind"]))
                @if version["supersedes"].is_number() { " of version " (version["supersedes"]) }
            }
            td { (text(&version["reason"])) }
            td.num { (words::found(&version["errors"], "bad")) }
            td.num { (words::found(&version["warnings"], "warn")) }
            td { @for (at, one) in rows(validations).iter().enumerate() {
                @if at > 0 { br; }
                (text(&one["validator"])) " " (words::verdict(&one["verdict"]))
            } }
            td { @for (at, one) in rows(deliveries).iter().enumerate() {
                @if at > 0 { br; }
                (text(&one["recipient"])) ", " (time::instant(text(&one["delivered_at"])))
            } }
            td { (words::entry(visitor, &version["as_of"])) }
            td { (time::instant(text(&version["created_at"]))) }
        }
    }
}

/// The way to the difference between two versions.
fn comparison(visitor: &Visitor, report: &Value) -> Markup {
    let newest = report["newest"]["n"].as_i64().unwrap_or(0);
    if newest < 2 {
        return html! {};
    }
    let number = |name: &str, label: &str, value: i64| {
        html! {
            label.field {
                span { (label) }
                input type="number" name=(name) min="1" max=(newest) value=(value) required;
            }
        }
    };
    html! {
        h3 { "What changed between two versions" }
        form.filters method="get" action=(format!("/reports/{}/compare", text(&report["id"]))) {
            (layout::keep(visitor))
            (number("from", "From version", newest - 1))
            (number("to", "To version", newest))
            div.actions { button.second { "Compare" } }
        }
    }
}
