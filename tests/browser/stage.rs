//! A demo with something on each page, and people who are signed in to it in a browser.

use serde_json::json;

use crate::support::{Server, browser::Browser, data, person::credentials};

/// A service where each page has something to show.
pub struct Stage {
    pub server: Server,
    /// A transaction that was corrected.
    pub transaction: String,
    /// A report with two versions.
    pub report: String,
}

impl Stage {
    pub async fn set() -> Self {
        let server = Server::demo(&[]);
        server.lift_limits();
        let (feeder, system) = (server.feeder().await, server.system(0).await);
        let mut line = data::transaction(&data::unique("rent"));
        line["remittance_information"] = "Rent for March, flat 7".into();
        line["counterparty"] = json!({"name": "<b>Überzahl</b> & Söhne", "account": "AT560000000012345864"});
        let told = feeder.deliver(server.institution(0), &data::ndjson(&[line.clone()])).await.ok();
        let transaction = told["records"][0]["id"].as_str().unwrap().to_owned();
        let month = &line["booking_date"].as_str().unwrap()[..7];
        let order = json!({"type": "account-statement", "period": month, "parameters": {}});
        let report = system.report(&order).await["id"].as_str().unwrap().to_owned();
        let corrected = data::revised(&line, "correction", "the purpose was cut off");
        feeder.deliver(server.institution(0), &data::ndjson(&[corrected])).await.ok();
        let next = json!({"kind": "correction", "reason": "a purpose was cut off"});
        system.post(&format!("/v1/reports/{report}/versions"), &next).await.ok();
        system.until_made(&report, 2).await;
        server
            .grant(0, &["transactions:read", "reports:read", "ledger:read"], 3600, "Inspection 2026-11")
            .await;
        Self { server, transaction, report }
    }

    /// The pages of each role.
    pub fn pages(&self) -> Vec<(&'static str, Vec<String>)> {
        let page = |path: &str| path.to_owned();
        let institution = self.server.institution(0);
        vec![
            (
                "compliance-officer",
                vec![
                    page("/"),
                    page("/transactions"),
                    format!("/transactions/{}", self.transaction),
                    page("/reports"),
                    page("/reports/new"),
                    format!("/reports/{}", self.report),
                    format!("/reports/{}/versions/1", self.report),
                    format!("/reports/{}/versions/1/figures/0", self.report),
                    format!("/reports/{}/compare?from=1&to=2", self.report),
                    page("/lineage"),
                    page("/audit"),
                    page("/audit/1"),
                    page("/audit/looks"),
                    page("/evidence"),
                    page("/grants"),
                    page("/grants/new"),
                    page("/account"),
                    page("/keys"),
                ],
            ),
            (
                "integration-engineer",
                vec![
                    page("/"),
                    page("/developers"),
                    page("/developers/clients"),
                    page("/developers/webhooks"),
                    page("/developers/events"),
                    page("/developers/diagnose"),
                    page("/status"),
                ],
            ),
            (
                "regulator",
                vec![
                    page("/reg"),
                    format!("/transactions?institution={institution}"),
                    format!("/audit?institution={institution}"),
                ],
            ),
            ("operator", vec![page("/"), format!("/transactions?institution={institution}")]),
        ]
    }

    /// A browser in which the person of a role is signed in.
    pub async fn browser(&self, role: &str) -> Browser {
        let browser = Browser::open().await;
        self.sign_in(&browser, role).await;
        browser
    }

    pub async fn sign_in(&self, browser: &Browser, role: &str) {
        let (email, password) = credentials(&self.server, role);
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
