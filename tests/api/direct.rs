//! Lists whole, as one answer: `Accept: text/csv` and `application/x-ndjson`.

use reqwest::Method;
use serde_json::Value;

use crate::support::{Answer, Caller, Ledger, Server, data, proof, python::read_back};

async fn whole(system: &Caller, path: &str, accept: &str) -> Answer {
    system.send(system.request(Method::GET, path).header("accept", accept)).await
}

fn lines(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_list_comes_whole_and_its_look_is_recorded_with_its_digest() {
    let server = Server::shared();
    let system = server.system(0).await;
    let path = "/v1/transactions?status=booked";
    let answer = whole(&system, path, "application/x-ndjson").await;
    let as_of: u64 = answer.header("audit-as-of").unwrap().parse().unwrap();
    assert!(answer.receipt().1 > as_of, "the look comes after what it shows");
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(answer.header("vary"), Some("Accept"));
    assert_eq!(answer.header("content-digest"), Some(proof::content_digest(&answer.body).as_str()));
    let request = answer.header("x-request-id").unwrap();
    let look = Ledger::access(&Ledger::of(server).naming(server.institution(0), request).await, request);
    assert_eq!(look["digest"], answer.header("content-digest").unwrap());
    assert_eq!(look["path"], path);
    let rows = lines(&answer);
    assert!(rows.len() > 1_000, "{} rows", rows.len());
    let then = format!("{path}&as_of={as_of}");
    let listed = system.pages(&format!("{then}&sort=seq")).await;
    assert!(rows == listed, "the whole and the pages differ");

    let csv = whole(&system, &then, "text/csv").await;
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    let found = read_back("csv", &csv.body);
    assert_eq!(found["rows"].as_array().unwrap().len(), rows.len());
    assert_eq!(found["rows"][0][1], rows[0]["id"]);
}

#[tokio::test]
async fn an_account_has_its_own_transactions_alone() {
    let server = Server::shared();
    let system = server.system(0).await;
    let page = system.get("/v1/transactions?limit=1").await.ok();
    let account = page["data"][0]["account_id"].as_str().unwrap();
    let path = format!("/v1/accounts/{account}/transactions");
    let rows = lines(&whole(&system, &path, "application/x-ndjson").await);
    assert_eq!(rows, system.pages(&format!("{path}?sort=seq")).await);
    let named = format!("{path}?account_id={account}");
    whole(&system, &named, "text/csv").await.problem(400, "invalid_parameter");
}

#[tokio::test]
async fn entries_come_whole() {
    let server = Server::shared();
    let system = server.system(0).await;
    let path = "/v1/ledger/entries?kind=record";
    let answer = whole(&system, path, "application/x-ndjson").await;
    let rows = lines(&answer);
    let listed = system.pages(path).await;
    for (row, listed) in rows.iter().zip(&listed) {
        assert_eq!(row, &listed["entry"]);
    }
    assert!(rows.len() > 1_000 && rows.len() <= listed.len());
    let csv = whole(&system, path, "text/csv").await;
    assert_eq!(read_back("csv", &csv.body)["rows"][0][9], listed[0]["leaf_hash"]);
}

#[tokio::test]
async fn a_whole_list_has_no_page_and_no_order_of_its_own() {
    let system = Server::shared().system(0).await;
    for query in ["limit=5", "sort=-seq", "fields=id", "proof=inclusion&limit=5"] {
        let path = format!("/v1/transactions?{query}");
        whole(&system, &path, "text/csv").await.problem(400, "invalid_parameter");
        system.get(&path).await.ok();
    }
}

#[tokio::test]
async fn json_comes_where_anything_is_taken_and_nothing_where_nothing_fits() {
    let system = Server::shared().system(0).await;
    for path in ["/v1/transactions?limit=1", "/v1/ledger/entries?limit=1"] {
        for accept in ["*/*", "application/*", "text/html, */*;q=0.1", "application/json, text/csv"] {
            let page = whole(&system, path, accept).await;
            assert_eq!(page.header("content-type"), Some("application/json"), "{accept}");
            assert_eq!(page.header("vary"), Some("Accept"));
        }
        for accept in ["text/html", "application/xml;q=0.9, image/*", "text/csv;q=0"] {
            whole(&system, path, accept).await.problem(406, "not_acceptable");
        }
    }
}

#[tokio::test]
async fn what_is_too_much_for_one_answer_is_refused_and_names_the_way() {
    let server = Server::demo_with(&[], &[("VERITRAIL_EXPORTS__DIRECT_ROWS_MAX", "100")]);
    let system = server.system(0).await;
    let problem = whole(&system, "/v1/transactions", "text/csv").await.problem(422, "refused");
    assert!(problem["detail"].as_str().unwrap().contains("POST /v1/exports"), "{problem}");
    let reference = data::unique("few");
    let line = data::ndjson(&[data::transaction(&reference)]);
    server.feeder().await.deliver(server.institution(0), &line).await.ok();
    let path = format!("/v1/transactions?reference={reference}");
    assert_eq!(lines(&whole(&system, &path, "application/x-ndjson").await).len(), 1);
    let kept = server.data_dir().join("exports/scratch");
    assert_eq!(std::fs::read_dir(kept).unwrap().count(), 0, "nothing is left behind");
}
