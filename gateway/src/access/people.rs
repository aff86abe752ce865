//! What people sign in with, and how often they may try.

use std::{net::IpAddr, sync::Arc, time::Duration};

use hmac::digest::InvalidLength;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use super::{attempts::Attempts, oidc::Issuer, password, second_factor::Factors};
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
    /// Failed tries to sign in to one account, at once.
    pub tries_per_account: u32,
    /// The same from one address.
    pub tries_per_address: u32,
    /// Seconds after which there is one more of either.
    pub try_every_s: u32,
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
    by_account: Attempts<String>,
    by_address: Attempts<IpAddr>,
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
        let tries = (settings.tries_per_account, settings.tries_per_address, settings.try_every_s);
        Ok(Self {
            hashing: Arc::new(Semaphore::new(settings.passwords_at_once)),
            by_account: Attempts::new(tries.0, tries.2),
            by_address: Attempts::new(tries.1, tries.2),
            factors: Factors::new(secret)?,
            issuers,
            settings,
        })
    }

    /// Takes a try from an address, and to sign in to an account if one is named, whether there is one or not.
    ///
    /// # Errors
    /// 429 when there is none left.
    pub(super) fn take_try(
        &self,
        account: Option<&str>,
        address: IpAddr,
        now_us: i64,
    ) -> Result<(), Problem> {
        let refused = |seconds: u64| Problem {
            retry_after_s: Some(seconds),
            ..Problem::new(
                Code::QuotaExceeded,
                format!("there were too many tries to sign in; try again in {seconds} s"),
            )
        };
        self.by_address.take(&network(address), now_us).map_err(refused)?;
        match account {
            Some(account) => self.by_account.take(&account.to_owned(), now_us).map_err(refused),
            None => Ok(()),
        }
    }

    /// Gives a try back that was a good one.
    pub(super) fn give_back(&self, account: Option<&str>, address: IpAddr) {
        self.by_address.give_back(&network(address));
        if let Some(account) = account {
            self.by_account.give_back(&account.to_owned());
        }
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

/// Whose address it is, as far as that can be told: in IPv6 one person has 64 bits of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        address => address,
    }
}
