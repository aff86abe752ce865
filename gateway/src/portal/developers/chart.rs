//! The requests of each day, as bars and as a table.

use jiff::civil::Date;
use maud::{Markup, html};
use serde_json::Value;

use crate::portal::parts::{
    json::{number, rows, text},
    number::count,
    table::framed,
    time,
};

const WIDTH: i64 = 720;
const HEIGHT: i64 = 180;
/// Room for the figures at the left, over the bars, and for the days below.
const LEFT: i64 = 56;
const TOP: i64 = 14;
const BELOW: i64 = 22;
/// The most days that are drawn; the API tells of no more.
const DAYS_MAX: usize = 366;

/// What a day had.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Day {
    date: String,
    requests: i64,
    refused: i64,
    units: i64,
    bytes: i64,
}

/// The requests that were refused or failed, of a row of usage.
#[must_use]
pub fn refused(row: &Value) -> i64 {
    row["refusals"].as_object().into_iter().flatten().map(|(_, requests)| number(requests)).sum()
}

/// Every day of what was told, those without a request too.
fn days(usage: &Value) -> Vec<Day> {
    let (Ok(from), Ok(to)) = (text(&usage["from"]).parse::<Date>(), text(&usage["to"]).parse::<Date>())
    else {
        return Vec::new();
    };
    let dates = std::iter::successors(Some(from), |date| date.tomorrow().ok());
    let day = |date: Date| {
        let date = date.to_string();
        let row = rows(usage).iter().find(|row| row["day"] == date.as_str()).cloned().unwrap_or_default();
        Day {
            requests: number(&row["requests"]),
            refused: refused(&row),
            units: number(&row["units"]),
            bytes: number(&row["bytes"]),
            date,
        }
    };
    dates.take_while(|date| *date <= to).take(DAYS_MAX).map(day).collect()
}

/// The chart of an answer of `/v1/usage` by day, with its table.
#[must_use]
pub fn usage(answer: &Value) -> Markup {
    let days = days(answer);
    let sum = |of: fn(&Day) -> i64| days.iter().map(of).sum::<i64>();
    let (requests, refused) = (sum(|day| day.requests), sum(|day| day.refused));
    html! {
        p { strong { (count(requests)) } " requests, " strong { (count(refused)) } " of them refused or failed, "
            (count(sum(|day| day.units))) " units, " (count(sum(|day| day.bytes))) " bytes of answers." }
        (bars(&days))
        details {
            summary { "The chart as a table" }
            (table(&days))
        }
    }
}

fn bars(days: &[Day]) -> Markup {
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return html! {} };
    let most = days.iter().map(|day| day.requests).max().unwrap_or_default().max(1);
    let room = HEIGHT - TOP - BELOW;
    let base = TOP + room;
    // A day that had any is seen, however few they were.
    let tall = |requests: i64| if requests == 0 { 0 } else { (requests * room / most).max(1) };
    let step = (WIDTH - LEFT) / i64::try_from(days.len()).unwrap_or(1).max(1);
    let wide = (step - 3).max(1);
    let peak = days.iter().find(|day| day.requests == most);
    html! {
        svg.chart viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-labelledby="usage-title usage-desc" {
            title #usage-title { "Requests a day" }
            desc #usage-desc {
                "From " (first.date) " to " (last.date) ". "
                @match peak {
                    Some(day) => { "The most were " (day.requests) ", on " (day.date) "." },
                    None => { "There was none." },
                }
                " The darker foot of a bar is what was refused or failed."
            }
            line x1=(LEFT) y1=(base) x2=(WIDTH) y2=(base) stroke="currentColor" stroke-opacity="0.4" {}
            text x=(LEFT - 8) y=(TOP + 4) text-anchor="end" { (count(if peak.is_some() { most } else { 0 })) }
            text x=(LEFT - 8) y=(base) text-anchor="end" { "0" }
            text x=(LEFT) y=(HEIGHT - 6) { (first.date) }
            text x=(WIDTH) y=(HEIGHT - 6) text-anchor="end" { (last.date) }
            @for (at, day) in (0_i64..).zip(days) {
                @let x = LEFT + at * step + 2;
                @let (whole, foot) = (tall(day.requests), tall(day.refused));
                @if whole > 0 {
                    rect.bar x=(x) y=(base - whole) width=(wide) height=(whole) fill="currentColor" fill-opacity="0.45" {}
                }
                @if foot > 0 {
                    rect.bar.refused x=(x) y=(base - foot) width=(wide) height=(foot) fill="currentColor" {}
                }
            }
        }
    }
}

fn table(days: &[Day]) -> Markup {
    framed(
        "Requests a day",
        &html! {
            thead { tr {
                th scope="col" { "Day (UTC)" } th.num scope="col" { "Requests" } th.num scope="col" { "Refused or failed" }
                th.num scope="col" { "Units" } th.num scope="col" { "Bytes" }
            } }
            tbody {
                @for day in days.iter().rev() {
                    tr {
                        td { (time::day(&day.date)) }
                        td.num { (count(day.requests)) }
                        td.num { (count(day.refused)) }
                        td.num { (count(day.units)) }
                        td.num { (count(day.bytes)) }
                    }
                }
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_day_has_its_place_and_a_rare_refusal_is_seen() {
        let answer = json!({"from": "2026-02-27", "to": "2026-03-01", "data": [
            {"day": "2026-02-28", "requests": 100_000, "units": 7, "bytes": 9, "refusals": {"not_found": 1, "refused": 2}},
        ]});
        let all = days(&answer);
        let dates: Vec<&str> = all.iter().map(|day| day.date.as_str()).collect();
        assert_eq!(dates, ["2026-02-27", "2026-02-28", "2026-03-01"]);
        assert_eq!((all[1].requests, all[1].refused, all[2].requests), (100_000, 3, 0));
        let drawn = bars(&all).0;
        assert_eq!(drawn.matches("<rect").count(), 2, "no bar for a day without requests");
        assert!(drawn.contains(r#"height="144""#) && drawn.contains(r#"height="1""#), "{drawn}");
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert_eq!(bars(&days(&json!({}))).0, "");
    }
}
