//! Public keys of clients as JWKs (RFC 7517): what they are called.
//!
//! A key that comes without a `kid` is called by its thumbprint, so that every key has a name by which it is
//! seen and ended.

use std::collections::BTreeMap;

use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, value::RawValue};

/// Characters of a `kid`.
pub const KID_MAX: usize = 128;

/// Members of a key that mean something: of public keys, of private ones, and when it ends.
const MEMBERS: [&str; 19] = [
    "alg", "crv", "d", "dp", "dq", "e", "exp", "k", "key_ops", "kid", "kty", "n", "oth", "p", "q", "qi",
    "use", "x", "y",
];

/// A key as it is sent. Members that mean nothing here are passed over unread (RFC 7517 section 4), whatever
/// numbers are in them.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct SentKey(BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for SentKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        // What is no object is a key without members, which is refused like any other that is none.
        let all: BTreeMap<String, Box<RawValue>> = serde_json::from_str(raw.get()).unwrap_or_default();
        let known = all.into_iter().filter(|(name, _)| MEMBERS.contains(&name.as_str()));
        let read = |raw: Box<RawValue>| serde_json::from_str(raw.get()).unwrap_or_default();
        Ok(Self(known.map(|(name, raw)| (name, read(raw))).collect()))
    }
}

/// A JWK set's keys as they are sent; none of what is no set.
#[derive(Debug)]
pub struct SentKeys(pub Vec<SentKey>);

impl<'de> Deserialize<'de> for SentKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<SentKey>,
        }
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let set = serde_json::from_str::<Set>(raw.get());
        Ok(Self(set.map(|set| set.keys).unwrap_or_default()))
    }
}

/// Whether a `kid` can stand in a path, and is no step up or down in it.
#[must_use]
pub fn is_kid(kid: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (1..=KID_MAX).contains(&kid.len()) && !kid.starts_with('.') && kid.bytes().all(plain)
}

/// The thumbprint of a public key (RFC 7638).
#[must_use]
pub fn thumbprint(key: &Value) -> Option<String> {
    let key: Jwk = serde_json::from_value(key.clone()).ok()?;
    key.thumbprint(ThumbprintHash::SHA256).ok()
}

/// Gives a key without a `kid` its thumbprint for one.
pub fn name(key: &mut Value) {
    if key.get("kid").is_none()
        && let Some(thumbprint) = thumbprint(key)
        && let Some(members) = key.as_object_mut()
    {
        members.insert("kid".to_owned(), thumbprint.into());
    }
}

/// The keys of a stored set, each with a name; none of what is not one.
#[must_use]
pub fn named(jwks: &str) -> Option<Vec<Value>> {
    let mut set: Value = serde_json::from_str(jwks).ok()?;
    let Value::Array(mut keys) = set.get_mut("keys")?.take() else { return None };
    keys.iter_mut().for_each(name);
    Some(keys)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_without_a_name_is_called_by_its_thumbprint_and_no_other_is_renamed() {
        // RFC 8037 appendix A.3.
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let key = json!({"kty": "OKP", "crv": "Ed25519", "x": x});
        let with_kid = json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "a"});
        let named = named(&json!({"keys": [key, with_kid]}).to_string()).unwrap();
        let kids: Vec<&Value> = named.iter().map(|key| &key["kid"]).collect();
        assert_eq!(kids, ["kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "a"]);
        assert!(is_kid(kids[0].as_str().unwrap()));
    }

    #[test]
    fn what_means_nothing_is_passed_over_unread() {
        let huge = "9".repeat(400);
        let key: SentKey =
            serde_json::from_str(&format!(r#"{{"kid": "a", "x": {huge}, "?": {huge}}}"#)).unwrap();
        assert_eq!(serde_json::to_value(key).unwrap(), json!({"kid": "a", "x": null}));
    }

    #[test]
    fn a_kid_can_stand_in_a_path() {
        for kid in ["a", "2026-07", "_.~", "-", &"a".repeat(KID_MAX)] {
            assert!(is_kid(kid), "{kid:?}");
        }
        for other in ["", ".", "..", ".a", "a/b", "a b", "a%2f", "é", "a\n", &"a".repeat(KID_MAX + 1)] {
            assert!(!is_kid(other), "{other:?}");
        }
    }
}
