//! Lineage: the graph of a thousand nodes and five thousand edges, all of it upstream of one dataset.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    load::{Connection, get},
    postgres::Database,
    process::Process,
    site::Site,
    table::{POSTGRES_ON, Row, SQLITE_FULL, Target},
};

/// What the graph may take.
const LIMIT_MS: f64 = 50.0;
/// Jobs, each of which writes one dataset.
const JOBS: usize = 500;
/// How far before a job's own number the datasets lie that it reads.
const BEFORE: [usize; 10] = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89];
const TIMES: usize = 21;

fn events() -> Vec<Value> {
    let dataset = |n: usize| json!({"namespace": "bench", "name": format!("d{n}")});
    let event = |n: usize| {
        let inputs = BEFORE.into_iter().filter_map(|before| n.checked_sub(before));
        json!({
            "eventTime": "2026-01-05T09:30:00Z", "eventType": "COMPLETE",
            "run": {"runId": format!("r{n}")}, "job": {"namespace": "bench", "name": format!("j{n}")},
            "inputs": inputs.map(dataset).collect::<Vec<_>>(), "outputs": [dataset(n)],
        })
    };
    (0..JOBS).map(event).collect()
}

/// The median of some answers, each of them recorded, over one connection.
pub async fn row(database: Option<Database>) -> Row {
    let (engine, durability) = match &database {
        Some(_) => ("PostgreSQL", POSTGRES_ON),
        None => ("SQLite", SQLITE_FULL),
    };
    let site = Site::new(0, database).await;
    let server = Process::serve(&site);
    server.ready().await;
    let token = server.token(&site.bank).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let batch = client.post(format!("http://{}/api/v1/lineage/batch", server.address)).bearer_auth(&token);
    let batch = batch.header("content-type", "application/json").body(json!(events()).to_string());
    let told: Value = batch.send().await.unwrap().json().await.unwrap();
    assert!(told["added"] == JOBS, "{told}");

    let path = format!("/v1/lineage?node=dataset:bench:d{}&direction=upstream&depth=100", JOBS - 1);
    let request = get(&path, Some(&token));
    let mut connection = Connection::open(server.address).await.unwrap();
    let mut took: Vec<Duration> = Vec::new();
    for _ in 0..TIMES {
        let began = Instant::now();
        let (status, body) = connection.call(&request).await.unwrap();
        took.push(began.elapsed());
        let graph: Value = serde_json::from_slice(body).unwrap();
        let count = |name: &str| graph[name].as_array().unwrap().len();
        assert!(status == 200 && count("nodes") == 2 * JOBS && count("edges") > 5_000);
    }
    took.sort();
    let median_ms = took[TIMES / 2].as_secs_f64() * 1000.0;
    Row::new(format!("lineage of 1,000 nodes and 5,000 edges, {engine}, median"), median_ms, LIMIT_MS, "ms")
        .against("50 ms")
        .target(Target::AtMost(1.0))
        .durable(durability)
}
