//! What is written for callers to take away.

use serde::{Deserialize, Serialize};

use super::{ConfigError, refused};

/// What is written for callers to take away: files in `exports/` of `storage.data_dir`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Exports {
    /// Rows of one part of an export; a larger export has several. Parts of XLSX have 250000 at most.
    pub part_rows_max: u32,
    /// Rows of a list that is asked for whole, as CSV or NDJSON; more are to be ordered as an export.
    pub direct_rows_max: u32,
    /// Hours that the files of an export are kept once it is ready.
    pub keep_hours: u32,
}

impl Default for Exports {
    fn default() -> Self {
        Self { part_rows_max: 1_000_000, direct_rows_max: 1_000_000, keep_hours: 72 }
    }
}

impl Exports {
    /// Checks what types can't.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !(1..=100_000_000).contains(&self.part_rows_max) {
            return refused("exports.part_rows_max", "1 to 100000000");
        }
        if !(1..=100_000_000).contains(&self.direct_rows_max) {
            return refused("exports.direct_rows_max", "1 to 100000000");
        }
        if !(1..=8_760).contains(&self.keep_hours) {
            return refused("exports.keep_hours", "1 to 8760");
        }
        Ok(())
    }
}
