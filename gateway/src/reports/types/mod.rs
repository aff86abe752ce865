//! The types of reports.

pub mod cesop;

use super::Definition;

/// Every type.
pub static ALL: [&Definition; 1] = [&cesop::DEFINITION];

/// The type of this name.
#[must_use]
pub fn of_name(name: &str) -> Option<&'static Definition> {
    ALL.into_iter().find(|definition| definition.name == name)
}
