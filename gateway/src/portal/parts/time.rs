//! Times and days, as people read them; the exact text is beside them for programs.

use maud::{Markup, html};

/// An RFC 3339 time, to the second and in UTC; the exact one as its title.
#[must_use]
pub fn instant(exact: &str) -> Markup {
    let shown = exact.get(..19).map(|text| text.replace('T', " "));
    html! {
        @match shown {
            Some(shown) => time datetime=(exact) title=(exact) { (shown) " UTC" },
            None => (exact),
        }
    }
}

/// The same, from microseconds since the Unix epoch.
#[must_use]
pub fn instant_us(at_us: i64) -> Markup {
    let exact = jiff::Timestamp::from_microsecond(at_us).map(|at| format!("{at:.6}"));
    instant(&exact.unwrap_or_default())
}

/// A day (ISO 8601).
#[must_use]
pub fn day(text: &str) -> Markup {
    html! { time datetime=(text) { (text) } }
}
