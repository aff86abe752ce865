//! Signatures of messages (Standard Webhooks 1.0): Ed25519 (`v1a`), or HMAC-SHA-256 (`v1`) for receivers that
//! can check no other.
//!
//! No key of an endpoint is stored. Each is derived from a secret of the service, the endpoint's id and the
//! key's number, so that neither a copy of the database nor the ledger lets anyone sign.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer as _, SigningKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretBox};
use sha2::Sha256;

use crate::{
    domain::{EndpointId, InstitutionId},
    keys::Seed,
};

/// How messages to an endpoint are signed.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// Ed25519, `v1a`: whoever checks holds the public key alone.
    #[default]
    Ed25519,
    /// HMAC-SHA-256, `v1`: both sides hold one secret.
    HmacSha256,
}

impl Scheme {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::HmacSha256 => "hmac_sha256",
        }
    }

    /// The scheme of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Ed25519, Self::HmacSha256].into_iter().find(|scheme| scheme.as_str() == name)
    }
}

/// Whose key, and which of them.
#[derive(Clone, Copy, Debug)]
pub struct KeyName {
    /// The institution.
    pub institution: InstitutionId,
    /// Its endpoint.
    pub endpoint: EndpointId,
    /// How messages are signed.
    pub scheme: Scheme,
    /// The key's number, from 1.
    pub generation: i64,
}

/// Makes the keys of endpoints.
pub struct Secrets(SecretBox<[u8; 32]>);

impl Secrets {
    /// Keys derived from a secret of the service, apart from whatever else it is used for.
    #[must_use]
    pub fn of(seed: &Seed) -> Self {
        Self(SecretBox::new(Box::new(derived(seed.expose(), &[b"veritrail/webhooks@1"]))))
    }

    fn key(&self, name: KeyName) -> [u8; 32] {
        let (institution, endpoint) = (name.institution.uuid(), name.endpoint.uuid());
        let generation = name.generation.to_be_bytes();
        let scheme = name.scheme.as_str().as_bytes();
        derived(self.0.expose_secret(), &[institution.as_bytes(), endpoint.as_bytes(), &generation, scheme])
    }

    /// What a receiver checks with: the public key, or nothing where it takes the secret.
    #[must_use]
    pub fn public(&self, name: KeyName) -> Option<String> {
        match name.scheme {
            Scheme::Ed25519 => {
                let key = SigningKey::from_bytes(&self.key(name));
                Some(format!("whpk_{}", STANDARD.encode(key.verifying_key().as_bytes())))
            }
            Scheme::HmacSha256 => None,
        }
    }

    /// The secret that both sides hold, where there is one.
    #[must_use]
    pub fn shared(&self, name: KeyName) -> Option<String> {
        match name.scheme {
            Scheme::Ed25519 => None,
            Scheme::HmacSha256 => Some(format!("whsec_{}", STANDARD.encode(self.key(name)))),
        }
    }

    /// One signature of a message, as it stands in `webhook-signature`.
    #[must_use]
    pub fn sign(&self, name: KeyName, message: &Message<'_>) -> String {
        let content = message.content();
        let key = self.key(name);
        match name.scheme {
            Scheme::Ed25519 => {
                let signature = SigningKey::from_bytes(&key).sign(&content);
                format!("v1a,{}", STANDARD.encode(signature.to_bytes()))
            }
            Scheme::HmacSha256 => format!("v1,{}", STANDARD.encode(derived(&key, &[&content]))),
        }
    }
}

/// A message to be signed.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Its id.
    pub id: &'a str,
    /// When it is sent, in seconds since the Unix epoch.
    pub timestamp: i64,
    /// Its body.
    pub body: &'a [u8],
}

impl Message<'_> {
    fn content(&self) -> Vec<u8> {
        [format!("{}.{}.", self.id, self.timestamp).as_bytes(), self.body].concat()
    }
}

/// HMAC-SHA-256 of some parts; but for the last one, all are of a fixed length or come alone.
fn derived(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(scheme: Scheme, generation: i64) -> KeyName {
        KeyName {
            institution: InstitutionId::from_parts(1, [2; 10]),
            endpoint: EndpointId::from_parts(3, [4; 10]),
            scheme,
            generation,
        }
    }

    #[test]
    fn a_signature_is_checked_with_what_the_owner_was_given() {
        let secrets = Secrets::of(&Seed::known());
        let message = Message { id: "msg_1", timestamp: 1_700_000_000, body: b"{}" };
        let content = b"msg_1.1700000000.{}";

        let public = secrets.public(name(Scheme::Ed25519, 1)).unwrap();
        let public: [u8; 32] =
            STANDARD.decode(public.strip_prefix("whpk_").unwrap()).unwrap().try_into().unwrap();
        let signature = secrets.sign(name(Scheme::Ed25519, 1), &message);
        let signature: [u8; 64] =
            STANDARD.decode(signature.strip_prefix("v1a,").unwrap()).unwrap().try_into().unwrap();
        let key = ed25519_dalek::VerifyingKey::from_bytes(&public).unwrap();
        assert!(key.verify_strict(content, &signature.into()).is_ok());

        let shared = secrets.shared(name(Scheme::HmacSha256, 1)).unwrap();
        let shared = STANDARD.decode(shared.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&shared).unwrap();
        mac.update(content);
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(secrets.sign(name(Scheme::HmacSha256, 1), &message), expected);
    }

    #[test]
    fn every_endpoint_scheme_and_generation_has_a_key_of_its_own() {
        let secrets = Secrets::of(&Seed::known());
        let mut other = name(Scheme::Ed25519, 1);
        other.endpoint = EndpointId::from_parts(3, [5; 10]);
        let mut elsewhere = name(Scheme::Ed25519, 1);
        elsewhere.institution = InstitutionId::from_parts(1, [3; 10]);
        let names = [
            name(Scheme::Ed25519, 1),
            name(Scheme::Ed25519, 2),
            name(Scheme::HmacSha256, 1),
            other,
            elsewhere,
        ];
        let keys: std::collections::BTreeSet<[u8; 32]> =
            names.into_iter().map(|name| secrets.key(name)).collect();
        assert_eq!(keys.len(), 5);
        assert!(!keys.contains(Seed::known().expose()));
        assert_eq!(secrets.shared(name(Scheme::Ed25519, 1)), None);
        assert_eq!(secrets.public(name(Scheme::HmacSha256, 1)), None);
    }
}
