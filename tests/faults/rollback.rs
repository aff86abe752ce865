//! A database from a backup, or one that somebody altered: what was signed is remembered elsewhere,
//! so the log is stopped, and nothing smaller or different is ever signed.

use std::{fs, path::Path};

use serde_json::Value;

use super::{
    backup,
    stored::{Stored, fsck},
};
use crate::support::{Caller, Server, data, server::free_ports};

#[tokio::test]
async fn a_restored_backup_stops_the_log_and_is_never_signed() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let port = free_ports();
    let mut server = Server::start(&data_dir, port, &[]);
    let institution = server.institution(0).to_owned();
    // Its token outlives restarts; a new one would be on the provider's log, which the backup cuts too.
    let token = server.feeder().await.token;
    assert!(server.terminate().success());
    backup::take(&data_dir, "before");

    // The service goes on, and signs what it stores.
    let mut server = Server::start(&data_dir, port, &[]);
    deliver(&server.stranger().with_token(token.as_deref()), &institution).await;
    assert!(server.terminate().success());
    let mut stored = Stored::open(&data_dir).await;
    let signed = stored.checkpoints(&institution).await;
    stored.close().await;
    let remembered = fs::read_to_string(data_dir.join("signed-heads")).unwrap();

    backup::restore(&data_dir, "before");
    let mut server = Server::start(&data_dir, port, &[]);
    is_stopped(&server, &server.stranger().with_token(token.as_deref()), &institution).await;
    assert!(server.terminate().success());

    let mut stored = Stored::open(&data_dir).await;
    let after = stored.checkpoints(&institution).await;
    stored.close().await;
    let origin = server.demo["institutions"][0]["origin"].as_str().unwrap();
    assert_eq!(last_head(&remembered, origin), last_head(&memory(&data_dir), origin));
    assert!(after.len() < signed.len(), "the backup has fewer checkpoints");
    assert!(
        after.iter().all(|checkpoint| signed.contains(checkpoint)),
        "and none that was not signed before"
    );
    let (clean, said) = fsck(&data_dir, server.base_url(), &institution);
    assert!(!clean && said.contains("the signer's memory"), "{said}");
}

#[tokio::test]
async fn an_altered_entry_stops_the_log_and_fsck_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let port = free_ports();
    let mut server = Server::start(&data_dir, port, &[]);
    let institution = server.institution(0).to_owned();
    assert!(server.terminate().success());
    let mut stored = Stored::open(&data_dir).await;
    // Within the last, incomplete tile, whose hashes are taken from the entries themselves.
    let last = stored.checkpoints(&institution).await.last().unwrap().0;
    let seq = last - 2;
    stored.forge_entry(&institution, seq).await;
    stored.close().await;

    let (clean, said) = fsck(&data_dir, server.base_url(), &institution);
    assert!(!clean && said.contains(&format!("entry {seq}")), "{said}");
    let mut server = Server::start(&data_dir, port, &[]);
    is_stopped(&server, &server.feeder().await, &institution).await;
    assert!(server.terminate().success());
}

async fn deliver(feeder: &Caller, institution: &str) {
    let line = data::ndjson(&[data::transaction(&data::unique("later"))]);
    assert_eq!(feeder.deliver(institution, &line).await.ok()["added"], 1);
}

/// Nothing is stored in the log, nothing is served from it, and health says so.
async fn is_stopped(server: &Server, feeder: &Caller, institution: &str) {
    let line = data::ndjson(&[data::transaction(&data::unique("refused"))]);
    feeder.deliver(institution, &line).await.problem(503, "log_stopped");
    // A system of that institution can't even get a token: that would be a look, and can't be recorded.
    let client = &server.demo["institutions"][0]["clients"][0];
    let stranger = server.stranger();
    let (id, secret) = (client["client_id"].as_str().unwrap(), client["client_secret"].as_str().unwrap());
    let request = stranger.request(reqwest::Method::POST, "/oauth2/token").basic_auth(id, Some(secret));
    let answer = stranger.send(request.form(&[("grant_type", "client_credentials")])).await;
    answer.problem(503, "log_stopped");
    let health: Value = stranger.get("/health/ready").await.json();
    assert_eq!(health["stopped_logs"], 1, "{health}");
    // Another institution's log goes on.
    deliver(feeder, server.institution(1)).await;
}

fn memory(data_dir: &Path) -> String {
    fs::read_to_string(data_dir.join("signed-heads")).unwrap()
}

fn last_head<'a>(memory: &'a str, origin: &str) -> Option<&'a str> {
    memory.lines().rfind(|line| line.starts_with(origin))
}
