//! Facts: a name and what it is, one under the other; and things to copy.

use maud::{Markup, html};

/// A list of facts; those that are not known are left out.
#[must_use]
pub fn list(facts: &[(&str, Option<Markup>)]) -> Markup {
    html! {
        dl.facts {
            @for (name, fact) in facts {
                @if let Some(fact) = fact { div { dt { (name) } dd { (fact) } } }
            }
        }
    }
}

/// A text that somebody may want to copy: an id, a hash, a key. Scripts add the button.
#[must_use]
pub fn copyable(text: &str) -> Markup {
    html! { code.copy data-copy=(text) { (text) } }
}

/// The same, shown shorter: its beginning and its end.
#[must_use]
pub fn short(text: &str) -> Markup {
    let length = text.chars().count();
    if length <= 16 {
        return copyable(text);
    }
    let head: String = text.chars().take(8).collect();
    let tail: String = text.chars().skip(length - 6).collect();
    html! { code.copy data-copy=(text) title=(text) { (head) "…" (tail) } }
}

/// A block of text as it stands, that can be copied whole.
#[must_use]
pub fn block(text: &str) -> Markup {
    html! { pre.copy tabindex="0" data-copy=(text) { (text) } }
}
