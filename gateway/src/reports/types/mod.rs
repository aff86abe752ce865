//! The types of reports.

use super::Definition;

/// Every type.
pub static ALL: [&Definition; 0] = [];

/// The type of this name.
#[must_use]
pub fn of_name(name: &str) -> Option<&'static Definition> {
    ALL.into_iter().find(|definition| definition.name == name)
}
