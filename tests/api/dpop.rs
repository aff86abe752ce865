//! Tokens that are bound to a key (RFC 9449): no proof but a fresh one of that key, for that token and that
//! request, opens anything.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Answer, Ledger, Server, attacks, data,
    dpop::{self, Prover},
    forge::{now_s, with},
    keys::ClientKey,
};

const READS: &str = "/v1/transactions?limit=1";
const TOKEN: &str = "/oauth2/token";

async fn prover(server: &Server) -> Prover {
    Prover::new(&server.stranger(), server.base_url(), ClientKey::ed25519("p")).await
}

fn client(server: &Server) -> &Value {
    &server.demo["institutions"][0]["clients"][0]
}

/// Refused because of the proof, with how to make a better one.
#[track_caller]
fn assert_unproven(answer: Answer, error: &str, what: &str) {
    assert_eq!(answer.status, 401, "{what}: {}", answer.text());
    let challenge = answer.header("www-authenticate").unwrap().to_owned();
    assert!(
        challenge.starts_with("DPoP ") && challenge.contains(&format!("error=\"{error}\"")),
        "{what}: {challenge}"
    );
    assert!(challenge.contains("algs=\"EdDSA ES256 PS256\""), "{what}: {challenge}");
    assert!(answer.header("dpop-nonce").is_some(), "{what}");
    answer.problem(401, "unauthenticated");
}

#[tokio::test]
async fn each_kind_of_key_binds_a_token_and_opens_with_it() {
    let server = Server::shared();
    let stranger = server.stranger();
    for key in
        [Some(ClientKey::ed25519("p")), ClientKey::es256("p"), ClientKey::ps256("p")].into_iter().flatten()
    {
        let prover = Prover::new(&stranger, server.base_url(), key).await;
        let token = prover.token(&stranger, client(server)).await;
        let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(&token).unwrap();
        assert_eq!(claims["cnf"], json!({"jkt": prover.jkt()}));
        for _ in 0..2 {
            // The second time the verdict on the token is a cached one; the proof is looked at all the same.
            let answer = prover.get(&stranger, READS, &token).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert!(answer.header("dpop-nonce").is_some());
        }
        assert_unproven(dpop::send(&stranger, READS, &token, "").await, "invalid_dpop_proof", "no proof");
    }
}

#[tokio::test]
async fn a_proof_that_does_not_fit_opens_nothing() {
    let server = Server::shared();
    let stranger = server.stranger();
    let prover = prover(server).await;
    let token = prover.token(&stranger, client(server)).await;
    let other_token = prover.token(&stranger, client(server)).await;
    let table = attacks::proofs(&prover, READS, (&token, &other_token));
    assert!(table.len() > 40, "the table has {} attacks", table.len());
    for (what, proof, error) in &table {
        assert_unproven(dpop::send(&stranger, READS, &token, proof).await, error, what);
    }
    let twice = stranger.request(Method::GET, READS).header("authorization", format!("DPoP {token}"));
    let proof = || prover.proof(&prover.claims_with("GET", READS, &token));
    let twice = twice.header("dpop", proof()).header("dpop", proof());
    assert_unproven(stranger.send(twice).await, "invalid_dpop_proof", "two proofs");
    // A good proof of another key is as good as a stolen token.
    let (key, nonce, base_url) = (ClientKey::ed25519("p"), prover.nonce.clone(), prover.base_url.clone());
    let thief = Prover { key, nonce, base_url };
    thief.get(&stranger, READS, &token).await.refuses_the_token("another key");
}

#[tokio::test]
async fn what_is_changed_in_the_table_is_all_that_is_wrong() {
    let server = Server::shared();
    let stranger = server.stranger();
    let prover = prover(server).await;
    let token = prover.token(&stranger, client(server)).await;
    let good = || prover.claims_with("GET", READS, &token);
    prover.get(&stranger, READS, &token).await.ok();
    for near in [9, -50] {
        let claims = with(good(), "iat", now_s() + near);
        dpop::send(&stranger, READS, &token, &prover.proof(&claims)).await.ok();
    }
    let base = server.base_url();
    for same in [format!("{base}/v1/transactions?x=1#y"), base.replace("http", "HTTP") + "/v1/%74ransactions"]
    {
        let claims = with(good(), "htu", same);
        dpop::send(&stranger, READS, &token, &prover.proof(&claims)).await.ok();
    }
    // What else the header says of keys is ignored.
    let header = json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": prover.key.jwk, "kid": "x", "jku": base});
    let proof = dpop::sign_by_hand(&header, &good(), &prover.key.encoding);
    dpop::send(&stranger, READS, &token, &proof).await.ok();
}

#[tokio::test]
async fn a_proof_is_good_once_and_its_replay_is_on_the_institutions_ledger() {
    let server = Server::shared();
    let stranger = server.stranger();
    let prover = prover(server).await;
    let proof = prover.proof(&prover.claims("POST", TOKEN));
    let token = prover.ask(&stranger, client(server), &proof).await.ok();
    let token = token["access_token"].as_str().unwrap();
    let again = prover.ask(&stranger, client(server), &proof).await;
    assert_eq!(again.problem(400, "invalid_dpop_proof")["error"], "invalid_dpop_proof");

    let claims = prover.claims_with("GET", READS, token);
    let proof = prover.proof(&claims);
    dpop::send(&stranger, READS, token, &proof).await.ok();
    assert_unproven(
        dpop::send(&stranger, READS, token, &proof).await,
        "invalid_dpop_proof",
        "the same again",
    );
    let resigned = prover.proof(&with(claims.clone(), "iat", now_s() - 1));
    let request = stranger.request(Method::GET, READS).header("authorization", format!("DPoP {token}"));
    let request = request.header("dpop", resigned);
    assert_unproven(stranger.send(request).await, "invalid_dpop_proof", "the same jti in another proof");
    // Whoever sends a request again is a stranger: what he chooses is on no ledger.
    let id = client(server)["client_id"].as_str().unwrap();
    let denials = Ledger::of(server).denials(server.institution(0), id, "unauthenticated").await;
    assert!(denials.iter().map(|denial| denial["count"].as_u64().unwrap()).sum::<u64>() >= 2);
    for denial in denials {
        assert_eq!((&denial["path"], denial.get("request")), (&json!("/v1/transactions"), None));
    }

    // Another key's jti is another one.
    let other = self::prover(server).await;
    let theirs = other.token(&stranger, client(server)).await;
    let claims = with(claims, "ath", dpop::ath(&theirs));
    dpop::send(&stranger, READS, &theirs, &other.proof(&claims)).await.ok();
}

#[tokio::test]
async fn many_at_once_with_one_proof_are_let_in_once() {
    let server = Server::shared();
    let stranger = server.stranger();
    let prover = prover(server).await;
    let token = prover.token(&stranger, client(server)).await;
    let proof = prover.proof(&prover.claims_with("GET", READS, &token));
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let (stranger, token, proof) = (stranger.clone(), token.clone(), proof.clone());
        all.spawn(async move { dpop::send(&stranger, READS, &token, &proof).await.status });
    }
    let served = all.join_all().await.into_iter().filter(|status| *status == 200).count();
    assert_eq!(served, 1);
}

#[tokio::test]
async fn a_bound_token_is_no_bearer_token_and_the_other_way_round() {
    let server = Server::shared();
    let stranger = server.stranger();
    let prover = prover(server).await;
    let bound = prover.token(&stranger, client(server)).await;
    prover.get(&stranger, READS, &bound).await.ok();
    stranger.with_token(Some(&bound)).get(READS).await.refuses_the_token("downgraded to a bearer token");
    let with_proof = stranger.with_token(Some(&bound)).request(Method::GET, READS);
    let with_proof = with_proof.header("dpop", prover.proof(&prover.claims_with("GET", READS, &bound)));
    stranger.send(with_proof).await.refuses_the_token("as a bearer token with a proof");
    let bearer = server.system(0).await.token.unwrap();
    prover.get(&stranger, READS, &bearer).await.refuses_the_token("a bearer token with a proof");
}

#[tokio::test]
async fn a_client_whose_tokens_must_be_bound_gets_and_uses_no_others() {
    let server = Server::shared();
    let stranger = server.stranger();
    let new = json!({
        "name": data::unique("bound"), "scopes": ["transactions:read"], "dpop_bound_access_tokens": true,
    });
    let made = server.enrol(0, &new).await;
    assert_eq!(made["dpop_bound_access_tokens"], true);
    let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
    let form = [("grant_type", "client_credentials")];
    let plain = stranger.request(Method::POST, TOKEN).basic_auth(id, Some(secret)).form(&form);
    assert_eq!(stranger.send(plain).await.problem(400, "invalid_dpop_proof")["error"], "invalid_request");
    let prover = prover(server).await;
    let token = prover.token(&stranger, &made).await;
    prover.get(&stranger, READS, &token).await.ok();

    // It counts for tokens that there are as well.
    let new = json!({"name": data::unique("unbound"), "scopes": ["transactions:read"]});
    let made = server.enrol(0, &new).await;
    let bearer = server.caller(&made, None).await;
    bearer.get(READS).await.ok();
    let operator = server.operator().await;
    let path = format!("/admin/v1/clients/{}", made["client_id"].as_str().unwrap());
    let change = operator.request(Method::PATCH, &path).json(&json!({"dpop_bound_access_tokens": true}));
    assert_eq!(operator.send(change).await.ok()["dpop_bound_access_tokens"], true);
    bearer.get(READS).await.refuses_the_token("a bearer token of a client whose tokens are bound");
    let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str());
    let introspect = stranger.request(Method::POST, "/oauth2/introspect").basic_auth(id, secret);
    let told = stranger.send(introspect.form(&[("token", bearer.token.as_deref().unwrap())])).await.ok();
    assert_eq!(told, json!({"active": false}), "introspection says what the door does");
}

#[tokio::test]
async fn what_a_token_is_bound_to_is_told_to_its_client_and_the_service_says_what_it_can() {
    let server = Server::shared();
    let stranger = server.stranger();
    let prover = prover(server).await;
    let token = prover.token(&stranger, client(server)).await;
    let (id, secret) = (client(server)["client_id"].as_str(), client(server)["client_secret"].as_str());
    let request = stranger.request(Method::POST, "/oauth2/introspect").basic_auth(id.unwrap(), secret);
    let told = stranger.send(request.form(&[("token", token)])).await.ok();
    assert_eq!(told["token_type"], "DPoP");
    assert_eq!(told["cnf"]["jkt"], prover.jkt());
    let metadata = stranger.get("/.well-known/oauth-authorization-server").await.ok();
    assert_eq!(metadata["dpop_signing_alg_values_supported"], json!(["EdDSA", "ES256", "PS256"]));
    assert_eq!(metadata["tls_client_certificate_bound_access_tokens"], true);
}
