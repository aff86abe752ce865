//! What a token is bound to, and where it may come from, as diagnostics tell of it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{
    Caller, Server, attacks,
    dpop::{self, Prover},
    forge::{self, claims, with},
    keys::ClientKey,
};

const READS: &str = "/v1/transactions?limit=1";

/// The checks that fail of a request that is sent with more than its headers.
async fn failing(caller: &Caller, headers: Value, more: Value) -> Vec<String> {
    let mut asked = json!({"method": "GET", "url": READS, "headers": headers});
    asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let told = caller.post("/v1/diagnostics/request", &asked).await.ok();
    let checks = told["checks"].as_array().unwrap().iter();
    checks
        .filter(|check| check["result"] == "fail")
        .map(|check| check["check"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn every_proof_that_opens_nothing_is_named_and_a_good_one_is_not_used_up() {
    let server = Server::shared();
    let (system, stranger) = (server.system(0).await, server.stranger());
    let prover = Prover::new(&stranger, server.base_url(), ClientKey::ed25519("p")).await;
    let client = &server.demo["institutions"][0]["clients"][0];
    let token = prover.token(&stranger, client).await;
    let other_token = prover.token(&stranger, client).await;
    let with_proof = |proof: &str| json!({"Authorization": format!("DPoP {token}"), "DPoP": proof});
    for (what, proof, _) in attacks::proofs(&prover, READS, (&token, &other_token)) {
        let found = failing(&system, with_proof(&proof), json!({})).await;
        assert_eq!(found, ["token.dpop"], "{what}");
    }
    let proof = prover.proof(&prover.claims_with("GET", READS, &token));
    assert!(failing(&system, with_proof(&proof), json!({})).await.is_empty());
    assert_eq!(dpop::send(&stranger, READS, &token, &proof).await.status, 200);

    let downgraded = json!({"Authorization": format!("Bearer {token}"), "DPoP": proof});
    assert_eq!(failing(&system, downgraded, json!({})).await, ["token.scheme"]);
    let none = json!({"Authorization": format!("DPoP {token}")});
    assert_eq!(failing(&system, none, json!({})).await, ["token.dpop"]);
    let unbound = json!({"Authorization": format!("DPoP {}", system.token.as_ref().unwrap()), "DPoP": proof});
    assert_eq!(failing(&system, unbound, json!({})).await, ["token.scheme"]);
}

#[tokio::test]
async fn the_certificate_that_a_token_is_bound_to_is_asked_for() {
    let server = Server::shared();
    let system = server.system(0).await;
    let [own, other] = ["own", "other"].map(|name| {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap().cert;
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(made.der()));
        (made.pem(), thumbprint)
    });
    let bound = forge::token(server, &with(claims(server), "cnf", json!({"x5t#S256": own.1})));
    let headers = || json!({"Authorization": format!("Bearer {bound}")});
    assert!(failing(&system, headers(), json!({"certificate": own.0})).await.is_empty());
    for shown in [json!({"certificate": other.0}), json!({"certificate": "garbage"}), json!({})] {
        assert_eq!(failing(&system, headers(), shown.clone()).await, ["token.certificate"], "{shown}");
    }
}

#[tokio::test]
async fn an_address_that_the_client_may_not_call_from_is_named() {
    let server = Server::shared();
    let system = server.system(0).await;
    let made = server.enrol(0, &json!({"name": "at home", "scopes": ["transactions:read"]})).await;
    let token = server.caller(&made, None).await.token.unwrap();
    let path = format!("/v1/clients/{}/allowed-addresses", made["client_id"].as_str().unwrap());
    let allowed = json!({"allowed_addresses": ["10.0.0.0/8"]});
    system.send(system.request(Method::PUT, &path).json(&allowed)).await.ok();
    let headers = || json!({"Authorization": format!("Bearer {token}")});
    assert!(failing(&system, headers(), json!({"from": "10.1.2.3"})).await.is_empty());
    // This test's own address is none of them.
    for from in [json!({"from": "192.0.2.1"}), json!({})] {
        assert_eq!(failing(&system, headers(), from.clone()).await, ["client.address"], "{from}");
    }
}
