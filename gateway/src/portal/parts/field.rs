//! Fields of forms. Each has a label that is seen.

use maud::{Markup, html};

use crate::portal::query::Query;

/// A field for a line of text; its value is that of the query.
#[must_use]
pub fn text(query: &Query, name: &str, label: &str) -> Markup {
    input("text", query, name, label)
}

/// A field for a day.
#[must_use]
pub fn day(query: &Query, name: &str, label: &str) -> Markup {
    input("date", query, name, label)
}

fn input(kind: &str, query: &Query, name: &str, label: &str) -> Markup {
    html! {
        label.field {
            span { (label) }
            input type=(kind) name=(name) value=[query.get(name)] autocomplete="off";
        }
    }
}

/// A choice; the first one is none.
#[must_use]
pub fn choice(query: &Query, name: &str, label: &str, options: &[(&str, &str)]) -> Markup {
    html! {
        label.field {
            span { (label) }
            select name=(name) {
                option value="" { "Any" }
                @for (value, shown) in options {
                    option value=(value) selected[query.get(name) == Some(value)] { (shown) }
                }
            }
        }
    }
}
