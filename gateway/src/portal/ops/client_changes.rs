//! What is changed of a client, and how it is revoked.

use actix_web::{HttpRequest, HttpResponse, get, http::Method, post, web};
use futures_util::future::try_join;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::{client, institution, ways};
use crate::portal::{
    api::Call,
    developers::{
        client::typed_addresses,
        form::{self, Tried},
    },
    form::Typed,
    layout::Page,
    parts::{ask::Ask, json::text},
    query::Query,
    trouble::Trouble,
    visit::Visit,
};

/// Says what its tokens must be bound to.
#[post("/ops/institutions/{id}/clients/{client}/bindings")]
pub async fn bind(
    visit: Visit,
    request: HttpRequest,
    place: web::Path<(String, String)>,
    Typed(typed): Typed,
) -> Result<HttpResponse, Trouble> {
    let change = json!({
        "dpop_bound_access_tokens": typed.get("dpop") == Some("yes"),
        "tls_client_certificate_bound_access_tokens": typed.get("certificate") == Some("yes"),
    });
    changed(&visit, &request, place.into_inner(), ("bind", "bound"), &typed, &change).await
}

/// Says from where it may call.
#[post("/ops/institutions/{id}/clients/{client}/addresses")]
pub async fn put_addresses(
    visit: Visit,
    request: HttpRequest,
    place: web::Path<(String, String)>,
    Typed(typed): Typed,
) -> Result<HttpResponse, Trouble> {
    let addresses = typed_addresses(&typed);
    let done = if addresses.is_empty() { "anywhere" } else { "addresses" };
    let change = json!({"allowed_addresses": addresses});
    changed(&visit, &request, place.into_inner(), ("addresses", done), &typed, &change).await
}

async fn changed(
    visit: &Visit,
    request: &HttpRequest,
    (id, client): (String, String),
    (form, done): (&'static str, &str),
    typed: &Query,
    change: &Value,
) -> Result<HttpResponse, Trouble> {
    match visit.ask(Call::new(Method::PATCH, client::target(&client)).json(change)).await {
        Ok(_) => Ok(form::then(visit, &client::path(&id, &client), done)),
        Err(trouble) => {
            let filled = async |trouble: &Trouble| {
                let tried = Tried { form, typed, trouble };
                client::show(visit, &id, &client, Some(&tried)).await
            };
            form::again(trouble, request, filled).await
        }
    }
}

/// Asks whether a client is to be revoked.
#[get("/ops/institutions/{id}/clients/{client}/revoke")]
pub async fn ask_revoke(visit: Visit, place: web::Path<(String, String)>) -> Result<Page, Trouble> {
    let (id, client) = place.into_inner();
    asks_revoke(&visit, &id, &client, &html! {}).await
}

async fn asks_revoke(visit: &Visit, id: &str, client_id: &str, wrong: &Markup) -> Result<Page, Trouble> {
    let (own, at) = (institution::target(id), client::target(client_id));
    let (institution, client) = try_join(visit.get(&own), visit.get(&at)).await?;
    client::check_owner(&institution, &client)?;
    let page = client::path(id, client_id);
    let what = html! {
        p {
            "The client " strong { (text(&client["name"])) } " of " strong { (text(&institution["name"])) }
            " gets no more tokens, and those that it has are worth nothing at once. This can't be undone: its system "
            "needs another client. The revocation is on the institution's ledger, with your name."
        }
        (wrong)
    };
    let ask = Ask {
        action: &format!("{page}/revoke"),
        fields: html! {},
        means: "The system no longer needs this client. Revoke it.",
        ticked: false,
        act: "Revoke the client",
        back: Some(&page),
    };
    Ok(ask.page(visit, "Revoke the client", &ways(visit), &what))
}

/// Revokes a client.
#[post("/ops/institutions/{id}/clients/{client}/revoke")]
pub async fn revoke(
    visit: Visit,
    request: HttpRequest,
    place: web::Path<(String, String)>,
    Typed(typed): Typed,
) -> Result<HttpResponse, Trouble> {
    let (id, client) = place.into_inner();
    let call = Call::new(Method::DELETE, client::target(&client));
    match form::if_sure(&visit, &typed, call).await {
        Ok(_) => Ok(form::then(&visit, &institution::path(&id), "revoked")),
        Err(trouble) => {
            let filled =
                async |trouble: &Trouble| asks_revoke(&visit, &id, &client, &form::said(trouble)).await;
            form::again(trouble, &request, filled).await
        }
    }
}
