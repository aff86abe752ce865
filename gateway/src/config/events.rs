//! How events are followed.

use serde::{Deserialize, Serialize};

use super::{ConfigError, refused};

/// How events are followed.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Events {
    /// Seconds after which a stream with nothing to tell shows that it is there; half of http.idle_timeout_s if
    /// that is less.
    pub heartbeat_s: u64,
    /// Open streams in this process; more are turned away.
    pub streams_max: usize,
    /// Open streams of one client in this process; more are turned away.
    pub streams_per_client_max: usize,
}

impl Default for Events {
    fn default() -> Self {
        Self { heartbeat_s: 15, streams_max: 256, streams_per_client_max: 8 }
    }
}

impl Events {
    /// Checks what types can't.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.heartbeat_s == 0 {
            return refused("events.heartbeat_s", "at least 1");
        }
        if self.streams_max == 0 || self.streams_per_client_max == 0 {
            return refused("events.streams_max, events.streams_per_client_max", "at least 1");
        }
        Ok(())
    }
}
