//! What clients used, counted by client, route and day.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Caller, Server, data, engine::Engine, forge, postgres::Postgres, replicas::Replicas, server::free_ports,
};

/// A new institution's id.
async fn institution(operator: &Caller) -> String {
    let name = data::unique("used");
    let made = operator.post("/admin/v1/institutions", &json!({"name": name, "plan": "standard"})).await.ok();
    made["id"].as_str().unwrap().to_owned()
}

async fn client(server: &Server, institution: &str, scopes: &[&str]) -> Caller {
    let path = format!("/admin/v1/institutions/{institution}/clients");
    let made = server.operator().await.post(&path, &json!({"name": "x", "scopes": scopes})).await.ok();
    server.caller(&made, None).await
}

const ALL: &[&str] = &["institution:read", "evidence:read", "usage:read"];

async fn usage(caller: &Caller, query: &str) -> Vec<Value> {
    let told = caller.get(&format!("/v1/usage{query}")).await.ok();
    told["data"].as_array().unwrap().clone()
}

/// The row of a route.
fn of<'a>(rows: &'a [Value], route: &str) -> &'a Value {
    rows.iter().find(|row| row["route"] == route).unwrap_or_else(|| panic!("no {route} in {rows:?}"))
}

#[tokio::test]
async fn requests_units_refusals_and_bytes_are_counted_by_client_route_and_day() {
    let server = Server::shared();
    let institution = institution(&server.operator().await).await;
    let (one, two) = (client(server, &institution, ALL).await, client(server, &institution, ALL).await);
    let mut bytes = 0;
    for _ in 0..3 {
        bytes += one.get("/v1/institution").await.body.len();
    }
    bytes += one.get("/v1/institution?nonsense=1").await.body.len();
    bytes += two.get("/v1/transactions").await.body.len();
    two.post("/v1/evidence-bundles", &json!({})).await.ok();
    one.get("/v1/evidence-bundles/evb_0190163d8694739bba1a9fbee4e5c1b2").await.problem(404, "not_found");

    let rows = usage(&one, "?group_by=route,client").await;
    let looks = of(&rows, "GET /v1/institution");
    assert_eq!(
        (&looks["client_id"], &looks["requests"], &looks["units"]),
        (&json!(one.client_id), &json!(4), &json!(4))
    );
    assert_eq!(looks["refusals"], json!({"unknown_parameter": 1}));
    assert!(looks.get("day").is_none());
    let denied = of(&rows, "GET /v1/transactions");
    // What is refused for its scope costs nothing.
    assert_eq!((&denied["units"], &denied["refusals"]), (&json!(0), &json!({"insufficient_scope": 1})));
    assert_eq!(bytes as u64, looks["bytes"].as_u64().unwrap() + denied["bytes"].as_u64().unwrap());
    let bundles = of(&rows, "POST /v1/evidence-bundles");
    assert_eq!((&bundles["client_id"], &bundles["units"]), (&json!(two.client_id), &json!(20)));
    // A route is a pattern: what callers put into it is not in it.
    assert_eq!(of(&rows, "GET /v1/evidence-bundles/{id}")["refusals"], json!({"not_found": 1}));

    let all = usage(&one, "").await;
    // Those above, and the first question for usage.
    assert_eq!((all.len(), &all[0]["requests"], &all[0]["units"]), (1, &json!(8), &json!(26)));
    let clients = usage(&one, "?group_by=client").await;
    assert_eq!(clients.iter().map(|row| row["requests"].as_i64().unwrap()).sum::<i64>(), 9);
    let days = usage(&one, "?group_by=day").await;
    assert!((1..=2).contains(&days.len()), "{days:?}");
    assert!(usage(&one, "?from=2026-01-01&to=2026-01-31&group_by=day").await.is_empty());
}

#[tokio::test]
async fn another_institutions_usage_is_not_seen() {
    let server = Server::shared();
    let operator = server.operator().await;
    let (first, second) = (institution(&operator).await, institution(&operator).await);
    let (one, two) = (client(server, &first, ALL).await, client(server, &second, ALL).await);
    one.get("/v1/institution").await.ok();
    let rows = usage(&two, "?group_by=client").await;
    assert!(rows.iter().all(|row| row["client_id"] == two.client_id.as_str()), "{rows:?}");
    two.get(&format!("/v1/usage?institution={first}")).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_period_that_is_none_or_too_long_is_refused() {
    let system = Server::shared().system(0).await;
    for (query, status, code) in [
        ("from=2026-01-02&to=2026-01-01", 422, "refused"),
        ("from=2024-01-01&to=2026-01-01", 422, "refused"),
        ("from=2026-02-30", 400, "invalid_parameter"),
        ("group_by=clients", 400, "invalid_parameter"),
        ("group=client", 400, "unknown_parameter"),
    ] {
        system.get(&format!("/v1/usage?{query}")).await.problem(status, code);
    }
    assert_eq!(system.get("/v1/usage?to=0001-01-01").await.ok()["from"], "0001-01-01");
}

#[tokio::test]
async fn what_was_counted_outlives_an_orderly_stop() {
    let folder = tempfile::tempdir().unwrap();
    let (data_dir, port) = (folder.path().join("data"), free_ports());
    let mut server = Server::start(&data_dir, port, &[]);
    let system = server.system(0).await;
    let count = async |caller: &Caller| {
        of(&usage(caller, "?group_by=route").await, "GET /v1/institution")["requests"].as_i64()
    };
    for _ in 0..7 {
        system.get("/v1/institution").await.ok();
    }
    assert_eq!(count(&system).await, Some(7));
    assert!(server.terminate().success());
    let server = Server::start(&data_dir, port, &[]);
    assert_eq!(count(&server.system(0).await).await, Some(7));
}

#[tokio::test]
async fn replicas_add_to_the_same_rows() {
    if Engine::of_this_run() == Engine::Sqlite {
        return;
    }
    let mut replicas = Replicas::start(Postgres::shared(), 2, &[]).await;
    let (first, second) = (replicas.system(0).await, replicas.system(1).await);
    for caller in [&first, &second, &first, &second, &second] {
        caller.get("/v1/institution").await.ok();
    }
    let asked = jiff::Timestamp::from_second(forge::now_s() + 1).unwrap();
    let began = Instant::now();
    loop {
        let told = first.get("/v1/usage?group_by=route").await.ok();
        let complete: jiff::Timestamp = told["complete_until"].as_str().unwrap().parse().unwrap();
        if complete >= asked {
            let rows = told["data"].as_array().unwrap();
            assert_eq!(of(rows, "GET /v1/institution")["requests"], 5, "it said that it was complete");
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "never complete");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(replicas.terminate().iter().all(std::process::ExitStatus::success));
}

#[tokio::test]
async fn a_feeders_usage_is_its_owners() {
    let server = Server::shared();
    let (feeder, operator) = (server.feeder().await, server.operator().await);
    let institution = institution(&operator).await;
    feeder.deliver(&institution, "{}\n").await;
    let path = format!("/v1/usage?group_by=client&institution={institution}");
    let mut reader = operator.clone();
    server.base_url().clone_into(&mut reader.base_url);
    let told = reader.send(reader.request(Method::GET, &path)).await.ok();
    assert_eq!(told["data"], json!([]), "it is not the institution's clients that delivered");
}
