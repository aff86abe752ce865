//! Where the service is heard, and under which name.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfigError, refused};
use crate::domain::network::Network;

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
    /// Networks (CIDR) of proxies that stand before the API, with commas between them. Where a request comes
    /// from, and with which client certificate, is taken from headers of theirs and of nobody else's.
    pub proxies: String,
    /// The header that they write senders' addresses into: `x-forwarded-for` or `forwarded` (RFC 7239).
    /// They must replace or extend it, never pass it on as it came.
    pub forwarded_header: String,
    /// The header that they write the sender's certificate into, as RFC 9440 has it or as PEM,
    /// percent-encoded. They must remove one that came.
    pub client_certificate_header: String,
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
            proxies: String::new(),
            forwarded_header: "x-forwarded-for".to_owned(),
            client_certificate_header: "client-cert".to_owned(),
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

impl Http {
    /// Checks what types can't.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let url = &self.base_url;
        if !(url.starts_with("https://") || url.starts_with("http://")) || url.ends_with('/') {
            return refused(
                "http.base_url",
                "begins with https:// (http:// in a sandbox) and has no slash at its end",
            );
        }
        let origin = &self.origin;
        if origin.contains("://") || origin.ends_with('/') || !veritrail_audit::is_origin(origin) {
            return refused("http.origin", "a host without a scheme and without a slash at its end");
        }
        if self.tls_certificate.is_some() != self.tls_key.is_some() {
            return refused("http.tls_certificate, http.tls_key", "both or neither");
        }
        if self.tls_client_ca.is_some() && self.tls_key.is_none() {
            return refused("http.tls_client_ca", "needs http.tls_certificate and http.tls_key");
        }
        if self.tls_client_required && self.tls_client_ca.is_none() {
            return refused("http.tls_client_required", "needs http.tls_client_ca");
        }
        if Network::parse_list(&self.proxies).is_err() {
            return refused("http.proxies", "networks such as 10.0.0.0/8, without bits beyond the prefix");
        }
        let is_name = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        if !is_name(&self.forwarded_header) || !is_name(&self.client_certificate_header) {
            return refused(
                "http.forwarded_header, http.client_certificate_header",
                "the name of a header, in lower case",
            );
        }
        if self.workers == 0 || self.connections_max == 0 {
            return refused("http.workers, http.connections_max", "at least 1");
        }
        if self.header_timeout_s == 0 || self.keep_alive_s == 0 {
            return refused("http.header_timeout_s, http.keep_alive_s", "at least 1");
        }
        if self.idle_timeout_s <= self.header_timeout_s.max(self.keep_alive_s) {
            return refused("http.idle_timeout_s", "more than http.header_timeout_s and http.keep_alive_s");
        }
        Ok(())
    }
}
