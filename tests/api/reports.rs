//! `/v1/reports`: made, opened down to records, corrected; and from a record to what counts it.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use veritrail_audit::{Hash, SumLeaf, SumNode, sum_root};

use crate::support::{Caller, Server, data};

/// An account with three transactions of March and one of before; its reference, and the lines.
async fn account(server: &Server) -> (String, Vec<Value>) {
    let account = data::unique("576");
    let line = |name: &str, day: &str, amount: &str, direction: &str| {
        json!({
            "account": account, "reference": format!("{account}-{name}"), "booking_date": day, "direction": direction,
            "amount": {"amount": amount, "currency": "EUR"},
        })
    };
    let mut lines = vec![
        line("before", "2026-02-27", "100.00", "credit"),
        line("first", "2026-03-02", "12.34", "credit"),
        line("second", "2026-03-02", "5.01", "debit"),
        line("third", "2026-03-31", "0.67", "credit"),
    ];
    lines[0]["balance_after"] = json!({"amount": "250.00", "currency": "EUR", "direction": "credit"});
    server.feeder().await.deliver(server.institution(0), &data::ndjson(&lines)).await.ok();
    (account, lines)
}

fn order(account: &str) -> Value {
    json!({"type": "account-statement", "period": "2026-03", "parameters": {"accounts": account}})
}

fn path(report: &Value) -> String {
    format!("/v1/reports/{}", report["id"].as_str().unwrap())
}

/// The figure of this name, with what makes it.
async fn figure(system: &Caller, version: &str, name: &str) -> Value {
    let figures = system.pages(&format!("{version}/figures")).await;
    let found = figures
        .iter()
        .find(|figure| figure["name"] == name)
        .unwrap_or_else(|| panic!("{name}: {figures:#?}"));
    system.get(&format!("{version}/figures/{}", found["position"])).await.ok()
}

/// What a decimal is in hundredths.
fn cents(decimal: &Value) -> i64 {
    decimal.as_str().unwrap().replace('.', "").parse().unwrap()
}

#[tokio::test]
async fn every_figure_opens_to_the_records_that_add_up_to_it() {
    let server = Server::shared();
    let system = server.system(0).await;
    let (account, _) = account(server).await;
    let report = system.report(&order(&account)).await;
    let version = format!("{}/versions/1", path(&report));
    assert_eq!(system.get(&version).await.ok()["state"], "ready");

    for (name, value, records) in [
        ("opening_balance", "250.00", vec!["250.00"]),
        ("credits", "13.01", vec!["12.34", "0.67"]),
        ("debits", "5.01", vec!["5.01"]),
        ("closing_balance", "258.00", vec!["250.00", "12.34", "0.67", "-5.01"]),
        ("net", "8.00", vec!["12.34", "0.67", "-5.01"]),
    ] {
        let opened = figure(&system, &version, &format!("{account}/{name}")).await;
        assert_eq!(opened["figure"]["value"], value, "{name}");
        let parts = opened["data"].as_array().unwrap();
        assert_eq!(
            parts.iter().map(|part| part["amount"].as_str().unwrap()).collect::<Vec<_>>(),
            records,
            "{name}"
        );
        assert_eq!(
            parts.iter().map(|part| cents(&part["amount"])).sum::<i64>(),
            cents(&opened["figure"]["value"])
        );
        for part in parts {
            let id = part["transaction"].as_str().unwrap();
            let transaction = system.get(&format!("/v1/transactions/{id}")).await.ok();
            assert_eq!(transaction["data"]["reference"], part["reference"]);
        }
    }
}

#[tokio::test]
async fn a_figure_comes_page_by_page_and_with_proofs() {
    let server = Server::shared();
    let system = server.system(0).await;
    let (account, _) = account(server).await;
    let report = system.report(&order(&account)).await;
    let version = format!("{}/versions/1", path(&report));
    let whole = figure(&system, &version, &format!("{account}/closing_balance")).await;
    let one = format!("{version}/figures/{}", whole["figure"]["position"]);
    assert_eq!(&system.pages_of(&one, 1).await, whole["data"].as_array().unwrap());

    let proven = system.get(&format!("{one}?proof=inclusion&limit=2")).await.ok();
    let proofs = proven["proofs"].as_array().unwrap();
    assert_eq!(proofs.len(), 2);
    for (part, proof) in proven["data"].as_array().unwrap().iter().zip(proofs) {
        assert_eq!(part["seq"], proof["seq"]);
        assert!(proof["checkpoint"].as_str().unwrap().contains("\u{2014} "), "it is signed");
    }
    system.get(&format!("{one}?proof=inclusion&limit=101")).await.problem(400, "invalid_parameter");
}

#[tokio::test]
async fn a_record_is_shown_to_be_one_of_those_that_sum_to_a_figure() {
    let server = Server::shared();
    let system = server.system(0).await;
    let (account, _) = account(server).await;
    let report = system.report(&order(&account)).await;
    let version = format!("{}/versions/1", path(&report));
    let credits = figure(&system, &version, &format!("{account}/credits")).await;
    let at = format!("{version}/figures/{}/contributions", credits["figure"]["position"]);
    for index in 0..2 {
        let proof = system.get(&format!("{at}/{index}")).await.ok();
        let number = |value: &Value| value.as_str().unwrap().parse::<u64>().unwrap();
        let node = |value: &Value| SumNode {
            hash: Hash::from_hex(value["hash"].as_str().unwrap()).unwrap(),
            credit: number(&value["credit"]).into(),
            debit: number(&value["debit"]).into(),
        };
        let leaf = SumLeaf {
            seq: number(&proof["seq"]),
            credit: number(&proof["credit"]),
            debit: number(&proof["debit"]),
        };
        let beside: Vec<_> = proof["path"].as_array().unwrap().iter().map(node).collect();
        let root = sum_root(leaf, index, 2, &beside).unwrap();
        assert_eq!((root, root.total()), (node(&proof["root"]), 1_301));
        assert_eq!(proof["root"]["hash"], credits["figure"]["root"]);
    }
    system.get(&format!("{at}/2")).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_correction_names_what_it_touches_and_makes_the_next_version() {
    let server = Server::shared();
    let system = server.system(0).await;
    let (account, lines) = account(server).await;
    let report = system.report(&order(&account)).await;
    let first = format!("{}/versions/1", path(&report));
    let made = system.get(&first).await.ok();
    let document = system.get(&format!("{first}/content")).await;
    assert_eq!(Hash(Sha256::digest(&document.body).into()).to_string(), made["sha256"].as_str().unwrap());
    let new = json!({
        "validator": "xsd", "version": "1", "verdict": "passed", "output": "fine", "sha256": made["sha256"],
    });
    system.post(&format!("{first}/validations"), &new).await.ok();
    let new = json!({"recipient": "the supervisor", "channel": "by hand", "reference": "R-1"});
    system.post(&format!("{first}/deliveries"), &new).await.ok();

    let found = system.get(&format!("/v1/transactions?reference={account}-first")).await.ok();
    let transaction = found["data"][0]["id"].as_str().unwrap();
    let names = |figures: &Value| -> Vec<String> {
        let name = |it: &Value| it["name"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        figures.as_array().unwrap().iter().map(name).collect()
    };
    let counts = system.get(&format!("/v1/transactions/{transaction}/figures")).await.ok();
    assert_eq!(names(&counts["data"]), ["credits", "closing_balance", "net"]);
    assert_eq!(counts["data"][0]["amount"], "12.34");
    let before = system.get(&format!("/v1/transactions/{transaction}/impact")).await.ok();
    assert_eq!(before["versions"][0]["outdated"], false);

    let mut right = lines[1].clone();
    right["amount"]["amount"] = json!("12.43");
    let right = data::revised(&right, "correction", "digits were swapped");
    server.feeder().await.deliver(server.institution(0), &data::ndjson(&[right])).await.ok();
    let impact = system.get(&format!("/v1/transactions/{transaction}/impact")).await.ok();
    assert_eq!(names(&impact["figures"]), ["credits", "closing_balance", "net"]);
    let touched = &impact["versions"][0];
    assert_eq!((&touched["n"], &touched["outdated"]), (&json!(1), &json!(true)));
    assert_eq!(touched["deliveries"][0]["reference"], "R-1");
    let outdated = figure(&system, &first, &format!("{account}/credits")).await;
    assert_eq!(outdated["data"][0]["superseded_by"], impact["newest"]);

    let new = json!({"reason": "an amount was wrong"});
    let ordered = system.post(&format!("{}/versions", path(&report)), &new).await;
    assert_eq!(ordered.status, 202, "{}", ordered.text());
    let second = system.until_made(report["id"].as_str().unwrap(), 2).await;
    assert_eq!(
        (&second["kind"], &second["supersedes"], &second["state"]),
        (&json!("correction"), &json!(1), &json!("ready"))
    );
    let credits =
        figure(&system, &format!("{}/versions/2", path(&report)), &format!("{account}/credits")).await;
    assert_eq!(credits["figure"]["value"], "13.10");
    let text = system.get(&format!("{}/versions/2/content", path(&report))).await;
    assert!(text.text().contains("Takes the place of message"), "{}", text.text());
    assert_eq!(system.get(&format!("{first}/content")).await.body, document.body, "the old one is as it was");
    let impact = system.get(&format!("/v1/transactions/{transaction}/impact")).await.ok();
    assert_eq!(impact["versions"][0]["superseded"], true);
    assert_eq!(impact["versions"][1]["outdated"], false);
}

#[tokio::test]
async fn what_came_after_a_version_is_missing_from_it() {
    let server = Server::shared();
    let system = server.system(0).await;
    let ((account, lines), (other, _)) = (account(server).await, account(server).await);
    let report = system.report(&order(&account)).await;
    let anothers = system.report(&order(&other)).await;
    let late = |name: &str, day: &str, status: &str| {
        let mut line = lines[1].clone();
        line["reference"] = json!(format!("{account}-{name}"));
        line["booking_date"] = json!(day);
        line["status"] = json!(status);
        line
    };
    let late = [
        late("late", "2026-03-15", "booked"),
        late("next", "2026-04-01", "booked"),
        late("open", "2026-03-15", "pending"),
    ];
    server.feeder().await.deliver(server.institution(0), &data::ndjson(&late)).await.ok();
    let impact = async |name: &str, report: &Value| -> Vec<Value> {
        let found = system.get(&format!("/v1/transactions?reference={account}-{name}")).await.ok();
        let path = format!("/v1/transactions/{}/impact", found["data"][0]["id"].as_str().unwrap());
        let versions = system.get(&path).await.ok()["versions"].as_array().unwrap().clone();
        versions.into_iter().filter(|it| it["report"] == report["id"]).collect()
    };
    let touched = impact("late", &report).await;
    assert_eq!(touched.len(), 1);
    assert_eq!((&touched[0]["missing"], &touched[0]["outdated"]), (&json!(true), &json!(true)));
    assert!(impact("late", &anothers).await.is_empty(), "it is about another account");
    assert!(impact("next", &report).await.is_empty(), "it is about another month");
    assert!(impact("open", &report).await.is_empty(), "nothing pending is counted");

    system.post(&format!("{}/versions", path(&report)), &json!({"reason": "one came late"})).await.ok();
    system.until_made(report["id"].as_str().unwrap(), 2).await;
    let touched = impact("late", &report).await;
    assert_eq!((&touched[0]["missing"], &touched[0]["superseded"]), (&json!(true), &json!(true)));
    assert_eq!((&touched[1]["missing"], &touched[1]["outdated"]), (&json!(false), &json!(false)));
}

#[tokio::test]
async fn kinds_of_versions_follow_each_other() {
    let server = Server::shared();
    let system = server.system(0).await;
    let (account, _) = account(server).await;
    let report = system.report(&order(&account)).await;
    let versions = format!("{}/versions", path(&report));
    let id = report["id"].as_str().unwrap();
    let of = |kind: &str| json!({"kind": kind, "reason": "a test"});
    system.post(&versions, &of("new")).await.problem(409, "conflict");
    system.post(&versions, &of("nothing_to_report")).await.problem(422, "refused");
    system.post(&versions, &of("cancellation")).await.ok();
    let second = system.until_made(id, 2).await;
    assert_eq!((&second["kind"], &second["as_of"]), (&json!("cancellation"), &report["newest"]["as_of"]));
    system.post(&versions, &of("correction")).await.problem(409, "conflict");
    system.post(&versions, &json!({"reason": "after all"})).await.ok();
    assert_eq!(system.until_made(id, 3).await["kind"], "new");
    assert_eq!(system.pages(&versions).await.len(), 3);
}

#[tokio::test]
async fn the_list_has_each_reports_newest_version_as_the_report_itself_does() {
    let server = Server::shared();
    let system = server.system(0).await;
    let ((account, _), (other, _)) = (account(server).await, account(server).await);
    let (first, second) = (system.report(&order(&account)).await, system.report(&order(&other)).await);
    system.post(&format!("{}/versions", path(&first)), &json!({"reason": "another look"})).await.ok();
    system.until_made(first["id"].as_str().unwrap(), 2).await;
    for rows in [system.pages("/v1/reports").await, system.pages_of("/v1/reports?period=2026-03", 1).await] {
        for (report, n) in [(&first, 2), (&second, 1)] {
            let listed = rows.iter().find(|it| it["id"] == report["id"]).unwrap();
            assert_eq!((&listed["newest"]["n"], &listed["newest"]["state"]), (&json!(n), &json!("ready")));
            assert_eq!(listed, &system.get(&path(report)).await.ok());
        }
        assert!(rows.iter().all(|it| it["newest"].is_object()), "each report has one");
    }
}

#[tokio::test]
async fn an_order_that_does_not_fit_is_refused_with_its_place() {
    let server = Server::shared();
    let system = server.system(0).await;
    let (account, _) = account(server).await;
    for (order, pointer) in [
        (json!({"type": "nothing", "period": "2026-03"}), "/type"),
        (json!({"type": "account-statement", "period": "2026-3"}), "/period"),
        (json!({"type": "cesop-payment-data", "period": "2026"}), "/period"),
        (
            json!({"type": "account-statement", "period": "2026-03", "parameters": {"a/b": "1"}}),
            "/parameters/a~1b",
        ),
        (
            json!({"type": "account-statement", "period": "2026-03", "parameters": {"tolerance": "x"}}),
            "/parameters/tolerance",
        ),
        (json!({"type": "account-statement", "period": "2026-03", "as_of": "999999999"}), "/as_of"),
    ] {
        let problem = system.post("/v1/reports", &order).await.problem(422, "refused");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{order}");
    }
    let report = system.report(&order(&account)).await;
    system.post("/v1/reports", &order(&account)).await.problem(409, "conflict");
    let listed = system.pages("/v1/reports?type=account-statement&period=2026-03").await;
    assert!(listed.iter().any(|it| it["id"] == report["id"]));
    assert!(
        listed.iter().is_sorted_by(|a, b| a["created_at"].as_str() >= b["created_at"].as_str()),
        "newest first"
    );
    let types = system.get("/v1/report-types").await.ok();
    assert_eq!(types["data"][0]["name"], "account-statement");
}

#[tokio::test]
async fn an_order_is_repeated_under_its_key_and_made_once() {
    let server = Server::shared();
    let system = server.system(0).await;
    let (account, _) = account(server).await;
    let send = async || {
        let request =
            system.request(reqwest::Method::POST, "/v1/reports").header("idempotency-key", &account);
        system.send(request.json(&order(&account))).await
    };
    let (first, second) = (send().await.ok(), send().await);
    assert_eq!(second.header("idempotency-replayed"), Some("true"));
    assert_eq!(second.ok()["id"], first["id"]);
}

#[tokio::test]
async fn lineage_tells_what_a_report_was_made_of() {
    let server = Server::shared();
    let system = server.system(0).await;
    let (account, _) = account(server).await;
    let report = system.report(&order(&account)).await;
    let found = system.get(&format!("/v1/lineage/nodes?q={}", report["id"].as_str().unwrap())).await.ok();
    let node = found["data"][0]["id"].as_str().unwrap_or_else(|| panic!("{found:#}")).replace('%', "%25");
    let graph = system.get(&format!("/v1/lineage?node={node}&direction=upstream&depth=2")).await.ok();
    let nodes: Vec<_> =
        graph["nodes"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert!(nodes.contains(&"report/account-statement") && nodes.contains(&"transactions"), "{nodes:?}");
}
