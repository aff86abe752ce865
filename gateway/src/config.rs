//! Configuration: a TOML file, then environment variables over it. Unknown keys are refused.
//!
//! Environment variables are named `VERITRAIL_` and the key's path with `__` between its parts:
//! `VERITRAIL_HTTP__LISTEN=0.0.0.0:8080`. `veritrail check-config` prints what results.

use std::path::{Path, PathBuf};

use config::{Environment, File, FileFormat};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize, Serializer};

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
    /// What replicas share limits and revocations by.
    pub redis: Redis,
    /// What it tells.
    pub log: Log,
    /// What it exports of what it does.
    pub telemetry: Telemetry,
}

/// Where the service is heard, and under which name.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// The API's address.
    pub listen: String,
    /// The admin API's address; keep it inside.
    pub admin_listen: String,
    /// What clients call the API: scheme and host, without a trailing slash. Also the issuer and the
    /// audience of access tokens.
    pub base_url: String,
    /// What new logs' origins begin with: a host, without a scheme (C2SP tlog-checkpoint). It is part
    /// of every entry and signature, and can't be changed for a log that exists.
    pub origin: String,
    /// The API's certificate and those between it and its CA, in PEM; with `tls_key`, the API is heard
    /// by TLS. Read again when the files change. The admin API stays without TLS.
    pub tls_certificate: Option<PathBuf>,
    /// The certificate's private key, in PEM.
    pub tls_key: Option<PathBuf>,
    /// The CA of client certificates, in PEM; without it none is asked for.
    pub tls_client_ca: Option<PathBuf>,
    /// Whether every client must have a certificate of that CA.
    pub tls_client_required: bool,
    /// Threads that answer requests.
    pub workers: usize,
    /// Open connections; more wait.
    pub connections_max: usize,
    /// Seconds in which a request's headers must have come.
    pub header_timeout_s: u64,
    /// Seconds that a connection is kept for a next request.
    pub keep_alive_s: u64,
    /// Seconds after which a connection is closed that makes no progress: no request at work on it, no
    /// further part of an answer taken.
    pub idle_timeout_s: u64,
    /// Bytes of answers that clients have not taken yet, in all; beyond that, those of which nothing was
    /// taken for 5 s are given up with their connections, the longest first.
    pub untaken_bytes_max: u64,
    /// Seconds between the answer 503 from `/health/ready` and the end of listening, when asked to stop.
    pub drain_s: u64,
    /// Seconds that a graceful stop waits for requests under way.
    pub stop_timeout_s: u64,
}

/// Where it keeps things.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Storage {
    /// The folder of the database, of the keys (`keys/`), of what the signer remembers
    /// (`signed-heads`) and of evidence bundles (`bundles/`).
    pub data_dir: PathBuf,
    /// What the signer remembers, if it is to be elsewhere: a backup of the database must not
    /// contain it.
    pub signed_heads: Option<PathBuf>,
    /// PostgreSQL instead of the embedded database: `postgres://veritrail_service:…@host/database`.
    pub postgres_url: Secret,
    /// The same database as the role that `veritrail migrate` uses.
    pub postgres_migrator_url: Secret,
    /// Connections for reading; the recorder has one more of its own.
    pub postgres_pool_max: u32,
    /// Entries in one range of the partitioned tables, of those made from now on.
    pub postgres_partition_entries: u32,
}

/// The service's keys, where they are not files in `data_dir`: Ed25519 private keys (PKCS#8, PEM). All
/// replicas of a service have the same ones.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// Signs checkpoints.
    pub ledger: Secret,
    /// Signs access tokens.
    pub token: Secret,
    /// Authenticates cursors.
    pub cursor: Secret,
}

/// Where the signer remembers what it signed, outside the database.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Signer {
    /// A Redis that replicas share, instead of the file `storage.signed_heads`: one of its own, which
    /// syncs every write (`appendonly yes`, `appendfsync always`).
    pub redis_url: Secret,
}

/// What one request may ask for.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Units a second that an address gets back; every request costs it 1.
    pub address_per_second: u32,
    /// Units that an address may spend at once.
    pub address_burst: u32,
    /// Requests at work at once; more are turned away with 503. Those whose body is awaited don't count,
    /// nor does the admin port.
    pub concurrency_max: usize,
    /// Seconds in which a whole body must have come.
    pub body_timeout_s: u64,
    /// Bytes a second at which a body must come, after its first 5 s; 0 for any.
    pub body_min_bytes_per_s: u32,
    /// Lines of a delivered batch.
    pub batch_lines_max: usize,
    /// Bytes of a delivered batch.
    pub batch_bytes_max: usize,
}

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

/// What it tells.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `error`, `warn`, `info` or `debug`.
    pub level: String,
    /// `json` for machines, `text` for people.
    pub format: String,
}

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

/// A value that is never shown: `check-config` prints stars for it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(SecretString);

impl Secret {
    /// The value, if one is set.
    #[must_use]
    pub fn get(&self) -> Option<&str> {
        Some(self.0.expose_secret()).filter(|value| !value.is_empty())
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self(value.into())
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.get().is_some() { "***" } else { "" })
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            admin_listen: "127.0.0.1:8081".to_owned(),
            base_url: "http://localhost:8080".to_owned(),
            origin: "localhost:8080".to_owned(),
            tls_certificate: None,
            tls_key: None,
            tls_client_ca: None,
            tls_client_required: false,
            workers: std::thread::available_parallelism().map_or(2, Into::into),
            connections_max: 10_000,
            header_timeout_s: 10,
            keep_alive_s: 15,
            idle_timeout_s: 60,
            untaken_bytes_max: 16 << 20,
            drain_s: 0,
            stop_timeout_s: 30,
        }
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("data"),
            signed_heads: None,
            postgres_url: Secret::default(),
            postgres_migrator_url: Secret::default(),
            postgres_pool_max: 8,
            postgres_partition_entries: 1 << 22,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            address_per_second: 1_000,
            address_burst: 2_000,
            concurrency_max: 1024,
            body_timeout_s: 30,
            body_min_bytes_per_s: 1024,
            batch_lines_max: 1_000,
            batch_bytes_max: 4 << 20,
        }
    }
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
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: "json".to_owned() }
    }
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
        let value = |key, why: &str| Err(ConfigError::Value { key, why: why.to_owned() });
        let url = &self.http.base_url;
        if !(url.starts_with("https://") || url.starts_with("http://")) || url.ends_with('/') {
            return value(
                "http.base_url",
                "begins with https:// (http:// in a sandbox) and has no slash at its end",
            );
        }
        let origin = &self.http.origin;
        if origin.contains("://") || origin.ends_with('/') || !veritrail_audit::is_origin(origin) {
            return value("http.origin", "a host without a scheme and without a slash at its end");
        }
        let http = &self.http;
        if http.tls_certificate.is_some() != http.tls_key.is_some() {
            return value("http.tls_certificate, http.tls_key", "both or neither");
        }
        if http.tls_client_ca.is_some() && http.tls_key.is_none() {
            return value("http.tls_client_ca", "needs http.tls_certificate and http.tls_key");
        }
        if http.tls_client_required && http.tls_client_ca.is_none() {
            return value("http.tls_client_required", "needs http.tls_client_ca");
        }
        if self.http.workers == 0 || self.http.connections_max == 0 {
            return value("http.workers, http.connections_max", "at least 1");
        }
        if self.http.header_timeout_s == 0 || self.http.keep_alive_s == 0 {
            return value("http.header_timeout_s, http.keep_alive_s", "at least 1");
        }
        if self.http.idle_timeout_s <= self.http.header_timeout_s.max(self.http.keep_alive_s) {
            return value("http.idle_timeout_s", "more than http.header_timeout_s and http.keep_alive_s");
        }
        if self.limits.address_per_second == 0 || self.limits.address_burst == 0 {
            return value("limits.address_per_second, limits.address_burst", "at least 1");
        }
        if !(1..=1 << 20).contains(&self.limits.concurrency_max) {
            return value("limits.concurrency_max", "1 to 1048576");
        }
        if !(1..=3_600).contains(&self.limits.body_timeout_s) {
            return value("limits.body_timeout_s", "1 to 3600");
        }
        if !(1..=10_000).contains(&self.limits.batch_lines_max) {
            return value("limits.batch_lines_max", "1 to 10000");
        }
        if !(1024..=64 << 20).contains(&self.limits.batch_bytes_max) {
            return value("limits.batch_bytes_max", "1024 to 67108864");
        }
        if !(1..=1_000).contains(&self.storage.postgres_pool_max) {
            return value("storage.postgres_pool_max", "1 to 1000");
        }
        if self.storage.postgres_partition_entries < 256 {
            return value("storage.postgres_partition_entries", "at least 256");
        }
        if self.redis.urls().any(|url| !(url.starts_with("redis://") || url.starts_with("rediss://"))) {
            return value("redis.urls", "each begins with redis:// or rediss://");
        }
        if self.redis.connect_timeout_ms == 0 || self.redis.response_timeout_ms == 0 {
            return value("redis.connect_timeout_ms, redis.response_timeout_ms", "at least 1");
        }
        if self.redis.replicas == 0 {
            return value("redis.replicas", "at least 1");
        }
        if self.log.level.parse::<tracing::Level>().is_err() {
            return value("log.level", "error, warn, info or debug");
        }
        if !["json", "text"].contains(&self.log.format.as_str()) {
            return value("log.format", "json or text");
        }
        self.telemetry.check()
    }

    /// Where the signer's memory is.
    #[must_use]
    pub fn signed_heads(&self) -> PathBuf {
        self.storage.signed_heads.clone().unwrap_or_else(|| self.storage.data_dir.join("signed-heads"))
    }
}

impl Telemetry {
    fn check(&self) -> Result<(), ConfigError> {
        let value = |key, why: &str| Err(ConfigError::Value { key, why: why.to_owned() });
        let endpoint = &self.otlp_endpoint;
        if !(endpoint.is_empty() || endpoint.starts_with("http://"))
            || endpoint.ends_with('/')
            || endpoint.contains('@')
        {
            return value(
                "telemetry.otlp_endpoint",
                "begins with http://, has no slash at its end and no password; a collector beside the \
                 service takes it further by TLS",
            );
        }
        if self.service_name.is_empty() {
            return value("telemetry.service_name", "is not empty");
        }
        if !(0.0..=1.0).contains(&self.sample_ratio) {
            return value("telemetry.sample_ratio", "0 to 1");
        }
        if !(1..=3600).contains(&self.export_interval_s) {
            return value("telemetry.export_interval_s", "1 to 3600");
        }
        Ok(())
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
        let example = include_str!("../veritrail.example.toml");
        // What differs from machine to machine, and what has no default.
        let mut defaults = Config::default();
        defaults.http.workers = 2;
        defaults.storage.signed_heads = Some("/var/lib/veritrail/signed-heads".into());
        defaults.redis.ca_file = Some("/etc/veritrail/redis-ca.pem".into());
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
            ("[redis]\nurls = \"localhost:6379\"", "redis.urls"),
            ("[redis]\nresponse_timeout_ms = 0", "redis.response_timeout_ms"),
            ("[redis]\nreplicas = 0", "redis.replicas"),
            ("[log]\nlevel = \"loud\"", "log.level"),
            ("[telemetry]\notlp_endpoint = \"collector:4318\"", "telemetry.otlp_endpoint"),
            ("[telemetry]\nsample_ratio = 1.5", "telemetry.sample_ratio"),
            ("[telemetry]\nexport_interval_s = 0", "telemetry.export_interval_s"),
            ("[http]\ntls_key = \"x\"", "http.tls_certificate"),
            ("[http]\ntls_client_required = true", "http.tls_client_required"),
            ("[http]\nidle_timeout_s = 10", "http.idle_timeout_s"),
            ("[limits]\nconcurrency_max = 0", "limits.concurrency_max"),
            ("[limits]\nbody_timeout_s = 0", "limits.body_timeout_s"),
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
