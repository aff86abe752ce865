//! A client that proves that it has a key (RFC 9449).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, ThumbprintHash},
};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    Answer, Caller, data,
    forge::{self, now_s},
    keys::ClientKey,
};

/// A key, and the nonce that its proofs have.
pub struct Prover {
    pub key: ClientKey,
    pub nonce: String,
    /// What clients are told to call the service.
    pub base_url: String,
}

impl Prover {
    /// With a nonce of the service's.
    pub async fn new(caller: &Caller, base_url: &str, key: ClientKey) -> Self {
        let mut prover = Self { key, nonce: String::new(), base_url: base_url.to_owned() };
        // A proof without a nonce is answered with one, whoever sends it.
        let proof = prover.proof(&prover.claims("POST", "/oauth2/token"));
        let request = caller.request(Method::POST, "/oauth2/token").header("dpop", proof);
        let answer = caller.send(request.form(&[("grant_type", "client_credentials")])).await;
        prover.nonce = answer.header("dpop-nonce").expect("a nonce").to_owned();
        assert_eq!(answer.problem(400, "invalid_dpop_proof")["error"], "use_dpop_nonce");
        prover
    }

    /// What a proof of a request without a token says.
    pub fn claims(&self, method: &str, path: &str) -> Value {
        let url = format!("{}{}", self.base_url, path.split('?').next().unwrap());
        let mut claims = json!({"jti": data::unique("dpop"), "htm": method, "htu": url, "iat": now_s()});
        if !self.nonce.is_empty() {
            claims["nonce"] = self.nonce.as_str().into();
        }
        claims
    }

    /// What a proof that goes with a token says.
    pub fn claims_with(&self, method: &str, path: &str, token: &str) -> Value {
        let mut claims = self.claims(method, path);
        claims["ath"] = ath(token).into();
        claims
    }

    pub fn header(&self) -> Header {
        let jwk = serde_json::from_value(self.key.jwk.clone()).unwrap();
        Header { typ: Some("dpop+jwt".to_owned()), kid: None, jwk: Some(jwk), ..self.key.header() }
    }

    pub fn proof(&self, claims: &Value) -> String {
        self.proof_under(&self.header(), claims)
    }

    pub fn proof_under(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key.encoding).unwrap()
    }

    pub fn jkt(&self) -> String {
        let jwk: Jwk = serde_json::from_value(self.key.jwk.clone()).unwrap();
        jwk.thumbprint(ThumbprintHash::SHA256).unwrap()
    }

    /// Asks for a token with a proof.
    pub async fn ask(&self, caller: &Caller, client: &Value, proof: &str) -> Answer {
        let (id, secret) = (client["client_id"].as_str().unwrap(), client["client_secret"].as_str().unwrap());
        let request = caller.request(Method::POST, "/oauth2/token").basic_auth(id, Some(secret));
        caller.send(request.header("dpop", proof).form(&[("grant_type", "client_credentials")])).await
    }

    /// A token that is bound to the key.
    pub async fn token(&self, caller: &Caller, client: &Value) -> String {
        let proof = self.proof(&self.claims("POST", "/oauth2/token"));
        let token = self.ask(caller, client, &proof).await.ok();
        assert_eq!(token["token_type"], "DPoP");
        token["access_token"].as_str().unwrap().to_owned()
    }

    /// Gets a path with a token and a fresh proof.
    pub async fn get(&self, caller: &Caller, path: &str, token: &str) -> Answer {
        send(caller, path, token, &self.proof(&self.claims_with("GET", path, token))).await
    }
}

/// Gets a path with a token by the scheme DPoP, and a proof.
pub async fn send(caller: &Caller, path: &str, token: &str, proof: &str) -> Answer {
    let request = caller.with_token(None).request(Method::GET, path);
    let request = request.header("authorization", format!("DPoP {token}"));
    caller.send(if proof.is_empty() { request } else { request.header("dpop", proof) }).await
}

/// A JWT with a header put together by hand, signed with Ed25519 whatever the header says.
pub fn sign_by_hand(header: &Value, claims: &Value, key: &EncodingKey) -> String {
    let unsigned = forge::jwt(header, claims, b"");
    let message = unsigned.trim_end_matches('.');
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, Algorithm::EdDSA).unwrap();
    format!("{message}.{signature}")
}

/// The hash of a token that goes into a proof.
pub fn ath(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes()))
}
