//! Asking before something that can't be taken back: what will happen is said first, and the box beside it is ticked
//! by whoever means it.

use maud::{Markup, html};

use crate::portal::{
    layout::{self, Page},
    query::Query,
    visit::Visitor,
};

/// The field of the box.
const SURE: &str = "sure";

/// The form that does it.
#[derive(Debug)]
pub struct Ask<'a> {
    /// Where it is sent.
    pub action: &'a str,
    /// What it takes besides.
    pub fields: Markup,
    /// What one says by ticking the box.
    pub means: &'a str,
    /// Whether the box is ticked already: the form was sent so, and something else was wrong.
    pub ticked: bool,
    /// What the button does.
    pub act: &'a str,
    /// The way to leave it, where that is another page.
    pub back: Option<&'a str>,
}

impl Ask<'_> {
    /// Draws the form.
    #[must_use]
    pub fn draw(&self, visitor: &Visitor) -> Markup {
        html! {
            form.sheet method="post" action=(visitor.link(self.action)) {
                (self.fields)
                (sure(self.means, self.ticked))
                div.actions {
                    button.danger { (self.act) }
                    @if let Some(back) = self.back { a href=(visitor.link(back)) { "Leave it" } }
                }
            }
        }
    }

    /// A page of its own: under its title the ways to other pages, then what will happen, and the form.
    #[must_use]
    pub fn page(&self, visitor: &Visitor, title: &str, ways: &Markup, what: &Markup) -> Page {
        let main = html! {
            h1 { (title) }
            (ways)
            (what)
            (self.draw(visitor))
        };
        layout::page(visitor, title, &main)
    }
}

/// The box by which one says that one means it.
#[must_use]
pub fn sure(means: &str, ticked: bool) -> Markup {
    html! { label.line { input type="checkbox" name=(SURE) value="yes" required checked[ticked]; " " (means) } }
}

/// Whether the box is ticked.
#[must_use]
pub fn is_sure(typed: &Query) -> bool {
    typed.get(SURE) == Some("yes")
}
