//! How the service checks itself, for the public page that says how it is.

use serde::{Deserialize, Serialize};

use super::{ConfigError, refused};

/// How the service checks itself, for the public page that says how it is.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Status {
    /// Seconds between two checks of each part.
    pub check_every_s: u64,
}

impl Default for Status {
    fn default() -> Self {
        Self { check_every_s: 30 }
    }
}

impl Status {
    /// Checks what types can't.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !(1..=600).contains(&self.check_every_s) {
            return refused("status.check_every_s", "1 to 600");
        }
        Ok(())
    }
}
