//! What the service tells.

use serde::{Deserialize, Serialize};

use super::{ConfigError, refused};

/// What it tells.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `error`, `warn`, `info` or `debug`.
    pub level: String,
    /// `json` for machines, `text` for people.
    pub format: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: "json".to_owned() }
    }
}

impl Log {
    /// Checks what types can't.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.level.parse::<tracing::Level>().is_err() {
            return refused("log.level", "error, warn, info or debug");
        }
        if !["json", "text"].contains(&self.format.as_str()) {
            return refused("log.format", "json or text");
        }
        Ok(())
    }
}
