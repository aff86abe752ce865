//! The types of reports.

use super::Definition;

pub mod sepa;

/// Every type.
pub static ALL: [&Definition; 1] = [&sepa::SEPA_INSTANT_PAYMENTS];

/// The type of this name.
#[must_use]
pub fn of_name(name: &str) -> Option<&'static Definition> {
    ALL.into_iter().find(|definition| definition.name == name)
}
