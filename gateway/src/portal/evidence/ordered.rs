//! The bundles that were ordered, and how far those are that are being prepared.

use maud::{Markup, html};
use serde_json::Value;

use super::range;
use crate::{
    domain::Scope,
    portal::{
        parts::{
            fact,
            json::text,
            money::grouped,
            state::{self, Tone, badge},
            table, time,
        },
        query::segment,
        visit::Visitor,
    },
};

/// After so many seconds a script looks again, while one is being prepared.
const AGAIN_S: &str = "3";

/// The list, the last ordered first.
pub(super) fn draw(visitor: &Visitor, orders: &Value) -> Markup {
    let rows = orders["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    if rows.is_empty() {
        return state::empty("None was ordered yet.", &html! { "Choose a period above: it takes a moment." });
    }
    let is_waiting = rows.iter().any(|bundle| bundle["state"] == "preparing");
    html! {
        div #ordered data-again=[is_waiting.then_some(AGAIN_S)] {
            div.scroll role="region" aria-label="Bundles" tabindex="0" {
                table {
                    caption { "Evidence bundles, the last ordered first" }
                    thead { tr {
                        th scope="col" { "Ordered" } th scope="col" { "Bundle" } th.num scope="col" { "Entries" }
                        th scope="col" { "State" } th scope="col" { "By" } th.num scope="col" { "Entry" }
                    } }
                    tbody { @for bundle in rows { (row(visitor, bundle)) } }
                }
            }
            @if is_waiting { p { a href=(visitor.query.at(&visitor.path)) { "Look again" } } }
            (table::pager(visitor, &orders["page"], rows.len()))
        }
    }
}

fn row(visitor: &Visitor, bundle: &Value) -> Markup {
    let (id, seq) = (text(&bundle["id"]), text(&bundle["seq"]));
    let entries = range(bundle).map(|(from, to)| grouped(&to.saturating_sub(from).to_string()));
    html! {
        tr {
            td { (time::instant(text(&bundle["created_at"]))) }
            td { a href=(visitor.link(&format!("/evidence/{}", segment(id)))) { (id) } }
            td.num { (entries.unwrap_or_default()) }
            td { (standing(bundle)) }
            td { @if let Some(by) = bundle["ordered_by"].as_str() { (fact::short(by)) } }
            td.num {
                @if visitor.may(Scope::LedgerRead) { a href=(visitor.link(&format!("/audit/{seq}"))) { (seq) } }
                @else { (seq) }
            }
        }
    }
}

/// How one stands.
fn standing(bundle: &Value) -> Markup {
    match text(&bundle["state"]) {
        "ready" => badge(Tone::Good, "ready"),
        "preparing" => html! { (badge(Tone::Plain, "preparing")) " " (progress(bundle)) },
        _ => badge(Tone::Bad, "failed"),
    }
}

/// How far one is that is being prepared.
pub(super) fn progress(bundle: &Value) -> Markup {
    let percent = bundle["percent_done"].as_u64().unwrap_or_default();
    html! { progress aria-label="Being prepared" max="100" value=(percent) {} " " (percent) " %" }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_that_is_being_prepared_says_how_far_it_is() {
        let stands = |state: &str| standing(&json!({"state": state, "percent_done": 40})).0;
        assert!(
            stands("preparing").contains("max=\"100\" value=\"40\"") && stands("preparing").contains("40 %")
        );
        assert!(!stands("ready").contains('%') && stands("failed").contains("failed"));
    }
}
