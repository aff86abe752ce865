//! For the provider's operators: institutions with their clients, plans, feeds, ledgers, and how the service does.
//!
//! All of it comes from the admin API, and is on the provider's own log. What is in an institution's records is on
//! other pages, which name the institution.

pub mod age;
pub mod client;
pub mod client_changes;
pub mod client_new;
pub mod feeds;
pub mod incidents;
pub mod institution;
pub mod institutions;
pub mod ledgers;
pub mod overview;
pub mod plans;

use actix_web::web;
use maud::{Markup, html};
use serde_json::Value;

use super::{
    parts::{
        json::{self, text},
        number::counted,
    },
    trouble::Trouble,
    visit::{Visit, Visitor},
};

/// The parameter that says where a page of a list begins.
const AFTER: &str = "after";
/// Pages of a list that are read where all of it is looked at.
const PAGES_MAX: usize = 20;

/// The pages.
pub fn pages(config: &mut web::ServiceConfig) {
    config
        .service(overview::page)
        .service(institutions::list)
        .service(institutions::add)
        .service(institution::page)
        .service(institution::change_plan)
        .service(client_new::page)
        .service(client_new::add)
        .service(client::page)
        .service(client_changes::bind)
        .service(client_changes::put_addresses)
        .service(client_changes::ask_revoke)
        .service(client_changes::revoke)
        .service(plans::list)
        .service(plans::put)
        .service(feeds::list)
        .service(ledgers::list)
        .configure(incidents::pages);
}

/// Each page: path and name.
const PLACES: &[(&str, &str)] = &[
    ("/ops", "Overview"),
    ("/ops/institutions", "Institutions"),
    ("/ops/plans", "Plans"),
    ("/ops/feeds", "Feeds"),
    ("/ops/ledgers", "Ledgers"),
    ("/ops/incidents", "Incidents"),
];

/// The way from each of these pages to the others.
pub(super) fn ways(visitor: &Visitor) -> Markup {
    let is_here = |path: &str| match path {
        "/ops" => visitor.path == path,
        _ => visitor.path.starts_with(path),
    };
    html! {
        nav.sub aria-label="Operations" {
            @for (path, name) in PLACES {
                a href=(visitor.link(path)) aria-current=[is_here(path).then_some("page")] { (name) } " "
            }
        }
    }
}

/// All rows of a list, or as many as are looked at.
struct All {
    rows: Vec<Value>,
    /// Whether there are more.
    more: bool,
}

/// Reads a list page by page.
async fn all(visit: &Visit, target: &str) -> Result<All, Trouble> {
    let (mut rows, mut next) = (Vec::new(), Some(target.to_owned()));
    for _ in 0..PAGES_MAX {
        let Some(asked) = next.take() else { break };
        let page = visit.get(&asked).await?;
        rows.extend_from_slice(json::rows(&page));
        let joint = if target.contains('?') { '&' } else { '?' };
        next = page["next_after"].as_str().map(|after| format!("{target}{joint}{AFTER}={after}"));
    }
    Ok(All { rows, more: next.is_some() })
}

/// Pages on, as the admin API's lists do.
fn pager(visitor: &Visitor, path: &str, rows: usize, answer: &Value) -> Markup {
    html! {
        nav.pager aria-label="Pages of this list" {
            span.soft { (counted(rows, "row")) }
            @if visitor.query.get(AFTER).is_some() { a href=(visitor.link(path)) { "First page" } }
            @if let Some(next) = answer["next_after"].as_str() {
                a rel="next" href=(visitor.link(&format!("{path}?{AFTER}={next}"))) { "Next page" }
            }
        }
    }
}

/// The choice of a plan.
fn plan_field(plans: &Value, chosen: &str) -> Markup {
    html! {
        label.field {
            span { "Plan" }
            select name="plan" {
                @for plan in json::rows(plans) {
                    @let name = text(&plan["name"]);
                    option value=(name) selected[name == chosen] { (name) }
                }
            }
        }
    }
}
