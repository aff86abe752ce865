//! `/lineage`: found by name, drawn and listed, by column, as of an entry, and taken away.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Caller, Server, portal::Person, programs};

/// Tells that a job made a dataset of others.
async fn tell(system: &Caller, job: &str, inputs: &[&str], output: &str, fields: &Value) {
    let dataset = |name: &&str| json!({"namespace": "gs://here", "name": name});
    let mut output = dataset(&output);
    output["facets"] = json!({"columnLineage": {"fields": fields}});
    let event = json!({
        "eventTime": "2026-01-05T09:30:00Z", "eventType": "COMPLETE", "producer": "https://example.com/etl",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": format!("run-of-{job}")}, "job": {"namespace": "etl", "name": job},
        "inputs": inputs.iter().map(dataset).collect::<Vec<_>>(), "outputs": [output],
    });
    system.post("/api/v1/lineage", &event).await.ok();
}

/// file → load → raw → clean → daily → report → filed, and daily → again → daily.
async fn told(server: &Server) -> Caller {
    let system = server.system(0).await;
    let of = |dataset: &str, field: &str| json!({"inputFields": [{"namespace": "gs://here", "name": dataset, "field": field}]});
    tell(&system, "load", &["file"], "raw", &json!({})).await;
    tell(&system, "clean", &["raw"], "daily", &json!({"total": of("raw", "amount")})).await;
    tell(&system, "report", &["daily"], "filed", &json!({"sum": of("daily", "total")})).await;
    tell(&system, "again", &["daily"], "daily", &json!({})).await;
    system
}

/// How a page's links write a dataset.
fn node(name: &str) -> String {
    format!("dataset%3Ags%253A%2F%2Fhere%3A{name}")
}

/// The part of a page from one text to the next one.
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let begin = page.find(from).unwrap_or_else(|| panic!("no {from} in {page}"));
    let rest = &page[begin..];
    &rest[..rest.find(to).unwrap_or_else(|| panic!("no {to} after {from}"))]
}

/// Where the box of a dataset begins, from the left.
fn left_of(page: &str, name: &str) -> i64 {
    let title = format!(">Dataset {name} in gs://here</title>");
    let (before, _) = page.split_once(&title).unwrap_or_else(|| panic!("{name}: {page}"));
    let (_, at) = before.rsplit_once("translate(").unwrap();
    at.split_once(' ').unwrap().0.parse().unwrap()
}

/// The texts of an XML document, as a parser that is not ours finds them.
fn texts(xml: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lineage.svg");
    std::fs::write(&path, xml).unwrap();
    let script = "import json, sys, xml.etree.ElementTree as xml\n\
                  print(json.dumps([node.text for node in xml.parse(sys.argv[1]).iter() if node.text]))";
    let output = Command::new(programs::of_python("python")).args(["-c", script]).arg(path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn officer(server: &Server) -> Person {
    server.person("compliance-officer").await
}

#[tokio::test]
async fn datasets_and_jobs_are_found_by_a_part_of_their_name() {
    let server = Server::demo(&[]);
    told(&server).await;
    let officer = officer(&server).await;
    let all = officer.page("/lineage").await;
    for name in ["file", "raw", "daily", "filed", "load", "clean", "report", "again"] {
        assert!(all.contains(&format!(">{name}</a>")), "{name}: {all}");
    }
    let some = officer.page("/lineage?q=da").await;
    assert!(some.contains(&format!("href=\"/lineage?node={}\">daily</a>", node("daily"))), "{some}");
    assert!(!some.contains(">raw</a>"), "{some}");
    let jobs = officer.page("/lineage?type=job&q=etl&limit=2").await;
    assert!(jobs.contains("rel=\"next\"") && !jobs.contains(">daily</a>"), "{jobs}");
    assert!(officer.page("/lineage?q=nowhere").await.contains("Nothing is named so."));
    assert!(officer.page("/lineage?as_of=0").await.contains("Nothing has been told of lineage yet."));
    assert!(officer.page("/lineage?as_of=999999").await.contains("the last entry is"));
    // The engineer looks after the jobs, and sees the same.
    let engineer = server.person("integration-engineer").await;
    assert!(engineer.page("/lineage?q=da").await.contains(">daily</a>"));
    assert_eq!(Person::stranger(server.base_url()).open("/lineage").await.status(), 303);
}

#[tokio::test]
async fn a_graph_is_drawn_from_left_to_right_and_listed() {
    let server = Server::demo(&[]);
    let system = told(&server).await;
    let officer = officer(&server).await;
    let page = officer.page(&format!("/lineage?node={}&depth=10", node("daily"))).await;
    let xs = ["file", "raw", "daily", "filed"].map(|name| left_of(&page, name));
    assert!(xs.is_sorted_by(|a, b| a < b), "{xs:?}");
    let told = system.get(&format!("/v1/lineage?node={}&depth=10", node("daily"))).await.ok();
    // The list has what the API says.
    let list = between(&page, "Datasets and jobs, the nearest first</caption>", "</table>");
    for one in told["nodes"].as_array().unwrap() {
        assert!(list.contains(&format!(">{}<", one["name"].as_str().unwrap())), "{one}: {list}");
    }
    for (name, place) in
        [("file", "4 up"), ("raw", "2 up"), ("filed", "2 down"), ("again", "1 up, and 1 down")]
    {
        let row = between(list, &format!(">{name}<"), "</tr>");
        assert!(row.contains(&format!("<td>{place}</td>")), "{row}");
    }
    let steps = between(&page, "What jobs read and wrote</caption>", "</table>");
    assert_eq!(steps.matches("<tr>").count() - 1, told["edges"].as_array().unwrap().len(), "{steps}");
    assert_eq!(page.matches("class=\"flow").count(), told["edges"].as_array().unwrap().len());

    // Each node leads to its own graph, by the same steps and direction.
    let up = officer.page(&format!("/lineage?node={}&direction=upstream&depth=2", node("daily"))).await;
    assert!(
        up.contains(&format!("/lineage?direction=upstream&amp;depth=2&amp;node={}", node("raw"))),
        "{up}"
    );
    assert!(!up.contains("filed") && !up.contains("file in gs://here"), "{up}");
}

#[tokio::test]
async fn a_graph_is_shown_as_it_was_known() {
    let server = Server::demo(&[]);
    let system = told(&server).await;
    let officer = officer(&server).await;
    let graph = system.get(&format!("/v1/lineage?node={}", node("daily"))).await.ok();
    let edges = graph["edges"].as_array().unwrap();
    let filed = edges.iter().find(|edge| edge["to"].as_str().unwrap().ends_with(":filed")).unwrap();
    let before = filed["first_seq"].as_str().unwrap().parse::<u64>().unwrap() - 1;
    let then = officer.page(&format!("/lineage?node={}&as_of={before}", node("daily"))).await;
    assert!(then.contains(&format!("As of entry {before}")) && !then.contains("filed"), "{then}");
    let missing = officer.page(&format!("/lineage?node={}&as_of={before}", node("filed"))).await;
    assert!(missing.contains("No dataset or job of this name was known then."), "{missing}");
    let wrong = officer.page(&format!("/lineage?node={}&depth=101", node("daily"))).await;
    assert!(wrong.contains("role=\"alert\"") && wrong.contains("1 to 100"), "{wrong}");
}

#[tokio::test]
async fn columns_lead_to_what_they_were_made_of_and_to_what_depends_on_them() {
    let server = Server::demo(&[]);
    told(&server).await;
    let officer = officer(&server).await;
    let page = officer.page(&format!("/lineage?node={}&columns=true", node("daily"))).await;
    let columns = between(&page, "Columns, and what they were made of</caption>", "</table>");
    let row = between(columns, ">total</a>", "</tr>");
    assert!(row.contains(">amount</a>") && row.contains("<td>clean</td>"), "{row}");
    assert_eq!(page.matches("class=\"flow told\"").count(), 4, "{page}");
    let without = officer.page(&format!("/lineage?node={}", node("daily"))).await;
    assert!(!without.contains("Columns, and what they were made of"), "{without}");

    let impact = officer.page(&format!("/lineage/impact?node={}&column=amount", node("raw"))).await;
    assert!(impact.contains("2 columns depend on it."), "{impact}");
    assert!(
        impact.contains("column=total\">total</a>") && impact.contains("column=sum\">sum</a>"),
        "{impact}"
    );
    let whole = officer.page(&format!("/lineage/impact?node={}", node("raw"))).await;
    assert!(whole.contains("2 datasets, 3 jobs depend on it."), "{whole}");
    let end = officer.page(&format!("/lineage/impact?node={}", node("filed"))).await;
    assert!(end.contains("Nothing depends on it."), "{end}");
    let none = officer.page(&format!("/lineage/impact?node={}&column=none", node("raw"))).await;
    assert!(none.contains("There is no such dataset, job or column"), "{none}");
}

#[tokio::test]
async fn a_job_has_its_runs_and_a_dataset_its_versions() {
    let server = Server::demo(&[]);
    told(&server).await;
    let officer = officer(&server).await;
    let job = officer.page("/lineage/node?node=job%3Aetl%3Aclean").await;
    let runs = between(&job, "Runs, the newest first</caption>", "</table>");
    assert!(runs.contains("run-of-clean") && runs.contains("complete"), "{runs}");
    assert!(runs.contains("datetime=\"2026-01-05T09:30:00.000000Z\""), "{runs}");
    let dataset = officer.page(&format!("/lineage/node?node={}", node("daily"))).await;
    let versions = between(&dataset, "Versions, the newest first</caption>", "</table>");
    assert!(versions.contains("run:run-of-clean") && versions.contains("run:run-of-again"), "{versions}");
    assert_eq!(officer.open("/lineage/node?node=job%3Aetl%3Anone").await.status(), 404);
}

#[tokio::test]
async fn the_drawing_is_taken_away_as_a_file() {
    let server = Server::demo(&[]);
    told(&server).await;
    let officer = officer(&server).await;
    let answer = officer.open(&format!("/lineage.svg?node={}&depth=10", node("daily"))).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "image/svg+xml; charset=utf-8");
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"lineage.svg\"");
    let svg = answer.text().await.unwrap();
    assert!(!svg.contains("<a ") && !svg.contains("class="), "it stands alone: {svg}");
    let texts = texts(&svg);
    for name in ["file", "raw", "daily", "filed", "load", "clean", "report", "again"] {
        assert!(texts.iter().any(|text| text == name), "{name}: {texts:?}");
    }
}

#[tokio::test]
async fn names_are_shown_as_text_and_long_ones_without_their_middle() {
    let server = Server::demo(&[]);
    let system = server.system(0).await;
    let long = format!("{}.{}", "a".repeat(60), "z".repeat(60));
    let names = ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "=cmd|' /C calc'!A0", long.as_str()];
    tell(
        &system,
        "</title></svg><script>alert(2)</script>",
        &names,
        "out",
        &json!({"<b>bold</b>": {"inputFields": [
            {"namespace": "gs://here", "name": names[0], "field": "<i>lean</i>"},
        ]}}),
    )
    .await;
    let officer = officer(&server).await;
    let target = format!("node={}&columns=true", node("out"));
    let search = officer.page("/lineage").await;
    let graph = officer.page(&format!("/lineage?{target}")).await;
    let job = officer
        .page("/lineage/node?node=job%3Aetl%3A%3C%2Ftitle%3E%3C%2Fsvg%3E%3Cscript%3Ealert(2)%3C%2Fscript%3E")
        .await;
    let svg = officer.open(&format!("/lineage.svg?{target}")).await.text().await.unwrap();
    for shown in [&search, &graph, &job, &svg] {
        assert!(
            !shown.contains("<script>alert") && !shown.contains("<img") && !shown.contains("<b>bold"),
            "{shown}"
        );
        assert!(shown.contains("&lt;script&gt;alert"), "{shown}");
    }
    assert!(
        graph.contains("&lt;b&gt;bold&lt;/b&gt;") && graph.contains("&lt;i&gt;lean&lt;/i&gt;"),
        "{graph}"
    );
    let cut = format!("{}…{}", "a".repeat(12), "z".repeat(12));
    assert!(
        graph.contains(&format!(">{cut}</text>")) && graph.contains(&format!("{long} in gs://here</title>"))
    );
    assert!(texts(&svg).iter().any(|text| text.contains(names[1])));
}

#[tokio::test]
async fn a_large_graph_is_listed_and_not_drawn() {
    let server = Server::demo(&[]);
    let system = server.system(0).await;
    let names: Vec<String> = (0..299).map(|number| format!("source-{number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    tell(&system, "join", &names[1..], "most", &json!({})).await;
    tell(&system, "merge", &names, "all", &json!({})).await;
    let officer = officer(&server).await;
    // 298 sources, the job and what it made.
    let drawn = officer.page(&format!("/lineage?node={}&direction=upstream", node("most"))).await;
    assert!(drawn.contains("<svg") && drawn.contains("299 datasets and 1 jobs"), "{drawn}");
    let listed = officer.page(&format!("/lineage?node={}&direction=upstream", node("all"))).await;
    assert!(!listed.contains("<svg") && listed.contains("It has 301 nodes"), "{listed}");
    assert!(listed.contains(">source-000</a>") && listed.contains(">source-298</a>"));
    let file = officer.open(&format!("/lineage.svg?node={}&direction=upstream", node("all"))).await;
    assert_eq!(file.status(), 422);
}
