//! `/v1/webhooks`: endpoints that are told what happens, and receivers that behave badly.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Answer, Caller, Ledger, Server, data, proof,
    receiver::{Manner, Receiver, check_with_public_library, refused_by_public_library, until},
};

const WEBHOOKS: &str = "/v1/webhooks";
const HOOK: &str = "https://hooks.bank.example/veritrail";

/// A service that may tell the receivers of these tests.
fn server() -> Server {
    Server::demo_with(
        &[],
        &[
            ("VERITRAIL_WEBHOOKS__ALLOW_HTTP", "true"),
            ("VERITRAIL_WEBHOOKS__ALLOW_NETWORKS", "127.0.0.0/8"),
            ("VERITRAIL_WEBHOOKS__TIMEOUT_S", "2"),
        ],
    )
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn path(endpoint: &Value) -> String {
    format!("{WEBHOOKS}/{}", text(&endpoint["id"]))
}

async fn add(system: &Caller, order: Value) -> Value {
    let made = system.post(WEBHOOKS, &order).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let endpoint = made.json();
    assert_eq!(made.header("location"), Some(path(&endpoint).as_str()));
    endpoint
}

async fn change(system: &Caller, endpoint: &Value, change: Value) -> Answer {
    system.send(system.request(Method::PATCH, &path(endpoint)).json(&change)).await
}

/// Sends an endpoint a test.
async fn try_out(system: &Caller, endpoint: &Value) -> Value {
    let request = system.request(Method::POST, &format!("{}/test", path(endpoint)));
    let ordered = system.send(request).await;
    assert_eq!(ordered.status, 202, "{}", ordered.text());
    ordered.json()
}

async fn attempts(system: &Caller, endpoint: &Value) -> Vec<Value> {
    let page = system.get(&format!("{}/deliveries?limit=500", path(endpoint))).await.ok();
    page["data"].as_array().unwrap().clone()
}

/// Waits until an ordered attempt is made.
async fn until_made(system: &Caller, endpoint: &Value, ordered: &Value) -> Value {
    until("an attempt is made", async || {
        let all = attempts(system, endpoint).await;
        all.into_iter().find(|one| one["id"] == ordered["attempt"] && one["state"] != "ordered")
    })
    .await
}

async fn deliver(server: &Server, count: usize) {
    let lines: Vec<Value> = (0..count).map(|_| data::transaction(&data::unique("hook"))).collect();
    server.feeder().await.deliver(server.institution(0), &data::ndjson(&lines)).await.ok();
}

#[tokio::test]
async fn an_endpoint_is_made_changed_and_removed_and_the_ledger_has_it_without_any_secret() {
    let server = Server::shared();
    let system = server.system(0).await;
    let plain = add(&system, json!({"url": HOOK, "events": ["transaction.created"]})).await;
    assert_eq!((&plain["state"], &plain["signature"]), (&json!("active"), &json!("ed25519")));
    assert!(text(&plain["public_key"]).starts_with("whpk_"));
    assert_eq!(plain.get("secret"), None);

    let (order, key) = (json!({"url": HOOK, "signature": "hmac_sha256"}), data::unique("key"));
    let make = async || {
        let request = system.request(Method::POST, WEBHOOKS).json(&order).header("idempotency-key", &key);
        system.send(request).await
    };
    let shared = make().await.ok();
    let secret = text(&shared["secret"]);
    assert!(secret.starts_with("whsec_"));
    let again = make().await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let again = again.ok();
    assert_eq!((&again["id"], again.get("secret")), (&shared["id"], None), "a secret is told once");
    for path in [WEBHOOKS.to_owned(), path(&shared)] {
        assert!(!system.get(&path).await.text().contains(secret.strip_prefix("whsec_").unwrap()));
    }

    let changed =
        change(&system, &plain, json!({"state": "paused", "events": [], "description": "Ledger"})).await;
    let changed = changed.ok();
    assert_eq!((&changed["state"], &changed["events"]), (&json!("paused"), &json!([])));
    let rotated =
        system.post(&format!("{}/rotate-secret", path(&shared)), &json!({"overlap_hours": 1})).await.ok();
    let second = text(&rotated["secret"]);
    assert_ne!(second, secret);
    let gone = system.send(system.request(Method::DELETE, &path(&plain))).await.ok();
    assert_eq!(gone["state"], "deleted");
    system.get(&path(&plain)).await.problem(404, "not_found");
    change(&system, &plain, json!({"state": "active"})).await.problem(404, "not_found");
    system.send(system.request(Method::DELETE, &path(&plain))).await.problem(404, "not_found");

    let ledger = Ledger::of(server);
    let actions = async |endpoint: &Value| -> Vec<String> {
        let found = ledger.naming(server.institution(0), text(&endpoint["id"])).await;
        let filed = found.iter().filter(|entry| entry.kind == "grant");
        filed.map(|entry| text(&entry.payload["action"]).to_owned()).collect()
    };
    assert_eq!(actions(&plain).await, ["create", "change", "delete"]);
    assert_eq!(actions(&shared).await, ["create", "rotate_secret"]);
    for secret in [secret, second] {
        let secret = secret.strip_prefix("whsec_").unwrap();
        assert!(ledger.naming(server.institution(0), secret).await.is_empty(), "it is on no ledger");
    }
}

#[tokio::test]
async fn what_is_no_public_address_or_no_endpoint_is_refused() {
    let server = Server::shared();
    let system = server.system(0).await;
    let endpoint = add(&system, json!({"url": HOOK})).await;
    for url in [
        "http://hooks.bank.example/",
        "ftp://hooks.bank.example/",
        "hooks.bank.example",
        "https://",
        "https://user:word@hooks.bank.example/",
        "https://hooks.bank.example/#part",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://127.0.0.1./",
        "https://10.0.0.1:8443/",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[fd00::1]/",
        "https://[2002:7f00:1::]/",
        &format!("https://hooks.bank.example/{}", "x".repeat(2048)),
    ] {
        system.post(WEBHOOKS, &json!({"url": url})).await.problem(422, "refused");
        change(&system, &endpoint, json!({"url": url})).await.problem(422, "refused");
    }
    for order in [
        json!({"url": HOOK, "events": ["transaction.made"]}),
        json!({"url": HOOK, "description": "x".repeat(201)}),
        json!({"url": HOOK, "signature": "none"}),
        json!({"url": HOOK, "secret": "whsec_mine"}),
    ] {
        let refused = system.post(WEBHOOKS, &order).await;
        assert!([400, 422].contains(&refused.status.as_u16()), "{order}: {}", refused.text());
    }
    let redeliver = format!("{}/redeliver", path(&endpoint));
    for order in [
        json!({}),
        json!({"event": "0", "since": "2026-01-05T09:30:00Z"}),
        json!({"event": "99999999"}),
        json!({"since": "yesterday"}),
    ] {
        system.post(&redeliver, &order).await.problem(422, "refused");
    }

    // A name is looked up when something is sent to it: this one leads to a private address.
    let local = add(&system, json!({"url": "https://localhost:1/"})).await;
    let ordered = try_out(&system, &local).await;
    let made = until_made(&system, &local, &ordered).await;
    assert_eq!(
        (&made["state"], &made["error"]),
        (&json!("failed"), &json!("the address is not a public one"))
    );
    assert_eq!(made.get("status").filter(|status| !status.is_null()), None);
}

#[tokio::test]
async fn receivers_that_behave_badly_are_put_off_and_one_that_is_gone_is_told_nothing_more() {
    let server = server();
    let system = server.system(0).await;
    let elsewhere = Receiver::start().await;
    let late = "no whole answer within 2 s";
    let manners = [
        (Manner::Status(500, "broken"), Some("it answered 500")),
        (Manner::Redirect(elsewhere.url()), Some("redirects are not followed")),
        (Manner::Late(Duration::from_secs(4)), Some(late)),
        (Manner::Stall, Some(late)),
        (Manner::Endless, None),
        (Manner::Status(204, ""), None),
        (Manner::Status(410, ""), Some("it answered 410")),
    ];
    let mut told = Vec::new();
    for (manner, error) in manners {
        let receiver = Receiver::start().await;
        receiver.behave(manner.clone());
        let order = json!({"url": receiver.url(), "events": ["transaction.created"]});
        let endpoint = add(&system, order).await;
        told.push((receiver, endpoint, manner, error));
    }
    deliver(&server, 1).await;
    for (receiver, endpoint, manner, error) in &told {
        let made = until("an attempt is made", async || attempts(&system, endpoint).await.pop()).await;
        assert_eq!(made.get("error").and_then(Value::as_str), *error, "{manner:?}: {made}");
        assert_eq!(made["state"], if error.is_none() { "succeeded" } else { "failed" });
        let kept = made["answer"].as_str().unwrap_or_default();
        match manner {
            Manner::Endless => assert_eq!(kept.len(), 1024),
            Manner::Status(500, body) => assert_eq!(kept, *body),
            Manner::Late(_) | Manner::Stall => assert!(made["took_ms"].as_i64().unwrap() >= 2_000),
            _ => {}
        }
        let now = until("the endpoint says so", async || {
            let now = system.get(&path(endpoint)).await.ok();
            (error.is_none() || now["failed_attempts"] != 0 || now["state"] == "disabled").then_some(now)
        })
        .await;
        match (manner, error) {
            (Manner::Status(410, _), _) => {
                assert_eq!(now["state"], "disabled");
                assert_eq!(now["reason"], "it answered 410: nothing more is wanted");
            }
            (_, None) => assert_eq!((&now["state"], &now["failed_attempts"]), (&json!("active"), &json!(0))),
            (_, Some(_)) => {
                assert_eq!(now["state"], "active");
                assert!(now["next_attempt_at"].as_str() > now["failing_since"].as_str(), "{now}");
            }
        }
        // What is tried again is the same message.
        receiver.behave(Manner::Status(200, ""));
    }
    for (receiver, endpoint, manner, error) in &told {
        if error.is_none() || matches!(manner, Manner::Status(410, _)) {
            assert_eq!(receiver.received().len(), 1, "{manner:?}");
            continue;
        }
        // A change of its owner's has it tried at once.
        change(&system, endpoint, json!({"description": "mended"})).await.ok();
        receiver.until_taken(1).await;
        let received = receiver.received();
        let first = &received[0];
        assert!(received.iter().all(|one| one.header("webhook-id") == first.header("webhook-id")));
        assert!(received.iter().all(|one| one.body == first.body), "{manner:?}");
    }
    assert_eq!(elsewhere.received().len(), 0, "no redirect is followed");
}

#[tokio::test]
async fn a_rotated_key_signs_beside_the_one_before_until_the_overlap_ends() {
    let server = server();
    let system = server.system(0).await;
    let receiver = Receiver::start().await;
    let hmac = add(
        &system,
        json!({"url": receiver.url(), "signature": "hmac_sha256", "events": ["account.created"]}),
    )
    .await;
    let ed = add(&system, json!({"url": receiver.url(), "events": ["account.created"]})).await;
    let rotate = async |endpoint: &Value, overlap_hours: u32| {
        let order = json!({"overlap_hours": overlap_hours});
        system.post(&format!("{}/rotate-secret", path(endpoint)), &order).await.ok()
    };
    let send = async |endpoint: &Value| {
        let ordered = try_out(&system, endpoint).await;
        let made = until_made(&system, endpoint, &ordered).await;
        assert_eq!((&made["state"], &made["type"]), (&json!("succeeded"), &json!("webhook.test")), "{made}");
        let received = receiver.received();
        received.into_iter().find(|one| one.header("webhook-id") == text(&made["message_id"])).unwrap()
    };
    let second = rotate(&hmac, 24).await;
    let message = send(&hmac).await;
    assert_eq!(message.signatures().len(), 2);
    for secret in [&hmac["secret"], &second["secret"]] {
        check_with_public_library(text(secret), std::slice::from_ref(&message));
    }
    let third = rotate(&hmac, 0).await;
    let message = send(&hmac).await;
    assert_eq!(message.signatures().len(), 1);
    check_with_public_library(text(&third["secret"]), std::slice::from_ref(&message));
    assert_eq!(refused_by_public_library(text(&second["secret"]), &[message]), 1);

    let second = rotate(&ed, 24).await;
    assert_eq!(second["previous_public_key"], ed["public_key"]);
    let message = send(&ed).await;
    assert!(
        message.is_signed_by(text(&ed["public_key"])) && message.is_signed_by(text(&second["public_key"]))
    );
    let third = rotate(&ed, 0).await;
    assert_eq!(third.get("previous_public_key"), None);
    let message = send(&ed).await;
    assert!(
        message.is_signed_by(text(&third["public_key"]))
            && !message.is_signed_by(text(&second["public_key"]))
    );
}

#[tokio::test]
async fn one_event_or_all_since_a_time_are_told_again_and_each_message_is_a_look() {
    let server = server();
    let system = server.system(0).await;
    let receiver = Receiver::start().await;
    let endpoint = add(&system, json!({"url": receiver.url(), "events": ["transaction.created"]})).await;
    deliver(&server, 3).await;
    receiver.until_taken(3).await;
    // A later time.
    deliver(&server, 2).await;
    let first = receiver.until_taken(5).await;
    let seqs = receiver.seqs();

    let redeliver = format!("{}/redeliver", path(&endpoint));
    let order = json!({"event": seqs[1].to_string()});
    let ordered = system.post(&redeliver, &order).await.ok();
    let made = until_made(&system, &endpoint, &ordered).await;
    assert_eq!(made["message_id"], first[1].header("webhook-id"));
    let again = receiver.until_taken(6).await;
    assert_eq!(
        (&again[5].body, again[5].header("webhook-id")),
        (&first[1].body, first[1].header("webhook-id"))
    );

    // One that is paused is told when it is active again.
    change(&system, &endpoint, json!({"state": "paused"})).await.ok();
    deliver(&server, 1).await;
    let since = first[3].event()["timestamp"].clone();
    system.post(&redeliver, &json!({"since": since})).await.ok();
    let ordered = try_out(&system, &endpoint).await;
    until_made(&system, &endpoint, &ordered).await;
    assert_eq!(receiver.received().len(), 7, "a test is sent, and nothing else");
    change(&system, &endpoint, json!({"state": "active"})).await.ok();
    let all = receiver.until_taken(10).await;
    assert_eq!(receiver.seqs()[7..9], seqs[3..]);
    assert!(receiver.seqs()[9] > seqs[4]);

    // Each message that was sent is on the ledger, with the digest of what it said.
    let found = Ledger::of(&server).naming(server.institution(0), text(&endpoint["id"])).await;
    let looks: Vec<Value> = found
        .iter()
        .filter(|entry| entry.kind == "access")
        .flat_map(|entry| entry.payload["accesses"].as_array().unwrap().clone())
        .filter(|look| look["actor"] == endpoint["id"])
        .collect();
    assert_eq!(looks.len(), all.len());
    for (look, message) in looks.iter().zip(&all) {
        assert_eq!(look["request"], message.header("webhook-id"));
        assert_eq!(look["digest"], proof::content_digest(message.body.as_bytes()));
        assert_eq!(look["path"], receiver.url());
    }
}
