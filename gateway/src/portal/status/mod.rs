//! `/status`: how the service is, for everybody, signed in or not.

mod bars;
pub mod feed;
pub mod incident;
mod look;
pub(super) mod words;

use actix_web::{get, web};
use maud::{Markup, html};
use serde_json::Value;

use super::{
    layout::Page,
    parts::{
        json::{items, text},
        state::{self, Tone},
        time,
    },
    trouble::Trouble,
};
use crate::domain::{Scope, status::DAYS};
use look::Look;

/// The pages.
pub fn pages(config: &mut web::ServiceConfig) {
    config.service(page).service(incident::page).service(feed::feed);
}

/// The page.
#[get("/status")]
pub async fn page(look: Look) -> Result<Page, Trouble> {
    let status = look.get("/v1/status").await?;
    let parts = items(&status["components"]);
    let today = text(&status["at"]).get(..10).unwrap_or_default();
    let main = html! {
        h1 { "Status" }
        (whole(text(&status["state"])))
        p.soft {
            "As of " (time::instant(text(&status["at"]))) ". "
            a href="/status.atom" { "Feed of incidents (Atom)" } " · "
            a href="/v1/status" { "The same for programs" }
            @if look.may(Scope::Admin) { " · " a href="/ops/incidents" { "Tell of an incident" } }
        }
        @if !items(&status["open"]).is_empty() {
            h2 { "Open incidents" }
            @for incident in items(&status["open"]) { (told(incident)) }
        }
        h2 { "Parts of the service" }
        @for part in parts { (one_part(part, today)) }
        (bars::table(parts, today))
        h2 { "Incidents that are over" }
        @if items(&status["recent"]).is_empty() {
            p { "None was resolved in the last " (DAYS) " days." }
        }
        @for incident in items(&status["recent"]) { (told(incident)) }
    };
    Ok(look.page("Status", &main))
}

/// How all parts together are, in a sentence.
fn whole(state: &str) -> Markup {
    let (tone, said) = match state {
        "operational" => (Tone::Good, "All parts of the service work."),
        "degraded" => {
            (Tone::Warn, "The service works; a part of it is slow, late or not there for everybody.")
        }
        "down" => (Tone::Bad, "A part of the service does not work."),
        _ => (Tone::Plain, "Nothing is known to be wrong, but not all parts were checked lately."),
    };
    state::notice(tone, said)
}

/// A part of the service, with its days.
fn one_part(part: &Value, today: &str) -> Markup {
    html! {
        section.part {
            h3 { (text(&part["name"])) " " (words::state(text(&part["state"]))) }
            p.soft {
                (text(&part["description"])) " "
                @match part["checked_at"].as_str() {
                    Some(at) => { "Checked last " (time::instant(at)) "." },
                    None => "It was not checked yet.",
                }
            }
            (bars::drawn(part, today))
            p { (bars::uptime(part)) }
        }
    }
}

/// An incident, with what was told of it last.
fn told(incident: &Value) -> Markup {
    let newest = &incident["updates"][0];
    html! {
        section.incident {
            h3 { a href=(format!("/status/incidents/{}", text(&incident["id"]))) { (text(&incident["title"])) } }
            p {
                (words::status(text(&incident["status"]))) " " (words::impact(text(&incident["impact"]))) " "
                (words::components(&incident["components"]))
            }
            p { (text(&newest["text"])) }
            p.soft {
                "Opened " (time::instant(text(&incident["opened_at"])))
                @match incident["resolved_at"].as_str() {
                    Some(at) => { ", resolved " (time::instant(at)) },
                    None => { ", updated " (time::instant(text(&incident["updated_at"]))) },
                }
            }
        }
    }
}
