//! Receivers that are slow, and what others have of that.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::text;
use crate::support::{
    Caller, Server, data,
    receiver::{Manner, Receiver},
};

const CREATED: &str = "transaction.created";

/// A service that waits long for its receivers.
fn server() -> Server {
    Server::demo_with(
        &[],
        &[
            ("VERITRAIL_WEBHOOKS__ALLOW_HTTP", "true"),
            ("VERITRAIL_WEBHOOKS__ALLOW_NETWORKS", "127.0.0.0/8"),
            ("VERITRAIL_WEBHOOKS__TIMEOUT_S", "60"),
        ],
    )
}

async fn add(system: &Caller, receiver: &Receiver) -> Value {
    system.post("/v1/webhooks", &json!({"url": receiver.url(), "events": [CREATED]})).await.ok()
}

async fn deliver(feeder: &Caller, institution: &str, count: usize) {
    let lines: Vec<Value> = (0..count).map(|_| data::transaction(&data::unique("slow"))).collect();
    feeder.deliver(institution, &data::ndjson(&lines)).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_institutions_many_receivers_that_hang_hold_up_nobody_elses() {
    let (hanging, well) = (Receiver::start().await, Receiver::start().await);
    hanging.behave(Manner::Stall);
    let server = server();
    let (one, other, feeder) = (server.system(0).await, server.system(1).await, server.feeder().await);
    // More than are told at once altogether.
    for _ in 0..36 {
        add(&one, &hanging).await;
    }
    add(&other, &well).await;
    deliver(&feeder, server.institution(0), 1).await;
    hanging.until_received(4).await;
    deliver(&feeder, server.institution(1), 1).await;
    well.until_taken(1).await;
    let listed = one.get("/v1/webhooks").await.ok();
    let failed = listed["data"].as_array().unwrap().iter().filter(|one| one["failed_attempts"] != 0).count();
    assert_eq!(failed, 0, "none of those that hang was given up before the other was told");
    assert_eq!(hanging.received().len(), 4, "an institution has few turns at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_receivers_let_others_of_their_institution_have_their_turn() {
    let (slow, well) = (Receiver::start().await, Receiver::start().await);
    slow.behave(Manner::Late(Duration::from_millis(500)));
    let server = server();
    let (system, feeder) = (server.system(0).await, server.feeder().await);
    for _ in 0..4 {
        add(&system, &slow).await;
    }
    let last = add(&system, &well).await;
    let set = async |state: &str| {
        let path = format!("/v1/webhooks/{}", text(&last["id"]));
        system.send(system.request(Method::PATCH, &path).json(&json!({"state": state}))).await.ok();
    };
    set("paused").await;
    let count = 60;
    deliver(&feeder, server.institution(0), count).await;
    // All turns are taken.
    slow.until_received(4).await;
    set("active").await;
    well.until_taken(1).await;
    assert!(slow.received().len() < 4 * count, "it was told before the slow ones had everything");
}
