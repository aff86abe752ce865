//! What people sign in with, and how often they may try.

use std::{sync::Arc, time::Duration};

use hmac::digest::InvalidLength;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use super::{attempts::Tries, oidc::Issuer, password, second_factor::Factors};
use crate::{
    domain::Role,
    error::{Code, Problem},
    keys::Seed,
};

/// How long a password waits to be checked before the service counts as overloaded.
const PATIENCE: Duration = Duration::from_secs(5);

/// How people sign in.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A session that is not used for so long ends, in microseconds.
    pub idle_us: i64,
    /// A session ends after so long, in microseconds.
    pub whole_us: i64,
    /// Failed tries to sign in to one account from one network, at once.
    pub tries_per_account: u32,
    /// The same to all accounts from one network.
    pub tries_per_address: u32,
    /// The same to one account from everywhere; further ones take longer.
    pub tries_everywhere: u32,
    /// Seconds after which there is one more of each.
    pub try_every_s: u32,
    /// Wrong codes of one person's second factor, at once.
    pub codes_at_once: u32,
    /// Seconds after which there is one more.
    pub code_every_s: u32,
    /// Passwords that are checked at once; others wait.
    pub passwords_at_once: usize,
    /// Roles that need a second factor.
    pub second_factor: Vec<Role>,
}

/// What the door knows of people.
pub struct People {
    /// How they sign in.
    pub settings: Settings,
    hashing: Arc<Semaphore>,
    pub(super) tries: Tries,
    pub(super) factors: Factors,
    pub(super) issuers: Vec<Issuer>,
}

impl People {
    /// People who sign in by these settings, here or at these issuers, with second factors under a key that is
    /// derived from a secret.
    ///
    /// # Errors
    /// When the secret can't be used.
    pub fn new(settings: Settings, issuers: Vec<Issuer>, secret: &Seed) -> Result<Self, InvalidLength> {
        Ok(Self {
            hashing: Arc::new(Semaphore::new(settings.passwords_at_once)),
            tries: Tries::new(&settings),
            factors: Factors::new(secret)?,
            issuers,
            settings,
        })
    }

    /// Whether a password is the one of a hash; without a hash it takes as long.
    pub(super) async fn is_right(
        &self,
        stored: Option<String>,
        password: SecretString,
    ) -> Result<bool, Problem> {
        self.hashing(move || password::is_right(stored.as_deref(), password.expose_secret())).await
    }

    /// A hash of a password.
    pub(super) async fn hash(&self, password: SecretString, salt: [u8; 16]) -> Result<String, Problem> {
        let hashed = self.hashing(move || password::hash(password.expose_secret(), salt)).await?;
        hashed.map_err(Problem::internal)
    }

    /// Hashes where it keeps nobody from being answered, and not more than a few at once: each takes 19 MiB.
    async fn hashing<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.hashing).acquire_owned()).await;
        let turn = turn.map_err(|_| Problem {
            retry_after_s: Some(1),
            ..Problem::new(Code::Overloaded, "too many people sign in at once; try again in a moment")
        })?;
        let turn = turn.map_err(Problem::internal)?;
        let work = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        work.await.map_err(Problem::internal)
    }
}
