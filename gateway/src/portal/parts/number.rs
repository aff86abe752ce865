//! Whole numbers.

use super::money::grouped;

/// A count, its digits in groups.
#[must_use]
pub fn count(value: i64) -> String {
    grouped(&value.to_string())
}
