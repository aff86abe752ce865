//! Access tokens that the service did not issue, or not so.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::{
    Server,
    attacks::Target,
    data,
    forge::{self, claims, now_s, with},
};

const READS: &str = "/v1/transactions?limit=1";

async fn refused(token: &str, what: &str) {
    Server::shared().stranger().with_token(Some(token)).get(READS).await.refuses_the_token(what);
}

async fn accepted(token: &str) {
    Server::shared().stranger().with_token(Some(token)).get(READS).await.ok();
}

#[tokio::test]
async fn a_forged_token_opens_nothing() {
    let target = Target::of(Server::shared()).await;
    let table = target.tokens();
    assert!(table.len() > 50, "the table has {} attacks", table.len());
    for (what, token) in &table {
        refused(token, what).await;
    }
}

#[tokio::test]
async fn what_is_changed_in_the_table_is_all_that_is_wrong() {
    let target = Target::of(Server::shared()).await;
    accepted(&target.signed(&target.claims())).await;
    // Clocks differ by a little.
    for name in ["nbf", "iat"] {
        accepted(&target.signed(&with(target.claims(), name, now_s() + 9))).await;
    }
    for typ in ["at+jwt", "application/at+jwt"] {
        accepted(&target.signed_under(&json!({"alg": "EdDSA", "typ": typ}))).await;
    }
    // What a header says of keys is ignored, whoever signs.
    let jku = "http://127.0.0.1:9/";
    accepted(&target.signed_under(&json!({"alg": "EdDSA", "typ": "at+jwt", "jku": jku, "x5u": jku}))).await;
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
