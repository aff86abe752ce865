//! What replicas share limits and revocations by.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfigError, Secret, refused};

/// What replicas share limits and revocations by.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Redis {
    /// `redis://` or `rediss://` URLs, with commas or spaces between them. None: limits are each
    /// process's own.
    pub urls: Secret,
    /// Whether they are nodes of a Redis Cluster. If not, the first that answers is used.
    pub cluster: bool,
    /// Milliseconds in which a connection must be there.
    pub connect_timeout_ms: u64,
    /// Milliseconds in which a command must be answered; then Redis counts as down.
    pub response_timeout_ms: u64,
    /// How many replicas share the limits as long as Redis has not told.
    pub replicas: u32,
    /// The certificates (PEM) that a `rediss://` server's is checked against; the system's if none.
    pub ca_file: Option<PathBuf>,
}

impl Default for Redis {
    fn default() -> Self {
        Self {
            urls: Secret::default(),
            cluster: false,
            connect_timeout_ms: 1_000,
            response_timeout_ms: 100,
            replicas: 1,
            ca_file: None,
        }
    }
}

impl Redis {
    /// The URLs, one by one.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        let list = self.urls.get().unwrap_or_default();
        list.split([',', ' ']).map(str::trim).filter(|url| !url.is_empty())
    }

    /// Checks what types can't.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.urls().any(|url| !(url.starts_with("redis://") || url.starts_with("rediss://"))) {
            return refused("redis.urls", "each begins with redis:// or rediss://");
        }
        if self.connect_timeout_ms == 0 || self.response_timeout_ms == 0 {
            return refused("redis.connect_timeout_ms, redis.response_timeout_ms", "at least 1");
        }
        if self.replicas == 0 {
            return refused("redis.replicas", "at least 1");
        }
        Ok(())
    }
}
