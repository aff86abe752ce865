//! The dashboard and the alert rules ask for what the service measures, and for nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{list, named, read, text};
use crate::support::{
    Caller, Server,
    metrics::{METRICS, Metric, WITH_REDIS},
    redis::Redis,
};

/// What the service measures, as queries name it, and by which labels.
fn measured() -> BTreeMap<String, Vec<&'static str>> {
    let series = |(name, kind, labels): &Metric| match *kind {
        "histogram" => (format!("{name}_bucket"), [labels, ["le"].as_slice()].concat()),
        _ => ((*name).to_owned(), labels.to_vec()),
    };
    METRICS.iter().chain(WITH_REDIS).map(series).collect()
}

/// What Prometheus adds to a replica's metrics.
const ADDED: &[&str] = &["namespace", "job", "pod"];

pub(super) fn dashboard() -> Value {
    serde_json::from_str(&read("helm/dashboards/veritrail.json")).unwrap()
}

/// Every query of the dashboard.
pub(super) fn queries() -> Vec<String> {
    let dashboard = dashboard();
    let panels = list(&dashboard["panels"]).iter().flat_map(|panel| list(&panel["targets"]));
    panels.map(|target| text(&target["expr"]).to_owned()).collect()
}

fn rules() -> Vec<String> {
    super::alerts::rules().iter().map(|rule| text(&rule["expr"]).to_owned()).collect()
}

fn is_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// The metrics that a query asks for.
fn asked(query: &str) -> BTreeSet<String> {
    named(query, "veritrail_", is_name).iter().map(|rest| format!("veritrail_{rest}")).collect()
}

/// The labels that a query names, in `{…}` and in `by (…)`.
fn labels(query: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for group in named(query, "by (", |letter| letter != ')') {
        found.extend(group.split(',').map(|label| label.trim().to_owned()));
    }
    for group in named(query, "{", |letter| letter != '}') {
        found.extend(group.split(',').map(|pair| pair.chars().take_while(|c| is_name(*c)).collect()));
    }
    found
}

#[test]
fn queries_are_read_as_prometheus_reads_them() {
    let query = "sum by (le, method) (rate(veritrail_x_bucket{job=\"$job\",status=~\"5..\"}[5m]))";
    assert_eq!(asked(query), ["veritrail_x_bucket".to_owned()].into());
    assert_eq!(labels(query), ["le", "method", "job", "status"].map(ToOwned::to_owned).into());
}

#[test]
fn every_query_asks_for_what_is_measured_by_its_labels() {
    let (queries, rules, measured) = (queries(), rules(), measured());
    assert!(queries.len() > 20 && rules.len() > 8);
    for query in queries.iter().chain(&rules) {
        let asked = asked(query);
        assert!(!asked.is_empty(), "{query}");
        let mut known: BTreeSet<&str> = ADDED.iter().copied().collect();
        for metric in &asked {
            let labels = measured.get(metric);
            known.extend(labels.unwrap_or_else(|| panic!("{metric} is not measured: {query}")));
        }
        for label in labels(query) {
            assert!(known.contains(label.as_str()), "there is no label {label}: {query}");
        }
    }
}

#[test]
fn everything_that_is_measured_is_on_the_dashboard() {
    let shown: BTreeSet<String> = queries().iter().flat_map(|query| asked(query)).collect();
    assert_eq!(shown, measured().into_keys().collect());
}

#[tokio::test]
async fn the_service_measures_all_of_it() {
    let redis = Redis::start();
    let server = Server::demo_with(&[], &[("VERITRAIL_REDIS__URLS", &redis.url())]);
    server.system(0).await.get("/v1/transactions?limit=1").await.ok();
    let is_of =
        |line: &str, metric: &str| line.strip_prefix(metric).is_some_and(|rest| rest.starts_with(['{', ' ']));
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = Caller::stranger(server.admin_url()).get("/metrics").await;
        let missing: Vec<_> = measured()
            .into_iter()
            .filter(|(metric, labels)| {
                let has = |line: &str| labels.iter().all(|label| line.contains(&format!("{label}=\"")));
                !answer.text().lines().any(|line| is_of(line, metric) && has(line))
            })
            .collect();
        if missing.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "not measured: {missing:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[test]
fn one_release_is_looked_at_at_a_time() {
    for query in queries() {
        let series = query.matches("veritrail_").count();
        assert_eq!(query.matches("{namespace=\"$namespace\",job=\"$job\"").count(), series, "{query}");
    }
    for query in rules() {
        let series = query.matches("veritrail_").count();
        let own = query.matches("{namespace=\"veritrail\",job=\"veritrail-admin\"").count();
        assert_eq!(own, series, "{query}");
    }
}

#[test]
fn the_dashboard_has_a_row_for_each_part_and_asks_the_chosen_source() {
    let dashboard = dashboard();
    let rows = list(&dashboard["panels"]).iter().filter(|panel| panel["type"] == "row");
    let rows: Vec<_> = rows.map(|row| text(&row["title"])).collect();
    assert_eq!(rows, ["Traffic", "Limits", "Recorder", "Ledger", "Stores"]);
    let variables: Vec<_> = list(&dashboard["templating"]["list"]).iter().map(|v| text(&v["name"])).collect();
    assert_eq!(variables, ["datasource", "namespace", "job"]);
    let mut ids = BTreeSet::new();
    for panel in list(&dashboard["panels"]) {
        assert!(ids.insert(panel["id"].as_u64()), "two panels have the id {}", panel["id"]);
        for target in list(&panel["targets"]) {
            for source in [&panel["datasource"], &target["datasource"]] {
                assert_eq!(source["uid"], "${datasource}", "{}", panel["title"]);
            }
            assert!(panel["description"].as_str().is_some_and(|said| !said.is_empty()), "{}", panel["title"]);
        }
    }
    assert!(dashboard["id"].is_null(), "Grafana gives ids");
}
