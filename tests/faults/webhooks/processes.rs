//! Processes that stop or are killed while they tell, and several that share the work.

use std::{collections::BTreeSet, time::Duration};

use serde_json::json;

use super::{ALLOW, deliver, events_after, first_seqs, text};
use crate::support::{
    Server,
    postgres::Postgres,
    receiver::{Manner, Message, Receiver, until},
    replicas::Replicas,
    server::free_ports,
    sse::Stream,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_asked_to_stop_finishes_what_is_on_its_way() {
    let receiver = Receiver::start().await;
    receiver.behave(Manner::Late(Duration::from_millis(700)));
    let (folder, port) = (tempfile::tempdir().unwrap(), free_ports());
    let data_dir = folder.path().join("data");
    let mut server = Server::start_with(&data_dir, port, &[], &ALLOW);
    let endpoint = server.system(0).await.post("/v1/webhooks", &json!({"url": receiver.url()})).await.ok();
    deliver(&server.feeder().await, server.institution(0), 20).await;
    until("some are told", async || (receiver.received().len() >= 2).then_some(())).await;
    let (server, status) = tokio::task::spawn_blocking(move || {
        let status = server.terminate();
        (server, status)
    })
    .await
    .unwrap();
    assert!(status.success());
    let before = receiver.received().len();
    receiver.behave(Manner::Status(204, ""));
    drop(server);
    let server = Server::start_with(&data_dir, port, &[], &ALLOW);
    let expected = events_after(&server.system(0).await, text(&endpoint["position"])).await;
    assert!(before < expected.len(), "it stopped before all was told");
    until("all are told", async || (first_seqs(&receiver.received()).len() >= expected.len()).then_some(()))
        .await;
    let received: Vec<i64> = receiver.received().iter().map(Message::seq).collect();
    assert_eq!(received, expected, "each once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_killed_while_it_tells_loses_nothing() {
    let receiver = Receiver::start().await;
    receiver.behave(Manner::Late(Duration::from_millis(20)));
    let (folder, port) = (tempfile::tempdir().unwrap(), free_ports());
    let data_dir = folder.path().join("data");
    let mut server = Server::start_with(&data_dir, port, &[], &ALLOW);
    let endpoint = server.system(0).await.post("/v1/webhooks", &json!({"url": receiver.url()})).await.ok();
    let kills = 3;
    for _ in 0..kills {
        deliver(&server.feeder().await, server.institution(0), 30).await;
        let some = receiver.received().len() + rand::random_range(1..30);
        until("some are told", async || (receiver.received().len() >= some).then_some(())).await;
        server.kill();
        server = Server::start_with(&data_dir, port, &[], &ALLOW);
    }
    let expected = events_after(&server.system(0).await, text(&endpoint["position"])).await;
    until("all are told", async || (first_seqs(&receiver.received()).len() >= expected.len()).then_some(()))
        .await;
    assert!(expected.len() > kills * 60);
    assert_eq!(first_seqs(&receiver.received()), expected, "none is lost, and none is before another");
    let received = receiver.received().len();
    assert!(received <= expected.len() + kills, "{received}: what was on its way came again, no more");
    let ids: BTreeSet<String> =
        receiver.received().iter().map(|one| one.header("webhook-id").to_owned()).collect();
    assert_eq!(ids.len(), expected.len(), "under the same id");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_share_the_work_and_one_takes_over_from_another() {
    let allow: Vec<(&str, String)> = ALLOW.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let mut replicas = Replicas::start(Postgres::shared(), 2, &allow).await;
    let system = replicas.system(0).await;
    let institution = replicas.institution().to_owned();
    let mut told = Vec::new();
    for _ in 0..4 {
        let receiver = Receiver::start().await;
        let endpoint = system.post("/v1/webhooks", &json!({"url": receiver.url()})).await.ok();
        told.push((receiver, text(&endpoint["position"]).to_owned()));
    }
    let feeders = [replicas.feeder(0).await, replicas.feeder(1).await];
    let from = told[3].1.clone();
    let mut stream = Stream::open(&system, &format!("?last_event_id={from}"), None).await;
    for turn in 0..6 {
        deliver(&feeders[turn % 2], &institution, 20).await;
    }
    for (receiver, position) in &told {
        let expected = events_after(&system, position).await;
        receiver.until_taken(expected.len()).await;
        assert_eq!(receiver.seqs(), expected, "each once, whoever told it");
    }

    // What one stored, another's stream tells too.
    for seq in events_after(&system, &from).await {
        assert_eq!(stream.seq().await, seq);
    }

    // One is killed; the other takes over what it had.
    replicas.kill(0);
    let system = replicas.system(1).await;
    deliver(&feeders[1], &institution, 20).await;
    for (receiver, position) in &told {
        let expected = events_after(&system, position).await;
        until("the other tells", async || {
            (first_seqs(&receiver.received()).len() >= expected.len()).then_some(())
        })
        .await;
        assert_eq!(first_seqs(&receiver.received()), expected);
        assert!(receiver.received().len() <= expected.len() + 1);
    }
}
