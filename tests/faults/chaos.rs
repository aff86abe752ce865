//! Replicas and their database killed at random, while many write to one institution: what was
//! acknowledged is there, once, and the log is one log.
//!
//! `VERITRAIL_CHAOS_CYCLES` says how many kills; a short run is enough for every day.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use rand::RngExt as _;
use serde_json::json;

use crate::support::{Caller, data, engine::Engine, postgres::Postgres, replicas::Replicas, server::binary};

const WRITERS: usize = 64;
/// Of so many kills, one is the database's.
const DATABASE_EVERY: u32 = 4;

/// References that were acknowledged, and the seq that each was told.
type Acknowledged = Arc<Mutex<BTreeMap<String, u64>>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_killed_at_random_lose_nothing_and_fork_nothing() {
    chaos(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_replicas_killed_at_random_lose_nothing_and_fork_nothing() {
    chaos(8).await;
}

async fn chaos(count: usize) {
    if Engine::of_this_run() == Engine::Sqlite {
        return;
    }
    let cycles: u32 = std::env::var("VERITRAIL_CHAOS_CYCLES").map_or(8, |n| n.parse().unwrap());
    let mut postgres = Postgres::start();
    let mut replicas = Replicas::start(&postgres, count, &[]).await;
    lift_limits(&replicas).await;
    let (acknowledged, over) = (Acknowledged::default(), Arc::new(AtomicBool::new(false)));
    let sent = Arc::new(AtomicU64::new(0));
    let institution = replicas.institution().to_owned();
    let feeders = feeders(&replicas).await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (institution, feeders) = (institution.clone(), feeders.clone());
            let (acknowledged, over, sent) =
                (Arc::clone(&acknowledged), Arc::clone(&over), Arc::clone(&sent));
            tokio::spawn(
                async move { write(writer, &institution, &feeders, &acknowledged, &over, &sent).await },
            )
        })
        .collect();
    let (mut replicas_killed, mut databases_killed) = (0, 0);
    for _ in 0..cycles {
        tokio::time::sleep(Duration::from_millis(rand::rng().random_range(50..500))).await;
        if rand::rng().random_range(0..DATABASE_EVERY) == 0 {
            postgres.kill();
            postgres.restart();
            databases_killed += 1;
        } else {
            let victim = rand::rng().random_range(0..count);
            replicas.kill(victim);
            replicas.spawn(victim);
            replicas_killed += 1;
        }
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    over.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    for index in 0..count {
        replicas.until_ready(index).await;
    }
    let acknowledged = std::mem::take(&mut *acknowledged.lock().unwrap());
    let sent = sent.load(Ordering::Relaxed);
    assert_eq!(lost(&postgres, &replicas, &acknowledged), 0);
    // The check itself can fail: it misses what was never sent.
    let invented = BTreeMap::from([("never-sent".to_owned(), 1)]);
    assert_eq!(lost(&postgres, &replicas, &invented), 1);
    assert_eq!(gaps_and_forks(&postgres, &replicas), "0|0|0");
    bundle_verifies(&replicas).await;
    assert!(replicas.terminate().iter().all(std::process::ExitStatus::success));
    let clean = replicas.run(&["fsck"]);
    assert!(clean.status.success(), "{}", String::from_utf8_lossy(&clean.stdout));
    println!(
        "{count} replicas, {WRITERS} writers: {replicas_killed} replicas and {databases_killed} databases killed; \
         {sent} records sent, {} acknowledged, none lost, no gap, no fork",
        acknowledged.len()
    );
    assert!(acknowledged.len() > 10 * cycles as usize, "the load was real: {}", acknowledged.len());
}

async fn lift_limits(replicas: &Replicas) {
    let plan = json!({"client_per_second": 1_000_000, "client_burst": 1_000_000,
                      "institution_per_second": 1_000_000, "institution_burst": 1_000_000});
    let operator = replicas.operator(0).await;
    operator.send(operator.request(reqwest::Method::PUT, "/admin/v1/plans/standard").json(&plan)).await.ok();
    // The others learn of it in their own time.
    for index in 1..replicas.len() {
        let operator = replicas.operator(index).await;
        let put = operator.request(reqwest::Method::PUT, "/admin/v1/plans/standard").json(&plan);
        operator.send(put).await.ok();
    }
}

async fn feeders(replicas: &Replicas) -> Vec<Caller> {
    let mut feeders = Vec::new();
    for index in 0..replicas.len() {
        feeders.push(replicas.feeder(index).await);
    }
    feeders
}

/// Delivers a few records at a time to any replica, and again to another until one acknowledges them.
async fn write(
    writer: usize,
    institution: &str,
    feeders: &[Caller],
    acknowledged: &Acknowledged,
    over: &AtomicBool,
    sent: &AtomicU64,
) {
    let mut next = writer;
    while !over.load(Ordering::Relaxed) {
        let references: Vec<String> = (0..3).map(|_| data::unique("chaos")).collect();
        let lines: Vec<_> = references
            .iter()
            .map(|reference| {
                let mut line = data::transaction(reference);
                line["account"] = format!("chaos-{writer}").into();
                line
            })
            .collect();
        sent.fetch_add(references.len() as u64, Ordering::Relaxed);
        let (body, key) = (data::ndjson(&lines), data::unique("key"));
        while !over.load(Ordering::Relaxed) {
            let feeder = &feeders[next % feeders.len()];
            next += 1;
            let request = feeder.delivery(institution, &body).header("idempotency-key", &key);
            let request = request.timeout(Duration::from_secs(20));
            match feeder.try_send(request).await {
                Ok(answer) if answer.status.is_success() => {
                    let records = answer.json();
                    let mut acknowledged = acknowledged.lock().unwrap();
                    for record in records["records"].as_array().unwrap() {
                        let reference = record["reference"].as_str().unwrap().to_owned();
                        acknowledged.insert(reference, record["seq"].as_str().unwrap().parse().unwrap());
                    }
                    break;
                }
                Ok(answer) => assert!(answer.status.as_u16() >= 500, "{}: {}", answer.status, answer.text()),
                // It went away, or hangs: another may answer.
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// How many acknowledged records are not there exactly as they were acknowledged.
fn lost(postgres: &Postgres, replicas: &Replicas, acknowledged: &BTreeMap<String, u64>) -> usize {
    let stored = postgres.sql(
        &replicas.database.name,
        "SELECT t.reference || ' ' || t.seq FROM veritrail.transactions t \
         JOIN veritrail.entries e USING (institution_id, seq) \
         JOIN veritrail.payloads p USING (institution_id, seq) \
         WHERE t.reference LIKE 'chaos-%' AND e.kind = 'record' \
         AND position(convert_to(t.reference, 'UTF8') IN p.payload) > 0",
    );
    let stored: BTreeMap<&str, u64> = stored
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(reference, seq)| (reference, seq.parse().unwrap()))
        .collect();
    acknowledged.iter().filter(|(reference, seq)| stored.get(reference.as_str()) != Some(*seq)).count()
}

/// Entries that are missing below a head, entries beyond one, and entries that follow the same one.
fn gaps_and_forks(postgres: &Postgres, replicas: &Replicas) -> String {
    postgres.sql(
        &replicas.database.name,
        "SELECT sum(abs(l.size - e.count)), sum(abs(l.size - 1 - e.last)), sum(e.count - e.prevs) \
         FROM veritrail.logs l JOIN (SELECT institution_id, count(*) AS count, max(seq) AS last, \
           count(DISTINCT prev) AS prevs FROM veritrail.entries GROUP BY institution_id) e USING (institution_id)",
    )
}

async fn bundle_verifies(replicas: &Replicas) {
    let system = replicas.system(0).await;
    let made = system.post("/v1/evidence-bundles", &json!({})).await.ok();
    let id = made["id"].as_str().unwrap();
    system.until_ready(id).await;
    let file = replicas.keys().join("chaos.zip");
    std::fs::write(&file, system.get(&format!("/v1/evidence-bundles/{id}/content")).await.body).unwrap();
    let verified = std::process::Command::new(binary("veritrail-verify"))
        .arg(&file)
        .args(["--vkey", replicas.vkey()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && said.contains("SIGNED"), "{said}");
}
