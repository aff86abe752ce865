//! How webhook endpoints are told.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfigError, refused};
use crate::domain::network::Network;

/// How webhook endpoints are told.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webhooks {
    /// Networks that may be told though they are not public, as `10.1.0.0/16`, with commas or spaces
    /// between them. None: public addresses alone.
    pub allow_networks: String,
    /// Whether endpoints may be `http://`: without TLS, anyone on the way can read what they are told.
    pub allow_http: bool,
    /// The certificates (PEM) that endpoints' are checked against; the system's if none.
    pub ca_file: Option<PathBuf>,
    /// Seconds in which an endpoint must have answered.
    pub timeout_s: u64,
    /// Hours after which an endpoint that keeps failing is disabled.
    pub retry_hours: u32,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            allow_networks: String::new(),
            allow_http: false,
            ca_file: None,
            timeout_s: 15,
            retry_hours: 72,
        }
    }
}

impl Webhooks {
    /// Checks what types can't.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if Network::parse_list(&self.allow_networks).is_err() {
            return refused(
                "webhooks.allow_networks",
                "networks such as 10.0.0.0/8, without bits beyond the prefix",
            );
        }
        if !(1..=60).contains(&self.timeout_s) {
            return refused("webhooks.timeout_s", "1 to 60");
        }
        if !(1..=24 * 30).contains(&self.retry_hours) {
            return refused("webhooks.retry_hours", "1 to 720");
        }
        Ok(())
    }
}
