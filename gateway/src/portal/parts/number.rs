//! Whole numbers.

use super::money::grouped;

/// A count, its digits in groups.
#[must_use]
pub fn count(value: i64) -> String {
    grouped(&value.to_string())
}

/// How many of a thing there are, in words.
#[must_use]
pub fn counted(many: usize, thing: &str) -> String {
    if many == 1 { format!("1 {thing}") } else { format!("{many} {thing}s") }
}
