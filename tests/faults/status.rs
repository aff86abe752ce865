//! A log that is stopped, and a recorder that can't write, are told everybody.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::stored::Stored;
use crate::support::{Caller, Server, data, server::free_ports};

const OFTEN: &[(&str, &str)] = &[("VERITRAIL_STATUS__CHECK_EVERY_S", "1")];

async fn until_ledger_is(anybody: &Caller, state: &str) -> Value {
    let began = Instant::now();
    loop {
        let status = anybody.get("/v1/status").await.ok();
        let all = status["components"].as_array().unwrap();
        let ledger = all.iter().find(|part| part["id"] == "ledger").unwrap().clone();
        if ledger["state"] == state {
            return ledger;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{status:#}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn a_stopped_log_degrades_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let port = free_ports();
    let mut server = Server::start_with(&data_dir, port, &[], OFTEN);
    let institution = server.institution(0).to_owned();
    until_ledger_is(&server.stranger(), "operational").await;
    assert!(server.terminate().success());
    let mut stored = Stored::open(&data_dir).await;
    let last = stored.checkpoints(&institution).await.last().unwrap().0;
    stored.forge_entry(&institution, last - 2).await;
    stored.close().await;

    let mut server = Server::start_with(&data_dir, port, &[], OFTEN);
    let line = data::ndjson(&[data::transaction(&data::unique("refused"))]);
    server.feeder().await.deliver(&institution, &line).await.problem(503, "log_stopped");
    let ledger = until_ledger_is(&server.stranger(), "degraded").await;
    let degraded = |day: &Value| day["degraded"].as_i64().unwrap();
    assert!(ledger["days"].as_array().unwrap().iter().map(degraded).sum::<i64>() > 0, "{ledger}");
    // Why is nobody's business but the provider's.
    assert!(!ledger.to_string().contains("stopped log") && !ledger.to_string().contains("ins_"), "{ledger}");
    assert!(server.terminate().success());
}
