//! Other issuers whose access tokens are taken.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ConfigError, refused};

/// The issuers, by names of one's own. A client is registered under its issuer's name.
pub type Issuers = BTreeMap<String, Issuer>;

/// Another issuer.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Issuer {
    /// Its `iss`; its metadata are found under it.
    pub url: String,
    /// What its tokens' `aud` must contain; `http.base_url` if empty.
    pub audience: String,
    /// The claim that says which client a token is for.
    pub client_claim: String,
    /// The claim with the scopes: text with spaces, or a list.
    pub scope_claim: String,
    /// Whether its tokens have `nbf`. Keycloak's have none unless told.
    pub nbf_required: bool,
}

impl Default for Issuer {
    fn default() -> Self {
        Self {
            url: String::new(),
            audience: String::new(),
            client_claim: "client_id".to_owned(),
            scope_claim: "scope".to_owned(),
            nbf_required: true,
        }
    }
}

/// Checks what types can't.
pub(super) fn check(issuers: &Issuers, base_url: &str) -> Result<(), ConfigError> {
    for (name, issuer) in issuers {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            return refused(
                "issuers",
                "a name has 1 to 64 lower-case letters, digits, hyphens and underscores",
            );
        }
        let url = &issuer.url;
        if !(url.starts_with("https://") || url.starts_with("http://127.0.0.1:")) {
            return refused("issuers.*.url", "begins with https:// (http://127.0.0.1: in a sandbox)");
        }
        if url == base_url {
            return refused("issuers.*.url", "another one than http.base_url");
        }
        if issuers.values().filter(|other| other.url == *url).count() > 1 {
            return refused("issuers.*.url", "one name for an issuer, not two");
        }
        if issuer.client_claim.is_empty() || issuer.scope_claim.is_empty() {
            return refused("issuers.*.client_claim, issuers.*.scope_claim", "the name of a claim");
        }
    }
    Ok(())
}
