//! Words for how the service is.

use maud::{Markup, html};
use serde_json::Value;

use crate::{
    domain::status::Component,
    portal::parts::state::{Tone, badge},
};

/// How a part stands.
#[must_use]
pub fn state(name: &str) -> Markup {
    match name {
        "operational" => badge(Tone::Good, "operational"),
        "degraded" => badge(Tone::Warn, "degraded"),
        "down" => badge(Tone::Bad, "down"),
        _ => badge(Tone::Plain, "no data"),
    }
}

/// How far an incident is.
#[must_use]
pub fn status(name: &str) -> Markup {
    let tone = match name {
        "investigating" => Tone::Bad,
        "identified" | "monitoring" => Tone::Warn,
        "resolved" => Tone::Good,
        _ => Tone::Plain,
    };
    badge(tone, name)
}

/// How much an incident keeps people from.
#[must_use]
pub fn impact(name: &str) -> Markup {
    let (tone, word) = match name {
        "minor" => (Tone::Warn, "minor impact"),
        "major" => (Tone::Bad, "major impact"),
        "critical" => (Tone::Bad, "critical impact"),
        _ => (Tone::Plain, "no impact"),
    };
    badge(tone, word)
}

/// The parts that an incident concerns.
#[must_use]
pub fn components(list: &Value) -> Markup {
    let names: Vec<&str> = list
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|id| Component::parse(id.as_str()?).map(Component::name))
        .collect();
    html! { (names.join(", ")) }
}
