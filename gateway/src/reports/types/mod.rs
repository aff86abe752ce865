//! The types of reports.

pub mod cesop;
pub mod settlement;
pub mod statement;

use super::Definition;

/// Every type.
pub static ALL: [&Definition; 3] = [&statement::DEFINITION, &settlement::DEFINITION, &cesop::DEFINITION];

/// The type of this name.
#[must_use]
pub fn of_name(name: &str) -> Option<&'static Definition> {
    ALL.into_iter().find(|definition| definition.name == name)
}
