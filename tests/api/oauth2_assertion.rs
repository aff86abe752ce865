//! `private_key_jwt` (RFC 7523): a client proves itself by a key, and by nothing that looks like one.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Answer, Server, data,
    forge::{self, now_s, with, without},
    keys::ClientKey,
};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client with a key, and what it would say of itself.
struct Client {
    id: String,
    key: ClientKey,
}

impl Client {
    async fn new(key: ClientKey) -> Self {
        let new = json!({"name": data::unique("signer"), "scopes": ["ledger:read"], "jwks": key.jwks()});
        let made = Server::shared().enrol(0, &new).await;
        assert_eq!(made["auth_method"], "private_key_jwt");
        assert_eq!(made.get("client_secret"), None);
        Self { id: made["client_id"].as_str().unwrap().to_owned(), key }
    }

    fn claims(&self) -> Value {
        json!({
            "iss": self.id, "sub": self.id, "aud": format!("{}/oauth2/token", Server::shared().base_url()),
            "iat": now_s(), "exp": now_s() + 60, "jti": data::unique("jti"),
        })
    }
}

async fn grant(assertion: &str) -> Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", TYPE),
        ("client_assertion", assertion),
    ];
    let stranger = Server::shared().stranger();
    stranger.send(stranger.request(Method::POST, "/oauth2/token").form(&form)).await
}

#[track_caller]
fn assert_refused(answer: Answer, what: &str) {
    assert_eq!(answer.status, 401, "{what}");
    assert_eq!(answer.problem(401, "invalid_client")["error"], "invalid_client", "{what}");
}

#[tokio::test]
async fn each_kind_of_key_gets_a_token() {
    let made = [Some(ClientKey::ed25519("a")), ClientKey::es256("a"), ClientKey::ps256("a")];
    for key in made.into_iter().flatten() {
        let client = Client::new(key).await;
        let token = grant(&client.key.sign(&client.claims())).await.ok();
        assert_eq!(token["scope"], "ledger:read");
        let caller = Server::shared().stranger().with_token(token["access_token"].as_str());
        assert_eq!(caller.get("/v1/ledger/checkpoint").await.status, 200);
        let issuer = json!([Server::shared().base_url(), "https://elsewhere.example"]);
        grant(&client.key.sign(&with(client.claims(), "aud", issuer))).await.ok();
    }
}

#[tokio::test]
async fn an_assertion_is_good_once_and_each_claim_must_fit() {
    let client = Client::new(ClientKey::ed25519("a")).await;
    let assertion = client.key.sign(&client.claims());
    grant(&assertion).await.ok();
    assert_refused(grant(&assertion).await, "the same assertion again");

    let same_jti = with(client.claims(), "jti", "used-once");
    grant(&client.key.sign(&same_jti)).await.ok();
    assert_refused(grant(&client.key.sign(&with(same_jti, "exp", now_s() + 90))).await, "a jti again");

    let other = Client::new(ClientKey::ed25519("a")).await;
    for (what, claims) in [
        ("for another audience", with(client.claims(), "aud", "https://elsewhere.example")),
        ("for our host alone", with(client.claims(), "aud", "127.0.0.1")),
        ("for nobody", with(client.claims(), "aud", json!([]))),
        ("expired", with(client.claims(), "exp", now_s() - 1)),
        ("good for too long", with(client.claims(), "exp", now_s() + 3600)),
        ("not valid yet", with(client.claims(), "nbf", now_s() + 300)),
        ("made in the future", with(client.claims(), "iat", now_s() + 300)),
        ("issued by another", with(client.claims(), "iss", other.id.as_str())),
        ("about another", with(client.claims(), "sub", other.id.as_str())),
        ("with an empty jti", with(client.claims(), "jti", "")),
        ("with a long jti", with(client.claims(), "jti", "x".repeat(129))),
        ("with a NUL in its jti", with(client.claims(), "jti", "a\u{0}b")),
        ("without iss", without(client.claims(), "iss")),
        ("without sub", without(client.claims(), "sub")),
        ("without aud", without(client.claims(), "aud")),
        ("without exp", without(client.claims(), "exp")),
        ("without jti", without(client.claims(), "jti")),
    ] {
        assert_refused(grant(&client.key.sign(&claims)).await, what);
    }
}

#[tokio::test]
async fn a_signature_by_anything_but_the_clients_key_is_refused() {
    let client = Client::new(ClientKey::ed25519("a")).await;
    let other = Client::new(ClientKey::ed25519("b")).await;
    let attacker = ClientKey::ed25519("a");
    assert_refused(grant(&attacker.sign(&client.claims())).await, "another key under the client's kid");
    assert_refused(grant(&other.key.sign(&client.claims())).await, "another client's key and kid");

    let embedded = json!({"alg": "EdDSA", "jwk": attacker.jwk, "kid": "a"});
    let linked =
        json!({"alg": "EdDSA", "jku": "http://127.0.0.1:9/jwks", "x5u": "http://127.0.0.1:9/", "kid": "a"});
    for header in [embedded, linked] {
        assert_refused(
            grant(&signed_under(&attacker, &header, &client.claims())).await,
            "a key from the header",
        );
        // The client's own signature counts, whatever else the header says.
        grant(&signed_under(&client.key, &header, &client.claims())).await.ok();
    }
    let unknown = json!({"alg": "EdDSA", "kid": "unknown"});
    assert_refused(
        grant(&signed_under(&client.key, &unknown, &client.claims())).await,
        "a kid that is nobody's",
    );
    grant(&signed_under(&client.key, &json!({"alg": "EdDSA"}), &client.claims())).await.ok();

    for alg in ["none", "None", "NONE", ""] {
        let header = json!({"alg": alg, "kid": "a"});
        assert_refused(grant(&forge::jwt(&header, &client.claims(), b"")).await, "an unsigned assertion");
    }
    let x = client.key.jwk["x"].as_str().unwrap();
    for secret in [x.as_bytes().to_vec(), client.key.jwks().to_string().into_bytes()] {
        let header = Header { kid: Some("a".to_owned()), ..Header::new(Algorithm::HS256) };
        let forged =
            jsonwebtoken::encode(&header, &client.claims(), &EncodingKey::from_secret(&secret)).unwrap();
        assert_refused(grant(&forged).await, "an HMAC under the public key");
    }
    let whole = client.key.sign(&client.claims());
    for broken in ["", "x", "e30.e30.e30", &whole[..whole.len() - 10], &format!("{whole}A")] {
        assert_refused(grant(broken).await, "a broken assertion");
    }
}

/// Signs under a header of any form.
fn signed_under(key: &ClientKey, header: &Value, claims: &Value) -> String {
    let unsigned = forge::jwt(header, claims, b"");
    let message = unsigned.trim_end_matches('.');
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key.encoding, key.algorithm).unwrap();
    format!("{message}.{signature}")
}

#[tokio::test]
async fn the_algorithm_is_the_keys_and_never_the_headers() {
    let Some(key) = ClientKey::ps256("a") else { return };
    let client = Client::new(key).await;
    for algorithm in [Algorithm::RS256, Algorithm::PS384, Algorithm::RS512] {
        let header = Header { kid: Some("a".to_owned()), ..Header::new(algorithm) };
        let assertion = jsonwebtoken::encode(&header, &client.claims(), &client.key.encoding).unwrap();
        assert_refused(grant(&assertion).await, &format!("{algorithm:?} with the client's RSA key"));
    }
    grant(&client.key.sign(&client.claims())).await.ok();
}

#[tokio::test]
async fn a_client_authenticates_in_one_way_and_in_its_own() {
    let server = Server::shared();
    let client = Client::new(ClientKey::ed25519("a")).await;
    let stranger = server.stranger();
    let post = |form: &[(&str, &str)]| stranger.request(Method::POST, "/oauth2/token").form(form);
    let grant = ("grant_type", "client_credentials");
    for secret in ["", "x"] {
        let request = post(&[grant]).basic_auth(&client.id, Some(secret));
        assert_refused(stranger.send(request).await, "a secret of a client that has none");
    }
    let assertion = client.key.sign(&client.claims());
    let both = [grant, ("client_assertion_type", TYPE), ("client_assertion", &assertion)];
    let demo = &server.demo["institutions"][0]["clients"][0];
    let (id, secret) = (demo["client_id"].as_str().unwrap(), demo["client_secret"].as_str().unwrap());
    let problem =
        stranger.send(post(&both).basic_auth(id, Some(secret))).await.problem(400, "malformed_body");
    assert_eq!(problem["error"], "invalid_request");
    for form in [
        vec![grant, ("client_assertion", &assertion)],
        vec![grant, ("client_assertion", &assertion), ("client_assertion_type", "jwt")],
    ] {
        let problem = stranger.send(post(&form)).await.problem(400, "malformed_body");
        assert_eq!(problem["error"], "invalid_request");
    }
    // A client with a secret can't be spoken for by any key.
    let assertion = client.key.sign(&with(with(client.claims(), "iss", id), "sub", id));
    let form = [grant, ("client_assertion_type", TYPE), ("client_assertion", &assertion)];
    assert_refused(stranger.send(post(&form)).await, "a key of a client that has none");
}
