//! `POST /v1/transactions:batch`: all or nothing, and every fault named.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{Answer, Caller, Ledger, Server, data};

const NDJSON: &str = "application/x-ndjson";

async fn count(server: &Server, kind: &str, text: &str) -> usize {
    let found = Ledger::of(server).naming(server.institution(0), text).await;
    found.iter().filter(|entry| entry.kind == kind).count()
}

/// Sends under a request id of its own, which must be on the ledger as refused.
async fn refused(caller: &Caller, request: RequestBuilder, status: u16, code: &str) -> Value {
    let server = Server::shared();
    let id = data::unique("refused");
    let answer = caller.send(request.header("x-request-id", &id)).await;
    let problem = answer.problem(status, code);
    let found = Ledger::of(server).naming(server.institution(0), &id).await;
    assert_eq!(Ledger::denial(&found, &id)["code"], code);
    assert_eq!(found.len(), 1, "and nothing else is recorded: {found:?}");
    problem
}

fn batch(caller: &Caller, query: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
    let path = format!("/v1/transactions:batch?institution={}{query}", Server::shared().institution(0));
    caller.request(Method::POST, &path).header("content-type", NDJSON).body(body)
}

/// A transaction with one of its fields changed.
fn with(reference: &str, pointer: &str, value: Value) -> Value {
    let mut line = data::transaction(reference);
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    line.pointer_mut(parent).unwrap()[name] = value;
    line
}

fn faults(problem: &Value) -> Vec<(&str, &str)> {
    let errors = problem["errors"].as_array().unwrap();
    errors.iter().map(|fault| (fault["pointer"].as_str().unwrap(), fault["code"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn each_bad_line_is_named_and_nothing_is_stored() {
    let server = Server::shared();
    let feeder = server.feeder().await;
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let reference = data::unique("bad");
    let text = |value: &Value| value.to_string().into_bytes();
    let line = |pointer: &str, value: Value| text(&with(&reference, pointer, value));
    let mut nameless = data::transaction(&reference);
    nameless.as_object_mut().unwrap().remove("amount");
    let mut broken = text(&data::transaction(&reference));
    let place = broken.iter().position(|byte| *byte == b'-').unwrap();
    broken[place] = 0xff;
    let cut = text(&data::transaction(&reference))[..40].to_vec();
    let twice =
        data::transaction(&reference).to_string().replace("{\"account\"", "{\"account\":\"x\",\"account\"");
    let cases: Vec<(&str, Vec<u8>, &str, &str)> = vec![
        ("malformed JSON", b"{\"account\":}".to_vec(), "/2", "malformed_json"),
        ("half a line", cut, "/2", "malformed_json"),
        ("broken UTF-8", broken, "/2", "invalid_utf8"),
        ("deep nesting", deep.into_bytes(), "/2", "nested_too_deep"),
        ("no object", b"[1]".to_vec(), "/2", "wrong_type"),
        ("a field twice", twice.into_bytes(), "/2/account", "duplicate_field"),
        ("an unknown field", line("/amonut", json!(1)), "/2/amonut", "unknown_field"),
        ("an unknown field within", line("/amount/cents", json!(1)), "/2/amount/cents", "unknown_field"),
        ("a missing field", text(&nameless), "/2/amount", "missing_field"),
        ("a number as text", line("/reference", json!(7)), "/2/reference", "wrong_type"),
        ("a float as amount", line("/amount/amount", json!(1.5)), "/2/amount/amount", "wrong_type"),
        ("a day that is none", line("/booking_date", json!("2026-02-30")), "/2/booking_date", "no_such_day"),
        (
            "a date with a time",
            line("/booking_date", json!("2026-02-03T00:00Z")),
            "/2/booking_date",
            "invalid_date",
        ),
        (
            "too many decimals",
            line("/amount/amount", json!("1.001")),
            "/2/amount/amount",
            "too_many_decimals",
        ),
        ("a negative amount", line("/amount/amount", json!("-1.00")), "/2/amount/amount", "amount_negative"),
        ("an exponent", line("/amount/amount", json!("1e3")), "/2/amount/amount", "amount_exponent"),
        (
            "too large an amount",
            line("/amount/amount", json!("1".repeat(25))),
            "/2/amount/amount",
            "amount_too_large",
        ),
        (
            "an unknown currency",
            line("/amount/currency", json!("AAA")),
            "/2/amount/currency",
            "unknown_currency",
        ),
        ("an unknown direction", line("/direction", json!("up")), "/2/direction", "unknown_value"),
        ("an empty reference", line("/reference", json!("")), "/2/reference", "text_empty"),
        ("too long a text", line("/reference", json!("x".repeat(65))), "/2/reference", "text_too_long"),
        ("a control character", line("/reference", json!("a\u{7}b")), "/2/reference", "control_character"),
        (
            "a balance in another currency",
            line("/balance_after", json!({"amount": "1", "currency": "CHF", "direction": "credit"})),
            "/2/balance_after/currency",
            "currency_mismatch",
        ),
    ];
    for (what, bad, pointer, code) in cases {
        let good = data::unique("good");
        let mut body = data::ndjson(&[data::transaction(&good)]).into_bytes();
        body.extend(bad);
        body.extend(b"\n");
        body.extend(data::ndjson(&[data::transaction(&format!("{good}-3"))]).into_bytes());
        let problem = refused(&feeder, batch(&feeder, "", body), 422, "refused").await;
        assert_eq!(faults(&problem), [(pointer, code)], "{what}: {problem}");
        assert!(problem["errors"][0]["detail"].as_str().is_some_and(|text| text.len() > 5), "{what}");
        assert_eq!(count(server, "record", &good).await, 0, "{what}: nothing is stored");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_within_its_last_line_is_refused() {
    let server = Server::shared();
    let feeder = server.feeder().await;
    let reference = data::unique("cut");
    let lines = [data::transaction(&reference), data::transaction(&format!("{reference}-2"))];
    let whole = data::ndjson(&lines);
    let problem =
        refused(&feeder, batch(&feeder, "", whole[..whole.len() - 20].to_owned()), 422, "refused").await;
    assert_eq!(faults(&problem), [("/2", "truncated_line")]);
    assert_eq!(count(server, "record", &reference).await, 0);
    let without_newline = whole.trim_end().to_owned();
    assert_eq!(feeder.send(batch(&feeder, "", without_newline)).await.ok()["added"], 2);
}

#[tokio::test]
async fn all_bad_lines_of_a_batch_are_named_at_once() {
    let feeder = Server::shared().feeder().await;
    let reference = data::unique("many");
    let lines = [
        data::transaction(&reference),
        with(&reference, "/booking_date", json!("2026-13-01")),
        with(&reference, "/amount/currency", json!("EURO")),
        with(&reference, "/direction", json!(1)),
    ];
    let problem = refused(&feeder, batch(&feeder, "", data::ndjson(&lines)), 422, "refused").await;
    let places: Vec<&str> = faults(&problem).into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["/2/booking_date", "/3/amount/currency", "/4/direction"]);
}

#[tokio::test]
async fn a_reference_that_is_taken_is_refused_unless_the_content_is_the_same() {
    let server = Server::shared();
    let feeder = server.feeder().await;
    let (stored, new) = (data::unique("stored"), data::unique("new"));
    feeder.deliver(server.institution(0), &data::ndjson(&[data::transaction(&stored)])).await.ok();
    let other = with(&stored, "/amount/amount", json!("99.00"));

    let body = data::ndjson(&[data::transaction(&new), other]);
    let problem = refused(&feeder, batch(&feeder, "", body), 422, "refused").await;
    assert_eq!(faults(&problem), [("/2/reference", "reference_conflict")], "stored earlier");
    assert_eq!(count(server, "record", &new).await, 0);

    let body = data::ndjson(&[data::transaction(&new), with(&new, "/direction", json!("debit"))]);
    let problem = refused(&feeder, batch(&feeder, "", body), 422, "refused").await;
    assert_eq!(faults(&problem), [("/2/reference", "reference_conflict")], "earlier in the batch");
    assert_eq!(count(server, "record", &new).await, 0);

    let repeated = data::ndjson(&[data::transaction(&new), data::transaction(&new)]);
    let delivered = feeder.send(batch(&feeder, "", repeated)).await.ok();
    assert_eq!((&delivered["added"], &delivered["unchanged"]), (&json!(1), &json!(1)));
    assert_eq!(delivered["records"][0]["id"], delivered["records"][1]["id"]);
}

#[tokio::test]
async fn a_transaction_in_another_currency_than_its_accounts_is_refused() {
    let server = Server::shared();
    let feeder = server.feeder().await;
    let first = data::unique("euro");
    let mut second = with(&format!("{first}-2"), "/amount/currency", json!("CHF"));
    second["account"] = json!(format!("acct-{first}"));
    let both = data::ndjson(&[data::transaction(&first), second.clone()]);
    let problem = refused(&feeder, batch(&feeder, "", both), 422, "refused").await;
    assert_eq!(faults(&problem), [("/2/amount/currency", "currency_mismatch")]);
    assert_eq!(count(server, "record", &first).await, 0);
    feeder.deliver(server.institution(0), &data::ndjson(&[data::transaction(&first)])).await.ok();
    let problem = refused(&feeder, batch(&feeder, "", data::ndjson(&[second])), 422, "refused").await;
    assert_eq!(faults(&problem), [("/1/amount/currency", "currency_mismatch")]);
}

#[tokio::test]
async fn a_body_that_cannot_be_a_batch_is_refused_whole() {
    let feeder = Server::shared().feeder().await;
    let line = data::ndjson(&[data::transaction(&data::unique("whole"))]);
    for empty in ["", "\n\n  \n"] {
        refused(&feeder, batch(&feeder, "", empty), 422, "refused").await;
    }
    let reference = data::unique("lines");
    let lines = |count: usize| -> Vec<Value> {
        (0..count).map(|number| data::transaction(&format!("{reference}-{number}"))).collect()
    };
    refused(&feeder, batch(&feeder, "", data::ndjson(&lines(1001))), 413, "body_too_large").await;
    feeder.send(batch(&feeder, "", data::ndjson(&lines(1000)))).await.ok();
    let large = format!("{}{line}", " ".repeat(4 << 20));
    refused(&feeder, batch(&feeder, "", large), 413, "body_too_large").await;

    let plain = |kind: &'static str| {
        let path = format!("/v1/transactions:batch?institution={}", Server::shared().institution(0));
        feeder.request(Method::POST, &path).header("content-type", kind).body(line.clone())
    };
    for kind in ["application/json", "text/plain", "application/x-ndjson-not", ""] {
        refused(&feeder, plain(kind), 415, "unsupported_media_type").await;
    }
    let delivered = feeder.send(plain("Application/X-NDJSON; charset=utf-8")).await.ok();
    assert_eq!(delivered["added"], 1, "the same body of the right type");
    refused(&feeder, batch(&feeder, "&on_error=ignore", line.clone()), 400, "invalid_parameter").await;
    refused(&feeder, batch(&feeder, "&onerror=skip", line), 400, "unknown_parameter").await;
}

#[tokio::test]
async fn a_compressed_body_is_refused_unread() {
    let server = Server::shared();
    let feeder = server.feeder().await;
    let counted = async |server| Ledger::of(server).strangers("POST", "/v1/transactions:batch").await;
    let line = data::ndjson(&[data::transaction(&data::unique("zipped"))]);
    for coding in ["gzip", "br", "zstd", "identity, gzip", "unheard-of"] {
        let request = batch(&feeder, "", line.clone()).header("content-encoding", coding);
        let before = counted(server).await;
        feeder.send(request).await.problem(415, "unsupported_media_type");
        assert!(
            counted(server).await > before,
            "{coding}: counted among strangers, since no token was looked at"
        );
    }
    let request = batch(&feeder, "", line).header("content-encoding", "identity");
    assert_eq!(feeder.send(request).await.ok()["added"], 1);
}

#[tokio::test]
async fn a_feeder_says_whose_records_these_are() {
    let server = Server::shared();
    let feeder = server.feeder().await;
    let line = data::ndjson(&[data::transaction(&data::unique("whose"))]);
    let send = |query: &str| {
        let path = format!("/v1/transactions:batch{query}");
        feeder.request(Method::POST, &path).header("content-type", NDJSON).body(line.clone())
    };
    feeder.send(send("")).await.problem(400, "missing_parameter");
    for nobody in ["ins_0190163d8694739bba1a9fbee4e5c1b2", "x", ""] {
        feeder.send(send(&format!("?institution={nobody}"))).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn on_error_skip_keeps_the_good_lines_and_names_the_others() {
    let server = Server::shared();
    let feeder = server.feeder().await;
    let reference = data::unique("skip");
    let taken = data::unique("taken");
    feeder.deliver(server.institution(0), &data::ndjson(&[data::transaction(&taken)])).await.ok();
    let lines = [
        data::transaction(&format!("{reference}-1")),
        with(&reference, "/amount/amount", json!("x")),
        with(&taken, "/direction", json!("debit")),
        data::transaction(&format!("{reference}-4")),
        data::transaction(&taken),
    ];
    let delivered = feeder.send(batch(&feeder, "&on_error=skip", data::ndjson(&lines))).await;
    assert_eq!(delivered.status, 201);
    let delivered = delivered.ok();
    assert_eq!(
        (&delivered["added"], &delivered["unchanged"], &delivered["refused"]),
        (&json!(2), &json!(1), &json!(2)),
        "{delivered}"
    );
    let kept: Vec<_> =
        delivered["records"].as_array().unwrap().iter().map(|record| &record["line"]).collect();
    assert_eq!(kept, [1, 4, 5]);
    let named: Vec<_> =
        delivered["findings"].as_array().unwrap().iter().map(|f| (&f["line"], &f["code"])).collect();
    assert_eq!(named, [(&json!(2), &json!("invalid_amount")), (&json!(3), &json!("reference_conflict"))]);
    let path = format!("/v1/transactions?reference[in]={reference}-1,{reference}-4");
    let found = server.system(0).await.get(&path).await.ok();
    assert_eq!(found["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_same_batch_twice_changes_nothing() {
    let server = Server::shared();
    let feeder = server.feeder().await;
    let reference = data::unique("twice");
    let lines: Vec<Value> =
        (0..5).map(|number| data::transaction(&format!("{reference}-{number}"))).collect();
    let body = data::ndjson(&lines);
    let first = feeder.deliver(server.institution(0), &body).await.ok();
    let recorded = count(server, "record", &reference).await;
    let second = feeder.deliver(server.institution(0), &body).await.ok();
    assert_eq!((&second["added"], &second["unchanged"]), (&json!(0), &json!(5)));
    for (before, after) in
        first["records"].as_array().unwrap().iter().zip(second["records"].as_array().unwrap())
    {
        assert_eq!((&before["id"], &before["seq"]), (&after["id"], &after["seq"]));
    }
    assert_eq!(count(server, "record", &reference).await, recorded, "no entry more");
}

#[tokio::test]
async fn a_repeated_call_is_answered_as_the_first_one() {
    let server = Server::shared();
    let feeder = server.feeder().await;
    let (reference, key) = (data::unique("idempotent"), data::unique("key"));
    let body = data::ndjson(&[data::transaction(&reference)]);
    let call = |body: &str| batch(&feeder, "", body.to_owned()).header("idempotency-key", &key);
    let told = |answer: &Answer| answer.header("idempotency-replayed").map(ToOwned::to_owned);
    let first = feeder.send(call(&body)).await;
    assert_eq!((first.status.as_u16(), told(&first)), (201, None));
    let again = feeder.send(call(&body)).await;
    assert_eq!((again.status.as_u16(), told(&again).as_deref()), (201, Some("true")));
    assert_eq!(again.receipt(), first.receipt());
    assert_eq!(again.body, first.body, "byte for byte: it was added then, not now");

    let other = data::ndjson(&[data::transaction(&format!("{reference}-other"))]);
    feeder.send(call(&other)).await.problem(422, "idempotency_key_reused");
    assert_eq!(count(server, "record", &format!("{reference}-other")).await, 0);
    let elsewhere = feeder
        .request(Method::POST, &format!("/v1/transactions:batch?institution={}", server.institution(1)));
    let elsewhere = elsewhere.header("content-type", NDJSON).header("idempotency-key", &key).body(other);
    assert_eq!(feeder.send(elsewhere).await.ok()["added"], 1, "another institution's call is another call");
    for bad in ["", &"k".repeat(256)] {
        let request = batch(&feeder, "", body.clone()).header("idempotency-key", bad);
        feeder.send(request).await.problem(400, "invalid_parameter");
    }
}

#[tokio::test]
async fn a_call_and_its_repetition_at_the_same_time_store_once() {
    let server = Server::shared();
    let feeder = server.feeder().await;
    let (reference, key) = (data::unique("race"), data::unique("key"));
    let body = data::ndjson(&[data::transaction(&reference)]);
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let (feeder, request) =
                (feeder.clone(), batch(&feeder, "", body.clone()).header("idempotency-key", &key));
            tokio::spawn(async move { feeder.send(request).await })
        })
        .collect();
    let mut bodies = Vec::new();
    let mut replayed = 0;
    for call in calls {
        let answer = call.await.unwrap();
        replayed += usize::from(answer.header("idempotency-replayed").is_some());
        bodies.push(answer.ok().to_string());
    }
    bodies.dedup();
    assert_eq!((bodies.len(), replayed), (1, 7));
    assert_eq!(count(server, "record", &format!("\"reference\":\"{reference}\"")).await, 1);
}
