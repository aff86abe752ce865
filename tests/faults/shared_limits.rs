//! Limits that replicas share: together they admit what one would, whatever happens to Redis.
//!
//! Many replicas' limits in one process, against a real Redis. The real binary is in `replicas.rs`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use veritrail::{
    access::limit::{Limits, Rate},
    config,
    domain::{Actor, ClientId, InstitutionId},
    shared,
    store::plans::Plan,
    world::Machine,
};

use super::tally::{Tally, at_pace};
use crate::support::redis::Redis;

#[derive(Clone)]
struct Replica {
    limits: Arc<Limits>,
    redis: Arc<shared::Redis>,
}

fn settings(url: &str) -> config::Redis {
    // Patience for a machine on which everything runs at once.
    config::Redis { urls: url.into(), response_timeout_ms: 250, ..config::Redis::default() }
}

async fn replica(settings: &config::Redis, plan: &Plan) -> Replica {
    let redis = shared::Redis::start(settings, &Machine).await.unwrap();
    let limits = Limits::new(Rate::new(1, 1), std::slice::from_ref(plan), Some(Arc::clone(&redis)));
    Replica { limits: Arc::new(limits), redis }
}

/// Replicas that know of each other.
async fn replicas(count: u32, settings: &config::Redis, plan: &Plan) -> Vec<Replica> {
    let mut replicas = Vec::new();
    for _ in 0..count {
        replicas.push(replica(settings, plan).await);
    }
    until("they know of each other", || replicas.iter().all(|replica| replica.redis.replicas() == count))
        .await;
    replicas
}

pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(20), "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn all_are(replicas: &[Replica], link: shared::Link) {
    until("the link is as it should be", || replicas.iter().all(|replica| replica.redis.link() == link))
        .await;
}

fn plan(client: [u32; 2], institution: [u32; 2]) -> Plan {
    Plan {
        name: "p".to_owned(),
        client_per_second: client[0],
        client_burst: client[1],
        institution_per_second: institution[0],
        institution_burst: institution[1],
    }
}

fn institution() -> InstitutionId {
    InstitutionId::from_parts(1, [1; 10])
}

fn client(n: u8) -> Actor {
    Actor::Client(ClientId::from_parts(1, [n; 10]))
}

/// Asks at a steady pace, each time at its due time, not waiting for what was asked before.
async fn ask(replica: Replica, client: Actor, per_second: f64, span: Duration) -> Tally {
    let answers = at_pace(per_second, span, |_| {
        let limits = Arc::clone(&replica.limits);
        async move {
            let began = Instant::now();
            let admitted = limits.caller("p", institution(), client, 1).await.is_ok();
            (admitted.then(Instant::now), began.elapsed())
        }
    });
    let mut tally = Tally::default();
    for (admitted, took) in answers.await {
        tally.asked += 1;
        tally.admitted.extend(admitted);
        tally.slowest = tally.slowest.max(took);
    }
    tally
}

/// All replicas are asked by one client at once; `per_second` is that of all together.
async fn ask_all(replicas: &[Replica], per_second: f64, span: Duration) -> Tally {
    let each = per_second / replicas.len() as f64;
    let asking: Vec<_> =
        replicas.iter().map(|replica| tokio::spawn(ask(replica.clone(), client(1), each, span))).collect();
    let mut tallies = Vec::new();
    for asking in asking {
        tallies.push(asking.await.unwrap());
    }
    Tally::join(tallies)
}

const PLENTY: [u32; 2] = [100_000, 100_000];

/// A unit is noted a little after it was admitted, so a span may seem shorter than it was by this.
const NOTED_LATE_S: f64 = 0.02;

/// Asserts that no span of time had more than it may, but for `more` units.
#[track_caller]
fn holds(tally: &Tally, rate: u32, burst: u32, more: f64) {
    let (rate, burst) = (f64::from(rate), f64::from(burst));
    let excess = tally.excess(rate, burst);
    let most = more + 1.0 + rate * NOTED_LATE_S;
    assert!(excess <= most, "{} admitted of {}: {excess} too many", tally.admitted.len(), tally.asked);
}

/// Asserts that at least this part of what was possible was admitted.
#[track_caller]
fn used(tally: &Tally, part: f64, possible: f64) {
    let admitted = tally.admitted.len() as f64;
    assert!(admitted >= possible * part, "{admitted} admitted where {possible} were possible");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_replicas_asked_ten_times_as_fast_admit_what_one_would_and_not_less() {
    let redis = Redis::start();
    let settings = settings(&redis.url());
    for (rate, burst) in [(100, 100), (100, 5), (1_000, 200), (20, 40)] {
        redis.flush();
        let replicas = replicas(8, &settings, &plan([rate, burst], PLENTY)).await;
        let before = calls(&redis);
        let tally = ask_all(&replicas, f64::from(rate) * 10.0, Duration::from_secs(4)).await;
        holds(&tally, rate, burst, 0.0);
        used(&tally, 0.95, f64::from(rate * 4 + burst));
        // Refusals are no calls.
        let calls = calls(&redis) - before;
        eprintln!("{rate}/{burst}: {} of {} admitted, {calls} calls", tally.admitted.len(), tally.asked);
        assert!(rate < 1_000 || calls < tally.asked / 4, "{calls} calls for {} requests", tally.asked);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn below_the_limit_everything_is_admitted_and_most_of_it_from_leases() {
    let redis = Redis::start();
    let replicas = replicas(2, &settings(&redis.url()), &plan([1_000, 1_000], PLENTY)).await;
    let before = calls(&redis);
    let tally = ask_all(&replicas, 800.0, Duration::from_secs(4)).await;
    assert_eq!(tally.admitted.len(), tally.asked);
    let calls = calls(&redis) - before;
    eprintln!("{} requests, {calls} calls", tally.asked);
    assert!(calls < tally.asked / 4, "{calls} calls for {} requests", tally.asked);
}

/// All replicas are asked far too much at once: what was admitted, and in what time.
async fn blast(replicas: &[Replica], each: usize) -> (f64, f64) {
    let began = Instant::now();
    let mut asked = tokio::task::JoinSet::new();
    for replica in replicas {
        for _ in 0..each {
            let limits = Arc::clone(&replica.limits);
            asked.spawn(async move { limits.caller("p", institution(), client(1), 1).await.is_ok() });
        }
    }
    let admitted = asked.join_all().await.into_iter().filter(|admitted| *admitted).count();
    (admitted as f64, began.elapsed().as_secs_f64())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn units_that_are_leased_and_not_spent_are_nobodys_twice_and_not_lost_for_long() {
    let redis = Redis::start();
    let (rate, burst) = (2_000, 800);
    let replicas = replicas(8, &settings(&redis.url()), &plan([rate, burst], PLENTY)).await;
    for (idle, at_least) in [(Duration::from_millis(500), 0.5), (Duration::from_millis(1_500), 0.97)] {
        // Each takes leases for what it is asked, and is left with one.
        ask_all(&replicas, f64::from(rate) * 0.9, Duration::from_secs(1)).await;
        let leased: u32 = leases(&redis);
        assert!(leased > 40, "{leased} units are leased");
        tokio::time::sleep(idle).await;
        let (admitted, seconds) = blast(&replicas, 300).await;
        let possible = f64::from(burst) + f64::from(rate) * seconds;
        eprintln!("{leased} leased; {admitted} of {possible} in {seconds} s");
        assert!(admitted <= possible + 1.0, "{admitted} admitted where {possible} were possible");
        assert!(admitted >= f64::from(burst) * at_least, "{admitted} admitted of a burst of {burst}");
    }
}

/// Units that are leased, as Redis has it.
fn leases(redis: &Redis) -> u32 {
    let keys = redis.cli(&["KEYS", "veritrail:limit:*:cli_*"]);
    let limit = redis.cli(&["HGETALL", keys.lines().next().expect("the client's limit")]);
    let lines: Vec<&str> = limit.lines().collect();
    let leased = lines.chunks(2).filter(|pair| pair[0].starts_with("r:"));
    leased.map(|pair| pair[1].split(' ').next().unwrap().parse::<u32>().unwrap()).sum()
}

#[tokio::test]
async fn a_refused_request_costs_nothing_and_a_lease_is_no_loss() {
    let redis = Redis::start();
    let settings = settings(&redis.url());
    let plan = plan([1, 40], [1, 50]);
    let replicas = replicas(2, &settings, &plan).await;
    let spend = async |replica: usize, n: u8, cost| {
        replicas[replica].limits.caller("p", institution(), client(n), cost).await
    };
    assert_eq!(spend(0, 1, 30).await.unwrap().remaining, 10);
    // Client 1 has 10 left, its institution 20. What is refused on either replica costs neither.
    for _ in 0..20 {
        for replica in [0, 1] {
            assert_eq!(spend(replica, 1, 15).await.unwrap_err().standing.policy, "client");
        }
        assert_eq!(spend(1, 2, 25).await.unwrap_err().standing.policy, "institution");
    }
    let standing = spend(1, 2, 15).await.unwrap();
    assert_eq!(standing.policy, "institution");
    assert!((5..=6).contains(&standing.remaining), "{standing:?}");
    let standing = spend(0, 1, 5).await.unwrap();
    assert!((0..=1).contains(&standing.remaining), "{standing:?}");
    let refused = spend(0, 3, 10).await.unwrap_err();
    assert!(refused.retry_after > Duration::from_secs(5), "{refused:?}");
    assert!(refused.retry_after <= Duration::from_secs(10), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_redis_killed_midway_each_replica_admits_its_share_and_no_burst_comes_after() {
    killed_midway(Redis::start(), false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_remembers_what_was_before_it_was_killed_makes_no_difference() {
    killed_midway(Redis::durable(), true).await;
}

async fn killed_midway(mut redis: Redis, durable: bool) {
    let replicas = replicas(8, &settings(&redis.url()), &plan([100, 100], PLENTY)).await;
    let span = Duration::from_secs(9);
    let asking = tokio::spawn({
        let replicas = replicas.clone();
        async move { ask_all(&replicas, 1_000.0, span).await }
    });
    tokio::time::sleep(Duration::from_secs(2)).await;
    redis.kill();
    all_are(&replicas, shared::Link::Down).await;
    assert!(replicas.iter().all(|replica| !replica.limits.are_shared()));
    tokio::time::sleep(Duration::from_secs(2)).await;
    redis.restart(durable);
    all_are(&replicas, shared::Link::Up).await;
    assert!(replicas.iter().all(|replica| replica.limits.are_shared()));
    assert!(replicas.iter().all(|replica| replica.redis.replicas() == 8));
    let tally = asking.await.unwrap();
    eprintln!("{} admitted, excess {}", tally.admitted.len(), tally.excess(100.0, 100.0));
    holds(&tally, 100, 100, 15.0);
    used(&tally, 0.85, 100.0 * span.as_secs_f64() + 100.0);
    assert!(tally.slowest < Duration::from_secs(1), "{:?}", tally.slowest);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_hangs_holds_nobody_up_for_longer_than_its_time() {
    let redis = Redis::start();
    let replicas = replicas(4, &settings(&redis.url()), &plan([100, 50], PLENTY)).await;
    let span = Duration::from_secs(8);
    let asking = tokio::spawn({
        let replicas = replicas.clone();
        async move { ask_all(&replicas, 600.0, span).await }
    });
    tokio::time::sleep(Duration::from_secs(2)).await;
    redis.hang();
    all_are(&replicas, shared::Link::Down).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    // What it did not do in time it does now, though nobody waits for it any more.
    redis.go_on();
    all_are(&replicas, shared::Link::Up).await;
    let tally = asking.await.unwrap();
    eprintln!("{} admitted, slowest {:?}", tally.admitted.len(), tally.slowest);
    holds(&tally, 100, 50, 15.0);
    used(&tally, 0.85, 100.0 * span.as_secs_f64() + 50.0);
    // The response timeout of these tests is 250 ms.
    assert!(tally.slowest < Duration::from_millis(750), "{:?}", tally.slowest);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flushed_redis_is_told_what_the_replicas_know() {
    let redis = Redis::start();
    let replicas = replicas(4, &settings(&redis.url()), &plan([100, 200], PLENTY)).await;
    let span = Duration::from_secs(5);
    let asking = tokio::spawn({
        let replicas = replicas.clone();
        async move { ask_all(&replicas, 1_000.0, span).await }
    });
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        redis.flush();
    }
    let tally = asking.await.unwrap();
    eprintln!("{} admitted, excess {}", tally.admitted.len(), tally.excess(100.0, 200.0));
    // A burst of 200 would come of each, if Redis were believed.
    holds(&tally, 100, 200, 3.0 * 15.0);
    used(&tally, 0.95, 100.0 * span.as_secs_f64() + 200.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_never_reached_redis_takes_the_share_it_was_told() {
    let settings = config::Redis { replicas: 4, ..settings("redis://127.0.0.1:1") };
    let alone = replica(&settings, &plan([100, 40], PLENTY)).await;
    assert_eq!(alone.redis.link(), shared::Link::Down);
    let tally = ask_all(&[alone], 500.0, Duration::from_secs(3)).await;
    holds(&tally, 25, 10, 0.0);
    used(&tally, 0.9, 25.0 * 3.0 + 10.0);
    assert!(tally.slowest < Duration::from_millis(100), "{:?}", tally.slowest);
}

/// Two replicas with these settings find each other and hold a limit together.
pub async fn a_limit_holds(settings: &config::Redis) {
    let replicas = replicas(2, settings, &plan([1, 10], [1, 100])).await;
    assert!(replicas.iter().all(|replica| replica.limits.are_shared()));
    let mut admitted = 0;
    for turn in 0..30 {
        let limits = &replicas[turn % 2].limits;
        admitted += usize::from(limits.caller("p", institution(), client(1), 1).await.is_ok());
    }
    assert!((10..=12).contains(&admitted), "{admitted}");
    assert!(replicas.iter().all(|replica| replica.limits.are_shared()), "no call failed");
}

/// Scripts that Redis has run so far.
fn calls(redis: &Redis) -> usize {
    let stats = redis.cli(&["INFO", "commandstats"]);
    let line = stats.lines().find(|line| line.starts_with("cmdstat_evalsha:")).unwrap_or_default();
    let calls = line.split("calls=").nth(1).and_then(|rest| rest.split(',').next());
    calls.map_or(0, |calls| calls.parse().unwrap())
}
