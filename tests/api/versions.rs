//! Corrections and reversals: a transaction's history grows, and nothing of it goes.

use serde_json::{Value, json};

use crate::support::{Caller, Server, data};

/// A transaction on record, and who may revise it.
struct Recorded {
    system: Caller,
    feeder: Caller,
    institution: String,
    line: Value,
    id: String,
    seq: String,
}

impl Recorded {
    async fn new(server: &Server) -> Self {
        let (system, feeder) = (server.system(0).await, server.feeder().await);
        let institution = server.institution(0).to_owned();
        let line = data::transaction(&data::unique("versioned"));
        let record =
            added(&feeder.deliver(&institution, &data::ndjson(std::slice::from_ref(&line))).await.ok());
        Self { system, feeder, institution, line, id: record.0, seq: record.1 }
    }

    /// Delivers a revision; the seq of the version that it makes.
    async fn revise(&self, line: &Value, kind: &str) -> String {
        let line = data::revised(line, kind, "keyed in wrongly");
        let record = added(&self.feeder.deliver(&self.institution, &data::ndjson(&[line])).await.ok());
        assert_eq!(record.0, self.id, "it stays the same transaction");
        record.1
    }

    /// What a delivery is refused for.
    async fn refused(&self, line: &Value) -> Vec<(String, String)> {
        let answer = self.feeder.deliver(&self.institution, &data::ndjson(std::slice::from_ref(line))).await;
        let problem = answer.problem(422, "refused");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let errors = problem["errors"].as_array().unwrap();
        errors.iter().map(|fault| (text(&fault["pointer"]), text(&fault["code"]))).collect()
    }

    async fn now(&self) -> Value {
        self.system.get(&format!("/v1/transactions/{}", self.id)).await.ok()["data"].clone()
    }

    async fn listed(&self, query: &str) -> Vec<Value> {
        let reference = self.line["reference"].as_str().unwrap();
        self.system.pages(&format!("/v1/transactions?reference={reference}{query}")).await
    }

    async fn versions(&self) -> Vec<Value> {
        self.system.pages(&format!("/v1/transactions/{}/versions", self.id)).await
    }
}

/// Id and seq of the one record that a delivery added.
fn added(result: &Value) -> (String, String) {
    assert_eq!((&result["added"], result["records"].as_array().unwrap().len()), (&json!(1), 1), "{result}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&result["records"][0]["id"]), text(&result["records"][0]["seq"]))
}

#[tokio::test]
async fn a_correction_takes_the_place_of_what_was_recorded_and_says_why() {
    let recorded = Recorded::new(Server::shared()).await;
    let mut corrected = recorded.line.clone();
    corrected["amount"]["amount"] = json!("99.00");
    let seq = recorded.revise(&corrected, "correction").await;

    let now = recorded.now().await;
    assert_eq!(now["amount"]["amount"], "99.00");
    let revision = json!({"kind": "correction", "reason": "keyed in wrongly",
                          "supersedes": recorded.seq, "version": "2"});
    assert_eq!(now["revision"], revision);
    assert_eq!(
        recorded.listed("").await,
        std::slice::from_ref(&now),
        "a list shows the newest version alone"
    );

    let versions = recorded.versions().await;
    assert_eq!(versions.len(), 2);
    assert_eq!((&versions[0]["amount"]["amount"], versions[0].get("revision")), (&json!("12.34"), None));
    assert_eq!(versions[1], now);

    let then = format!("/v1/transactions/{}?as_of={}", recorded.id, recorded.seq);
    assert_eq!(recorded.system.get(&then).await.ok()["data"], versions[0], "as it stood then");
    assert_eq!(recorded.listed(&format!("&as_of={}", recorded.seq)).await, [versions[0].clone()]);
    assert_eq!(recorded.listed(&format!("&as_of={seq}")).await, [now]);
}

#[tokio::test]
async fn a_reversal_takes_a_transaction_out_of_every_list_but_not_out_of_its_history() {
    let recorded = Recorded::new(Server::shared()).await;
    let seq = recorded.revise(&recorded.line, "reversal").await;
    assert_eq!(recorded.listed("").await, [json!(null); 0]);
    assert_eq!(recorded.listed(&format!("&as_of={}", recorded.seq)).await.len(), 1, "it stood until then");
    assert_eq!(recorded.now().await["revision"]["kind"], "reversal", "whoever has its id is told");
    assert_eq!(recorded.versions().await.len(), 2);
    let subject = format!("/v1/ledger/entries?subject={}", recorded.id);
    let entries = recorded.system.get(&subject).await.ok();
    let seqs: Vec<&str> = entries["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["entry"]["seq"].as_str().unwrap())
        .collect();
    assert_eq!(seqs, [&recorded.seq, &seq], "both versions are on the ledger");
    let again = data::revised(&recorded.line, "correction", "after all");
    assert_eq!(recorded.refused(&again).await, [("/1/revision".to_owned(), "already_reversed".to_owned())]);
}

#[tokio::test]
async fn a_batch_with_revisions_may_be_sent_again() {
    let recorded = Recorded::new(Server::shared()).await;
    let mut corrected = recorded.line.clone();
    corrected["amount"]["amount"] = json!("1.00");
    let batch = data::ndjson(&[recorded.line.clone(), data::revised(&corrected, "correction", "first")]);
    let once = recorded.feeder.deliver(&recorded.institution, &batch).await.ok();
    assert_eq!((&once["added"], &once["unchanged"]), (&json!(1), &json!(1)), "{once}");
    let again = recorded.feeder.deliver(&recorded.institution, &batch).await.ok();
    assert_eq!((&again["added"], &again["unchanged"]), (&json!(0), &json!(2)), "{again}");
    assert_eq!(recorded.versions().await.len(), 2);
}

#[tokio::test]
async fn a_revision_that_fits_nothing_is_refused_with_its_reason() {
    let recorded = Recorded::new(Server::shared()).await;
    let unknown = data::revised(&data::transaction(&data::unique("nobody")), "correction", "of nothing");
    let changed = |pointer: &str, value: Value| {
        let mut line = data::revised(&recorded.line, "correction", "x");
        *line.pointer_mut(pointer).unwrap() = value;
        line
    };
    let mut unsaid = recorded.line.clone();
    unsaid["amount"]["amount"] = json!("5.00");
    for (line, pointer, code) in [
        (unknown, "/1/revision", "nothing_to_revise"),
        (unsaid, "/1/reference", "reference_conflict"),
        (changed("/account", json!(data::unique("elsewhere"))), "/1/account", "account_changed"),
        (changed("/amount/currency", json!("CHF")), "/1/amount/currency", "currency_mismatch"),
        (changed("/revision/kind", json!("deletion")), "/1/revision/kind", "unknown_value"),
        (changed("/revision/reason", json!("")), "/1/revision/reason", "text_empty"),
    ] {
        let faults = recorded.refused(&line).await;
        assert_eq!(faults, [(pointer.to_owned(), code.to_owned())], "{line}");
    }
    assert_eq!(recorded.versions().await.len(), 1, "and nothing was stored");
}

#[tokio::test]
async fn fsck_holds_every_version_against_its_payload() {
    let mut server = Server::demo(&[]);
    let recorded = Recorded::new(&server).await;
    recorded.revise(&recorded.line, "correction").await;
    recorded.revise(&recorded.line, "reversal").await;
    server.terminate();
    let checked = server.run(&["fsck"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}
