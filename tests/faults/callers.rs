//! Who calls, across replicas: what one of them took no other takes again, and the table of attacks opens
//! nothing at either.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use veritrail::{
    domain::ClientId,
    shared::{Heard, News, Redis as Shared},
    world::Machine,
};

use super::redis::{Ear, settings};
use crate::support::{
    Answer,
    attacks::{self, Target},
    data,
    dpop::{self, Prover},
    engine::Engine,
    keys::ClientKey,
    postgres::Postgres,
    redis::Redis,
    replicas::Replicas,
    server::Server,
};

const READS: &str = "/v1/transactions?limit=1";

async fn start(redis: Option<&Redis>) -> Option<Replicas> {
    if Engine::of_this_run() == Engine::Sqlite {
        return None;
    }
    let mut environment = vec![("VERITRAIL_HTTP__PROXIES", "127.0.0.1".to_owned())];
    environment.extend(redis.map(|redis| ("VERITRAIL_REDIS__URLS", redis.url())));
    Some(Replicas::start(Postgres::shared(), 2, &environment).await)
}

fn client(replicas: &Replicas) -> &Value {
    &replicas.demo["institutions"][0]["clients"][0]
}

#[track_caller]
fn assert_replayed(answer: Answer) {
    assert_eq!(answer.status, 401, "{}", answer.text());
    assert_eq!(answer.problem(401, "unauthenticated")["detail"], "the proof was used before");
}

/// What holds with a Redis that replicas share and without.
async fn a_proof_is_taken_once(replicas: &Replicas) {
    let (here, there) = (replicas.stranger(0), replicas.stranger(1));
    // A nonce of one replica is good at the other, and so is a token.
    let prover = Prover::new(&here, replicas.base_url(), ClientKey::ed25519("p")).await;
    let token = prover.token(&there, client(replicas)).await;
    prover.get(&here, READS, &token).await.ok();
    prover.get(&there, READS, &token).await.ok();

    let proof = prover.proof(&prover.claims_with("GET", READS, &token));
    dpop::send(&here, READS, &token, &proof).await.ok();
    assert_replayed(dpop::send(&there, READS, &token, &proof).await);
    assert_replayed(dpop::send(&here, READS, &token, &proof).await);
    let proof = prover.proof(&prover.claims("POST", "/oauth2/token"));
    prover.ask(&there, client(replicas), &proof).await.ok();
    prover.ask(&here, client(replicas), &proof).await.problem(400, "invalid_dpop_proof");

    for _ in 0..4 {
        let proof = prover.proof(&prover.claims_with("GET", READS, &token));
        let mut all = tokio::task::JoinSet::new();
        for index in 0..16 {
            let (caller, token, proof) = (replicas.stranger(index % 2), token.clone(), proof.clone());
            all.spawn(async move { dpop::send(&caller, READS, &token, &proof).await.status });
        }
        let served = all.join_all().await.into_iter().filter(|status| *status == 200).count();
        assert_eq!(served, 1, "one of many at both replicas is let in");
    }
}

/// Each attack of the table, at each replica, with tokens of the other.
async fn the_table_opens_nothing(replicas: &Replicas) {
    let target = Target::of_replicas(replicas).await;
    let good = target.signed(&target.claims());
    let prover = Prover::new(&replicas.stranger(1), replicas.base_url(), ClientKey::ed25519("p")).await;
    let bound = prover.token(&replicas.stranger(0), client(replicas)).await;
    let other = prover.token(&replicas.stranger(1), client(replicas)).await;
    for index in 0..replicas.len() {
        let caller = replicas.stranger(index);
        caller.with_token(Some(&good)).get(READS).await.ok();
        for (what, token) in target.tokens() {
            let answer = caller.with_token(Some(&token)).get(READS).await;
            assert_eq!(answer.status, 401, "replica {index}: {what}: {}", answer.text());
        }
        for (what, proof, error) in attacks::proofs(&prover, READS, (&bound, &other)) {
            let answer = dpop::send(&caller, READS, &bound, &proof).await;
            assert_eq!(answer.status, 401, "replica {index}: {what}: {}", answer.text());
            let challenge = answer.header("www-authenticate").unwrap();
            assert!(challenge.contains(error), "replica {index}: {what}: {challenge}");
        }
        let downgraded = caller.with_token(Some(&bound)).get(READS).await;
        assert_eq!(downgraded.status, 401, "replica {index}: a bound token as a bearer token");
        let thief = Prover {
            key: ClientKey::ed25519("p"),
            nonce: prover.nonce.clone(),
            base_url: prover.base_url.clone(),
        };
        assert_eq!(thief.get(&caller, READS, &bound).await.status, 401, "replica {index}: another key");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_share_a_database_take_a_proof_once_and_no_attack_opens_anything() {
    let Some(replicas) = start(None).await else { return };
    a_proof_is_taken_once(&replicas).await;
    the_table_opens_nothing(&replicas).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_forgets_or_is_gone_makes_no_used_proof_good_again() {
    let mut redis = Redis::start();
    let Some(replicas) = start(Some(&redis)).await else { return };
    a_proof_is_taken_once(&replicas).await;
    the_table_opens_nothing(&replicas).await;
    let (here, there) = (replicas.stranger(0), replicas.stranger(1));
    let prover = Prover::new(&here, replicas.base_url(), ClientKey::ed25519("p")).await;
    let token = prover.token(&here, client(&replicas)).await;
    let proof = prover.proof(&prover.claims_with("GET", READS, &token));
    dpop::send(&here, READS, &token, &proof).await.ok();
    redis.flush();
    assert_replayed(dpop::send(&there, READS, &token, &proof).await);
    redis.kill();
    assert_replayed(dpop::send(&there, READS, &token, &proof).await);
    a_proof_is_taken_once(&replicas).await;
}

#[tokio::test]
async fn what_is_changed_of_a_client_at_one_replica_counts_at_the_other() {
    let redis = Redis::start();
    let Some(replicas) = start(Some(&redis)).await else { return };
    let operator = replicas.operator(0).await;
    let path = format!("/admin/v1/institutions/{}/clients", replicas.institution());
    let new = json!({"name": data::unique("partner"), "scopes": ["transactions:read"]});
    let made = operator.post(&path, &new).await.ok();
    let there = replicas.caller(1, &made).await;
    there.get(READS).await.ok();
    let own = format!("/v1/clients/{}", made["client_id"].as_str().unwrap());
    let system = replicas.system(0).await;
    let put = system.request(Method::PUT, &format!("{own}/allowed-addresses"));
    system.send(put.json(&json!({"allowed_addresses": ["192.0.2.1"]}))).await.ok();
    let mut tries = 0;
    while there.get(READS).await.status != 403 {
        tries += 1;
        assert!(tries < 100, "the other replica lets the client call from anywhere");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // A secret ends at both at once.
    let told = system.post(&format!("{own}/rotate-secret"), &json!({"overlap_s": 0})).await.ok();
    let id = made["client_id"].as_str().unwrap();
    for (secret, status) in [(&made["client_secret"], 401), (&told["client_secret"], 200)] {
        let stranger = replicas.stranger(1);
        let request = stranger.request(Method::POST, "/oauth2/token").basic_auth(id, secret.as_str());
        let request = request.header("x-forwarded-for", "192.0.2.1");
        let answer = stranger.send(request.form(&[("grant_type", "client_credentials")])).await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
}

#[tokio::test]
async fn a_change_of_a_client_is_told_of_that_client_alone_and_what_changes_nothing_is_not_told() {
    let redis = Redis::start();
    let server = Server::demo_with(&[], &[("VERITRAIL_REDIS__URLS", &redis.url())]);
    let other = Shared::start(&settings(&redis.url()), &Machine).await.unwrap();
    let ear = Ear::of(&other);
    ear.hears(&Heard::Listening).await;
    let (system, operator) = (server.system(0).await, server.operator().await);
    let made = server.enrol(0, &json!({"name": "x", "scopes": ["transactions:read"]})).await;
    let id = made["client_id"].as_str().unwrap();
    let (own, admin) = (format!("/v1/clients/{id}"), format!("/admin/v1/clients/{id}"));
    for address in ["192.0.2.1", "192.0.2.1", "192.0.2.2"] {
        let put = system.request(Method::PUT, &format!("{own}/allowed-addresses"));
        system.send(put.json(&json!({"allowed_addresses": [address]}))).await.ok();
    }
    system.post(&format!("{own}/keys"), &ClientKey::ed25519("a").jwk).await.problem(409, "conflict");
    system.post(&format!("{own}/rotate-secret"), &json!({"overlap_s": 0})).await.ok();
    let bind = || operator.request(Method::PATCH, &admin).json(&json!({"dpop_bound_access_tokens": true}));
    operator.send(bind()).await.ok();
    operator.send(bind()).await.ok();
    operator.send(operator.request(Method::DELETE, &admin)).await.ok();
    operator.send(operator.request(Method::DELETE, &admin)).await.problem(409, "conflict");
    let institution = format!("/admin/v1/institutions/{}", server.institution(0));
    let plan = operator.get(&institution).await.ok()["plan"].clone();
    operator.send(operator.request(Method::PATCH, &institution).json(&json!({"plan": plan}))).await.ok();

    let plan = json!({
        "client_per_second": 1, "client_burst": 1, "institution_per_second": 1, "institution_burst": 1,
    });
    operator.send(operator.request(Method::PUT, "/admin/v1/plans/last").json(&plan)).await.ok();
    let told = ear.hears(&Heard::News(News::Plans)).await;
    let client: ClientId = id.parse().unwrap();
    // Two lists of addresses, a secret, what its tokens are bound to, and its end.
    assert_eq!(told, vec![Heard::News(News::Client(client)); 5]);
}
