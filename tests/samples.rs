//! The document's samples: what a developer copies from it runs as it stands against the demo, with
//! nothing but ids and addresses filled in, and is answered with a success.

use std::process::{Command, Output};

use crate::{
    coverage::{Callers, Things, is_for_clients},
    support::{
        Server,
        document::{self, Operation},
        programs,
    },
};

/// Lets an operation's sample of a language call the demo for the things that are there.
fn filled_in(operation: &Operation, label: &str, server: &Server, things: &Things) -> String {
    let samples = operation.object["x-codeSamples"].as_array().unwrap();
    let sample = samples.iter().find(|sample| sample["label"] == label);
    let sample = sample.unwrap_or_else(|| panic!("{} has no sample of {label}", operation.id()));
    let source = sample["source"].as_str().unwrap();
    let base = if operation.admin { server.admin_url() } else { server.base_url() };
    let start = source.find(base).unwrap_or_else(|| panic!("{base} is not in {source}"));
    let end = start + source[start..].find(['\'', '"']).unwrap();
    let mut target = things.target(operation);
    if source[start..end].ends_with("limit=10") {
        target += if target.contains('?') { "&limit=10" } else { "?limit=10" };
    }
    things.fill(&format!("{}{base}{target}{}", &source[..start], &source[end..]))
}

fn interpreter(label: &str) -> Command {
    match label {
        "curl" => {
            let mut shell = Command::new("bash");
            shell.args(["-euo", "pipefail", "-c"]);
            shell
        }
        "Python" => {
            let mut python = Command::new(programs::of_python("python"));
            python.arg("-c");
            python
        }
        "JavaScript" => {
            let mut node = Command::new(programs::of_python("node"));
            node.args(["--input-type=module", "--eval"]);
            node
        }
        other => panic!("nothing here runs {other}"),
    }
}

/// Runs every operation's sample of a language.
async fn run_all(label: &'static str) {
    let server = Server::shared();
    let (things, callers) = (Things::of(server, 0).await, Callers::of(server).await);
    let folder = tempfile::tempdir().unwrap();
    let client = &server.demo["institutions"][0]["clients"][0];
    let mut tried = 0;
    for operation in document::operations(server).await.into_iter().filter(is_for_clients) {
        let source = filled_in(&operation, label, server, &things);
        // The sample of a revocation revokes the token that it is run with.
        let token = match operation.scopes().as_slice() {
            [] => server.system(0).await.token,
            _ => callers.allowed(&operation).token.clone(),
        };
        let mut command = interpreter(label);
        command
            .arg(&source)
            .current_dir(folder.path())
            .env("TOKEN", token.unwrap())
            .env("CLIENT_ID", client["client_id"].as_str().unwrap())
            .env("CLIENT_SECRET", client["client_secret"].as_str().unwrap())
            .env("NO_PROXY", "*");
        let Output { status, stdout, stderr } =
            tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert!(
            status.success(),
            "{}\n{source}\n{}{}",
            operation.id(),
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr)
        );
        tried += 1;
    }
    assert!(tried >= 40, "the document has only {tried} operations");
}

#[tokio::test]
async fn every_sample_of_curl_runs() {
    run_all("curl").await;
}

#[tokio::test]
async fn every_sample_of_python_runs() {
    run_all("Python").await;
}

#[tokio::test]
async fn every_sample_of_javascript_runs() {
    run_all("JavaScript").await;
}
