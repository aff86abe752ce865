//! What a receiver of OTLP gets from the real service.

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind, status::StatusCode};
use reqwest::Method;
use serde_json::Value;

use super::{
    IDS,
    receiver::{Receiver, attributes},
    site::Site,
};
use crate::support::{Caller, Person, data, metrics::METRICS, person::credentials};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Asks within a trace; says which span the server made of it.
async fn ask(caller: &Caller, path: &str, trace: &str, flags: &str) -> String {
    let field = format!("00-{trace}-{PARENT}-{flags}");
    let request = caller.request(Method::GET, path).header("traceparent", field);
    let answer = caller.send(request.header("tracestate", "vendor=opaque")).await;
    let told = answer.header("traceparent").expect("the answer names a span").to_owned();
    let parts: Vec<_> = told.split('-').collect();
    assert_eq!((parts[0], parts[1], parts[3]), ("00", trace, flags), "{told}");
    assert_ne!(parts[2], PARENT, "it is the server's own span");
    parts[2].to_owned()
}

#[tokio::test]
async fn a_request_is_a_span_in_its_callers_trace() {
    let receiver = Receiver::start();
    let site = Site::start(&receiver.endpoint, 1).await;
    let caller = site.demo.system(0).await;
    let own = ask(&caller, "/v1/transactions?limit=2", TRACE, "01").await;
    let unsampled = "11111111111111111111111111111111";
    ask(&caller, "/v1/transactions?limit=3", unsampled, "00").await;
    let missing = "22222222222222222222222222222222";
    ask(&caller, "/no/such/path", missing, "01").await;

    let of = |spans: &[Span], trace: &str, kind: SpanKind| {
        let mut found =
            spans.iter().filter(|span| hex(&span.trace_id) == trace && span.kind == i32::from(kind));
        found.next().cloned()
    };
    let server = SpanKind::Server;
    let unmatched = receiver.until("the last span", |got| of(&got.spans, missing, server)).await;
    let span = receiver.until("the span", |got| of(&got.spans, TRACE, server)).await;
    assert_eq!((hex(&span.span_id), hex(&span.parent_span_id)), (own.clone(), PARENT.to_owned()));
    assert_eq!(span.trace_state, "vendor=opaque");
    assert_eq!(span.name, "GET /v1/transactions");
    let pairs = [
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("http.route", "/v1/transactions"),
    ];
    assert_eq!(attributes(&span.attributes), pairs.map(|(key, value)| (key.to_owned(), value.to_owned())));
    assert!(span.end_time_unix_nano > span.start_time_unix_nano);
    assert_eq!(unmatched.name, "GET");
    assert!(attributes(&unmatched.attributes).contains(&("http.response.status_code".into(), "404".into())));
    assert!(unmatched.status.is_none_or(|status| status.code() != StatusCode::Error), "a 404 is no failure");

    let inside = receiver.until("the span inside", |got| of(&got.spans, TRACE, SpanKind::Internal)).await;
    assert_eq!((inside.name.as_str(), hex(&inside.parent_span_id)), ("record", own));

    // A caller that does not sample is not overruled.
    assert!(receiver.look(|got| of(&got.spans, unsampled, server)).is_none());

    // One without a trace begins one.
    let answer = caller.get("/v1/institution").await;
    let began = answer.header("traceparent").unwrap().split('-').nth(1).unwrap().to_owned();
    let span = receiver.until("the root", |got| of(&got.spans, &began, server)).await;
    assert!(span.parent_span_id.is_empty());
}

#[tokio::test]
async fn log_records_and_lines_carry_the_trace() {
    let receiver = Receiver::start();
    let site = Site::start(&receiver.endpoint, 1).await;
    let caller = site.demo.system(0).await;
    let own = ask(&caller, "/v1/transactions?limit=2", TRACE, "01").await;
    ask(&caller.with_token(Some("canary")), "/v1/transactions", TRACE, "01").await;
    let records = receiver
        .until("the log records", |got| {
            let of_trace = got.logs.iter().filter(|record| hex(&record.trace_id) == TRACE);
            let records: Vec<_> = of_trace.cloned().collect();
            (records.len() >= 3).then_some(records)
        })
        .await;
    let first = &records[0];
    assert_eq!(hex(&first.span_id), own);
    let told = attributes(&first.attributes);
    assert!(told.contains(&("route".into(), "/v1/transactions".into())), "{told:?}");
    assert!(told.contains(&("status".into(), "200".into())), "{told:?}");

    let lines: Vec<Value> =
        site.log().lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    let of_trace: Vec<_> = lines.iter().filter(|line| line["trace_id"] == TRACE).collect();
    let messages: Vec<_> = of_trace.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["request", "refused", "request"]);
    // Spans are for the receiver; they do not swell the lines.
    assert!(lines.iter().all(|line| line.get("span").is_none() && line.get("spans").is_none()));
}

#[tokio::test]
async fn metrics_are_exported_under_the_names_that_prometheus_sees() {
    let receiver = Receiver::start();
    let site = Site::start(&receiver.endpoint, 1).await;
    site.demo.system(0).await.get("/v1/transactions?limit=1").await.ok();
    for (name, ..) in METRICS {
        let has = |metrics: &[opentelemetry_proto::tonic::metrics::v1::Metric]| {
            metrics.iter().any(|metric| metric.name == *name).then_some(())
        };
        receiver.until(name, |got| has(&got.metrics)).await;
    }
    let resource = attributes(&receiver.look(|got| got.resources[0].attributes.clone()));
    let value = |key: &str| resource.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
    assert_eq!(value("service.name"), Some("veritrail"));
    assert_eq!(value("service.version"), Some(env!("CARGO_PKG_VERSION")));
    assert!(value("service.instance.id").is_some_and(|id| !id.is_empty()));
}

#[tokio::test]
async fn secrets_and_what_callers_send_are_nowhere_and_ids_are_in_no_span_and_no_metric() {
    let receiver = Receiver::start();
    let mut site = Site::start(&receiver.endpoint, 1).await;
    let caller = site.demo.system(0).await;
    let account = caller.get("/v1/accounts?limit=1").await.ok()["data"][0]["id"].as_str().unwrap().to_owned();
    caller.get(&format!("/v1/accounts/{account}")).await.ok();
    caller.get("/v1/transactions?canary-parameter=canary-value").await.problem(400, "unknown_parameter");
    caller.get("/canary-path").await.problem(404, "not_found");
    caller.with_token(Some("canary-token")).get("/v1/institution").await.problem(401, "unauthenticated");
    let mut line = data::transaction("canary-reference");
    line["remittance_information"] = "canary-text".into();
    site.demo.feeder().await.deliver(site.demo.institution(0), &data::ndjson(&[line])).await.ok();
    let basic = caller.request(Method::POST, "/oauth2/token").basic_auth("cli_x", Some("canary-secret"));
    caller.send(basic.form(&[("grant_type", "client_credentials")])).await;
    let mut person = Person::of_role(&site.demo, "compliance-officer").await;
    person.get("/transactions").await;
    let session = person.session().unwrap().to_owned();
    person.sign_in("canary@bank.example", "canary-password", "/canary-next").await;
    person.sign_in(&credentials(&site.demo, "operator").0, "canary-password", "/canary-next").await;
    person.get("/set-password?token=canary-link").await;
    let form = [("token", "canary-link"), ("password", "canary-password"), ("again", "canary-password")];
    person.post("/set-password", &form).await;
    let scraped = site.scrape().await;
    assert!(site.terminate().await.0.success());

    let bodies = receiver.look(|got| got.bodies.clone());
    for signal in ["/v1/traces", "/v1/logs", "/v1/metrics"] {
        assert!(bodies.iter().any(|(path, _)| path == signal), "nothing came to {signal}");
    }
    let mut told: Vec<(&str, String)> = bodies
        .iter()
        .map(|(path, body)| (path.as_str(), String::from_utf8_lossy(body).into_owned()))
        .collect();
    told.push(("log", site.log()));
    told.push(("scrape", scraped));
    let secret = site.demo.demo["institutions"][0]["clients"][0]["client_secret"].as_str().unwrap();
    let password = credentials(&site.demo, "compliance-officer").1;
    let secrets = [secret, caller.token.as_deref().unwrap(), "canary", &session, &password];
    for (place, text) in &told {
        for secret in secrets {
            assert!(!text.contains(secret), "{secret} is in {place}");
        }
        if ["/v1/traces", "/v1/metrics", "scrape"].contains(place) {
            for id in IDS {
                assert!(!text.contains(id), "{id} is in {place}");
            }
        }
    }
    // The search is one that finds.
    assert!(told.iter().any(|(_, text)| text.contains(&caller.client_id)), "the log names the client");
}

#[tokio::test]
async fn a_graceful_stop_sends_what_is_left_to_the_last_word() {
    let receiver = Receiver::start();
    // Nothing would be sent for an hour.
    let mut site = Site::start(&receiver.endpoint, 3600).await;
    ask(&site.demo.system(0).await, "/v1/institution", TRACE, "01").await;
    assert_eq!(receiver.look(|got| got.spans.len()), 0);
    let (status, took) = site.terminate().await;
    assert!(status.success() && took.as_secs() < 5, "{status} after {took:?}");
    receiver.look(|got| {
        assert!(got.spans.iter().any(|span| hex(&span.trace_id) == TRACE));
        assert!(got.metrics.iter().any(|metric| metric.name == "veritrail_http_requests_total"));
        // Batches of two threads may arrive in either order; the last word is among them.
        let told = |log: &&LogRecord| format!("{:?}", log.body).contains("\"stopped\"");
        assert!(got.logs.iter().any(|log| told(&log)), "telemetry ends after all else");
    });
    receiver.stop().await;
}
