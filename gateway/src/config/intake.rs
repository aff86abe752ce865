//! Files that feeders deliver.

use serde::{Deserialize, Serialize};

use super::{ConfigError, refused};

/// What delivered files may have, and how many may be on their way. Files are in `intakes/` of the data folder until they are stored.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Intake {
    /// Bytes of a file.
    pub file_bytes_max: u64,
    /// Records of a file; examining takes 16 bytes of memory for each, and 40 for each new account.
    pub records_max: usize,
    /// Seconds in which a whole file, or one part of an upload in parts, must have come.
    pub upload_timeout_s: u64,
    /// Hours after which an upload in parts that is not whole is given up.
    pub upload_kept_h: u32,
    /// Uploads of one institution that are not whole: in parts, and besides in one piece to one process.
    pub uploads_max: u32,
    /// Bytes of one institution's files that are on their way or not stored yet; one file may come in any case.
    pub unfinished_bytes_max: u64,
}

impl Default for Intake {
    fn default() -> Self {
        Self {
            file_bytes_max: 1 << 30,
            records_max: 1_000_000,
            upload_timeout_s: 3_600,
            upload_kept_h: 24,
            uploads_max: 16,
            unfinished_bytes_max: 4 << 30,
        }
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
        if !(1..=10_000).contains(&self.uploads_max) {
            return refused("intake.uploads_max", "1 to 10000");
        }
        if !(1024..=1 << 50).contains(&self.unfinished_bytes_max) {
            return refused("intake.unfinished_bytes_max", "1024 to 1125899906842624");
        }
        Ok(())
    }
}
