//! Audit: what is on the ledger, the newest first.

pub mod entry;
pub mod looks;
mod names;
mod payload;
mod strip;
mod when;
mod words;

use actix_web::{
    HttpResponse, get,
    http::{Method, header},
    web,
};
use futures_util::future::join;
use maud::{Markup, html};
use serde_json::Value;

use super::{
    api::Call,
    layout::{self, Page},
    parts::{
        field,
        json::text,
        state::{self, Tone},
        table::{self, COLUMNS, Column, Table},
        time,
    },
    query::Query,
    trouble::Trouble,
    visit::{Visit, Visitor},
};
use crate::domain::Scope;

/// The pages. Those with a name of their own stand before those that take any.
pub fn pages(config: &mut web::ServiceConfig) {
    config
        .service(list)
        .service(csv)
        .service(looks::list)
        .service(entry::page)
        .service(entry::entry_file)
        .service(entry::payload_file);
}

/// What the form filters by.
const FILTERS: &[&str] = &["actor", "kind", "subject", when::FROM, when::TO];

const TABLE: &[Column] = &[
    Column {
        name: "at",
        head: "Recorded",
        numeric: false,
        usual: true,
        sort: None,
        cell: |_, row| time::instant(text(&row["entry"]["at"])),
    },
    Column {
        name: "kind",
        head: "What",
        numeric: false,
        usual: true,
        sort: None,
        cell: |_, row| html! { (words::kind(text(&row["entry"]["kind"]))) },
    },
    Column {
        name: "subject",
        head: "About",
        numeric: false,
        usual: true,
        sort: None,
        cell: |visitor, row| match text(&row["entry"]["kind"]) {
            "access" | "denied" => {
                let seq = visitor.link(&format!("/audit/{}", text(&row["entry"]["seq"])));
                html! { a href=(seq) { "see the list" } }
            }
            _ => words::subject(visitor, &row["entry"]["subject"]),
        },
    },
    Column {
        name: "actor",
        head: "Who",
        numeric: false,
        usual: true,
        sort: None,
        cell: |_, row| words::actor(text(&row["entry"]["actor"]), row[names::NAME].as_str()),
    },
    Column {
        name: "request",
        head: "Request",
        numeric: false,
        usual: false,
        sort: None,
        cell: |_, row| match row["entry"]["request"].as_str() {
            Some(request) => super::parts::fact::short(request),
            None => html! {},
        },
    },
    Column {
        name: "leaf_hash",
        head: "Hash",
        numeric: false,
        usual: false,
        sort: None,
        cell: |_, row| super::parts::fact::short(text(&row["leaf_hash"])),
    },
    Column {
        name: "seq",
        head: "Entry",
        numeric: true,
        usual: true,
        sort: Some("seq"),
        cell: |visitor, row| {
            let seq = text(&row["entry"]["seq"]);
            html! { a href=(visitor.link(&format!("/audit/{seq}"))) data-drawer { (seq) } }
        },
    },
];

/// What of a page's query the API is asked.
fn asked(query: &Query) -> Query {
    let asked =
        when::within(query, query.only(&["actor", "kind", "subject", "sort", "limit", table::CURSOR]));
    let asked = if asked.get("sort").is_some() { asked } else { asked.with("sort", "-seq") };
    of_a_page(asked)
}

/// As many rows as fit on a page that is soon there, unless told otherwise.
fn of_a_page(asked: Query) -> Query {
    if asked.get("limit").is_some() { asked } else { asked.with("limit", "50") }
}

/// The timeline.
#[get("/audit")]
pub async fn list(visit: Visit) -> Result<Page, Trouble> {
    let target = asked(&visit.query).at("/v1/ledger/entries");
    let (answer, days) = join(visit.get(&target), visit.get("/v1/ledger/days")).await;
    let answer = match answer {
        Err(trouble) if trouble.is_about_input() => Err(trouble),
        other => Ok(names::beside(&visit, other?, |row| &row["entry"]["actor"]).await?),
    };
    let days = days?;
    let main = html! {
        h1 { "Audit" }
        (tabs(&visit))
        (strip::draw(&visit, &days))
        h2 { "Entries" }
        (filters(&visit))
        @match &answer {
            Ok(answer) => {
                div.tools {
                    p.soft { "As of entry " (text(&answer["as_of"]["seq"])) }
                    (table::sizes(&visit, "50"))
                    (table::chooser(&visit, TABLE))
                    // The API has no file of one actor's entries.
                    @if visit.query.get("actor").is_none() {
                        a href=(visit.query.without(&[table::CURSOR, "limit", "sort", COLUMNS]).at("/audit.csv")) { "Export as CSV" }
                    }
                }
                (Table {
                    caption: "Entries of the ledger",
                    columns: TABLE,
                    answer,
                    sorted: "-seq",
                    empty: empty(&visit, answer, "No entry fits."),
                }.draw(&visit))
            }
            Err(trouble) => (state::notice(Tone::Bad, trouble.detail())),
        }
    };
    Ok(layout::page(&visit, "Audit", &main))
}

/// Where the ledger is looked at by entries, by looks, and as a file to take away.
pub(super) fn tabs(visitor: &Visitor) -> Markup {
    let here = |path: &str| (visitor.path == path).then_some("page");
    html! {
        nav.sub aria-label="Audit" {
            @if visitor.may(Scope::LedgerRead) {
                a href=(visitor.link("/audit")) aria-current=[here("/audit")] { "Entries" }
                a href=(visitor.link("/audit/looks")) aria-current=[here("/audit/looks")] { "Looks" }
            }
            @if visitor.may(Scope::EvidenceRead) {
                a href=(visitor.link("/evidence")) aria-current=[here("/evidence")] { "Evidence" }
            }
        }
    }
}

/// What a list without rows says: nothing fits, or nothing so far and older entries are still to be looked at.
fn empty(visitor: &Visitor, answer: &Value, why: &str) -> Markup {
    match answer["page"]["next_cursor"].as_str() {
        Some(next) => {
            let to = visitor.query.with(table::CURSOR, next).at(&visitor.path);
            state::empty(
                "Nothing that fits was found in this stretch of the ledger.",
                &html! { a rel="next" href=(to) { "Look further back" } },
            )
        }
        None => state::empty(why, &html! { "Widen the days, or clear the filters." }),
    }
}

fn filters(visitor: &Visitor) -> Markup {
    let query = &visitor.query;
    let fields = html! {
        (when::fields(query))
        (field::choice(query, "kind", "What", words::KINDS))
        (field::text(query, "subject", "About (id)"))
        (field::text(query, "actor", "Who (id)"))
    };
    table::filters(visitor, FILTERS, &fields)
}

/// What is shown, all of it in ledger order, as a file.
#[get("/audit.csv")]
pub async fn csv(visit: Visit) -> Result<HttpResponse, Trouble> {
    let asked = when::within(&visit.query, visit.query.only(&["kind", "subject"]));
    let call = Call::new(Method::GET, asked.at("/v1/ledger/entries")).header(header::ACCEPT, "text/csv");
    let mut response = visit.pass(call).await?;
    let name = header::HeaderValue::from_static("attachment; filename=\"entries.csv\"");
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}
