//! What is seen from outside: metrics, traces and logs; what they never hold; and that a receiver in
//! trouble is nobody else's.

mod export;
mod exposition;
mod receiver;
mod site;
mod trouble;

use std::time::Duration;

use exposition::Sample;
use reqwest::Method;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::support::{Caller, Server, data, metrics::METRICS};

/// What an id or an address begins with.
const IDS: &[&str] = &["ins_", "cli_", "txn_", "acc_", "bun_", "req_", "127.0.0.1"];

pub async fn scrape(server: &Server) -> String {
    let answer = Caller::stranger(server.admin_url()).get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4"));
    answer.text().to_owned()
}

/// The sum of the samples of a name whose labels are these, whatever others they have.
fn sum(samples: &[Sample], name: &str, labels: &[(&str, &str)]) -> f64 {
    let fits = |sample: &&Sample| {
        sample.name == name
            && labels
                .iter()
                .all(|(label, value)| sample.labels.get(*label).is_some_and(|given| given == value))
    };
    samples.iter().filter(fits).map(|sample| sample.value).sum()
}

async fn samples(server: &Server) -> Vec<Sample> {
    exposition::read(&scrape(server).await).0
}

#[tokio::test]
async fn every_metric_is_there_with_its_kind_and_its_labels_and_no_others() {
    let server = Server::shared();
    server.system(0).await.get("/v1/transactions?limit=1").await.ok();
    let (samples, kinds) = exposition::read(&scrape(server).await);
    for (name, kind, labels) in METRICS {
        assert_eq!(kinds.get(*name).map(String::as_str), Some(*kind), "{name}");
        let first = if *kind == "histogram" { format!("{name}_count") } else { (*name).to_owned() };
        let of_name: Vec<_> = samples.iter().filter(|sample| sample.name == first).collect();
        assert!(!of_name.is_empty(), "{name} has no sample");
        for sample in of_name {
            assert_eq!(sample.labels.keys().map(String::as_str).collect::<Vec<_>>(), *labels, "{name}");
        }
    }
    for sample in &samples {
        assert!(sample.name.starts_with("veritrail_"), "{}", sample.name);
    }
}

#[tokio::test]
async fn what_happens_is_counted_where_it_belongs() {
    // A server of its own, so that nobody else counts.
    let server = Server::demo(&[]);
    let caller = server.system(0).await;
    let before = samples(&server).await;
    for _ in 0..3 {
        caller.get("/v1/transactions?limit=1").await.ok();
    }
    caller.with_token(None).get("/v1/transactions").await.problem(401, "unauthenticated");
    caller.get("/v1/transactions/txn_00000000000000000000000000000000").await.problem(404, "not_found");
    let line = data::ndjson(&[data::transaction("counted")]);
    server.feeder().await.deliver(server.institution(0), &line).await.ok();
    let after = samples(&server).await;
    let grew = |name: &str, labels: &[(&str, &str)]| sum(&after, name, labels) - sum(&before, name, labels);

    let list = ("route", "/v1/transactions");
    let requests = "veritrail_http_requests_total";
    assert_eq!(grew(requests, &[list, ("method", "GET"), ("status", "200")]), 3.0);
    assert_eq!(grew(requests, &[list, ("status", "401")]), 1.0);
    assert_eq!(grew(requests, &[("route", "/v1/transactions/{id}"), ("status", "404")]), 1.0);
    assert_eq!(grew("veritrail_http_request_duration_seconds_count", &[list]), 4.0);
    // The scrape itself is under way.
    assert_eq!(sum(&after, "veritrail_http_requests_in_flight", &[]), 1.0);

    let decisions = "veritrail_limit_decisions_total";
    // Three looks, one without a token, one at nothing, a token, a delivery, and this scrape.
    assert_eq!(grew(decisions, &[("policy", "address"), ("decision", "admitted")]), 8.0);
    assert_eq!(grew(decisions, &[("policy", "client"), ("decision", "admitted")]), 5.0);
    assert_eq!(grew(decisions, &[("policy", "institution"), ("decision", "admitted")]), 5.0);
    assert_eq!(sum(&after, decisions, &[("decision", "refused")]), 0.0);

    assert!(grew("veritrail_recorder_batch_jobs_sum", &[]) >= 7.0);
    assert_eq!(sum(&after, "veritrail_recorder_failures_total", &[]), 0.0);
    assert_eq!(sum(&after, "veritrail_ledger_logs", &[]), 3.0);
    assert!(sum(&after, "veritrail_ledger_entries", &[]) > 10_000.0);
    assert_eq!(sum(&after, "veritrail_ledger_stopped_logs", &[]), 0.0);
    assert!(sum(&after, "veritrail_store_pool_connections", &[]) >= 1.0);
}

#[tokio::test]
async fn refused_by_a_limit_is_counted_under_that_limit() {
    let server = Server::demo(&[]);
    let operator = server.operator().await;
    let quotas = serde_json::json!({
        "client_per_second": 1, "client_burst": 2, "institution_per_second": 1000, "institution_burst": 1000,
    });
    operator.send(operator.request(Method::PUT, "/admin/v1/plans/standard").json(&quotas)).await.ok();
    let caller = server.system(0).await;
    let mut refused = 0.0;
    for _ in 0..10 {
        refused += f64::from(u8::from(caller.get("/v1/institution").await.status == 429));
    }
    assert!(refused >= 5.0);
    let samples = samples(&server).await;
    let decisions = "veritrail_limit_decisions_total";
    assert_eq!(sum(&samples, decisions, &[("policy", "client"), ("decision", "refused")]), refused);
    assert_eq!(sum(&samples, decisions, &[("decision", "refused")]), refused);
}

#[tokio::test]
async fn a_request_whose_caller_hangs_up_is_no_longer_under_way() {
    let server = Server::demo(&[]);
    let under_way = async || sum(&samples(&server).await, "veritrail_http_requests_in_flight", &[]);
    let until = async |count: f64| {
        for _ in 0..200 {
            if under_way().await == count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{} requests are under way, not {count}", under_way().await);
    };
    let feeder = server.feeder().await;
    let address = server.base_url().trim_start_matches("http://");
    let mut stalled = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /v1/transactions:batch?institution={} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 100\r\n\
             content-type: application/x-ndjson\r\nauthorization: Bearer {}\r\n\r\nx",
            server.institution(0),
            feeder.token.as_deref().unwrap(),
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stalled.push(stream);
    }
    // The scrape itself is under way too.
    until(4.0).await;
    drop(stalled);
    until(1.0).await;
}

#[tokio::test]
async fn no_label_holds_what_a_caller_chose() {
    let server = Server::shared();
    let caller = server.system(0).await;
    for path in [
        format!("/v1/institution?institution={}", server.institution(0)),
        "/v1/accounts/acc_00000000000000000000000000000000".to_owned(),
        "/canary/path?canary=query".to_owned(),
        "/v1/canary".to_owned(),
        "/tlog/canary/checkpoint".to_owned(),
    ] {
        caller.get(&path).await;
    }
    let strange = Method::from_bytes(b"CANARY").unwrap();
    caller.send(caller.request(strange, "/v1/transactions")).await;
    for sample in samples(server).await {
        for (label, value) in &sample.labels {
            let clean = IDS.iter().all(|id| !value.contains(id)) && !value.to_lowercase().contains("canary");
            assert!(clean, "{}: {label}={value}", sample.name);
        }
        if let Some(method) = sample.labels.get("method") {
            let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"];
            assert!(known.contains(&method.as_str()), "{method}");
        }
    }
}

#[tokio::test]
async fn metrics_are_on_the_admin_port_alone() {
    let server = Server::shared();
    server.stranger().get("/metrics").await.problem(404, "not_found");
    assert!(!scrape(server).await.is_empty());
}

#[tokio::test]
async fn without_an_export_a_callers_trace_goes_back_to_it_and_nothing_else_does() {
    let caller = Server::shared().stranger();
    let ask = async |field: &str| {
        let request = caller.request(Method::GET, "/health/live").header("traceparent", field);
        caller.send(request).await.header("traceparent").map(ToOwned::to_owned)
    };
    let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert_eq!(ask(good).await.as_deref(), Some(good));
    for bad in ["nonsense", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", &good.to_uppercase()] {
        assert_eq!(ask(bad).await, None, "{bad}");
    }
    assert_eq!(caller.get("/health/live").await.header("traceparent"), None);
}
