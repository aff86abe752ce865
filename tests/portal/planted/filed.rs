//! Reports with payloads: in what they are asked for, and in what becomes of them.

use reqwest::Method;
use serde_json::json;

use super::{
    payload::SCRIPT,
    plant::{Planted, encoded, sent, text},
};

/// Plants reports; one is of the account of this reference.
pub async fn plant(planted: &mut Planted, account: &str) {
    let system = planted.system.clone();
    let order =
        json!({"type": "account-statement", "period": "2026-02", "parameters": {"accounts": account}});
    let id = text(&system.report(&order).await["id"]);
    planted.report.clone_from(&id);
    let path = format!("/v1/reports/{id}");
    let version = format!("{path}/versions/1");
    let made = system.get(&version).await.ok();
    assert_eq!(made["state"], "ready", "{made}");
    judged(planted, &id, &text(&made["sha256"])).await;

    // Only a figure that counts records of its own can be adjusted.
    let figures = system.pages(&format!("{version}/figures")).await;
    let figure = &figures.iter().find(|figure| figure["contributions"] != 0).unwrap()["name"];
    let reason = planted.texts.whole(("createReportAdjustment", "/reason"), 500);
    let new = json!({"figure": figure, "amount": "1.00", "reason": reason});
    let adjustment = text(&system.post(&format!("{path}/adjustments"), &new).await.ok()["id"]);

    let reason = planted.texts.whole(("createReportVersion", "/reason"), 500);
    system.post(&format!("{path}/versions"), &json!({"reason": reason})).await.ok();
    system.until_made(&id, 2).await;
    planted.pages.extend([
        "/reports".to_owned(),
        format!("/reports/{id}"),
        format!("/reports/{id}/versions/1"),
        format!("/reports/{id}/versions/2"),
        format!("/reports/{id}/versions/1/figures/0"),
        format!("/reports/{id}/versions/1/content"),
        format!("/reports/{id}/compare?from=1&to=2"),
        format!("/reports/{id}/adjustments/{adjustment}"),
    ]);

    // All accounts, also those whose names begin as formulas do.
    let all =
        system.report(&json!({"type": "account-statement", "period": "2026-02", "parameters": {}})).await;
    let name = planted.texts.whole(("createReport", "/parameters/*"), 200);
    let parameters = json!({"transmitting_country": "DE", "psp_bic": "XMPLDEX0", "psp_name": name});
    let order = json!({"type": "cesop-payment-data", "period": "2026-Q1", "parameters": parameters});
    for report in [all, system.report(&order).await] {
        planted.pages.push(format!("/reports/{}", text(&report["id"])));
        planted.pages.push(format!("/reports/{}/versions/1", text(&report["id"])));
    }
    let accounts = planted.texts.one(("createReportSchedule", "/parameters/*"), SCRIPT);
    let new = json!({"type": "account-statement", "every": "month", "parameters": {"accounts": accounts}});
    system.post("/v1/report-schedules", &new).await.ok();
    deposited(planted).await;
}

/// Verdicts and a delivery.
async fn judged(planted: &mut Planted, id: &str, sha256: &str) {
    let system = planted.system.clone();
    let version = format!("/v1/reports/{id}/versions/1");
    let validator = planted.texts.whole(("createReportValidation", "/validator"), 70);
    let release = planted.texts.whole(("createReportValidation", "/version"), 70);
    let output = planted.texts.whole(("createReportValidation", "/output"), 2_000);
    for validator in ["xsd", validator.as_str()] {
        let new = json!({
            "validator": validator, "version": release, "verdict": "passed", "output": output, "sha256": sha256,
        });
        let told = system.post(&format!("{version}/validations"), &new).await.ok();
        planted.pages.push(format!("/reports/{id}/versions/1/validations/{}/output", text(&told["seq"])));
    }
    let mut fill = |place| planted.texts.whole(("createReportDelivery", place), 140);
    let new = json!({"recipient": fill("/recipient"), "channel": fill("/channel"), "reference": fill("/reference")});
    system.post(&format!("{version}/deliveries"), &new).await.ok();
}

/// Documents that were made elsewhere.
async fn deposited(planted: &mut Planted) {
    let path = "/v1/report-deposits?type=planted&period=2026-02";
    let document = format!("<x>{}</x>", planted.texts.one(("depositReport", "xml"), SCRIPT));
    let report = sent(&planted.system, Method::POST, path, "application/xml", document).await;
    let id = text(&report["id"]);
    let reason = encoded(&planted.texts.whole(("depositReport", "?reason"), 500));
    let table = planted.texts.whole(("depositReport", "csv"), 500);
    let path = format!("{path}&reason={reason}");
    sent(&planted.system, Method::POST, &path, "text/csv", table).await;
    for n in [1, 2] {
        planted.pages.push(format!("/reports/{id}/versions/{n}"));
        planted.pages.push(format!("/reports/{id}/versions/{n}/content"));
    }
}
