//! Evidence bundles: a period of the ledger as one file that anybody can check without us.

mod ordered;

use actix_web::{
    HttpRequest, HttpResponse, Responder as _, get,
    http::{
        Method,
        header::{self, HeaderName, HeaderValue},
    },
    post, web,
};
use futures_util::future::try_join;
use jiff::{ToSpan as _, civil::Date};
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::{
    api::{self, Call},
    audit::tabs,
    form::Typed,
    layout::{self, Page},
    parts::{
        fact, field,
        json::text,
        money::grouped,
        state::{self, Tone, badge},
        table::CURSOR,
        time,
    },
    query::{Query, segment},
    sending::{self, Once},
    trouble::Trouble,
    visit::{Visit, Visitor},
};
use crate::domain::{Scope, date};

/// The pages.
pub fn pages(config: &mut web::ServiceConfig) {
    config.service(page).service(order).service(content).service(one);
}

/// Bundles on a page of what was ordered.
const ROWS: usize = 25;

/// What can be ordered, and what was.
#[get("/evidence")]
pub async fn page(visit: Visit, once: Once) -> Result<Page, Trouble> {
    let main = draw(&visit, &once, &visit.query, None).await?;
    Ok(layout::page(&visit, "Evidence", &main))
}

/// Orders a bundle, and goes to where it can be seen to be prepared.
#[post("/evidence")]
pub async fn order(
    visit: Visit,
    once: Once,
    request: HttpRequest,
    Typed(typed): Typed,
) -> Result<HttpResponse, Trouble> {
    match sending::send(&visit, "/v1/evidence-bundles", &typed, &wanted(&typed)).await {
        Ok(bundle) => {
            let to = visit.link(&format!("/evidence/{}", segment(text(&bundle["id"]))));
            Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish())
        }
        Err(trouble) if trouble.is_about_input() => {
            let main = draw(&visit, &once, &typed, Some(&trouble)).await?;
            let mut response = layout::page(&visit, "Evidence", &main).respond_to(&request);
            *response.status_mut() = trouble.status();
            Ok(response)
        }
        Err(trouble) => Err(trouble),
    }
}

/// The order that a form means: days from the first to the last, entries from the first to the last, or all.
fn wanted(typed: &Query) -> Value {
    let mut meant = Map::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            meant.insert(name.to_owned(), json!(value));
        }
    };
    put("from", typed.get("from").map(|day| format!("{day}T00:00:00Z")));
    put("to", typed.get("to").map(|day| format!("{}T00:00:00Z", day_after(day))));
    put("from_seq", typed.get("from_seq").map(ToOwned::to_owned));
    put("to_seq", typed.get("to_seq").map(ToOwned::to_owned));
    Value::Object(meant)
}

/// The day after one; what is no day is left for the API to refuse.
fn day_after(day: &str) -> String {
    let next = date::parse(day).ok().and_then(|day| day.checked_add(1.day()).ok());
    next.map_or_else(|| day.to_owned(), |next| next.to_string())
}

/// The page, with what does not fit of what was typed.
async fn draw(
    visit: &Visit,
    once: &Once,
    typed: &Query,
    trouble: Option<&Trouble>,
) -> Result<Markup, Trouble> {
    let orders = visit.query.only(&[CURSOR]).with("limit", ROWS.to_string()).at("/v1/evidence-bundles");
    let days = async {
        match visit.may(Scope::LedgerRead) {
            true => visit.get("/v1/ledger/days").await,
            false => Ok(Value::Null),
        }
    };
    let (orders, days) = try_join(visit.get(&orders), days).await?;
    let action = visit.link("/evidence");
    Ok(html! {
        h1 { "Evidence" }
        (tabs(visit))
        p {
            "A bundle has the ledger's entries of a period, their payloads, and what proves that none is missing or altered. "
            "It is checked without us: in the browser at " a href="/verify" { "Verify" } ", or by the program " code { "veritrail-verify" } "."
        }
        @if let Some(trouble) = trouble { (state::notice(Tone::Bad, trouble.detail())) }
        h2 { "Order one" }
        div.presets {
            @for preset in presets(&days) { (preset.draw(once, &action)) }
        }
        details open[trouble.is_some() || ["from", "to", "from_seq", "to_seq"].iter().any(|name| typed.get(name).is_some())] {
            summary { "Other days or entries" }
            form.sheet method="post" action=(action) {
                (once.field("period"))
                fieldset {
                    legend { "By days (UTC), both included; empty is from the beginning, or up to now" }
                    (field::day(typed, "from", "From"))
                    (field::day(typed, "to", "Until"))
                }
                fieldset {
                    legend { "Or by entries" }
                    (field::text(typed, "from_seq", "First entry"))
                    (field::text(typed, "to_seq", "First entry that is no longer in it"))
                }
                div.actions { button { "Order" } }
            }
        }
        h2 { "Ordered before" }
        (ordered::draw(visit, &orders))
    })
}

/// A period that many ask for.
struct Preset {
    name: &'static str,
    /// The first and the last day; none for all that there is.
    days: Option<(Date, Date)>,
    /// How many entries it has, where that is known.
    entries: Option<i64>,
}

impl Preset {
    fn draw(&self, once: &Once, action: &str) -> Markup {
        html! {
            form method="post" action=(action) {
                (once.field(&self.name.replace(' ', "-")))
                @if let Some((from, to)) = self.days {
                    input type="hidden" name="from" value=(from.to_string());
                    input type="hidden" name="to" value=(to.to_string());
                }
                button.second disabled[self.entries == Some(0)] { (self.name) }
                p.soft {
                    @if let Some((from, to)) = self.days { (time::day(&from.to_string())) " to " (time::day(&to.to_string())) br; }
                    @match self.entries {
                        Some(0) => "no entries",
                        Some(entries) => { (grouped(&entries.to_string())) " entries" }
                        None => "from the first entry up to now",
                    }
                }
            }
        }
    }
}

/// The periods, by what `/v1/ledger/days` says: today, and how many entries each day has.
fn presets(days: &Value) -> Vec<Preset> {
    let all = Preset { name: "All of it", days: None, entries: None };
    let Ok(today) = date::parse(text(&days["to"])) else { return vec![all] };
    let of = |name, span: (Date, Date)| Preset { name, days: Some(span), entries: Some(entries(days, span)) };
    vec![
        of("Last month", last_month(today)),
        of("Last quarter", last_quarter(today)),
        of("This year", (Date::new(today.year(), 1, 1).unwrap_or(today), today)),
        all,
    ]
}

fn entries(days: &Value, (from, to): (Date, Date)) -> i64 {
    let within = |row: &&Value| date::parse(text(&row["day"])).is_ok_and(|day| from <= day && day <= to);
    let rows = days["data"].as_array().into_iter().flatten();
    rows.filter(within).filter_map(|row| row["entries"].as_i64()).sum()
}

/// The calendar month before a day's.
fn last_month(today: Date) -> (Date, Date) {
    let to = today.first_of_month().saturating_sub(1.day());
    (to.first_of_month(), to)
}

/// The calendar quarter before a day's.
fn last_quarter(today: Date) -> (Date, Date) {
    let months_in = i64::from((today.month() - 1) % 3);
    let to = today.first_of_month().saturating_sub(months_in.months()).saturating_sub(1.day());
    (to.first_of_month().saturating_sub(2.months()), to)
}

/// How a bundle stands; while it is prepared, the browser asks again by itself.
#[get("/evidence/{id}")]
pub async fn one(visit: Visit, request: HttpRequest, id: web::Path<String>) -> Result<HttpResponse, Trouble> {
    let bundle = visit.get(&format!("/v1/evidence-bundles/{}", segment(&id))).await?;
    let key = match visit.may(Scope::LedgerRead) && bundle["state"] == "ready" {
        true => {
            let key = visit.call(Call::new(Method::GET, "/v1/ledger/key")).await?;
            Some(String::from_utf8_lossy(&api::bytes(key).await?).trim_end().to_owned())
        }
        false => None,
    };
    let main = html! {
        h1 { "Evidence bundle" }
        (tabs(&visit))
        (stands(&visit, &bundle))
        h2 { "What is in it" }
        (facts(&bundle))
        @if bundle["state"] == "ready" {
            h2 { "Check it without us" }
            (checks(&bundle, key.as_deref()))
        }
        p { a href=(visit.link("/evidence")) { "Order another one" } }
    };
    let mut response = layout::page(&visit, "Evidence bundle", &main).respond_to(&request);
    if bundle["state"] == "preparing" {
        response.headers_mut().insert(HeaderName::from_static("refresh"), HeaderValue::from_static("2"));
    }
    Ok(response)
}

fn stands(visitor: &Visitor, bundle: &Value) -> Markup {
    let file = visitor.link(&format!("/evidence/{}/content", segment(text(&bundle["id"]))));
    match text(&bundle["state"]) {
        "ready" => html! {
            p { (badge(Tone::Good, "ready")) }
            p.actions { a.button href=(file) download { "Download" } span.soft { (size(bundle)) } }
        },
        "preparing" => html! {
            p role="status" { (badge(Tone::Plain, "preparing")) " This page looks again every two seconds." }
            (ordered::progress(bundle))
        },
        _ => html! {
            (state::notice(Tone::Bad, "It could not be prepared. Order it again; if that fails too, tell the provider its id."))
        },
    }
}

fn size(bundle: &Value) -> Markup {
    html! { @if let Some(bytes) = bundle["bytes"].as_i64() { (grouped(&bytes.to_string())) " bytes" } }
}

/// The first entry in a bundle, and the first after it.
fn range(bundle: &Value) -> Option<(u64, u64)> {
    let number = |name: &str| text(&bundle[name]).parse::<u64>().ok();
    number("from_seq").zip(number("to_seq"))
}

fn facts(bundle: &Value) -> Markup {
    let range = range(bundle).map(|(from, to)| {
        html! { (from) " to " (to.saturating_sub(1)) ", " (grouped(&to.saturating_sub(from).to_string())) " in all" }
    });
    fact::list(&[
        ("Id", Some(fact::copyable(text(&bundle["id"])))),
        ("Entries", range),
        ("Ordered", Some(time::instant(text(&bundle["created_at"])))),
        ("Ordered by", bundle["ordered_by"].as_str().map(fact::copyable)),
        ("Finished", bundle["finished_at"].as_str().map(time::instant)),
        ("Size", bundle["bytes"].is_number().then(|| size(bundle))),
        ("SHA-256 of the file", bundle["sha256"].as_str().map(fact::copyable)),
    ])
}

fn checks(bundle: &Value, key: Option<&str>) -> Markup {
    let id = text(&bundle["id"]);
    // The key's name is plain text, and may have quotes of this kind.
    let key = key.map_or_else(|| "\"$VKEY\"".to_owned(), |key| format!("'{}'", key.replace('\'', "'\\''")));
    html! {
        ol.checks {
            li { p { "In the browser: open " a href="/verify" { "Verify" } " and drop the file there. Nothing is uploaded." } }
            li {
                p { "By the program, offline:" }
                (fact::block(&format!("veritrail-verify {id}.zip --vkey {key}")))
                p.soft { "Take the key from somewhere else than here: your contract, or your supervisor. It must say SIGNED." }
            }
            li {
                p { "That the download is whole:" }
                (fact::block(&format!("sha256sum {id}.zip")))
                p.soft { "It must print " (fact::short(text(&bundle["sha256"]))) "." }
            }
        }
    }
}

/// The file.
#[get("/evidence/{id}/content")]
pub async fn content(
    visit: Visit,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, Trouble> {
    let call = Call::new(Method::GET, format!("/v1/evidence-bundles/{}/content", segment(&id)));
    let range = request.headers().get(header::RANGE).and_then(|range| range.to_str().ok());
    visit
        .pass(match range {
            Some(range) => call.header(header::RANGE, range),
            None => call,
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn day(year: i16, month: i8, day: i8) -> Date {
        Date::constant(year, month, day)
    }

    #[test]
    fn the_last_month_and_quarter_are_whole_ones() {
        for (today, month, quarter) in [
            (day(2026, 1, 1), (day(2025, 12, 1), day(2025, 12, 31)), (day(2025, 10, 1), day(2025, 12, 31))),
            (day(2026, 3, 31), (day(2026, 2, 1), day(2026, 2, 28)), (day(2025, 10, 1), day(2025, 12, 31))),
            (day(2026, 8, 31), (day(2026, 7, 1), day(2026, 7, 31)), (day(2026, 4, 1), day(2026, 6, 30))),
        ] {
            assert_eq!(last_month(today), month, "{today}");
            assert_eq!(last_quarter(today), quarter, "{today}");
        }
    }

    #[test]
    fn an_order_has_what_was_typed_and_the_last_day_whole() {
        let meant = wanted(&Query::parse("from=2026-01-01&to=2026-01-31&from_seq=&institution=x"));
        assert_eq!(meant, json!({"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}));
        assert_eq!(wanted(&Query::parse("")), json!({}));
        assert_eq!(wanted(&Query::parse("to=soon")), json!({"to": "soonT00:00:00Z"}));
    }
}
