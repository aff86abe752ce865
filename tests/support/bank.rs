//! An institution of a test's own, and files delivered to it.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, Caller, Server};

/// An institution with a system that sees all of it, and the feeder that delivers to it.
pub struct Bank {
    pub id: String,
    pub system: Caller,
    pub feeder: Caller,
    client: Value,
}

impl Bank {
    pub async fn new(server: &Server) -> Self {
        let operator = server.operator().await;
        let made = operator.post("/admin/v1/institutions", &json!({"name": "Feeding bank"})).await.ok();
        let id = made["id"].as_str().unwrap().to_owned();
        let new = json!({"name": "all", "scopes": ["accounts:read", "transactions:read", "ledger:read"]});
        let client = operator.post(&format!("/admin/v1/institutions/{id}/clients"), &new).await.ok();
        let (system, feeder) = (server.caller(&client, None).await, server.feeder().await);
        Self { id, system, feeder, client }
    }

    /// One that the demo has.
    pub async fn of_the_demo(server: &Server, index: usize) -> Self {
        let client = server.demo["institutions"][index]["clients"][0].clone();
        let (system, feeder) = (server.system(index).await, server.feeder().await);
        Self { id: server.institution(index).to_owned(), system, feeder, client }
    }

    /// The same bank with tokens of another process.
    pub async fn again(self, server: &Server) -> Self {
        let (system, feeder) = (server.caller(&self.client, None).await, server.feeder().await);
        Self { system, feeder, ..self }
    }

    /// A path with this institution in its query.
    pub fn path(&self, path: &str) -> String {
        let joint = if path.contains('?') { '&' } else { '?' };
        format!("{path}{joint}institution={}", self.id)
    }

    /// Sends a file; the answer to that.
    pub async fn send(&self, query: &str, kind: &str, body: impl Into<reqwest::Body>) -> Answer {
        let path = self.path(&format!("/v1/intakes?{query}"));
        let request = self.feeder.request(Method::POST, &path).header("content-type", kind).body(body);
        self.feeder.send(request).await
    }

    /// Sends a file and waits for what becomes of it.
    pub async fn take(&self, query: &str, kind: &str, body: impl Into<reqwest::Body>) -> Value {
        let answer = self.send(query, kind, body).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        self.until_finished(answer.ok()["id"].as_str().unwrap()).await
    }

    /// Waits until an intake has ended.
    pub async fn until_finished(&self, id: &str) -> Value {
        for _ in 0..2_400 {
            let intake = self.feeder.get(&self.path(&format!("/v1/intakes/{id}"))).await.ok();
            if intake["finished_at"].is_string() {
                return intake;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the intake {id} did not end within a minute");
    }

    /// All findings about an intake.
    pub async fn findings(&self, intake: &Value) -> Vec<Value> {
        let path = format!("/v1/intakes/{}/findings?limit=500", intake["id"].as_str().unwrap());
        let page = self.feeder.get(&self.path(&path)).await.ok();
        assert_eq!(page["page"]["has_more"], false);
        page["data"].as_array().unwrap().clone()
    }

    /// All of its transactions, as recorded; there are 500 at most.
    pub async fn transactions(&self) -> Vec<Value> {
        let page = self.system.get("/v1/transactions?sort=seq&limit=500").await.ok();
        page["data"].as_array().unwrap().clone()
    }
}
