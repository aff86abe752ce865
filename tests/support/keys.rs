//! Keys of clients that authenticate by `private_key_jwt`, made for one test and kept nowhere.

use std::process::Command;

use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use serde_json::{Value, json};

/// What stands before an Ed25519 seed in PKCS#8 (RFC 8410).
const PKCS8_ED25519: &[u8] =
    &[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// A client's key.
pub struct ClientKey {
    pub algorithm: Algorithm,
    pub encoding: EncodingKey,
    /// Its public half.
    pub jwk: Value,
}

impl ClientKey {
    pub fn ed25519(kid: &str) -> Self {
        let seed: [u8; 32] = rand::random();
        let encoding = EncodingKey::from_ed_der(&[PKCS8_ED25519, &seed].concat());
        Self::new(Algorithm::EdDSA, encoding, kid)
    }

    /// Made with `openssl`; none where there is no such tool, which is said.
    pub fn es256(kid: &str) -> Option<Self> {
        let pem = openssl(&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])?;
        Some(Self::new(Algorithm::ES256, EncodingKey::from_ec_pem(&pem).unwrap(), kid))
    }

    /// Made with `openssl`; none where there is no such tool, which is said.
    pub fn ps256(kid: &str) -> Option<Self> {
        let pem = openssl(&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"])?;
        Some(Self::new(Algorithm::PS256, EncodingKey::from_rsa_pem(&pem).unwrap(), kid))
    }

    /// As issuers of OpenID Connect have it; made with `openssl`, none where there is no such tool.
    pub fn rs256(kid: &str) -> Option<Self> {
        let pem = openssl(&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"])?;
        Some(Self::new(Algorithm::RS256, EncodingKey::from_rsa_pem(&pem).unwrap(), kid))
    }

    fn new(algorithm: Algorithm, encoding: EncodingKey, kid: &str) -> Self {
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&encoding, algorithm).unwrap()).unwrap();
        jwk["kid"] = kid.into();
        Self { algorithm, encoding, jwk }
    }

    /// The JWK set with this key alone.
    pub fn jwks(&self) -> Value {
        json!({"keys": [self.jwk]})
    }

    /// The header of what it signs.
    pub fn header(&self) -> Header {
        let kid = self.jwk["kid"].as_str().map(ToOwned::to_owned);
        Header { kid, ..Header::new(self.algorithm) }
    }

    pub fn sign(&self, claims: &Value) -> String {
        jsonwebtoken::encode(&self.header(), claims, &self.encoding).unwrap()
    }
}

fn openssl(args: &[&str]) -> Option<Vec<u8>> {
    match Command::new("openssl").arg("genpkey").args(args).output() {
        Ok(output) if output.status.success() => Some(output.stdout),
        _ => {
            eprintln!("passed over: there is no openssl to make a key with");
            None
        }
    }
}
