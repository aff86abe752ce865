//! The types of reports.

pub mod settlement;

use super::Definition;

/// Every type.
pub static ALL: [&Definition; 1] = [&settlement::DEFINITION];

/// The type of this name.
#[must_use]
pub fn of_name(name: &str) -> Option<&'static Definition> {
    ALL.into_iter().find(|definition| definition.name == name)
}
