//! A demo with something on each page, and people who are signed in to it in a browser.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::support::{
    Caller, Person, Server,
    bank::Bank,
    browser::Browser,
    data,
    keys::ClientKey,
    person::credentials,
    receiver::{Manner, Receiver, until},
    server::watch_over,
};

/// Who has a place on the stage and is none of the demo's people: a regulator whom nobody granted anything.
const NEWCOMER: (&str, &str) = ("newcomer@supervisor.example", "correct horse battery");
/// What the stage's transaction is of.
pub const COUNTERPARTY: &str = "Überzahl";
/// Its month.
pub const MONTH: &str = "2026-02";

/// A service where each page has something to show.
pub struct Stage {
    pub server: Server,
    /// Its transaction, that was corrected and is counted by its report.
    pub transaction: String,
    pub reference: String,
    /// What stands for a name in braces in the paths of tours.
    things: BTreeMap<&'static str, String>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

impl Stage {
    /// The one that all tests of pages share. They may add to it, so they expect only what they made, and what is
    /// said here.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Stage> = OnceCell::const_new();
        SHARED
            .get_or_init(|| async {
                let stage = Self::set().await;
                // Statics are not dropped; this ends the process with the tests.
                watch_over(stage.server.pid(), stage.server.data_dir().parent());
                stage
            })
            .await
    }

    async fn set() -> Self {
        let server = Server::demo_with(
            &[],
            &[
                ("VERITRAIL_WEBHOOKS__ALLOW_HTTP", "true"),
                ("VERITRAIL_WEBHOOKS__ALLOW_NETWORKS", "127.0.0.0/8"),
                ("VERITRAIL_WEBHOOKS__TIMEOUT_S", "2"),
            ],
        );
        server.lift_limits();
        let reference = data::unique("rent");
        let mut things = BTreeMap::from([("institution", server.institution(0).to_owned())]);
        records(&server, &reference, &mut things).await;
        lineage(&server.system(0).await, &mut things).await;
        access(&server, &mut things).await;
        systems(&server, &mut things).await;
        ledger(&server, &mut things).await;
        let told = json!({
            "title": "Webhooks are late", "status": "investigating", "impact": "minor", "components": ["webhooks"],
            "text": "Messages come up to ten minutes late. Nothing is lost.",
        });
        let incident = server.operator().await.post("/admin/v1/incidents", &told).await.ok();
        things.insert("incident", text(&incident["id"]));
        let transaction = things["transaction"].clone();
        Self { server, transaction, reference, things }
    }

    /// A path of a tour with what stands for the names in braces.
    pub fn path(&self, template: &str) -> String {
        let filled = self
            .things
            .iter()
            .fold(template.to_owned(), |path, (name, thing)| path.replace(&format!("{{{name}}}"), thing));
        assert!(!filled.contains('{'), "the stage does not have all of {template}");
        filled
    }

    /// A browser in which a person is signed in: one of the demo's roles, or the newcomer; or nobody.
    pub async fn browser(&self, who: &str) -> Browser {
        let browser = Browser::open().await;
        if who != "nobody" {
            self.sign_in(&browser, who).await;
        }
        browser
    }

    async fn sign_in(&self, browser: &Browser, who: &str) {
        let (email, password) = match who {
            "newcomer" => (NEWCOMER.0.to_owned(), NEWCOMER.1.to_owned()),
            role => credentials(&self.server, role),
        };
        self.go(browser, "/sign-in").await;
        browser.fill("input[name=email]", &email).await;
        browser.fill("input[name=password]", &password).await;
        browser.click("main button").await;
        browser.find(".who").await;
    }

    pub async fn go(&self, browser: &Browser, path: &str) {
        browser.go(&format!("{}{path}", self.server.base_url())).await;
    }
}

/// A transaction that came in a file and was corrected, one that was withdrawn, and a report of their month with two
/// versions and all that can be said of one.
async fn records(server: &Server, reference: &str, things: &mut BTreeMap<&'static str, String>) {
    let bank = Bank::of_the_demo(server, 0).await;
    let deliver = async |line: &Value| {
        let file = data::ndjson(std::slice::from_ref(line));
        let intake = bank.take("format=ndjson", "application/x-ndjson", file).await;
        assert_eq!(intake["state"], "stored", "{intake}");
    };
    let found = async |line: &Value| {
        let path = format!("/v1/transactions?reference={}", line["reference"].as_str().unwrap());
        text(&bank.system.get(&path).await.ok()["data"][0]["id"])
    };
    let mut line = data::transaction(reference);
    line["remittance_information"] = "Rent for March, flat 7".into();
    let name = format!("<b>{COUNTERPARTY}</b> & Söhne");
    line["counterparty"] = json!({"name": name, "account": "AT560000000012345864"});
    let other = data::transaction(&data::unique("twice"));
    deliver(&line).await;
    deliver(&other).await;
    let withdrawn = found(&other).await;
    let order = json!({"type": "account-statement", "period": MONTH, "parameters": {}});
    let report = text(&bank.system.report(&order).await["id"]);
    deliver(&data::revised(&line, "correction", "the purpose was cut off")).await;
    deliver(&data::revised(&other, "reversal", "it was sent twice")).await;
    let path = format!("/v1/reports/{report}");
    let next = json!({"kind": "correction", "reason": "a purpose was cut off"});
    bank.system.post(&format!("{path}/versions"), &next).await.ok();
    let made = bank.system.until_made(&report, 2).await;
    let version = format!("{path}/versions/2");
    for (validator, verdict) in [("xsd", "passed"), ("house rules", "failed")] {
        let said = json!({
            "validator": validator, "version": "1", "verdict": verdict, "output": "line 1", "sha256": made["sha256"],
        });
        bank.system.post(&format!("{version}/validations"), &said).await.ok();
    }
    let figures = bank.system.get(&format!("{version}/figures?limit=1")).await.ok();
    let proposed = json!({"figure": figures["data"][0]["name"], "amount": "1.00", "reason": "a rounding"});
    let adjustment = bank.system.post(&format!("{path}/adjustments"), &proposed).await.ok();
    things.extend([
        ("transaction", found(&line).await),
        ("withdrawn", withdrawn),
        ("report", report),
        ("adjustment", text(&adjustment["id"])),
        ("made", text(&made["made_seq"])),
    ]);
}

/// A job that told which column it made of which.
async fn lineage(system: &Caller, things: &mut BTreeMap<&'static str, String>) {
    let fields = json!({"total": {"inputFields": [
        {"namespace": "gs://here", "name": "bookings", "field": "amount"},
    ]}});
    let event = json!({
        "eventTime": "2026-01-05T09:30:00Z", "eventType": "COMPLETE", "producer": "https://example.com/etl",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": "run-of-daily"}, "job": {"namespace": "etl", "name": "sum-up"},
        "inputs": [{"namespace": "gs://here", "name": "bookings"}],
        "outputs": [{
            "namespace": "gs://here", "name": "daily",
            "facets": {
                "columnLineage": {"fields": fields},
                "schema": {"fields": [{"name": "total", "type": "DECIMAL"}]},
            },
        }],
    });
    system.post("/api/v1/lineage", &event).await.ok();
    things.insert("dataset", "dataset%3Ags%253A%2F%2Fhere%3Adaily".to_owned());
    things.insert("source", "dataset%3Ags%253A%2F%2Fhere%3Abookings".to_owned());
    things.insert("job", "job%3Aetl%3Asum-up".to_owned());
}

/// Grants to the demo's regulator, two live and one revoked; a regulator without any; and somebody who has yet to set a password.
async fn access(server: &Server, things: &mut BTreeMap<&'static str, String>) {
    let all = [
        "accounts:read",
        "transactions:read",
        "ledger:read",
        "evidence:read",
        "lineage:read",
        "reports:read",
    ];
    let grant = server.grant(0, &all, 6 * 3600, "Inspection 2026-11").await;
    server.grant(0, &["reports:read"], 3 * 3600, "Filings of 2026").await;
    let over = server.grant(0, &["ledger:read"], 6 * 3600, "A question of 2025").await;
    let path = format!("/v1/grants/{}/revocation", text(&over["id"]));
    server.system(0).await.post(&path, &json!({"reason": "it is answered"})).await.ok();
    let token = |link: String| link.split_once("token=").unwrap().1.to_owned();
    let link = token(server.add_person(NEWCOMER.0, "regulator", None));
    let form = [("token", link.as_str()), ("password", NEWCOMER.1), ("again", NEWCOMER.1)];
    let set = Person::nobody(server).submit("/set-password", &form).await;
    assert_eq!(set.status(), 303);
    let link = server.add_person("later@bank.example", "compliance-officer", Some(server.institution(0)));
    things.extend([
        ("grant", text(&grant["id"])),
        ("granted", text(&grant["seq"])),
        ("revoked", text(&over["id"])),
        ("token", token(link)),
    ]);
}

/// Clients with a secret and with two keys, and an endpoint that fails.
async fn systems(server: &Server, things: &mut BTreeMap<&'static str, String>) {
    let (old, new) = (ClientKey::ed25519("old"), ClientKey::ed25519("new"));
    let jwks = json!({"keys": [old.jwk, new.jwk]});
    let keyed = json!({"name": "reporting", "scopes": ["ledger:read"], "jwks": jwks});
    let keyed = server.enrol(0, &keyed).await;
    let secret = server.enrol(0, &json!({"name": "warehouse", "scopes": ["institution:read"]})).await;
    let system = server.system(0).await;
    let receiver = Receiver::start().await;
    receiver.behave(Manner::Status(500, "<b>no</b>"));
    let order = json!({"url": receiver.url(), "events": ["transaction.created"], "description": "bookings"});
    let webhook = text(&system.post("/v1/webhooks", &order).await.ok()["id"]);
    let line = data::ndjson(&[data::transaction(&data::unique("told"))]);
    server.feeder().await.deliver(server.institution(0), &line).await.ok();
    let deliveries = format!("/v1/webhooks/{webhook}/deliveries");
    until("the endpoint fails", async || {
        let told = system.get(&deliveries).await.ok();
        told["data"].as_array().unwrap().iter().any(|one| one["state"] == "failed").then_some(())
    })
    .await;
    things.extend([
        ("webhook", webhook),
        ("keyed", text(&keyed["client_id"])),
        ("secret", text(&secret["client_id"])),
    ]);
}

/// A bundle that is ready, and entries of several kinds.
async fn ledger(server: &Server, things: &mut BTreeMap<&'static str, String>) {
    let system = server.system(0).await;
    let bundle = text(&system.post("/v1/evidence-bundles", &json!({})).await.ok()["id"]);
    system.until_ready(&bundle).await;
    server.system_with(0, "accounts:read").await.get("/v1/reports").await.problem(403, "insufficient_scope");
    for (name, kind) in [("refusal", "denied"), ("look", "access"), ("record", "record"), ("change", "admin")]
    {
        let path = format!("/v1/ledger/entries?kind={kind}&sort=-seq&limit=1");
        let found = system.get(&path).await.ok();
        things.insert(name, text(&found["data"][0]["entry"]["seq"]));
    }
    things.insert("bundle", bundle);
}
