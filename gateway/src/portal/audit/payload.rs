//! What an entry commits to, drawn: looks and refusals as a table, other things as facts.

use maud::{Markup, html};
use serde_json::Value;

use super::{
    super::{parts::fact, visit::Visitor},
    looks::answer,
    names::Names,
    text, words,
};

/// Lines that are shown of a list; all of them are in the payload's bytes.
const LINES_MAX: usize = 200;
/// Characters of a payload that a page shows; all of it can be downloaded.
pub(super) const SHOWN_MAX: usize = 32 * 1024;

/// Those who are named in what is shown.
pub(super) fn actors(payload: &Value) -> impl Iterator<Item = &Value> {
    let lists = ["accesses", "denials"].into_iter().filter_map(|name| payload[name].as_array());
    lists.flatten().take(LINES_MAX).map(|line| &line["actor"])
}

/// The payload as a person reads it.
pub(super) fn draw(visitor: &Visitor, payload: &Value, names: &Names) -> Markup {
    for (name, caption) in [("accesses", "Looks"), ("denials", "Refusals")] {
        if let Some(lines) = payload[name].as_array() {
            return listed(visitor, lines, caption, names);
        }
    }
    facts(payload)
}

fn listed(visitor: &Visitor, lines: &[Value], caption: &str, names: &Names) -> Markup {
    html! {
        div.scroll role="region" aria-label=(caption) tabindex="0" {
            table {
                caption { (caption) ", as they came" }
                thead { tr {
                    th scope="col" { "Who" } th scope="col" { "At what" } th scope="col" { "Answer" }
                    th scope="col" { "Request" } th scope="col" { "Digest of the answer" }
                } }
                tbody {
                    @for line in lines.iter().take(LINES_MAX) {
                        tr {
                            @let who = text(&line["actor"]);
                            td { (words::actor(who, names.get(who).map(String::as_str))) }
                            td { (words::request(visitor, text(&line["method"]), text(&line["path"]))) }
                            td { (answer(line)) }
                            td { @if let Some(request) = line["request"].as_str() { (fact::short(request)) } }
                            td { @if let Some(digest) = line["digest"].as_str() { (fact::short(digest)) } }
                        }
                    }
                }
            }
        }
        @if lines.len() > LINES_MAX {
            p.soft { "The first " (LINES_MAX) " of " (lines.len()) ". Download the payload for all of them." }
        }
    }
}

/// Members of the payload; what has members itself stands as JSON.
fn facts(payload: &Value) -> Markup {
    let members = payload.as_object().into_iter().flatten();
    let facts: Vec<(&str, Option<Markup>)> = members
        .map(|(name, value)| {
            let shown = match value {
                Value::Null => None,
                Value::String(text) if text.chars().count() <= 500 => Some(html! { (text) }),
                Value::String(text) => Some(html! { (text.chars().take(500).collect::<String>()) "…" }),
                Value::Bool(_) | Value::Number(_) => Some(html! { (value.to_string()) }),
                Value::Array(list) if list.len() <= 50 && list.iter().all(Value::is_string) => {
                    Some(html! { (list.iter().map(text).collect::<Vec<_>>().join(", ")) })
                }
                Value::Array(_) | Value::Object(_) => {
                    let json = value.to_string();
                    let cut = json.chars().count() > 500;
                    let start: String = json.chars().take(500).collect();
                    Some(html! { code { (start) @if cut { "…" } } })
                }
            };
            (name.as_str(), shown)
        })
        .collect();
    html! {
        @if facts.is_empty() { p.soft { "It has no members." } }
        (fact::list(&facts))
    }
}
