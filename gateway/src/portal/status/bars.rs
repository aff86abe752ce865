//! The last days of each part: as bars, in figures, and as a table.

use std::fmt::Write as _;

use jiff::{ToSpan as _, civil::Date};
use maud::{Markup, html};
use serde_json::Value;

use crate::{
    domain::status::DAYS,
    portal::parts::{json::text, time},
};

const STEP: i64 = 8;
const WIDE: i64 = 6;
const HEIGHT: i64 = 32;
/// How tall a day is drawn of which nothing is known, and a bad one at least.
const STUB: i64 = 4;
const FOOT: i64 = 8;

/// What checks came to on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Day {
    checks: i64,
    degraded: i64,
    down: i64,
}

/// The days that are told of, the last one today.
fn dates(today: &str) -> Vec<Date> {
    let Ok(today) = today.parse::<Date>() else { return Vec::new() };
    let all = i64::try_from(DAYS).unwrap_or_default();
    (0..all).rev().filter_map(|back| today.checked_sub(back.days()).ok()).collect()
}

/// What is known of a day of a part.
fn on(part: &Value, date: &str) -> Option<Day> {
    // They come in order.
    let rows = part["days"].as_array()?;
    let row = &rows[rows.binary_search_by(|row| text(&row["date"]).cmp(date)).ok()?];
    let number = |name: &str| row[name].as_i64().unwrap_or_default();
    let day = Day { checks: number("checks"), degraded: number("degraded"), down: number("down") };
    (day.checks > 0).then_some(day)
}

/// The bars of a part. What was not as it should be is a foot as tall as its share of the day.
pub(super) fn drawn(part: &Value, today: &str) -> Markup {
    let id = text(&part["id"]);
    let (title, desc) = (format!("days-{id}"), format!("days-{id}-desc"));
    let dates = dates(today);
    let (mut good, mut degraded, mut down, mut nothing) =
        (String::new(), String::new(), String::new(), String::new());
    let (mut known, mut bad) = (0, 0);
    for (at, date) in (0_i64..).zip(&dates) {
        let x = at * STEP;
        let Some(day) = on(part, &date.to_string()) else {
            bar(&mut nothing, x, HEIGHT - STUB, STUB);
            continue;
        };
        known += 1;
        bar(&mut good, x, 0, HEIGHT);
        let foot = |checks: i64| (checks * HEIGHT / day.checks).max(FOOT);
        if day.degraded > 0 {
            let tall = foot(day.degraded + day.down);
            bar(&mut degraded, x, HEIGHT - tall, tall);
        }
        if day.down > 0 {
            let tall = foot(day.down);
            bar(&mut down, x, HEIGHT - tall, tall);
        }
        bad += usize::from(day.degraded + day.down > 0);
    }
    let wide = i64::try_from(dates.len()).unwrap_or_default() * STEP;
    html! {
        svg.days viewBox=(format!("0 0 {wide} {HEIGHT}")) preserveAspectRatio="none" role="img"
            aria-labelledby=(format!("{title} {desc}")) {
            title id=(title) { (text(&part["name"])) ", the last " (DAYS) " days" }
            desc id=(desc) {
                (known) " days were checked; on " (bad) " of them it was degraded or down at times. Of the other "
                (dates.len() - known) " days nothing is known."
            }
            path.none d=(nothing) {}
            path.good d=(good) {}
            path.warn d=(degraded) {}
            path.bad d=(down) {}
        }
    }
}

fn bar(path: &mut String, x: i64, y: i64, tall: i64) {
    let _ = write!(path, "M{x} {y}h{WIDE}v{tall}h-{WIDE}z");
}

/// How much of the time a part worked, in a sentence.
pub(super) fn uptime(part: &Value) -> Markup {
    let days = part["days"].as_array().map_or(0, Vec::len);
    html! {
        @match part["uptime_percent"].as_str() {
            Some(percent) => {
                strong { (percent) " %" } " of the checks found it working."
                @if days < DAYS { " Nothing is known of " (DAYS - days) " of the last " (DAYS) " days." }
            },
            None => { "Nothing is known of the last " (DAYS) " days." },
        }
    }
}

/// The days of all parts, the last one first.
pub(super) fn table(parts: &[Value], today: &str) -> Markup {
    let known: Vec<String> = dates(today)
        .iter()
        .rev()
        .map(Date::to_string)
        .filter(|date| parts.iter().any(|part| on(part, date).is_some()))
        .collect();
    html! {
        details {
            summary { "The days as a table" }
            div.scroll role="region" aria-label="The days of each part" tabindex="0" {
                table {
                    caption { "What checks of each part found, by day. Days without any check are left out." }
                    thead { tr {
                        th scope="col" { "Day (UTC)" }
                        @for part in parts { th scope="col" { (text(&part["name"])) } }
                    } }
                    tbody {
                        @for date in &known {
                            tr {
                                td { (time::day(date)) }
                                @for part in parts { td { (in_words(on(part, date))) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn in_words(day: Option<Day>) -> String {
    match day {
        None => "no data".to_owned(),
        Some(Day { checks, degraded: 0, down: 0 }) => format!("{checks} checks, all well"),
        Some(Day { checks, degraded, down }) => format!("{checks} checks, {degraded} degraded, {down} down"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn part() -> Value {
        json!({"id": "ledger", "name": "Ledger", "uptime_percent": "99.00", "days": [
            {"date": "2026-02-28", "checks": 100, "degraded": 0, "down": 0},
            {"date": "2026-03-01", "checks": 100, "degraded": 50, "down": 1},
        ]})
    }

    #[test]
    fn each_day_has_its_place_and_a_rare_fault_is_seen() {
        let drawn = drawn(&part(), "2026-03-01").0;
        assert_eq!(drawn.matches('M').count(), 88 + 2 + 1 + 1, "{drawn}");
        assert!(drawn.contains("M712 0h6v32h-6z"), "today is the last one: {drawn}");
        assert!(drawn.contains(r#"class="bad" d="M712 24h6v8h-6z""#), "{drawn}");
        assert!(drawn.contains(r#"class="warn" d="M712 16h6v16h-6z""#), "{drawn}");
        assert!(drawn.contains("2 days were checked; on 1 of them"), "{drawn}");
    }

    #[test]
    fn what_is_not_known_is_said() {
        assert!(uptime(&part()).0.contains("Nothing is known of 88 of the last 90 days."));
        assert_eq!(uptime(&json!({"days": []})).0, "Nothing is known of the last 90 days.");
        let other = json!({"id": "api", "name": "API", "days": [{"date": "2026-03-01", "checks": 3, "degraded": 0, "down": 0}]});
        let table = table(&[part(), other], "2026-03-01").0;
        assert_eq!(table.matches("<tr>").count(), 3, "{table}");
        assert!(table.contains("100 checks, 50 degraded, 1 down") && table.contains("no data"), "{table}");
    }
}
