//! The whole contract tried by schemathesis: requests that hold to the document and requests that don't,
//! by callers that may and by strangers, and whether every answer is one that the document promises.
//!
//! `VERITRAIL_FUZZ_CASES` says how many cases there are to be at least; the suite alone tries few.

use std::{path::Path, process::Command};

use serde_json::Value;

use crate::support::{Server, programs};

/// Cases tried by `make test` at least, on each engine.
const CASES: u64 = 1_500;
/// Cases of each operation in one run, in each phase that makes them up.
const FEW: u32 = 5;
const MANY: u32 = 40;

fn wanted() -> u64 {
    std::env::var("VERITRAIL_FUZZ_CASES").map_or(CASES, |cases| cases.parse().unwrap())
}

/// A demo whose limits don't hide what else it would answer.
fn server() -> Server {
    let most = "1000000";
    let server = Server::demo_with(
        &[],
        &[("VERITRAIL_LIMITS__ADDRESS_PER_SECOND", most), ("VERITRAIL_LIMITS__ADDRESS_BURST", most)],
    );
    server.lift_limits();
    server
}

/// One run over the API or the admin API. Answers how many cases there were.
fn run(server: &Server, admin: bool, caller: &str, seed: u64) -> u64 {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let reports = server.data_dir().join(format!("fuzz-{caller}-{admin}-{seed}"));
    let document = server.data_dir().join("openapi.json");
    let examples = if wanted() > CASES { MANY } else { FEW };
    let (url, chosen) =
        if admin { (server.admin_url(), "--include-tag") } else { (server.base_url(), "--exclude-tag") };
    let output = Command::new(programs::of_python("st"))
        .arg("--config-file")
        .arg(here.join("schemathesis.toml"))
        .args(["--no-color", "run"])
        .arg(document)
        .args(["--url", url, chosen, "admin"])
        .args(["--max-examples", &examples.to_string(), "--seed", &seed.to_string()])
        .args(["--report", "json", "--report-dir"])
        .arg(&reports)
        .env("SCHEMATHESIS_HOOKS", here.join("hooks.py"))
        .env("VERITRAIL_DEMO", server.data_dir().join("demo.json"))
        .env("VERITRAIL_CALLER", caller)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(server.data_dir())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let report = std::fs::read_dir(&reports).ok().and_then(|mut files| files.next()).map(|file| {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()
    });
    let Some(report) = report else { panic!("{said}{}", String::from_utf8_lossy(&output.stderr)) };
    let name = format!("admin: {admin}, caller: {caller}, seed: {seed}");
    let cases = &report["test_cases"];
    assert!(output.status.success() && report["complete"] == true, "{name}\n{said}");
    assert_eq!(cases["with_failures"], 0, "{name}\n{said}");
    assert_eq!(cases["errored"], 0, "{name}\n{said}");
    for (phase, result) in report["phases"].as_object().unwrap() {
        // Strangers get nothing that could lead them on.
        let run = result["status"] == "success" || phase == "stateful" && caller == "nobody";
        assert!(run, "{name}: {phase} is {}\n{said}", result["status"]);
    }
    assert_eq!(report["operations"]["tested"], report["operations"]["selected"], "{name}\n{said}");
    cases["generated"].as_u64().unwrap()
}

#[tokio::test]
async fn whatever_is_sent_the_answer_is_one_that_the_document_promises() {
    let server = server();
    let document = server.stranger().get("/openapi.json").await;
    std::fs::write(server.data_dir().join("openapi.json"), &document.body).unwrap();
    tokio::task::spawn_blocking(move || {
        let mut cases = 0;
        // A shift is one run of each kind, with seeds of its own.
        for seed in 1.. {
            for admin in [false, true] {
                for caller in ["authenticated", "nobody"] {
                    let made = run(&server, admin, caller, seed);
                    println!("admin: {admin}, caller: {caller}, seed {seed}: {made} cases");
                    cases += made;
                }
            }
            if cases >= wanted() {
                break;
            }
        }
        println!("{cases} cases, no failure");
    })
    .await
    .unwrap();
}
