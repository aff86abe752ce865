//! What changed between two versions of a report: the figures whose values differ, and those of one alone.

use std::collections::{HashMap, HashSet};

use actix_web::{get, web};
use futures_util::future::try_join;
use maud::{Markup, html};
use serde_json::Value;

use super::{decimal::Decimal, words};
use crate::{
    domain::Scope,
    error::{Code, Problem},
    portal::{
        layout::{self, Page},
        parts::{
            json::text,
            money::{decimal_in, grouped},
            state::{self, Tone},
        },
        query::Query,
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
};

/// Figures that are read at a time.
const READ: usize = 500;
/// The most figures of a version that are compared: beyond, they are to be narrowed down by their names.
const FIGURES_MAX: usize = 10_000;
/// The most differences that are shown.
const SHOWN: usize = 200;

/// A figure that is not the same in both versions, as each has it.
#[derive(Clone, Copy, Debug)]
struct Change<'a> {
    from: Option<&'a Value>,
    to: Option<&'a Value>,
}

/// The page.
#[get("/reports/{id}/compare")]
pub async fn page(visit: Visit, id: web::Path<String>) -> Result<Page, Trouble> {
    let report = visit.get(&words::report_at(&id)).await?;
    let newest = report["newest"]["n"].as_u64().unwrap_or(1);
    let (from, to) = (number(&visit.query, "from", newest.max(2) - 1)?, number(&visit.query, "to", newest)?);
    let title = format!("{}: versions {from} and {to}", words::title(&report));
    let body = match from == to {
        true => alone(newest),
        false => compared(&visit, &id, from, to).await?,
    };
    let main = html! {
        (words::up(&words::report_link(&visit, &report), &words::title(&report)))
        h1 { (title) }
        (filters(&visit, newest, from, to))
        (body)
    };
    Ok(layout::page(&visit, &title, &main))
}

/// The number of a version that is asked for.
fn number(query: &Query, name: &str, otherwise: u64) -> Result<u64, Problem> {
    let Some(told) = query.get(name) else { return Ok(otherwise) };
    let number = told.parse::<u32>().ok().filter(|number| *number > 0);
    number
        .map(u64::from)
        .ok_or_else(|| Problem::parameter(name, "invalid_value", "a version's number, from 1"))
}

fn filters(visitor: &Visitor, newest: u64, from: u64, to: u64) -> Markup {
    let version = |name: &str, label: &str, value: u64| {
        html! {
            label.field {
                span { (label) }
                input type="number" name=(name) min="1" max=(newest) value=(value) required;
            }
        }
    };
    html! {
        form.filters method="get" action=(visitor.path) {
            (layout::keep(visitor))
            (version("from", "From version", from))
            (version("to", "To version", to))
            label.field {
                span { "Name begins with" }
                input type="text" name="prefix" value=[visitor.query.get("prefix")] maxlength="200" autocomplete="off";
            }
            div.actions { button { "Compare" } }
        }
    }
}

async fn compared(visit: &Visit, id: &str, from: u64, to: u64) -> Result<Markup, Trouble> {
    let at = |n: u64| words::version_at(id, &n.to_string());
    let (before, after) = (at(from), at(to));
    let (old, new) = try_join(visit.get(&before), visit.get(&after)).await?;
    let heads = html! { (versions(visit, id, [&old, &new])) };
    let body = match [&old, &new].into_iter().find(|version| !words::is_made(version)) {
        Some(version) => html! {
            p { "Version " (version["n"]) " has no figures to compare: " (words::state(version)) }
        },
        // The hash is of the whole list, so nothing need be read to know.
        None if old["figures_sha256"].is_string() && old["figures_sha256"] == new["figures_sha256"] => same(),
        None => match try_join(figures(visit, &before), figures(visit, &after)).await {
            Ok((old, new)) => differences(visit, id, [from, to], &changes(&old, &new), &old),
            Err(trouble) if trouble.is_about_input() => state::notice(Tone::Bad, trouble.detail()),
            Err(trouble) => return Err(trouble),
        },
    };
    Ok(html! { (heads) (body) })
}

/// There is nothing to compare.
fn alone(newest: u64) -> Markup {
    let then = if newest < 2 { "The report has one version so far." } else { "Choose two." };
    state::empty("A version does not differ from itself.", &html! { (then) })
}

fn same() -> Markup {
    state::notice(Tone::Good, "Every figure is the same in both versions.")
}

/// How the two versions stand.
fn versions(visitor: &Visitor, id: &str, versions: [&Value; 2]) -> Markup {
    html! {
        div.scroll role="region" aria-label="The two versions" tabindex="0" {
            table {
                caption { "The two versions" }
                thead { tr {
                    th scope="col" { "Version" } th scope="col" { "State" } th scope="col" { "Kind" }
                    th scope="col" { "Why" } th scope="col" { "As of" } th.num scope="col" { "Figures" }
                    th.num scope="col" { "Errors" } th.num scope="col" { "Warnings" }
                } }
                tbody {
                    @for version in versions {
                        @let to = visitor.link(&format!("/reports/{id}/versions/{}", version["n"]));
                        tr {
                            td { a href=(to) { "Version " (version["n"]) } }
                            td { (words::state(version)) }
                            td { (words::kind(&version["kind"])) }
                            td { (text(&version["reason"])) }
                            td { (words::entry(visitor, &version["as_of"])) }
                            td.num { (words::count(&version["figures"])) }
                            td.num { (words::found(&version["errors"], "bad")) }
                            td.num { (words::found(&version["warnings"], "warn")) }
                        }
                    }
                }
            }
        }
    }
}

/// Every figure of a version whose name begins as asked; a problem where there are too many to compare all of them.
async fn figures(visit: &Visit, version: &str) -> Result<Vec<Value>, Trouble> {
    let first = visit.query.only(&["prefix"]).with("limit", READ.to_string());
    let path = format!("{version}/figures");
    let mut asked = first.clone();
    let mut figures = Vec::new();
    loop {
        let mut answer = visit.get(&asked.at(&path)).await?;
        if let Value::Array(rows) = answer["data"].take() {
            figures.extend(rows);
        }
        let Some(cursor) = answer["page"]["next_cursor"].as_str() else { return Ok(figures) };
        if figures.len() >= FIGURES_MAX {
            let detail = format!(
                "there are more than {FIGURES_MAX} figures: say how the names begin of those that are to be compared"
            );
            return Err(Problem::new(Code::Conflict, detail).into());
        }
        asked = first.with("cursor", cursor);
    }
}

/// What is not the same in both, in the order of the later version; what only the earlier one has comes last.
fn changes<'a>(from: &'a [Value], to: &'a [Value]) -> Vec<Change<'a>> {
    let before: HashMap<&str, &Value> = from.iter().map(|figure| (text(&figure["name"]), figure)).collect();
    let after: HashSet<&str> = to.iter().map(|figure| text(&figure["name"])).collect();
    let differs = |one: &Value, other: &Value| {
        one["unit"] != other["unit"] || (one["value"] != other["value"] && !is_same(one, other))
    };
    let mut changes = Vec::new();
    for figure in to {
        match before.get(text(&figure["name"])).copied() {
            Some(old) if !differs(old, figure) => {}
            old => changes.push(Change { from: old, to: Some(figure) }),
        }
    }
    let gone = from.iter().filter(|figure| !after.contains(text(&figure["name"])));
    changes.extend(gone.map(|figure| Change { from: Some(figure), to: None }));
    changes
}

/// Whether two values are the same number, however they are written.
fn is_same(one: &Value, other: &Value) -> bool {
    difference(one, other).is_some_and(Decimal::is_zero)
}

/// By how much a figure's value grew; none where that can't be said exactly.
fn difference(from: &Value, to: &Value) -> Option<Decimal> {
    Decimal::parse(text(&to["value"]))?.minus(Decimal::parse(text(&from["value"]))?)
}

fn differences(
    visitor: &Visitor,
    id: &str,
    numbers: [u64; 2],
    changes: &[Change<'_>],
    from: &[Value],
) -> Markup {
    if changes.is_empty() {
        return match from.is_empty() {
            true => {
                state::empty("No figure fits.", &html! { "Clear the filter, or begin with another account." })
            }
            false => same(),
        };
    }
    let count = grouped(&changes.len().to_string());
    html! {
        h2 { "What changed" }
        p { strong { (count) } @if changes.len() == 1 { " figure is" } @else { " figures are" } " not the same in both."
            @if changes.len() > SHOWN { " The first " (SHOWN) " are shown; narrow them down by their names." } }
        div.scroll role="region" aria-label="What changed" tabindex="0" {
            table {
                caption { "Figures that are not the same in both versions" }
                thead { tr {
                    th scope="col" { "Figure" }
                    th.num scope="col" { "Version " (numbers[0]) } th.num scope="col" { "Version " (numbers[1]) }
                    th.num scope="col" { "Difference" }
                } }
                tbody {
                    @for change in changes.iter().take(SHOWN) {
                        tr {
                            td { (text(&change.to.or(change.from).unwrap_or(&Value::Null)["name"])) }
                            td.num { (value(visitor, id, numbers[0], change.from)) }
                            td.num { (value(visitor, id, numbers[1], change.to)) }
                            td.num { (grown(change)) }
                        }
                    }
                }
            }
        }
    }
}

/// A figure's value in a version, with the way to what makes it.
fn value(visitor: &Visitor, id: &str, n: u64, figure: Option<&Value>) -> Markup {
    let Some(figure) = figure else { return html! { span.soft { "not there" } } };
    let shown = decimal_in(text(&figure["value"]), text(&figure["unit"]));
    let to = visitor.link(&format!("/reports/{id}/versions/{n}/figures/{}", figure["position"]));
    html! { @if visitor.may(Scope::TransactionsRead) { a href=(to) { (shown) } } @else { (shown) } }
}

/// By how much a figure changed, where both have it in the same unit.
fn grown(change: &Change<'_>) -> Markup {
    let (Some(from), Some(to)) = (change.from, change.to) else { return html! {} };
    if from["unit"] != to["unit"] {
        return html! { span.soft { "another unit" } };
    }
    let Some(difference) = difference(from, to) else { return html! {} };
    let difference = difference.to_string();
    html! { @if !difference.starts_with('-') { "+" } (decimal_in(&difference, text(&to["unit"]))) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn figure(name: &str, value: &str) -> Value {
        json!({"name": name, "value": value, "unit": "EUR", "position": 0})
    }

    #[test]
    fn what_changed_came_or_went_is_told_and_nothing_else() {
        let from = [figure("a", "12.34"), figure("gone", "1.00"), figure("same", "7.00"), figure("b", "5")];
        let to = [figure("same", "7.00"), figure("new", "0.00"), figure("a", "12.43"), figure("b", "5.00")];
        let changes = changes(&from, &to);
        let names = |change: &Change<'_>| {
            let name = |figure: Option<&Value>| figure.map(|figure| text(&figure["name"]).to_owned());
            (name(change.from), name(change.to))
        };
        let told = |name: &str| Some(name.to_owned());
        assert_eq!(
            changes.iter().map(names).collect::<Vec<_>>(),
            [(None, told("new")), (told("a"), told("a")), (told("gone"), None)]
        );
        assert_eq!(difference(&from[0], &to[2]).unwrap().to_string(), "0.09");
    }

    #[test]
    fn another_unit_is_a_change_without_a_difference() {
        let from = [figure("a", "1.00")];
        let mut to = [figure("a", "1.00")];
        to[0]["unit"] = "CZK".into();
        let changes = changes(&from, &to);
        assert_eq!(changes.len(), 1);
        assert!(grown(&changes[0]).into_string().contains("another unit"));
    }
}
