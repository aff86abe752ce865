//! `/oauth2`: tokens by a client's secret, their revocation and introspection.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Caller, Ledger, Server, data, forge, proof};

const READS: &str = "/v1/transactions?limit=1";

/// A client with a secret, and a caller with a token of it.
async fn client(server: &Server, scopes: &[&str]) -> (Value, Caller) {
    let made = server.enrol(0, &json!({"name": data::unique("client"), "scopes": scopes})).await;
    let caller = server.caller(&made, None).await;
    (made, caller)
}

/// Posts a form, authenticated by the client's secret.
async fn post(server: &Server, client: &Value, path: &str, form: &[(&str, &str)]) -> Answer {
    let (id, secret) = (client["client_id"].as_str().unwrap(), client["client_secret"].as_str().unwrap());
    let stranger = server.stranger();
    stranger.send(stranger.request(Method::POST, path).basic_auth(id, Some(secret)).form(form)).await
}

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

#[tokio::test]
async fn a_secret_gets_a_token_for_five_minutes_and_that_is_recorded() {
    let server = Server::shared();
    let (client, _) = client(server, &["transactions:read", "ledger:read"]).await;
    let answer = post(server, &client, "/oauth2/token", &[GRANT, ("scope", "transactions:read")]).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let access = {
        let request = answer.header("x-request-id").unwrap();
        let found = Ledger::of(server).naming(server.institution(0), request).await;
        Ledger::access(&found, request)
    };
    assert_eq!(access["actor"], client["client_id"]);
    assert_eq!(access["digest"], proof::content_digest(&answer.body));
    let token = answer.ok();
    assert_eq!(token["token_type"], "Bearer");
    assert_eq!(token["expires_in"], 300);
    assert_eq!(token["scope"], "transactions:read");

    let caller = server.stranger().with_token(token["access_token"].as_str());
    caller.get(READS).await.ok();
    caller.get("/v1/ledger/checkpoint").await.problem(403, "insufficient_scope");
}

#[tokio::test]
async fn without_a_scope_a_token_has_all_that_the_client_has() {
    let server = Server::shared();
    let (client, _) = client(server, &["transactions:read", "ledger:read"]).await;
    let token = post(server, &client, "/oauth2/token", &[GRANT]).await.ok();
    assert_eq!(token["scope"], "transactions:read ledger:read");
}

#[tokio::test]
async fn whoever_cannot_prove_to_be_a_client_is_refused_and_counted() {
    let server = Server::shared();
    let (client, _) = client(server, &["transactions:read"]).await;
    let id = client["client_id"].as_str().unwrap();
    let secret = client["client_secret"].as_str().unwrap();
    let other = server.demo["institutions"][1]["clients"][0]["client_secret"].as_str().unwrap();
    let stranger = server.stranger();
    for (what, id, secret) in [
        ("a wrong secret", id, "wrong"),
        ("an empty secret", id, ""),
        ("another client's secret", id, other),
        ("a secret with more", id, &format!("{secret}x")),
        ("a part of the secret", id, &secret[1..]),
        ("an unknown client", "cli_0190163d8694739bba1a9fbee4e5c1b2", secret),
        ("no client's id", "admin", secret),
        ("an id with a NUL", "cli_%00", secret),
    ] {
        let ledger = Ledger::of(server);
        let before = ledger.strangers("POST", "/oauth2/token").await;
        let request =
            stranger.request(Method::POST, "/oauth2/token").basic_auth(id, Some(secret)).form(&[GRANT]);
        let answer = stranger.send(request).await;
        assert!(answer.header("www-authenticate").unwrap().starts_with("Basic "), "{what}");
        assert_eq!(answer.problem(401, "invalid_client")["error"], "invalid_client", "{what}");
        assert!(ledger.strangers("POST", "/oauth2/token").await > before, "{what}");
    }
    for authorization in ["Basic", "Basic ", "Basic %%%", "Basic Zm9v", "Bearer x", "Basic /w==", ""] {
        let request = stranger.request(Method::POST, "/oauth2/token").header("authorization", authorization);
        stranger.send(request.form(&[GRANT])).await.problem(401, "invalid_client");
    }
    let none = stranger.request(Method::POST, "/oauth2/token").form(&[GRANT]);
    stranger.send(none).await.problem(401, "invalid_client");
}

#[tokio::test]
async fn a_scope_that_the_client_does_not_have_is_refused() {
    let server = Server::shared();
    let (client, _) = client(server, &["transactions:read"]).await;
    for scope in
        ["ledger:read", "transactions:read admin", "transactions:read nonsense", "*", "TRANSACTIONS:READ"]
    {
        let answer = post(server, &client, "/oauth2/token", &[GRANT, ("scope", scope)]).await;
        assert_eq!(answer.problem(400, "malformed_body")["error"], "invalid_scope", "{scope}");
    }
}

#[tokio::test]
async fn a_form_that_is_none_is_refused() {
    let server = Server::shared();
    let (client, _) = client(server, &["transactions:read"]).await;
    let forms: [(&[(&str, &str)], &str); 4] = [
        (&[("grant_type", "authorization_code")], "unsupported_grant_type"),
        (&[("scope", "transactions:read")], "unsupported_grant_type"),
        (&[GRANT, GRANT], "invalid_request"),
        (&[GRANT, ("scope", "transactions:read"), ("scope", "transactions:read")], "invalid_request"),
    ];
    for (form, error) in forms {
        let answer = post(server, &client, "/oauth2/token", form).await;
        assert_eq!(answer.problem(400, "malformed_body")["error"], error, "{form:?}");
    }
    let stranger = server.stranger();
    let json =
        stranger.request(Method::POST, "/oauth2/token").json(&json!({"grant_type": "client_credentials"}));
    stranger.send(json).await.problem(415, "unsupported_media_type");
    let long = "x".repeat(17 * 1024);
    let long = stranger.request(Method::POST, "/oauth2/token").form(&[("grant_type", long)]);
    stranger.send(long).await.problem(413, "body_too_large");
}

#[tokio::test]
async fn a_revoked_token_is_refused_at_once_and_others_are_not() {
    let server = Server::shared();
    let (client, caller) = client(server, &["transactions:read"]).await;
    let other = server.caller(&client, None).await;
    // Both have been used, so both verdicts are cached.
    caller.get(READS).await.ok();
    other.get(READS).await.ok();
    let token = caller.token.as_deref().unwrap();
    post(server, &client, "/oauth2/revoke", &[("token", token)]).await.ok();
    caller.get(READS).await.problem(401, "unauthenticated");
    other.get(READS).await.ok();
    post(server, &client, "/oauth2/revoke", &[("token", token)]).await.ok();
    post(server, &client, "/oauth2/revoke", &[("token", "nonsense")]).await.ok();
    let problem = post(server, &client, "/oauth2/revoke", &[]).await.problem(400, "malformed_body");
    assert_eq!(problem["error"], "invalid_request");
}

#[tokio::test]
async fn a_client_revokes_and_sees_its_own_tokens_alone() {
    let server = Server::shared();
    let (client, caller) = client(server, &["transactions:read"]).await;
    let (stranger, _) = self::client(server, &["transactions:read"]).await;
    let token = caller.token.as_deref().unwrap();
    let introspect = async |by: &Value, token: &str| {
        post(server, by, "/oauth2/introspect", &[("token", token)]).await.ok()
    };
    let inactive = json!({"active": false});
    assert_eq!(introspect(&stranger, token).await, inactive, "another client's");
    post(server, &stranger, "/oauth2/revoke", &[("token", token)]).await.ok();
    caller.get(READS).await.ok();

    let seen = introspect(&client, token).await;
    assert_eq!(seen["active"], true);
    assert_eq!((&seen["client_id"], &seen["sub"]), (&client["client_id"], &client["client_id"]));
    assert_eq!((&seen["scope"], &seen["token_type"]), (&json!("transactions:read"), &json!("Bearer")));
    assert_eq!((&seen["iss"], &seen["aud"]), (&json!(server.base_url()), &json!(server.base_url())));
    assert_eq!(seen["exp"].as_i64().unwrap() - seen["iat"].as_i64().unwrap(), 300);

    for token in ["", "nonsense", &forge::expired(server)] {
        assert_eq!(introspect(&client, token).await, inactive);
    }
    post(server, &client, "/oauth2/revoke", &[("token", token)]).await.ok();
    assert_eq!(introspect(&client, token).await, inactive, "revoked");
}

#[tokio::test]
async fn a_revoked_clients_tokens_are_worth_nothing_at_once() {
    let server = Server::shared();
    let (client, caller) = client(server, &["transactions:read"]).await;
    caller.get(READS).await.ok();
    let operator = server.operator().await;
    let path = format!("/admin/v1/clients/{}", client["client_id"].as_str().unwrap());
    operator.send(operator.request(Method::DELETE, &path)).await.ok();
    caller.get(READS).await.problem(401, "unauthenticated");
    post(server, &client, "/oauth2/token", &[GRANT]).await.problem(401, "invalid_client");
    let token = caller.token.as_deref().unwrap();
    post(server, &client, "/oauth2/introspect", &[("token", token)]).await.problem(401, "invalid_client");
}
