//! What other programs tell of lineage: Spark's and Airflow's events, in whatever order, and OpenLineage's own client.

use std::collections::BTreeSet;

use rand::seq::SliceRandom as _;
use serde_json::{Value, json};

use super::lineage::{drawn, encoded, event, graph, set, tell};
use crate::support::{Caller, Server, data, python::python_with};

/// The events of a folder of the compatibility tests.
fn events(folder: &str) -> Option<Vec<Value>> {
    let mut paths: Vec<_> = std::fs::read_dir(data::openlineage()?.join(folder))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    paths.sort();
    Some(paths.iter().map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).collect())
}

/// What was drawn by hand for three of the folders: a node, and its whole graph.
fn by_hand() -> [(&'static str, &'static str, BTreeSet<String>); 3] {
    let airflow = [
        "dataset:gs%3A//mock-bucket:copied.csv -> job:airflow:BQ.upload",
        "dataset:gs%3A//mock-bucket:test.csv -> job:airflow:BQ.upload",
        "job:airflow:BQ.upload -> dataset:bigquery:mock-project.test.upload",
        "dataset:bigquery:mock-project.test.upload -> job:airflow:BQ.copy",
        "job:airflow:BQ.copy -> dataset:bigquery:mock-project.test.upload_cp",
        "dataset:bigquery:mock-project.test.upload_cp -> job:airflow:BQ.download",
        "job:airflow:BQ.download -> dataset:gs%3A//mock-bucket:result.csv",
    ];
    let table = "open_lineage_integration_create_table";
    let spark = [
        format!(
            "job:testColumnLevelLineage:{table}.execute_create_table_command.cll_test_cll_source1 -> dataset:file:/tmp/cll_test/cll_source1"
        ),
        format!(
            "job:testColumnLevelLineage:{table}.execute_create_table_command.cll_test_cll_source2 -> dataset:file:/tmp/cll_test/cll_source2"
        ),
        format!(
            "dataset:file:/tmp/cll_test/cll_source1 -> job:testColumnLevelLineage:{table}.execute_create_hive_table_as_select_command.default_tbl1"
        ),
        format!(
            "dataset:file:/tmp/cll_test/cll_source2 -> job:testColumnLevelLineage:{table}.execute_create_hive_table_as_select_command.default_tbl1"
        ),
        format!(
            "job:testColumnLevelLineage:{table}.execute_create_hive_table_as_select_command.default_tbl1 -> dataset:file:/tmp/cll_test/tbl1"
        ),
    ];
    let simple = [
        "dataset:bigquery:test.table.input -> job:job_namespace:job_name",
        "job:job_namespace:job_name -> dataset:bigquery:test.table.output",
    ];
    [
        ("airflow", "dataset:gs://mock-bucket:result.csv", set(&airflow)),
        ("CLL", "dataset:file:/tmp/cll_test/tbl1", spark.into_iter().collect()),
        ("simple_run_event", "dataset:bigquery:test.table.output", set(&simple)),
    ]
}

#[tokio::test]
async fn events_of_spark_and_airflow_make_the_graphs_that_were_drawn_by_hand() {
    let Some(_) = data::openlineage() else { return };
    let server = Server::demo(&[]);
    let system = server.system(0).await;
    for folder in ["airflow", "CLL", "simple_run_event", "spark_dataproc_simple_producer_test_complete"] {
        for event in events(folder).unwrap() {
            let answer = tell(&system, &event).await;
            assert_eq!(answer.status, 201, "{folder}: {}", answer.text());
        }
    }
    for (_, node, expected) in by_hand() {
        let graph = graph(&system, &format!("node={node}&direction=upstream")).await;
        assert_eq!(drawn(&graph).0, expected);
    }
    // Columns, read out of the facet by hand.
    let (_, columns) =
        drawn(&graph(&system, "node=dataset:bigquery:mock-project.test.upload&direction=upstream").await);
    let expected = ["a", "b", "c", "d"].into_iter().flat_map(|column| {
        ["copied.csv", "test.csv"].map(|file| {
            format!("dataset:gs%3A//mock-bucket:{file}.{column} -> dataset:bigquery:mock-project.test.upload.{column} direct IDENTITY")
        })
    });
    assert_eq!(columns, expected.collect());
    let (_, columns) =
        drawn(&graph(&system, "node=dataset:file:/tmp/cll_test/tbl1&direction=upstream").await);
    let source = |number: u8, column: &str| format!("dataset:file:/tmp/cll_test/cll_source{number}.{column}");
    let ident: BTreeSet<String> =
        columns.iter().filter(|edge| edge.contains("tbl1.ident ")).cloned().collect();
    let to = "dataset:file:/tmp/cll_test/tbl1.ident";
    let expected = [
        format!("{} -> {to} direct IDENTITY", source(1, "a")),
        format!("{} -> {to} indirect GROUP_BY", source(1, "a")),
        format!("{} -> {to} indirect JOIN", source(1, "a")),
        format!("{} -> {to} indirect FILTER", source(1, "a")),
        format!("{} -> {to} indirect GROUP_BY", source(1, "b")),
        format!("{} -> {to} indirect JOIN", source(2, "a")),
        format!("{} -> {to} indirect FILTER", source(2, "a")),
    ];
    assert_eq!(ident, BTreeSet::from(expected));
}

/// Everything that is known of some namespaces, but for when it was told.
async fn known_of(system: &Caller, mark: &str) -> Value {
    let plain = |text: String| {
        let mut value: Value = serde_json::from_str(&text.replace(mark, "")).unwrap();
        strip(&mut value);
        value
    };
    let mut all = Vec::new();
    for kind in ["dataset", "job"] {
        let mut nodes = system.pages(&format!("/v1/lineage/nodes?type={kind}&q={mark}")).await;
        nodes.sort_by_key(|node| node["id"].as_str().unwrap().to_owned());
        for node in nodes {
            let id = encoded(node["id"].as_str().unwrap());
            let graph = system.get(&format!("/v1/lineage?columns=true&direction=both&node={id}")).await.ok();
            let (edges, columns) = drawn(&graph);
            let more = match kind {
                "job" => system.pages(&format!("/v1/lineage/runs?job={id}")).await,
                _ => system.pages(&format!("/v1/lineage/versions?dataset={id}")).await,
            };
            all.push(plain(json!([node, edges, columns, more]).to_string()));
        }
    }
    all.sort_by_key(ToString::to_string);
    Value::Array(all)
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !name.ends_with("_seq"));
            members.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

/// Events whose namespaces and runs are a trial's own.
fn marked(events: &[Value], mark: &str) -> Vec<Value> {
    fn mark_in(value: &mut Value, mark: &str) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(text) if name == "namespace" => *text = format!("{mark}{text}"),
                        _ => mark_in(value, mark),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| mark_in(item, mark)),
            _ => {}
        }
    }
    let mut events = events.to_vec();
    events.iter_mut().for_each(|event| mark_in(event, mark));
    events
}

#[tokio::test]
async fn in_any_order_and_repeated_they_make_the_same_and_so_does_a_rebuild() {
    let Some(_) = data::openlineage() else { return };
    let server = Server::demo(&[]);
    server.lift_limits();
    let system = server.system(0).await;
    let folders = ["airflow", "CLL", "simple_run_event", "spark_dataproc_simple_producer_test_complete"];
    let mut all: Vec<Value> = folders.iter().flat_map(|folder| events(folder).unwrap()).collect();
    assert!(all.len() >= 38 && all.iter().any(|event| event.to_string().contains("columnLineage")));
    // None of them names a version: two that do, of one run, and of one time.
    for (kind, of) in [("START", "bigint"), ("COMPLETE", "decimal")] {
        let mut told = event(kind, "versioned", "v1", &["in"], &["out"]);
        let schema = json!({"fields": [{"name": "amount", "type": of}]});
        let version = json!({"datasetVersion": "2026-01-05"});
        told["inputs"][0]["facets"] = json!({"version": version});
        told["outputs"][0]["facets"] = json!({"version": version, "schema": schema});
        all.push(told);
    }
    let mut first: Option<Value> = None;
    for trial in 0..6 {
        let mark = data::unique("trial");
        let mut told = marked(&all, &mark);
        if trial > 0 {
            let again: Vec<Value> = told.iter().filter(|_| rand::random()).cloned().collect();
            told.extend(again);
            told.shuffle(&mut rand::rng());
        }
        let result = system.post("/api/v1/lineage/batch", &json!(told)).await.ok();
        assert_eq!(result["added"], all.len(), "{result}");
        let known = known_of(&system, &mark).await;
        match &first {
            None => first = Some(known),
            Some(first) => assert_eq!(&known, first, "trial {trial}"),
        }
        if trial == 1 {
            let id = server.institution(0);
            let rebuilt = server.run(&["lineage", "rebuild", "--institution", id]);
            assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
            assert_eq!(Some(known_of(&system, &mark).await), first);
        }
    }
}

#[tokio::test]
async fn openlineages_own_client_needs_nothing_but_url_and_key() {
    let server = Server::demo(&[]);
    let system = server.system(0).await;
    let key = system.token.as_deref().unwrap();
    let environment = [("OPENLINEAGE_URL", server.base_url()), ("OPENLINEAGE_API_KEY", key)];
    let run = python_with("emit_lineage.py", &[], &environment)["run"].clone();
    let graph = graph(&system, "node=dataset:warehouse:settlement.daily&direction=upstream").await;
    let expected = [
        "dataset:sftp%3A//files.example.com:camt053.xml -> job:etl:daily-settlement",
        "job:etl:daily-settlement -> dataset:warehouse:settlement.daily",
    ];
    assert_eq!(drawn(&graph).0, set(&expected));
    let runs = system.pages("/v1/lineage/runs?job=job:etl:daily-settlement").await;
    assert_eq!((&runs[0]["state"], &runs[0]["run_id"]), (&json!("COMPLETE"), &run));
}
