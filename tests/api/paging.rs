//! Runs of pages: pinned to one state of the ledger, and cursors that fit nothing but their query.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::Value;

use crate::support::{Caller, Server, data};

/// Delivers transactions on one new account; gives its id.
async fn account_of(server: &Server, prefix: &str, count: usize) -> String {
    deliver(&server.feeder().await, server.institution(0), prefix, 0, count).await;
    let found = server.system(0).await.get(&format!("/v1/accounts?reference={prefix}")).await.ok();
    found["data"][0]["id"].as_str().unwrap().to_owned()
}

async fn deliver(feeder: &Caller, institution: &str, account: &str, from: usize, count: usize) {
    let lines: Vec<Value> = (from..from + count)
        .map(|number| {
            let mut line = data::transaction(&format!("{account}-{number}"));
            line["account"] = account.into();
            line["booking_date"] = format!("2026-02-{:02}", number % 28 + 1).into();
            line
        })
        .collect();
    feeder.deliver(institution, &data::ndjson(&lines)).await.ok();
}

fn next(page: &Value) -> Option<&str> {
    assert_eq!(page["page"]["has_more"], page["page"]["next_cursor"].is_string());
    page["page"]["next_cursor"].as_str()
}

#[tokio::test]
async fn a_run_of_pages_shows_each_row_once_while_a_feeder_writes() {
    let server = Server::shared();
    let prefix = data::unique("paged");
    let account = account_of(server, &prefix, 60).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (feeder, institution, stop) = (server.feeder().await, server.institution(0), Arc::clone(&stop));
        let prefix = prefix.clone();
        async move {
            let mut written = 60;
            while !stop.load(Ordering::Relaxed) {
                deliver(&feeder, institution, &prefix, written, 3).await;
                written += 3;
            }
            written
        }
    });
    let system = server.system(0).await;
    for sort in ["booking_date", "-booking_date", "seq", "-seq"] {
        let query = format!("/v1/transactions?account_id={account}&sort={sort}&limit=7");
        let first = system.get(&query).await.ok();
        let (mut page, mut seen) = (first.clone(), Vec::new());
        loop {
            assert_eq!(page["as_of"], first["as_of"], "the run is pinned");
            seen.extend(page["data"].as_array().unwrap().iter().map(|item| item["reference"].to_string()));
            let Some(cursor) = next(&page) else { break };
            page = system.get(&format!("{query}&cursor={cursor}")).await.ok();
        }
        let rows = seen.len();
        assert!(rows >= 60, "{sort}: {rows} rows");
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), rows, "{sort}: a row stands twice");
        let expected: Vec<String> = {
            let mut all: Vec<_> = (0..rows).map(|number| format!("\"{prefix}-{number}\"")).collect();
            all.sort_unstable();
            all
        };
        assert_eq!(seen, expected, "{sort}: what was there when the run began, and nothing else");
    }
    stop.store(true, Ordering::Relaxed);
    assert!(writer.await.unwrap() > 63, "the feeder wrote meanwhile");
}

#[tokio::test]
async fn the_same_query_and_cursor_give_the_same_bytes() {
    let server = Server::shared();
    let prefix = data::unique("again");
    let account = account_of(server, &prefix, 9).await;
    let system = server.system(0).await;
    let query = format!("/v1/transactions?account_id={account}&limit=4");
    let first = system.get(&query).await.ok();
    let second = format!("{query}&cursor={}", next(&first).unwrap());
    let once = system.get(&second).await;
    deliver(&server.feeder().await, server.institution(0), &prefix, 9, 5).await;
    let again = system.get(&second).await;
    // Only the next cursor differs: it says until when it is good.
    let without_cursor = |mut page: Value| {
        page["page"]["next_cursor"] = Value::Null;
        page.to_string()
    };
    assert_eq!(without_cursor(once.ok()), without_cursor(again.ok()));
}

#[tokio::test]
async fn the_parameters_order_and_the_page_size_may_change_within_a_run() {
    let server = Server::shared();
    let account = account_of(server, &data::unique("order"), 9).await;
    let system = server.system(0).await;
    let first = system.get(&format!("/v1/transactions?account_id={account}&sort=seq&limit=2")).await.ok();
    let cursor = next(&first).unwrap();
    let rest = format!("/v1/transactions?cursor={cursor}&limit=500&sort=seq&account_id={account}");
    let rest = system.get(&rest).await.ok();
    assert_eq!(rest["data"].as_array().unwrap().len(), 7);
    assert_eq!(next(&rest), None);
}

#[tokio::test]
async fn a_cursor_fits_nothing_but_its_query() {
    let server = Server::shared();
    let account = account_of(server, &data::unique("bound"), 5).await;
    let (system, other) = (server.system(0).await, server.system(1).await);
    let query = format!("account_id={account}&limit=2");
    let first = system.get(&format!("/v1/transactions?{query}")).await.ok();
    let cursor = next(&first).unwrap();
    system.get(&format!("/v1/transactions?{query}&cursor={cursor}")).await.ok();

    let flipped: String = {
        let last = if cursor.ends_with('A') { "B" } else { "A" };
        format!("{}{last}", &cursor[..cursor.len() - 1])
    };
    let middle = cursor.len() / 2;
    let letter = if &cursor[middle..=middle] == "A" { "B" } else { "A" };
    let changed = format!("{}{letter}{}", &cursor[..middle], &cursor[middle + 1..]);
    for (what, path) in [
        ("forged", format!("/v1/transactions?{query}&cursor=AAAA")),
        ("no base64", format!("/v1/transactions?{query}&cursor=%21%21")),
        ("empty", format!("/v1/transactions?{query}&cursor=")),
        ("too long", format!("/v1/transactions?{query}&cursor={}", "A".repeat(4000))),
        ("truncated", format!("/v1/transactions?{query}&cursor={}", &cursor[..cursor.len() - 4])),
        ("its last letter changed", format!("/v1/transactions?{query}&cursor={flipped}")),
        ("a letter in it changed", format!("/v1/transactions?{query}&cursor={changed}")),
        ("of another account", format!("/v1/transactions?cursor={cursor}")),
        ("of another sort", format!("/v1/transactions?{query}&sort=seq&cursor={cursor}")),
        ("with a filter more", format!("/v1/transactions?{query}&direction=credit&cursor={cursor}")),
        ("of another operation", format!("/v1/accounts/{account}/transactions?limit=2&cursor={cursor}")),
        ("of another list", format!("/v1/accounts?cursor={cursor}")),
        ("of yet another list", format!("/v1/ledger/entries?cursor={cursor}")),
    ] {
        let answer = system.get(&path).await;
        assert_eq!(answer.status, 400, "{what}");
        answer.problem(400, "invalid_cursor");
    }
    let path = format!("/v1/transactions?{query}&cursor={cursor}");
    other.get(&path).await.problem(400, "invalid_cursor");
}
