//! Tokens that the service did not issue, some signed with its own key.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::Server;

/// Seconds since the Unix epoch.
#[expect(clippy::disallowed_methods, reason = "a forged token is judged by the real clock")]
pub fn now_s() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// The server's key for access tokens.
pub fn token_key(server: &Server) -> EncodingKey {
    let pem = std::fs::read(server.data_dir().join("keys/token.pem")).unwrap();
    EncodingKey::from_ed_pem(&pem).unwrap()
}

/// What a token for the system of the first institution would say.
pub fn claims(server: &Server) -> Value {
    claims_of(&server.demo, server.base_url())
}

/// The same, of a service that is called so and has these institutions.
pub fn claims_of(demo: &Value, base_url: &str) -> Value {
    let institution = &demo["institutions"][0];
    let client = &institution["clients"][0]["client_id"];
    json!({
        "iss": base_url, "sub": client, "client_id": client, "aud": base_url,
        "iat": now_s(), "nbf": now_s(), "exp": now_s() + 300, "jti": super::data::unique("jti"),
        "scope": "transactions:read ledger:read accounts:read institution:read evidence:read",
        "institution": institution["id"],
    })
}

/// Claims with one of them changed.
pub fn with(mut claims: Value, name: &str, value: impl Into<Value>) -> Value {
    claims[name] = value.into();
    claims
}

/// Claims with one of them missing.
pub fn without(mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().unwrap().remove(name).expect("a claim to take away");
    claims
}

/// The header of our access tokens.
pub fn header() -> Header {
    Header { typ: Some("at+jwt".to_owned()), ..Header::new(Algorithm::EdDSA) }
}

/// A token of these claims, signed with the server's own key.
pub fn token(server: &Server, claims: &Value) -> String {
    jsonwebtoken::encode(&header(), claims, &token_key(server)).unwrap()
}

/// A token that was good an hour ago.
pub fn expired(server: &Server) -> String {
    let claims = claims(server);
    let (iat, exp) = (now_s() - 3900, now_s() - 3600);
    token(server, &with(with(with(claims, "iat", iat), "nbf", iat), "exp", exp))
}

/// A JWT put together by hand: whatever header and claims, and whatever signature.
pub fn jwt(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", part(header), part(claims), URL_SAFE_NO_PAD.encode(signature))
}
