//! The alert rules: each says what is wrong and what to do first, and goes off when it should.

use std::{collections::BTreeMap, process::Command};

use serde_json::{Value, json};

use super::{list, metrics, only, read, rendered, text, tools::tool};

/// Every rule, as it is for the set of values `all`.
pub(super) fn rules() -> Vec<Value> {
    let manifests = rendered("all");
    let groups = list(&only(&manifests, "PrometheusRule")["spec"]["groups"]);
    groups.iter().flat_map(|group| list(&group["rules"])).cloned().collect()
}

#[test]
fn every_alert_says_how_bad_it_is_and_what_to_do_first() {
    for rule in rules() {
        let name = text(&rule["alert"]);
        assert!(["critical", "warning"].contains(&text(&rule["labels"]["severity"])), "{name}");
        assert!(text(&rule["annotations"]["summary"]).ends_with('.'), "{name}");
        let runbook = text(&rule["annotations"]["runbook"]);
        assert!(runbook.starts_with("First ") && runbook.ends_with('.') && runbook.len() > 150, "{name}");
    }
}

#[test]
fn somebody_is_woken_for_what_stops_the_ledger_and_for_nothing_that_mends_itself() {
    let severities: BTreeMap<String, String> = rules()
        .iter()
        .map(|rule| (text(&rule["alert"]).to_owned(), text(&rule["labels"]["severity"]).to_owned()))
        .collect();
    for (alert, severity) in [
        ("VeritrailLogStopped", "critical"),
        ("VeritrailCheckpointLate", "critical"),
        ("VeritrailRecorderFails", "critical"),
        ("VeritrailErrors", "critical"),
        ("VeritrailDown", "critical"),
        ("VeritrailSlow", "warning"),
        ("VeritrailSheds", "warning"),
        ("VeritrailRedisAway", "warning"),
        ("VeritrailQueueNearFull", "warning"),
        ("VeritrailPoolExhausted", "warning"),
    ] {
        assert_eq!(severities.get(alert).map(String::as_str), Some(severity), "{alert}");
    }
    assert_eq!(severities.len(), 10, "an alert without a severity of its own here");
}

#[test]
fn the_pool_is_exhausted_when_all_its_connections_are_used() {
    let rules = rules();
    let pool = rules.iter().find(|rule| rule["alert"] == "VeritrailPoolExhausted").unwrap();
    // postgres_pool_max in values/all.yaml.
    assert!(text(&pool["expr"]).ends_with("state=\"used\"}) >= 16"), "{}", pool["expr"]);
}

#[test]
fn prometheus_takes_the_rules_and_they_go_off_when_they_should() {
    let Some(promtool) = tool("promtool") else { return };
    let folder = tempfile::tempdir().unwrap();
    let manifests = rendered("all");
    let mut rules = only(&manifests, "PrometheusRule")["spec"].clone();
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let run = |args: &[&str]| {
        let output = Command::new(&promtool).args(args).current_dir(folder.path()).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "promtool {args:?}: {}", String::from_utf8_lossy(&said));
    };
    put("whole.json", &rules.to_string());
    run(&["check", "rules", "whole.json"]);
    // The words are for people; what is tested is when an alert goes off.
    for group in rules["groups"].as_array_mut().unwrap() {
        for rule in group["rules"].as_array_mut().unwrap() {
            rule.as_object_mut().unwrap().remove("annotations");
        }
    }
    put("rules.json", &rules.to_string());
    put("alerts.yaml", &read("tests/helm/alerts.yaml"));
    run(&["test", "rules", "alerts.yaml"]);
}

#[test]
fn prometheus_can_answer_every_query_of_the_dashboard() {
    let Some(promtool) = tool("promtool") else { return };
    // What Grafana puts in.
    let queries = metrics::queries().into_iter().map(|query| query.replace("$__rate_interval", "2m"));
    let rules: Vec<_> = queries.map(|query| json!({"record": "query", "expr": query})).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("queries.json");
    std::fs::write(&file, json!({"groups": [{"name": "dashboard", "rules": rules}]}).to_string()).unwrap();
    let output = Command::new(promtool).args(["check", "rules", "--lint=none"]).arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
