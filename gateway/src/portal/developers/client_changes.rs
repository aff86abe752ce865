//! What is changed of a client: its keys, its secret, its addresses. A new secret is on the page that answers, and
//! nowhere else.

use actix_web::{HttpRequest, HttpResponse, Responder as _, get, http::Method, post, web};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::{
    client,
    form::{self, Once, Tried},
    ways,
};
use crate::{
    error::Problem,
    portal::{
        api::Call,
        form::Typed,
        layout::{self, Page},
        parts::{ask::Ask, json::text, state, time},
        query::{Query, segment},
        trouble::Trouble,
        visit::Visit,
    },
};

/// Where the API has a client.
fn target(id: &str) -> String {
    format!("/v1/clients/{}", segment(id))
}

/// Adds the public key that was pasted. The API reads it.
#[post("/developers/clients/{id}/keys")]
pub async fn add_key(
    visit: Visit,
    once: Once,
    request: HttpRequest,
    id: web::Path<String>,
    Typed(typed): Typed,
) -> Result<HttpResponse, Trouble> {
    let jwk = typed.get("jwk").unwrap_or_default().to_owned();
    let call = form::call(Method::POST, format!("{}/keys", target(&id)), &typed);
    match visit.ask(call.body("application/json", jwk)).await {
        Ok(_) => Ok(form::then(&visit, &client::path(&id), "key")),
        Err(trouble) => {
            let page = async |trouble: &Trouble| {
                let tried = Tried { form: "key", typed: &typed, trouble };
                client::show(&visit, &once, &id, Some(&tried)).await
            };
            form::again(trouble, &request, page).await
        }
    }
}

/// Says from where the client may call.
#[post("/developers/clients/{id}/addresses")]
pub async fn put_addresses(
    visit: Visit,
    once: Once,
    request: HttpRequest,
    id: web::Path<String>,
    Typed(typed): Typed,
) -> Result<HttpResponse, Trouble> {
    let addresses = client::typed_addresses(&typed);
    let done = if addresses.is_empty() { "anywhere" } else { "addresses" };
    let call = Call::new(Method::PUT, format!("{}/allowed-addresses", target(&id)));
    match visit.ask(call.json(&json!({"allowed_addresses": addresses}))).await {
        Ok(_) => Ok(form::then(&visit, &client::path(&id), done)),
        Err(trouble) => {
            let page = async |trouble: &Trouble| {
                let tried = Tried { form: "addresses", typed: &typed, trouble };
                client::show(&visit, &once, &id, Some(&tried)).await
            };
            form::again(trouble, &request, page).await
        }
    }
}

/// Asks whether a key is to end.
#[get("/developers/clients/{id}/keys/{kid}/end")]
pub async fn ask_end(visit: Visit, place: web::Path<(String, String)>) -> Result<Page, Trouble> {
    let (id, kid) = place.into_inner();
    asks_end(&visit, &id, &kid, &Query::default(), &html! {}).await
}

async fn asks_end(
    visit: &Visit,
    id: &str,
    kid: &str,
    typed: &Query,
    wrong: &Markup,
) -> Result<Page, Trouble> {
    let client = visit.get(&target(id)).await?;
    let mut keys = client["keys"].as_array().into_iter().flatten();
    if !keys.any(|key| key["kid"] == kid) {
        return Err(Problem::not_found().into());
    }
    let own = client::path(id);
    let what = html! {
        p {
            "The client " strong { (text(&client["name"])) }
            " gets no more tokens by this key once it has ended. This can't be undone, but the key can be added again. "
            "Look first that the system signs with another of its keys."
        }
        (wrong)
    };
    let fields = html! {
        label.field {
            span { "When, in UTC; at once if empty" }
            input type="datetime-local" name="at" value=[typed.get("at")];
            span.hint { "Within 90 days." }
        }
    };
    let ask = Ask {
        action: &format!("{own}/keys/{}/end", segment(kid)),
        fields,
        means: "The system has another key by now. End this one.",
        ticked: false,
        act: "End the key",
        back: Some(&own),
    };
    Ok(ask.page(visit, &format!("End key {kid}"), &ways(visit), &what))
}

/// Lets a key end.
#[post("/developers/clients/{id}/keys/{kid}/end")]
pub async fn end_key(
    visit: Visit,
    request: HttpRequest,
    place: web::Path<(String, String)>,
    Typed(typed): Typed,
) -> Result<HttpResponse, Trouble> {
    let (id, kid) = place.into_inner();
    let call = Call::new(Method::DELETE, format!("{}/keys/{}", target(&id), segment(&kid)));
    let call = match typed.get("at") {
        Some(at) => call.about("expires_at", &form::utc(at)),
        None => call,
    };
    match form::if_sure(&visit, &typed, call).await {
        Ok(_) => Ok(form::then(&visit, &client::path(&id), "ended")),
        Err(trouble) => {
            let page =
                async |trouble: &Trouble| asks_end(&visit, &id, &kid, &typed, &form::said(trouble)).await;
            form::again(trouble, &request, page).await
        }
    }
}

/// Asks whether the secret is to be rotated.
#[get("/developers/clients/{id}/rotate-secret")]
pub async fn ask_rotate(visit: Visit, once: Once, id: web::Path<String>) -> Result<Page, Trouble> {
    asks_rotate(&visit, &once, &id, &Query::default(), &html! {}).await
}

/// For how long the old secret may go on, in seconds.
const OVERLAPS: &[(&str, &str)] = &[
    ("86400", "A day"),
    ("3600", "An hour"),
    ("604800", "A week"),
    ("2592000", "30 days"),
    ("0", "Not at all: it ends at once"),
];

async fn asks_rotate(
    visit: &Visit,
    once: &Once,
    id: &str,
    typed: &Query,
    wrong: &Markup,
) -> Result<Page, Trouble> {
    let client = visit.get(&target(id)).await?;
    let own = client::path(id);
    let what = html! {
        p {
            "The client " strong { (text(&client["name"])) }
            " gets another secret. It is shown on the next page, once. Its old secret counts beside the new one for as long as you say; "
            "a system that still has the old one after that gets no more tokens."
        }
        (wrong)
    };
    let fields = html! {
        (once.field("rotate"))
        (form::overlap("overlap_s", "The old secret goes on for", OVERLAPS, typed))
    };
    let ask = Ask {
        action: &format!("{own}/rotate-secret"),
        fields,
        means: "I am ready to store the new secret now.",
        ticked: false,
        act: "Rotate the secret",
        back: Some(&own),
    };
    Ok(ask.page(visit, "Rotate the secret", &ways(visit), &what))
}

/// Rotates the secret, and shows the new one.
#[post("/developers/clients/{id}/rotate-secret")]
pub async fn rotate(
    visit: Visit,
    once: Once,
    request: HttpRequest,
    id: web::Path<String>,
    Typed(typed): Typed,
) -> Result<HttpResponse, Trouble> {
    let call = form::call(Method::POST, format!("{}/rotate-secret", target(&id)), &typed);
    let call = call.json(&json!({"overlap_s": form::number(&typed, "overlap_s")}));
    match form::if_sure(&visit, &typed, call).await {
        Ok(told) => Ok(new_secret(&visit, &id, &told).respond_to(&request)),
        Err(trouble) => {
            let page =
                async |trouble: &Trouble| asks_rotate(&visit, &once, &id, &typed, &form::said(trouble)).await;
            form::again(trouble, &request, page).await
        }
    }
}

fn new_secret(visit: &Visit, id: &str, told: &Value) -> Page {
    let main = html! {
        h1 { "The secret was rotated" }
        (ways(visit))
        @if told["client_secret"].is_string() {
            (form::shown_once("The new secret", &told["client_secret"]))
        } @else {
            (state::notice(
                state::Tone::Warn,
                "This form was sent before, and the secret was shown then. If it is lost, rotate it again.",
            ))
        }
        @if let Some(until) = told["old_secret_until"].as_str() {
            p { "The old secret counts until " (time::instant(until)) "." }
        }
        p { a href=(visit.link(&client::path(id))) { "Back to the client" } }
    };
    layout::page(visit, "The secret was rotated", &main)
}
