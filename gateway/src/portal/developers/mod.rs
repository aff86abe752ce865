//! For developers: how an institution's systems fare with the API, and what an integration engineer may change.

pub mod chart;
pub mod client;
pub mod client_changes;
pub mod clients;
pub mod deliveries;
pub mod diagnose;
pub mod events;
pub mod faults;
pub mod form;
pub mod overview;
pub mod webhook;
pub mod webhook_changes;
pub mod webhooks;

use actix_web::web;
use maud::{Markup, html};

use super::visit::Visitor;
use crate::domain::Scope;

/// The pages.
pub fn pages(config: &mut web::ServiceConfig) {
    config
        .service(overview::page)
        .service(clients::list)
        .service(client::page)
        .service(client_changes::add_key)
        .service(client_changes::put_addresses)
        .service(client_changes::ask_end)
        .service(client_changes::end_key)
        .service(client_changes::ask_rotate)
        .service(client_changes::rotate)
        .service(webhooks::list)
        .service(webhooks::add)
        .service(webhook::page)
        .service(webhook_changes::change)
        .service(webhook_changes::set_state)
        .service(webhook_changes::try_out)
        .service(webhook_changes::replay)
        .service(webhook_changes::ask_rotate)
        .service(webhook_changes::rotate)
        .service(webhook_changes::ask_delete)
        .service(webhook_changes::delete)
        .service(events::list)
        .service(diagnose::page)
        .service(diagnose::diagnose);
}

/// Each page: path, name, and the scope that one needs.
const PLACES: &[(&str, &str, Scope)] = &[
    ("/developers", "Overview", Scope::UsageRead),
    ("/developers/clients", "Clients", Scope::ClientsManage),
    ("/developers/webhooks", "Webhooks", Scope::WebhooksManage),
    ("/developers/events", "Events", Scope::EventsRead),
    ("/developers/diagnose", "Diagnose a request", Scope::UsageRead),
];

/// The way from each of these pages to the others.
fn ways(visitor: &Visitor) -> Markup {
    let is_here = |path: &str| match path {
        "/developers" => visitor.path == path,
        _ => visitor.path.starts_with(path),
    };
    html! {
        nav.sub aria-label="For developers" {
            @for (path, name, scope) in PLACES {
                @if visitor.may(*scope) {
                    a href=(visitor.link(path)) aria-current=[is_here(path).then_some("page")] { (name) } " "
                }
            }
            a href="/docs" { "API reference" }
        }
    }
}
