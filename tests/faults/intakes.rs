//! Intakes through power cuts: what was begun is finished, once, and nothing of a refused file is stored.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Server, bank::Bank, data, server::free_ports};

const RECORDS: usize = 6_000;
const CUTS: usize = 4;

#[tokio::test]
async fn a_file_whose_storing_was_cut_short_is_stored_to_its_end() {
    let kept = tempfile::tempdir().unwrap();
    let (data_dir, port) = (kept.path().join("data"), free_ports());
    let mut server = Server::start(&data_dir, port, &[]);
    server.lift_limits();
    let mut bank = Bank::new(&server).await;
    let lines: Vec<Value> = (0..RECORDS)
        .map(|number| {
            let mut line = data::transaction(&format!("n-{number}"));
            line["account"] = json!("one");
            line
        })
        .collect();
    let answer = bank.send("format=ndjson", "application/x-ndjson", data::ndjson(&lines)).await;
    let id = answer.ok()["id"].as_str().unwrap().to_owned();
    let path = bank.path(&format!("/v1/intakes/{id}"));
    // A cut once something more is stored, again and again.
    let (mut added, mut cuts) = (0, 0);
    while cuts < CUTS {
        let intake = bank.feeder.get(&path).await.ok();
        if intake["finished_at"].is_string() {
            break;
        }
        let now = intake["counts"]["added"].as_u64().unwrap();
        if now > added {
            added = now;
            server.kill();
            server = Server::start(&data_dir, port, &[]);
            bank = bank.again(&server).await;
            cuts += 1;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(cuts > 0, "it was stored before a cut could come");
    let intake = bank.until_finished(&id).await;
    assert_eq!(intake["state"], "stored", "{intake}");
    assert_eq!(intake["counts"]["added"], RECORDS, "each of its records is told as added by it: {intake}");
    let stored = bank.system.pages("/v1/transactions?sort=seq").await;
    assert_eq!(stored.len(), RECORDS);
    let sources: std::collections::HashSet<&str> =
        stored.iter().map(|row| row["source"]["line"].as_str().unwrap()).collect();
    assert_eq!(sources.len(), RECORDS, "each line once");
    let fsck = server.run(&["fsck", "--institution", &bank.id]);
    assert!(fsck.status.success(), "{}", String::from_utf8_lossy(&fsck.stderr));
}

#[tokio::test]
async fn an_upload_in_parts_is_gone_on_with_after_a_power_cut() {
    let kept = tempfile::tempdir().unwrap();
    let (data_dir, port) = (kept.path().join("data"), free_ports());
    let mut server = Server::start(&data_dir, port, &[]);
    let mut bank = Bank::new(&server).await;
    let body = data::ndjson(&[data::transaction("before"), data::transaction("after")]);
    let begin = bank.feeder.request(reqwest::Method::POST, &bank.path("/v1/intakes?format=ndjson"));
    let begun = bank.feeder.send(begin.header("upload-length", body.len())).await;
    let path = begun.header("location").unwrap().to_owned();
    let id = begun.ok()["id"].as_str().unwrap().to_owned();
    let part = |bank: &Bank, offset: usize, part: &str| {
        let request = bank.feeder.request(reqwest::Method::PATCH, &path).header("upload-offset", offset);
        request.header("content-type", "application/offset+octet-stream").body(part.to_owned())
    };
    let first = bank.feeder.send(part(&bank, 0, &body[..150])).await;
    assert_eq!(first.status, 204, "{}", first.text());
    server.kill();
    let server = Server::start(&data_dir, port, &[]);
    bank = bank.again(&server).await;
    let told = bank.feeder.send(bank.feeder.request(reqwest::Method::HEAD, &path)).await;
    assert_eq!(told.header("upload-offset"), Some("150"));
    assert_eq!(bank.feeder.send(part(&bank, 150, &body[150..])).await.status, 204);
    assert_eq!(bank.until_finished(&id).await["counts"]["added"], 2);
}
