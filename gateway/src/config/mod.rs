//! Configuration: a TOML file, then environment variables over it. Unknown keys are refused.
//!
//! Environment variables are named `VERITRAIL_` and the key's path with `__` between its parts:
//! `VERITRAIL_HTTP__LISTEN=0.0.0.0:8080`. `veritrail check-config` prints what results.

mod archive;
mod events;
mod exports;
mod http;
mod intake;
mod issuers;
mod limits;
mod log;
mod portal;
mod redis;
mod reports;
mod secret;
mod status;
mod storage;
mod telemetry;
mod webhooks;

use std::path::{Path, PathBuf};

use config::{Environment, File, FileFormat};
use serde::{Deserialize, Serialize};

pub use self::{
    archive::Archive,
    events::Events,
    exports::Exports,
    http::Http,
    intake::Intake,
    issuers::{Issuer, Issuers},
    limits::Limits,
    log::Log,
    portal::{Oidc, Portal},
    redis::Redis,
    reports::Reports,
    secret::Secret,
    status::Status,
    storage::{Keys, Signer, Storage},
    telemetry::Telemetry,
    webhooks::Webhooks,
};

/// Every key, with its default.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the service is heard, and under which name.
    pub http: Http,
    /// Where it keeps things.
    pub storage: Storage,
    /// Its keys.
    pub keys: Keys,
    /// What its signer remembers.
    pub signer: Signer,
    /// What one request may ask for.
    pub limits: Limits,
    /// What a delivered file may have.
    pub intake: Intake,
    /// What is written for callers to take away.
    pub exports: Exports,
    /// Where reports are kept for good.
    pub archive: Archive,
    /// How reports are made.
    pub reports: Reports,
    /// What replicas share limits and revocations by.
    pub redis: Redis,
    /// Other issuers whose access tokens are taken.
    pub issuers: Issuers,
    /// What it tells.
    pub log: Log,
    /// What it exports of what it does.
    pub telemetry: Telemetry,
    /// How events are followed.
    pub events: Events,
    /// How webhook endpoints are told.
    pub webhooks: Webhooks,
    /// How people sign in to the portal.
    pub portal: Portal,
    /// How it checks itself, for the page that says how it is.
    pub status: Status,
}

/// Why the configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A key is unknown or of the wrong type, or the file can't be read.
    #[error("configuration: {0}")]
    Read(#[from] config::ConfigError),
    /// A value makes no sense.
    #[error("configuration: {key}: {why}")]
    Value {
        /// The key.
        key: &'static str,
        /// What is wrong.
        why: String,
    },
}

/// A value that makes no sense.
fn refused(key: &'static str, why: &str) -> Result<(), ConfigError> {
    Err(ConfigError::Value { key, why: why.to_owned() })
}

impl Config {
    /// Reads the file, if one is named, and the environment over it.
    ///
    /// # Errors
    /// Says which key is wrong and why.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut sources = config::Config::builder();
        if let Some(path) = file {
            sources = sources.add_source(File::from(path).format(FileFormat::Toml));
        }
        // Every key is within a section; what has no section (VERITRAIL_CONFIG) is not a key.
        let keys = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.contains("__"))
            .collect();
        let environment = Environment::with_prefix("VERITRAIL")
            .prefix_separator("_")
            .separator("__")
            .try_parsing(true)
            .source(Some(keys));
        let config: Self = sources.add_source(environment).build()?.try_deserialize()?;
        config.check()?;
        Ok(config)
    }

    /// Checks what types can't.
    ///
    /// # Errors
    /// Says which key is wrong and why.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.http.check()?;
        issuers::check(&self.issuers, &self.http.base_url)?;
        self.limits.check()?;
        self.intake.check()?;
        self.storage.check()?;
        self.exports.check()?;
        self.archive.check()?;
        self.reports.check()?;
        self.redis.check()?;
        self.log.check()?;
        self.telemetry.check()?;
        self.events.check()?;
        self.webhooks.check()?;
        self.portal.check()?;
        self.status.check()
    }

    /// Where the signer's memory is.
    #[must_use]
    pub fn signed_heads(&self) -> PathBuf {
        self.storage.signed_heads.clone().unwrap_or_else(|| self.storage.data_dir.join("signed-heads"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str) -> Result<Config, ConfigError> {
        let built = config::Config::builder().add_source(File::from_str(toml, FileFormat::Toml)).build()?;
        let config: Config = built.try_deserialize()?;
        config.check().map(|()| config)
    }

    #[test]
    fn the_example_has_every_key_with_its_default() {
        let example = include_str!("../../veritrail.example.toml");
        // What differs from machine to machine, and what has no default.
        let mut defaults = Config::default();
        defaults.http.workers = 2;
        defaults.storage.signed_heads = Some("/var/lib/veritrail/signed-heads".into());
        defaults.redis.ca_file = Some("/etc/veritrail/redis-ca.pem".into());
        defaults.webhooks.ca_file = Some("/etc/veritrail/webhooks-ca.pem".into());
        defaults.http.tls_certificate = Some("/etc/veritrail/tls.crt".into());
        defaults.http.tls_key = Some("/etc/veritrail/tls.key".into());
        defaults.http.tls_client_ca = Some("/etc/veritrail/clients.crt".into());
        let mut told = example.replace("# signed_heads", "signed_heads").replace("# ca_file", "ca_file");
        for key in ["certificate", "key", "client_ca"] {
            told = told.replace(&format!("# tls_{key} ="), &format!("tls_{key} ="));
        }
        let told = read(&told).unwrap();
        assert_eq!(toml::to_string(&told).unwrap(), toml::to_string(&defaults).unwrap());
        for line in toml::to_string(&defaults).unwrap().lines().filter(|line| line.contains(" = ")) {
            assert!(example.contains(line), "{line}");
        }
    }

    #[test]
    fn defaults_are_valid_and_an_unknown_key_is_refused() {
        assert!(read("").is_ok());
        assert!(read("[http]\nlisten = \"[::1]:9\"").is_ok());
        assert!(read("[http]\nlissten = \"[::1]:9\"").unwrap_err().to_string().contains("lissten"));
    }

    #[test]
    fn a_value_that_makes_no_sense_names_its_key() {
        for (toml, key) in [
            ("[http]\nbase_url = \"localhost\"", "http.base_url"),
            ("[http]\norigin = \"https://x\"", "http.origin"),
            ("[limits]\nbatch_lines_max = 0", "limits.batch_lines_max"),
            ("[intake]\nrecords_max = 0", "intake.records_max"),
            ("[exports]\npart_rows_max = 0", "exports.part_rows_max"),
            ("[redis]\nurls = \"localhost:6379\"", "redis.urls"),
            ("[redis]\nresponse_timeout_ms = 0", "redis.response_timeout_ms"),
            ("[reports]\nschedule_look_s = 0", "reports.schedule_look_s"),
            ("[redis]\nreplicas = 0", "redis.replicas"),
            ("[log]\nlevel = \"loud\"", "log.level"),
            ("[telemetry]\notlp_endpoint = \"collector:4318\"", "telemetry.otlp_endpoint"),
            ("[telemetry]\nsample_ratio = 1.5", "telemetry.sample_ratio"),
            ("[telemetry]\nexport_interval_s = 0", "telemetry.export_interval_s"),
            ("[http]\ntls_key = \"x\"", "http.tls_certificate"),
            ("[http]\ntls_client_required = true", "http.tls_client_required"),
            ("[http]\nidle_timeout_s = 10", "http.idle_timeout_s"),
            ("[http]\nproxies = \"10.0.0.1/8\"", "http.proxies"),
            ("[http]\nforwarded_header = \"x y\"", "http.forwarded_header"),
            ("[issuers.a]\nurl = \"http://elsewhere.example\"", "issuers.*.url"),
            (
                "[issuers.a]\nurl = \"https://x.example\"\n[issuers.b]\nurl = \"https://x.example\"",
                "issuers.*.url",
            ),
            ("[issuers.\"A b\"]\nurl = \"https://elsewhere.example\"", "issuers"),
            ("[limits]\nconcurrency_max = 0", "limits.concurrency_max"),
            ("[limits]\nbody_timeout_s = 0", "limits.body_timeout_s"),
            ("[events]\nheartbeat_s = 0", "events.heartbeat_s"),
            ("[events]\nstreams_max = 0", "events.streams_max"),
            ("[webhooks]\nallow_networks = \"10.0.0.0/33\"", "webhooks.allow_networks"),
            ("[webhooks]\ntimeout_s = 0", "webhooks.timeout_s"),
            ("[webhooks]\nretry_hours = 0", "webhooks.retry_hours"),
            ("[portal]\nsession_hours = 0", "portal.session_hours"),
            ("[status]\ncheck_every_s = 0", "status.check_every_s"),
            ("[portal]\ntries_per_account = 0", "portal.tries_per_account"),
            ("[portal]\nsecond_factor = \"admin\"", "portal.second_factor"),
            ("[portal.oidc.a]\nissuer = \"http://login.example\"", "portal.oidc.*.issuer"),
            (
                "[portal.oidc.a]\nissuer = \"https://login.example\"\nclient_id = \"x\"\nclient_secret = \"y\"",
                "portal.oidc.*.people_of",
            ),
            (
                "[portal.oidc.a]\nissuer = \"https://login.example\"\nclient_id = \"x\"\nclient_secret = \"y\"\n\
                 people_of = \"regulators\"",
                "portal.oidc.*.email_domains",
            ),
            ("[portal]\ncodes_at_once = 0", "portal.codes_at_once"),
            ("[portal.oidc.\"A b\"]\nissuer = \"https://login.example\"", "portal.oidc"),
        ] {
            assert!(read(toml).unwrap_err().to_string().contains(key), "{toml}");
        }
    }

    #[test]
    fn urls_are_a_list_and_are_never_shown() {
        let config = read("[redis]\nurls = \"redis://:hunter2@a:1, rediss://b:2\"").unwrap();
        assert_eq!(config.redis.urls().collect::<Vec<_>>(), ["redis://:hunter2@a:1", "rediss://b:2"]);
        assert_eq!(Redis::default().urls().count(), 0);
        assert!(!toml::to_string(&config).unwrap().contains("hunter2"));
    }
}
