//! An issuer's keys: found, kept, and fetched anew when they change.
//!
//! Keys in use are fetched anew behind their callers' backs. Waited for, and not for long, is a key that isn't
//! known, and one that was not asked for in an hour: it may have been withdrawn. While an issuer can't be asked,
//! who has a key of a day waits for nobody.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use jsonwebtoken::{
    Algorithm,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use serde_json::Value;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::access::assertion;

/// After keys were fetched for a `kid` that was not among them, they are not fetched again for so long,
/// whatever comes.
const COOL_DOWN: Duration = Duration::from_secs(30);
/// The same after they could not be.
const COOL_DOWN_FAILED: Duration = Duration::from_secs(5);
/// Keys that are older are fetched anew when one is used.
const REFRESH: Duration = Duration::from_secs(1800);
/// Keys that are older don't count before the issuer was asked, so that a withdrawn one ends.
const STALE: Duration = Duration::from_secs(3600);
/// Keys that are older, because the issuer can't be asked, count no more.
const DEAD: Duration = Duration::from_secs(24 * 3600);
const CONNECT: Duration = Duration::from_secs(3);
const WHOLE: Duration = Duration::from_secs(5);
/// How long a caller waits for a key that isn't known; keys that come later are there for the next one.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most bytes of an issuer's answer.
const ANSWER_MAX: usize = 512 * 1024;
const KEYS_MAX: usize = 100;

/// The keys of one issuer.
#[derive(Clone, Debug)]
pub(super) struct Keys(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    url: String,
    http: reqwest::Client,
    known: RwLock<Option<(Instant, Vec<Jwk>)>>,
    /// When they may be fetched again. Whoever fetches holds it; the others wait.
    next: Arc<Mutex<Option<Instant>>>,
    /// Whether it could not be asked the last time.
    is_away: AtomicBool,
    metadata: RwLock<Option<(Instant, Value)>>,
}

/// The turn to fetch keys.
type Turn = OwnedMutexGuard<Option<Instant>>;

/// HTTP to issuers: short, without redirects, and past no proxy.
pub(super) fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .timeout(WHOLE)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
}

impl Keys {
    pub(super) fn new(url: &str, http: reqwest::Client) -> Self {
        let inner = Inner {
            url: url.to_owned(),
            http,
            known: RwLock::default(),
            next: Arc::default(),
            is_away: AtomicBool::new(false),
            metadata: RwLock::default(),
        };
        Self(Arc::new(inner))
    }

    /// The key of an id, if the issuer has one. Who has a key that still counts does not wait for an issuer that
    /// did not answer the last time it was asked.
    ///
    /// # Errors
    /// When there are no keys because the issuer can't be asked.
    pub(super) async fn find(&self, kid: &str) -> Result<Option<Jwk>, String> {
        if let Some((key, age)) = self.0.known(kid)
            && (age <= STALE || self.0.is_away.load(Ordering::SeqCst))
        {
            if age > REFRESH {
                self.renew(kid);
            }
            return Ok(Some(key));
        }
        let (inner, wanted) = (Arc::clone(&self.0), kid.to_owned());
        // In a task: a caller that hangs up, or waits no longer, must not leave the others without keys.
        let fetching = tokio::spawn(async move {
            let turn = Arc::clone(&inner.next).lock_owned().await;
            inner.refresh(&wanted, turn).await;
        });
        if let Ok(fetched) = tokio::time::timeout(PATIENCE, fetching).await {
            fetched.map_err(|error| error.to_string())?;
        }
        match self.0.known(kid) {
            None if !self.0.has_any() => Err(format!("the keys of {} could not be had", self.0.url)),
            found => Ok(found.map(|(key, _)| key)),
        }
    }

    /// The issuer's metadata, kept for a while.
    ///
    /// # Errors
    /// Why they could not be had.
    pub(super) async fn metadata(&self) -> Result<Value, String> {
        let known = self.0.metadata.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, metadata)) = known
            && at.elapsed() <= REFRESH
        {
            return Ok(metadata);
        }
        let metadata = self.0.fetch_metadata().await?;
        let mut known = self.0.metadata.write().unwrap_or_else(PoisonError::into_inner);
        *known = Some((Instant::now(), metadata.clone()));
        Ok(metadata)
    }

    /// Sends a form as a client; what is answered, an error too.
    ///
    /// # Errors
    /// When no JSON is answered.
    pub(super) async fn post(
        &self,
        url: &str,
        (id, secret): (&str, &str),
        form: &[(&str, &str)],
        by_post: bool,
    ) -> Result<Value, String> {
        let mut form = form.to_vec();
        let mut request = self.0.http.post(url);
        if by_post {
            form.extend([("client_id", id), ("client_secret", secret)]);
        } else {
            // RFC 6749 section 2.3.1: both are encoded first.
            let coded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            request = request.basic_auth(coded(id), Some(coded(secret)));
        }
        let response = request.form(&form).send().await.map_err(|error| error.to_string())?;
        json(url, response).await
    }

    /// Has the keys fetched anew while nobody waits, unless somebody is at it.
    fn renew(&self, kid: &str) {
        let Ok(turn) = Arc::clone(&self.0.next).try_lock_owned() else { return };
        if !is_resting(&turn) {
            let (inner, wanted) = (Arc::clone(&self.0), kid.to_owned());
            tokio::spawn(async move { inner.refresh(&wanted, turn).await });
        }
    }
}

/// Whether keys are not to be fetched for a while.
fn is_resting(turn: &Turn) -> bool {
    turn.is_some_and(|next| Instant::now() < next)
}

impl Inner {
    /// A key that counts, and how old it is.
    fn known(&self, kid: &str) -> Option<(Jwk, Duration)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let (at, keys) = known.as_ref()?;
        let (age, named) = (at.elapsed(), |key: &&Jwk| key.common.key_id.as_deref() == Some(kid));
        keys.iter().find(named).filter(|_| age <= DEAD).map(|key| (key.clone(), age))
    }

    /// Whether a key is known that need not be fetched anew.
    fn is_fresh(&self, kid: &str) -> bool {
        self.known(kid).is_some_and(|(_, age)| age <= REFRESH)
    }

    fn has_any(&self) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().is_some_and(|(at, _)| at.elapsed() <= DEAD)
    }

    /// Fetches the keys, unless somebody just did.
    async fn refresh(&self, wanted: &str, mut turn: Turn) {
        if self.is_fresh(wanted) || is_resting(&turn) {
            return;
        }
        let fetched = self.fetch().await;
        self.is_away.store(fetched.is_err(), Ordering::SeqCst);
        let pause = match fetched {
            Ok(keys) => {
                let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
                *known = Some((Instant::now(), keys));
                drop(known);
                // Who has a key of the issuer's may go on to its next one at once.
                (!self.is_fresh(wanted)).then_some(COOL_DOWN)
            }
            Err(why) => {
                tracing::warn!(issuer = self.url, why, "an issuer's keys could not be fetched");
                Some(COOL_DOWN_FAILED)
            }
        };
        *turn = pause.map(|pause| Instant::now() + pause);
    }

    async fn fetch(&self) -> Result<Vec<Jwk>, String> {
        let metadata = self.fetch_metadata().await?;
        let jwks_uri = metadata["jwks_uri"].as_str().ok_or("its metadata name no jwks_uri")?;
        if self.url.starts_with("https://") && !jwks_uri.starts_with("https://") {
            return Err("its jwks_uri is not https".to_owned());
        }
        let set = self.get(jwks_uri).await?;
        let keys = set["keys"].as_array().ok_or("its jwks_uri has no keys")?;
        // Keys of kinds that we don't know are none of ours to refuse.
        let usable = keys.iter().take(KEYS_MAX).filter_map(|key| serde_json::from_value(key.clone()).ok());
        Ok(usable.filter(|key| algorithm(key).is_some()).collect())
    }

    async fn fetch_metadata(&self) -> Result<Value, String> {
        // OpenID Connect Discovery section 4: less a slash at its end.
        let base = self.url.trim_end_matches('/');
        let metadata = match self.get(&format!("{base}/.well-known/openid-configuration")).await {
            Ok(metadata) => metadata,
            Err(_) => self.get(&rfc_8414(&self.url)?).await?,
        };
        if metadata["issuer"] != self.url.as_str() {
            return Err("its metadata are another issuer's".to_owned());
        }
        Ok(metadata)
    }

    async fn get(&self, url: &str) -> Result<Value, String> {
        let response = self.http.get(url).send().await.map_err(|error| error.to_string())?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(format!("{url} answers {}", response.status()));
        }
        json(url, response).await
    }
}

/// An issuer's answer.
async fn json(url: &str, mut response: reqwest::Response) -> Result<Value, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| error.to_string())? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_MAX {
            return Err(format!("{url} answers too much"));
        }
    }
    serde_json::from_slice(&body).map_err(|_| format!("{url} is not JSON"))
}

/// Where RFC 8414 section 3.1 looks for metadata.
fn rfc_8414(issuer: &str) -> Result<String, String> {
    let mut url = reqwest::Url::parse(issuer).map_err(|error| error.to_string())?;
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
    Ok(url.into())
}

/// The one algorithm that an issuer's key is used with: the one that the key names, or else that of its kind.
/// For RSA that is RS256, as OpenID Connect has it.
pub(super) fn algorithm(key: &Jwk) -> Option<Algorithm> {
    if key.common.public_key_use.as_ref().is_some_and(|used| *used != PublicKeyUse::Signature)
        || !assertion::is_strong(key)
    {
        return None;
    }
    let named = key.common.key_algorithm;
    match &key.algorithm {
        AlgorithmParameters::RSA(_) => match named {
            None | Some(KeyAlgorithm::RS256) => Some(Algorithm::RS256),
            Some(KeyAlgorithm::RS384) => Some(Algorithm::RS384),
            Some(KeyAlgorithm::RS512) => Some(Algorithm::RS512),
            Some(KeyAlgorithm::PS256) => Some(Algorithm::PS256),
            Some(KeyAlgorithm::PS384) => Some(Algorithm::PS384),
            Some(KeyAlgorithm::PS512) => Some(Algorithm::PS512),
            Some(_) => None,
        },
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            matches!(named, None | Some(KeyAlgorithm::ES256)).then_some(Algorithm::ES256)
        }
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P384 => {
            matches!(named, None | Some(KeyAlgorithm::ES384)).then_some(Algorithm::ES384)
        }
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            matches!(named, None | Some(KeyAlgorithm::EdDSA)).then_some(Algorithm::EdDSA)
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
