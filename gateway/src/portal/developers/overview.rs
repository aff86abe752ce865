//! The overview: what is left of the limits, what was used, and what went wrong on whose side.

use actix_web::get;
use futures_util::future::try_join3;
use maud::{Markup, html};
use serde_json::Value;

use super::{chart, faults, ways};
use crate::portal::{
    layout::{self, Page},
    parts::{
        fact,
        json::{number, text},
        number::count,
        table::framed,
        time,
    },
    trouble::Trouble,
    visit::Visit,
};

/// The page.
#[get("/developers")]
pub async fn page(visit: Visit) -> Result<Page, Trouble> {
    let (limits, days, routes) = try_join3(
        visit.get("/v1/limits"),
        visit.get("/v1/usage?group_by=day"),
        visit.get("/v1/usage?group_by=route"),
    )
    .await?;
    let main = html! {
        h1 { "Developers" }
        (ways(&visit))
        h2 { "Limits now" }
        (left(&limits))
        h2 { "Usage, " (time::day(text(&days["from"]))) " to " (time::day(text(&days["to"]))) }
        (chart::usage(&days))
        p.soft {
            "Requests of the institution's clients with a valid token; people in the portal are not counted. Complete until "
            (time::instant(text(&days["complete_until"]))) "."
        }
        h2 { "What was refused or failed" }
        (faults::draw(&routes))
    };
    Ok(layout::page(&visit, "Developers", &main))
}

/// Whose a limit is.
fn whose(policy: &str) -> &str {
    match policy {
        "address" => "Your address, of all who call from it",
        "institution" => "The institution, all its clients together",
        "client" => "You; each client has as much of its own",
        other => other,
    }
}

/// What a limit has left, and what of it is used.
fn left(limits: &Value) -> Markup {
    let all = limits["limits"].as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        (fact::list(&[("Plan", limits["plan"].as_str().map(|plan| html! { (plan) }))]))
        (framed("Limits now, in units", &html! {
            thead { tr {
                th scope="col" { "Whose" } th.num scope="col" { "Used" } th.num scope="col" { "Left" }
                th.num scope="col" { "At once" } th.num scope="col" { "Back a second" } th.num scope="col" { "Full in" }
            } }
            tbody {
                @for limit in all {
                    @let (burst, remaining) = (number(&limit["burst"]), number(&limit["remaining"]));
                    tr {
                        td { (whose(text(&limit["policy"]))) }
                        td.num { (count((burst - remaining).max(0))) }
                        td.num { (count(remaining)) }
                        td.num { (count(burst)) }
                        td.num { (count(number(&limit["per_second"]))) }
                        td.num { (number(&limit["reset_s"])) " s" }
                    }
                }
            }
        }))
        p.soft { "A request must fit into each. Most cost 1 unit; the API reference and " code { "GET /v1/limits" } " name those that cost more." }
    }
}
