//! The list of reports.

use actix_web::get;
use futures_util::future::try_join;
use maud::{Markup, html};
use serde_json::Value;

use super::words;
use crate::{
    domain::Scope,
    portal::{
        layout::{self, Page},
        parts::{
            field,
            json::{rows, text},
            state,
            table::{self, CURSOR, Column, Table},
            time,
        },
        query::Query,
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
};

/// What the form filters by; each is a parameter of `GET /v1/reports`.
const FILTERS: &[&str] = &["type", "period"];
/// Rows on a page.
const ROWS: usize = 25;

const TABLE: &[Column] = &[
    Column {
        name: "report",
        head: "Report",
        numeric: false,
        usual: true,
        sort: None,
        cell: |visitor, row| {
            html! { a href=(words::report_link(visitor, row)) { (words::type_name(text(&row["type"]))) } }
        },
    },
    Column {
        name: "period",
        head: "Period",
        numeric: false,
        usual: true,
        sort: None,
        cell: |visitor, row| {
            let to = visitor.query.without(&[CURSOR]).with("period", text(&row["period"]));
            html! { a href=(to.at(&visitor.path)) { (text(&row["period"])) } }
        },
    },
    Column {
        name: "parameters",
        head: "Parameters",
        numeric: false,
        usual: true,
        sort: None,
        cell: |_, row| words::parameters(row).unwrap_or_default(),
    },
    Column {
        name: "state",
        head: "Newest version",
        numeric: false,
        usual: true,
        sort: None,
        cell: |visitor, row| {
            let newest = &row["newest"];
            let to = visitor.link(&format!("/reports/{}/versions/{}", text(&row["id"]), newest["n"]));
            html! { @if newest.is_object() { a href=(to) { "Version " (newest["n"]) } " " (words::state(newest)) } }
        },
    },
    Column {
        name: "kind",
        head: "Kind",
        numeric: false,
        usual: false,
        sort: None,
        cell: |_, row| html! { (words::kind(&row["newest"]["kind"])) },
    },
    Column {
        name: "errors",
        head: "Errors",
        numeric: true,
        usual: true,
        sort: None,
        cell: |_, row| words::found(&row["newest"]["errors"], "bad"),
    },
    Column {
        name: "warnings",
        head: "Warnings",
        numeric: true,
        usual: true,
        sort: None,
        cell: |_, row| words::found(&row["newest"]["warnings"], "warn"),
    },
    Column {
        name: "figures",
        head: "Figures",
        numeric: true,
        usual: false,
        sort: None,
        cell: |_, row| html! { (words::count(&row["newest"]["figures"])) },
    },
    Column {
        name: "as_of",
        head: "As of",
        numeric: false,
        usual: true,
        sort: None,
        cell: |visitor, row| words::entry(visitor, &row["newest"]["as_of"]),
    },
    Column {
        name: "created_at",
        head: "First ordered",
        numeric: false,
        usual: false,
        sort: None,
        cell: |_, row| time::instant(text(&row["created_at"])),
    },
];

/// What of a page's query the API is asked.
fn asked(query: &Query) -> String {
    query.only(&["type", "period", CURSOR]).with("limit", ROWS.to_string()).at("/v1/reports")
}

/// The list.
#[get("/reports")]
pub async fn page(visit: Visit) -> Result<Page, Trouble> {
    let (answer, types) = try_join(found(&visit), words::types(&visit)).await?;
    let main = html! {
        h1 { "Reports" }
        (filters(&visit, &types))
        @match &answer {
            Ok(answer) => {
                div.tools {
                    p.soft { "As of entry " (text(&answer["as_of"]["seq"])) ", newest first" }
                    (table::chooser(&visit, TABLE))
                    @if visit.may(Scope::ReportsWrite) {
                        a.button href=(visit.link("/reports/new")) { "Have a report made" }
                    }
                }
                (Table {
                    caption: "Reports",
                    columns: TABLE,
                    answer,
                    sorted: "",
                    empty: empty(&visit),
                }.draw(&visit))
            }
            Err(trouble) => (state::notice(state::Tone::Bad, trouble.detail())),
        }
    };
    Ok(layout::page(&visit, "Reports", &main))
}

/// The reports; or what is wrong with the filters.
async fn found(visit: &Visit) -> Result<Result<Value, Trouble>, Trouble> {
    match visit.get(&asked(&visit.query)).await {
        Err(trouble) if trouble.is_about_input() => Ok(Err(trouble)),
        other => other.map(Ok),
    }
}

fn empty(visitor: &Visitor) -> Markup {
    if FILTERS.iter().any(|name| visitor.query.get(name).is_some()) {
        return state::empty("No report fits.", &html! { "Clear the filters, or look for another period." });
    }
    let then = html! {
        @if visitor.may(Scope::ReportsWrite) {
            a href=(visitor.link("/reports/new")) { "Have the first one made" } "."
        } @else {
            "A compliance officer of the institution has them made."
        }
    };
    state::empty("There is no report yet.", &then)
}

fn filters(visitor: &Visitor, types: &Value) -> Markup {
    let query = &visitor.query;
    let fields = html! {
        label.field {
            span { "Type" }
            input type="text" name="type" value=[query.get("type")] list="types" maxlength="64" autocomplete="off";
        }
        datalist #types {
            @for of in rows(types) { option value=(text(&of["name"])) { (text(&of["title"])) } }
        }
        (field::text(query, "period", "Period, such as 2026-03"))
    };
    table::filters(visitor, FILTERS, &fields)
}
