//! `/v1/events`: derived from the ledger, asked for page by page or followed.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Caller, Ledger, Server, data, proof,
    sse::{Frame, Stream},
};

const EVENTS: &str = "/v1/events";

/// Delivers transactions on accounts of their own, then corrects the first and reverses the second.
async fn deliver(server: &Server, count: usize) {
    let lines: Vec<Value> = (0..count).map(|_| data::transaction(&data::unique("event"))).collect();
    let revisions: Vec<Value> = lines
        .iter()
        .zip(["correction", "reversal"])
        .map(|(line, kind)| data::revised(line, kind, "as the bank said"))
        .collect();
    let feeder = server.feeder().await;
    for lines in [lines, revisions] {
        feeder.deliver(server.institution(0), &data::ndjson(&lines)).await.ok();
    }
}

/// The last entry of the log: this look.
async fn now(system: &Caller) -> i64 {
    i64::try_from(system.get("/v1/institution").await.receipt().1).unwrap()
}

/// All events that a query has, page by page.
async fn all(system: &Caller, query: &str) -> Vec<Value> {
    let (mut events, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = system.get(&format!("{EVENTS}?{query}{cursor}")).await.ok();
        events.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["page"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return events,
        }
    }
}

fn seqs(events: &[Value]) -> Vec<i64> {
    events.iter().map(|event| event["id"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn what_happens_is_an_event_that_names_and_does_not_tell() {
    let server = Server::demo(&[]);
    let system = server.system(0).await;
    let before = now(&system).await;
    deliver(&server, 2).await;
    system.post("/v1/exports", &json!({"of": "transactions", "format": "csv"})).await.ok();
    system.post("/v1/evidence-bundles", &json!({"from_seq": "0", "to_seq": "3"})).await.ok();
    server.enrol(0, &json!({"name": "another", "scopes": ["accounts:read"]})).await;
    let events = all(&system, &format!("after={before}")).await;
    let types: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        [
            "account.created",
            "transaction.created",
            "account.created",
            "transaction.created",
            "transaction.corrected",
            "transaction.reversed",
            "export.ordered",
            "evidence_bundle.ordered",
            "client.changed",
        ]
    );
    for event in &events {
        let names: Vec<&String> = event.as_object().unwrap().keys().collect();
        assert_eq!(names, ["data", "id", "timestamp", "type"]);
        let names: Vec<&String> = event["data"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["id", "log", "seq"]);
        assert_eq!(event["data"]["seq"], event["id"]);
        let entry = system.get(&format!("/v1/ledger/entries/{}", event["id"].as_str().unwrap())).await.ok();
        let entry: Value = serde_json::from_str(entry["entry"].as_str().unwrap()).unwrap();
        assert_eq!(entry["subject"]["id"], event["data"]["id"], "{entry}");
        assert_eq!(entry["at"], event["timestamp"]);
    }
    let transaction = events[1]["data"]["id"].as_str().unwrap();
    system.get(&format!("/v1/transactions/{transaction}")).await.ok();

    let some =
        all(&system, &format!("after={before}&type[in]=transaction.corrected,export.ordered&limit=1")).await;
    assert_eq!(seqs(&some), [seqs(&events)[4], seqs(&events)[6]]);
    let pages = all(&system, &format!("after={before}&limit=2")).await;
    assert_eq!(pages, events);
    // Another institution sees none of it.
    let other = all(&server.system(1).await, "type[in]=transaction.reversed").await;
    assert_eq!(other, Vec::<Value>::new());
    system.get(&format!("{EVENTS}?type[in]=transaction.made")).await.problem(400, "invalid_parameter");
    system.get(&format!("{EVENTS}?after=x")).await.problem(400, "invalid_parameter");
}

#[tokio::test]
async fn a_stream_that_breaks_off_goes_on_where_it_was_and_none_is_missing_or_told_twice() {
    let server = Server::demo(&[]);
    let system = server.system(0).await;
    let before = now(&system).await;
    let (mut got, mut last) = (Vec::new(), before);
    for round in 0..6 {
        // Something happens before it is opened, and more while it is read.
        deliver(&server, 40).await;
        let mut stream = Stream::open(&system, "", Some(last)).await;
        let (_, ()) = tokio::join!(deliver(&server, 40), async {
            for _ in 0..(30 + 20 * round) {
                got.push(stream.seq().await);
            }
        });
        last = *got.last().unwrap();
    }
    let expected = seqs(&all(&system, &format!("after={before}&limit=500")).await);
    let mut stream = Stream::open(&system, &format!("?last_event_id={last}"), None).await;
    while got.len() < expected.len() {
        got.push(stream.seq().await);
    }
    assert_eq!(got, expected);
    assert!(expected.len() > 900);

    // Some types, from now on.
    let mut stream = Stream::open(&system, "?type[in]=transaction.reversed", None).await;
    deliver(&server, 2).await;
    let Some(Frame::Event { event, .. }) = stream.next().await else { panic!("an event") };
    assert_eq!(event, "transaction.reversed");
    let beyond = system.request(Method::GET, "/v1/events/stream").header("last-event-id", "99999999");
    system.send(beyond).await.problem(400, "invalid_parameter");
    system.get("/v1/events/stream?last_event_id=x").await.problem(400, "invalid_parameter");
}

#[tokio::test]
async fn each_part_of_a_stream_is_a_look_and_a_look_is_no_event() {
    let server = Server::demo_with(&[], &[("VERITRAIL_EVENTS__HEARTBEAT_S", "1")]);
    let system = server.system(0).await;
    let request = "stream-that-is-recorded";
    let opened = system.request(Method::GET, "/v1/events/stream").header("x-request-id", request);
    let mut response = opened.send().await.unwrap();
    assert!(response.headers()["audit-receipt"].to_str().unwrap().contains("/ledger/"));
    assert_eq!(&response.chunk().await.unwrap().unwrap()[..], b"retry: 1000\n\n");
    let (mut parts, mut beats) = (Vec::new(), 0);
    for _ in 0..2 {
        deliver(&server, 1).await;
        // A part that is told is followed by quiet: what recorded it tells nothing.
        let began = parts.len();
        while parts.len() == began || beats < 2 * (began + 1) {
            let part = response.chunk().await.unwrap().unwrap();
            if part.starts_with(b":") { beats += 1 } else { parts.push(part) }
        }
    }
    let found = Ledger::of(&server).naming(server.institution(0), request).await;
    let beginning = Ledger::access(&found, request);
    assert_eq!(beginning["digest"], proof::content_digest(b""));
    for (number, part) in parts.iter().enumerate() {
        let look = Ledger::access(&found, &format!("{request}.{}", number + 1));
        assert_eq!(look["digest"], proof::content_digest(part));
        assert_eq!(look["actor"], system.client_id.as_str());
    }
    assert_eq!(found.len(), 1 + parts.len(), "nothing else is recorded of it");
}

#[tokio::test]
async fn streams_are_counted_and_end_with_their_time_their_token_and_the_service() {
    let environment =
        [("VERITRAIL_EVENTS__HEARTBEAT_S", "1"), ("VERITRAIL_EVENTS__STREAMS_PER_CLIENT_MAX", "2")];
    let mut server = Server::demo_with(&[], &environment);
    let system = server.system(0).await;
    let first = Stream::open(&system, "", None).await;
    let mut second = Stream::open(&system, "", None).await;
    let refused = system.get("/v1/events/stream").await;
    assert!(refused.header("retry-after").is_some());
    refused.problem(429, "quota_exceeded");
    // Another client has places of its own.
    let mut short = Stream::open(&server.system(1).await, "?duration_s=0", None).await;
    assert_eq!(short.next().await, None);

    // One that hangs up frees its place: the service sees that with the next beat.
    drop(first);
    let began = std::time::Instant::now();
    let mut third = loop {
        let opened = system.request(Method::GET, "/v1/events/stream").send().await.unwrap();
        if opened.status() == 200 {
            break opened;
        }
        assert!(began.elapsed().as_secs() < 60, "the place is not freed");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    };

    // A token that is revoked ends its streams.
    let client = &server.demo["institutions"][0]["clients"][0];
    let revoke = system
        .with_token(None)
        .request(Method::POST, "/oauth2/revoke")
        .basic_auth(client["client_id"].as_str().unwrap(), client["client_secret"].as_str())
        .form(&[("token", system.token.as_deref().unwrap())]);
    assert_eq!(system.send(revoke).await.status, 200);
    while second.next().await.is_some() {}
    while third.chunk().await.unwrap().is_some() {}

    // A service that stops ends them too, and waits for none.
    let mut last = Stream::open(&server.system(0).await, "", None).await;
    let stopped = tokio::task::spawn_blocking(move || server.terminate());
    while last.next().await.is_some() {}
    assert!(stopped.await.unwrap().success());
}
