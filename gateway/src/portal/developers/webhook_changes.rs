//! What is done with a webhook endpoint: changed, paused, tried, told again, given a new key, deleted.

use actix_web::{HttpRequest, HttpResponse, Responder as _, get, http::Method, post, web};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::{
    form::{self, Once, Tried},
    ways,
    webhook::{path, secret, show, target},
    webhooks::ticked,
};
use crate::portal::{
    api::Call,
    form::Typed,
    layout::{self, Page},
    parts::{ask::Ask, json::text},
    query::Query,
    trouble::Trouble,
    visit::Visit,
};

/// What a form of the endpoint's page comes with.
struct Sent<'a> {
    visit: &'a Visit,
    once: &'a Once,
    request: &'a HttpRequest,
    id: &'a str,
    typed: &'a Query,
}

impl Sent<'_> {
    /// Makes the call that a form asks for: then the page says that it is `done`, or what does not fit.
    async fn make(&self, form: &'static str, call: Call, done: &str) -> Result<HttpResponse, Trouble> {
        match self.visit.ask(call).await {
            Ok(_) => Ok(form::then(self.visit, &path(self.id), done)),
            Err(trouble) => {
                let page = async |trouble: &Trouble| {
                    let tried = Tried { form, typed: self.typed, trouble };
                    show(self.visit, self.once, self.id, Some(&tried)).await
                };
                form::again(trouble, self.request, page).await
            }
        }
    }

    /// A call to the endpoint, under the form's key.
    fn call(&self, method: Method, below: &str) -> Call {
        form::call(method, format!("{}{below}", target(self.id)), self.typed)
    }
}

/// Changes where it is, what it is told and what it is for.
#[post("/developers/webhooks/{id}")]
pub async fn change(
    visit: Visit,
    once: Once,
    request: HttpRequest,
    id: web::Path<String>,
    Typed(typed): Typed,
) -> Result<HttpResponse, Trouble> {
    let sent = Sent { visit: &visit, once: &once, request: &request, id: &id, typed: &typed };
    let order = json!({
        "url": typed.get("url").unwrap_or_default().trim(),
        "description": typed.get("description").unwrap_or_default(),
        "events": ticked(&typed),
    });
    sent.make("change", sent.call(Method::PATCH, "").json(&order), "changed").await
}

/// Pauses it, or has it told again.
#[post("/developers/webhooks/{id}/state")]
pub async fn set_state(
    visit: Visit,
    once: Once,
    request: HttpRequest,
    id: web::Path<String>,
    Typed(typed): Typed,
) -> Result<HttpResponse, Trouble> {
    let sent = Sent { visit: &visit, once: &once, request: &request, id: &id, typed: &typed };
    let wanted = typed.get("state").unwrap_or_default();
    let done = if wanted == "paused" { "paused" } else { "resumed" };
    sent.make("state", sent.call(Method::PATCH, "").json(&json!({"state": wanted})), done).await
}

/// Sends it a test message.
#[post("/developers/webhooks/{id}/test")]
pub async fn try_out(
    visit: Visit,
    once: Once,
    request: HttpRequest,
    id: web::Path<String>,
    Typed(typed): Typed,
) -> Result<HttpResponse, Trouble> {
    let sent = Sent { visit: &visit, once: &once, request: &request, id: &id, typed: &typed };
    sent.make("test", sent.call(Method::POST, "/test"), "tested").await
}

/// Tells it of an event again, or of all since a time.
#[post("/developers/webhooks/{id}/replay")]
pub async fn replay(
    visit: Visit,
    once: Once,
    request: HttpRequest,
    id: web::Path<String>,
    Typed(typed): Typed,
) -> Result<HttpResponse, Trouble> {
    let sent = Sent { visit: &visit, once: &once, request: &request, id: &id, typed: &typed };
    let (form, order) = match typed.get("since") {
        Some(since) => ("since", json!({"since": form::utc(since)})),
        None => ("event", json!({"event": typed.get("event").unwrap_or_default().trim()})),
    };
    sent.make(form, sent.call(Method::POST, "/redeliver").json(&order), form).await
}

/// For how many hours the key before goes on.
const OVERLAPS: &[(&str, &str)] =
    &[("24", "A day"), ("1", "An hour"), ("72", "Three days"), ("168", "A week"), ("0", "Not at all")];

/// Asks whether its key is to be rotated.
#[get("/developers/webhooks/{id}/rotate")]
pub async fn ask_rotate(visit: Visit, once: Once, id: web::Path<String>) -> Result<Page, Trouble> {
    asks_rotate(&visit, &once, &id, &Query::default(), &html! {}).await
}

async fn asks_rotate(
    visit: &Visit,
    once: &Once,
    id: &str,
    typed: &Query,
    wrong: &Markup,
) -> Result<Page, Trouble> {
    let endpoint = visit.get(&target(id)).await?;
    let own = path(id);
    let what = html! {
        p {
            "Messages to " code { (text(&endpoint["url"])) } " are signed with a new key from now on, and with the one before as long as you say. "
            @if endpoint["signature"] == "hmac_sha256" {
                "The new secret is shown on the next page, once. "
            } @else {
                "The new public key stands on the endpoint's page. "
            }
            "A receiver that does not know the new key when the old one ends refuses what it is told."
        }
        (wrong)
    };
    let fields = html! {
        (once.field("rotate"))
        (form::overlap("overlap_hours", "The key before goes on for", OVERLAPS, typed))
    };
    let ask = Ask {
        action: &format!("{own}/rotate"),
        fields,
        means: "The receiver can learn the new key in that time.",
        ticked: false,
        act: "Rotate the key",
        back: Some(&own),
    };
    Ok(ask.page(visit, "Rotate the endpoint's key", &ways(visit), &what))
}

/// Rotates its key. A new secret is on the page that answers, and nowhere else.
#[post("/developers/webhooks/{id}/rotate")]
pub async fn rotate(
    visit: Visit,
    once: Once,
    request: HttpRequest,
    id: web::Path<String>,
    Typed(typed): Typed,
) -> Result<HttpResponse, Trouble> {
    let call = form::call(Method::POST, format!("{}/rotate-secret", target(&id)), &typed);
    let call = call.json(&json!({"overlap_hours": form::number(&typed, "overlap_hours")}));
    match form::if_sure(&visit, &typed, call).await {
        Ok(endpoint) if endpoint["signature"] == "ed25519" => Ok(form::then(&visit, &path(&id), "rotated")),
        Ok(endpoint) => Ok(rotated(&visit, &id, &endpoint).respond_to(&request)),
        Err(trouble) => {
            let page =
                async |trouble: &Trouble| asks_rotate(&visit, &once, &id, &typed, &form::said(trouble)).await;
            form::again(trouble, &request, page).await
        }
    }
}

fn rotated(visit: &Visit, id: &str, endpoint: &Value) -> Page {
    let main = html! {
        h1 { "The endpoint's key was rotated" }
        (ways(visit))
        (secret(endpoint))
        p { a href=(visit.link(&path(id))) { "Back to the endpoint" } }
    };
    layout::page(visit, "The endpoint's key was rotated", &main)
}

/// Asks whether it is to be deleted.
#[get("/developers/webhooks/{id}/delete")]
pub async fn ask_delete(visit: Visit, id: web::Path<String>) -> Result<Page, Trouble> {
    asks_delete(&visit, &id, &html! {}).await
}

async fn asks_delete(visit: &Visit, id: &str, wrong: &Markup) -> Result<Page, Trouble> {
    let endpoint = visit.get(&target(id)).await?;
    let own = path(id);
    let what = html! {
        p {
            code { (text(&endpoint["url"])) }
            " is told nothing more, and what is known of its attempts goes with it. This can't be undone. Its entries stay on the ledger. "
            "To stop it for a while, pause it instead."
        }
        (wrong)
    };
    let ask = Ask {
        action: &format!("{own}/delete"),
        fields: html! {},
        means: "Delete this endpoint.",
        ticked: false,
        act: "Delete the endpoint",
        back: Some(&own),
    };
    Ok(ask.page(visit, "Delete the endpoint", &ways(visit), &what))
}

/// Deletes it.
#[post("/developers/webhooks/{id}/delete")]
pub async fn delete(
    visit: Visit,
    request: HttpRequest,
    id: web::Path<String>,
    Typed(typed): Typed,
) -> Result<HttpResponse, Trouble> {
    match form::if_sure(&visit, &typed, Call::new(Method::DELETE, target(&id))).await {
        Ok(_) => Ok(form::then(&visit, "/developers/webhooks", "deleted")),
        Err(trouble) => {
            let page = async |trouble: &Trouble| asks_delete(&visit, &id, &form::said(trouble)).await;
            form::again(trouble, &request, page).await
        }
    }
}
