//! One webhook endpoint: how it stands, what it was told and answered, and what can be done with it.

use actix_web::{get, web};
use futures_util::future::try_join;
use maud::{Markup, html};
use serde_json::Value;

use super::{
    deliveries,
    form::{self, Once, Tried, done, wrong},
    ways,
    webhooks::{standing, types},
};
use crate::portal::{
    layout::{self, Page},
    parts::{
        fact,
        json::text,
        state::{self, Tone},
        time,
    },
    query::{Query, segment},
    trouble::Trouble,
    visit::{Visit, Visitor},
};

/// What was done just now.
const DONE: &[(&str, &str)] = &[
    ("added", "The endpoint was added. It is told what happens from now on."),
    ("changed", "The endpoint was changed."),
    ("paused", "The endpoint is paused. What happens meanwhile is kept for it."),
    ("resumed", "The endpoint is told again, what it missed first."),
    ("tested", "A test message is on its way; load this page again to see its answer below."),
    ("rotated", "Messages are signed with a new key now. It is shown below."),
    ("event", "The event is on its way again; load this page again to see its answer below."),
    ("since", "All events since that time are told again, in order."),
];

/// The page.
#[get("/developers/webhooks/{id}")]
pub async fn page(visit: Visit, once: Once, id: web::Path<String>) -> Result<Page, Trouble> {
    show(&visit, &once, &id, None).await
}

/// The page's path.
pub(super) fn path(id: &str) -> String {
    format!("/developers/webhooks/{}", segment(id))
}

/// Where the API has an endpoint.
pub(super) fn target(id: &str) -> String {
    format!("/v1/webhooks/{}", segment(id))
}

/// The page, with a form that did not fit.
pub(super) async fn show(
    visit: &Visit,
    once: &Once,
    id: &str,
    tried: Option<&Tried<'_>>,
) -> Result<Page, Trouble> {
    let own = target(id);
    let told = Query::default().with("limit", "50");
    let told = match visit.query.get(deliveries::BEFORE) {
        Some(before) => told.with(deliveries::BEFORE, before),
        None => told,
    };
    let told = told.at(&format!("{own}/deliveries"));
    let (endpoint, attempts) = try_join(visit.get(&own), visit.get(&told)).await?;
    let own = path(id);
    let main = html! {
        h1 { (text(&endpoint["url"])) }
        (ways(visit))
        (done(visit, DONE))
        (trouble(&endpoint))
        (facts(&endpoint))
        (buttons(visit, once, &endpoint, &own, tried))
        h2 { "What it was told" }
        (deliveries::draw(visit, once, &attempts, &own))
        h2 { "Tell it again" }
        (replay(visit, once, &own, tried))
        h2 { "Change it" }
        (change(visit, once, &endpoint, &own, tried))
        h2 { "Key and end" }
        p { a href=(visit.link(&format!("{own}/rotate"))) { "Rotate its key" } }
        p { a href=(visit.link(&format!("{own}/delete"))) { "Delete the endpoint" } }
    };
    Ok(layout::page(visit, "Webhook endpoint", &main))
}

fn trouble(endpoint: &Value) -> Markup {
    let reason = text(&endpoint["reason"]);
    html! {
        @if endpoint["state"] == "disabled" {
            (state::notice(Tone::Bad, &format!("It kept failing and is told nothing more: {reason}. Mend the receiver, then resume it.")))
        } @else if endpoint["failing_since"].is_string() {
            (state::notice(Tone::Warn, "It is failing: the next event waits until it is taken. See its answers below."))
        }
    }
}

fn facts(endpoint: &Value) -> Markup {
    let at = |name: &str| endpoint[name].as_str().map(time::instant);
    let key = |name: &str| endpoint[name].as_str().map(fact::copyable);
    let named: Vec<&str> = endpoint["events"].as_array().into_iter().flatten().map(text).collect();
    let signed = match text(&endpoint["signature"]) {
        "ed25519" => "with Ed25519, by a public key",
        "hmac_sha256" => "with HMAC-SHA-256, by a secret that both sides hold",
        other => other,
    };
    let description = text(&endpoint["description"]);
    fact::list(&[
        ("State", Some(standing(endpoint))),
        ("Id", key("id")),
        ("For", (!description.is_empty()).then(|| html! { (description) })),
        ("Is told", Some(html! { @if named.is_empty() { "all events" } @else { (named.join(", ")) } })),
        ("Signed", Some(html! { (signed) })),
        ("Public key", key("public_key")),
        ("Public key before", key("previous_public_key")),
        ("Signed by both until", at("overlap_until")),
        ("Told up to entry", key("position")),
        ("Attempts in vain", endpoint["failed_attempts"].as_i64().filter(|n| *n > 0).map(|n| html! { (n) })),
        ("Failing since", at("failing_since")),
        ("Next attempt", at("next_attempt_at")),
        ("Made", at("created_at")),
    ])
}

/// What is done by a button: pause or resume, and a test.
fn buttons(visitor: &Visitor, once: &Once, endpoint: &Value, own: &str, tried: Option<&Tried<'_>>) -> Markup {
    let is_active = endpoint["state"] == "active";
    html! {
        (wrong(tried, "state"))
        (wrong(tried, "test"))
        div.actions {
            form method="post" action=(visitor.link(&format!("{own}/test"))) {
                (once.field("test"))
                button { "Send a test message" }
            }
            form method="post" action=(visitor.link(&format!("{own}/state"))) {
                @if is_active {
                    (once.field("pause"))
                    input type="hidden" name="state" value="paused";
                    button.second { "Pause" }
                } @else {
                    (once.field("resume"))
                    input type="hidden" name="state" value="active";
                    button.second { "Resume" }
                }
            }
        }
    }
}

fn replay(visitor: &Visitor, once: &Once, own: &str, tried: Option<&Tried<'_>>) -> Markup {
    let of = |form: &str, name: &str| {
        Tried::of(tried, form).and_then(|typed| typed.get(name)).map(ToOwned::to_owned)
    };
    html! {
        div.columns {
            section {
                h3 { "One event" }
                (wrong(tried, "event"))
                form.sheet method="post" action=(visitor.link(&format!("{own}/replay"))) {
                    (once.field("event"))
                    label.field {
                        span { "Event" }
                        input type="text" name="event" value=[of("event", "event")] required inputmode="numeric" autocomplete="off";
                        span.hint { "Its id: the number of its entry on the ledger. It is sent once and at once, even if the endpoint is paused." }
                    }
                    div.actions { button { "Send the event" } }
                }
            }
            section {
                h3 { "All since a time" }
                (wrong(tried, "since"))
                form.sheet method="post" action=(visitor.link(&format!("{own}/replay"))) {
                    (once.field("since"))
                    label.field {
                        span { "Since, in UTC" }
                        input type="datetime-local" name="since" value=[of("since", "since")] required step="1";
                        span.hint { "Every event that it is told of since then is sent again, in order, and then those after. The receiver must know by webhook-id what it has already." }
                    }
                    div.actions { button { "Send all since then" } }
                }
            }
        }
    }
}

fn change(visitor: &Visitor, once: &Once, endpoint: &Value, own: &str, tried: Option<&Tried<'_>>) -> Markup {
    let typed = Tried::of(tried, "change");
    let shown = |name: &str| match typed {
        Some(typed) => typed.get(name).unwrap_or_default().to_owned(),
        None => text(&endpoint[name]).to_owned(),
    };
    let chosen: Vec<&str> = match typed {
        Some(typed) => typed.all("events").collect(),
        None => endpoint["events"].as_array().into_iter().flatten().map(text).collect(),
    };
    html! {
        (wrong(tried, "change"))
        form.sheet method="post" action=(visitor.link(own)) {
            (once.field("change"))
            label.field {
                span { "URL" }
                input type="url" name="url" value=(shown("url")) required maxlength="2048" autocomplete="off";
            }
            label.field {
                span { "What it is for" }
                input type="text" name="description" value=(shown("description")) maxlength="200" autocomplete="off";
            }
            (types(&chosen))
            div.actions { button { "Change the endpoint" } }
        }
    }
}

/// The key of an endpoint that was made or given a new one just now.
pub(super) fn secret(endpoint: &Value) -> Markup {
    html! {
        @if endpoint["secret"].is_string() {
            (form::shown_once("Its secret", &endpoint["secret"]))
        } @else if endpoint["public_key"].is_string() {
            (fact::list(&[("Public key", endpoint["public_key"].as_str().map(fact::copyable))]))
        } @else {
            (state::notice(Tone::Warn, "This form was sent before, and the secret was shown then. If it is lost, rotate the endpoint's key."))
        }
    }
}
