//! One client: what it may do, how it proves who it is, and from where it may call.

use actix_web::{get, web};
use futures_util::future::try_join;
use maud::{Markup, html};
use serde_json::Value;

use super::{
    clients::{method, requests, standing, used},
    form::{Once, Tried, done, wrong},
    ways,
};
use crate::portal::{
    layout::{self, Page},
    parts::{fact, json::text, number::count, table::framed, time},
    query::{Query, segment},
    trouble::Trouble,
    visit::{Visit, Visitor},
};

/// What was done just now.
const DONE: &[(&str, &str)] = &[
    ("key", "The key was added. It counts at once; the old ones go on until you end them."),
    ("ended", "The key ends as you said."),
    ("addresses", "From now on the client may call from these addresses alone."),
    ("anywhere", "From now on the client may call from any address."),
];

/// The page.
#[get("/developers/clients/{id}")]
pub async fn page(visit: Visit, once: Once, id: web::Path<String>) -> Result<Page, Trouble> {
    show(&visit, &once, &id, None).await
}

/// The page's path.
pub(super) fn path(id: &str) -> String {
    format!("/developers/clients/{}", segment(id))
}

/// The page, with a form that did not fit.
pub(super) async fn show(
    visit: &Visit,
    once: &Once,
    id: &str,
    tried: Option<&Tried<'_>>,
) -> Result<Page, Trouble> {
    let target = format!("/v1/clients/{}", segment(id));
    let (client, usage) = try_join(visit.get(&target), used(visit)).await?;
    let is_there = client["revoked_at"].is_null();
    let auth = text(&client["auth_method"]);
    let own = path(id);
    let main = html! {
        h1 { (text(&client["name"])) }
        (ways(visit))
        (done(visit, DONE))
        (facts(&client, usage.as_ref()))
        h2 { "Scopes" }
        p.soft { "What the provider has given it. A token has those that it is asked for, and no others." }
        ul { @for scope in client["scopes"].as_array().into_iter().flatten() { li { code { (text(scope)) } } } }
        @if auth == "private_key_jwt" {
            h2 { "Keys" }
            (keys(visit, &client, &own))
            @if is_there { (new_key(visit, once, &own, tried)) }
        }
        @if auth == "client_secret_basic" {
            h2 { "Secret" }
            (secret(visit, &client, &own))
        }
        h2 { "Allowed addresses" }
        (addresses(visit, &client, &own, tried))
    };
    Ok(layout::page(visit, text(&client["name"]), &main))
}

fn facts(client: &Value, usage: Option<&Value>) -> Markup {
    let id = text(&client["client_id"]);
    let bound = |name: &str| client[name].as_bool().unwrap_or_default();
    let binding =
        match (bound("dpop_bound_access_tokens"), bound("tls_client_certificate_bound_access_tokens")) {
            (true, true) => "to a key by DPoP and to its certificate",
            (true, false) => "to a key by DPoP",
            (false, true) => "to its certificate",
            (false, false) => "to nothing: whoever holds a token can use it",
        };
    let external = &client["external"];
    fact::list(&[
        ("Client id", Some(fact::copyable(id))),
        ("State", Some(standing(client))),
        ("Authenticates", Some(html! { (method(client)) })),
        ("Other issuer", external["issuer"].as_str().map(|issuer| html! { (issuer) })),
        ("Its name there", external["subject"].as_str().map(fact::copyable)),
        ("Its tokens are bound", Some(html! { (binding) })),
        ("Requests, 30 days", usage.map(|usage| html! { (count(requests(usage, id))) })),
        ("Made", client["created_at"].as_str().map(time::instant)),
        ("Revoked", client["revoked_at"].as_str().map(time::instant)),
    ])
}

fn keys(visitor: &Visitor, client: &Value, own: &str) -> Markup {
    let keys = client["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_there = client["revoked_at"].is_null();
    framed(
        "Keys",
        &html! {
            thead { tr {
                th scope="col" { "Key id (kid)" } th scope="col" { "Thumbprint (RFC 7638)" } th scope="col" { "Ends" }
                th scope="col" { "Change" }
            } }
            tbody {
                @for key in keys {
                    @let kid = text(&key["kid"]);
                    tr {
                        td { (fact::copyable(kid)) }
                        td { @if let Some(thumbprint) = key["thumbprint"].as_str() { (fact::short(thumbprint)) } }
                        td { @match key["ends_at"].as_str() {
                            Some(at) => { (time::instant(at)) },
                            None => { "not set" },
                        } }
                        td { @if is_there && keys.len() > 1 && !kid.is_empty() {
                            a href=(visitor.link(&format!("{own}/keys/{}/end", segment(kid)))) aria-label=(format!("End key {kid}")) { "End" }
                        } @else if is_there { span.soft { "the last one stays" } } }
                    }
                }
            }
        },
    )
}

fn new_key(visitor: &Visitor, once: &Once, own: &str, tried: Option<&Tried<'_>>) -> Markup {
    let typed = Tried::of(tried, "key").and_then(|typed| typed.get("jwk"));
    // A private key that was pasted by mistake goes no further.
    let typed = typed.filter(|jwk| !jwk.contains("\"d\"") && !jwk.contains("\"k\""));
    html! {
        h3 { "Add a public key" }
        (wrong(tried, "key"))
        form.sheet method="post" action=(visitor.link(&format!("{own}/keys"))) {
            (once.field("key"))
            label.field {
                span { "Public key, as a JWK" }
                textarea name="jwk" rows="6" required spellcheck="false" autocomplete="off" { (typed.unwrap_or_default()) }
                span.hint { "Ed25519, P-256 or RSA, the public half alone. Without a kid it is named by its thumbprint." }
            }
            div.actions { button { "Add the key" } }
        }
    }
}

fn secret(visitor: &Visitor, client: &Value, own: &str) -> Markup {
    html! {
        p {
            "Only its hash is kept here. "
            @if let Some(until) = client["old_secret_until"].as_str() {
                "The secret before counts until " (time::instant(until)) ". "
            }
        }
        @if client["revoked_at"].is_null() {
            p { a href=(visitor.link(&format!("{own}/rotate-secret"))) { "Rotate the secret" } }
        }
    }
}

fn addresses(visitor: &Visitor, client: &Value, own: &str, tried: Option<&Tried<'_>>) -> Markup {
    let now: Vec<&str> = client["allowed_addresses"].as_array().into_iter().flatten().map(text).collect();
    let shown = match Tried::of(tried, "addresses") {
        Some(typed) => typed.get("addresses").unwrap_or_default().to_owned(),
        None => now.join("\n"),
    };
    html! {
        @if now.is_empty() {
            p { "It may call from any address." }
        } @else {
            p { "It may call from these alone:" }
            ul { @for address in &now { li { code { (address) } } } }
        }
        @if client["revoked_at"].is_null() {
            (wrong(tried, "addresses"))
            form.sheet method="post" action=(visitor.link(&format!("{own}/addresses"))) {
                label.field {
                    span { "Addresses and networks, one a line; none for any" }
                    textarea name="addresses" rows="4" spellcheck="false" autocomplete="off" { (shown) }
                    span.hint { "Such as 192.0.2.10 or 192.0.2.0/24. It counts at once, for tokens that there are as well: calls from elsewhere are refused." }
                }
                div.actions { button { "Change the addresses" } }
            }
        }
    }
}

/// The addresses that were typed: one a line, or with commas or spaces between them.
pub(in crate::portal) fn typed_addresses(typed: &Query) -> Vec<&str> {
    let text = typed.get("addresses").unwrap_or_default();
    text.split(|letter: char| letter.is_whitespace() || letter == ',').filter(|one| !one.is_empty()).collect()
}
