//! The institution's clients: its systems, as the API knows them.

use actix_web::get;
use futures_util::future::try_join;
use maud::{Markup, html};
use serde_json::Value;

use super::ways;
use crate::{
    domain::Scope,
    portal::{
        layout::{self, Page},
        parts::{
            fact,
            json::{number, rows, text},
            number::{count, counted},
            state::{self, Tone, badge},
            table::framed,
        },
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
};

/// The parameter that says where a page of the list begins.
const AFTER: &str = "after";

/// The list.
#[get("/developers/clients")]
pub async fn list(visit: Visit) -> Result<Page, Trouble> {
    let target = visit.query.only(&[AFTER]).at("/v1/clients");
    let (clients, usage) = try_join(visit.get(&target), used(&visit)).await?;
    let main = html! {
        h1 { "Clients" }
        (ways(&visit))
        p.soft { "The systems that call the API for the institution. The provider makes and revokes them; their keys, secrets and addresses are yours." }
        (table(&visit, &clients, usage.as_ref()))
    };
    Ok(layout::page(&visit, "Clients", &main))
}

/// What each client used in the last 30 days, for whoever may see it.
pub(super) async fn used(visit: &Visit) -> Result<Option<Value>, Trouble> {
    match visit.may(Scope::UsageRead) {
        true => visit.get("/v1/usage?group_by=client").await.map(Some),
        false => Ok(None),
    }
}

/// The requests of a client in an answer of [`used`].
pub(super) fn requests(usage: &Value, client: &str) -> i64 {
    rows(usage).iter().find(|row| row["client_id"] == client).map_or(0, |row| number(&row["requests"]))
}

/// Whether a client counts.
pub(in crate::portal) fn standing(client: &Value) -> Markup {
    match client["revoked_at"].is_null() {
        true => badge(Tone::Good, "active"),
        false => badge(Tone::Bad, "revoked"),
    }
}

/// How a client authenticates, for people.
pub(in crate::portal) fn method(client: &Value) -> &str {
    match text(&client["auth_method"]) {
        "private_key_jwt" => "signs with its key",
        "client_secret_basic" => "has a secret",
        "external_issuer" => "by another issuer",
        other => other,
    }
}

fn table(visitor: &Visitor, clients: &Value, usage: Option<&Value>) -> Markup {
    let rows = rows(clients);
    if rows.is_empty() {
        return state::empty(
            "The institution has no client.",
            &html! { "Ask the provider to make one for each of your systems." },
        );
    }
    let next = clients["next_after"].as_str();
    html! {
        (framed("Clients", &html! {
            thead { tr {
                th scope="col" { "Name" } th scope="col" { "State" } th scope="col" { "Authenticates" }
                th.num scope="col" { "Scopes" }
                @if usage.is_some() { th.num scope="col" { "Requests, 30 days" } }
                th scope="col" { "Client id" }
            } }
            tbody {
                @for client in rows {
                    @let id = text(&client["client_id"]);
                    tr {
                        td { a href=(visitor.link(&format!("/developers/clients/{id}"))) { (text(&client["name"])) } }
                        td { (standing(client)) }
                        td { (method(client)) }
                        td.num { (client["scopes"].as_array().map_or(0, Vec::len)) }
                        @if let Some(usage) = usage { td.num { (count(requests(usage, id))) } }
                        td { (fact::short(id)) }
                    }
                }
            }
        }))
        nav.pager aria-label="Pages of this list" {
            span.soft { (counted(rows.len(), "row")) }
            @if visitor.query.get(AFTER).is_some() { a href=(visitor.link("/developers/clients")) { "First page" } }
            @if let Some(next) = next {
                a rel="next" href=(visitor.link(&format!("/developers/clients?{AFTER}={next}"))) { "Next page" }
            }
        }
    }
}
