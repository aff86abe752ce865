//! Behind proxies: whose word on a caller's address and certificate counts. Nobody's but the configured
//! proxies', and theirs on the last hop alone.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{Answer, Caller, Server};

const READS: &str = "/v1/transactions?limit=1";

/// A demo behind a proxy that calls from 127.0.0.1; whoever calls from 127.0.0.2 is none.
fn behind_a_proxy(more: &[(&str, &str)]) -> Server {
    let mut env = vec![("VERITRAIL_HTTP__PROXIES", "127.0.0.1, 10.0.0.0/8")];
    env.extend(more);
    Server::demo_with(&[], &env)
}

fn outsider(server: &Server) -> Caller {
    let here: std::net::IpAddr = "127.0.0.2".parse().unwrap();
    Caller::over(Client::builder().local_address(here), server.base_url())
}

fn credentials(client: &Value) -> (&str, &str) {
    (client["client_id"].as_str().unwrap(), client["client_secret"].as_str().unwrap())
}

/// What a proxy says of the caller's certificate (RFC 9440), and its thumbprint.
fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
    let der = made.cert.der();
    (format!(":{}:", STANDARD.encode(der)), URL_SAFE_NO_PAD.encode(Sha256::digest(der)))
}

async fn send(caller: &Caller, token: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = caller.with_token(Some(token)).request(Method::GET, READS);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    caller.send(request).await
}

#[tokio::test]
async fn a_certificate_counts_when_a_configured_proxy_vouches_for_it_and_from_nobody_else() {
    let server = behind_a_proxy(&[]);
    let (proxy, outsider) = (server.stranger(), outsider(&server));
    let new = json!({
        "name": "bound", "scopes": ["transactions:read"], "tls_client_certificate_bound_access_tokens": true,
    });
    let client = server.enrol(0, &new).await;
    let (own, thumbprint) = certificate();
    let (other, _) = certificate();
    let grant = async |caller: &Caller, headers: &[(&str, &str)]| {
        let (id, secret) = credentials(&client);
        let mut request = caller.request(Method::POST, "/oauth2/token").basic_auth(id, Some(secret));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        caller.send(request.form(&[("grant_type", "client_credentials")])).await
    };
    let told = grant(&proxy, &[("client-cert", &own)]).await.ok();
    let token = told["access_token"].as_str().unwrap();
    let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(token).unwrap();
    assert_eq!(claims["cnf"], json!({"x5t#S256": thumbprint}));
    grant(&outsider, &[("client-cert", &own)]).await.problem(400, "invalid_dpop_proof");
    grant(&proxy, &[]).await.problem(400, "invalid_dpop_proof");

    send(&proxy, token, &[("client-cert", &own)]).await.ok();
    for (what, caller, headers) in [
        ("forged by somebody who is no proxy", &outsider, &[("client-cert", own.as_str())][..]),
        ("another certificate", &proxy, &[("client-cert", &other)]),
        ("no certificate", &proxy, &[]),
        ("two certificates", &proxy, &[("client-cert", &own), ("client-cert", &own)]),
        ("in a header that is not the configured one", &proxy, &[("x-client-cert", &own)]),
        (
            "by a proxy that somebody claims to be",
            &outsider,
            &[("client-cert", &own), ("x-forwarded-for", "127.0.0.1")],
        ),
        ("as a chain", &proxy, &[("client-cert-chain", &own)]),
    ] {
        let answer = send(caller, token, headers).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.text());
        answer.problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn an_allow_list_is_held_against_the_address_that_the_nearest_proxy_saw() {
    let server = behind_a_proxy(&[]);
    let (proxy, outsider) = (server.stranger(), outsider(&server));
    let new = json!({"name": "partner", "scopes": ["transactions:read"]});
    let client = server.enrol(0, &new).await;
    let (id, secret) = credentials(&client);
    let token = server.caller(&client, None).await.token.unwrap();
    let operator = server.operator().await;
    let change = operator.request(Method::PATCH, &format!("/admin/v1/clients/{id}"));
    let allowed = json!({"allowed_addresses": ["192.0.2.0/24", "2001:db8::/32", "127.0.0.1", "10.0.0.0/8"]});
    operator.send(change.json(&allowed)).await.ok();
    let told = |value| [("x-forwarded-for", value)];
    for value in
        ["192.0.2.7", "198.51.100.1, 192.0.2.7", "192.0.2.7, 10.1.2.3", "192.0.2.7:4711", "[2001:db8::1]:9"]
    {
        assert_eq!(send(&proxy, &token, &told(value)).await.status, 200, "{value}");
    }
    // A proxy that calls by itself.
    assert_eq!(send(&proxy, &token, &[]).await.status, 200);
    for value in [
        "198.51.100.1",
        // What a caller sends goes before what the proxy saw.
        "192.0.2.7, 198.51.100.1",
        "127.0.0.1, 198.51.100.1",
        "192.0.2.7, 198.51.100.1, 10.1.2.3",
        // Who is not known is not a proxy, though those may call.
        "unknown",
        "192.0.2.7, unknown",
        "192.0.2.7, unknown, 10.1.2.3",
        "",
    ] {
        let answer = send(&proxy, &token, &told(value)).await;
        assert_eq!(answer.status, 403, "{value}: {}", answer.text());
        answer.problem(403, "address_not_allowed");
    }
    send(&proxy, &token, &[("forwarded", "for=192.0.2.7"), ("x-forwarded-for", "198.51.100.1")])
        .await
        .problem(403, "address_not_allowed");
    send(&outsider, &token, &told("192.0.2.7")).await.problem(403, "address_not_allowed");
    // The token endpoint judges alike.
    for (caller, value, status) in
        [(&proxy, "192.0.2.7", 200), (&proxy, "192.0.2.7, 198.51.100.1", 403), (&outsider, "192.0.2.7", 403)]
    {
        let request = caller.request(Method::POST, "/oauth2/token").basic_auth(id, Some(secret));
        let request = request.header("x-forwarded-for", value).form(&[("grant_type", "client_credentials")]);
        assert_eq!(caller.send(request).await.status, status, "{value}");
    }
}

#[tokio::test]
async fn where_proxies_write_forwarded_the_other_header_is_the_callers_own() {
    let server = behind_a_proxy(&[("VERITRAIL_HTTP__FORWARDED_HEADER", "forwarded")]);
    let proxy = server.stranger();
    let new = json!({"name": "partner", "scopes": ["transactions:read"]});
    let client = server.enrol(0, &new).await;
    let token = server.caller(&client, None).await.token.unwrap();
    let operator = server.operator().await;
    let change = operator.request(Method::PATCH, &format!("/admin/v1/clients/{}", credentials(&client).0));
    operator.send(change.json(&json!({"allowed_addresses": ["192.0.2.0/24"]}))).await.ok();
    for (value, status) in [
        ("for=192.0.2.7", 200),
        ("for=198.51.100.1, For=\"192.0.2.7:1\";proto=https", 200),
        ("for=192.0.2.7, for=198.51.100.1", 403),
        ("for=192.0.2.7, for=_hidden", 403),
        ("for=\"192.0.2.7, for=198.51.100.1", 403),
    ] {
        let headers = [("forwarded", value), ("x-forwarded-for", "192.0.2.7")];
        assert_eq!(send(&proxy, &token, &headers).await.status, status, "{value}");
    }
}
