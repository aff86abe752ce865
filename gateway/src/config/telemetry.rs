//! What the service exports of what it does.

use serde::{Deserialize, Serialize};

use super::{ConfigError, refused};

/// What it exports of what it does.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// Where traces, metrics and logs go by OTLP over HTTP: a scheme and host, without `/v1/…`; empty
    /// for nowhere.
    pub otlp_endpoint: String,
    /// What the service is called there.
    pub service_name: String,
    /// The part of the traces that is kept, of those that no caller began: 0 to 1. A caller's own
    /// decision stands.
    pub sample_ratio: f64,
    /// Seconds that what is to be exported may gather.
    pub export_interval_s: u64,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            otlp_endpoint: String::new(),
            service_name: "veritrail".to_owned(),
            sample_ratio: 1.0,
            export_interval_s: 10,
        }
    }
}

impl Telemetry {
    /// Checks what types can't.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let endpoint = &self.otlp_endpoint;
        if !(endpoint.is_empty() || endpoint.starts_with("http://"))
            || endpoint.ends_with('/')
            || endpoint.contains('@')
        {
            return refused(
                "telemetry.otlp_endpoint",
                "begins with http://, has no slash at its end and no password; a collector beside the \
                 service takes it further by TLS",
            );
        }
        if self.service_name.is_empty() {
            return refused("telemetry.service_name", "is not empty");
        }
        if !(0.0..=1.0).contains(&self.sample_ratio) {
            return refused("telemetry.sample_ratio", "0 to 1");
        }
        if !(1..=3600).contains(&self.export_interval_s) {
            return refused("telemetry.export_interval_s", "1 to 3600");
        }
        Ok(())
    }
}
