//! `/v1/ledger`: entries, proofs, checkpoints, key.

use std::collections::BTreeSet;

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
async fn entries_come_the_newest_first_when_asked_so() {
    let server = Server::shared();
    let system = server.system(0).await;
    let size = delivered(server).await["seq"].as_str().unwrap().parse::<u64>().unwrap() + 1;
    let as_of = size - 1;
    let forward = system.pages_of(&format!("/v1/ledger/entries?kind=record&as_of={as_of}"), 500).await;
    let mut backward =
        system.pages_of(&format!("/v1/ledger/entries?kind=record&sort=-seq&as_of={as_of}"), 100).await;
    assert!(backward.len() > 100, "more than one page");
    assert_eq!(backward[0]["entry"]["seq"], as_of.to_string());
    backward.reverse();
    assert_eq!(backward, forward);

    // A run is pinned: what comes meanwhile is not in it.
    let first = system.get("/v1/ledger/entries?sort=-seq&limit=5").await.ok();
    delivered(server).await;
    let cursor = first["page"]["next_cursor"].as_str().unwrap();
    let second = system.get(&format!("/v1/ledger/entries?sort=-seq&limit=5&cursor={cursor}")).await.ok();
    let seqs = |page: &Value| -> Vec<u64> {
        page["data"].as_array().unwrap().iter().map(|item| seq(&item["entry"])).collect()
    };
    let newest = seqs(&first)[0];
    let both = [seqs(&first), seqs(&second)].concat();
    assert_eq!(both, (newest - 9..=newest).rev().collect::<Vec<_>>());
    // A cursor is of its order.
    system.get(&format!("/v1/ledger/entries?limit=5&cursor={cursor}")).await.problem(400, "invalid_cursor");
}

#[tokio::test]
async fn entries_are_filtered_by_who_caused_them_in_either_order() {
    let server = Server::shared();
    let (system, feeder) = (server.system(0).await, server.feeder().await);
    let record = delivered(server).await;
    let (as_of, feeder) = (record["seq"].as_str().unwrap(), feeder.client_id);
    let all = system.pages(&format!("/v1/ledger/entries?as_of={as_of}")).await;
    let own: Vec<Value> = all.into_iter().filter(|item| item["entry"]["actor"] == feeder.as_str()).collect();
    assert!(own.iter().any(|item| item["entry"]["seq"] == as_of), "the delivery is its feeder's");
    let path = format!("/v1/ledger/entries?actor={feeder}&as_of={as_of}");
    assert_eq!(system.pages_of(&path, 50).await, own);
    let mut backward = system.pages_of(&format!("{path}&sort=-seq"), 50).await;
    backward.reverse();
    assert_eq!(backward, own);
    let looks = own.iter().filter(|item| item["entry"]["kind"] == "access").cloned().collect::<Vec<_>>();
    assert_eq!(system.pages(&format!("{path}&kind=access")).await, looks);

    let id = record["id"].as_str().unwrap();
    assert_eq!(listed(&system, &format!("subject={id}&actor={feeder}")).await.len(), 1);
    assert_eq!(listed(&system, &format!("subject={id}&actor={}", system.client_id)).await.len(), 0);
    // No actor is part of another, and what LIKE takes for a pattern is plain.
    for other in [&feeder[..feeder.len() - 1], "%25", "cli%5F%25"] {
        assert_eq!(listed(&system, &format!("actor={other}")).await, [json!(null); 0], "{other}");
    }
    let request = system.request(reqwest::Method::GET, &path).header("accept", "text/csv");
    system.send(request).await.problem(400, "invalid_parameter");
}

#[tokio::test]
async fn entries_of_a_subject_that_somebody_caused_come_in_pages_of_the_size_asked_for() {
    let server = Server::shared();
    let (system, feeder) = (server.system(0).await, server.feeder().await);
    let mut line = data::transaction(&data::unique("paged"));
    let first = feeder.deliver(server.institution(0), &data::ndjson(std::slice::from_ref(&line))).await.ok();
    let id = first["records"][0]["id"].as_str().unwrap().to_owned();
    for cents in 1..=4 {
        line["amount"]["amount"] = json!(format!("12.0{cents}"));
        let revised = data::revised(&line, "correction", "keyed in wrongly");
        feeder.deliver(server.institution(0), &data::ndjson(&[revised])).await.ok();
    }
    let path = format!("/v1/ledger/entries?subject={id}&actor={}", feeder.client_id);
    let all = system.pages(&path).await;
    assert_eq!(all.len(), 5);
    let page = system.get(&format!("{path}&limit=2")).await.ok();
    assert_eq!(
        (page["data"].as_array().unwrap().len(), &page["page"]["has_more"]),
        (2, &json!(true)),
        "{page}"
    );
    assert_eq!(system.pages_of(&path, 2).await, all);
    let mut backward = system.pages_of(&format!("{path}&sort=-seq"), 2).await;
    backward.reverse();
    assert_eq!(backward, all);
}

/// The looks that a query finds, page by page.
async fn looks(system: &Caller, query: &str, limit: usize) -> Vec<Value> {
    system.pages_of(&format!("/v1/ledger/looks?{query}"), limit).await
}

#[tokio::test]
async fn a_look_and_a_refusal_stand_among_the_looks_as_they_are_on_the_ledger() {
    let server = Server::shared();
    let system = server.system(0).await;
    let id = delivered(server).await["id"].as_str().unwrap().to_owned();
    let look = system.get(&format!("/v1/transactions/{id}")).await;
    let refused = server.system_with(0, "accounts:read").await.get(&format!("/v1/transactions/{id}")).await;
    assert_eq!(refused.status, 403);

    // Paths are compared as they were sent, so that this question is not among its own answers.
    let named = format!("path[contains]=transactions%2F{id}");
    let found = looks(&system, &named, 100).await;
    let kinds: Vec<&Value> = found.iter().map(|look| &look["kind"]).collect();
    assert_eq!(kinds, ["denied", "access"], "the newest first: {found:?}");
    let (denied, access) = (&found[0], &found[1]);
    assert_eq!(access["actor"], system.client_id.as_str());
    assert_eq!(
        (&access["method"], &access["status"], &access["count"]),
        (&json!("GET"), &json!(200), &json!(1))
    );
    assert_eq!(access["path"], format!("/v1/transactions/{id}"));
    assert_eq!(access["digest"], look.header("content-digest").unwrap());
    assert_eq!(access["request"], look.header("x-request-id").unwrap());
    assert_eq!(access["seq"], look.receipt().1.to_string());
    assert_eq!(access["code"], json!(null));
    assert_eq!((&denied["code"], &denied["status"]), (&json!("insufficient_scope"), &json!(403)));
    assert_eq!(denied["digest"], json!(null));
    let entry = system.get(&format!("/v1/ledger/entries/{}", access["seq"].as_str().unwrap())).await.ok();
    let entry: Value = serde_json::from_str(entry["entry"].as_str().unwrap()).unwrap();
    assert_eq!((&entry["kind"], &entry["at"]), (&json!("access"), &access["at"]));

    let by = |more: &str| format!("{named}&{more}");
    for (more, count) in [
        ("kind=access", 1),
        ("kind=denied", 1),
        ("status=403", 1),
        ("status=404", 0),
        ("actor=veritrail", 0),
        ("kind=denied&status=200", 0),
    ] {
        assert_eq!(looks(&system, &by(more), 100).await.len(), count, "{more}");
    }
    assert_eq!(looks(&system, &by(&format!("actor={}", system.client_id)), 100).await.len(), 2);
    let at = access["at"].as_str().unwrap();
    assert_eq!(looks(&system, &by(&format!("kind=access&at[gte]={at}")), 100).await.len(), 1);
    assert_eq!(looks(&system, &by(&format!("kind=access&at[lt]={at}")), 100).await.len(), 0);
}

#[tokio::test]
async fn looks_are_told_once_each_whatever_the_size_of_a_page() {
    let server = Server::shared();
    let system = server.system(0).await;
    let mark = data::unique("looks");
    // Asked at once, so that entries list several.
    let path = format!("/v1/transactions?limit=1&reference={mark}");
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let (system, path) = (system.clone(), path.clone());
        asking.spawn(async move { system.get(&path).await });
    }
    let answers = asking.join_all().await;
    let mut requests: Vec<String> =
        answers.iter().map(|answer| answer.header("x-request-id").unwrap().to_owned()).collect();
    requests.sort();
    let query = format!("path[contains]=reference%3D{mark}");
    let whole = looks(&system, &query, 500).await;
    for limit in [1, 7, 40] {
        assert_eq!(looks(&system, &query, limit).await, whole, "pages of {limit}");
    }
    let mut told: Vec<String> =
        whole.iter().map(|look| look["request"].as_str().unwrap().to_owned()).collect();
    told.sort();
    assert_eq!(told, requests);
    let order: Vec<u64> = whole.iter().map(seq).collect();
    assert!(order.is_sorted_by(|one, next| one >= next), "the newest first: {order:?}");
}

#[tokio::test]
async fn who_may_not_read_the_ledger_sees_no_looks_and_a_wrong_filter_is_named() {
    let server = Server::shared();
    let blind = server.system_with(0, "accounts:read").await;
    for path in ["/v1/ledger/looks", "/v1/ledger/days"] {
        blind.get(path).await.problem(403, "insufficient_scope");
    }
    let system = server.system(0).await;
    for (query, code) in [
        ("kind=record", "invalid_parameter"),
        ("status=99", "invalid_parameter"),
        ("status=600", "invalid_parameter"),
        ("status=ok", "invalid_parameter"),
        ("actor=a%20b", "invalid_parameter"),
        ("path[contains]=", "invalid_parameter"),
        ("path=x", "unknown_parameter"),
        ("cursor=x", "invalid_cursor"),
    ] {
        system.get(&format!("/v1/ledger/looks?{query}")).await.problem(400, code);
    }
}

#[tokio::test]
async fn ids_of_actors_are_told_by_name_and_those_of_another_institution_are_not() {
    let server = Server::demo(&[]);
    let system = server.system(0).await;
    server.person("compliance-officer").await.page("/transactions").await;
    let looks = system.pages("/v1/ledger/looks").await;
    let ids: BTreeSet<&str> = looks.iter().filter_map(|look| look["actor"].as_str()).collect();
    let ids: Vec<&str> = ids.into_iter().filter(|id| id.contains('_')).collect();
    let asked = format!("/v1/ledger/actors?actor[in]={}", ids.join(","));
    let told = system.get(&asked).await.ok();
    let mut told: Vec<String> = told["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|actor| ["kind", "name", "role", "of"].map(|name| actor[name].as_str().unwrap()).join(" "))
        .collect();
    told.sort();
    assert_eq!(
        told,
        ["client demo-warehouse system institution", "person Ines Falk compliance-officer institution"]
    );
    let other = server.system(1).await;
    assert_eq!(other.get(&asked).await.ok(), json!({"data": []}));
    for (query, code) in [
        ("", "missing_parameter"),
        ("?actor[in]=veritrail", "invalid_parameter"),
        ("?actor[in]=", "invalid_parameter"),
        ("?id=cli_1", "unknown_parameter"),
    ] {
        system.get(&format!("/v1/ledger/actors{query}")).await.problem(400, code);
    }
    let blind = server.system_with(0, "accounts:read").await;
    blind.get(&asked).await.problem(403, "insufficient_scope");
}

#[tokio::test]
async fn each_day_has_as_many_entries_as_the_list_of_it() {
    let server = Server::demo(&[]);
    let system = server.system(0).await;
    delivered(&server).await;
    let days = system.get("/v1/ledger/days").await.ok();
    let size = days["as_of"]["seq"].as_str().unwrap().parse::<u64>().unwrap() + 1;
    let data = days["data"].as_array().unwrap();
    let entries: u64 = data.iter().map(|day| day["entries"].as_u64().unwrap()).sum();
    assert_eq!(entries, size, "the demo's log began within the year");
    for day in data {
        let kinds: u64 =
            day["kinds"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(day["entries"], kinds, "{day}");
        let date = day["day"].as_str().unwrap();
        let next = date.parse::<jiff::civil::Date>().unwrap().tomorrow().unwrap();
        let path =
            format!("/v1/ledger/entries?as_of={}&at[gte]={date}T00:00:00Z&at[lt]={next}T00:00:00Z", size - 1);
        let listed = system.pages(&path).await;
        assert_eq!(day["entries"], listed.len(), "{day}");
        for (kind, count) in day["kinds"].as_object().unwrap() {
            let of_kind = listed.iter().filter(|item| item["entry"]["kind"] == kind.as_str()).count();
            assert_eq!(*count, of_kind, "{kind} of {day}");
        }
    }
    let before = system.get("/v1/ledger/days?from=1999-01-01&to=1999-12-31").await.ok();
    assert_eq!((&before["from"], &before["data"]), (&json!("1999-01-01"), &json!([])));
    system.get("/v1/ledger/days?from=9999-12-31&to=9999-12-31").await.ok();
    system.get("/v1/ledger/days?from=0001-01-01&to=0001-12-31").await.ok();
    for (query, status, code) in [
        ("from=2026-01-02&to=2026-01-01", 422, "refused"),
        ("from=2025-01-01&to=2026-01-02", 422, "refused"),
        ("from=2026-02-30", 400, "invalid_parameter"),
        ("day=2026-02-01", 400, "unknown_parameter"),
    ] {
        system.get(&format!("/v1/ledger/days?{query}")).await.problem(status, code);
    }
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
        ("sort=at", "invalid_parameter"),
        ("actor=", "invalid_parameter"),
        ("actor=a%20b", "invalid_parameter"),
        ("actor=a%22b", "invalid_parameter"),
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
