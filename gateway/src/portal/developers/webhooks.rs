//! The institution's webhook endpoints, and adding one.

use actix_web::{HttpRequest, HttpResponse, Responder as _, get, http::Method, post};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::{
    form::{self, Once, Tried},
    ways, webhook,
};
use crate::{
    domain::EventType,
    portal::{
        form::Typed,
        layout::{self, Page},
        parts::{
            json::{rows, text},
            state::{self, Tone, badge},
            table::framed,
            time,
        },
        query::Query,
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
};

/// What was done just now.
const DONE: &[(&str, &str)] = &[("deleted", "The endpoint was deleted.")];

/// The list, and the form that adds one.
#[get("/developers/webhooks")]
pub async fn list(visit: Visit, once: Once) -> Result<Page, Trouble> {
    show(&visit, &once, None).await
}

async fn show(visit: &Visit, once: &Once, tried: Option<&Tried<'_>>) -> Result<Page, Trouble> {
    let endpoints = visit.get("/v1/webhooks").await?;
    let main = html! {
        h1 { "Webhooks" }
        (ways(visit))
        (form::done(visit, DONE))
        (table(visit, &endpoints))
        h2 #add { "Add an endpoint" }
        (new(visit, once, tried))
    };
    Ok(layout::page(visit, "Webhooks", &main))
}

/// How an endpoint stands.
pub(super) fn standing(endpoint: &Value) -> Markup {
    let failing = endpoint["failing_since"].is_string();
    match text(&endpoint["state"]) {
        "active" if failing => badge(Tone::Warn, "failing"),
        "active" => badge(Tone::Good, "active"),
        "disabled" => badge(Tone::Bad, "disabled"),
        other => badge(Tone::Plain, other),
    }
}

/// What an endpoint is told of, in a few words.
fn events(endpoint: &Value) -> String {
    let named: Vec<&str> = endpoint["events"].as_array().into_iter().flatten().map(text).collect();
    match named.as_slice() {
        [] => "all events".to_owned(),
        [one] => (*one).to_owned(),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
    }
}

fn table(visitor: &Visitor, endpoints: &Value) -> Markup {
    let rows = rows(endpoints);
    if rows.is_empty() {
        return state::empty(
            "No endpoint is told of events.",
            &html! { "Add one below: it is told what happens from then on. Or ask for " a href=(visitor.link("/developers/events")) { "events" } "." },
        );
    }
    framed(
        "Webhook endpoints",
        &html! {
            thead { tr {
                th scope="col" { "URL" } th scope="col" { "State" } th scope="col" { "Is told" } th scope="col" { "For" }
                th scope="col" { "Made" }
            } }
            tbody {
                @for endpoint in rows {
                    @let to = visitor.link(&webhook::path(text(&endpoint["id"])));
                    tr {
                        td { a href=(to) { (text(&endpoint["url"])) } }
                        td { (standing(endpoint)) }
                        td { (events(endpoint)) }
                        td { (text(&endpoint["description"])) }
                        td { (time::instant(text(&endpoint["created_at"]))) }
                    }
                }
            }
        },
    )
}

/// The types of events to choose from; none chosen is all. `chosen` are those that are chosen now.
pub(super) fn types(chosen: &[&str]) -> Markup {
    html! {
        fieldset {
            legend { "Events; all if none is ticked" }
            @for one in EventType::ALL.iter().filter(|one| **one != EventType::WebhookTest) {
                @let name = one.as_str();
                label.line {
                    input type="checkbox" name="events" value=(name) checked[chosen.contains(&name)];
                    " " (name)
                }
            }
        }
    }
}

fn new(visitor: &Visitor, once: &Once, tried: Option<&Tried<'_>>) -> Markup {
    let typed = Tried::of(tried, "add").cloned().unwrap_or_default();
    let chosen: Vec<&str> = typed.all("events").collect();
    html! {
        (form::wrong(tried, "add"))
        form.sheet method="post" action=(visitor.link("/developers/webhooks")) {
            (once.field("add"))
            label.field {
                span { "URL" }
                input type="url" name="url" value=[typed.get("url")] required maxlength="2048" autocomplete="off";
                span.hint { "It begins with https:// and is reachable at a public address. It stands on the ledger: put no secret into it." }
            }
            label.field {
                span { "What it is for" }
                input type="text" name="description" value=[typed.get("description")] maxlength="200" autocomplete="off";
            }
            label.field {
                span { "How messages are signed" }
                select name="signature" {
                    option value="ed25519" { "Ed25519: you check with a public key" }
                    option value="hmac_sha256" selected[typed.get("signature") == Some("hmac_sha256")] { "HMAC-SHA-256: both sides hold a secret" }
                }
            }
            (types(&chosen))
            div.actions { button { "Add the endpoint" } }
        }
    }
}

/// The types that were ticked.
pub(super) fn ticked(typed: &Query) -> Vec<&str> {
    typed.all("events").collect()
}

/// Adds an endpoint. A secret is on the page that answers, and nowhere else.
#[post("/developers/webhooks")]
pub async fn add(
    visit: Visit,
    once: Once,
    request: HttpRequest,
    Typed(typed): Typed,
) -> Result<HttpResponse, Trouble> {
    let order = json!({
        "url": typed.get("url").unwrap_or_default().trim(),
        "description": typed.get("description").unwrap_or_default(),
        "signature": typed.get("signature").unwrap_or("ed25519"),
        "events": ticked(&typed),
    });
    let call = form::call(Method::POST, "/v1/webhooks", &typed);
    match visit.ask(call.json(&order)).await {
        Ok(made) if made["signature"] == "ed25519" => {
            Ok(form::then(&visit, &webhook::path(text(&made["id"])), "added"))
        }
        Ok(made) => Ok(added(&visit, &made).respond_to(&request)),
        Err(trouble) => {
            let page = async |trouble: &Trouble| {
                show(&visit, &once, Some(&Tried { form: "add", typed: &typed, trouble })).await
            };
            form::again(trouble, &request, page).await
        }
    }
}

fn added(visit: &Visit, made: &Value) -> Page {
    let main = html! {
        h1 { "The endpoint was added" }
        (ways(visit))
        (webhook::secret(made))
        p { a href=(visit.link(&webhook::path(text(&made["id"])))) { "To the endpoint" } }
    };
    layout::page(visit, "The endpoint was added", &main)
}
