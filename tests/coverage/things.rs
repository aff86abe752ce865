//! What an institution has, for operations to be tried on; and the same ids of nobody's.

use serde_json::{Value, json};

use super::STREAM;
use crate::support::{Server, data, document::Operation, grants, keys::ClientKey};

/// Ids of things that an institution has.
pub struct Things {
    report: String,
    schedule: String,
    /// One that may go.
    old_schedule: String,
    adjustment: String,
    validation: String,
    figure: String,
    figure_name: String,
    document_sha256: String,
    institution: String,
    account: String,
    transaction: String,
    bundle: String,
    export: String,
    webhook: String,
    /// One that may go.
    old_webhook: String,
    client: String,
    intake: String,
    /// A client that the institution looks after itself, with a secret.
    own_client: String,
    /// The same with two keys, of which one is `first`.
    keyed_client: String,
    /// One that begins later.
    grant: String,
    /// Somebody to whom one can be given.
    regulator: String,
    /// An incident of the service that is open.
    incident: String,
}

impl Things {
    pub async fn of(server: &Server, index: usize) -> Self {
        let system = server.system(index).await;
        let page = system.get("/v1/transactions?limit=1&sort=seq").await.ok();
        let bundle = system.post("/v1/evidence-bundles", &json!({"from_seq": "0", "to_seq": "3"})).await.ok();
        let order = json!({"of": "transactions", "format": "csv"});
        let export = system.post("/v1/exports", &order).await.ok();
        let hook = json!({"url": "https://hooks.bank.example/coverage"});
        let webhook = system.post("/v1/webhooks", &hook).await.ok();
        let old_webhook = system.post("/v1/webhooks", &hook).await.ok();
        let institution = server.institution(index).to_owned();
        let new = json!({"name": "to be revoked", "scopes": ["accounts:read"]});
        let path = format!("/admin/v1/institutions/{institution}/clients");
        let client = server.operator().await.post(&path, &new).await.ok();
        let keys = [ClientKey::ed25519("first").jwk, ClientKey::ed25519("second").jwk];
        let new = json!({"name": "has keys", "scopes": ["accounts:read"], "jwks": {"keys": keys}});
        let keyed_client = server.operator().await.post(&path, &new).await.ok();
        let new = json!({"name": "has a secret", "scopes": ["accounts:read"]});
        let own_client = server.operator().await.post(&path, &new).await.ok();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let feeder = server.feeder().await;
        let path = format!("/v1/intakes?institution={institution}&format=camt");
        let upload = feeder.request(reqwest::Method::POST, &path).header("upload-length", "1000");
        let intake = feeder.send(upload.header("content-type", "application/xml")).await.ok();
        let path = format!("/v1/intake-mappings/coverage?institution={institution}");
        let mapping = include_str!("../../gateway/src/intake/example_mapping.toml");
        let put = feeder.request(reqwest::Method::PUT, &path).header("content-type", "application/toml");
        feeder.send(put.body(mapping)).await.ok();
        let dataset = |name: &str| json!([{"namespace": "here", "name": name}]);
        let event = json!({
            "eventTime": "2026-01-05T09:30:00Z", "run": {"runId": "r"}, "job": {"namespace": "etl", "name": "job"},
            "inputs": dataset("in"), "outputs": dataset("out"),
        });
        system.post("/api/v1/lineage", &event).await.ok();
        // Others may have ordered the same; one account more that there is not makes it another report.
        let account =
            system.get(&format!("/v1/accounts/{}", text(&page["data"][0]["account_id"]))).await.ok();
        let accounts = format!("{} {}", text(&account["data"]["reference"]), data::unique("coverage"));
        let parameters = json!({"accounts": accounts});
        let order = json!({"type": "account-statement", "period": "2026-01", "parameters": parameters});
        let report = system.report(&order).await;
        let report = text(&report["id"]);
        let figures = system.get(&format!("/v1/reports/{report}/versions/1/figures?limit=1")).await.ok();
        let mut schedules = Vec::new();
        for _ in 0..2 {
            let parameters = json!({"accounts": data::unique("coverage")});
            let new = json!({"type": "account-statement", "every": "month", "parameters": parameters});
            schedules.push(text(&system.post("/v1/report-schedules", &new).await.ok()["id"]));
        }
        // Whoever runs the samples decides about what somebody else proposed.
        let new = json!({"figure": figures["data"][0]["name"], "amount": "1.00", "reason": "coverage"});
        let other = json!({"name": "proposes", "scopes": ["reports:read", "reports:write"]});
        let path = format!("/admin/v1/institutions/{institution}/clients");
        let other = server.operator().await.post(&path, &other).await.ok();
        let other = server.caller(&other, None).await;
        let adjustment = other.post(&format!("/v1/reports/{report}/adjustments"), &new).await.ok();
        let made = system.until_made(&report, 1).await;
        let new = json!({
            "validator": "xsd", "version": "1", "verdict": "passed", "output": "", "sha256": made["sha256"],
        });
        let path = format!("/v1/reports/{report}/versions/1/validations");
        let validation = system.post(&path, &new).await.ok();
        let parts = system.get(&format!("/v1/reports/{report}/versions/1/figures?limit=500")).await.ok();
        let figure = parts["data"].as_array().unwrap().iter().find(|it| it["contributions"] != 0).unwrap();
        let grant = server.grant_to_come(index, &["reports:read"]).await;
        let new = json!({
            "title": "coverage", "impact": "none", "components": ["api"], "text": "it is tried what operators can do",
        });
        let incident = server.incident(&new).await;
        let things = Self {
            report,
            schedule: schedules.remove(0),
            old_schedule: schedules.remove(0),
            adjustment: text(&adjustment["id"]),
            validation: text(&validation["seq"]),
            figure: figure["position"].to_string(),
            figure_name: text(&figure["name"]),
            document_sha256: text(&made["sha256"]),
            institution,
            account: text(&page["data"][0]["account_id"]),
            transaction: text(&page["data"][0]["id"]),
            bundle: text(&bundle["id"]),
            export: text(&export["id"]),
            webhook: text(&webhook["id"]),
            old_webhook: text(&old_webhook["id"]),
            client: text(&client["client_id"]),
            intake: text(&intake["id"]),
            own_client: text(&own_client["client_id"]),
            keyed_client: text(&keyed_client["client_id"]),
            grant: text(&grant["id"]),
            regulator: server.regulator().to_owned(),
            incident: text(&incident["id"]),
        };
        system.until_ready(&things.bundle).await;
        system.until_exported(&things.export).await;
        things
    }

    /// The same, as if they were another institution's.
    pub fn within(self, institution: String) -> Self {
        Self { institution, ..self }
    }

    /// Of the same kinds, but nobody's.
    pub fn nobodys() -> Self {
        let id = |prefix: &str| format!("{prefix}_0190163d8694739bba1a9fbee4e5c1b2");
        Self {
            report: id("rep"),
            schedule: id("rsc"),
            old_schedule: id("rsc"),
            adjustment: id("adj"),
            validation: "1".to_owned(),
            figure: "1".to_owned(),
            figure_name: "1".to_owned(),
            document_sha256: "0".repeat(64),
            institution: id("ins"),
            account: id("acc"),
            transaction: id("txn"),
            bundle: id("evb"),
            export: id("exp"),
            webhook: id("whk"),
            old_webhook: id("whk"),
            client: id("cli"),
            intake: id("int"),
            own_client: id("cli"),
            keyed_client: id("cli"),
            grant: id("grt"),
            regulator: "nobody@supervisor.example".to_owned(),
            incident: id("inc"),
        }
    }

    /// What stands for a parameter of an operation.
    fn value(&self, operation: &Operation, name: &str) -> String {
        let noun = operation.path.split("/{id}").next().and_then(|before| before.rsplit('/').next());
        match (name, noun) {
            ("id", Some("institutions")) | ("institution", _) => &self.institution,
            ("id", Some("accounts")) => &self.account,
            ("id", Some("transactions")) => &self.transaction,
            ("id", Some("evidence-bundles")) => &self.bundle,
            ("id", Some("clients")) if operation.admin => &self.client,
            ("id", Some("clients")) if operation.path.contains("/keys") => &self.keyed_client,
            ("id", Some("clients")) => &self.own_client,
            ("kid", _) => "first",
            ("id", Some("exports")) => &self.export,
            ("id", Some("webhooks")) if operation.id() == "deleteWebhook" => &self.old_webhook,
            ("id", Some("webhooks")) => &self.webhook,
            ("id", Some("intakes")) => &self.intake,
            ("id", Some("grants")) => &self.grant,
            ("id", Some("incidents")) => &self.incident,
            // Each deposit is another report.
            ("type", _) if operation.id() == "depositReport" => return data::unique("coverage"),
            ("type", _) => "settlement-reconciliation",
            ("period", _) => "2026-01",
            ("file", _) => "settlement-reconciliation.xsd",
            ("id", Some("reports")) => &self.report,
            ("id", Some("report-schedules")) if operation.id() == "deleteReportSchedule" => {
                &self.old_schedule
            }
            ("id", Some("report-schedules")) => &self.schedule,
            ("adjustment", _) => &self.adjustment,
            ("figure", _) => &self.figure,
            ("position", _) => "0",
            ("seq", Some("reports")) => &self.validation,
            ("format", _) => "ndjson",
            ("actor[in]", _) => &self.client,
            ("seq", _) => "0",
            ("from" | "n", _) => "1",
            ("tile", _) => "0/000.p/1",
            ("name", _) => "coverage",
            ("node" | "nodeId" | "dataset", _) => "dataset:here:out",
            ("job", _) => "job:etl:job",
            ("date", _) => "2026-01-31",
            _ => panic!("say here what stands for {name} of {}", operation.path),
        }
        .to_owned()
    }

    /// A sample with what there is in place of what it names.
    pub fn fill(&self, sample: &str) -> String {
        let (from, until) = grants::to_come();
        // Each order is of a period of its own.
        let month = format!("\"{}-{:02}\"", 1900 + rand::random_range(0..90), rand::random_range(1..13));
        // So is each schedule one of its own.
        let tolerance = format!("\"{}.{:02}\"", rand::random_range(0..100_000), rand::random_range(0..100));
        sample
            .replace("\"2026-03\"", &month)
            .replace("examiner@supervisor.example", &self.regulator)
            .replace("2026-12-01T00:00:00Z", &from)
            .replace("2026-12-31T00:00:00Z", &until)
            .replace("\"0.10\"", &tolerance)
            .replace("DE04000000000000000576/credits", &self.figure_name)
            .replace(
                "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                &self.document_sha256,
            )
    }

    pub fn target(&self, operation: &Operation) -> String {
        let target = operation.target(|name| self.value(operation, name));
        // A stream goes on for as long as it may.
        if operation.id() == STREAM { format!("{target}?duration_s=0") } else { target }
    }
}
