//! Webhooks while receivers, names and processes fail.

mod fairness;
pub(super) mod house;
mod processes;
mod receivers;

use std::collections::BTreeSet;

use serde_json::Value;
use veritrail::domain::EndpointId;

use crate::support::{Caller, data, receiver::Message};

/// What lets a service tell the receivers of these tests.
pub(super) const ALLOW: [(&str, &str); 3] = [
    ("VERITRAIL_WEBHOOKS__ALLOW_HTTP", "true"),
    ("VERITRAIL_WEBHOOKS__ALLOW_NETWORKS", "127.0.0.0/8"),
    ("VERITRAIL_WEBHOOKS__TIMEOUT_S", "2"),
];

/// Delivers transactions, and corrects and reverses some.
async fn deliver(feeder: &Caller, institution: &str, count: usize) {
    let lines: Vec<Value> = (0..count).map(|_| data::transaction(&data::unique("told"))).collect();
    feeder.deliver(institution, &data::ndjson(&lines)).await.ok();
    let revisions: Vec<Value> = lines
        .iter()
        .zip(["correction", "reversal"].into_iter().cycle())
        .step_by(3)
        .map(|(line, kind)| data::revised(line, kind, "as the bank said"))
        .collect();
    feeder.deliver(institution, &data::ndjson(&revisions)).await.ok();
}

/// The seqs of all events after an entry, as the API lists them.
async fn events_after(system: &Caller, after: &str) -> Vec<i64> {
    let (mut seqs, mut more) = (Vec::new(), String::new());
    loop {
        let page = system.get(&format!("/v1/events?limit=7&after={after}{more}")).await.ok();
        let data = page["data"].as_array().unwrap();
        seqs.extend(data.iter().map(|event| event["id"].as_str().unwrap().parse::<i64>().unwrap()));
        match page["page"]["next_cursor"].as_str() {
            Some(cursor) => more = format!("&cursor={cursor}"),
            None => return seqs,
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn endpoint_id(endpoint: &Value) -> EndpointId {
    text(&endpoint["id"]).parse().unwrap()
}

/// A message comes at least once: each is counted where it came first.
fn first_seqs(messages: &[Message]) -> Vec<i64> {
    let mut seen = BTreeSet::new();
    messages.iter().map(Message::seq).filter(|seq| seen.insert(*seq)).collect()
}
