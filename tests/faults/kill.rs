//! SIGKILL at random moments under load: whoever got an answer finds its look on the ledger, whoever
//! got a receipt finds its record, and the ledger is clean.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rand::RngExt as _;
use serde_json::json;

use super::stored::{Stored, fsck};
use crate::support::{Answer, Caller, Server, data, server::free_ports};

const CYCLES: usize = 200;
/// A log is used for this many cycles, so that checking it stays quick.
const CYCLES_A_LOG: usize = 20;
const READERS: usize = 3;
const FEEDERS: usize = 3;

/// What callers were promised before the process died.
#[derive(Default)]
struct Promised {
    /// Of each answer: its request id, receipt and digest.
    looks: Vec<(String, u64, String)>,
    /// Of each delivered record: its reference and receipt.
    records: Vec<(String, u64)>,
}

type Shared = Arc<Mutex<Promised>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_promised_before_a_power_cut_is_there_after_it() {
    let cycles = std::env::var("VERITRAIL_KILL_CYCLES").map_or(CYCLES, |cycles| cycles.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let port = free_ports();
    let mut server = Server::start(&data_dir, port, &[]);
    server.lift_limits();
    let (mut looks, mut records) = (0, 0);
    let mut bank = (String::new(), json!(null));
    for cycle in 0..cycles {
        if cycle % CYCLES_A_LOG == 0 {
            bank = onboard(&server).await;
        }
        let (institution, client) = &bank;
        let promised = load_until_killed(&mut server, institution, client).await;

        let (clean, said) = fsck(&data_dir, server.base_url(), institution);
        assert!(clean, "cycle {cycle}: {said}");
        let mut stored = Stored::open(&data_dir).await;
        let missing = missing(&mut stored, institution, &promised).await;
        assert!(missing.is_empty(), "cycle {cycle}: lost: {missing:?}");
        if cycle == 0 {
            // The check itself can fail: it misses what was never promised.
            let invented = Promised {
                looks: vec![("req_invented".to_owned(), 1, String::new())],
                records: vec![("never-sent".to_owned(), 1)],
            };
            assert_eq!(self::missing(&mut stored, institution, &invented).await.len(), 2);
        }
        stored.close().await;
        looks += promised.looks.len();
        records += promised.records.len();
        server = Server::start(&data_dir, port, &[]);
    }
    println!("{cycles} power cuts: {looks} looks and {records} records promised, none lost");
    assert!(looks > cycles && records > cycles, "the load was real: {looks} looks, {records} records");
}

/// A new institution with a system of its own: its id, and the client.
async fn onboard(server: &Server) -> (String, serde_json::Value) {
    let operator = server.operator().await;
    let made = operator.post("/admin/v1/institutions", &json!({"name": "Power cut bank"})).await.ok();
    let id = made["id"].as_str().unwrap().to_owned();
    let body = json!({"name": "reader", "scopes": ["transactions:read", "ledger:read"]});
    let client = operator.post(&format!("/admin/v1/institutions/{id}/clients"), &body).await.ok();
    (id, client)
}

async fn load_until_killed(server: &mut Server, institution: &str, client: &serde_json::Value) -> Promised {
    let shared = Shared::default();
    let over = Arc::new(AtomicBool::new(false));
    let reader = server.caller(client, None).await;
    let feeder = server.feeder().await;
    let mut tasks = Vec::new();
    for _ in 0..READERS {
        tasks.push(tokio::spawn(read(reader.clone(), Arc::clone(&shared), Arc::clone(&over))));
    }
    for _ in 0..FEEDERS {
        let institution = institution.to_owned();
        tasks.push(tokio::spawn(feed(feeder.clone(), institution, Arc::clone(&shared), Arc::clone(&over))));
    }
    let moment = Duration::from_micros(rand::rng().random_range(20_000..250_000));
    tokio::time::sleep(moment).await;
    server.kill();
    over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    std::mem::take(&mut *shared.lock().unwrap())
}

async fn read(caller: Caller, shared: Shared, over: Arc<AtomicBool>) {
    while !over.load(Ordering::Relaxed) {
        let request = caller.request(reqwest::Method::GET, "/v1/transactions?limit=20&sort=-seq");
        // An answer that breaks off was not received.
        let Ok(answer) = caller.try_send(request).await else { continue };
        assert_eq!(answer.status, 200, "{}", answer.text());
        let promise = look(&answer);
        shared.lock().unwrap().looks.push(promise);
    }
}

fn look(answer: &Answer) -> (String, u64, String) {
    let id = answer.header("x-request-id").unwrap().to_owned();
    (id, answer.receipt().1, answer.header("content-digest").unwrap().to_owned())
}

async fn feed(caller: Caller, institution: String, shared: Shared, over: Arc<AtomicBool>) {
    while !over.load(Ordering::Relaxed) {
        let references: Vec<String> = (0..3).map(|_| data::unique("cut")).collect();
        let lines: Vec<_> = references
            .iter()
            .map(|reference| {
                let mut line = data::transaction(reference);
                line["account"] = "power-cut".into();
                line
            })
            .collect();
        let request = caller.delivery(&institution, &data::ndjson(&lines));
        let Ok(answer) = caller.try_send(request).await else { continue };
        assert_eq!(answer.status, 201, "{}", answer.text());
        let stored = answer.json();
        let records = stored["records"].as_array().unwrap().iter();
        let promised = records.map(|record| {
            (
                record["reference"].as_str().unwrap().to_owned(),
                record["seq"].as_str().unwrap().parse().unwrap(),
            )
        });
        shared.lock().unwrap().records.extend(promised);
    }
}

/// What was promised and is not there.
async fn missing(stored: &mut Stored, institution: &str, promised: &Promised) -> Vec<String> {
    let mut missing = Vec::new();
    for (request, seq, digest) in &promised.looks {
        let entry = stored.entry(institution, *seq).await;
        let found = entry.is_some_and(|(kind, payload)| {
            kind == "access"
                && payload["accesses"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|look| look["request"] == *request && look["digest"] == *digest)
        });
        if !found {
            missing.push(format!("look {request} at entry {seq}"));
        }
    }
    for (reference, seq) in &promised.records {
        let row = stored.transaction(institution, reference).await;
        let entry = stored.entry(institution, *seq).await;
        let recorded =
            entry.is_some_and(|(kind, payload)| kind == "record" && payload["reference"] == *reference);
        if row != Some(*seq) || !recorded {
            missing.push(format!("record {reference} at entry {seq}"));
        }
    }
    missing
}
