//! Real replicas on one PostgreSQL and one Redis: one limit, one memory of what was revoked, one file.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::replicas::a_limit_holds_with_redis_and_without;
use crate::support::{Caller, engine::Engine, postgres::Postgres, redis::Redis, replicas::Replicas};

async fn start(count: usize, redis: &Redis) -> Option<Replicas> {
    if Engine::of_this_run() == Engine::Sqlite {
        return None;
    }
    let environment =
        [("VERITRAIL_REDIS__URLS", redis.url()), ("VERITRAIL_REDIS__REPLICAS", count.to_string())];
    Some(Replicas::start(Postgres::shared(), count, &environment).await)
}

/// `VERITRAIL_LIMIT_SECONDS` says how long; a shorter run is enough for every day.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_replicas_asked_ten_times_as_fast_hold_one_clients_limit_with_redis_and_without() {
    let mut redis = Redis::start();
    let Some(replicas) = start(8, &redis).await else { return };
    let seconds = std::env::var("VERITRAIL_LIMIT_SECONDS").map_or(9, |n| n.parse().unwrap());
    let plan = json!({"client_per_second": 100, "client_burst": 100,
                      "institution_per_second": 100_000, "institution_burst": 100_000});
    let operator = replicas.operator(0).await;
    operator.send(operator.request(Method::PUT, "/admin/v1/plans/narrow").json(&plan)).await.ok();
    let path = format!("/admin/v1/institutions/{}", replicas.institution());
    operator.send(operator.request(Method::PATCH, &path).json(&json!({"plan": "narrow"}))).await.ok();
    // Every replica has heard of the plan.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let urls: Vec<String> = (0..8).map(|index| replicas.url(index)).collect();
    let (caller, span) = (replicas.system(0).await, Duration::from_secs(seconds));
    a_limit_holds_with_redis_and_without(&urls, &caller, &mut redis, (100.0, 100.0), span).await;
}

async fn refused_soon(caller: &Caller) {
    for _ in 0..20 {
        if caller.get("/v1/institution").await.status == 401 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the token still counts");
}

#[tokio::test]
async fn what_one_replica_revokes_no_other_believes() {
    let redis = Redis::start();
    let Some(replicas) = start(2, &redis).await else { return };
    let (here, mut there) = (replicas.system(0).await, replicas.system(0).await);
    there.base_url = replicas.url(1);
    tokio::time::sleep(Duration::from_millis(500)).await;
    there.get("/v1/institution").await.ok();
    let client = &replicas.demo["institutions"][0]["clients"][0];
    let (id, secret) = (client["client_id"].as_str().unwrap(), client["client_secret"].as_str().unwrap());
    let revoke = here.with_token(None).request(Method::POST, "/oauth2/revoke").basic_auth(id, Some(secret));
    here.send(revoke.form(&[("token", there.token.as_deref().unwrap())])).await.ok();
    refused_soon(&there).await;

    // A client that is revoked, with all its tokens.
    let mut there = replicas.system(0).await;
    there.base_url = replicas.url(1);
    there.get("/v1/institution").await.ok();
    let operator = replicas.operator(0).await;
    let gone = operator.request(Method::DELETE, &format!("/admin/v1/clients/{id}"));
    assert!(operator.send(gone).await.status.is_success());
    refused_soon(&there).await;
}

#[tokio::test]
async fn a_bundle_that_one_replica_made_is_the_same_from_another() {
    let redis = Redis::start();
    let Some(replicas) = start(2, &redis).await else { return };
    let (here, there) = (replicas.system(0).await, replicas.system(1).await);
    let made = here.post("/v1/evidence-bundles", &json!({})).await.ok();
    let id = made["id"].as_str().unwrap();
    let ready = here.until_ready(id).await;
    // The log goes on, and is signed again, before the other is asked.
    for _ in 0..3 {
        there.get("/v1/transactions?limit=1").await.ok();
        tokio::time::sleep(Duration::from_millis(1_100)).await;
    }
    let path = format!("/v1/evidence-bundles/{id}/content");
    let (one, other) = (here.get(&path).await, there.get(&path).await);
    assert_eq!((one.status, other.status), (reqwest::StatusCode::OK, reqwest::StatusCode::OK));
    assert!(one.body == other.body && one.body.len() as u64 == ready["bytes"].as_u64().unwrap());
}
