//! The real binary with Redis: limits, health and revocations while Redis comes and goes.
//!
//! The load takes any number of base URLs that one client can call: replicas of one service.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    stored::Stored,
    tally::{Tally, at_pace},
};
use crate::support::{Caller, Server, data, redis::Redis};

/// Asks all replicas in turn at a steady pace, each time at its due time; every answer must be 200 or
/// 429.
pub async fn overload(base_urls: &[String], caller: &Caller, per_second: f64, span: Duration) -> Tally {
    let at = |url: &String| {
        let mut caller = caller.clone();
        caller.base_url.clone_from(url);
        caller
    };
    let callers: Vec<Caller> = base_urls.iter().map(at).collect();
    let answers = at_pace(per_second, span, |before| {
        let caller = callers[before % callers.len()].clone();
        async move {
            let began = Instant::now();
            let status = caller.get("/v1/institution").await.status.as_u16();
            (status, Instant::now(), began.elapsed())
        }
    });
    let mut tally = Tally::default();
    for (status, at, took) in answers.await {
        assert!([200, 429].contains(&status), "answered {status}");
        tally.asked += 1;
        tally.admitted.extend((status == 200).then_some(at));
        tally.slowest = tally.slowest.max(took);
    }
    tally.admitted.sort();
    tally
}

/// What a replica says of its limits; it must be ready.
async fn limits(base_url: &str) -> String {
    let health: Value = Caller::stranger(base_url).get("/health/ready").await.ok();
    assert_eq!(health["status"], "ok", "{health}");
    health["limits"].as_str().unwrap().to_owned()
}

/// Waits until every replica says this of its limits.
pub async fn until_limits_are(base_urls: &[String], expected: &str) {
    let began = Instant::now();
    for url in base_urls {
        while limits(url).await != expected {
            assert!(began.elapsed() < Duration::from_secs(20), "{url} does not say {expected}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// One client asks replicas ten times as fast as its limit permits: with Redis, without it from the
/// middle on, and with it again. `rate` and `burst` are those of its plan.
pub async fn a_limit_holds_with_redis_and_without(
    base_urls: &[String],
    caller: &Caller,
    redis: &mut Redis,
    (rate, burst): (f64, f64),
    span: Duration,
) {
    until_limits_are(base_urls, "shared").await;
    let shared = overload(base_urls, caller, rate * 10.0, span).await;
    let possible = rate * span.as_secs_f64() + burst;
    let admitted = shared.admitted.len() as f64;
    eprintln!("shared: {admitted} of {possible}, slowest {:?}", shared.slowest);
    assert!(admitted <= possible * 1.02, "{admitted} admitted where {possible} were possible");
    assert!(admitted >= possible * 0.9, "{admitted} admitted where {possible} were possible");

    let (urls, load) = (base_urls.to_vec(), caller.clone());
    let asking = tokio::spawn(async move { overload(&urls, &load, rate * 10.0, span).await });
    tokio::time::sleep(span / 3).await;
    redis.kill();
    until_limits_are(base_urls, "local").await;
    let without = asking.await.unwrap();
    let admitted = without.admitted.len() as f64;
    eprintln!("without: {admitted} of {possible}, slowest {:?}", without.slowest);
    // One burst more is the most that the change may cost.
    assert!(admitted <= possible + burst, "{admitted} admitted where {possible} were possible");
    assert!(admitted >= possible * 0.5, "{admitted} admitted where {possible} were possible");

    redis.restart(false);
    until_limits_are(base_urls, "shared").await;
    let again = overload(base_urls, caller, rate * 10.0, span / 3).await;
    let possible = rate * span.as_secs_f64() / 3.0 + burst;
    let admitted = again.admitted.len() as f64;
    assert!(admitted <= possible * 1.02, "{admitted} admitted where {possible} were possible");
}

/// A server that shares its limits through Redis, and a client of an institution on a plan of its own.
async fn server_and_client(redis: &Redis, rate: u32, burst: u32) -> (Server, Caller) {
    let server = Server::demo_with(&[], &[("VERITRAIL_REDIS__URLS", &redis.url())]);
    let operator = server.operator().await;
    let plan = json!({"client_per_second": rate, "client_burst": burst,
                      "institution_per_second": 100_000, "institution_burst": 100_000});
    let put = operator.request(reqwest::Method::PUT, "/admin/v1/plans/narrow").json(&plan);
    operator.send(put).await.ok();
    let path = format!("/admin/v1/institutions/{}", server.institution(0));
    let moved = operator.request(reqwest::Method::PATCH, &path).json(&json!({"plan": "narrow"}));
    operator.send(moved).await.ok();
    let caller = server.system(0).await;
    (server, caller)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_holds_a_limit_with_redis_and_without_and_health_says_which() {
    let mut redis = Redis::start();
    let (server, caller) = server_and_client(&redis, 20, 20).await;
    let urls = [server.base_url().to_owned()];
    let span = Duration::from_secs(6);
    a_limit_holds_with_redis_and_without(&urls, &caller, &mut redis, (20.0, 20.0), span).await;
}

#[tokio::test]
async fn without_redis_limits_are_the_processs_own_and_health_says_so() {
    assert_eq!(limits(Server::shared().base_url()).await, "local");
}

/// Revokes a token as another replica would have, and without telling.
async fn revoke_elsewhere(server: &Server, caller: &Caller) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let payload = caller.token.as_ref().unwrap().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    let jti = claims["jti"].as_str().unwrap().to_owned();
    Stored::open(server.data_dir()).await.revoke(&jti).await;
    jti
}

/// Asks until the answer has this status, and says how long that took.
async fn until_status(caller: &Caller, status: u16) -> Duration {
    let began = Instant::now();
    while caller.get("/v1/institution").await.status != status {
        assert!(began.elapsed() < Duration::from_secs(20), "it is never {status}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    began.elapsed()
}

#[tokio::test]
async fn a_revocation_by_another_replica_counts_at_once_when_it_is_heard_and_soon_when_not() {
    let mut redis = Redis::start();
    let (server, caller) = server_and_client(&redis, 1_000, 1_000).await;
    // A verdict that is formed while news is heard is believed.
    tokio::time::sleep(Duration::from_millis(500)).await;
    caller.get("/v1/institution").await.ok();
    let jti = revoke_elsewhere(&server, &caller).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    caller.get("/v1/institution").await.ok();
    redis.cli(&["PUBLISH", "veritrail:news", &format!("another revoked {jti}")]);
    assert!(until_status(&caller, 401).await < Duration::from_secs(1));

    // With Redis away it is believed for 5 s, no longer.
    let caller = server.system(0).await;
    caller.get("/v1/institution").await.ok();
    redis.kill();
    revoke_elsewhere(&server, &caller).await;
    assert!(until_status(&caller, 401).await < Duration::from_secs(9));
}

#[tokio::test]
async fn a_plan_changed_by_another_replica_counts_at_once_when_it_is_heard_and_soon_when_not() {
    let redis = Redis::start();
    let (server, caller) = server_and_client(&redis, 1_000, 1_000).await;
    let burst = async || {
        let answer = caller.get("/v1/institution").await;
        let policy = answer.header("ratelimit-policy").unwrap().to_owned();
        policy.split_once("q=").unwrap().1.split(';').next().unwrap().parse::<u32>().unwrap()
    };
    let until_burst = async |expected| {
        let began = Instant::now();
        while burst().await != expected {
            assert!(began.elapsed() < Duration::from_secs(20), "the burst is never {expected}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        began.elapsed()
    };
    let mut stored = Stored::open(server.data_dir()).await;
    assert_eq!(burst().await, 1_000);
    stored.set_client_burst("narrow", 777).await;
    redis.cli(&["PUBLISH", "veritrail:news", "another plans"]);
    assert!(until_burst(777).await < Duration::from_secs(2));
    stored.set_client_burst("narrow", 555).await;
    assert!(until_burst(555).await < Duration::from_secs(8));
    stored.close().await;
}

#[tokio::test]
async fn an_unreachable_redis_does_not_keep_the_service_from_starting() {
    let nowhere = format!("redis://127.0.0.1:{}", crate::support::server::free_ports());
    let server = Server::demo_with(&[], &[("VERITRAIL_REDIS__URLS", &nowhere)]);
    assert_eq!(limits(server.base_url()).await, "local");
    server.system(0).await.get("/v1/institution").await.ok();
    // Writes and what follows from them work too.
    let line = data::ndjson(&[data::transaction(&data::unique("alone"))]);
    assert_eq!(server.feeder().await.deliver(server.institution(0), &line).await.ok()["added"], 1);
}
