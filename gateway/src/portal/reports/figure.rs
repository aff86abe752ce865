//! One figure, opened: how it comes about, and every record that makes it, added up.

use actix_web::{get, web};
use futures_util::future::try_join3;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::{adjust, decimal::Decimal, words};
use crate::{
    domain::{Currency, Scope, money::decimal_text},
    error::Problem,
    portal::{
        layout::{self, Page},
        parts::{
            fact,
            json::{rows, text},
            money::{decimal_in, grouped},
            number::counted,
            state::{self, Tone},
            time,
        },
        query::{Query, segment},
        trouble::Trouble,
        visit::{Visit, Visitor},
    },
};

/// Contributions on a page.
const ROWS: usize = 100;
/// Contributions that are read at a time.
const READ: usize = 500;
/// The most contributions that are read to show a page; the evidence bundle has all of them.
const READ_MAX: usize = 10_000;
/// Inputs that are shown.
const INPUTS: usize = 50;
/// The parameter that says which contribution a page begins with.
const FROM: &str = "from";

/// A figure, and its contributions from the first one on.
struct Opened {
    /// The figure, and those that it is made of.
    detail: Value,
    /// What contributes to it, each with the sum so far; none where it can't be added exactly.
    parts: Vec<(Value, Option<Decimal>)>,
    /// Whether that is all of them.
    is_whole: bool,
}

/// The page.
#[get("/reports/{id}/versions/{n}/figures/{position}")]
pub async fn page(visit: Visit, path: web::Path<(String, String, String)>) -> Result<Page, Trouble> {
    let (id, n, position) = &*path;
    let from = match visit.query.get(FROM).map(str::parse::<usize>) {
        None => 0,
        Some(Ok(from)) if from < READ_MAX => from,
        Some(_) => {
            let detail = format!("a contribution's number, below {READ_MAX}");
            return Err(Problem::parameter(FROM, "out_of_range", detail).into());
        }
    };
    let report = words::report_at(id);
    let adjustments = words::list_at(&format!("{report}/adjustments"), READ, None);
    let at = format!("{}/figures/{}", words::version_at(id, n), segment(position));
    let (report, adjustments, opened) =
        try_join3(visit.get(&report), visit.get(&adjustments), opened(&visit, &at, from + ROWS)).await?;
    let figure = &opened.detail["figure"];
    let name = text(&figure["name"]);
    let version = format!("/reports/{}/versions/{}", text(&report["id"]), segment(n));
    let up = format!("{}, version {n}", words::title(&report));
    let main = html! {
        (words::up(&visit.link(&version), &up))
        h1 { (name) }
        p.figure { (decimal_in(text(&figure["value"]), text(&figure["unit"]))) }
        (facts(figure))
        (inputs(&visit, &version, &opened.detail))
        h2 { "What makes it" }
        (sum(&opened, from))
        (contributions(&visit, &version, &opened, from))
        (pager(&visit, &opened, from))
        h2 { "Adjustments" }
        (adjustments_of(&visit, &report, figure, &adjustments))
    };
    Ok(layout::page(&visit, &format!("{name}: {up}"), &main))
}

/// The figure with its contributions up to one: those before are read too, so that the sum is of all of them.
async fn opened(visit: &Visit, at: &str, upto: usize) -> Result<Opened, Trouble> {
    let mut list = visit.get(&words::list_at(at, READ, None)).await?;
    let detail = json!({"figure": list["figure"].take(), "inputs": list["inputs"].take()});
    let mut parts = Vec::new();
    let mut sum = Some(Decimal::ZERO);
    loop {
        for part in taken(&mut list) {
            let amount = Decimal::parse(text(&part["amount"]));
            sum = sum.zip(amount).and_then(|(sum, amount)| sum.plus(amount));
            parts.push((part, sum));
        }
        let Some(cursor) = list["page"]["next_cursor"].as_str() else {
            return Ok(Opened { detail, parts, is_whole: true });
        };
        if parts.len() > upto || parts.len() >= READ_MAX {
            return Ok(Opened { detail, parts, is_whole: false });
        }
        list = visit.get(&words::list_at(at, READ, Some(cursor))).await?;
    }
}

/// The rows of an answer.
fn taken(answer: &mut Value) -> Vec<Value> {
    match answer["data"].take() {
        Value::Array(rows) => rows,
        _ => Vec::new(),
    }
}

fn facts(figure: &Value) -> Markup {
    let unit = text(&figure["unit"]);
    let minor = |value: &Value| {
        let amount = value.as_str()?.parse::<i128>().ok()?;
        let currency = Currency::parse(unit).ok();
        let places = currency.map_or(0, |currency| currency.exponent() as usize);
        Some(decimal_in(&decimal_text(amount, places), unit))
    };
    fact::list(&[
        ("How it comes about", figure["formula"].as_str().map(|formula| html! { (formula) })),
        (
            "Place in the document",
            figure["path"].as_str().filter(|path| !path.is_empty()).map(fact::copyable),
        ),
        ("Records of its own", Some(html! { (words::count(&figure["contributions"])) })),
        ("They add", minor(&figure["credit"])),
        ("They take away", minor(&figure["debit"])),
        ("Root of the sum tree", figure["root"].as_str().map(fact::short)),
    ])
}

/// The figures that it is made of.
fn inputs(visitor: &Visitor, version: &str, detail: &Value) -> Markup {
    let terms = detail["figure"]["inputs"].as_array().map(Vec::as_slice).unwrap_or_default();
    if terms.is_empty() {
        return html! {};
    }
    let rows = detail["inputs"].as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        h2 { "Figures that it is made of" }
        div.scroll role="region" aria-label="Figures that it is made of" tabindex="0" {
            table {
                caption { "Figures that it is made of" }
                thead { tr {
                    th.num scope="col" { "Times" } th scope="col" { "Figure" } th.num scope="col" { "Value" }
                } }
                tbody {
                    @for row in rows.iter().take(INPUTS) {
                        @let to = visitor.link(&format!("{version}/figures/{}", row["position"]));
                        tr {
                            td.num { (grouped(&factor(terms, &row["position"]))) }
                            td { a href=(to) { (text(&row["name"])) } }
                            td.num { (decimal_in(text(&row["value"]), text(&row["unit"]))) }
                        }
                    }
                }
            }
        }
        @if terms.len() > INPUTS {
            p.soft { "The first " (INPUTS) " of " (grouped(&terms.len().to_string())) "; the records below are of all of them." }
        }
    }
}

/// What an input is multiplied with.
fn factor(terms: &[Value], position: &Value) -> String {
    let position = words::plain(position);
    let term = terms.iter().find(|term| term["figure"] == position);
    term.map(|term| words::plain(&term["factor"])).unwrap_or_default()
}

/// Whether what was read adds up to the figure.
fn sum(opened: &Opened, from: usize) -> Markup {
    let figure = &opened.detail["figure"];
    let unit = text(&figure["unit"]);
    let count = grouped(&opened.parts.len().to_string());
    if !opened.is_whole {
        return html! {
            p.soft {
                "More than " (count) " records make it. The running sum is exact, and begins with the first of them"
                @if from + ROWS >= READ_MAX { "; those beyond " (grouped(&READ_MAX.to_string())) " are in the evidence bundle" }
                "."
            }
        };
    }
    let subject = match opened.parts.len() {
        1 => "1 record adds".to_owned(),
        _ => format!("{count} records add"),
    };
    let sum = opened.parts.last().map_or(Some(Decimal::ZERO), |(_, sum)| *sum);
    let difference = sum.zip(Decimal::parse(text(&figure["value"]))).and_then(|(sum, told)| sum.minus(told));
    match (sum, difference) {
        (Some(sum), Some(difference)) if difference.is_zero() => html! {
            p.notice.good {
                (subject) " up to " (decimal_in(&sum.to_string(), unit)) ": to the last digit what the figure says."
            }
        },
        (Some(sum), _) => html! {
            p.notice.bad role="alert" {
                (subject) " up to " (decimal_in(&sum.to_string(), unit)) ", which is not what the figure says."
            }
        },
        (None, _) => state::notice(Tone::Warn, "The records can't be added exactly here."),
    }
}

fn contributions(visitor: &Visitor, version: &str, opened: &Opened, from: usize) -> Markup {
    let figure = &opened.detail["figure"];
    if opened.parts.is_empty() {
        return html! { p.soft { "No record does: it is nought." } };
    }
    if from >= opened.parts.len() {
        let first = visitor.query.without(&[FROM]).at(&visitor.path);
        return state::empty("There are not so many.", &html! { a href=(first) { "To the first page" } });
    }
    let shown = opened.parts.iter().skip(from).take(ROWS);
    let is_derived = figure["inputs"].as_array().is_some_and(|inputs| !inputs.is_empty());
    let unit = text(&figure["unit"]);
    html! {
        div.scroll role="region" aria-label="Records that make it" tabindex="0" {
            table {
                caption { "Records that make it, with the sum so far" }
                thead { tr {
                    th.num scope="col" { "No." }
                    th scope="col" { "Booked" } th scope="col" { "Record" }
                    @if is_derived { th scope="col" { "By way of" } }
                    th scope="col" { "Source" } th scope="col" { "Ledger" }
                    th.num scope="col" { "Amount" } th.num scope="col" { "Sum so far" }
                } }
                tbody {
                    @for (at, (part, sum)) in shown.enumerate() {
                        tr {
                            td.num { (grouped(&(from + at + 1).to_string())) }
                            td { @if let Some(day) = part["booking_date"].as_str() { (time::day(day)) } }
                            td { (record(visitor, part)) }
                            @if is_derived { td { (way(visitor, version, figure, part)) } }
                            td { (source(&part["source"])) }
                            td { (words::entry(visitor, &part["seq"])) }
                            td.num { (decimal_in(text(&part["amount"]), unit)) }
                            td.num { @if let Some(sum) = sum { (decimal_in(&sum.to_string(), unit)) } }
                        }
                    }
                }
            }
        }
    }
}

/// The record: a transaction, or an adjustment.
fn record(visitor: &Visitor, part: &Value) -> Markup {
    let Some(id) = part["transaction"].as_str() else { return html! { "Adjustment" } };
    html! {
        a href=(visitor.link(&format!("/transactions/{id}"))) data-drawer { (text(&part["reference"])) }
        @if part["superseded_by"].is_string() {
            " " (state::badge(Tone::Warn, "Corrected since")) " by " (words::entry(visitor, &part["superseded_by"]))
        }
    }
}

/// The figure that a record contributes to by itself.
fn way(visitor: &Visitor, version: &str, figure: &Value, part: &Value) -> Markup {
    let to = visitor.link(&format!("{version}/figures/{}", part["figure"]));
    html! {
        @if part["figure"] == figure["position"] { "Itself" }
        @else { a href=(to) { "Figure " (part["figure"]) } }
    }
}

/// The file and line that a record came from.
fn source(source: &Value) -> Markup {
    let Some(file) = source["file_sha256"].as_str() else { return html! {} };
    html! { (fact::short(file)) " line " (text(&source["line"])) }
}

fn pager(visitor: &Visitor, opened: &Opened, from: usize) -> Markup {
    let total = opened.parts.len();
    let to = |from: usize| match from {
        0 => visitor.query.without(&[FROM]).at(&visitor.path),
        _ => visitor.query.with(FROM, from.to_string()).at(&visitor.path),
    };
    let next = from + ROWS;
    html! {
        nav.pager aria-label="Pages of this list" {
            span.soft { (counted(total.saturating_sub(from).min(ROWS), "row")) }
            @if from > 0 {
                a href=(to(0)) { "First page" }
                a rel="prev" href=(to(from.saturating_sub(ROWS))) { "Page before" }
            }
            @if next < total && next < READ_MAX { a rel="next" href=(to(next)) { "Next page" } }
        }
    }
}

/// What was proposed to be added to this figure by hand.
fn adjustments_of(visitor: &Visitor, report: &Value, figure: &Value, adjustments: &Value) -> Markup {
    let is_of = |one: &&Value| one["figure"] == figure["name"];
    let of: Vec<Value> = rows(adjustments).iter().filter(is_of).cloned().collect();
    let is_made_of_records = figure["inputs"].as_array().is_none_or(Vec::is_empty);
    let propose = Query::default().with("figure", text(&figure["name"]));
    let propose = propose.at(&format!("/reports/{}/adjustments/new", text(&report["id"])));
    html! {
        (adjust::table(visitor, report, &of))
        @if !adjustments["page"]["next_cursor"].is_null() {
            p.soft { "Of the first " (READ) " adjustments of the report." }
        }
        @if is_made_of_records && visitor.may(Scope::ReportsWrite) {
            p { a href=(visitor.link(&propose)) { "Propose an adjustment of it" } }
        }
    }
}
