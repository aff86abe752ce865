//! Days of a page's filter as the API's times: from the first day's beginning to the last day's end, in UTC.

use jiff::ToSpan as _;
use maud::{Markup, html};

use super::super::{
    parts::{field, table},
    query::Query,
    visit::Visitor,
};
use crate::domain::date;

/// The field with the first day.
pub const FROM: &str = "from";
/// The field with the last one.
pub const TO: &str = "to";

/// When a day begins. What is no day is left for the API to refuse.
#[must_use]
pub fn begins(day: &str) -> String {
    format!("{day}T00:00:00Z")
}

/// When a day ends: the next one begins.
#[must_use]
pub fn ends(day: &str) -> String {
    let next = date::parse(day).ok().and_then(|day| day.checked_add(1.day()).ok());
    next.map_or_else(|| begins(day), |next| begins(&next.to_string()))
}

/// The API's query with the days of a page's.
#[must_use]
pub fn within(page: &Query, mut asked: Query) -> Query {
    if let Some(day) = page.get(FROM) {
        asked = asked.with("at[gte]", begins(day));
    }
    if let Some(day) = page.get(TO) {
        asked = asked.with("at[lt]", ends(day));
    }
    asked
}

/// The two fields.
#[must_use]
pub fn fields(query: &Query) -> Markup {
    html! {
        (field::day(query, FROM, "From"))
        (field::day(query, TO, "Until"))
    }
}

/// A link to one day, with the other filters as they are.
#[must_use]
pub fn link(visitor: &Visitor, day: &str) -> String {
    visitor.query.without(&[table::CURSOR]).with(FROM, day).with(TO, day).at(&visitor.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_where_the_next_one_begins() {
        let page = Query::parse("from=2026-02-28&to=2026-02-28&kind=access");
        let asked = within(&page, page.only(&["kind"]));
        assert_eq!(asked.get("at[gte]"), Some("2026-02-28T00:00:00Z"));
        assert_eq!(asked.get("at[lt]"), Some("2026-03-01T00:00:00Z"));
        assert_eq!(asked.get("from"), None);
        assert_eq!(ends("yesterday"), "yesterdayT00:00:00Z");
        assert_eq!(ends("9999-12-31"), "9999-12-31T00:00:00Z");
    }
}
