//! A regulator's grants: of which institutions they see what, until when, and what for.

use actix_web::get;
use maud::{Markup, html};
use serde_json::Value;

use super::{
    grants::words,
    layout::{self, Page},
    parts::{fact, json::text, state, time},
    query::Query,
    trouble::Trouble,
    visit::{INSTITUTION, Visit},
};
use crate::domain::Scope;

/// The page.
#[get("/reg")]
pub async fn page(visit: Visit) -> Result<Page, Trouble> {
    let granted = visit.get("/v1/granted").await?;
    let none = Vec::new();
    let granted = granted["data"].as_array().unwrap_or(&none);
    let main = html! {
        h1 { "Your grants" }
        @if granted.is_empty() {
            (state::empty("No grant of yours is live or to come.", &html! {
                "An institution's compliance officer grants access for a time. What you took home you can still "
                a href="/verify" { "verify" } ", without any grant."
            }))
        } @else {
            p {
                "You see what each names, for as long as it lasts. Every look is on the institution's ledger. A file \
                 that you took home you can " a href="/verify" { "verify" } " at any time."
            }
            @for (number, one) in (1..).zip(granted) { (drawn(one, number)) }
        }
    };
    Ok(layout::page(&visit, "Your grants", &main))
}

fn drawn(one: &Value, number: usize) -> Markup {
    let (name, scopes) = (text(&one["institution"]["name"]), words::scopes(&one["scopes"]));
    html! {
        section.grant {
            h2 { (name) " " (words::state(text(&one["state"]))) }
            (fact::list(&[
                ("From", one["from"].as_str().map(time::instant)),
                ("Until", one["until"].as_str().map(time::instant)),
                ("What for", Some(html! { (text(&one["purpose"])) })),
                ("Grant", one["id"].as_str().map(fact::copyable)),
            ]))
            (words::full(&scopes))
            @if one["state"] == "live" {
                (ways(&one["institution"], &scopes, number))
            } @else {
                p.soft { "It opens nothing until it begins." }
            }
        }
    }
}

/// The pages where what is granted is seen. Several grants may be of one institution, so the number tells them apart.
fn ways(institution: &Value, scopes: &[Scope], number: usize) -> Markup {
    let at = Query::default().with(INSTITUTION, text(&institution["id"]));
    html! {
        nav.actions aria-label=(format!("Grant {number}: what you may see of {}", text(&institution["name"]))) {
            @for (path, name) in words::pages(scopes) { a href=(at.at(path)) { (name) } }
        }
    }
}
