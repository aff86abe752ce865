//! Deciding on an adjustment that somebody else proposed.

use actix_web::{Either, get, post, web};
use futures_util::future::try_join;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::{
    adjust,
    form::{self, Answered, Once},
    words,
};
use crate::{
    error::Problem,
    portal::{
        form::Typed,
        layout::{self, Page},
        parts::{
            fact,
            json::text,
            money::decimal_in,
            state::{self, Tone},
            time,
        },
        query::segment,
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
};

/// Where the API has an adjustment.
fn adjustment_at(report: &str, id: &str) -> String {
    format!("{}/adjustments/{}", words::report_at(report), segment(id))
}

/// What is to be decided.
#[get("/reports/{id}/adjustments/{adjustment}")]
pub async fn page(visit: Visit, once: Once, path: web::Path<(String, String)>) -> Result<Page, Trouble> {
    form::allow(&visit)?;
    drawn(&visit, &once, &path, None).await
}

/// The decision.
#[post("/reports/{id}/adjustments/{adjustment}")]
pub async fn decide(
    visit: Visit,
    once: Once,
    path: web::Path<(String, String)>,
    Typed(given): Typed,
) -> Result<Answered, Trouble> {
    let (id, adjustment) = &*path;
    let (approve, done) = match given.get("decision") {
        Some("approve") => (true, "approved"),
        Some("decline") => (false, "declined"),
        _ => {
            let detail = "say whether it is approved or declined; nothing was done yet";
            let trouble = Trouble::Own(Problem::member("/decision", "required", detail));
            return Ok(Either::Right(drawn(&visit, &once, &path, Some(&trouble)).await?));
        }
    };
    let target = adjustment_at(id, adjustment) + "/decision";
    match form::send(&visit, &target, &given, &json!({"approve": approve})).await {
        Ok(_) => Ok(form::see(&visit, &format!("/reports/{id}?done={done}"))),
        Err(trouble) if trouble.is_about_input() => {
            Ok(Either::Right(drawn(&visit, &once, &path, Some(&trouble)).await?))
        }
        Err(trouble) => Err(trouble),
    }
}

async fn drawn(
    visit: &Visit,
    once: &Once,
    (id, adjustment): &(String, String),
    trouble: Option<&Trouble>,
) -> Result<Page, Trouble> {
    let (report, adjustment) = (words::report_at(id), adjustment_at(id, adjustment));
    let (report, adjustment) = try_join(visit.get(&report), visit.get(&adjustment)).await?;
    let main = html! {
        (words::up(&words::report_link(visit, &report), &words::title(&report)))
        h1 { "Decide on an adjustment" }
        (form::fault(trouble))
        p.figure { (decimal_in(text(&adjustment["amount"]), text(&adjustment["unit"]))) }
        (facts(visit, &adjustment))
        @if adjustment["state"] != "proposed" {
            (state::notice(Tone::Plain, "It is decided. To take an approved one back, propose the opposite amount."))
        } @else if adjust::is_own(visit, &adjustment) {
            (state::notice(Tone::Warn, "You proposed it, so somebody else decides on it."))
        } @else {
            (decision(visit, once, &report, &adjustment))
        }
    };
    Ok(layout::page(visit, &format!("Decide on an adjustment: {}", words::title(&report)), &main))
}

fn facts(visitor: &Visitor, adjustment: &Value) -> Markup {
    fact::list(&[
        ("Figure", adjustment["figure"].as_str().map(|name| html! { (name) })),
        ("Why", adjustment["reason"].as_str().map(|reason| html! { (reason) })),
        ("State", Some(adjust::state(adjustment))),
        ("Proposed", adjustment["created_at"].as_str().map(time::instant)),
        ("Proposed by", adjustment["proposed_by"].as_str().map(fact::copyable)),
        ("Recorded as", adjustment["seq"].is_string().then(|| words::entry(visitor, &adjustment["seq"]))),
        ("Decided", adjustment["decided_at"].as_str().map(time::instant)),
        ("Decided by", adjustment["decided_by"].as_str().map(fact::copyable)),
    ])
}

fn decision(visitor: &Visitor, once: &Once, report: &Value, adjustment: &Value) -> Markup {
    let action = format!("/reports/{}/adjustments/{}", text(&report["id"]), text(&adjustment["id"]));
    html! {
        form.sheet method="post" action=(visitor.link(&action)) {
            (once.field("decision"))
            p {
                "Approved, it is added to the figure in every version that is ordered from now on; versions that \
                 there are stay as they are. A decision stands on the ledger under your name, and can't be changed."
            }
            fieldset {
                legend { "Decision" }
                label { input type="radio" name="decision" value="approve" required; " Approve it" }
                br;
                label { input type="radio" name="decision" value="decline" required; " Decline it" }
            }
            div.actions {
                button { "Record the decision" }
                a href=(words::report_link(visitor, report)) { "Leave it" }
            }
        }
    }
}
