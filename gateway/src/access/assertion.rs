//! How a client proves who it is at the token endpoint: `private_key_jwt` (RFC 7523) as the rule,
//! `client_secret_basic` (RFC 6749 section 2.3.1) for sandboxes.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet},
};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::token::SKEW_S;
use crate::domain::jwk::{self, KID_MAX, SentKeys};

/// An assertion may be valid this long.
const LIFETIME_MAX_S: i64 = 600;
/// A client has this many keys at most.
const KEYS_MAX: usize = 10;
/// Bytes of one of them, as JSON.
const KEY_BYTES_MAX: usize = 4096;
const JTI_MAX: usize = 128;
/// Bytes of an RSA modulus.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// The claims of a client assertion (RFC 7523 section 3).
#[derive(Debug, Deserialize)]
pub struct AssertionClaims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    /// Used once.
    pub jti: String,
    iat: Option<i64>,
    nbf: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl AssertionClaims {
    /// Until when it has to be remembered, in microseconds since the Unix epoch: it can't be used after it ends; a
    /// little more, for clocks of other replicas.
    #[must_use]
    pub fn remember_until_us(&self) -> i64 {
        self.exp.saturating_add(2 * SKEW_S).saturating_mul(1_000_000)
    }
}

/// The client that an assertion claims to be from, before anything about it is believed.
#[must_use]
pub fn claimed_client(assertion: &str) -> Option<String> {
    let claims: AssertionClaims = jsonwebtoken::dangerous::insecure_decode_claims(assertion).ok()?;
    Some(claims.sub)
}

/// Checks an assertion against a client's keys. `jti` is left to be used up by the caller.
///
/// # Errors
/// Why it is not believed.
pub fn verify(
    assertion: &str,
    client_id: &str,
    jwks: &str,
    audiences: &[&str],
    now_s: i64,
) -> Result<AssertionClaims, &'static str> {
    let header = jsonwebtoken::decode_header(assertion).map_err(|_| "the assertion is not a JWT")?;
    if header.crit.is_some() {
        return Err("the assertion's header has a crit, of which nothing is understood");
    }
    let keys = current(jwks, now_s).ok_or("the client's keys cannot be read")?;
    let key = match &header.kid {
        Some(kid) => keys.find(kid),
        None if keys.keys.len() == 1 => keys.keys.first(),
        None => None,
    };
    let key = key.ok_or("the assertion names no key of this client")?;
    let algorithm = algorithm(key).ok_or("the key is of a kind that is not taken")?;
    // The algorithm is the key's; a header that says another is refused by the decoder.
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let decoding = DecodingKey::from_jwk(key).map_err(|_| "the client's key cannot be read")?;
    let claims = jsonwebtoken::decode::<AssertionClaims>(assertion, &decoding, &validation)
        .map_err(|_| "the assertion's signature or claims are wrong")?
        .claims;
    if claims.iss != client_id || claims.sub != client_id {
        return Err("the assertion's issuer and subject are not the client");
    }
    let for_us = match &claims.aud {
        Audience::One(aud) => audiences.contains(&aud.as_str()),
        Audience::Many(auds) => auds.iter().any(|aud| audiences.contains(&aud.as_str())),
    };
    if !for_us {
        return Err("the assertion is for another audience");
    }
    if claims.exp <= now_s || claims.exp > now_s + LIFETIME_MAX_S {
        return Err("the assertion has expired or is valid for too long");
    }
    if claims.nbf.is_some_and(|nbf| nbf > now_s + SKEW_S)
        || claims.iat.is_some_and(|iat| iat > now_s + SKEW_S)
    {
        return Err("the assertion is not valid yet");
    }
    // A database may refuse a control character, and with it all that is written at the same time.
    if claims.jti.is_empty() || claims.jti.len() > JTI_MAX || claims.jti.contains(char::is_control) {
        return Err("the assertion has no usable jti");
    }
    Ok(claims)
}

/// The keys of a set that have not ended: `exp` is when one does, in seconds since the Unix epoch.
fn current(jwks: &str, now_s: i64) -> Option<JwkSet> {
    let mut keys = jwk::named(jwks)?;
    keys.retain(|key| key.get("exp").and_then(Value::as_i64).is_none_or(|exp| exp > now_s));
    serde_json::from_value(serde_json::json!({"keys": keys})).ok()
}

/// The one algorithm that a key is used with: EdDSA for Ed25519, ES256 for P-256, PS256 for RSA.
pub(super) fn algorithm(key: &Jwk) -> Option<Algorithm> {
    match &key.algorithm {
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            Some(Algorithm::EdDSA)
        }
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            Some(Algorithm::ES256)
        }
        AlgorithmParameters::RSA(_) => Some(Algorithm::PS256),
        _ => None,
    }
}

/// Whether a signature by this key can ever be believed: it is whole, and not too weak (RSA from
/// 2048 bits, as FAPI 2.0 asks).
pub(super) fn is_usable(key: &Jwk) -> bool {
    algorithm(key).is_some() && is_strong(key)
}

/// Whether a key is whole and not too weak, whatever it is used for.
pub(super) fn is_strong(key: &Jwk) -> bool {
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    match &key.algorithm {
        AlgorithmParameters::OctetKeyPair(pair) => <[u8; 32]>::try_from(bytes(&pair.x))
            .is_ok_and(|x| ed25519_dalek::VerifyingKey::from_bytes(&x).is_ok_and(|key| !key.is_weak())),
        AlgorithmParameters::EllipticCurve(curve) => {
            let size = if curve.curve == EllipticCurve::P384 { 48 } else { 32 };
            [&curve.x, &curve.y].iter().all(|part| bytes(part).len() == size)
        }
        AlgorithmParameters::RSA(rsa) => {
            let n = bytes(&rsa.n);
            RSA_BYTES.contains(&n.len()) && n[0] != 0 && !bytes(&rsa.e).is_empty()
        }
        _ => false,
    }
}

/// A client's keys as they are stored: a JWK set of usable public keys without a private part, each with a `kid`
/// of its own. One that comes without a `kid` gets its thumbprint for one.
///
/// # Errors
/// What is wrong with them.
pub fn public_keys(sent: &SentKeys) -> Result<Value, String> {
    let mut keys =
        sent.0.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
    if keys.is_empty() || keys.len() > KEYS_MAX {
        return Err(format!("a client has 1 to {KEYS_MAX} keys"));
    }
    let (mut kids, mut thumbprints) = (BTreeSet::new(), BTreeSet::new());
    for (index, key) in keys.iter_mut().enumerate() {
        if key.to_string().len() > KEY_BYTES_MAX {
            return Err(format!("key {index} has more than {KEY_BYTES_MAX} bytes"));
        }
        if key.get("exp").is_some() {
            return Err(format!("key {index} has an exp; when a key ends is said when it is taken away"));
        }
        if super::proof::PRIVATE.iter().any(|private| key.get(private).is_some()) {
            return Err(format!("key {index} has a private part; send public keys only"));
        }
        let parsed: Jwk = serde_json::from_value(key.clone())
            .map_err(|_| format!("key {index} is not a JWK (RFC 7517)"))?;
        if algorithm(&parsed).is_none() || DecodingKey::from_jwk(&parsed).is_err() {
            return Err(format!("key {index} is neither Ed25519, P-256 nor RSA"));
        }
        if !is_usable(&parsed) {
            return Err(format!("key {index} is broken or too weak; RSA has 2048 bits or more"));
        }
        jwk::name(key);
        let kid = key.get("kid").and_then(Value::as_str).unwrap_or_default();
        if !jwk::is_kid(kid) {
            let rule = "letters, digits, and - . _ ~, not beginning with .";
            return Err(format!("key {index} has a kid that is not 1 to {KID_MAX} {rule}"));
        }
        if !kids.insert(kid.to_owned()) {
            return Err(format!("key {index} has the kid of another one"));
        }
        if !thumbprints.insert(jwk::thumbprint(key)) {
            return Err(format!("key {index} is another one again"));
        }
    }
    Ok(serde_json::json!({"keys": keys}))
}

/// Whether a secret is the one whose hash is kept. Secrets are 256 random bits, so a plain hash will do.
#[must_use]
pub fn secret_matches(secret: &str, sha256: &[u8]) -> bool {
    Sha256::digest(secret.as_bytes()).as_slice().ct_eq(sha256).into()
}
