//! What the browser wrote down: complaints, and requests.

use serde_json::{Value, json};

use super::Browser;

/// A request that a page made.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    pub url: String,
    /// Whether it had a body.
    pub body: bool,
}

impl Browser {
    async fn entries(&self, kind: &str) -> Vec<Value> {
        let entries = self.session.post("/se/log", json!({"type": kind})).await.unwrap();
        entries.as_array().unwrap().clone()
    }

    /// What stands in the console since it was last asked for: errors of scripts, and what the content security
    /// policy forbade.
    pub async fn complaints(&self) -> Vec<String> {
        let entries = self.entries("browser").await;
        let bad =
            entries.iter().filter(|entry| ["SEVERE", "WARNING"].contains(&entry["level"].as_str().unwrap()));
        bad.map(|entry| entry["message"].as_str().unwrap().to_owned()).collect()
    }

    /// The same, but for pages that were refused, whose status stands there too.
    pub async fn complaints_but_refusals(&self) -> Vec<String> {
        let mut complaints = self.complaints().await;
        complaints.retain(|line| !line.contains("the server responded with a status of 4"));
        complaints
    }

    /// Requests of pages since they were last asked for.
    pub async fn requests(&self) -> Vec<Request> {
        let entries = self.entries("performance").await;
        let messages = entries.iter().map(|entry| {
            let message: Value = serde_json::from_str(entry["message"].as_str().unwrap()).unwrap();
            message["message"].clone()
        });
        let sent = messages.filter(|message| message["method"] == "Network.requestWillBeSent");
        sent.map(|message| {
            let request = &message["params"]["request"];
            let text = |name: &str| request[name].as_str().unwrap().to_owned();
            Request { method: text("method"), url: text("url"), body: request["hasPostData"] == true }
        })
        .collect()
    }
}
