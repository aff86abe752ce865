//! Tokens of other issuers (Keycloak, Entra ID, …), which the configuration names.
//!
//! An issuer's keys are found by its metadata (OpenID Connect Discovery, RFC 8414) and never by a token.
//! A `kid` that isn't known makes them be fetched anew, once for all who wait; if it isn't there then, not
//! again for a while, whatever comes. The algorithm is the key's. `exp`, `iat`, `iss`, `aud` and `sub` must be there,
//! and `nbf` unless the configuration says that the issuer leaves it out.

mod id_tokens;
mod keys;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, Validation, jwk::Jwk};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

pub use self::id_tokens::IdTokens;
use self::keys::{Keys, algorithm};
use super::{
    binding::Confirmation,
    token::{SKEW_S, TOKEN_MAX, TokenFault},
};
use crate::{
    domain::Scope,
    error::{Code, Problem},
};

/// Characters of what an issuer calls a client.
const SUBJECT_MAX: usize = 200;

/// An issuer that is believed, and how its tokens are read.
#[derive(Clone, Debug)]
pub struct Trust {
    /// Its name in the configuration; clients are registered under it.
    pub name: String,
    /// Its `iss`, and where its metadata is found.
    pub url: String,
    /// What its tokens' `aud` must contain.
    pub audience: String,
    /// The claim that says which client a token is for.
    pub client_claim: String,
    /// The claim with the scopes: text with spaces, or a list.
    pub scope_claim: String,
    /// Whether `nbf` must be there.
    pub nbf_required: bool,
}

/// What an issuer's token says, once it is believed.
#[derive(Debug)]
pub struct Vouched {
    /// The issuer's name.
    pub issuer: String,
    /// What it calls the client.
    pub subject: String,
    /// Scopes of ours that it names.
    pub scopes: Vec<Scope>,
    /// When it ends, in seconds since the Unix epoch.
    pub exp: i64,
    /// An id of the token, unlike those of our own tokens.
    pub jti: String,
    /// What it is bound to.
    pub confirmation: Confirmation,
}

/// Why no token of another issuer was taken.
#[derive(Debug)]
pub enum IssuerFault {
    /// It is not believed.
    Token(TokenFault),
    /// The issuer can't be asked for its keys, and never could.
    Unreachable(String),
}

impl From<TokenFault> for IssuerFault {
    fn from(fault: TokenFault) -> Self {
        Self::Token(fault)
    }
}

impl From<IssuerFault> for Problem {
    fn from(fault: IssuerFault) -> Self {
        match fault {
            IssuerFault::Token(fault) => {
                let mut problem = super::door::invalid_token();
                problem.cause = Some(fault.to_string());
                problem
            }
            IssuerFault::Unreachable(why) => {
                let mut problem = Self::new(Code::Unavailable, "the issuer of the token cannot be asked now");
                problem.cause = Some(why);
                problem.retry_after_s = Some(5);
                problem
            }
        }
    }
}

/// The issuers that are believed.
#[derive(Debug)]
pub struct Issuers(Vec<(Trust, Keys)>);

impl Issuers {
    /// Believes these.
    ///
    /// # Errors
    /// When outgoing HTTP can't be set up.
    pub fn new(all: Vec<Trust>) -> Result<Self, reqwest::Error> {
        if all.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let http = keys::client()?;
        Ok(Self(all.into_iter().map(|trust| (trust.clone(), Keys::new(&trust.url, http.clone()))).collect()))
    }

    /// Whether an issuer of this name is believed.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(trust, _)| trust.name == name)
    }

    /// Whether a token claims to be of one of them. Nothing about it is believed yet.
    #[must_use]
    pub fn are_named_by(&self, token: &str) -> bool {
        self.named_by(token).is_some()
    }

    fn named_by(&self, token: &str) -> Option<&(Trust, Keys)> {
        if self.0.is_empty() || token.len() > TOKEN_MAX {
            return None;
        }
        let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(token).ok()?;
        let issuer = claims.get("iss")?.as_str()?;
        self.0.iter().find(|(trust, _)| trust.url == issuer)
    }

    /// What a token of one of them says.
    ///
    /// # Errors
    /// Why it is not believed.
    pub async fn verify(&self, token: &str, now_s: i64) -> Result<Vouched, IssuerFault> {
        let (trust, keys) = self.named_by(token).ok_or(TokenFault::Audience)?;
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenFault::Signature)?;
        if header.crit.is_some() {
            return Err(TokenFault::Signature.into());
        }
        let typ = header.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
        if !["at+jwt", "application/at+jwt", "jwt"].contains(&typ.as_str()) {
            return Err(TokenFault::Type.into());
        }
        let kid = header.kid.ok_or(TokenFault::Signature)?;
        let key = keys.find(&kid).await.map_err(IssuerFault::Unreachable)?.ok_or(TokenFault::Signature)?;
        let claims = decoded(token, &key)?;
        Ok(trust.read(&claims, token, now_s)?)
    }
}

/// Whether a client can be registered under what an issuer calls it: 1 to 200 characters, none of them a control
/// character, which a database may not take.
#[must_use]
pub fn can_be_registered(subject: &str) -> bool {
    (1..=SUBJECT_MAX).contains(&subject.chars().count()) && !subject.contains(char::is_control)
}

fn decoded(token: &str, key: &Jwk) -> Result<Value, TokenFault> {
    let algorithm = algorithm(key).ok_or(TokenFault::Signature)?;
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let decoding = DecodingKey::from_jwk(key).map_err(|_| TokenFault::Signature)?;
    let data = jsonwebtoken::decode::<Value>(token, &decoding, &validation);
    data.map(|data| data.claims).map_err(|_| TokenFault::Signature)
}

impl Trust {
    /// Reads claims whose signature holds.
    fn read(&self, claims: &Value, token: &str, now_s: i64) -> Result<Vouched, TokenFault> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let seconds = |name: &str| claims.get(name).map(|value| value.as_i64().ok_or(TokenFault::Signature));
        let for_us = match claims.get("aud") {
            Some(Value::String(aud)) => *aud == self.audience,
            Some(Value::Array(all)) => all.iter().any(|aud| *aud == self.audience.as_str()),
            _ => false,
        };
        if text("iss") != Some(&self.url) || !for_us || text("sub").is_none() {
            return Err(TokenFault::Audience);
        }
        let exp = seconds("exp").unwrap_or(Err(TokenFault::Expired))?;
        let iat = seconds("iat").unwrap_or(Err(TokenFault::Early))?;
        let nbf = match seconds("nbf") {
            Some(nbf) => nbf?,
            None if self.nbf_required => return Err(TokenFault::Early),
            None => iat,
        };
        if exp <= now_s {
            return Err(TokenFault::Expired);
        }
        if nbf > now_s + SKEW_S || iat > now_s + SKEW_S {
            return Err(TokenFault::Early);
        }
        let subject = text(&self.client_claim).filter(|subject| can_be_registered(subject));
        let subject = subject.ok_or(TokenFault::Audience)?.to_owned();
        let names: Vec<&str> = match claims.get(&self.scope_claim) {
            Some(Value::String(list)) => list.split(' ').collect(),
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        // An issuer has scopes that are not ours.
        let scopes = names.into_iter().filter_map(|name| Scope::parse_list(name).ok()).flatten().collect();
        let confirmation = match claims.get("cnf") {
            None => Confirmation::default(),
            Some(cnf) => serde_json::from_value(cnf.clone()).map_err(|_| TokenFault::Signature)?,
        };
        let jti = format!("{}:{}", self.name, URL_SAFE_NO_PAD.encode(Sha256::digest(token)));
        Ok(Vouched { issuer: self.name.clone(), subject, scopes, exp, jti, confirmation })
    }
}
