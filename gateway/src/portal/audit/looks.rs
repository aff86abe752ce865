//! Who looked at what, and who was refused.

use actix_web::get;
use maud::{Markup, html};
use serde_json::Value;

use super::{
    super::{
        layout::{self, Page},
        parts::{
            field,
            state::{self, Tone, badge},
            table::{self, Column, Table},
            time,
        },
        query::Query,
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
    empty, names, of_a_page, tabs, text, when, words,
};

/// The field with a part of a path.
const PATH: &str = "path";
/// What the form filters by.
const FILTERS: &[&str] = &["actor", PATH, "kind", "status", when::FROM, when::TO];

const TABLE: &[Column] = &[
    Column {
        name: "at",
        head: "Recorded",
        numeric: false,
        usual: true,
        sort: None,
        cell: |_, row| time::instant(text(&row["at"])),
    },
    Column {
        name: "actor",
        head: "Who",
        numeric: false,
        usual: true,
        sort: None,
        cell: |visitor, row| {
            let who = text(&row["actor"]);
            let only = visitor.query.without(&[table::CURSOR]).with("actor", who).at(&visitor.path);
            let name = row[names::NAME].as_str();
            let label = format!("only theirs: looks by {}", name.unwrap_or(who));
            html! { (words::actor(who, name)) " " a href=(only) aria-label=(label) { "only theirs" } }
        },
    },
    Column {
        name: "path",
        head: "At what",
        numeric: false,
        usual: true,
        sort: None,
        cell: |visitor, row| words::request(visitor, text(&row["method"]), text(&row["path"])),
    },
    Column {
        name: "status",
        head: "Answer",
        numeric: false,
        usual: true,
        sort: None,
        cell: |_, row| answer(row),
    },
    Column {
        name: "seq",
        head: "Entry",
        numeric: true,
        usual: true,
        sort: None,
        cell: |visitor, row| {
            let seq = text(&row["seq"]);
            html! { a href=(visitor.link(&format!("/audit/{seq}"))) data-drawer { (seq) } }
        },
    },
];

/// How a request was answered: its status, and why where it was refused.
pub(super) fn answer(row: &Value) -> Markup {
    let status = row["status"].as_u64().unwrap_or_default();
    let times = row["count"].as_u64().unwrap_or(1);
    html! {
        @match row["code"].as_str() {
            Some(code) => { (badge(Tone::Bad, &format!("refused, {status}"))) " " (code) }
            None => (badge(if status < 400 { Tone::Good } else { Tone::Warn }, &status.to_string())),
        }
        @if times > 1 { " " span.soft { (times) " times" } }
    }
}

/// What of a page's query the API is asked.
fn asked(query: &Query) -> Query {
    let asked =
        of_a_page(when::within(query, query.only(&["actor", "kind", "status", "limit", table::CURSOR])));
    match query.get(PATH) {
        Some(part) => asked.with("path[contains]", part),
        None => asked,
    }
}

/// The list.
#[get("/audit/looks")]
pub async fn list(visit: Visit) -> Result<Page, Trouble> {
    let answer = match visit.get(&asked(&visit.query).at("/v1/ledger/looks")).await {
        Err(trouble) if trouble.is_about_input() => Err(trouble),
        other => Ok(names::beside(&visit, other?, |row| &row["actor"]).await?),
    };
    let main = html! {
        h1 { "Who looked at what" }
        (tabs(&visit))
        p { "Every answer that left and every request that was refused, the newest first. This page is among them the next time." }
        (filters(&visit))
        @match &answer {
            Ok(answer) => (Table {
                caption: "Looks and refusals",
                columns: TABLE,
                answer,
                sorted: "-seq",
                empty: empty(&visit, answer, "No look fits."),
            }.draw(&visit)),
            Err(trouble) => (state::notice(Tone::Bad, trouble.detail())),
        }
    };
    Ok(layout::page(&visit, "Who looked at what", &main))
}

fn filters(visitor: &Visitor) -> Markup {
    let query = &visitor.query;
    let fields = html! {
        (when::fields(query))
        (field::text(query, "actor", "Who (id)"))
        (field::text(query, PATH, "Path or id has"))
        (field::choice(query, "kind", "Answered or refused", &[("access", "Answered"), ("denied", "Refused")]))
        (field::text(query, "status", "Status"))
    };
    table::filters(visitor, FILTERS, &fields)
}
