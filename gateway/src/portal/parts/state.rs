//! States of a page that has nothing to show, and words that say how something stands.

use maud::{Markup, html};

/// Nothing here: why, and what to do.
#[must_use]
pub fn empty(why: &str, then: &Markup) -> Markup {
    html! { section.state.empty { p { strong { (why) } } p { (then) } } }
}

/// How something stands, by a word and a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// To be looked at.
    Warn,
    /// Neither.
    Plain,
}

/// A word that says how something stands.
#[must_use]
pub fn badge(tone: Tone, word: &str) -> Markup {
    let class = match tone {
        Tone::Good => "badge good",
        Tone::Bad => "badge bad",
        Tone::Warn => "badge warn",
        Tone::Plain => "badge",
    };
    html! { span class=(class) { (word) } }
}

/// A notice over a page: what happened just now.
#[must_use]
pub fn notice(tone: Tone, text: &str) -> Markup {
    let (class, role) = match tone {
        Tone::Bad => ("notice bad", "alert"),
        Tone::Warn => ("notice warn", "status"),
        Tone::Good => ("notice good", "status"),
        Tone::Plain => ("notice", "status"),
    };
    html! { p class=(class) role=(role) { (text) } }
}
