//! Files that feeders deliver.

use serde::{Deserialize, Serialize};

use super::{ConfigError, refused};

/// What one delivered file may have. Files are in `intakes/` of the data folder until they are stored.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Intake {
    /// Bytes of a file.
    pub file_bytes_max: u64,
    /// Records of a file; examining takes 16 bytes of memory for each.
    pub records_max: usize,
    /// Seconds in which a whole file, or one part of an upload in parts, must have come.
    pub upload_timeout_s: u64,
    /// Hours after which an upload in parts that is not whole is given up.
    pub upload_kept_h: u32,
}

impl Default for Intake {
    fn default() -> Self {
        Self { file_bytes_max: 1 << 30, records_max: 1_000_000, upload_timeout_s: 3_600, upload_kept_h: 24 }
    }
}

impl Intake {
    /// Checks what types can't.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !(1024..=1 << 40).contains(&self.file_bytes_max) {
            return refused("intake.file_bytes_max", "1024 to 1099511627776");
        }
        if !(1..=100_000_000).contains(&self.records_max) {
            return refused("intake.records_max", "1 to 100000000");
        }
        if !(1..=86_400).contains(&self.upload_timeout_s) {
            return refused("intake.upload_timeout_s", "1 to 86400");
        }
        if !(1..=8_760).contains(&self.upload_kept_h) {
            return refused("intake.upload_kept_h", "1 to 8760");
        }
        Ok(())
    }
}
