//! Reports, asked for again: a repeated call gets its first answer, and a cursor fits its own list only.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Caller, Server, data};

/// Sends it under a key.
async fn under(system: &Caller, key: &str, path: &str, body: &Value) -> Answer {
    system.send(system.request(Method::POST, path).header("idempotency-key", key).json(body)).await
}

/// That an answer is told again, the same.
fn assert_told_again(again: Answer, first: &Value) {
    assert_eq!(again.header("idempotency-replayed"), Some("true"), "{}", again.text());
    assert_eq!(&again.ok(), first);
}

/// A statement of a new account: the report's path, and the account's reference.
async fn made(server: &Server, system: &Caller) -> (String, String) {
    let line = data::transaction(&data::unique("again"));
    server
        .feeder()
        .await
        .deliver(server.institution(0), &data::ndjson(std::slice::from_ref(&line)))
        .await
        .ok();
    let account = line["account"].as_str().unwrap().to_owned();
    let order =
        json!({"type": "account-statement", "period": "2026-02", "parameters": {"accounts": account}});
    let report = system.report(&order).await;
    (format!("/v1/reports/{}", report["id"].as_str().unwrap()), account)
}

async fn judge(system: &Caller, version: &str, verdict: &str) {
    let sha256 = system.get(version).await.ok()["sha256"].clone();
    let new =
        json!({"validator": "xsd", "version": "1", "verdict": verdict, "output": "said", "sha256": sha256});
    system.post(&format!("{version}/validations"), &new).await.ok();
}

#[tokio::test]
async fn a_delivery_is_told_again_whatever_was_found_since() {
    let server = Server::shared();
    let system = server.system(0).await;
    let (report, account) = made(server, &system).await;
    let version = format!("{report}/versions/1");
    let deliveries = format!("{version}/deliveries");
    let receipt = json!({"recipient": "the supervisor", "channel": "portal"});
    judge(&system, &version, "passed").await;
    let first = under(&system, &account, &deliveries, &receipt).await.ok();
    judge(&system, &version, "failed").await;
    assert_told_again(under(&system, &account, &deliveries, &receipt).await, &first);
    system.post(&deliveries, &receipt).await.problem(409, "conflict");
}

#[tokio::test]
async fn what_a_later_version_has_taken_the_place_of_was_delivered_before_or_not_at_all() {
    let server = Server::shared();
    let system = server.system(0).await;
    let (report, _) = made(server, &system).await;
    let version = format!("{report}/versions/1");
    judge(&system, &version, "passed").await;
    system.post(&format!("{report}/versions"), &json!({"reason": "another look"})).await.ok();
    let second = system.until_made(report.rsplit('/').next().unwrap(), 2).await;

    let deliveries = format!("{version}/deliveries");
    let mut receipt = json!({"recipient": "the supervisor", "channel": "portal"});
    system.post(&deliveries, &receipt).await.problem(409, "conflict");
    receipt["delivered_at"] = second["finished_at"].clone();
    system.post(&deliveries, &receipt).await.problem(409, "conflict");
    receipt["delivered_at"] = second["created_at"].clone();
    system.post(&deliveries, &receipt).await.ok();
}

#[tokio::test]
async fn an_adjustment_is_told_again_as_it_stands() {
    let server = Server::shared();
    let system = server.system(0).await;
    let (report, account) = made(server, &system).await;
    let adjustments = format!("{report}/adjustments");
    let new = json!({"figure": format!("{account}/credits"), "amount": "-2.34", "reason": "a fee came late"});
    let first = under(&system, &account, &adjustments, &new).await.ok();
    assert_told_again(under(&system, &account, &adjustments, &new).await, &first);
    let other = json!({"figure": "none", "amount": "1.00", "reason": "another"});
    under(&system, &account, &adjustments, &other).await.problem(422, "idempotency_key_reused");
    assert_eq!(system.pages(&adjustments).await.len(), 1);
}

#[tokio::test]
async fn a_deposit_is_told_again_and_its_successor_says_why() {
    let server = Server::shared();
    let system = server.system(0).await;
    let kind = data::unique("deposit").to_lowercase();
    let path = format!("/v1/report-deposits?type={kind}&period=2026-Q1");
    let deposit = async |query: &str, key: Option<&str>, document: &'static str| {
        let request = system.request(Method::POST, &format!("{path}{query}"));
        let request = request.header("content-type", "application/xml").body(document);
        system
            .send(match key {
                Some(key) => request.header("idempotency-key", key),
                None => request,
            })
            .await
    };
    let first = deposit("", Some("first"), "<one/>").await;
    let at = first.header("location").unwrap().to_owned();
    let first = first.ok();
    assert_eq!(first["newest"]["n"], 1);
    assert_told_again(deposit("", Some("first"), "<one/>").await, &first);
    deposit("", Some("first"), "<other/>").await.problem(422, "idempotency_key_reused");
    deposit("", Some("second"), "<two/>").await.problem(409, "conflict");
    let second = deposit("&reason=a+typing+error", Some("second"), "<two/>").await.ok();
    assert_eq!((&second["id"], &second["newest"]["n"]), (&first["id"], &json!(2)));

    let again = deposit("", Some("first"), "<one/>").await;
    assert_eq!(again.header("location"), Some(at.as_str()));
    assert_told_again(again, &first);
    assert_eq!(system.get(&format!("{at}/content")).await.text(), "<one/>");
}

#[tokio::test]
async fn a_cursor_fits_the_list_that_it_was_made_for() {
    let server = Server::shared();
    let system = server.system(0).await;
    let ((one, _), (other, _)) = (made(server, &system).await, made(server, &system).await);
    let page = system.get(&format!("{one}/versions/1/figures?limit=1")).await.ok();
    let cursor = page["page"]["next_cursor"].as_str().unwrap();
    let next = |report: &str| format!("{report}/versions/1/figures?limit=1&cursor={cursor}");
    assert_eq!(system.get(&next(&one)).await.ok()["data"][0]["position"], 1);
    system.get(&next(&other)).await.problem(400, "invalid_cursor");
}

#[tokio::test]
async fn a_run_of_pages_shows_what_there_was_when_it_began() {
    let server = Server::shared();
    let system = server.system(0).await;
    let (report, _) = made(server, &system).await;
    let version = format!("{report}/versions/1");
    judge(&system, &version, "failed").await;
    judge(&system, &version, "failed").await;
    let list = format!("{version}/validations?limit=1");
    let page = system.get(&list).await.ok();
    judge(&system, &version, "passed").await;
    let cursor = page["page"]["next_cursor"].as_str().unwrap();
    let page = system.get(&format!("{list}&cursor={cursor}")).await.ok();
    assert_eq!((page["data"].as_array().unwrap().len(), &page["page"]["has_more"]), (1, &json!(false)));
}
