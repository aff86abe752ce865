//! Fields of the forms about incidents.

use maud::{Markup, html};

use crate::{
    domain::status::{Component, IncidentImpact, IncidentStatus, TEXT_MAX},
    portal::{query::Query, sending, trouble::Trouble},
};

/// A text whose lines and spaces became single spaces.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How far it is: one of some.
pub(super) fn status(given: &Query, some: impl Iterator<Item = IncidentStatus>) -> Markup {
    html! {
        label.field {
            span { "How far it is" }
            select name="status" {
                @for one in some {
                    option value=(one.as_str()) selected[given.get("status") == Some(one.as_str())] {
                        (match one {
                            IncidentStatus::Investigating => "Investigating: its cause is looked for",
                            IncidentStatus::Identified => "Identified: its cause is known",
                            IncidentStatus::Monitoring => "Monitoring: it is mended, and watched",
                            IncidentStatus::Resolved => "Resolved: it is over",
                        })
                    }
                }
            }
        }
    }
}

/// How much it keeps people from; `usual` unless told.
pub(super) fn impact(given: &Query, usual: &str) -> Markup {
    let chosen = given.get("impact").unwrap_or(usual);
    html! {
        label.field {
            span { "Impact" }
            select name="impact" {
                @for one in IncidentImpact::ALL {
                    option value=(one.as_str()) selected[chosen == one.as_str()] {
                        (match one {
                            IncidentImpact::None => "None",
                            IncidentImpact::Minor => "Minor: something is slow or late",
                            IncidentImpact::Major => "Major: a part does not work",
                            IncidentImpact::Critical => "Critical: most of it does not work",
                        })
                    }
                }
            }
        }
    }
}

/// The parts that it concerns.
pub(super) fn components(given: &Query) -> Markup {
    html! {
        fieldset {
            legend { "Parts of the service that it concerns" }
            @for one in Component::ALL {
                div.choice {
                    label {
                        input type="checkbox" name="component" value=(one.as_str())
                            checked[given.all("component").any(|name| name == one.as_str())];
                        " " (one.name())
                    }
                }
            }
        }
    }
}

/// What people are told.
pub(super) fn told(given: &Query) -> Markup {
    html! {
        label.field {
            span { "What people are told" }
            textarea name="text" rows="4" maxlength=(TEXT_MAX) required { (given.get("text").unwrap_or_default()) }
            span.hint { "What does not work, for whom, since when, and what you do about it. Everybody can read it." }
        }
    }
}

/// What was wrong with what was sent.
pub(super) fn fault(trouble: Option<&Trouble>) -> Markup {
    sending::fault(trouble, |place| html! { (named(place)) })
}

/// The field that a pointer of the API is about.
fn named(pointer: &str) -> &str {
    match pointer {
        "/title" => "Title",
        "/status" => "How far it is",
        "/impact" => "Impact",
        "/text" => "What people are told",
        "/after" => "The newest update that you have seen",
        other if other.starts_with("/components") => "Parts of the service",
        other => other,
    }
}
