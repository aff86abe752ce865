//! Replicas that share a memory, one that is away, and one that was lost.

use std::time::Duration;

use serde_json::json;

use crate::support::{Caller, data, engine::Engine, postgres::Postgres, replicas::Replicas};

async fn start(count: usize) -> Option<Replicas> {
    match Engine::of_this_run() {
        Engine::Sqlite => None,
        Engine::Postgres => Some(Replicas::start(Postgres::shared(), count, &[]).await),
    }
}

async fn deliver(feeder: &Caller, institution: &str) -> reqwest::StatusCode {
    let lines = data::ndjson(&[data::transaction(&data::unique("signed"))]);
    feeder.deliver(institution, &lines).await.status
}

/// The size of the newest checkpoint.
fn signed(replicas: &Replicas) -> u64 {
    let sql =
        "SELECT max(c.size) FROM veritrail.checkpoints c WHERE replace(c.institution_id::text, '-', '') = ";
    let id = replicas.institution().strip_prefix("ins_").unwrap();
    Postgres::shared().sql(&replicas.database.name, &format!("{sql}'{id}'")).parse().unwrap()
}

async fn until_signed(replicas: &Replicas, at_least: u64) {
    for _ in 0..200 {
        if signed(replicas) >= at_least {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{} are signed, not {at_least}", signed(replicas));
}

#[tokio::test]
async fn replicas_sign_one_log_and_fsck_finds_every_checkpoint_right() {
    let Some(mut replicas) = start(3).await else { return };
    let institution = replicas.institution().to_owned();
    let before = signed(&replicas);
    for round in 0..30 {
        assert_eq!(deliver(&replicas.feeder(round % 3).await, &institution).await, 201);
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    until_signed(&replicas, before + 30).await;
    assert!(replicas.terminate().iter().all(std::process::ExitStatus::success));
    let clean = replicas.run(&["fsck"]);
    assert!(clean.status.success(), "{}", String::from_utf8_lossy(&clean.stdout));
}

#[tokio::test]
async fn while_the_memory_is_away_nothing_is_signed_and_open_logs_go_on() {
    let Some(mut replicas) = start(1).await else { return };
    let (institution, feeder) = (replicas.institution().to_owned(), replicas.feeder(0).await);
    assert_eq!(deliver(&feeder, &institution).await, 201);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let before = signed(&replicas);
    replicas.memory.kill();
    for _ in 0..5 {
        assert_eq!(deliver(&feeder, &institution).await, 201, "the log is open");
    }
    // One that was not open stays closed, and holds nobody else up.
    let other = replicas.demo["institutions"][1]["id"].as_str().unwrap().to_owned();
    let both = tokio::join!(deliver(&feeder, &other), deliver(&feeder, &institution));
    assert_eq!((both.0.as_u16(), both.1.as_u16()), (503, 201));
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(signed(&replicas), before);
    replicas.memory.restart(true);
    until_signed(&replicas, before + 5).await;
}

#[tokio::test]
async fn a_memory_that_was_lost_stops_the_logs_until_an_operator_takes_them_up() {
    let Some(mut replicas) = start(1).await else { return };
    let institution = replicas.institution().to_owned();
    let token = replicas.feeder(0).await.token;
    assert!(replicas.terminate().iter().all(std::process::ExitStatus::success));
    replicas.memory.flush();
    replicas.spawn(0);
    for _ in 0..200 {
        let stranger = replicas.stranger(0);
        if stranger.try_send(stranger.request(reqwest::Method::GET, "/health/live")).await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let feeder = replicas.stranger(0).with_token(token.as_deref());
    let lines = data::ndjson(&[data::transaction(&data::unique("lost"))]);
    feeder.deliver(&institution, &lines).await.problem(503, "log_stopped");

    replicas.terminate();
    let adopted = replicas.run(&["signer", "adopt", "--all"]);
    let said = String::from_utf8_lossy(&adopted.stdout).into_owned();
    assert!(adopted.status.success() && said.contains("are remembered as signed"), "{said}");
    replicas.spawn(0);
    replicas.until_ready(0).await;
    let feeder = replicas.stranger(0).with_token(token.as_deref());
    assert_eq!(feeder.deliver(&institution, &lines).await.status, 201);
    let health = replicas.stranger(0).get("/health/ready").await.json();
    assert_eq!(health["stopped_logs"], json!(0));
}
