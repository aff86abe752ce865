//! What the pages of reports share: how they ask, and words for what the API tells.

use maud::{Markup, html};
use serde_json::Value;

use crate::{
    domain::Scope,
    portal::{
        parts::{
            json::{rows, text},
            money::grouped,
            state::{Tone, badge},
        },
        query::{Query, segment},
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
};

/// Where the API has a report.
pub(super) fn report_at(id: &str) -> String {
    format!("/v1/reports/{}", segment(id))
}

/// Where the API has a version.
pub(super) fn version_at(id: &str, n: &str) -> String {
    format!("{}/versions/{}", report_at(id), segment(n))
}

/// A page of a list of the API, from where a cursor points.
pub(super) fn list_at(path: &str, limit: usize, cursor: Option<&str>) -> String {
    let asked = Query::default().with("limit", limit.to_string());
    match cursor {
        Some(cursor) => asked.with("cursor", cursor),
        None => asked,
    }
    .at(path)
}

/// What the API tells as a number or a text, as text.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A count, grouped.
pub(super) fn count(value: &Value) -> String {
    grouped(&plain(value))
}

/// The types of reports that are made here.
pub(super) async fn types(visit: &Visit) -> Result<Value, Trouble> {
    visit.get("/v1/report-types").await
}

/// The type of this name; none where reports of it are deposited.
pub(super) fn definition<'a>(types: &'a Value, kind: &Value) -> Option<&'a Value> {
    rows(types).iter().find(|of| of["name"] == *kind)
}

/// Whether a list of the API's names this word.
pub(super) fn names(list: &Value, word: &str) -> bool {
    list.as_array().into_iter().flatten().any(|name| name == word)
}

/// The name of a type or of a parameter, for people.
pub(super) fn type_name(kind: &str) -> String {
    let words = kind.split('-').map(|word| match word {
        "bic" | "cesop" | "lei" | "psp" | "sepa" => word.to_ascii_uppercase(),
        _ => word.to_owned(),
    });
    let name = words.collect::<Vec<_>>().join(" ");
    let mut letters = name.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// What a report is called.
pub(super) fn title(report: &Value) -> String {
    format!("{}, {}", type_name(text(&report["type"])), text(&report["period"]))
}

/// Where a report's page is.
pub(super) fn report_link(visitor: &Visitor, report: &Value) -> String {
    visitor.link(&format!("/reports/{}", text(&report["id"])))
}

/// How a version stands to the ones before.
pub(super) fn kind(kind: &Value) -> &str {
    match text(kind) {
        "new" => "New",
        "correction" => "Correction",
        "cancellation" => "Cancellation",
        "nothing_to_report" => "Nothing to report",
        other => other,
    }
}

/// What became of a version.
pub(super) fn state(version: &Value) -> Markup {
    match text(&version["state"]) {
        "ready" => badge(Tone::Good, "Ready"),
        "refused" => badge(Tone::Bad, "Refused: it has errors"),
        "failed" => badge(Tone::Bad, "Failed"),
        "producing" => badge(Tone::Warn, "Being made"),
        other => badge(Tone::Plain, other),
    }
}

/// Whether a version is made, so that there is something to show of it.
pub(super) fn is_made(version: &Value) -> bool {
    matches!(text(&version["state"]), "ready" | "refused")
}

/// A validator's verdict.
pub(super) fn verdict(verdict: &Value) -> Markup {
    match text(verdict) {
        "passed" => badge(Tone::Good, "Passed"),
        "failed" => badge(Tone::Bad, "Failed"),
        other => badge(Tone::Plain, other),
    }
}

/// How many errors or warnings there are: seen where there are any.
pub(super) fn found(number: &Value, tone: &'static str) -> Markup {
    match number.as_i64() {
        None => html! {},
        Some(0) => html! { "0" },
        Some(_) => html! { strong class=(tone) { (count(number)) } },
    }
}

/// An entry of the ledger, with the way to it for those who may see it.
pub(super) fn entry(visitor: &Visitor, seq: &Value) -> Markup {
    let Some(seq) = seq.as_str() else { return html! {} };
    html! {
        @if visitor.may(Scope::LedgerRead) {
            a href=(visitor.link(&format!("/audit/{seq}"))) { "entry " (seq) }
        } @else {
            "entry " (seq)
        }
    }
}

/// What a report was told besides its type and period.
pub(super) fn parameters(report: &Value) -> Option<Markup> {
    let told = report["parameters"].as_object().filter(|told| !told.is_empty())?;
    Some(html! {
        @for (at, (name, value)) in told.iter().enumerate() {
            @if at > 0 { ", " }
            code { (name) } " " (plain(value))
        }
    })
}

/// Pages on in one of several lists on a page, each by a parameter of its own.
pub(super) fn more(visitor: &Visitor, name: &str, answer: &Value, of: &str) -> Markup {
    let next = answer["page"]["next_cursor"].as_str();
    let is_further = visitor.query.get(name).is_some();
    html! {
        @if next.is_some() || is_further {
            p.pager {
                @if is_further { a href=(visitor.query.without(&[name]).at(&visitor.path)) { "First " (of) } }
                @if let Some(next) = next {
                    a href=(visitor.query.with(name, next).at(&visitor.path)) { "More " (of) }
                }
            }
        }
    }
}

/// The way back up.
pub(super) fn up(to: &str, name: &str) -> Markup {
    html! { p { a href=(to) { "← " (name) } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_names_for_people() {
        assert_eq!(type_name("account-statement"), "Account statement");
        assert_eq!(type_name("cesop-payment-data"), "CESOP payment data");
        assert_eq!(type_name(""), "");
    }
}
