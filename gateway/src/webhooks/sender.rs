//! One message to one endpoint: checked addresses alone, no redirect, no proxy, one deadline for all of it.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::{Client, Response, Url, header, redirect::Policy};

use super::address::{Allowed, Checked, Names, NotPublic};
use crate::{config, domain::network::Network};

/// Most bytes of a URL.
const URL_MAX: usize = 2048;
/// How much of an answer is read.
const READ_MAX: usize = 64 << 10;
/// How much of it is kept.
const KEPT_MAX: usize = 1 << 10;
const AGENT: &str = concat!("Veritrail-Webhooks/", env!("CARGO_PKG_VERSION"));

/// Why messages can't be sent at all.
#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    /// The certificates can't be read.
    #[error("webhooks.ca_file: {0}: {1}")]
    File(PathBuf, std::io::Error),
    /// The certificates can't be used.
    #[error("webhooks.ca_file: {0}")]
    Certificates(reqwest::Error),
}

/// Sends messages.
pub struct Sender {
    /// None where the system has no certificates to check an endpoint's against.
    client: Option<Client>,
    allowed: Allowed,
    allow_http: bool,
    timeout: Duration,
}

/// A message on its way.
pub(super) struct Outgoing<'a> {
    pub url: &'a str,
    pub id: &'a str,
    pub timestamp: i64,
    pub signatures: String,
    pub body: Vec<u8>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The status that was answered.
    pub status: Option<u16>,
    /// The beginning of the answer.
    pub answer: Option<String>,
    /// What went wrong; none when it was taken.
    pub error: Option<String>,
    /// How long it took.
    pub took_ms: i64,
}

impl Outcome {
    /// Whether the receiver wants nothing more (Standard Webhooks: 410).
    pub fn is_gone(&self) -> bool {
        self.status == Some(410)
    }
}

impl Sender {
    /// A sender as configured, that looks names up by a resolver.
    ///
    /// # Errors
    /// When the configured certificates can't be used.
    pub fn new(config: &config::Webhooks, names: Arc<dyn Names>) -> Result<Self, SenderError> {
        // The configuration was checked; what can't be read would allow nothing.
        let allowed = Allowed::new(Network::parse_list(&config.allow_networks).unwrap_or_default());
        let checked = Checked { names, allowed: allowed.clone() };
        let timeout = Duration::from_secs(config.timeout_s);
        let mut builder = Client::builder()
            .dns_resolver(checked)
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            // Each message goes by a connection to an address that was checked for it.
            .pool_max_idle_per_host(0)
            .user_agent(AGENT)
            .timeout(timeout);
        if let Some(path) = &config.ca_file {
            let pem = std::fs::read(path).map_err(|error| SenderError::File(path.clone(), error))?;
            let certificates =
                reqwest::Certificate::from_pem_bundle(&pem).map_err(SenderError::Certificates)?;
            builder = builder.tls_certs_only(certificates);
        }
        let client = match builder.build() {
            Ok(client) => Some(client),
            Err(error) if config.ca_file.is_some() => return Err(SenderError::Certificates(error)),
            Err(error) => {
                tracing::error!(error = told(&error), "webhook endpoints can't be told");
                None
            }
        };
        Ok(Self { client, allowed, allow_http: config.allow_http, timeout })
    }

    /// Checks an endpoint's URL as far as it can be without looking its name up.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn check(&self, url: &str) -> Result<Url, &'static str> {
        if url.len() > URL_MAX {
            return Err("it has at most 2048 bytes");
        }
        let url: Url = url.parse().map_err(|_| "it must be a whole URL")?;
        match url.scheme() {
            "https" => {}
            "http" if self.allow_http => {}
            _ => return Err("it must begin with https://"),
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err("it must have no user, no password and no fragment");
        }
        // A host that is an address is never looked up.
        let address = url.host_str().map(|host| host.trim_start_matches('[').trim_end_matches(']').parse());
        match address {
            None => Err("it must name a host"),
            Some(Ok(address)) if self.allowed.check(address).is_err() => {
                Err("its address is not a public one")
            }
            Some(_) => Ok(url),
        }
    }

    /// The longest that sending takes.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Sends a message and reads the answer.
    pub(super) async fn send(&self, message: Outgoing<'_>) -> Outcome {
        let began = Instant::now();
        let took_ms = || i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
        // The name's look-up counts too, and so does the whole answer.
        let sent = tokio::time::timeout(self.timeout, self.exchange(message)).await;
        let late = || format!("no whole answer within {} s", self.timeout.as_secs());
        match sent {
            Err(_) => Outcome { status: None, answer: None, error: Some(late()), took_ms: took_ms() },
            Ok(Err(Failure::Late)) => {
                Outcome { status: None, answer: None, error: Some(late()), took_ms: took_ms() }
            }
            Ok(Err(Failure::Told(error))) => {
                Outcome { status: None, answer: None, error: Some(error), took_ms: took_ms() }
            }
            Ok(Ok((status, answer))) => {
                let error = match status {
                    200..=299 => None,
                    300..=399 => Some("redirects are not followed".to_owned()),
                    _ => Some(format!("it answered {status}")),
                };
                Outcome { status: Some(status), answer: Some(answer), error, took_ms: took_ms() }
            }
        }
    }

    async fn exchange(&self, message: Outgoing<'_>) -> Result<(u16, String), Failure> {
        let url = self.check(message.url).map_err(|why| Failure::Told(why.to_owned()))?;
        let client = self.client.as_ref();
        let client =
            client.ok_or_else(|| Failure::Told("this service can check no certificate".to_owned()))?;
        let request = client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", message.id)
            .header("webhook-timestamp", message.timestamp)
            .header("webhook-signature", message.signatures)
            .body(message.body);
        let response = request.send().await.map_err(Failure::of)?;
        let status = response.status().as_u16();
        Ok((status, beginning(response).await?))
    }
}

/// Reads an answer, or as much of it as is looked at; keeps its beginning.
async fn beginning(mut response: Response) -> Result<String, Failure> {
    let (mut kept, mut read) = (Vec::new(), 0);
    while let Some(part) = response.chunk().await.map_err(Failure::of)? {
        read += part.len();
        let room = KEPT_MAX - kept.len();
        kept.extend_from_slice(&part[..part.len().min(room)]);
        if read >= READ_MAX {
            break;
        }
    }
    // No database text holds a zero character.
    Ok(String::from_utf8_lossy(&kept).replace('\0', "\u{fffd}"))
}

enum Failure {
    Late,
    Told(String),
}

impl Failure {
    fn of(error: reqwest::Error) -> Self {
        if error.is_timeout() { Self::Late } else { Self::Told(told(&error)) }
    }
}

/// An error for the endpoint's owner: what went wrong, without the URL and in one line.
fn told(error: &reqwest::Error) -> String {
    let mut sources = std::iter::successors(std::error::Error::source(error), |error| error.source());
    if let Some(refused) = sources.clone().find_map(|source| source.downcast_ref::<NotPublic>()) {
        return refused.to_string();
    }
    let last = sources.by_ref().last().map(ToString::to_string);
    let what = if error.is_connect() { "it cannot be reached" } else { "the exchange failed" };
    match last {
        Some(last) => format!("{what}: {}", last.chars().take(200).collect::<String>()),
        None => what.to_owned(),
    }
}
