//! One client of an institution: what it may do, what its tokens are bound to, and from where it may call.

use actix_web::{get, web};
use futures_util::future::try_join;
use maud::{Markup, html};
use serde_json::Value;

use super::{
    client_new::{addresses, bindings},
    institution, ways,
};
use crate::{
    error::Problem,
    portal::{
        developers::{
            clients::{method, standing},
            form::{Tried, done, wrong},
        },
        layout::{self, Page},
        parts::{fact, json::text, table::framed, time},
        query::segment,
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
};

/// What was done just now.
const DONE: &[(&str, &str)] = &[
    ("bound", "From now on its tokens must be bound as is said below."),
    ("addresses", "From now on the client may call from these addresses alone."),
    ("anywhere", "From now on the client may call from any address."),
];

/// The page.
#[get("/ops/institutions/{id}/clients/{client}")]
pub async fn page(visit: Visit, place: web::Path<(String, String)>) -> Result<Page, Trouble> {
    let (id, client) = place.into_inner();
    show(&visit, &id, &client, None).await
}

/// The page's path.
pub(super) fn path(id: &str, client: &str) -> String {
    format!("{}/clients/{}", institution::path(id), segment(client))
}

/// Where the API has a client.
pub(super) fn target(client: &str) -> String {
    format!("/admin/v1/clients/{}", segment(client))
}

/// The page, with a form that did not fit.
pub(super) async fn show(
    visit: &Visit,
    id: &str,
    client_id: &str,
    tried: Option<&Tried<'_>>,
) -> Result<Page, Trouble> {
    let (own, at) = (institution::target(id), target(client_id));
    let (institution, client) = try_join(visit.get(&own), visit.get(&at)).await?;
    check_owner(&institution, &client)?;
    let name = text(&client["name"]);
    let main = html! {
        h1 { (name) }
        (ways(visit))
        (done(visit, DONE))
        (fact::list(&[
            ("Institution", Some(html! { a href=(visit.link(&institution::path(id))) { (text(&institution["name"])) } })),
            ("Client id", Some(fact::copyable(text(&client["client_id"])))),
            ("State", Some(standing(&client))),
            ("Authenticates", Some(html! { (method(&client)) })),
            ("Made", client["created_at"].as_str().map(time::instant)),
            ("Revoked", client["revoked_at"].as_str().map(time::instant)),
        ]))
        h2 { "Scopes" }
        ul { @for scope in client["scopes"].as_array().into_iter().flatten() { li { code { (text(scope)) } } } }
        (keys(&client))
        @if client["revoked_at"].is_null() { (changes(visit, id, &client, tried)) }
    };
    Ok(layout::page(visit, name, &main))
}

/// A client is shown as its own institution's alone.
pub(super) fn check_owner(institution: &Value, client: &Value) -> Result<(), Trouble> {
    if client["institution"] == institution["id"] { Ok(()) } else { Err(Problem::not_found().into()) }
}

fn keys(client: &Value) -> Markup {
    let keys = client["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        @if !keys.is_empty() {
            h2 { "Keys" }
            (framed("Keys", &html! {
                thead { tr {
                    th scope="col" { "Key id (kid)" } th scope="col" { "Thumbprint (RFC 7638)" } th scope="col" { "Ends" }
                } }
                tbody {
                    @for key in keys {
                        tr {
                            td { code { (text(&key["kid"])) } }
                            td { (fact::short(text(&key["thumbprint"]))) }
                            td { @match key["ends_at"].as_str() { Some(at) => (time::instant(at)), None => "no end is set" } }
                        }
                    }
                }
            }))
        }
    }
}

fn changes(visitor: &Visitor, id: &str, client: &Value, tried: Option<&Tried<'_>>) -> Markup {
    let own = path(id, text(&client["client_id"]));
    let is = |name: &str| client[name].as_bool().unwrap_or_default();
    let now: Vec<&str> = client["allowed_addresses"].as_array().into_iter().flatten().map(text).collect();
    let shown = match Tried::of(tried, "addresses") {
        Some(typed) => typed.get("addresses").unwrap_or_default().to_owned(),
        None => now.join("\n"),
    };
    html! {
        h2 { "Bound tokens" }
        p.soft { "It counts at once: tokens that are not bound as asked for are refused." }
        (wrong(tried, "bind"))
        form.sheet method="post" action=(visitor.link(&format!("{own}/bindings"))) {
            (bindings(is("dpop_bound_access_tokens"), is("tls_client_certificate_bound_access_tokens")))
            div.actions { button { "Change what tokens are bound to" } }
        }
        h2 { "Allowed addresses" }
        p.soft { "It counts at once, for tokens that there are as well: calls from elsewhere are refused." }
        (wrong(tried, "addresses"))
        form.sheet method="post" action=(visitor.link(&format!("{own}/addresses"))) {
            (addresses(&shown))
            div.actions { button { "Change the addresses" } }
        }
        h2 { "Revoke" }
        p { a href=(visitor.link(&format!("{own}/revoke"))) { "Revoke the client" } }
    }
}
