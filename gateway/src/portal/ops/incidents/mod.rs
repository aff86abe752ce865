//! `/ops/incidents`: operators tell everybody of incidents.

mod fields;
pub mod one;

use actix_web::{Either, get, post, web};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::ways;
use crate::{
    domain::{
        Scope,
        status::{IncidentStatus, TITLE_MAX},
    },
    portal::{
        form::Typed,
        layout::{self, Page},
        parts::{
            json::{rows, text},
            state, time,
        },
        query::Query,
        sending::{self, Answered, Once},
        status::words,
        trouble::Trouble,
        visit::Visit,
    },
};

/// The pages.
pub fn pages(config: &mut web::ServiceConfig) {
    config.service(page).service(open).service(one::page).service(one::tell);
}

/// The list, with the form that opens one.
#[get("/ops/incidents")]
pub async fn page(visit: Visit, once: Once) -> Result<Page, Trouble> {
    sending::allow(&visit, Scope::Admin)?;
    drawn(&visit, &once, &Query::default(), None).await
}

/// A new incident.
#[post("/ops/incidents")]
pub async fn open(visit: Visit, once: Once, Typed(given): Typed) -> Result<Answered, Trouble> {
    sending::allow(&visit, Scope::Admin)?;
    let new = json!({
        "title": fields::one_line(given.get("title").unwrap_or_default()),
        "status": given.get("status").unwrap_or_default(),
        "impact": given.get("impact").unwrap_or_default(),
        "components": given.all("component").collect::<Vec<_>>(),
        "text": fields::one_line(given.get("text").unwrap_or_default()),
    });
    match sending::send(&visit, "/admin/v1/incidents", &given, &new).await {
        Ok(made) => Ok(sending::see(&visit, &format!("/ops/incidents/{}?done=opened", text(&made["id"])))),
        Err(trouble) if trouble.is_about_input() => {
            Ok(Either::Right(drawn(&visit, &once, &given, Some(&trouble)).await?))
        }
        Err(trouble) => Err(trouble),
    }
}

async fn drawn(
    visit: &Visit,
    once: &Once,
    given: &Query,
    trouble: Option<&Trouble>,
) -> Result<Page, Trouble> {
    let asked = visit.query.only(&["before"]);
    let list = visit.get(&asked.at("/admin/v1/incidents")).await?;
    let main = html! {
        h1 { "Incidents" }
        (ways(visit))
        p {
            "What you tell here stands at once on the public " a href="/status" { "status page" } " and in its feed. "
            "Each incident and each update is on the provider's ledger, under your name."
        }
        (table(visit, &list))
        h2 { "Open an incident" }
        (fields::fault(trouble))
        form.sheet method="post" action=(visit.link("/ops/incidents")) {
            (layout::keep(visit))
            (once.field("open"))
            label.field {
                span { "Title" }
                input type="text" name="title" value=[given.get("title")] maxlength=(TITLE_MAX) required
                    autocomplete="off";
            }
            (fields::status(given, IncidentStatus::ALL.into_iter().filter(|one| *one != IncidentStatus::Resolved)))
            (fields::impact(given, "minor"))
            (fields::components(given))
            (fields::told(given))
            div.actions { button { "Tell everybody" } }
        }
    };
    Ok(layout::page(visit, "Incidents", &main))
}

fn table(visit: &Visit, list: &Value) -> Markup {
    let rows = rows(list);
    if rows.is_empty() {
        return state::empty(
            "No incident was opened yet.",
            &html! { "When something does not work as it should, tell of it below." },
        );
    }
    html! {
        div.scroll role="region" aria-label="Incidents" tabindex="0" {
            table {
                caption { "Incidents, the newest first" }
                thead { tr {
                    th scope="col" { "Title" } th scope="col" { "Status" } th scope="col" { "Impact" }
                    th scope="col" { "Concerns" } th scope="col" { "Opened" } th scope="col" { "Updated" }
                } }
                tbody {
                    @for row in rows {
                        tr {
                            td {
                                a href=(visit.link(&format!("/ops/incidents/{}", text(&row["id"])))) {
                                    (text(&row["title"]))
                                }
                            }
                            td { (words::status(text(&row["status"]))) }
                            td { (words::impact(text(&row["impact"]))) }
                            td { (words::components(&row["components"])) }
                            td { (time::instant(text(&row["opened_at"]))) }
                            td { (time::instant(text(&row["updated_at"]))) }
                        }
                    }
                }
            }
        }
        @if let Some(before) = list["next_before"].as_str() {
            nav.pager aria-label="Pages of this list" {
                a rel="next" href=(visit.link(&format!("/ops/incidents?before={before}"))) { "Older ones" }
            }
        }
    }
}
