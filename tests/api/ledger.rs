//! `/v1/ledger`: entries, proofs, checkpoints, key.

use serde_json::{Value, json};
use veritrail_audit::{Checkpoint, Hash, leaf_hash, verify_consistency, verify_inclusion};

use crate::support::{Caller, Server, data, proof};

/// Delivers one transaction to the first institution and gives its record.
async fn delivered(server: &Server) -> Value {
    let line = data::ndjson(&[data::transaction(&data::unique("ledger"))]);
    server.feeder().await.deliver(server.institution(0), &line).await.ok()["records"][0].clone()
}

/// The signed checkpoint once it covers an entry.
async fn covering(server: &Server, system: &Caller, seq: u64) -> Checkpoint {
    let path = format!("/v1/ledger/proofs/inclusion?seq={seq}");
    let proof = system.get(&path).await.ok();
    proof::checkpoint(proof["checkpoint"].as_str().unwrap(), server.vkey(0))
}

fn seq(record: &Value) -> u64 {
    record["seq"].as_str().unwrap().parse().unwrap()
}

async fn listed(system: &Caller, query: &str) -> Vec<Value> {
    let page = system.get(&format!("/v1/ledger/entries?{query}")).await.ok();
    page["data"].as_array().unwrap().iter().map(|item| item["entry"].clone()).collect()
}

#[tokio::test]
async fn entries_form_a_chain_from_the_key_on() {
    let server = Server::shared();
    let answer = server.system(0).await.get("/v1/ledger/entries?limit=50").await;
    let page = answer.json();
    let entries = page["data"].as_array().unwrap();
    assert_eq!(entries[0]["entry"]["kind"], "key");
    let genesis = veritrail_audit::genesis_prev(server.demo["institutions"][0]["origin"].as_str().unwrap());
    let mut prev = genesis.to_string();
    for (index, item) in entries.iter().enumerate() {
        assert_eq!(item["entry"]["seq"], index.to_string());
        assert_eq!(item["entry"]["prev"], prev);
        let leaf = proof::leaf(&proof::canonical(&item["entry"]));
        assert_eq!(item["leaf_hash"], leaf, "of the entry's own bytes");
        prev = leaf;
    }
}

#[tokio::test]
async fn entries_are_filtered_by_kind_time_and_subject() {
    let server = Server::shared();
    let system = server.system(0).await;
    let record = delivered(server).await;
    for kind in ["record", "access", "admin", "key"] {
        let entries = listed(&system, &format!("kind={kind}&limit=20")).await;
        assert!(!entries.is_empty() && entries.iter().all(|entry| entry["kind"] == kind), "{kind}");
    }
    let id = record["id"].as_str().unwrap();
    let one = listed(&system, &format!("subject={id}")).await;
    assert_eq!(one.len(), 1);
    assert_eq!((&one[0]["seq"], &one[0]["subject"]["id"]), (&record["seq"], &record["id"]));
    assert_eq!(listed(&system, &format!("subject={id}&kind=access")).await, [json!(null); 0]);
    assert_eq!(listed(&system, "subject=txn_0190163d8694739bba1a9fbee4e5c1b2").await, [json!(null); 0]);

    let at = one[0]["at"].as_str().unwrap();
    let since = listed(&system, &format!("at[gte]={at}&limit=1")).await;
    assert_eq!(since[0]["at"], at, "the bound itself is in");
    let before = listed(&system, &format!("at[lt]={at}&kind=record&limit=500")).await;
    assert!(!before.is_empty() && before.iter().all(|entry| entry["at"].as_str().unwrap() < at));
    assert_eq!(listed(&system, &format!("at[gte]={at}&at[lt]={at}")).await, [json!(null); 0]);
    assert_eq!(listed(&system, &format!("at[gte]={at}&subject={id}")).await.len(), 1);
    assert_eq!(listed(&system, &format!("at[lt]={at}&subject={id}")).await.len(), 0);
}

#[tokio::test]
async fn a_run_of_entries_is_whole_and_pinned() {
    let server = Server::shared();
    let system = server.system(0).await;
    let first = system.get("/v1/ledger/entries?limit=100&kind=record").await.ok();
    delivered(server).await;
    let cursor = first["page"]["next_cursor"].as_str().unwrap();
    let second = system.get(&format!("/v1/ledger/entries?limit=100&kind=record&cursor={cursor}")).await.ok();
    assert_eq!(first["as_of"], second["as_of"]);
    let seqs = |page: &Value| -> Vec<u64> {
        page["data"].as_array().unwrap().iter().map(|item| seq(&item["entry"])).collect()
    };
    let all = [seqs(&first), seqs(&second)].concat();
    let both = listed(&system, "limit=200&kind=record").await;
    assert_eq!(all, both.iter().map(seq).collect::<Vec<_>>());
}

#[tokio::test]
async fn one_entry_comes_with_its_payload_and_proof() {
    let server = Server::shared();
    let system = server.system(0).await;
    let record = delivered(server).await;
    let detail = system.get(&format!("/v1/ledger/entries/{}", seq(&record))).await.ok();
    let checkpoint = proof::verify(&detail, &proof::canonical(&detail["payload"]), server.vkey(0));
    assert!(checkpoint.size > seq(&record));
    assert_eq!(detail["payload"]["id"], record["id"]);
    for nowhere in ["99999999", "-1", "x", "18446744073709551616", "9223372036854775808"] {
        system.get(&format!("/v1/ledger/entries/{nowhere}")).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn an_inclusion_proof_leads_to_the_root_of_the_size_that_was_asked_for() {
    let server = Server::shared();
    let system = server.system(0).await;
    let seq = seq(&delivered(server).await);
    let detail = system.get(&format!("/v1/ledger/entries/{seq}")).await.ok();
    let leaf = leaf_hash(detail["entry"].as_str().unwrap().as_bytes());

    let newest = system.get(&format!("/v1/ledger/proofs/inclusion?seq={seq}")).await.ok();
    let checkpoint = proof::checkpoint(newest["checkpoint"].as_str().unwrap(), server.vkey(0));
    let path = proof::hashes(&newest["path"]);
    verify_inclusion(&leaf, seq, checkpoint.size, &path, &checkpoint.root).unwrap();

    // An answer says the root of the ledger that it shows; a proof for that size leads there.
    let page = system.get("/v1/transactions?limit=1").await.ok();
    let shown = Checkpoint::parse_body(page["as_of"]["checkpoint"].as_str().unwrap()).unwrap();
    let asked = system.get(&format!("/v1/ledger/proofs/inclusion?seq={seq}&size={}", shown.size)).await.ok();
    assert_eq!(asked.get("checkpoint"), None);
    verify_inclusion(&leaf, seq, shown.size, &proof::hashes(&asked["path"]), &shown.root).unwrap();
    let alone = system.get("/v1/ledger/proofs/inclusion?seq=0&size=1").await.ok();
    assert_eq!(alone["path"], json!([]));
}

#[tokio::test]
async fn a_consistency_proof_leads_from_an_earlier_checkpoint_to_a_later_one() {
    let server = Server::shared();
    let system = server.system(0).await;
    let earlier = covering(server, &system, seq(&delivered(server).await)).await;
    let later = covering(server, &system, seq(&delivered(server).await)).await;
    assert!(earlier.size < later.size);
    let path = format!("/v1/ledger/proofs/consistency?from={}&to={}", earlier.size, later.size);
    let path = proof::hashes(&system.get(&path).await.ok()["path"]);
    verify_consistency(earlier.size, later.size, &earlier.root, &later.root, &path).unwrap();
    let other = Hash([7; 32]);
    assert!(verify_consistency(earlier.size, later.size, &other, &later.root, &path).is_err());

    let newest = system.get(&format!("/v1/ledger/proofs/consistency?from={}", earlier.size)).await.ok();
    let checkpoint = proof::checkpoint(newest["checkpoint"].as_str().unwrap(), server.vkey(0));
    let path = proof::hashes(&newest["path"]);
    verify_consistency(earlier.size, checkpoint.size, &earlier.root, &checkpoint.root, &path).unwrap();
    let size = earlier.size;
    let same = system.get(&format!("/v1/ledger/proofs/consistency?from={size}&to={size}")).await.ok();
    assert_eq!(same["path"], json!([]));
}

#[tokio::test]
async fn proofs_of_what_is_not_there_are_refused_and_the_parameter_named() {
    let system = Server::shared().system(0).await;
    for (query, code, place) in [
        ("inclusion", "missing_parameter", ""),
        ("inclusion?seq=x", "invalid_parameter", "?seq"),
        ("inclusion?seq=-1", "invalid_parameter", "?seq"),
        ("inclusion?seq=5&size=5", "invalid_parameter", "?seq"),
        ("inclusion?seq=99999999", "invalid_parameter", "?seq"),
        ("inclusion?seq=18446744073709551615", "invalid_parameter", "?seq"),
        ("inclusion?seq=0&size=0", "invalid_parameter", "?size"),
        ("inclusion?seq=0&size=99999999", "invalid_parameter", "?size"),
        ("inclusion?sec=0", "unknown_parameter", ""),
        ("consistency", "missing_parameter", ""),
        ("consistency?from=0", "invalid_parameter", "?from"),
        ("consistency?from=7&to=6", "invalid_parameter", "?from"),
        ("consistency?from=99999999", "invalid_parameter", "?from"),
        ("consistency?from=1&to=99999999", "invalid_parameter", "?to"),
    ] {
        let problem = system.get(&format!("/v1/ledger/proofs/{query}")).await.problem(400, code);
        assert_eq!(problem["errors"][0]["pointer"].as_str().unwrap_or_default(), place, "{query}");
    }
    for (query, code) in [
        ("kind=records", "invalid_parameter"),
        ("at[gte]=yesterday", "invalid_parameter"),
        ("at=2026-01-01T00:00:00Z", "unknown_parameter"),
        ("subject=x", "invalid_parameter"),
        ("subject=cli_0190163d8694739bba1a9fbee4e5c1b2", "invalid_parameter"),
    ] {
        system.get(&format!("/v1/ledger/entries?{query}")).await.problem(400, code);
    }
}

#[tokio::test]
async fn the_checkpoint_verifies_with_the_key_and_under_its_name() {
    let server = Server::shared();
    for index in [0, 1] {
        let system = server.system(index).await;
        let key = system.get("/v1/ledger/key").await;
        assert_eq!(key.text(), format!("{}\n", server.vkey(index)));
        let note = system.get("/v1/ledger/checkpoint").await;
        assert_eq!(note.header("content-type"), Some("text/plain; charset=utf-8"));
        let checkpoint = proof::checkpoint(note.text(), server.vkey(index));
        assert_eq!(checkpoint.origin, server.demo["institutions"][index]["origin"]);
        let other = veritrail_audit::VerifierKey::parse(server.vkey(1 - index)).unwrap();
        assert!(veritrail_audit::verify_note(note.text(), &[other]).is_err(), "another log's key");
    }
}
