//! `/v1/accounts`.

use serde_json::{Value, json};

use crate::support::{Server, data, proof};

/// An account with some transactions: its reference and id.
async fn account(server: &Server, index: usize, count: usize) -> (String, String) {
    let reference = data::unique("account");
    let lines: Vec<Value> = (0..count)
        .map(|number| {
            let mut line = data::transaction(&format!("{reference}-{number}"));
            line["account"] = reference.as_str().into();
            line
        })
        .collect();
    server.feeder().await.deliver(server.institution(index), &data::ndjson(&lines)).await.ok();
    let found = server.system(index).await.get(&format!("/v1/accounts?reference={reference}")).await.ok();
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    (reference, found["data"][0]["id"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn an_account_is_opened_by_the_first_transaction_that_names_it() {
    let server = Server::shared();
    let (reference, id) = account(server, 0, 1).await;
    let answer = server.system(0).await.get(&format!("/v1/accounts/{id}?proof=inclusion")).await;
    let payload = proof::raw_item(&answer);
    let expected = json!({"currency": "EUR", "id": id, "reference": reference, "type": "account"});
    assert_eq!(payload, proof::canonical(&expected));
    proof::verify(&answer.json()["proof"], &payload, server.vkey(0));
}

#[tokio::test]
async fn accounts_come_in_ledger_order_page_by_page() {
    let system = Server::shared().system(0).await;
    let all = system.pages("/v1/accounts?fields=reference").await;
    assert!(all.len() > 30, "the demo has accounts");
    let mut ids: Vec<&str> = all.iter().map(|account| account["id"].as_str().unwrap()).collect();
    let first = system.get("/v1/accounts?limit=10&fields=reference").await.ok();
    assert_eq!(first["data"], json!(all[..10]));
    let cursor = first["page"]["next_cursor"].as_str().unwrap();
    let second = system.get(&format!("/v1/accounts?limit=10&fields=reference&cursor={cursor}")).await.ok();
    assert_eq!(second["data"], json!(all[10..20]));
    assert_eq!(second["as_of"], first["as_of"]);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all.len(), "each once");
}

#[tokio::test]
async fn an_accounts_transactions_are_the_list_with_the_account_fixed() {
    let server = Server::shared();
    let (_, id) = account(server, 0, 5).await;
    let system = server.system(0).await;
    let nested = system.get(&format!("/v1/accounts/{id}/transactions?sort=-seq&limit=3")).await.ok();
    let flat = system.get(&format!("/v1/transactions?account_id={id}&sort=-seq&limit=3")).await.ok();
    assert_eq!(nested["data"], flat["data"]);
    assert_eq!(nested["page"]["has_more"], true);
    let cursor = nested["page"]["next_cursor"].as_str().unwrap();
    let rest =
        system.get(&format!("/v1/accounts/{id}/transactions?sort=-seq&limit=3&cursor={cursor}")).await.ok();
    assert_eq!(rest["data"].as_array().unwrap().len(), 2);
    let twice = system.get(&format!("/v1/accounts/{id}/transactions?account_id={id}")).await;
    assert_eq!(twice.problem(400, "invalid_parameter")["errors"][0]["pointer"], "?account_id");
}

#[tokio::test]
async fn somebody_elses_account_is_not_found() {
    let server = Server::shared();
    let (reference, id) = account(server, 1, 1).await;
    let system = server.system(0).await;
    for path in ["", "/transactions"] {
        system.get(&format!("/v1/accounts/{id}{path}")).await.problem(404, "not_found");
        server.system(1).await.get(&format!("/v1/accounts/{id}{path}")).await.ok();
    }
    let found = system.get(&format!("/v1/accounts?reference={reference}")).await.ok();
    assert_eq!(found["data"], json!([]));
}

#[tokio::test]
async fn what_the_list_does_not_take_is_refused() {
    let server = Server::shared();
    let system = server.system(0).await;
    let problem = system.get("/v1/accounts?referense=1").await.problem(400, "unknown_parameter");
    assert!(problem["detail"].as_str().unwrap().contains("reference"), "{problem}");
    system.get("/v1/accounts?fields=iban").await.problem(400, "invalid_parameter");
    system.get("/v1/accounts?limit=0").await.problem(400, "invalid_parameter");
    let (_, id) = account(server, 0, 1).await;
    system.get(&format!("/v1/accounts/{id}?limit=1")).await.problem(400, "unknown_parameter");
}
