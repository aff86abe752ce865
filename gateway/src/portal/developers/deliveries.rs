//! What an endpoint was told: each attempt, what was answered, and telling it again.

use maud::{Markup, html};
use serde_json::Value;

use super::form::Once;
use crate::portal::{
    parts::{
        fact,
        json::{rows, text},
        state::{self, Tone, badge},
        table::framed,
        time,
    },
    visit::Visitor,
};

/// The parameter that says where a page of attempts begins.
pub const BEFORE: &str = "before";

fn state_of(attempt: &Value) -> Markup {
    match text(&attempt["state"]) {
        "succeeded" => badge(Tone::Good, "taken"),
        "failed" => badge(Tone::Bad, "failed"),
        "ordered" => badge(Tone::Plain, "on its way"),
        other => badge(Tone::Plain, other),
    }
}

/// The attempts of an endpoint, whose page is at `own`.
#[must_use]
pub fn draw(visitor: &Visitor, once: &Once, attempts: &Value, own: &str) -> Markup {
    let rows = rows(attempts);
    let is_later = visitor.query.get(BEFORE).is_some();
    if rows.is_empty() && !is_later {
        return state::empty(
            "It was told nothing in the last 30 days.",
            &html! { "Send a test message to see whether it answers." },
        );
    }
    html! {
        (framed("Attempts, the newest first", &html! {
            thead { tr {
                th scope="col" { "When" } th scope="col" { "Event" } th scope="col" { "Type" } th.num scope="col" { "Attempt" }
                th scope="col" { "Outcome" } th.num scope="col" { "Status" } th.num scope="col" { "Took" }
                th scope="col" { "What was answered" } th scope="col" { "Again" }
            } }
            tbody { @for attempt in rows { (row(visitor, once, attempt, own)) } }
        }))
        nav.pager aria-label="Pages of this list" {
            span.soft { (rows.len()) " attempts" }
            @if is_later { a href=(visitor.link(own)) { "The newest" } }
            @if let Some(next) = attempts["next_before"].as_str() {
                a rel="next" href=(visitor.link(&format!("{own}?{BEFORE}={next}"))) { "Earlier ones" }
            }
        }
    }
}

fn row(visitor: &Visitor, once: &Once, attempt: &Value, own: &str) -> Markup {
    let event = attempt["event"].as_str();
    let answer = text(&attempt["answer"]);
    html! {
        tr {
            td { (time::instant(text(&attempt["at"]))) }
            td { @if let Some(event) = event { (fact::copyable(event)) } }
            td { (text(&attempt["type"])) }
            td.num { @if let Some(number) = attempt["number"].as_i64() { (number) } }
            td { (state_of(attempt)) }
            td.num { @if let Some(status) = attempt["status"].as_i64() { (status) } }
            td.num { @if let Some(took) = attempt["took_ms"].as_i64() { (took) " ms" } }
            td {
                @if let Some(error) = attempt["error"].as_str() { span.bad { (error) } " " }
                @if !answer.is_empty() { details { summary { "Answer" } pre tabindex="0" { (answer) } } }
            }
            td {
                @if let Some(event) = event {
                    form method="post" action=(visitor.link(&format!("{own}/replay"))) {
                        (once.field(&format!("event-{event}")))
                        input type="hidden" name="event" value=(event);
                        button.plain aria-label=(format!("Send again: event {event}")) { "Send again" }
                    }
                }
            }
        }
    }
}
