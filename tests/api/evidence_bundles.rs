//! `/v1/evidence-bundles`: ordered, downloaded whole or in pieces, and verified with the regulator's tool.

use std::{path::Path, process::Command};

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{Answer, Caller, Ledger, Server, data, proof, server::binary};

const BUNDLES: &str = "/v1/evidence-bundles";

/// Orders a bundle, waits for it, and gives its last state.
async fn ready(system: &Caller, wanted: &Value) -> Value {
    let ordered = system.post(BUNDLES, wanted).await;
    assert_eq!(ordered.status, 202);
    let id = ordered.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(ordered.header("location"), Some(format!("{BUNDLES}/{id}").as_str()));
    system.until_ready(&id).await
}

async fn content(system: &Caller, bundle: &Value, range: Option<&str>) -> Answer {
    let path = format!("{BUNDLES}/{}/content", bundle["id"].as_str().unwrap());
    let request = system.request(Method::GET, &path);
    system
        .send(match range {
            Some(range) => request.header("range", range),
            None => request,
        })
        .await
}

/// The verdict of the regulator's tool: exit code and what it says.
fn verify(file: &Path, more: &[&str]) -> (i32, String) {
    let output = Command::new(binary("veritrail-verify")).arg(file).args(more).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), said)
}

#[tokio::test]
async fn a_bundle_of_the_whole_log_verifies_as_signed() {
    let server = Server::shared();
    let system = server.system(0).await;
    let bundle = ready(&system, &json!({})).await;
    assert_eq!(bundle["from_seq"], "0");
    let answer = content(&system, &bundle, None).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/zip"));
    assert_eq!(answer.body.len(), usize::try_from(bundle["bytes"].as_u64().unwrap()).unwrap());
    let sha256: String = Sha256::digest(&answer.body).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(bundle["sha256"], sha256);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("evidence.zip");
    std::fs::write(&file, &answer.body).unwrap();
    let (code, said) = verify(&file, &["--vkey", server.vkey(0)]);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("SIGNED"), "{said}");
    let (code, said) = verify(&file, &["--vkey", server.vkey(1)]);
    assert_eq!(code, 1, "another log's key: {said}");
}

#[tokio::test]
async fn a_bundle_with_one_byte_flipped_is_refused() {
    let server = Server::shared();
    let system = server.system(0).await;
    let bundle = ready(&system, &json!({"from_seq": "5", "to_seq": "25"})).await;
    let whole = content(&system, &bundle, None).await.body;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("evidence.zip");
    std::fs::write(&file, &whole).unwrap();
    let (code, said) = verify(&file, &["--vkey", server.vkey(0)]);
    assert_eq!(code, 0, "unchanged: {said}");
    for step in 1..40 {
        let place = whole.len() * step / 40;
        let mut flipped = whole.clone();
        flipped[place] ^= 1;
        std::fs::write(&file, &flipped).unwrap();
        let (code, said) = verify(&file, &["--vkey", server.vkey(0)]);
        assert_eq!(code, 1, "byte {place} of {}: {said}", whole.len());
        assert!(said.starts_with("REFUSED"), "{said}");
    }
}

#[tokio::test]
async fn pieces_are_those_of_the_whole() {
    let server = Server::shared();
    let system = server.system(0).await;
    let bundle = ready(&system, &json!({"from_seq": "0", "to_seq": "40"})).await;
    let whole = content(&system, &bundle, None).await;
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    let (whole, size) = (whole.body, bundle["bytes"].as_u64().unwrap());
    let half = size / 2;
    let mut joined = Vec::new();
    for (range, first, last) in [
        ("bytes=0-99".to_owned(), 0, 99),
        (format!("bytes=100-{}", half - 1), 100, half - 1),
        (format!("bytes={half}-{}", size + 1000), half, size - 1),
    ] {
        let piece = content(&system, &bundle, Some(&range)).await;
        assert_eq!(piece.status, 206, "{range}");
        assert_eq!(piece.header("content-range"), Some(format!("bytes {first}-{last}/{size}").as_str()));
        assert_eq!(piece.header("content-digest"), Some(proof::content_digest(&piece.body).as_str()));
        joined.extend(piece.body);
    }
    assert!(joined == whole, "the pieces make up the whole");
    let open = content(&system, &bundle, Some(&format!("bytes={}-", size - 7))).await;
    let last = content(&system, &bundle, Some("bytes=-7")).await;
    assert_eq!((open.status.as_u16(), last.status.as_u16()), (206, 206));
    assert_eq!((&open.body[..], &last.body[..]), (&whole[whole.len() - 7..], &whole[whole.len() - 7..]));
    for ignored in ["lines=0-1", "bytes=0-1,5-6", "bytes=9-3", "bytes=x-"] {
        assert_eq!(content(&system, &bundle, Some(ignored)).await.status, 200, "{ignored}");
    }
    for unfit in [format!("bytes={size}-"), "bytes=-0".to_owned(), "bytes=99999999999-".to_owned()] {
        content(&system, &bundle, Some(&unfit)).await.problem(416, "range_not_satisfiable");
    }
}

#[tokio::test]
async fn an_order_is_on_the_ledger_before_the_file_is_there() {
    let server = Server::shared();
    let system = server.system(0).await;
    let ordered = system.post(BUNDLES, &json!({"from_seq": "3", "to_seq": "9"})).await;
    let seq = ordered.receipt().1;
    let bundle = ordered.ok();
    let entry = system.get(&format!("/v1/ledger/entries/{seq}")).await.ok();
    let expected = json!({"from": "3", "id": bundle["id"], "to": "9", "type": "evidence_bundle"});
    assert_eq!(entry["payload"], expected);
    let by_subject = format!("/v1/ledger/entries?subject={}", bundle["id"].as_str().unwrap());
    let found = system.get(&by_subject).await.ok();
    assert_eq!(found["data"][0]["entry"]["kind"], "export");
    assert_eq!(found["data"][0]["entry"]["seq"], seq.to_string());
    assert_eq!(found["data"][0]["entry"]["actor"], system.client_id);
}

#[tokio::test]
async fn a_period_is_the_entries_made_in_it() {
    let server = Server::shared();
    let system = server.system(0).await;
    let reference = data::unique("period");
    let deliver = async |suffix: &str| {
        let line = data::ndjson(&[data::transaction(&format!("{reference}-{suffix}"))]);
        let record = server.feeder().await.deliver(server.institution(0), &line).await.ok();
        let seq: u64 = record["records"][0]["seq"].as_str().unwrap().parse().unwrap();
        let entry = system.get(&format!("/v1/ledger/entries/{seq}")).await.ok();
        let entry: Value = serde_json::from_str(entry["entry"].as_str().unwrap()).unwrap();
        (seq, entry["at"].as_str().unwrap().to_owned())
    };
    let (first, from) = deliver("a").await;
    let (last, to) = deliver("b").await;
    let bundle = ready(&system, &json!({"from": from, "to": to})).await;
    let bound = |name: &str| bundle[name].as_str().unwrap().parse::<u64>().unwrap();
    // The first delivery also opened an account at the same instant; the end is not in.
    assert!(bound("from_seq") <= first && bound("from_seq") + 2 > first, "{bundle}");
    assert!(bound("to_seq") > first && bound("to_seq") <= last, "{bundle}");
}

#[tokio::test]
async fn a_range_that_is_none_is_refused() {
    let system = Server::shared().system(0).await;
    for (wanted, hint) in [
        (json!({"from_seq": "7", "to_seq": "7"}), "none"),
        (json!({"from_seq": "7", "to_seq": "6"}), "none"),
        (json!({"to_seq": "99999999"}), "the log has"),
        (json!({"from_seq": "99999999"}), "the log has"),
        (json!({"from_seq": "-1"}), "from_seq"),
        (json!({"from_seq": "x"}), "from_seq"),
        (json!({"from_seq": "1", "from": "2026-01-01T00:00:00Z"}), "either"),
        (json!({"from": "yesterday"}), "RFC 3339"),
        (json!({"from": "2999-01-01T00:00:00Z"}), "none"),
        (json!({"to": "1999-01-01T00:00:00Z"}), "none"),
    ] {
        let problem = system.post(BUNDLES, &wanted).await.problem(422, "refused");
        assert!(problem["detail"].as_str().unwrap().contains(hint), "{wanted}: {problem}");
    }
    for malformed in [json!({"form_seq": "0"}), json!({"from_seq": 0}), json!([]), json!("x")] {
        system.post(BUNDLES, &malformed).await.problem(400, "malformed_body");
    }
    let broken = system.request(Method::POST, BUNDLES).header("content-type", "application/json").body("{");
    system.send(broken).await.problem(400, "malformed_body");
    let text = system.request(Method::POST, BUNDLES).header("content-type", "text/plain").body("{}");
    system.send(text).await.problem(415, "unsupported_media_type");
    let long = json!({"from_seq": "0".repeat(5000)});
    system.post(BUNDLES, &long).await.problem(413, "body_too_large");
}

#[tokio::test]
async fn a_repeated_order_is_the_first_one() {
    let server = Server::shared();
    let system = server.system(0).await;
    let key = data::unique("order");
    let order = async |wanted: Value| {
        let request = system.request(Method::POST, BUNDLES).json(&wanted).header("idempotency-key", &key);
        system.send(request).await
    };
    let first = order(json!({"to_seq": "5"})).await;
    let again = order(json!({"to_seq": "5"})).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.receipt(), first.receipt());
    let id = first.ok()["id"].clone();
    assert_eq!(again.ok()["id"], id);
    order(json!({"to_seq": "6"})).await.problem(422, "idempotency_key_reused");
    let exported = Ledger::of(server).naming(server.institution(0), id.as_str().unwrap()).await;
    assert_eq!(exported.iter().filter(|entry| entry.kind == "export").count(), 1);
}

#[tokio::test]
async fn what_was_ordered_is_listed_with_the_newest_first_and_how_far_it_is() {
    let server = Server::shared();
    let system = server.system(0).await;
    let mut ordered = Vec::new();
    for to in ["4", "5", "6"] {
        ordered.push(ready(&system, &json!({"to_seq": to})).await);
    }
    let listed = system.pages_of(BUNDLES, 2).await;
    let own = |wanted: &&Value| ordered.iter().any(|it| it["id"] == wanted["id"]);
    let found: Vec<&Value> = listed.iter().filter(own).collect();
    assert_eq!(found, ordered.iter().rev().collect::<Vec<_>>(), "each as it is alone, the newest first");
    assert_eq!(found[0]["ordered_by"], system.client_id);
    assert_eq!((&found[0]["state"], &found[0]["percent_done"]), (&json!("ready"), &json!(100)));
    let entry = format!("/v1/ledger/entries/{}", found[0]["seq"].as_str().unwrap());
    assert_eq!(system.get(&entry).await.ok()["payload"]["id"], found[0]["id"]);
    let seqs = listed.iter().map(|it| it["seq"].as_str().unwrap().parse::<u64>().unwrap());
    assert!(seqs.is_sorted_by(|a, b| a > b), "{listed:?}");

    let begun = system.post(BUNDLES, &json!({"to_seq": "7"})).await.ok();
    assert!(begun["percent_done"].as_u64().unwrap() < 100 || begun["state"] == "ready", "{begun}");
    let others = server.system(1).await.pages(BUNDLES).await;
    assert!(others.iter().all(|it| !own(&it)), "another institution has its own");
    server.system_with(0, "accounts:read").await.get(BUNDLES).await.problem(403, "insufficient_scope");
    system.get(&format!("{BUNDLES}?limit=0")).await.problem(400, "invalid_parameter");
}

#[tokio::test]
async fn somebody_elses_bundle_is_not_found() {
    let server = Server::shared();
    let bundle = ready(&server.system(1).await, &json!({"to_seq": "4"})).await;
    let system = server.system(0).await;
    content(&system, &bundle, None).await.problem(404, "not_found");
    let path = format!("{BUNDLES}/{}", bundle["id"].as_str().unwrap());
    system.get(&path).await.problem(404, "not_found");
}
