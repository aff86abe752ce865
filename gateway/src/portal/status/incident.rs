//! One incident, and everything that was told of it.

use actix_web::{get, web};
use maud::{Markup, html};
use serde_json::Value;

use super::{look::Look, words};
use crate::portal::{
    layout::Page,
    parts::{
        fact,
        json::{items, text},
        time,
    },
    query::segment,
    trouble::Trouble,
};

/// The page.
#[get("/status/incidents/{id}")]
pub async fn page(look: Look, id: web::Path<String>) -> Result<Page, Trouble> {
    let incident = look.get(&format!("/v1/status/incidents/{}", segment(&id))).await?;
    let title = text(&incident["title"]);
    let when = |at: &Value| at.as_str().map(time::instant);
    let main = html! {
        h1 { (title) }
        (fact::list(&[
            ("Status", Some(words::status(text(&incident["status"])))),
            ("Impact", Some(words::impact(text(&incident["impact"])))),
            ("Concerns", Some(words::components(&incident["components"]))),
            ("Opened", when(&incident["opened_at"])),
            ("Resolved", when(&incident["resolved_at"])),
        ]))
        h2 { "What was told, the newest first" }
        (updates(&incident["updates"]))
        p { a href="/status" { "How the service is now" } }
    };
    Ok(look.page(title, &main))
}

/// What was told of an incident.
#[must_use]
pub fn updates(list: &Value) -> Markup {
    html! {
        ol.told {
            @for update in items(list) {
                li {
                    p { (words::status(text(&update["status"]))) " " (time::instant(text(&update["at"]))) }
                    p { (text(&update["text"])) }
                }
            }
        }
    }
}
