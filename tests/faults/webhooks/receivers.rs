//! Receivers that are down, that move, that are mended, and those of another name.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};

use reqwest::Method;
use serde_json::{Value, json};
use veritrail::{
    domain::{EndpointId, EventType},
    ledger::{By, command::Filing},
    store::webhooks::Changes,
    webhooks::settings,
    world::World as _,
};

use super::{ALLOW, deliver, endpoint_id, events_after, house::House, text};
use crate::support::{
    Server,
    receiver::{Manner, Message, Receiver, check_with_public_library, refused_by_public_library, until},
    server::free_ports,
};

const HOUR_US: i64 = 3600 * 1_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_hour_down_everything_arrives_once_in_the_ledgers_order() {
    let (receiver, well) = (Receiver::start().await, Receiver::start().await);
    receiver.behave(Manner::Status(503, "down for an hour"));
    let (folder, port) = (tempfile::tempdir().unwrap(), free_ports());
    let data_dir = folder.path().join("data");
    let mut server = Server::start_with(&data_dir, port, &[], &ALLOW);
    let system = server.system(0).await;
    let order = json!({"url": receiver.url(), "signature": "hmac_sha256"});
    let down = system.post("/v1/webhooks", &order).await.ok();
    let up = system.post("/v1/webhooks", &json!({"url": well.url()})).await.ok();
    deliver(&server.feeder().await, server.institution(0), 40).await;
    assert!(server.terminate().success());

    let house = House::open(&server, "127.0.0.0/8").await;
    let id = endpoint_id(&down);
    let subject = house.subject().await;
    let began = house.clock.now_us();
    loop {
        let before = house.endpoint(id).await;
        house.event(subject).await;
        house.clock.reach(before.next_at_us);
        let after = house.until_failed_again(id, before.attempts).await;
        assert_eq!(after.position, before.position, "one that fails holds back those after it");
        if after.next_at_us > began + HOUR_US {
            break;
        }
    }
    house.clock.reach(began + HOUR_US);
    let tried: BTreeSet<String> =
        receiver.received().iter().map(|one| one.header("webhook-id").to_owned()).collect();
    assert_eq!(tried.len(), 1, "only the first is tried, under one id");
    let attempts = receiver.received().len();
    assert!((6..=12).contains(&attempts), "{attempts} attempts in an hour");

    receiver.behave(Manner::Status(204, ""));
    let due = house.endpoint(id).await.next_at_us;
    house.clock.reach(due);
    let last = house.event(subject).await;
    for receiver in [&receiver, &well] {
        until("all is told", async || receiver.seqs().contains(&last).then_some(())).await;
    }
    house.close().await;

    server = Server::start_with(&data_dir, port, &[], &ALLOW);
    let system = server.system(0).await;
    for (endpoint, receiver) in [(&down, &receiver), (&up, &well)] {
        let expected = events_after(&system, text(&endpoint["position"])).await;
        assert_eq!(receiver.seqs(), expected, "each once, in the ledger's order");
        assert!(expected.len() > 60, "{expected:?}");
    }
    let secret = text(&down["secret"]);
    check_with_public_library(secret, &receiver.received());
    let mut other = secret.to_owned();
    other.replace_range(10..11, if &secret[10..11] == "A" { "B" } else { "A" });
    let refused = refused_by_public_library(&other, &receiver.taken());
    assert_eq!(refused, receiver.taken().len(), "the library would refuse others");
    let key = text(&up["public_key"]);
    assert!(well.received().iter().all(|message| message.is_signed_by(key)));
    assert!(!well.received().iter().any(|message| {
        let changed = Message { body: message.body.replace("\"type\"", "\"kind\""), ..message.clone() };
        changed.is_signed_by(key)
    }));

    // The owner sees what was tried and answered.
    let path = format!("/v1/webhooks/{id}/deliveries?limit=500");
    let told = system.get(&path).await.ok();
    let told = told["data"].as_array().unwrap();
    let of = |state: &str| told.iter().filter(|one| one["state"] == state).count();
    assert_eq!((of("failed"), of("succeeded")), (attempts, receiver.taken().len()));
    let first = told.last().unwrap();
    assert_eq!((&first["status"], &first["answer"]), (&json!(503), &json!("down for an hour")), "{first}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_fails_for_three_days_is_disabled_and_its_owner_told() {
    let (receiver, watcher) = (Receiver::start().await, Receiver::start().await);
    receiver.behave(Manner::Status(500, ""));
    let (folder, port) = (tempfile::tempdir().unwrap(), free_ports());
    let data_dir = folder.path().join("data");
    let mut server = Server::start_with(&data_dir, port, &[], &ALLOW);
    assert!(server.terminate().success());
    let house = House::open(&server, "127.0.0.0/8").await;
    let subject = house.subject().await;
    let failing = house.add(receiver.url(), &[EventType::WebhookEndpointChanged]).await;
    house.add(watcher.url(), &[EventType::WebhookEndpointDisabled]).await;
    let mut expected = vec![house.event(subject).await];
    let mut now = house.until_failed_again(failing, 0).await;
    let since = now.failing_since_us.unwrap();
    while now.state == "active" {
        assert!(now.next_at_us <= since + 72 * HOUR_US);
        house.clock.reach(now.next_at_us);
        expected.push(house.event(subject).await);
        now = house.until_failed_again(failing, now.attempts).await;
    }
    let lasted = house.clock.now_us() - since;
    assert!((72 * HOUR_US..73 * HOUR_US).contains(&lasted), "{lasted} us");
    let attempts = receiver.received().len();
    assert!((15..=30).contains(&attempts), "{attempts}");
    let told = watcher.until_taken(1).await[0].event();
    assert_eq!(told["type"], "webhook_endpoint.disabled");
    assert_eq!(told["data"]["id"], failing.to_string());
    house.close().await;

    let server = Server::start_with(&data_dir, port, &[], &ALLOW);
    let system = server.system(0).await;
    let events = system.get("/v1/events?type[in]=webhook_endpoint.disabled").await.ok();
    assert_eq!(events["data"], json!([told]));
    let path = format!("/v1/webhooks/{failing}");
    let seen = system.get(&path).await.ok();
    assert_eq!(seen["state"], "disabled");
    assert_eq!(seen["reason"], "it failed for 72 hours, the last time because it answered 500");
    assert_eq!(receiver.received().len(), attempts, "it is told nothing more");

    // Resumed, it is told all that was held back.
    receiver.behave(Manner::Status(200, ""));
    let resume = system.request(Method::PATCH, &path).json(&json!({"state": "active"}));
    system.send(resume).await.ok();
    let taken = receiver.until_taken(expected.len() + 1).await;
    let last = taken.last().unwrap().event();
    assert_eq!(
        (&last["type"], &last["data"]["id"]),
        (&json!("webhook_endpoint.changed"), &json!(failing.to_string()))
    );
    assert_eq!(receiver.seqs()[..expected.len()], expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_moves_to_a_private_address_is_told_nothing_there() {
    // To this service, 127.0.0.2 is a public address and 127.0.0.1 is not.
    let public = Receiver::start_at(SocketAddr::from(([127, 0, 0, 2], 0))).await;
    let private = Receiver::start_at(SocketAddr::from(([127, 0, 0, 1], public.address.port()))).await;
    let mut server = Server::demo(&[]);
    assert!(server.terminate().success());
    let house = House::open(&server, "127.0.0.2/32").await;
    let subject = house.subject().await;
    let told = house.add(public.url_by("hooks.bank.example"), &[]).await;
    house.names.say(&[&["127.0.0.2"]]);
    let mut expected = vec![house.event(subject).await];
    public.until_taken(1).await;

    let moves: [&[&[&str]]; 4] = [
        &[&["127.0.0.1"]],
        // One private address among public ones.
        &[&["127.0.0.2", "127.0.0.1"]],
        &[&["::ffff:127.0.0.1"]],
        &[&["169.254.169.254"]],
    ];
    for (before, answers) in moves.into_iter().enumerate() {
        let due = house.endpoint(told).await.next_at_us;
        house.names.say(answers);
        expected.push(house.event(subject).await);
        house.clock.reach(due);
        house.until_failed_again(told, before as i64).await;
    }
    assert_eq!((public.received().len(), house.names.asked()), (1, 5));
    // A name is asked once for each message, and so can't say something else for the connection.
    let due = house.endpoint(told).await.next_at_us;
    house.names.say(&[&["127.0.0.2"], &["127.0.0.1"]]);
    house.clock.reach(due);
    until("the name is asked again", async || (house.names.asked() >= 7).then_some(())).await;
    let failed = house.until_failed_again(told, 0).await;
    assert_eq!((public.received().len(), house.names.asked()), (2, 7));

    house.names.say(&[&["127.0.0.2"]]);
    house.clock.reach(failed.next_at_us);
    public.until_taken(expected.len()).await;
    assert_eq!(public.seqs(), expected);
    assert_eq!(private.received().len(), 0, "nothing reaches the private address");
    house.close().await;

    let server = Server::start(server.data_dir(), free_ports(), &[]);
    let path = format!("/v1/webhooks/{told}/deliveries?limit=500");
    let deliveries = server.system(0).await.get(&path).await.ok();
    let failed: Vec<&Value> =
        deliveries["data"].as_array().unwrap().iter().filter(|one| one["state"] == "failed").collect();
    assert_eq!(failed.len(), 5);
    assert!(failed.iter().all(|one| one["error"] == "the address is not a public one"), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_is_mended_while_it_fails_is_neither_disabled_nor_put_off() {
    let receiver = Receiver::start().await;
    let mut server = Server::demo(&[]);
    assert!(server.terminate().success());
    let house = House::open(&server, "127.0.0.0/8").await;
    let subject = house.subject().await;
    house.names.say(&[&["10.0.0.1"]]);
    let watched = [EventType::WebhookEndpointChanged];
    let told = house.add(receiver.url_by("hooks.bank.example"), &watched).await;
    let mended = [
        // What is wrong is elsewhere than in the endpoint: only how often it failed says that it is new.
        Changes { description: Some("mended".to_owned()), ..Changes::default() },
        Changes { url: Some(receiver.url()), ..Changes::default() },
    ];
    let first = house.event(subject).await;
    for changes in mended {
        let failed = house.until_failed_again(told, 0).await;
        // The last attempt there is, and nobody answers yet.
        let (silence, asked) = (Arc::clone(&house.names.silence).lock_owned().await, house.names.asked());
        house.clock.reach(failed.failing_since_us.unwrap() + 72 * HOUR_US);
        house.event(subject).await;
        until("it is tried", async || (house.names.asked() > asked).then_some(())).await;
        house.change(told, changes).await;
        drop(silence);
    }
    receiver.until_taken(5).await;
    assert_eq!(receiver.seqs()[0], first, "all that was held back");
    let now = house.endpoint(told).await;
    assert_eq!((now.state.as_str(), now.reason, now.attempts), ("active", None, 0));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_is_changed_while_it_is_tried_for_the_first_time_is_tried_anew_at_once() {
    let receiver = Receiver::start().await;
    let mut server = Server::demo(&[]);
    assert!(server.terminate().success());
    let house = House::open(&server, "127.0.0.0/8").await;
    let subject = house.subject().await;
    let change = |id, changes: Changes| settings::change(By::service(), id, changes, None).unwrap();
    let changes: [&dyn Fn(EndpointId) -> Filing; 4] = [
        &|id| change(id, Changes { description: Some("mended".to_owned()), ..Changes::default() }),
        &|id| change(id, Changes { state: Some("active"), ..Changes::default() }),
        &|id| settings::rotate(By::service(), id, 24, None).unwrap(),
        &|id| settings::set_back(By::service(), id, 1_000_000, String::new(), None).unwrap(),
    ];
    for changed in changes {
        house.names.say(&[&["10.0.0.1"]]);
        let watched = [EventType::WebhookEndpointChanged];
        let told = house.add(receiver.url_by("hooks.bank.example"), &watched).await;
        let (silence, asked) = (Arc::clone(&house.names.silence).lock_owned().await, house.names.asked());
        house.event(subject).await;
        until("it is tried", async || (house.names.asked() > asked).then_some(())).await;
        house.names.say(&[&["127.0.0.1"]]);
        house.file(changed(told)).await;
        drop(silence);
        let made = until("it is tried twice", async || {
            Some(house.attempts(told).await).filter(|made| made.len() > 1)
        })
        .await;
        let made: Vec<(&str, i64)> = made[..2].iter().map(|one| (one.state.as_str(), one.number)).collect();
        // One that was put off would be tried a second time.
        assert_eq!(made, [("failed", 1), ("succeeded", 1)]);
        house.change(told, Changes { state: Some("paused"), ..Changes::default() }).await;
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_must_have_a_certificate_of_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    let receiver = Receiver::start_tls("hooks.bank.example", &ca_file).await;
    let mut server = Server::demo(&[]);
    assert!(server.terminate().success());
    let house = House::open_trusting(&server, "127.0.0.1/32", Some(ca_file)).await;
    house.names.say(&[&["127.0.0.1"]]);
    let subject = house.subject().await;
    let url = |host: &str| format!("https://{host}:{}/hook", receiver.address.port());
    let other = house.add(url("other.bank.example"), &[EventType::WebhookEndpointChanged]).await;
    let own = house.add(url("hooks.bank.example"), &[EventType::WebhookEndpointChanged]).await;
    let seq = house.event(subject).await;
    receiver.until_taken(1).await;
    house.until_failed_again(other, 0).await;
    until("it is told", async || (house.endpoint(own).await.position == seq).then_some(())).await;
    assert_eq!(receiver.seqs(), [seq], "another name's is told nothing");
    house.close().await;
}
