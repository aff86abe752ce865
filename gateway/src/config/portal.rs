//! How people sign in to the portal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ConfigError, Secret, refused};
use crate::domain::{InstitutionId, Role};

/// How people sign in to the portal.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Portal {
    /// Minutes after which a session that is not used ends.
    pub session_idle_min: u32,
    /// Hours after which a session ends in any case.
    pub session_hours: u32,
    /// Failed tries to sign in to one account from one network, at once.
    pub tries_per_account: u32,
    /// The same to all accounts from one network.
    pub tries_per_address: u32,
    /// The same to one account from everywhere; further ones are not refused, and take longer.
    pub tries_everywhere: u32,
    /// Seconds after which there is one more of each.
    pub try_every_s: u32,
    /// Wrong codes of one person's second factor, at once.
    pub codes_at_once: u32,
    /// Seconds after which there is one more.
    pub code_every_s: u32,
    /// Passwords that are checked at once: each takes 19 MiB for a while; others wait.
    pub passwords_at_once: usize,
    /// Roles that need a second factor beside a password, with commas between them.
    pub second_factor: String,
    /// Issuers that people sign in at by OpenID Connect, by names of one's own.
    pub oidc: BTreeMap<String, Oidc>,
}

/// An issuer that people sign in at.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Oidc {
    /// Its `iss`; its metadata are found under it.
    pub issuer: String,
    /// What people know it by.
    pub label: String,
    /// What the portal is called there.
    pub client_id: String,
    /// What it proves that by.
    pub client_secret: Secret,
    /// What is asked for.
    pub scope: String,
    /// Whose people it speaks for: an institution's, by its id; `provider` for operators; `regulators` for those of
    /// `email_domains`; `any`.
    pub people_of: String,
    /// The domains of regulators' e-mail addresses that it speaks for, with commas between them.
    pub email_domains: String,
}

impl Default for Oidc {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            label: String::new(),
            client_id: String::new(),
            client_secret: Secret::default(),
            scope: "openid email".to_owned(),
            people_of: String::new(),
            email_domains: String::new(),
        }
    }
}

impl Oidc {
    /// The domains of regulators' addresses, in lower case.
    pub fn domains(&self) -> impl Iterator<Item = String> {
        self.email_domains.split(',').map(|name| name.trim().to_lowercase()).filter(|name| !name.is_empty())
    }

    fn check(&self) -> Result<(), ConfigError> {
        let plain = |url: &str| url.starts_with("https://") || url.starts_with("http://127.0.0.1:");
        if !plain(&self.issuer) {
            return refused("portal.oidc.*.issuer", "begins with https:// (http://127.0.0.1: in a sandbox)");
        }
        if self.client_id.is_empty() || self.client_secret.get().is_none() {
            return refused("portal.oidc.*.client_id, portal.oidc.*.client_secret", "must be there");
        }
        if !self.scope.split(' ').any(|scope| scope == "openid") {
            return refused("portal.oidc.*.scope", "has openid in it");
        }
        if !["provider", "regulators", "any"].contains(&self.people_of.as_str())
            && self.people_of.parse::<InstitutionId>().is_err()
        {
            return refused("portal.oidc.*.people_of", "an institution's id, provider, regulators or any");
        }
        if (self.people_of == "regulators") != (self.domains().count() > 0) {
            return refused("portal.oidc.*.email_domains", "with people_of = \"regulators\", and only there");
        }
        Ok(())
    }
}

impl Default for Portal {
    fn default() -> Self {
        Self {
            session_idle_min: 30,
            session_hours: 12,
            tries_per_account: 10,
            tries_per_address: 50,
            tries_everywhere: 200,
            try_every_s: 30,
            codes_at_once: 8,
            code_every_s: 600,
            passwords_at_once: 4,
            second_factor: String::new(),
            oidc: BTreeMap::new(),
        }
    }
}

impl Portal {
    /// The roles that need a second factor; what is no role is left out.
    #[must_use]
    pub fn second_factor(&self) -> Vec<Role> {
        self.names().filter_map(Role::parse).collect()
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.second_factor.split(',').map(str::trim).filter(|name| !name.is_empty())
    }

    /// Checks what types can't.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !(1..=1440).contains(&self.session_idle_min) {
            return refused("portal.session_idle_min", "1 to 1440");
        }
        if !(1..=720).contains(&self.session_hours) {
            return refused("portal.session_hours", "1 to 720");
        }
        if self.tries_per_account == 0 || self.tries_per_address == 0 || self.tries_everywhere == 0 {
            let keys = "portal.tries_per_account, portal.tries_per_address, portal.tries_everywhere";
            return refused(keys, "at least 1");
        }
        if !(1..=86_400).contains(&self.try_every_s) {
            return refused("portal.try_every_s", "1 to 86400");
        }
        if !(1..=1000).contains(&self.codes_at_once) {
            return refused("portal.codes_at_once", "1 to 1000");
        }
        if !(1..=86_400).contains(&self.code_every_s) {
            return refused("portal.code_every_s", "1 to 86400");
        }
        if !(1..=256).contains(&self.passwords_at_once) {
            return refused("portal.passwords_at_once", "1 to 256");
        }
        if !self.names().all(|name| Role::parse(name).is_some()) {
            let roles = "compliance-officer, integration-engineer, regulator, operator";
            return refused("portal.second_factor", roles);
        }
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
        if !self.oidc.keys().all(|name| (1..=64).contains(&name.len()) && name.bytes().all(plain)) {
            let why = "a name has 1 to 64 lower-case letters, digits, hyphens and underscores";
            return refused("portal.oidc", why);
        }
        self.oidc.values().try_for_each(Oidc::check)
    }
}
