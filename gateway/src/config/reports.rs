//! How reports are made.

use serde::{Deserialize, Serialize};

use super::{ConfigError, refused};

/// How reports are made.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reports {
    /// Seconds after which it is looked again for reports that are due by their schedules.
    pub schedule_look_s: u64,
}

impl Default for Reports {
    fn default() -> Self {
        Self { schedule_look_s: 60 }
    }
}

impl Reports {
    /// Checks what types can't.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !(1..=3_600).contains(&self.schedule_look_s) {
            return refused("reports.schedule_look_s", "1 to 3600");
        }
        Ok(())
    }
}
