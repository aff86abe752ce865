//! Amounts that are added to a figure by hand: the list of them, and proposing one.

use actix_web::{Either, get, post, web};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::{
    form::{self, Answered, Line, Once},
    words,
};
use crate::{
    domain::Scope,
    portal::{
        form::Typed,
        layout::{self, Page},
        parts::{
            fact,
            json::text,
            money::decimal_in,
            state::{Tone, badge},
            time,
        },
        query::Query,
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
};

/// The form.
#[get("/reports/{id}/adjustments/new")]
pub async fn page(visit: Visit, once: Once, id: web::Path<String>) -> Result<Page, Trouble> {
    form::allow(&visit)?;
    drawn(&visit, &once, &id, &visit.query, None).await
}

/// The proposal.
#[post("/reports/{id}/adjustments/new")]
pub async fn propose(
    visit: Visit,
    once: Once,
    id: web::Path<String>,
    Typed(given): Typed,
) -> Result<Answered, Trouble> {
    let body = json!({
        "figure": given.get("figure").unwrap_or_default().trim(),
        "amount": given.get("amount").unwrap_or_default().trim(),
        "reason": given.get("reason").unwrap_or_default(),
    });
    match form::send(&visit, &format!("{}/adjustments", words::report_at(&id)), &given, &body).await {
        Ok(_) => Ok(form::see(&visit, &format!("/reports/{id}?done=proposed"))),
        Err(trouble) if trouble.is_about_input() => {
            Ok(Either::Right(drawn(&visit, &once, &id, &given, Some(&trouble)).await?))
        }
        Err(trouble) => Err(trouble),
    }
}

async fn drawn(
    visit: &Visit,
    once: &Once,
    id: &str,
    given: &Query,
    trouble: Option<&Trouble>,
) -> Result<Page, Trouble> {
    let report = visit.get(&words::report_at(id)).await?;
    let main = html! {
        (words::up(&words::report_link(visit, &report), &words::title(&report)))
        h1 { "Propose an adjustment" }
        (form::fault(trouble))
        p {
            "The amount is added to one figure, and to those that are made of it, in every version that is ordered \
             after somebody else has approved it. It is on the ledger, with who proposed and who approved it, and is \
             shown among what makes the figure."
        }
        form.sheet method="post" action=(visit.link(&format!("/reports/{id}/adjustments/new"))) {
            (once.field("proposal"))
            (Line {
                name: "figure",
                label: "Figure",
                hint: "Its name, as the newest version has it; one that records make, not one that is made of others.",
                required: true,
                max: 200,
            }.draw(given))
            (Line {
                name: "amount",
                label: "Amount",
                hint: "In the figure's unit, such as 12.50; with a minus, what is to be taken away.",
                required: true,
                max: 20,
            }.draw(given))
            (Line { name: "reason", label: "Why", hint: "", required: true, max: 500 }.draw(given))
            div.actions {
                button { "Propose it" }
                a href=(words::report_link(visit, &report)) { "Leave it" }
            }
        }
    };
    Ok(layout::page(visit, &format!("Propose an adjustment: {}", words::title(&report)), &main))
}

/// How an adjustment stands.
pub(super) fn state(adjustment: &Value) -> Markup {
    match text(&adjustment["state"]) {
        "approved" => badge(Tone::Good, "Approved"),
        "declined" => badge(Tone::Plain, "Declined"),
        "proposed" => badge(Tone::Warn, "To be decided"),
        other => badge(Tone::Plain, other),
    }
}

/// Whether somebody proposed an adjustment himself, so that he can't decide on it.
pub(super) fn is_own(visitor: &Visitor, adjustment: &Value) -> bool {
    adjustment["proposed_by"] == visitor.session.user.to_string()
}

/// A report's adjustments.
pub(super) fn table(visitor: &Visitor, report: &Value, adjustments: &[Value]) -> Markup {
    if adjustments.is_empty() {
        return html! { p.soft { "None was proposed: its figures are what the records make." } };
    }
    html! {
        div.scroll role="region" aria-label="Adjustments" tabindex="0" {
            table {
                caption { "Adjustments, the oldest first" }
                thead { tr {
                    th scope="col" { "Figure" } th.num scope="col" { "Adds" } th scope="col" { "Why" }
                    th scope="col" { "State" } th scope="col" { "Proposed" } th scope="col" { "Decided" }
                } }
                tbody { @for adjustment in adjustments { (row(visitor, report, adjustment)) } }
            }
        }
    }
}

fn row(visitor: &Visitor, report: &Value, adjustment: &Value) -> Markup {
    let decide =
        visitor.link(&format!("/reports/{}/adjustments/{}", text(&report["id"]), text(&adjustment["id"])));
    let is_open = adjustment["state"] == "proposed" && visitor.may(Scope::ReportsWrite);
    html! {
        tr {
            td { (text(&adjustment["figure"])) }
            td.num { (decimal_in(text(&adjustment["amount"]), text(&adjustment["unit"]))) }
            td { (text(&adjustment["reason"])) }
            td { (state(adjustment)) }
            td { (step(visitor, adjustment, ["created_at", "proposed_by", "seq"])) }
            td {
                @if is_open && is_own(visitor, adjustment) { "Somebody else decides: you proposed it" }
                @else if is_open { a href=(decide) { "Decide" } }
                @else { (step(visitor, adjustment, ["decided_at", "decided_by", "decided_seq"])) }
            }
        }
    }
}

/// When, by whom and in which entry something was done to an adjustment.
fn step(visitor: &Visitor, adjustment: &Value, [at, by, seq]: [&str; 3]) -> Markup {
    let Some(at) = adjustment[at].as_str() else { return html! {} };
    html! { (time::instant(at)) " by " (fact::short(text(&adjustment[by]))) ", " (words::entry(visitor, &adjustment[seq])) }
}
