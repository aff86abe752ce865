//! `/v1/lineage/impact`, large graphs, and what exports tell of themselves.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::lineage::{columns_of, drawn, encoded, event, graph, input, tell};
use crate::support::{Caller, Server};

/// What depends on a node: `distance kind node.column by`.
async fn impact(caller: &Caller, query: &str) -> Vec<String> {
    let impact = caller.get(&format!("/v1/lineage/impact?{query}")).await.ok();
    let line = |one: &Value| {
        let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
        let by: Vec<&str> = one["by"].as_array().unwrap().iter().map(|job| job.as_str().unwrap()).collect();
        let column = one["column"].as_str().map(|column| format!(".{column}")).unwrap_or_default();
        format!("{} {} {}{column} {}", one["distance"], text("kind"), text("node"), by.join(","))
            .trim()
            .to_owned()
    };
    impact["dependents"].as_array().unwrap().iter().map(line).collect()
}

#[tokio::test]
async fn what_depends_on_a_node_is_a_list_that_a_person_can_read() {
    let server = Server::demo(&[]);
    let system = server.system(0).await;
    for (job, run, inputs, outputs) in [
        ("load", "r1", ["file"], ["raw"]),
        ("clean", "r2", ["raw"], ["clean"]),
        ("again", "r3", ["raw"], ["clean"]),
        ("report", "r4", ["clean"], ["report"]),
        ("loop", "r5", ["report"], ["raw"]),
    ] {
        tell(&system, &event("COMPLETE", job, run, &inputs, &outputs)).await.ok();
    }
    let expected = [
        "1 job job:etl:again",
        "1 job job:etl:clean",
        "2 dataset dataset:here:clean job:etl:again,job:etl:clean",
        "3 job job:etl:report",
        "4 dataset dataset:here:report job:etl:report",
        "5 job job:etl:loop",
    ];
    assert_eq!(impact(&system, "node=dataset:here:raw").await, expected);
    assert_eq!(impact(&system, "node=dataset:here:raw&depth=2").await, expected[..3]);
    let of_job = ["1 dataset dataset:here:report job:etl:report"];
    assert_eq!(impact(&system, "node=job:etl:report&depth=1").await, of_job);
    for (query, status) in [
        ("node=dataset:here:nowhere", 404),
        ("node=dataset:here:raw&column=none", 404),
        ("node=job:etl:report&column=a", 400),
        ("node=dataset:here:raw&depth=0", 400),
        ("node=dataset:here:raw&depth=101", 400),
    ] {
        assert_eq!(system.get(&format!("/v1/lineage/impact?{query}")).await.status, status, "{query}");
    }
    assert_eq!(server.system(1).await.get("/v1/lineage/impact?node=dataset:here:raw").await.status, 404);
}

#[tokio::test]
async fn what_depends_on_a_column_is_followed_from_column_to_column() {
    let server = Server::demo(&[]);
    let system = server.system(0).await;
    let mut first = event("COMPLETE", "sum", "r1", &["raw"], &["daily"]);
    first["outputs"][0]["facets"] = columns_of(
        &json!({
            "total": {"inputFields": [input("raw", "amount"), input("raw", "fee")]},
            "day": {"inputFields": [input("raw", "booked")]},
        }),
        &json!([]),
    );
    let mut second = event("COMPLETE", "report", "r2", &["daily"], &["filed"]);
    second["outputs"][0]["facets"] = columns_of(
        &json!({"sum": {"inputFields": [input("daily", "total")]}, "on": {"inputFields": [input("daily", "day")]}}),
        // Which rows there are depends on the day: all of it does.
        &json!([input("daily", "day")]),
    );
    let mut third = event("COMPLETE", "copy", "r3", &["filed"], &["kept"]);
    third["outputs"][0]["facets"] =
        columns_of(&json!({"sum": {"inputFields": [input("filed", "sum")]}}), &json!([]));
    for told in [third, first, second] {
        tell(&system, &told).await.ok();
    }
    let of_amount = [
        "1 job job:etl:sum",
        "2 column dataset:here:daily.total job:etl:sum",
        "3 job job:etl:report",
        "4 column dataset:here:filed.sum job:etl:report",
        "5 job job:etl:copy",
        "6 column dataset:here:kept.sum job:etl:copy",
    ];
    assert_eq!(impact(&system, "node=dataset:here:raw&column=amount").await, of_amount);
    assert_eq!(impact(&system, "node=dataset:here:raw&column=amount&depth=3").await, of_amount[..3]);
    let of_day = [
        "1 job job:etl:report",
        "2 dataset dataset:here:filed job:etl:report",
        "2 column dataset:here:filed.on job:etl:report",
        "3 job job:etl:copy",
        "4 column dataset:here:kept.sum job:etl:copy",
    ];
    assert_eq!(impact(&system, "node=dataset:here:daily&column=day").await, of_day);
    // Nothing is made of it, but it is there.
    assert!(impact(&system, "node=dataset:here:kept&column=sum").await.is_empty());
}

#[tokio::test]
async fn an_export_is_told_of_with_its_hash() {
    let server = Server::demo(&[]);
    let system = server.system(0).await;
    let export = system.post("/v1/exports", &json!({"of": "transactions", "format": "csv"})).await.ok();
    let id = export["id"].as_str().unwrap();
    system.until_exported(id).await;
    let ready = system.get(&format!("/v1/exports/{id}")).await.ok();
    let (origin, _) = system.get("/v1/institution").await.receipt();
    let node = encoded(&format!("dataset:{origin}:exports/{id}"));
    let escaped = origin.replace(':', "%3A");
    let up = graph(&system, &format!("node={node}&direction=upstream&depth=2")).await;
    let expected = [
        format!("dataset:{escaped}:transactions -> job:{escaped}:export"),
        format!("job:{escaped}:export -> dataset:{escaped}:exports/{id}"),
    ];
    assert_eq!(drawn(&up).0, BTreeSet::from(expected));
    let versions = system.pages(&format!("/v1/lineage/versions?dataset={node}")).await;
    let sha256 = ready["parts"][0]["sha256"].as_str().unwrap();
    assert_eq!(versions[0]["version"], format!("sha256:{sha256}"));
}

/// How far before a job's own number the datasets lie that it reads.
const BEFORE: [usize; 10] = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89];

#[tokio::test]
async fn a_thousand_nodes_and_five_thousand_edges_are_found_whole() {
    let server = Server::demo(&[]);
    server.lift_limits();
    let system = server.system(0).await;
    let name = |n: usize| format!("d{n}");
    let told = |n: usize| {
        let inputs: Vec<String> =
            BEFORE.into_iter().filter_map(|before| n.checked_sub(before)).map(name).collect();
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        event("COMPLETE", &format!("j{n}"), &format!("r{n}"), &inputs, &[&name(n)])
    };
    let events: Vec<Value> = (0..500).map(told).collect();
    let result = system.post("/api/v1/lineage/batch", &json!(events)).await.ok();
    assert_eq!(result["added"], 500, "{result}");

    let began = std::time::Instant::now();
    let up = system.get("/v1/lineage?node=dataset:here:d499&direction=upstream&depth=100").await.ok();
    println!("a graph of 1,000 nodes came after {:?}", began.elapsed());
    assert_eq!(up["is_truncated"], false);
    let edges: usize = BEFORE.iter().map(|before| 500 - before).sum::<usize>() + 500;
    assert_eq!(up["edges"].as_array().unwrap().len(), edges, "more than 5,000");
    // Reckoned by hand: the steps from the last dataset to each, two for each job.
    let mut steps = [u64::MAX; 500];
    steps[499] = 0;
    for n in (0..500).rev() {
        for before in BEFORE.into_iter().filter(|before| *before <= n) {
            steps[n - before] = steps[n - before].min(steps[n] + 2);
        }
    }
    let nodes = up["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 1_000);
    for node in nodes {
        let name = node["name"].as_str().unwrap();
        let n: usize = name[1..].parse().unwrap();
        let expected = steps[n] + u64::from(name.starts_with('j'));
        assert_eq!(node["distance"], expected, "{name}");
    }
    let down = system.get("/v1/lineage/impact?node=dataset:here:d0&depth=100").await.ok();
    assert_eq!(down["dependents"].as_array().unwrap().len(), 998, "all but itself and what made it");
}
