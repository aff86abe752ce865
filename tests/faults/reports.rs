//! Reports through stops, damaged archives, and in a bucket that replicas share.

use serde_json::{Value, json};

use crate::support::{Caller, Server, data, s3::S3, server::free_ports};

async fn report(system: &Caller) -> (String, Value) {
    let report = system.report(&json!({"type": "account-statement", "period": "2026-01"})).await;
    let version = format!("/v1/reports/{}/versions/1", report["id"].as_str().unwrap());
    let made = system.get(&version).await.ok();
    assert_eq!(made["state"], "ready", "{made}");
    (version, made)
}

#[tokio::test]
async fn documents_are_kept_in_a_bucket() {
    let store = S3::start();
    let environment = store.environment();
    let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let server = Server::demo_with(&[], &environment);
    let system = server.system(0).await;
    let (version, made) = report(&system).await;
    let content = system.get(&format!("{version}/content")).await;
    assert_eq!(made["bytes"], content.body.len());
    let hash = made["sha256"].as_str().unwrap();
    let files = store.files();
    let object = files.iter().find(|path| path.to_str().unwrap().contains(hash)).unwrap();
    assert!(object.to_str().unwrap().contains(server.institution(0)), "each institution has its own");
    assert!(!server.data_dir().join("archive").exists(), "the folder is not used");
}

#[tokio::test]
async fn a_document_that_was_altered_in_the_archive_is_not_served() {
    let server = Server::demo(&[]);
    let system = server.system(0).await;
    let (version, made) = report(&system).await;
    let folder = server.data_dir().join("archive").join(server.institution(0));
    let path = folder.join(made["sha256"].as_str().unwrap());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    system.get(&format!("{version}/content")).await.problem(503, "unavailable");
    bytes[100] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(system.get(&format!("{version}/content")).await.body, bytes);
}

#[tokio::test]
async fn a_report_that_a_stop_interrupts_is_made_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let (data_dir, port) = (folder.path().join("data"), free_ports());
    let mut server = Server::start(&data_dir, port, &[]);
    let system = server.system(0).await;
    let account = data::unique("576");
    let line = |n: usize| {
        json!({
            "account": account, "reference": format!("{account}-{n}"), "booking_date": "2026-01-05", "direction": "credit",
            "amount": {"amount": "0.01", "currency": "EUR"},
        })
    };
    let lines: Vec<_> = (0..5_000).map(line).collect();
    for lines in lines.chunks(1_000) {
        server.feeder().await.deliver(server.institution(0), &data::ndjson(lines)).await.ok();
    }
    let order =
        json!({"type": "account-statement", "period": "2026-01", "parameters": {"accounts": account}});
    let report = system.post("/v1/reports", &order).await.ok();
    server.kill();
    drop(server);

    let server = Server::start(&data_dir, port, &[]);
    let system = server.system(0).await;
    let made = system.until_made(report["id"].as_str().unwrap(), 1).await;
    assert_eq!(made["state"], "ready");
    let path =
        format!("/v1/reports/{}/versions/1/figures?prefix={account}/credits", report["id"].as_str().unwrap());
    let figure = &system.pages(&path).await[0];
    assert_eq!((&figure["value"], &figure["contributions"]), (&json!("50.00"), &json!(5_000)));
}
