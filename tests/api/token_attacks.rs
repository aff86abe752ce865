//! Access tokens that the service did not issue, or not so.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::support::{
    Server, data,
    forge::{self, claims, now_s, with, without},
    keys::ClientKey,
};

const READS: &str = "/v1/transactions?limit=1";

#[track_caller]
fn assert_refused(answer: crate::support::Answer, what: &str) {
    assert_eq!(answer.status, 401, "{what}");
    let problem = answer.problem(401, "unauthenticated");
    // It doesn't say which check failed.
    assert_eq!(problem["detail"], "the access token is not valid, or no longer", "{what}");
}

async fn refused(token: &str, what: &str) {
    assert_refused(Server::shared().stranger().with_token(Some(token)).get(READS).await, what);
}

async fn accepted(token: &str) {
    Server::shared().stranger().with_token(Some(token)).get(READS).await.ok();
}

#[tokio::test]
async fn each_claim_must_be_there_and_fit() {
    let server = Server::shared();
    // What is changed below is all that is wrong with the tokens.
    accepted(&forge::token(server, &claims(server))).await;
    accepted(&forge::token(server, &with(claims(server), "nbf", now_s() + 5))).await;
    let other = &server.demo["institutions"][1]["clients"][0]["client_id"];
    let both = with(with(claims(server), "sub", other.clone()), "client_id", other.clone());
    for (what, claims) in [
        ("expired", with(claims(server), "exp", now_s() - 1)),
        ("not valid yet", with(claims(server), "nbf", now_s() + 120)),
        ("issued in the future", with(claims(server), "iat", now_s() + 120)),
        ("of another issuer", with(claims(server), "iss", "https://elsewhere.example")),
        ("for another audience", with(claims(server), "aud", "https://elsewhere.example")),
        ("for several audiences", with(claims(server), "aud", json!([server.base_url(), "x"]))),
        ("of two clients", with(claims(server), "sub", other.clone())),
        ("of a client of another institution", both),
        ("of another institution", with(claims(server), "institution", server.institution(1))),
        ("of an unknown scope", with(claims(server), "scope", "everything")),
        ("of a client that is none", with(claims(server), "client_id", "cli_x")),
        ("with an expiry as text", with(claims(server), "exp", "2999-01-01")),
    ] {
        refused(&forge::token(server, &claims), what).await;
    }
    for name in ["iss", "sub", "client_id", "aud", "iat", "nbf", "exp", "jti", "scope", "institution"] {
        refused(&forge::token(server, &without(claims(server), name)), &format!("without {name}")).await;
    }
}

#[tokio::test]
async fn a_token_is_of_the_type_of_access_tokens() {
    let server = Server::shared();
    let typed = |typ: Option<&str>| {
        let header = Header { typ: typ.map(ToOwned::to_owned), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &claims(server), &forge::token_key(server)).unwrap()
    };
    for typ in [None, Some("JWT"), Some(""), Some("at+jwtx"), Some("logout+jwt")] {
        refused(&typed(typ), &format!("{typ:?}")).await;
    }
    accepted(&typed(Some("at+jwt"))).await;
    accepted(&typed(Some("application/at+jwt"))).await;
}

#[tokio::test]
async fn only_the_services_own_key_counts() {
    let server = Server::shared();
    let claims = claims(server);
    let jwks = server.stranger().get("/.well-known/jwks.json").await.ok();
    let x = jwks["keys"][0]["x"].as_str().unwrap();
    let header = |alg: &str| json!({"alg": alg, "typ": "at+jwt", "kid": jwks["keys"][0]["kid"]});
    for alg in ["none", "None", "nOnE", "", "EdDSA"] {
        refused(&forge::jwt(&header(alg), &claims, b""), &format!("unsigned, alg {alg:?}")).await;
    }
    for secret in
        [x.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(x).unwrap(), jwks.to_string().into_bytes(), vec![]]
    {
        let header = Header { typ: Some("at+jwt".to_owned()), ..Header::new(Algorithm::HS256) };
        let forged = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&secret)).unwrap();
        refused(&forged, "an HMAC under the public key").await;
    }
    let attacker = ClientKey::ed25519("x");
    let own = |mut header: Header| {
        header.typ = Some("at+jwt".to_owned());
        header.kid = jwks["keys"][0]["kid"].as_str().map(ToOwned::to_owned);
        jsonwebtoken::encode(&header, &claims, &attacker.encoding).unwrap()
    };
    refused(&own(attacker.header()), "another key").await;
    let jwk = serde_json::from_value(attacker.jwk.clone()).unwrap();
    refused(&own(Header { jwk: Some(jwk), ..attacker.header() }), "a key in the header").await;
    let jku = Some("http://127.0.0.1:9/jwks.json".to_owned());
    refused(&own(Header { jku: jku.clone(), x5u: jku, ..attacker.header() }), "a link in the header").await;
}

#[tokio::test]
async fn a_token_that_was_changed_is_refused() {
    let server = Server::shared();
    let token = server.system(0).await.token.unwrap();
    accepted(&token).await;
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    claims["scope"] = json!("admin");
    let wider = URL_SAFE_NO_PAD.encode(claims.to_string());
    for (what, changed) in [
        ("a wider scope", format!("{header}.{wider}.{signature}")),
        ("without a signature", format!("{header}.{payload}.")),
        ("with two parts", format!("{header}.{payload}")),
        ("with four parts", format!("{token}.{signature}")),
        (
            "with another signature",
            format!("{header}.{payload}.{}", signature.chars().rev().collect::<String>()),
        ),
        ("far too long", "a.".repeat(6000)),
    ] {
        refused(&changed, what).await;
    }
}

#[tokio::test]
async fn a_scope_beyond_what_the_client_has_is_not_believed_even_when_signed() {
    let server = Server::shared();
    let token =
        forge::token(server, &with(claims(server), "scope", "admin transactions:read transactions:write"));
    let mut caller = server.stranger().with_token(Some(&token));
    caller.get(READS).await.ok();
    let line = data::ndjson(&[data::transaction(&data::unique("scope"))]);
    caller.deliver(server.institution(0), &line).await.problem(403, "insufficient_scope");
    server.admin_url().clone_into(&mut caller.base_url);
    caller.get("/admin/v1/plans").await.problem(403, "insufficient_scope");
}

#[tokio::test]
async fn a_token_is_looked_for_in_the_authorization_header_alone() {
    let server = Server::shared();
    let system = server.system(0).await;
    let token = system.token.clone().unwrap();
    let stranger = server.stranger();
    let with_header = async |value: &str| {
        stranger.send(stranger.request(reqwest::Method::GET, READS).header("authorization", value)).await
    };
    stranger.get(&format!("{READS}&access_token={token}")).await.problem(401, "unauthenticated");
    for value in ["", "Bearer", "Bearer ", "Basic YTpi", &token, &format!("Token {token}"), "Bearer \u{e9}"] {
        with_header(value).await.problem(401, "unauthenticated");
    }
    with_header(&format!("bearer {token}")).await.ok();
    let twice = system.request(reqwest::Method::GET, READS).header("authorization", "Bearer x");
    system.send(twice).await.problem(401, "unauthenticated");
}
