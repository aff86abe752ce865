//! `/v1/lineage/events`, and what clients send that is odd, huge or another's.

use reqwest::Method;
use serde_json::{Value, json};

use super::lineage::{TELL, columns_of, drawn, event, graph, input, set, tell};
use crate::support::{Caller, Server};

#[tokio::test]
async fn events_are_given_back_as_they_were_sent() {
    let server = Server::demo(&[]);
    let system = server.system(0).await;
    // Members in an order of its own, a number that no float holds, an escape, a facet that nobody knows.
    let odd = r#"{"run":{"runId":"r0","facets":{"x_own":{"n":1.10,"big":12345678901234567890123,"s":"\u00e9"}}},"job":{"name":"odd","namespace":"etl"},"eventTime":"2026-01-05T09:30:00.123456789Z"}"#;
    let request = system.request(Method::POST, TELL).header("content-type", "application/json");
    assert_eq!(system.send(request.body(odd)).await.status, 201);
    let mut sent = vec![odd.to_owned()];
    for number in 0..4 {
        let told = event("COMPLETE", "job", &format!("r{number}"), &["in"], &["out"]);
        tell(&system, &told).await.ok();
        sent.push(told.to_string());
    }
    let whole = async |caller: &Caller, path: &str| {
        let request = caller.request(Method::GET, path).header("accept", "application/x-ndjson");
        caller.send(request).await
    };
    let all = whole(&system, "/v1/lineage/events").await;
    assert_eq!(all.status, 200, "{}", all.text());
    // The demo's own log has events too: those of this institution that nobody sent came before.
    let text = all.text();
    let lines: Vec<&str> = text.lines().collect();
    let ours = &lines[lines.len() - sent.len()..];
    assert_eq!(ours, sent);
    let page = system.get("/v1/lineage/events?limit=5&sort=-seq").await;
    assert!(page.text().contains(odd), "verbatim in a page, too");

    let seqs = |events: &[Value]| {
        events.iter().map(|one| one["seq"].as_str().unwrap().parse::<u64>().unwrap()).collect::<Vec<_>>()
    };
    let up = seqs(&system.pages_of("/v1/lineage/events", 2).await);
    let mut down = seqs(&system.pages_of("/v1/lineage/events?sort=-seq", 2).await);
    assert!(up.is_sorted() && up.len() == lines.len(), "{up:?}");
    down.reverse();
    assert_eq!(up, down);
    let before = format!("/v1/lineage/events?as_of={}", up[up.len() - 2]);
    assert_eq!(whole(&system, &before).await.text().lines().count(), lines.len() - 1);
    let other = whole(&server.system(1).await, "/v1/lineage/events").await;
    assert!(!other.text().contains(r#""odd""#), "{}", other.text());
}

#[tokio::test]
async fn pages_of_large_events_have_few() {
    let server = Server::demo(&[]);
    server.lift_limits();
    let system = server.system(0).await;
    for number in 0..4 {
        let mut large = event("COMPLETE", "large", &format!("r{number}"), &[], &[]);
        large["run"]["facets"] = json!({"x_large": {"text": "x".repeat(4 << 20)}});
        assert_eq!(tell(&system, &large).await.status, 201);
    }
    let page = system.get("/v1/lineage/events?sort=-seq").await.ok();
    assert!(page["data"].as_array().unwrap().len() < 9);
    let all = system.pages("/v1/lineage/events?sort=-seq").await;
    let large = all.iter().filter(|one| one["event"]["job"]["name"] == "large");
    assert_eq!(large.count(), 4);
    let mut larger = event("COMPLETE", "large", "r9", &[], &[]);
    larger["run"]["facets"] = json!({"x_large": {"text": "x".repeat(5 << 20)}});
    assert_eq!(tell(&system, &larger).await.status, 413);
}

#[tokio::test]
async fn what_is_extreme_is_taken_or_refused_and_harms_nothing() {
    let server = Server::demo(&[]);
    server.lift_limits();
    let system = server.system(0).await;
    let send = async |body: String| {
        let request = system.request(Method::POST, TELL).header("content-type", "application/json");
        system.send(request.body(body)).await
    };
    // A facet that is nested deeper than any stack.
    let (open, close) = ("[".repeat(200_000), "]".repeat(200_000));
    let deep = format!(
        r#"{{"eventTime":"2026-01-05T09:30:00Z","run":{{"runId":"deep","facets":{{"parent":{open}{close}}}}},"job":{{"namespace":"etl","name":"deep"}}}}"#
    );
    let answer = send(deep).await.status.as_u16();
    assert!([201, 400, 422].contains(&answer), "{answer}");
    // As many columns as a wide table has, and more than a graph takes.
    for (columns, status) in [(3_000, 201), (20_001, 422)] {
        let mut wide = event("COMPLETE", "wide", &format!("r{columns}"), &["in"], &["out"]);
        let fields: serde_json::Map<String, Value> = (0..columns)
            .map(|n| (format!("c{n}"), json!({"inputFields": [input("in", &format!("c{n}"))]})))
            .collect();
        wide["outputs"][0]["facets"] = columns_of(&Value::Object(fields), &json!([]));
        assert_eq!(tell(&system, &wide).await.status, status, "{columns}");
    }
    let drawn = graph(&system, "node=dataset:here:out&direction=upstream").await;
    assert_eq!(drawn["columns"].as_array().unwrap().len(), 3_000);
    // A name as long as it may be, and one that is longer.
    let name = "ä".repeat(2_000);
    assert_eq!(tell(&system, &event("COMPLETE", &name, "long", &[], &[])).await.status, 201);
    assert_eq!(tell(&system, &event("COMPLETE", &format!("{name}ä"), "long", &[], &[])).await.status, 422);
}

#[tokio::test]
async fn institutions_whose_names_are_the_same_do_not_mix() {
    let server = Server::demo(&[]);
    let (one, other) = (server.system(0).await, server.system(1).await);
    let told = event("COMPLETE", "same", "r1", &["in"], &["out"]);
    assert_eq!(tell(&one, &told).await.status, 201);
    // It is nothing that is on record for the other one.
    assert_eq!(other.get("/v1/lineage?node=job:etl:same").await.status, 404);
    assert_eq!(tell(&other, &told).await.status, 201);
    tell(&other, &event("COMPLETE", "same", "r2", &["in"], &["elsewhere"])).await.ok();
    let graph_of_one = drawn(&graph(&one, "node=job:etl:same").await).0;
    let own = ["dataset:here:in -> job:etl:same", "job:etl:same -> dataset:here:out"];
    assert_eq!(graph_of_one, set(&own));
    // And nobody tells anything of another one by naming it.
    let path = format!("{TELL}?institution={}", server.institution(0));
    let foreign = other.post(&path, &event("COMPLETE", "foreign", "r3", &[], &[])).await;
    assert!(matches!(foreign.status.as_u16(), 403 | 404), "{}", foreign.text());
    assert_eq!(one.get("/v1/lineage?node=job:etl:foreign").await.status, 404);
}
