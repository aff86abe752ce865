//! `POST /v1/transactions:lookup`: what there is of what was asked for, and what there is not.

use serde_json::{Value, json};

use crate::support::{Server, data};

#[tokio::test]
async fn ids_and_references_are_looked_up_at_once_and_what_is_missing_is_named() {
    let server = Server::shared();
    let (system, feeder) = (server.system(0).await, server.feeder().await);
    let lines: Vec<Value> = (0..4).map(|_| data::transaction(&data::unique("looked-up"))).collect();
    let result = feeder.deliver(server.institution(0), &data::ndjson(&lines)).await.ok();
    let id = |place: usize| result["records"][place]["id"].clone();
    let other = server.system(1).await.get("/v1/transactions?limit=1").await.ok()["data"][0]["id"].clone();
    let wanted = json!({"ids": [id(2), id(0), other], "references": [lines[1]["reference"], lines[2]["reference"], "none"]});
    let found = system.post("/v1/transactions:lookup", &wanted).await.ok();
    let ids: Vec<&Value> = found["data"].as_array().unwrap().iter().map(|record| &record["id"]).collect();
    assert_eq!(ids, [&id(0), &id(1), &id(2)], "each once, in ledger order");
    assert_eq!(found["missing"], json!({"ids": [other], "references": ["none"]}), "another's is not there");

    let as_of =
        format!("/v1/transactions:lookup?as_of={}&fields=id", result["records"][0]["seq"].as_str().unwrap());
    let found = system.post(&as_of, &json!({"ids": [id(0), id(1)]})).await.ok();
    assert_eq!(found["data"], json!([{"id": id(0)}]));
    assert_eq!(found["missing"]["ids"], json!([id(1)]), "it was not there yet");
}

#[tokio::test]
async fn nothing_and_too_much_are_refused() {
    let system = Server::shared().system(0).await;
    let many: Vec<String> = (0..501).map(|number| number.to_string()).collect();
    for body in [json!({}), json!({"ids": []}), json!({"references": many})] {
        system.post("/v1/transactions:lookup", &body).await.problem(422, "refused");
    }
    for body in [json!({"ids": ["x"]}), json!({"id": []}), json!([]), json!({"references": [""]})] {
        let answer = system.post("/v1/transactions:lookup", &body).await;
        assert!([400, 422].contains(&answer.status.as_u16()), "{body}: {}", answer.status);
    }
}
