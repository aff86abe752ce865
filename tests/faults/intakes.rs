//! Intakes through power cuts: what was begun is finished, once, and nothing of a refused file is stored.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    Server,
    bank::Bank,
    behind::{Behind, behind},
    data,
    ledger::uuid,
    server::free_ports,
};

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

/// Lines of so many transactions of one account.
fn lines(count: usize) -> String {
    let line = |number: usize| {
        let mut line = data::transaction(&format!("n-{number}"));
        line["account"] = json!("one");
        line
    };
    data::ndjson(&(0..count).map(line).collect::<Vec<_>>())
}

/// As if nobody had said for hours that an intake is in hand.
async fn let_lapse(server: &Server, bank: &Bank) {
    let database = Behind::of(server.data_dir());
    behind!(&database, pool => {
        let query = "UPDATE intakes SET touched_at_us = 0 WHERE institution_id = $1";
        sqlx::query(query).bind(uuid(&bank.id)).execute(pool).await.unwrap();
    });
    database.close().await;
}

async fn intakes(bank: &Bank) -> Vec<Value> {
    bank.feeder.get(&bank.path("/v1/intakes")).await.ok()["data"].as_array().unwrap().clone()
}

/// Waits until an intake has stored something, and has not ended.
async fn until_storing(bank: &Bank) -> Value {
    loop {
        if let Some(intake) = intakes(bank).await.first() {
            assert_eq!(intake["finished_at"], Value::Null, "it was stored before a cut could come: {intake}");
            if intake["counts"]["added"].as_u64().unwrap() > 0 {
                return intake.clone();
            }
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn an_intake_whose_file_was_lost_ends_as_failed_once_nobody_has_it_in_hand() {
    let kept = tempfile::tempdir().unwrap();
    let (data_dir, port) = (kept.path().join("data"), free_ports());
    let mut server = Server::start(&data_dir, port, &[]);
    server.lift_limits();
    let mut bank = Bank::new(&server).await;
    bank.send("format=ndjson", "application/x-ndjson", lines(30_000)).await.ok();
    let id = until_storing(&bank).await["id"].as_str().unwrap().to_owned();
    server.kill();
    std::fs::remove_file(data_dir.join("intakes").join(&bank.id).join(&id)).unwrap();
    let_lapse(&server, &bank).await;
    let server = Server::start(&data_dir, port, &[]);
    bank = bank.again(&server).await;
    let intake = bank.until_finished(&id).await;
    assert_eq!(intake["state"], "failed", "{intake}");
    assert!(intake["reason"].as_str().unwrap().contains("gone"), "{intake}");
    let stored = bank.system.pages("/v1/transactions").await.len();
    assert!(stored > 0 && stored < 30_000, "what was added stays: {stored}");
}

#[tokio::test]
async fn an_import_that_was_cut_short_says_what_it_added_and_ends_as_failed() {
    let kept = tempfile::tempdir().unwrap();
    let (data_dir, port) = (kept.path().join("data"), free_ports());
    let mut server = Server::start(&data_dir, port, &[]);
    server.lift_limits();
    let mut bank = Bank::new(&server).await;
    let file = kept.path().join("many.ndjson");
    std::fs::write(&file, lines(30_000)).unwrap();
    let mut import = server.begin(&["import", "--institution", &bank.id, file.to_str().unwrap()]);
    let id = until_storing(&bank).await["id"].as_str().unwrap().to_owned();
    import.kill().unwrap();
    import.wait().unwrap();
    server.kill();
    let_lapse(&server, &bank).await;
    let server = Server::start(&data_dir, port, &[]);
    bank = bank.again(&server).await;
    let intake = bank.until_finished(&id).await;
    assert_eq!(intake["state"], "failed", "{intake}");
    assert_ne!(intake["counts"]["added"], 0, "{intake}");
    // Again, it adds the rest.
    let again = server.run(&["import", "--institution", &bank.id, file.to_str().unwrap()]);
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(bank.system.pages("/v1/transactions").await.len(), 30_000);
    let last = &intakes(&bank).await[0];
    let count = |name: &str| last["counts"][name].as_u64().unwrap();
    assert_eq!(count("added") + count("unchanged"), 30_000, "{last}");
}

#[tokio::test]
async fn what_another_delivery_took_in_between_is_told_and_counted() {
    let bank = Bank::new(Server::shared()).await;
    let most = 20_000;
    for attempt in 0..5 {
        let mut body: Vec<Value> =
            (0..most).map(|number| data::transaction(&format!("{attempt}-{number}"))).collect();
        let begun =
            bank.send("format=ndjson&on_error=skip", "application/x-ndjson", data::ndjson(&body)).await;
        let id = begun.ok()["id"].as_str().unwrap().to_owned();
        let path = bank.path(&format!("/v1/intakes/{id}"));
        while bank.feeder.get(&path).await.ok()["counts"]["added"] == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let mut other = body.pop().unwrap();
        other["amount"]["amount"] = json!("99.00");
        let came_between = bank.feeder.deliver(&bank.id, &data::ndjson(&[other])).await.status == 201;
        let intake = bank.until_finished(&id).await;
        assert_eq!(intake["state"], "stored", "{intake}");
        if !came_between {
            continue;
        }
        let counts = &intake["counts"];
        assert_eq!(
            (&counts["records"], &counts["added"], &counts["faults"]),
            (&json!(most - 1), &json!(most - 1), &json!(1)),
            "{intake}"
        );
        let findings = bank.findings(&intake).await;
        assert_eq!(
            (&findings[0]["line"], &findings[0]["code"]),
            (&json!(most), &json!("reference_conflict"))
        );
        return;
    }
    panic!("no delivery came in between");
}

/// Begins an upload in parts; where its parts go, and its id.
async fn begin(bank: &Bank, query: &str, length: usize) -> (String, String) {
    let begin = bank.feeder.request(reqwest::Method::POST, &bank.path(&format!("/v1/intakes?{query}")));
    let begun = bank.feeder.send(begin.header("upload-length", length)).await;
    (begun.header("location").unwrap().to_owned(), begun.ok()["id"].as_str().unwrap().to_owned())
}

/// Sends all of a file to an upload in parts; the status of the answer.
async fn append(bank: &Bank, path: &str, body: &str) -> reqwest::StatusCode {
    let request = bank.feeder.request(reqwest::Method::PATCH, path).header("upload-offset", 0);
    let request = request.header("content-type", "application/offset+octet-stream");
    bank.feeder.send(request.body(body.to_owned())).await.status
}

#[tokio::test]
async fn an_upload_whose_file_was_lost_ends_and_one_whose_file_is_here_is_gone_on_with() {
    let kept = tempfile::tempdir().unwrap();
    let (data_dir, port) = (kept.path().join("data"), free_ports());
    let mut server = Server::start(&data_dir, port, &[]);
    let mut bank = Bank::new(&server).await;
    let body = data::ndjson(&[data::transaction("here")]);
    let (_, lost) = begin(&bank, "format=ndjson", 1_000).await;
    let (path, here) = begin(&bank, "format=ndjson", body.len()).await;
    server.kill();
    std::fs::remove_file(data_dir.join("intakes").join(&bank.id).join(&lost)).unwrap();
    let_lapse(&server, &bank).await;
    let server = Server::start(&data_dir, port, &[]);
    bank = bank.again(&server).await;
    assert_eq!(bank.until_finished(&lost).await["state"], "failed");
    // It is said of the other that it is here.
    let database = Behind::of(server.data_dir());
    let mut touched_at_us = 0_i64;
    while touched_at_us == 0 {
        behind!(&database, pool => {
            let query = "SELECT touched_at_us FROM intakes WHERE institution_id = $1 AND id = $2";
            let query = sqlx::query_scalar(query).bind(uuid(&bank.id)).bind(uuid(&here));
            touched_at_us = query.fetch_one(pool).await.unwrap();
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    database.close().await;
    assert_eq!(append(&bank, &path, &body).await, 204);
    assert_eq!(bank.until_finished(&here).await["counts"]["added"], 1);
}

#[tokio::test]
async fn an_intake_that_cannot_be_worked_on_ends_as_failed() {
    let kept = tempfile::tempdir().unwrap();
    let server = Server::start(&kept.path().join("data"), free_ports(), &[]);
    let bank = Bank::new(&server).await;
    let body = data::ndjson(&[data::transaction("a")]);
    let (path, id) = begin(&bank, "format=ndjson", body.len()).await;
    let database = Behind::of(server.data_dir());
    behind!(&database, pool => {
        let query = "UPDATE intakes SET mapping = 'none' WHERE institution_id = $1";
        sqlx::query(query).bind(uuid(&bank.id)).execute(pool).await.unwrap();
    });
    database.close().await;
    assert_eq!(append(&bank, &path, &body).await, 204);
    let intake = bank.until_finished(&id).await;
    assert_eq!(intake["state"], "failed", "{intake}");
    assert!(intake["reason"].as_str().unwrap().contains("broke off"), "{intake}");
}

#[tokio::test]
async fn what_was_refused_stays_so_when_storing_is_resumed_and_is_counted_once() {
    let kept = tempfile::tempdir().unwrap();
    let (data_dir, port) = (kept.path().join("data"), free_ports());
    let mut server = Server::start(&data_dir, port, &[]);
    server.lift_limits();
    let mut bank = Bank::new(&server).await;
    // What revises nothing yet is refused, though what it names stands further down; so is what stands before.
    let mut other = data::transaction("n-0");
    (other["account"], other["amount"]["amount"]) = (json!("one"), json!("99.00"));
    let mut early = data::transaction("n-1");
    early["account"] = json!("one");
    let early = data::revised(&early, "reversal", "it is not there yet");
    let body = data::ndjson(&[early]) + &lines(30_000) + &data::ndjson(&[other]);
    bank.send("format=ndjson&on_error=skip", "application/x-ndjson", body).await.ok();
    let id = until_storing(&bank).await["id"].as_str().unwrap().to_owned();
    server.kill();
    let server = Server::start(&data_dir, port, &[]);
    bank = bank.again(&server).await;
    let intake = bank.until_finished(&id).await;
    assert_eq!(intake["state"], "stored", "{intake}");
    let counts = &intake["counts"];
    assert_eq!(
        (&counts["records"], &counts["added"], &counts["faults"]),
        (&json!(30_000), &json!(30_000), &json!(2)),
        "{intake}"
    );
    assert_eq!(bank.findings(&intake).await.len(), 2);
    // Once it has ended, nothing is left beside its file.
    let folder = data_dir.join("intakes").join(&bank.id);
    while std::fs::read_dir(&folder).unwrap().count() > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
