//! The committed document, the printed one and the served one are the same, and break nobody who relies on
//! the last released one.

mod compare;
mod released;

use std::{path::Path, process::Command};

use crate::support::{Server, programs, server::binary};

fn printed() -> String {
    let output = Command::new(binary("veritrail")).arg("openapi").output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_committed_document_is_what_the_service_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi/openapi.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let printed = printed();
    if committed == printed {
        return;
    }
    let lines = committed.lines().zip(printed.lines()).enumerate();
    let first = lines.into_iter().find(|(_, (old, new))| old != new);
    panic!("openapi/openapi.json is not what the code says; run `make openapi`. First difference: {first:?}");
}

#[tokio::test]
async fn the_served_document_is_the_printed_one_with_the_addresses_of_the_service() {
    let server = Server::shared();
    let served = server.stranger().get("/openapi.json").await;
    assert_eq!(served.header("content-type"), Some("application/json"));
    let text = served
        .text()
        .replace(server.base_url(), "http://localhost:8080")
        .replace(server.admin_url(), "http://localhost:8081");
    assert!(text == printed(), "the service serves another document than it prints");
}

/// Runs a linter on the committed document; it must find no error.
fn lint(program: &str, arguments: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = programs::of_node(program)
        .args(arguments)
        .arg("openapi/openapi.json")
        .env("REDOCLY_TELEMETRY", "off")
        .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")
        .current_dir(root)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn redoclys_recommended_rules_find_no_error() {
    lint("redocly", &["lint", "--extends", "recommended", "--format", "stylish"]);
}

#[test]
fn spectrals_recommended_rules_find_no_error() {
    lint("spectral", &["lint", "--ruleset", "tests/node/spectral.yaml", "--fail-severity", "error"]);
}
