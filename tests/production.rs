//! The README's production section, as an operator would type it.

use std::{fs, process::Command};

use crate::support::{
    engine::Engine,
    postgres::Postgres,
    redis::Redis,
    server::{binary, free_ports},
};

#[test]
fn the_readmes_production_section_ends_with_a_running_replica_set() {
    if Engine::of_this_run() == Engine::Sqlite {
        return;
    }
    if !["bash", "curl", "openssl"].iter().all(|tool| is_there(tool)) {
        eprintln!("passed over: the section needs bash, curl and openssl");
        return;
    }
    let readme = include_str!("../README.md");
    let mut script: String =
        readme.split("```sh\n").skip(1).filter_map(|block| block.split("```").next()).collect();
    // Other services may be heard where the README's are.
    for port in [8080, 8082] {
        let free = free_ports();
        script = script.replace(&port.to_string(), &free.to_string());
        script = script.replace(&(port + 1).to_string(), &(free + 1).to_string());
    }
    let (postgres, limits, memory) = (Postgres::start(), Redis::start(), Redis::durable());
    let folder = tempfile::tempdir().unwrap();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::os::unix::fs::symlink(root.join("migrations"), folder.path().join("migrations")).unwrap();
    let built = binary("veritrail").parent().unwrap().to_owned();
    let path = format!(
        "{}:{}:{}",
        built.display(),
        postgres_programs().display(),
        std::env::var("PATH").unwrap_or_default()
    );
    fs::write(
        folder.path().join("section"),
        format!("set -euo pipefail\n{script}\nkill -TERM %1 %2\nwait\n"),
    )
    .unwrap();
    let output = Command::new("bash")
        .args(["-m", "section"])
        .current_dir(folder.path())
        .env("PATH", path)
        .env("PGHOST", "127.0.0.1")
        .env("PGPORT", postgres.port().to_string())
        .env("PGUSER", "postgres")
        .env("LIMITS_REDIS", limits.url())
        .env("SIGNER_REDIS", memory.url())
        .env("API", "api.example.com")
        .output()
        .unwrap();
    let (said, failed) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{failed}");
    assert!(said.contains("client_secret "), "{said}");
    assert_eq!(said.matches(r#""limits":"shared""#).count(), 2, "two replicas that share limits: {said}");
    assert!(said.contains("veritrail_ledger_stopped_logs 0"), "{said}");
}

fn postgres_programs() -> std::path::PathBuf {
    crate::support::postgres::program("psql").parent().map(ToOwned::to_owned).unwrap_or_default()
}

fn is_there(tool: &str) -> bool {
    Command::new("sh")
        .args(["-c", &format!("command -v {tool}")])
        .output()
        .is_ok_and(|output| output.status.success())
}
