//! Forms about reports.

use maud::{Markup, html};

use crate::{
    domain::Scope,
    portal::{query::Query, sending, trouble::Trouble, visit::Visitor},
};

pub(super) use crate::portal::sending::{Answered, Once, see, send};

/// Refuses a form's page to those who may not change anything about reports.
pub(super) fn allow(visitor: &Visitor) -> Result<(), Trouble> {
    sending::allow(visitor, Scope::ReportsWrite)
}

/// What was wrong with what was sent.
pub(super) fn fault(trouble: Option<&Trouble>) -> Markup {
    sending::fault(trouble, |place| html! { code { (place) } })
}

/// A field for a line of text.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// What stands over it.
    pub(super) label: &'a str,
    /// What helps to fill it.
    pub(super) hint: &'a str,
    /// Whether it must be filled.
    pub(super) required: bool,
    /// The most characters that it takes.
    pub(super) max: u32,
}

impl Line<'_> {
    /// Draws it with what was given before.
    pub(super) fn draw(&self, given: &Query) -> Markup {
        html! {
            label.field {
                span { (self.label) @if !self.required { " (optional)" } }
                input type="text" name=(self.name) value=[given.get(self.name)] maxlength=(self.max)
                    required[self.required] autocomplete="off";
                @if !self.hint.is_empty() { span.hint { (self.hint) } }
            }
        }
    }
}

/// The field for the entry up to which records count.
pub(super) fn as_of(given: &Query) -> Markup {
    html! {
        details open[given.get("as_of").is_some()] {
            summary { "Of records as they stood earlier" }
            (Line {
                name: "as_of",
                label: "Last entry of the ledger that counts",
                hint: "Its number; the newest entry unless told.",
                required: false,
                max: 18,
            }.draw(given))
        }
    }
}
