//! A log that is stopped, and a database that is away, are told everybody.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::stored::Stored;
use crate::support::{
    Caller, Person, Server, data, engine::Engine, person::credentials_in, postgres::Postgres,
    replicas::Replicas, server::free_ports,
};

const OFTEN: &[(&str, &str)] = &[("VERITRAIL_STATUS__CHECK_EVERY_S", "1")];

fn part<'a>(status: &'a Value, id: &str) -> &'a Value {
    status["components"].as_array().unwrap().iter().find(|part| part["id"] == id).unwrap()
}

/// What everybody is told, once a part is so. It is answered all the time.
async fn until_is(anybody: &Caller, id: &str, state: &str) -> Value {
    let began = Instant::now();
    loop {
        let status = anybody.get("/v1/status").await.ok();
        if part(&status, id)["state"] == state {
            return status;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{status:#}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn until_ledger_is(anybody: &Caller, state: &str) -> Value {
    part(&until_is(anybody, "ledger", state).await, "ledger").clone()
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

#[tokio::test]
async fn the_status_is_told_while_the_database_is_away() {
    // The embedded engine's file is where the service is.
    if Engine::of_this_run() == Engine::Sqlite {
        return;
    }
    let mut postgres = Postgres::start();
    let often = OFTEN.iter().map(|(name, value)| (*name, (*value).to_owned())).collect::<Vec<_>>();
    let replicas = Replicas::start(&postgres, 1, &often).await;
    let anybody = replicas.stranger(0);
    until_is(&anybody, "api", "operational").await;
    let (email, password) = credentials_in(&replicas.demo, "operator");
    let (mut person, nobody) = (Person::at(&replicas.url(0)), Person::at(&replicas.url(0)));
    assert_eq!(person.sign_in(&email, &password, "/").await.status, 303);
    assert!(person.page("/status").await.contains("Sign out"));
    let new =
        json!({"title": "Reports are late", "impact": "none", "components": ["api"], "text": "we look"});
    let made = replicas.operator(0).await.post("/admin/v1/incidents", &new).await.ok();
    // It was read a moment ago, and is read again once something is told.
    let before = anybody.get("/v1/status").await.ok();
    assert_eq!(before["open"][0]["id"], made["id"]);

    postgres.kill();
    let away = until_is(&anybody, "api", "down").await;
    assert_eq!((&away["state"], &away["open"]), (&json!("down"), &before["open"]), "{away}");
    assert!(!part(&away, "api")["days"].as_array().unwrap().is_empty(), "{away}");
    assert!(away["at"].as_str() > before["at"].as_str(), "{away}");
    for person in [&person, &nobody] {
        let page = person.page("/status").await;
        assert!(page.contains("A part of the service does not work."), "{page}");
        assert!(page.contains("Reports are late"), "{page}");
    }
    // One of those who ask at once waits for the database, and the others for that one.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (began, mut asked) = (Instant::now(), JoinSet::new());
    for _ in 0..50 {
        let anybody = anybody.clone();
        asked.spawn(async move { anybody.get("/v1/status").await.status.as_u16() });
    }
    assert_eq!(asked.join_all().await, vec![200; 50]);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());

    postgres.restart();
    let again = until_is(&anybody, "api", "operational").await;
    assert_eq!(again["open"], before["open"], "{again}");
}
