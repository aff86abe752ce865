//! `/v1/transactions/sync`: a copy stays a copy.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Caller, Server, data};

/// An account with three transactions of its own.
struct Account {
    system: Caller,
    feeder: Caller,
    institution: String,
    id: String,
    lines: Vec<Value>,
}

impl Account {
    async fn new(server: &Server) -> Self {
        let (system, feeder) = (server.system(0).await, server.feeder().await);
        let account = data::unique("synced");
        let lines: Vec<Value> = (0..3)
            .map(|number| {
                let mut line = data::transaction(&format!("{account}-{number}"));
                line["account"] = json!(account);
                line
            })
            .collect();
        let institution = server.institution(0).to_owned();
        feeder.deliver(&institution, &data::ndjson(&lines)).await.ok();
        let found = system.get(&format!("/v1/accounts?reference={account}")).await.ok();
        let id = found["data"][0]["id"].as_str().unwrap().to_owned();
        Self { system, feeder, institution, id, lines }
    }

    async fn revise(&self, place: usize, kind: &str) {
        let line = data::revised(&self.lines[place], kind, "a test");
        self.feeder.deliver(&self.institution, &data::ndjson(&[line])).await.ok();
    }

    async fn page(&self, limit: usize, cursor: Option<&str>) -> Value {
        let cursor = cursor.map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        let path = format!("/v1/transactions/sync?account_id={}&limit={limit}{cursor}", self.id);
        self.system.get(&path).await.ok()
    }

    fn name(&self, place: usize) -> String {
        self.lines[place]["reference"].as_str().unwrap().to_owned()
    }
}

fn counts(page: &Value) -> (usize, usize, usize) {
    let count = |name: &str| page[name].as_array().unwrap().len();
    (count("added"), count("modified"), count("removed"))
}

#[tokio::test]
async fn each_run_tells_what_became_of_a_transaction_since_the_last() {
    let account = Account::new(Server::shared()).await;
    let first = account.page(100, None).await;
    assert_eq!((counts(&first), &first["has_more"]), ((3, 0, 0), &json!(false)));
    let cursor = first["next_cursor"].as_str().unwrap();
    let idle = account.page(100, Some(cursor)).await;
    assert_eq!(counts(&idle), (0, 0, 0), "nothing changed");
    account.revise(0, "correction").await;
    account.revise(1, "correction").await;
    account.revise(1, "reversal").await;
    let second = account.page(100, Some(cursor)).await;
    assert_eq!(counts(&second), (0, 1, 1), "what happened in between is one step");
    assert_eq!(second["modified"][0]["reference"], json!(account.name(0)));
    let removed = &first["added"].as_array().unwrap()[1];
    assert_eq!(second["removed"][0]["id"], removed["id"]);
    let anew = account.page(100, None).await;
    assert_eq!(counts(&anew), (2, 0, 0), "a new copy has what stands now");
}

#[tokio::test]
async fn a_run_is_pinned_whatever_is_written_meanwhile() {
    let account = Account::new(Server::shared()).await;
    let first = account.page(1, None).await;
    assert_eq!(first["has_more"], true);
    account.revise(2, "reversal").await;
    account.revise(0, "correction").await;
    let mut copy: BTreeMap<String, Value> = BTreeMap::new();
    let (mut page, mut runs) = (first.clone(), 0);
    loop {
        for record in page["added"].as_array().unwrap().iter().chain(page["modified"].as_array().unwrap()) {
            copy.insert(record["id"].as_str().unwrap().to_owned(), record.clone());
        }
        for gone in page["removed"].as_array().unwrap() {
            copy.remove(gone["id"].as_str().unwrap());
        }
        if page["has_more"] == false {
            runs += 1;
            if runs == 1 {
                assert_eq!(
                    (copy.len(), &page["as_of"]),
                    (3, &first["as_of"]),
                    "as it stood when the run began"
                );
                assert!(copy.values().all(|record| record.get("revision").is_none()));
            } else {
                break;
            }
        }
        page = account.page(1, page["next_cursor"].as_str()).await;
    }
    assert_eq!(copy.len(), 2);
    assert_eq!(copy.values().filter(|record| record.get("revision").is_some()).count(), 1);
}

#[tokio::test]
async fn a_cursor_that_fits_not_or_is_too_old_is_refused_and_says_how_to_go_on() {
    let account = Account::new(Server::shared()).await;
    let first = account.page(100, None).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    for path in [
        format!("/v1/transactions/sync?cursor={cursor}"),
        "/v1/transactions/sync?cursor=AAAA".to_owned(),
        format!("/v1/transactions?account_id={}&cursor={cursor}", account.id),
    ] {
        account.system.get(&path).await.problem(400, "invalid_cursor");
    }
}
