//! What would be refused of a request, and why; and what is told to nobody.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Caller, Server,
    forge::{self, claims, now_s, with, without},
};

const READS: &str = "/v1/transactions?limit=1";

async fn diagnose(caller: &Caller, method: &str, url: &str, headers: Value) -> Value {
    let asked = json!({"method": method, "url": url, "headers": headers});
    caller.post("/v1/diagnostics/request", &asked).await.ok()
}

/// The names of the checks that fail.
fn failing(told: &Value) -> Vec<&str> {
    let checks = told["checks"].as_array().unwrap();
    let failing = checks.iter().filter(|check| check["result"] == "fail");
    failing.map(|check| check["check"].as_str().unwrap()).collect()
}

fn check<'a>(told: &'a Value, name: &str) -> &'a Value {
    told["checks"].as_array().unwrap().iter().find(|check| check["check"] == name).unwrap()
}

fn bearer(token: &str) -> Value {
    json!({"Authorization": format!("Bearer {token}")})
}

#[tokio::test]
async fn what_the_service_refuses_is_told_and_what_it_serves_passes() {
    let server = Server::shared();
    let system = server.system(0).await;
    let token = system.token.clone().unwrap();
    let narrow = server.system_with(0, "institution:read").await.token.unwrap();
    let other = server.institution(1);
    let signed = bearer(&token);
    let plus = |name: &str, value: &str| {
        let mut headers = bearer(&token);
        headers[name] = value.into();
        headers
    };
    for (method, url, headers, fails, status) in [
        ("GET", READS, signed.clone(), None, 200),
        ("GET", "/v1/transaction", signed.clone(), Some("route.path"), 404),
        ("PUT", READS, signed.clone(), Some("route.method"), 405),
        ("GET", "/v1/transactions?limits=1", signed.clone(), Some("query.parameters"), 400),
        ("GET", "/v1/transactions?limit=1&limit=1", signed.clone(), Some("query.parameters"), 400),
        ("GET", "/v1/ledger/proofs/consistency", signed.clone(), Some("query.parameters"), 400),
        ("GET", &format!("{READS}&institution={other}"), signed.clone(), Some("institution"), 404),
        ("GET", READS, json!({}), Some("token.form"), 401),
        ("GET", READS, json!({"Authorization": "Basic eDp5"}), Some("token.form"), 401),
        ("GET", READS, bearer("garbage"), Some("token.form"), 401),
        ("GET", READS, bearer(&format!("{token}x")), Some("token.signature"), 401),
        ("GET", READS, bearer(&narrow), Some("token.scope"), 403),
        ("GET", READS, plus("Content-Encoding", "gzip"), Some("content.encoding"), 415),
        ("POST", "/v1/evidence-bundles", plus("Content-Type", "text/plain"), Some("content.type"), 415),
        ("POST", "/v1/evidence-bundles", plus("Content-Type", "application/json"), None, 400),
        ("GET", "/.well-known/jwks.json", json!({}), None, 200),
    ] {
        let told = diagnose(&system, method, url, headers.clone()).await;
        let found = failing(&told);
        assert_eq!(found, fails.as_slice(), "{method} {url}: {told}");
        assert_eq!(told["let_in"], fails.is_none());
        // As the service does.
        let mut request = system.with_token(None).request(method.parse::<Method>().unwrap(), url);
        for (name, value) in headers.as_object().unwrap() {
            request = request.header(name, value.as_str().unwrap());
        }
        assert_eq!(system.send(request).await.status.as_u16(), status, "{method} {url}");
    }
    let long = "x".repeat(300);
    let headers = |key: &str| json!({"authorization": format!("Bearer {token}"), "content-type": "application/json", "idempotency-key": key});
    assert!(failing(&diagnose(&system, "POST", "/v1/evidence-bundles", headers("k")).await).is_empty());
    let told = diagnose(&system, "POST", "/v1/evidence-bundles", headers(&long)).await;
    assert_eq!(failing(&told), ["idempotency.key"]);
}

#[tokio::test]
async fn each_claim_that_is_wrong_is_named_with_what_should_be_there() {
    let server = Server::shared();
    let system = server.system(0).await;
    let whole = |url: &str| format!("{}{url}", server.base_url());
    let good = forge::token(server, &claims(server));
    assert!(failing(&diagnose(&system, "GET", &whole(READS), bearer(&good)).await).is_empty());
    for (claims, fails) in [
        (with(claims(server), "iss", "https://elsewhere.example"), "token.issuer"),
        (with(claims(server), "aud", "https://elsewhere.example"), "token.audience"),
        (with(claims(server), "exp", now_s() - 1), "token.exp"),
        (with(claims(server), "nbf", now_s() + 120), "token.nbf"),
        (with(claims(server), "iat", now_s() + 120), "token.iat"),
        (without(claims(server), "exp"), "token.exp"),
    ] {
        let told = diagnose(&system, "GET", READS, bearer(&forge::token(server, &claims))).await;
        assert_eq!(failing(&told), [fails, "token.accepted"], "{claims}");
        let check = check(&told, fails);
        assert!(check["expected"].is_string() && check["got"].is_string(), "{check}");
    }
    // What has no check of its own is refused all the same.
    let told =
        diagnose(&system, "GET", READS, bearer(&forge::token(server, &without(claims(server), "jti")))).await;
    assert_eq!(failing(&told), ["token.accepted"]);
    let header = jsonwebtoken::Header { typ: Some("JWT".to_owned()), ..forge::header() };
    let typed = jsonwebtoken::encode(&header, &claims(server), &forge::token_key(server)).unwrap();
    let told = diagnose(&system, "GET", READS, bearer(&typed)).await;
    assert_eq!(failing(&told), ["token.type", "token.accepted"]);
    assert_eq!(check(&told, "token.type")["expected"], "at+jwt");
    let told = diagnose(&system, "GET", "https://elsewhere.example/v1/institution", bearer(&good)).await;
    assert_eq!(failing(&told), ["url.host"]);
}

#[tokio::test]
async fn a_revoked_token_and_a_revoked_client_are_told_apart() {
    let server = Server::shared();
    let system = server.system(0).await;
    let made = server.enrol(0, &json!({"name": "x", "scopes": ["transactions:read"]})).await;
    let caller = server.caller(&made, None).await;
    let token = caller.token.clone().unwrap();
    let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
    let revoke = caller.with_token(None).request(Method::POST, "/oauth2/revoke").basic_auth(id, Some(secret));
    assert!(caller.send(revoke.form(&[("token", &token)])).await.status.is_success());
    let told = diagnose(&system, "GET", READS, bearer(&token)).await;
    assert_eq!(failing(&told), ["token.revocation", "token.accepted"]);

    let token = server.caller(&made, None).await.token.unwrap();
    let operator = server.operator().await;
    let path = format!("/admin/v1/clients/{id}");
    assert!(operator.send(operator.request(Method::DELETE, &path)).await.status.is_success());
    let told = diagnose(&system, "GET", READS, bearer(&token)).await;
    assert_eq!(failing(&told), ["client.state", "token.accepted"]);
}

#[tokio::test]
async fn of_a_strangers_token_nothing_is_told_and_no_secret_comes_back() {
    let server = Server::shared();
    let (system, other) = (server.system(0).await, server.system(1).await);
    let theirs = other.token.clone().unwrap();
    let expired = with(claims(server), "exp", now_s() - 100);
    let expired = with(with(expired, "sub", other.client_id.as_str()), "client_id", other.client_id.as_str());
    let nobodys = with(claims(server), "sub", "cli_0190163d8694739bba1a9fbee4e5c1b2");
    let mut answers = Vec::new();
    for token in [theirs.clone(), forge::token(server, &expired), forge::token(server, &nobodys)] {
        let mut told = diagnose(&system, "GET", READS, bearer(&token)).await;
        assert_eq!(failing(&told), ["token.owner"]);
        assert_eq!(check(&told, "token.owner")["detail"], "the token is not valid for you");
        assert!(!told.to_string().contains(&other.client_id));
        told["at"] = Value::Null;
        answers.push(told);
    }
    // Whether it is valid, expired or nobody's can't be told from the answer.
    assert!(answers.iter().all(|told| *told == answers[0]));
    // Who asks for it is told; an operator only when it speaks for them.
    assert!(failing(&diagnose(&other, "GET", READS, bearer(&theirs)).await).is_empty());

    let secret = "canary-of-a-secret";
    let own = system.token.clone().unwrap();
    for headers in [
        bearer(&own),
        bearer(secret),
        json!({"Authorization": secret}),
        json!({"Authorization": format!("Basic {secret}"), "Cookie": secret, "Idempotency-Key": secret}),
        json!({"Authorization": format!("Bearer {own}"), "authorization": secret}),
    ] {
        let told = diagnose(&system, "POST", "/v1/evidence-bundles", headers).await.to_string();
        assert!(
            !told.contains(secret) && !told.contains(&own) && !told.contains(own.rsplit('.').next().unwrap())
        );
    }
}

#[tokio::test]
async fn what_is_too_long_is_refused() {
    let system = Server::shared().system(0).await;
    for (method, url) in
        [("G".repeat(21), "/".to_owned()), ("GET".to_owned(), format!("/{}", "x".repeat(8192)))]
    {
        let asked = json!({"method": method, "url": url});
        system.post("/v1/diagnostics/request", &asked).await.problem(422, "refused");
    }
    for url in
        ["", "x", "//", "http://", "http://[", "/\u{e4}", "*", "/v1/transactions?%", "https://h:99999/"]
    {
        assert!(diagnose(&system, "GET", url, json!({})).await["let_in"] == false, "{url}");
    }
}
