//! `/v1/lineage`: OpenLineage events in, the graph out.

use std::{collections::BTreeSet, io::Write as _};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Caller, Server, bank::Bank, python::python_with};

pub const TELL: &str = "/api/v1/lineage";

pub async fn tell(caller: &Caller, event: &Value) -> Answer {
    caller.post(TELL, event).await
}

/// A run's event, as small as one can be.
pub fn event(kind: &str, job: &str, run: &str, inputs: &[&str], outputs: &[&str]) -> Value {
    let datasets = |names: &[&str]| -> Vec<Value> {
        names.iter().map(|name| json!({"namespace": "here", "name": name})).collect()
    };
    json!({
        "eventTime": "2026-01-05T09:30:00Z", "eventType": kind, "producer": "https://example.com/etl",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": run}, "job": {"namespace": "etl", "name": job},
        "inputs": datasets(inputs), "outputs": datasets(outputs),
    })
}

/// A graph as edges `from -> to`, and columns `from.column -> to.column how`.
pub fn drawn(graph: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
    let text = |value: &Value| value.as_str().unwrap_or("*").to_owned();
    let edge = |edge: &Value| format!("{} -> {}", text(&edge["from"]), text(&edge["to"]));
    let column = |edge: &Value| {
        let [from, to] = ["from", "to"].map(|end| text(&edge[end]));
        let [from_column, to_column] = ["from_column", "to_column"].map(|end| text(&edge[end]));
        let how = [text(&edge["transformation"]), text(&edge["subtype"])].join(" ");
        format!("{from}.{from_column} -> {to}.{to_column} {how}")
    };
    let edges = graph["edges"].as_array().unwrap().iter().map(edge).collect();
    (edges, graph["columns"].as_array().into_iter().flatten().map(column).collect())
}

pub async fn graph(caller: &Caller, query: &str) -> Value {
    caller.get(&format!("/v1/lineage?columns=true&{query}")).await.ok()
}

pub fn set(lines: &[&str]) -> BTreeSet<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

/// What an output's columns were made of, as the facet has it.
pub fn columns_of(fields: &Value, dataset: &Value) -> Value {
    json!({"columnLineage": {"fields": fields, "dataset": dataset}})
}

pub fn input(dataset: &str, field: &str) -> Value {
    json!({"namespace": "here", "name": dataset, "field": field})
}

/// A value as it is written in a query.
pub fn encoded(value: &str) -> String {
    let url = reqwest::Url::parse_with_params("http://localhost", [("", value)]).unwrap();
    url.query().unwrap()[1..].to_owned()
}

#[tokio::test]
async fn an_event_is_on_record_once_however_often_it_comes() {
    let server = Server::demo(&[]);
    let system = server.system(0).await;
    let event = event("COMPLETE", "daily", "r1", &["in"], &["out"]);
    let first = tell(&system, &event).await;
    assert_eq!(first.status, 201, "{}", first.text());
    let seq = first.ok()["seq"].clone();
    let pretty = serde_json::to_string_pretty(&event).unwrap();
    let request = system.request(Method::POST, TELL).header("content-type", "application/json");
    let again = system.send(request.body(pretty)).await;
    assert_eq!((again.status.as_u16(), &again.json()["seq"]), (200, &seq), "{}", again.text());
    // What was recorded is the event's own text.
    let entry = system.get(&format!("/v1/ledger/entries/{}", seq.as_str().unwrap())).await.ok();
    assert_eq!(entry["payload"]["event"], event.to_string());
}

#[tokio::test]
async fn a_body_may_be_in_gzip_and_no_bomb() {
    let server = Server::demo(&[]);
    let system = server.system(0).await;
    let send = async |body: &[u8]| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(body).unwrap();
        let request = system.request(Method::POST, TELL).header("content-type", "application/json");
        system.send(request.header("content-encoding", "gzip").body(gzip.finish().unwrap())).await
    };
    let event = event("COMPLETE", "packed", "r1", &["in"], &["out"]).to_string();
    assert_eq!(send(event.as_bytes()).await.status, 201);
    assert_eq!(send(&vec![b' '; 64 << 20]).await.status, 413);
    let request = system.request(Method::POST, TELL).header("content-type", "application/json");
    let broken = system.send(request.header("content-encoding", "gzip").body("no gzip")).await;
    broken.problem(422, "refused");
}

#[tokio::test]
async fn what_no_graph_can_be_drawn_of_is_refused_and_says_where() {
    let server = Server::demo(&[]);
    let system = server.system(0).await;
    let good = event("COMPLETE", "daily", "r1", &["in"], &["out"]);
    for (pointer, value, at) in [
        ("/run", Value::Null, "/run"),
        ("/run/runId", Value::Null, "/run/runId"),
        ("/job/name", json!(""), "/job/name"),
        ("/eventTime", json!("yesterday"), "/eventTime"),
        ("/eventType", json!("DONE"), "/eventType"),
        ("/inputs/0/namespace", Value::Null, "/inputs/0/namespace"),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        let answer = tell(&system, &bad).await;
        assert_eq!(answer.status, 422, "{pointer}: {}", answer.text());
        assert_eq!(answer.json()["errors"][0]["pointer"], at);
    }
    // Times without a zone, and finer than a microsecond, are clients' own.
    for time in ["2026-01-05T09:30:00", "2026-01-05T09:30:00.123456789Z", "2026-01-05T09:30:00.1+02:00"] {
        let mut odd = good.clone();
        odd["eventTime"] = json!(time);
        assert_eq!(tell(&system, &odd).await.status, 201, "{time}");
    }
    let batch = json!([good, {"eventTime": "2026-01-05T09:30:00Z"}, event("START", "other", "r2", &[], &[])]);
    let result = system.post("/api/v1/lineage/batch", &batch).await.ok();
    assert_eq!((&result["added"], &result["refused"]), (&json!(2), &json!(1)), "{result}");
    assert_eq!(result["findings"][0]["line"], 2);
}

#[tokio::test]
async fn a_node_leads_to_what_it_was_made_from_and_to_what_was_made_from_it() {
    let server = Server::demo(&[]);
    let system = server.system(0).await;
    for (job, run, inputs, outputs) in [
        ("load", "r1", ["file"], ["raw"]),
        ("clean", "r2", ["raw"], ["clean"]),
        ("report", "r3", ["clean"], ["report"]),
        ("other", "r4", ["raw"], ["elsewhere"]),
    ] {
        tell(&system, &event("COMPLETE", job, run, &inputs, &outputs)).await.ok();
    }
    let up = graph(&system, "node=dataset:here:report&direction=upstream").await;
    let whole = [
        "dataset:here:file -> job:etl:load",
        "job:etl:load -> dataset:here:raw",
        "dataset:here:raw -> job:etl:clean",
        "job:etl:clean -> dataset:here:clean",
        "dataset:here:clean -> job:etl:report",
        "job:etl:report -> dataset:here:report",
    ];
    assert_eq!(drawn(&up).0, set(&whole), "what else was made of the same is not among it");
    let down = graph(&system, "node=dataset:here:raw&direction=downstream&depth=2").await;
    let near = [
        "dataset:here:raw -> job:etl:clean",
        "job:etl:clean -> dataset:here:clean",
        "dataset:here:raw -> job:etl:other",
        "job:etl:other -> dataset:here:elsewhere",
    ];
    assert_eq!(drawn(&down).0, set(&near));
    let distance = |graph: &Value, id: &str| {
        let nodes = graph["nodes"].as_array().unwrap();
        nodes.iter().find(|node| node["id"] == id).map(|node| node["distance"].as_u64().unwrap())
    };
    assert_eq!(distance(&up, "dataset:here:file"), Some(6));
    assert_eq!(distance(&up, "dataset:here:report"), Some(0));

    // As it was known before the report was made.
    let before = up["edges"].as_array().unwrap().iter().map(|edge| edge["first_seq"].as_str().unwrap());
    let last: i64 = before.map(|seq| seq.parse().unwrap()).max().unwrap();
    let then = graph(&system, &format!("node=dataset:here:clean&as_of={}", last - 1)).await;
    assert!(drawn(&then).0.iter().all(|edge| !edge.contains("report")), "{then}");
    let missing = system.get(&format!("/v1/lineage?node=dataset:here:report&as_of={}", last - 1)).await;
    assert_eq!(missing.status, 404);
    // Another institution sees nothing of it.
    assert_eq!(server.system(1).await.get("/v1/lineage?node=dataset:here:raw").await.status, 404);
}

#[tokio::test]
async fn a_colon_in_a_namespace_breaks_no_node() {
    let server = Server::demo(&[]);
    let system = server.system(0).await;
    let mut told = event("COMPLETE", "copy", "r1", &["x"], &["y"]);
    told["inputs"][0] = json!({"namespace": "gs://bucket", "name": "a:b.csv"});
    tell(&system, &told).await.ok();
    let id = "dataset:gs%3A//bucket:a:b.csv";
    for written in ["dataset:gs%253A//bucket:a:b.csv", "dataset:gs://bucket:a:b.csv"] {
        assert_eq!(graph(&system, &format!("node={written}")).await["node"], id);
    }
    // What could be either is said to be.
    told["inputs"][0] = json!({"namespace": "gs://bucket:a", "name": "b.csv"});
    tell(&system, &told).await.ok();
    assert_eq!(system.get("/v1/lineage?node=dataset:gs://bucket:a:b.csv").await.status, 422);
    assert_eq!(graph(&system, "node=dataset:gs%253A//bucket:a:b.csv").await["node"], id);
}

#[tokio::test]
async fn nodes_runs_and_versions_are_found_in_pages() {
    let server = Server::demo(&[]);
    let system = server.system(0).await;
    for number in 0..5 {
        let run = format!("run-{number}");
        for kind in ["START", "COMPLETE"] {
            let mut told = event(kind, "Nightly", &run, &["in"], &["Out_%"]);
            told["eventTime"] =
                json!(format!("2026-01-0{}T0{}:00:00Z", number + 1, usize::from(kind != "START")));
            tell(&system, &told).await.ok();
        }
    }
    let mut failed = event("FAIL", "Nightly", "run-4", &[], &[]);
    failed["eventTime"] = json!("2026-01-05T00:30:00Z");
    failed["run"]["facets"] =
        json!({"parent": {"run": {"runId": "run-0"}, "job": {"namespace": "etl", "name": "Nightly"}}});
    tell(&system, &failed).await.ok();

    let ids = |found: &[Value]| {
        found.iter().map(|node| node["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&system.pages("/v1/lineage/nodes?q=out_%25").await), ["dataset:here:Out_%"]);
    assert_eq!(ids(&system.pages("/v1/lineage/nodes?type=job&q=ETL%20night").await), ["job:etl:Nightly"]);
    assert_eq!(system.pages_of("/v1/lineage/nodes", 1).await.len(), 2);

    let runs = system.pages_of("/v1/lineage/runs?job=job:etl:Nightly", 2).await;
    let names: Vec<&str> = runs.iter().map(|run| run["run_id"].as_str().unwrap()).collect();
    assert_eq!(names, ["run-4", "run-3", "run-2", "run-1", "run-0"], "the newest first");
    // The last end counts, whatever came after it.
    assert_eq!(runs[0]["state"], "COMPLETE");
    assert_eq!(runs[0]["parent_run_id"], "run-0");
    assert_eq!(runs[0]["started_at"], "2026-01-05T00:00:00.000000Z");
    assert_eq!(runs[0]["ended_at"], "2026-01-05T01:00:00.000000Z");

    let versions = system.pages_of("/v1/lineage/versions?dataset=dataset:here:Out_%25", 2).await;
    let names: Vec<&str> = versions.iter().map(|version| version["version"].as_str().unwrap()).collect();
    assert_eq!(names, ["run:run-4", "run:run-3", "run:run-2", "run:run-1", "run:run-0"]);
    assert_eq!(system.get("/v1/lineage/versions?dataset=job:etl:Nightly").await.status, 400);
}

#[tokio::test]
async fn marquezs_tools_get_its_shape() {
    let server = Server::demo(&[]);
    let system = server.system(0).await;
    tell(&system, &event("COMPLETE", "load", "r1", &["file"], &["raw"])).await.ok();
    let graph = system.get("/api/v1/lineage?nodeId=dataset:here:raw&depth=5").await.ok();
    let nodes = graph["graph"].as_array().unwrap();
    let node = |id: &str| nodes.iter().find(|node| node["id"] == id).unwrap_or_else(|| panic!("{graph}"));
    let job = node("job:etl:load");
    assert_eq!(job["type"], "JOB");
    assert_eq!(job["data"]["inputs"], json!([{"namespace": "here", "name": "file"}]));
    let edge = |origin: &str, destination: &str| json!([{"origin": origin, "destination": destination}]);
    assert_eq!(job["inEdges"], edge("dataset:here:file", "job:etl:load"));
    assert_eq!(node("dataset:here:raw")["inEdges"], edge("job:etl:load", "dataset:here:raw"));
    assert_eq!(node("dataset:here:file")["inEdges"], json!([]));
}

#[tokio::test]
async fn tools_of_provenance_read_the_graph() {
    let server = Server::demo(&[]);
    let system = server.system(0).await;
    tell(&system, &event("COMPLETE", "load", "r1", &["file"], &["raw"])).await.ok();
    tell(&system, &event("COMPLETE", "clean", "r2", &["raw"], &["clean"])).await.ok();
    let document = system.get("/v1/lineage/prov?node=dataset:here:clean&direction=upstream").await.ok();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prov.json");
    std::fs::write(&path, document.to_string()).unwrap();
    let read = python_with("read_prov.py", &[path.to_str().unwrap()], &[]);
    let expected = json!([
        ["dataset:here:file", "job:etl:load"],
        ["dataset:here:raw", "job:etl:clean"],
        ["job:etl:clean", "dataset:here:clean"],
        ["job:etl:load", "dataset:here:raw"],
    ]);
    assert_eq!(read, expected);
}

#[tokio::test]
async fn which_file_records_came_from_is_told_without_anybodys_doing() {
    let server = Server::demo(&[]);
    let bank = Bank::of_the_demo(&server, 0).await;
    let statement = ":20:A\r\n:25:10020030/1234567\r\n:28C:84/1\r\n:60F:C260331EUR10,00\r\n\
                     :61:2603310331D3,50NMSCNONREF//7\r\n:62F:C260331EUR6,50\r\n-\r\n";
    bank.take("format=mt940&file_name=day.sta", "text/plain", statement).await;
    let (origin, _) = bank.system.get("/v1/institution").await.receipt();
    let node = encoded(&format!("dataset:{origin}:transactions"));
    let graph = graph(&bank.system, &format!("node={node}&direction=upstream")).await;
    let escaped = origin.replace(':', "%3A");
    let expected = [
        "dataset:file:day.sta -> job:ORIGIN:intake".replace("ORIGIN", &escaped),
        "job:ORIGIN:intake -> dataset:ORIGIN:transactions".replace("ORIGIN", &escaped),
    ];
    assert_eq!(drawn(&graph).0, BTreeSet::from(expected));
    let versions = bank.system.pages("/v1/lineage/versions?dataset=dataset:file:day.sta").await;
    assert!(versions[0]["version"].as_str().unwrap().starts_with("sha256:"), "{versions:?}");
}
