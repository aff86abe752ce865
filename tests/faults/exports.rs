//! Exports through stops, lost and damaged files, time, and other processes: a part is the same bytes
//! whoever writes it and whenever.

use std::path::PathBuf;

use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::support::{
    Caller, Server,
    behind::{Behind, behind},
    data,
    engine::Engine,
    ledger::uuid,
    postgres::Postgres,
    proof,
    replicas::Replicas,
    server::free_ports,
};

const EXPORTS: &str = "/v1/exports";
const SMALL_PARTS: (&str, &str) = ("VERITRAIL_EXPORTS__PART_ROWS_MAX", "100");

async fn order(system: &Caller, order: &Value) -> String {
    system.post(EXPORTS, order).await.ok()["id"].as_str().unwrap().to_owned()
}

/// Every part's file, each as its export says.
async fn files(system: &Caller, export: &Value) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for part in export["parts"].as_array().unwrap() {
        let path = format!("{EXPORTS}/{}/parts/{}", export["id"].as_str().unwrap(), part["n"]);
        let answer = system.get(&path).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("etag").unwrap().trim_matches('"'), part["sha256"]);
        assert_eq!(answer.header("content-digest"), Some(proof::content_digest(&answer.body).as_str()));
        files.push(answer.body);
    }
    files
}

/// Changes what the database says of an export, as nobody but somebody behind it can.
async fn change(server: &Server, export: &str, statement: &str) {
    let database = Behind::of(server.data_dir());
    behind!(&database, pool => {
        let query = sqlx::query(AssertSqlSafe(statement.to_owned())).bind(uuid(export));
        query.execute(pool).await.map(drop)
    })
    .unwrap();
    database.close().await;
}

/// The folder of an export's files.
fn folder(server: &Server, export: &str) -> PathBuf {
    server.data_dir().join("exports").join(server.institution(0)).join(export)
}

#[tokio::test]
async fn a_stopped_export_goes_on_where_it_ended() {
    let kept = tempfile::tempdir().unwrap();
    let (data_dir, port) = (kept.path().join("data"), free_ports());
    let mut server = Server::start_with(&data_dir, port, &[], &[SMALL_PARTS]);
    let system = server.system(0).await;
    let whole = json!({"of": "transactions", "format": "csv", "compression": "gzip"});
    let id = order(&system, &whole).await;
    let before = system.until_exported(&id).await;
    let parts = before["parts"].as_array().unwrap().clone();
    assert!(parts.len() > 10 && parts[..parts.len() - 1].iter().all(|part| part["rows"] == 100), "{before}");
    let all = files(&system, &before).await;
    // As a process leaves it that stops after its second part.
    server.kill();
    change(&server, &id, "DELETE FROM export_parts WHERE export_id = $1 AND n > 2").await;
    let unfinished = "UPDATE exports SET state = 'preparing', rows_done = 200, finished_at_us = NULL, \
                      expires_at_us = NULL WHERE id = $1";
    change(&server, &id, unfinished).await;
    std::fs::remove_dir_all(folder(&server, &id)).unwrap();

    let mut server = Server::start_with(&data_dir, port, &[], &[SMALL_PARTS]);
    let system = server.system(0).await;
    let after = system.until_exported(&id).await;
    assert_eq!((&after["parts"], &after["rows"]), (&before["parts"], &before["rows"]));
    // The first two were not written again until somebody asked.
    assert!(!folder(&server, &id).join("1.csv.gz").exists());
    assert!(files(&system, &after).await == all, "the same bytes");
    assert!(folder(&server, &id).join("1.csv.gz").exists());

    // Killed right after the order, it is as if nothing had happened.
    let killed = order(&system, &whole).await;
    server.kill();
    let server = Server::start_with(&data_dir, port, &[], &[SMALL_PARTS]);
    let system = server.system(0).await;
    let ready = system.until_exported(&killed).await;
    assert_eq!(ready["rows"], before["rows"]);
    let scratch = server.data_dir().join("exports/scratch");
    assert_eq!(std::fs::read_dir(scratch).unwrap().count(), 0, "nothing is left behind");
}

#[tokio::test]
async fn a_part_is_written_again_as_it_stood_at_the_exports_seq_not_at_its_own_last_one() {
    let server = Server::demo_with(&[], &[SMALL_PARTS]);
    let (system, feeder) = (server.system(0).await, server.feeder().await);
    let prefix = data::unique("again");
    let line = |place: usize| {
        let mut line = data::transaction(&format!("{prefix}-{place}"));
        line["account"] = json!(prefix);
        line
    };
    let lines: Vec<Value> = (0..150).map(line).collect();
    feeder.deliver(server.institution(0), &data::ndjson(&lines)).await.ok();
    // Its first version is in the range of the first part, and is superseded by the time of the order.
    let corrected = data::revised(&lines[7], "correction", "after all the others");
    feeder.deliver(server.institution(0), &data::ndjson(&[corrected])).await.ok();
    let account = system.get(&format!("/v1/accounts?reference={prefix}")).await.ok()["data"][0]["id"].clone();
    let wanted = json!({"of": "transactions", "format": "ndjson", "filter": {"account_id": account}});
    let id = order(&system, &wanted).await;
    let export = system.until_exported(&id).await;
    let rows: Vec<&Value> = export["parts"].as_array().unwrap().iter().map(|part| &part["rows"]).collect();
    assert_eq!(rows, [100, 50]);
    let whole = files(&system, &export).await;
    std::fs::remove_dir_all(folder(&server, &id)).unwrap();
    assert!(files(&system, &export).await == whole, "the same bytes");
}

#[tokio::test]
async fn a_damaged_file_is_not_served() {
    let kept = tempfile::tempdir().unwrap();
    let (data_dir, port) = (kept.path().join("data"), free_ports());
    let mut server = Server::start(&data_dir, port, &[]);
    let system = server.system(0).await;
    let id = order(&system, &json!({"of": "transactions", "format": "parquet"})).await;
    let export = system.until_exported(&id).await;
    let whole = files(&system, &export).await;
    server.terminate();
    let path = folder(&server, &id).join("1.parquet");
    let mut damaged = std::fs::read(&path).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    std::fs::write(&path, damaged).unwrap();
    let server = Server::start(&data_dir, port, &[]);
    let system = server.system(0).await;
    assert!(files(&system, &export).await == whole, "it is written again");
}

#[tokio::test]
async fn an_expired_export_is_gone_and_its_files_are_swept_away() {
    let kept = tempfile::tempdir().unwrap();
    let (data_dir, port) = (kept.path().join("data"), free_ports());
    let mut server = Server::start(&data_dir, port, &[]);
    let system = server.system(0).await;
    let whole = json!({"of": "entries", "format": "csv"});
    let (expired, other) = (order(&system, &whole).await, order(&system, &whole).await);
    let export = system.until_exported(&expired).await;
    system.until_exported(&other).await;
    let at = |name: &str| export[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second();
    assert!((at("expires_at") - at("finished_at") - 72 * 3600).abs() < 60, "kept for 72 hours: {export}");

    change(&server, &expired, "UPDATE exports SET expires_at_us = 1 WHERE id = $1").await;
    let state = system.get(&format!("{EXPORTS}/{expired}")).await.ok();
    assert_eq!((&state["state"], &state["parts"][0]["content_url"]), (&json!("expired"), &Value::Null));
    system.get(&format!("{EXPORTS}/{expired}/parts/1")).await.problem(410, "expired");
    let listed = system.get(EXPORTS).await.ok();
    assert!(listed["data"].as_array().unwrap().iter().any(|one| one["id"] == *expired));
    // What sweeps does so first when it starts.
    server.terminate();
    let server = Server::start(&data_dir, port, &[]);
    let began = std::time::Instant::now();
    while folder(&server, &expired).exists() {
        assert!(began.elapsed().as_secs() < 60, "nothing swept");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(folder(&server, &other).exists(), "only what has expired");
}

#[tokio::test]
async fn any_replica_serves_what_another_one_wrote() {
    if !matches!(Engine::of_this_run(), Engine::Postgres) {
        return;
    }
    let environment = [SMALL_PARTS].map(|(name, value)| (name, value.to_owned()));
    let mut replicas = Replicas::start(Postgres::shared(), 2, &environment).await;
    let (first, second) = (replicas.system(0).await, replicas.system(1).await);
    for (format, compression) in
        [("csv", "none"), ("csv", "gzip"), ("ndjson", "zstd"), ("parquet", "none"), ("xlsx", "none")]
    {
        let wanted = json!({
            "of": "transactions", "format": format, "compression": compression, "as_of": "450",
        });
        let id = order(&first, &wanted).await;
        let export = second.until_exported(&id).await;
        assert!(export["parts"].as_array().unwrap().len() > 2, "{export}");
        let there = files(&second, &export).await;
        assert!(files(&first, &export).await == there, "{format} {compression}: the same bytes");
    }
    // The one that wrote them goes away; the other one still has all of it.
    let listed = first.get(EXPORTS).await.ok();
    replicas.kill(0);
    for export in listed["data"].as_array().unwrap() {
        let path = format!("{EXPORTS}/{}", export["id"].as_str().unwrap());
        files(&second, &second.get(&path).await.ok()).await;
    }
}
