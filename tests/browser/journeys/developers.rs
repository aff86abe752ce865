//! The integration engineer looks after clients and their keys, and has an endpoint told again what it missed.

use serde_json::{Value, json};

use super::Walk;
use crate::{
    browser::stage::Stage,
    support::{
        Server, data,
        keys::ClientKey,
        receiver::{Manner, Receiver},
    },
};

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Comes to the page of a client by its name.
async fn open_client(walk: &Walk, name: &str) {
    walk.follow("nav", "Clients").await;
    walk.arrive("Clients").await;
    walk.follow("main", name).await;
    walk.arrive(name).await;
}

/// Adds a public key to a client that signs, which counts at once.
async fn adds_a_key(walk: &Walk, server: &Server) {
    let (old, new) = (ClientKey::ed25519("old"), ClientKey::ed25519("new"));
    let name = data::unique("signs");
    let order = json!({"name": name, "scopes": ["ledger:read"], "jwks": old.jwks()});
    let client = server.enrol(0, &order).await;
    open_client(walk, &name).await;
    let page = walk.text("main").await;
    assert!(page.contains("ledger:read") && page.contains("the last one stays"), "{page}");
    walk.enter("Public key, as a JWK", &new.jwk.to_string()).await;
    walk.push("Add the key").await;
    walk.wait_for("main", |text| text.contains("The key was added.")).await;
    let keys = walk.text("main tbody").await;
    assert!(keys.contains("old") && keys.contains("new"), "{keys}");
    let told = server.system(0).await.get(&format!("/v1/clients/{}", text(&client["client_id"]))).await.ok();
    assert_eq!(told["keys"].as_array().unwrap().len(), 2);
}

/// Gives a client a new secret, which is shown once.
async fn rotates_a_secret(walk: &Walk, server: &Server) {
    let name = data::unique("holds");
    let client = server.enrol(0, &json!({"name": name, "scopes": ["institution:read"]})).await;
    open_client(walk, &name).await;
    walk.follow("main", "Rotate the secret").await;
    walk.arrive("Rotate the secret").await;
    walk.choose("The old secret goes on for", "Not at all: it ends at once").await;
    walk.tick("I am ready to store the new secret now.").await;
    walk.push("Rotate the secret").await;
    walk.arrive("The secret was rotated").await;
    let secret = walk.text("main pre").await;
    let renewed = json!({"client_id": client["client_id"], "client_secret": secret});
    server.caller(&renewed, None).await.get("/v1/institution").await.ok();
    walk.follow("main", "Back to the client").await;
    walk.arrive(&name).await;
    assert!(!walk.text("body").await.contains(&secret), "it is shown again");
}

/// Adds an endpoint that fails, sees what it answered, and has it told again once it works.
async fn replays_a_webhook(walk: &Walk, server: &Server) {
    let receiver = Receiver::start().await;
    receiver.behave(Manner::Status(500, "the disk is full"));
    walk.follow("nav", "Webhooks").await;
    walk.arrive("Webhooks").await;
    walk.enter("URL", &receiver.url()).await;
    walk.enter("What it is for", "bookings").await;
    walk.tick("transaction.created").await;
    walk.push("Add the endpoint").await;
    walk.arrive(&receiver.url()).await;

    let line = data::ndjson(&[data::transaction(&data::unique("told"))]);
    server.feeder().await.deliver(server.institution(0), &line).await.ok();
    receiver.until_received(1).await;
    walk.reload_for("main tbody .badge.bad").await;
    walk.click("main tbody summary").await;
    walk.wait_for("main tbody pre", |text| text == "the disk is full").await;
    // Paused, it is told nothing but what somebody sends.
    walk.push("Pause").await;
    walk.wait_for("main", |text| text.contains("The endpoint is paused.")).await;
    let event = receiver.received()[0].seq();
    receiver.behave(Manner::Status(204, ""));
    let button = format!("main button[aria-label='Send again: event {event}']");
    walk.click(&button).await;
    walk.wait_for("main", |text| text.contains("The event is on its way again")).await;
    let taken = receiver.until_taken(1).await;
    assert_eq!(taken[0].seq(), event);
    walk.reload_for("main tbody .badge.good").await;
}

async fn looks_after_systems(scripts: bool) {
    let server = &Stage::shared().await.server;
    let walk = Walk::of(server, "integration-engineer", scripts).await;
    walk.go_to("Developers").await;
    adds_a_key(&walk, server).await;
    rotates_a_secret(&walk, server).await;
    replays_a_webhook(&walk, server).await;
    walk.end().await;
}

#[tokio::test]
async fn an_engineer_adds_a_key_rotates_a_secret_and_replays_a_webhook() {
    tokio::join!(looks_after_systems(true), looks_after_systems(false));
}
