//! How much happened on each day: a strip of weeks, and the same as a table whose days are links.

use jiff::{ToSpan as _, civil::Date};
use maud::{Markup, html};
use serde_json::Value;

use super::{
    super::{
        parts::{money::grouped, number::counted, time},
        visit::Visitor,
    },
    text, when, words,
};
use crate::domain::date;

/// The side of a day.
const DAY: i32 = 11;
/// From one day to the next.
const STEP: i32 = 13;
/// What stands left of the days.
const LEFT: i32 = 30;
/// What stands over them.
const TOP: i32 = 16;
/// How dark a day is: none, and then the more the darker.
const SHADES: [&str; 5] = ["0.07", "0.3", "0.5", "0.75", "1"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A day of the strip.
struct Cell {
    day: Date,
    week: i32,
    weekday: i32,
    entries: i64,
}

/// What `/v1/ledger/days` says, drawn.
#[must_use]
pub fn draw(visitor: &Visitor, days: &Value) -> Markup {
    let (Ok(from), Ok(to)) = (date::parse(text(&days["from"])), date::parse(text(&days["to"]))) else {
        return html! {};
    };
    let none = Vec::new();
    let rows = days["data"].as_array().unwrap_or(&none);
    let cells = cells(from, to, rows);
    let most = cells.iter().map(|cell| cell.entries).max().unwrap_or(0);
    let all: i64 = cells.iter().map(|cell| cell.entries).sum();
    let weeks = cells.last().map_or(0, |cell| cell.week + 1);
    let (width, height) = (LEFT + weeks * STEP, TOP + 7 * STEP);
    let told = format!(
        "{} entries from {from} to {to}, on {}; the most on one day are {}.",
        grouped(&all.to_string()),
        counted(rows.len(), "day"),
        grouped(&most.to_string()),
    );
    html! {
        figure.heat tabindex="0" aria-label="Entries by day" {
            svg.chart viewBox=(format!("0 0 {width} {height}")) role="img" aria-labelledby="heat-title heat-desc" {
                title #heat-title { "Entries by day" }
                desc #heat-desc { (told) " The table below has each day." }
                @for (row, name) in [(0, "Mon"), (2, "Wed"), (4, "Fri")] {
                    text x="0" y=(TOP + row * STEP + 9) { (name) }
                }
                @for (week, name) in months(&cells) {
                    text x=(LEFT + week * STEP) y="10" { (name) }
                }
                @for (step, opacity) in SHADES.iter().enumerate() {
                    g fill="currentColor" fill-opacity=(opacity) {
                        @for cell in cells.iter().filter(|cell| shade(cell.entries, most) == step) {
                            path d=(square(cell)) { title { (cell.day) ": " (grouped(&cell.entries.to_string())) } }
                        }
                    }
                }
            }
            figcaption.soft { (told) }
        }
        details {
            summary { "Entries by day, as a table" }
            (table(visitor, rows))
        }
    }
}

/// Every day from the first to the last; a week begins on Monday.
fn cells(from: Date, to: Date, rows: &[Value]) -> Vec<Cell> {
    let offset = i32::from(from.weekday().to_monday_zero_offset());
    let mut rows = rows.iter().peekable();
    let days = from.series(1.day()).take_while(|day| *day <= to);
    let cell = |(place, day): (i32, Date)| {
        let name = day.to_string();
        let entries = rows.next_if(|row| text(&row["day"]) == name).and_then(|row| row["entries"].as_i64());
        let at = offset + place;
        Cell { day, week: at / 7, weekday: at % 7, entries: entries.unwrap_or(0) }
    };
    (0..).zip(days).map(cell).collect()
}

/// A day's place, as a path: these are many, and it is short.
fn square(cell: &Cell) -> String {
    let (x, y) = (LEFT + cell.week * STEP, TOP + cell.weekday * STEP);
    format!("M{x} {y}h{DAY}v{DAY}h-{DAY}z")
}

/// Where a month begins, far enough from the one before for both names.
fn months(cells: &[Cell]) -> Vec<(i32, &'static str)> {
    let mut names: Vec<(i32, &'static str)> = Vec::new();
    let end = cells.last().map_or(0, |cell| cell.week);
    // A name takes two weeks of the picture.
    for cell in cells.iter().filter(|cell| cell.day.day() <= 7 && cell.week < end - 1) {
        let name = usize::try_from(cell.day.month() - 1).ok().and_then(|month| MONTHS.get(month).copied());
        let (Some(name), last) = (name, names.last()) else { continue };
        if last.is_none_or(|(week, known)| *known != name && cell.week - week >= 3) {
            names.push((cell.week, name));
        }
    }
    names
}

/// How dark a day is among days of which one has the most; by orders, since few days have very much.
fn shade(entries: i64, most: i64) -> usize {
    if entries <= 0 || most <= 0 {
        return 0;
    }
    let part = (entries as f64).ln_1p() / (most as f64).ln_1p();
    if part > 0.85 {
        4
    } else if part > 0.6 {
        3
    } else if part > 0.35 {
        2
    } else {
        1
    }
}

fn table(visitor: &Visitor, rows: &[Value]) -> Markup {
    html! {
        div.scroll role="region" aria-label="Entries by day" tabindex="0" {
            table {
                caption { "Days with entries, the newest first" }
                thead { tr {
                    th scope="col" { "Day" } th.num scope="col" { "Entries" } th scope="col" { "Of which" }
                } }
                tbody {
                    @for row in rows.iter().rev() {
                        tr {
                            td { a href=(when::link(visitor, text(&row["day"]))) { (time::day(text(&row["day"]))) } }
                            td.num { (grouped(&row["entries"].to_string())) }
                            td { (kinds(&row["kinds"])) }
                        }
                    }
                }
            }
        }
    }
}

fn kinds(kinds: &Value) -> Markup {
    let kinds = kinds.as_object().into_iter().flatten();
    let told: Vec<String> = kinds
        .map(|(name, entries)| {
            format!("{} {}", grouped(&entries.to_string()), words::kind(name).to_lowercase())
        })
        .collect();
    html! { (told.join(", ")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_day_has_its_place_and_its_entries() {
        let rows = [json!({"day": "2026-01-05", "entries": 3}), json!({"day": "2026-01-07", "entries": 9})];
        let cells = cells(Date::constant(2026, 1, 4), Date::constant(2026, 1, 8), &rows);
        let places: Vec<_> = cells.iter().map(|cell| (cell.week, cell.weekday, cell.entries)).collect();
        // The 4th of January 2026 is a Sunday.
        assert_eq!(places, [(0, 6, 0), (1, 0, 3), (1, 1, 0), (1, 2, 9), (1, 3, 0)]);
    }

    #[test]
    fn a_day_with_entries_is_never_as_light_as_one_without() {
        assert_eq!(shade(0, 100), 0);
        assert_eq!(shade(1, 1_000_000), 1);
        assert_eq!(shade(100, 100), 4);
        assert_eq!(shade(0, 0), 0);
    }
}
