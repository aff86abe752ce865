//! What becomes of a version: verdicts, deliveries, adjustments; and that it must be right first.

use serde_json::{Value, json};

use crate::support::{Caller, Server, data, server::binary};

async fn made(server: &Server, system: &Caller) -> (String, String, Value) {
    let line = data::transaction(&data::unique("evidence"));
    server
        .feeder()
        .await
        .deliver(server.institution(0), &data::ndjson(std::slice::from_ref(&line)))
        .await
        .ok();
    let account = line["account"].as_str().unwrap().to_owned();
    let order =
        json!({"type": "account-statement", "period": "2026-02", "parameters": {"accounts": account}});
    let report = system.report(&order).await;
    let report = format!("/v1/reports/{}", report["id"].as_str().unwrap());
    let version = system.get(&format!("{report}/versions/1")).await.ok();
    (report, account, version)
}

fn verdict(validator: &str, verdict: &str, version: &Value) -> Value {
    json!({"validator": validator, "version": "2.1", "verdict": verdict, "output": "said", "sha256": version["sha256"]})
}

#[tokio::test]
async fn a_version_is_delivered_once_its_validators_have_passed_it() {
    let server = Server::shared();
    let system = server.system(0).await;
    let (report, _, version) = made(server, &system).await;
    let (validations, deliveries) =
        (format!("{report}/versions/1/validations"), format!("{report}/versions/1/deliveries"));
    let receipt = json!({
        "recipient": "the supervisor", "channel": "portal", "reference": "R-7", "delivered_at": "2025-03-01T08:00:00+01:00",
    });
    system.post(&deliveries, &receipt).await.problem(409, "conflict");
    system.post(&validations, &verdict("another", "passed", &version)).await.ok();
    system.post(&deliveries, &receipt).await.problem(409, "conflict");
    system.post(&validations, &verdict("xsd", "failed", &version)).await.ok();
    let refused = system.post(&deliveries, &receipt).await.problem(409, "conflict");
    assert_eq!(refused["detail"], "a validator that must have passed the version has failed it");

    let passed = system.post(&validations, &verdict("xsd", "passed", &version)).await.ok();
    let mut future = receipt.clone();
    future["delivered_at"] = json!("2999-01-01T00:00:00Z");
    let problem = system.post(&deliveries, &future).await.problem(422, "refused");
    assert_eq!(problem["errors"][0]["pointer"], "/delivered_at");
    let output = system.get(&format!("{validations}/{}/output", passed["seq"].as_str().unwrap())).await;
    assert_eq!(output.text(), "said");
    let delivered = system.post(&deliveries, &receipt).await;
    assert_eq!(delivered.status, 201);
    assert_eq!(delivered.ok()["delivered_at"], "2025-03-01T07:00:00.000000Z");
    assert_eq!(system.pages(&validations).await.len(), 3);
    assert_eq!(system.pages(&deliveries).await.len(), 1);
}

#[tokio::test]
async fn a_verdict_is_of_the_very_document() {
    let server = Server::shared();
    let system = server.system(0).await;
    let (report, _, version) = made(server, &system).await;
    let mut other = verdict("xsd", "passed", &version);
    other["sha256"] = json!("0".repeat(64));
    let problem =
        system.post(&format!("{report}/versions/1/validations"), &other).await.problem(422, "refused");
    assert_eq!(problem["errors"][0]["code"], "other_document");
}

#[tokio::test]
async fn what_has_errors_is_refused_and_not_delivered() {
    let server = Server::shared();
    let system = server.system(0).await;
    let order = json!({
        "type": "account-statement", "period": "2026-02", "parameters": {"accounts": data::unique("nobodys")},
    });
    let report = system.report(&order).await;
    let version = format!("/v1/reports/{}/versions/1", report["id"].as_str().unwrap());
    let made = system.get(&version).await.ok();
    assert_eq!((&made["state"], &made["errors"]), (&json!("refused"), &json!(1)));
    let remarks = system.pages(&format!("{version}/remarks")).await;
    assert_eq!(remarks.last().unwrap()["rule"], "no_account");
    system.post(&format!("{version}/validations"), &verdict("xsd", "passed", &made)).await.ok();
    let receipt = json!({"recipient": "the supervisor", "channel": "portal"});
    system.post(&format!("{version}/deliveries"), &receipt).await.problem(409, "conflict");
}

#[tokio::test]
async fn an_adjustment_counts_once_somebody_else_has_approved_it() {
    let server = Server::shared();
    let system = server.system(0).await;
    let (report, account, _) = made(server, &system).await;
    let adjustments = format!("{report}/adjustments");
    let new = json!({"figure": format!("{account}/credits"), "amount": "-2.34", "reason": "a fee came late"});
    let proposed = system.post(&adjustments, &new).await.ok();
    assert_eq!((&proposed["state"], &proposed["amount"]), (&json!("proposed"), &json!("-2.34")));
    let decision = format!("{adjustments}/{}/decision", proposed["id"].as_str().unwrap());
    system.post(&decision, &json!({"approve": true})).await.problem(409, "conflict");

    let new = json!({"name": "second pair of eyes", "scopes": ["reports:read", "reports:write"]});
    let other = server.enrol(0, &new).await;
    let other = server.caller(&other, None).await;
    let approved = other.post(&decision, &json!({"approve": true})).await.ok();
    assert_eq!(approved["state"], "approved");
    other.post(&decision, &json!({"approve": false})).await.problem(409, "conflict");

    let id = report.rsplit('/').next().unwrap();
    system.post(&format!("{report}/versions"), &json!({"reason": "a fee came late"})).await.ok();
    system.until_made(id, 2).await;
    let figures = system.pages(&format!("{report}/versions/2/figures?prefix={account}/credits")).await;
    assert_eq!((&figures[0]["value"], &figures[0]["contributions"]), (&json!("10.00"), &json!(2)));
    let opened = system.get(&format!("{report}/versions/2/figures/{}", figures[0]["position"])).await.ok();
    assert_eq!(opened["data"][1]["seq"], approved["decided_seq"]);
    assert_eq!(opened["data"][1]["transaction"], Value::Null);
    let remarks = system.pages(&format!("{report}/versions/2/remarks")).await;
    assert!(
        remarks.iter().any(|it| it["rule"] == "adjusted" && it["seq"] == approved["decided_seq"]),
        "{remarks:#?}"
    );
    let before = system.pages(&format!("{report}/versions/1/figures?prefix={account}/credits")).await;
    assert_eq!(before[0]["value"], "12.34");
}

#[tokio::test]
async fn an_adjustment_is_found_by_its_id_under_its_own_report_alone() {
    let server = Server::shared();
    let system = server.system(0).await;
    let ((report, account, _), (another, ..)) = (made(server, &system).await, made(server, &system).await);
    let new = json!({"figure": format!("{account}/credits"), "amount": "-2.34", "reason": "a fee came late"});
    let proposed = system.post(&format!("{report}/adjustments"), &new).await.ok();
    let id = proposed["id"].as_str().unwrap();
    let own = format!("{report}/adjustments/{id}");
    assert_eq!(system.get(&own).await.ok(), proposed);
    assert_eq!(system.pages(&format!("{report}/adjustments")).await, std::slice::from_ref(&proposed));
    for nowhere in [
        format!("{another}/adjustments/{id}"),
        format!("{report}/adjustments/adj_0190163d8694739bba1a9fbee4e5c1b2"),
        format!("{report}/adjustments/nonsense"),
    ] {
        system.get(&nowhere).await.problem(404, "not_found");
    }
    server.system(1).await.get(&own).await.problem(404, "not_found");
}

#[tokio::test]
async fn an_adjustment_is_of_a_figure_that_there_is_and_fits_its_unit() {
    let server = Server::shared();
    let system = server.system(0).await;
    let (report, account, _) = made(server, &system).await;
    let figure = format!("{account}/credits");
    for (figure, amount, pointer) in [
        ("none", "1.00", "/figure"),
        (figure.as_str(), "1.001", "/amount"),
        (figure.as_str(), "0.00", "/amount"),
    ] {
        let new = json!({"figure": figure, "amount": amount, "reason": "a test"});
        let problem = system.post(&format!("{report}/adjustments"), &new).await.problem(422, "refused");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{new}");
    }
}

#[tokio::test]
async fn all_of_it_in_one_file_is_checked_offline_and_what_was_altered_is_named() {
    let server = Server::shared();
    let system = server.system(0).await;
    let (report, account, version) = made(server, &system).await;
    system.post(&format!("{report}/versions/1/validations"), &verdict("xsd", "passed", &version)).await.ok();
    let receipt = json!({"recipient": "the supervisor", "channel": "portal"});
    system.post(&format!("{report}/versions/1/deliveries"), &receipt).await.ok();
    let bundle = system.get(&format!("{report}/versions/1/bundle")).await;
    assert_eq!(bundle.header("content-type"), Some("application/zip"));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.zip");
    let verify = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let verify = std::process::Command::new(binary("veritrail-verify"))
            .args(["--vkey", server.vkey(0)])
            .arg(&path)
            .output()
            .unwrap();
        (verify.status.success(), String::from_utf8([verify.stdout, verify.stderr].concat()).unwrap())
    };
    let (right, said) = verify(&bundle.body);
    assert!(right, "{said}");
    let altered = data::in_zip(&bundle.body, b"12.34", b"13.34");
    let (right, said) = verify(&altered);
    assert!(!right && (said.contains("document") || said.contains(&account)), "{said}");
}

#[tokio::test]
async fn figures_and_remarks_are_told_once_a_version_is_made() {
    let server = Server::shared();
    let system = server.system(0).await;
    let (report, _, _) = made(server, &system).await;
    system.post(&format!("{report}/versions"), &json!({"reason": "another look"})).await.ok();
    let version = format!("{report}/versions/2");
    let told = loop {
        let remarks = system.get(&format!("{version}/remarks")).await;
        if remarks.status != 200 {
            remarks.problem(409, "conflict");
        }
        let figures = system.get(&format!("{version}/figures")).await;
        if figures.status == 200 {
            break figures.ok()["data"].as_array().unwrap().len();
        }
        figures.problem(409, "conflict");
    };
    let made = system.until_made(report.rsplit('/').next().unwrap(), 2).await;
    assert_eq!(made["figures"], told, "all of them are there as soon as one is told");
}

#[tokio::test]
async fn records_behind_a_figure_take_their_own_scope() {
    let server = Server::shared();
    let system = server.system(0).await;
    let (report, account, _) = made(server, &system).await;
    let reader = server.system_with(0, "reports:read").await;
    let version = format!("{report}/versions/1");
    let credits = &reader.pages(&format!("{version}/figures?prefix={account}/credits")).await[0];
    let one = format!("{version}/figures/{}", credits["position"]);
    let opened = system.get(&one).await.ok();
    let transaction = format!("/v1/transactions/{}", opened["data"][0]["transaction"].as_str().unwrap());
    for path in [
        format!("{version}/bundle"),
        format!("{one}/contributions/0"),
        format!("{transaction}/figures"),
        format!("{transaction}/impact"),
        one,
    ] {
        reader.get(&path).await.problem(403, "insufficient_scope");
        assert_eq!(system.get(&path).await.status, 200, "{path}");
    }
}
