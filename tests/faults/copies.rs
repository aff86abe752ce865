//! Copies taken while a feeder writes, corrects and reverses at full speed: pages, sync runs and exports
//! each give the source as of the seq that they state, and nothing else.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};

use crate::support::{Caller, Server, data};

/// What stands, by reference: the amount, and the number of the version.
type Book = BTreeMap<String, (String, String)>;

/// What the feeder was told is on record: by seq, what became of a reference there.
type Source = BTreeMap<u64, (String, Option<(String, String)>)>;

/// Accounts that are written to, the newest last, each with its source.
#[derive(Default)]
struct Written {
    accounts: Mutex<Vec<(String, Arc<Mutex<Source>>)>>,
    over: AtomicBool,
}

/// Records of an account before the feeder begins the next one: a run stays short.
const FULL: usize = 300;
const READERS: usize = 4;

/// How many copies are taken, unless `VERITRAIL_COPY_RUNS` says another number.
fn runs() -> usize {
    std::env::var("VERITRAIL_COPY_RUNS").map_or(1_000, |runs| runs.parse().expect("a number of runs"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_copy_equals_the_source_as_of_the_seq_that_it_states() {
    let server = Server::demo_with(&[], &[("VERITRAIL_EXPORTS__PART_ROWS_MAX", "50")]);
    server.lift_limits();
    let written = Arc::new(Written::default());
    let feeder = tokio::spawn(feed(
        server.feeder().await,
        server.system(0).await,
        server.institution(0).to_owned(),
        Arc::clone(&written),
    ));
    let left = Arc::new(AtomicUsize::new(runs()));
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let (system, written, left) = (server.system(0).await, Arc::clone(&written), Arc::clone(&left));
        readers.push(tokio::spawn(read(system, written, left)));
    }
    let mut copies = Vec::new();
    for reader in readers {
        copies.extend(reader.await.unwrap());
    }
    written.over.store(true, Ordering::Relaxed);
    let revised = feeder.await.unwrap();
    assert_eq!(copies.len(), runs());
    assert!(revised > 0, "the feeder corrected and reversed meanwhile");
    let mut rows = 0;
    for copy in &copies {
        let source = copy.source.lock().unwrap();
        assert_eq!(
            copy.book,
            as_of(&source, copy.seq),
            "{}, seed {}, as of {}",
            copy.how,
            copy.seed,
            copy.seq
        );
        rows += copy.book.len();
    }
    eprintln!("{} copies equal their source, {rows} rows in all; {revised} revisions", copies.len());
    assert!(rows > copies.len(), "the copies hold something");
}

/// The source as it stood at a seq.
fn as_of(source: &Source, seq: u64) -> Book {
    let mut book = Book::new();
    for (reference, version) in source.range(..=seq).map(|(_, change)| change) {
        match version {
            Some(version) => book.insert(reference.clone(), version.clone()),
            None => book.remove(reference),
        };
    }
    book
}

/// Delivers, corrects and reverses until it is over; how many revisions.
async fn feed(feeder: Caller, system: Caller, institution: String, written: Arc<Written>) -> usize {
    let mut random = StdRng::seed_from_u64(7);
    let mut revised = 0;
    while !written.over.load(Ordering::Relaxed) {
        let account = data::unique("copied");
        let source = Arc::new(Mutex::new(Source::new()));
        let mut standing: Vec<(String, u64)> = Vec::new();
        let mut id = None;
        while source.lock().unwrap().len() < FULL && !written.over.load(Ordering::Relaxed) {
            let mut lines = Vec::new();
            let mut changes = Vec::new();
            let mut touched = Vec::new();
            for _ in 0..random.random_range(1..=20) {
                let amount = format!("{}.00", random.random_range(1..1000));
                let old = (!standing.is_empty() && random.random_bool(0.4))
                    .then(|| random.random_range(0..standing.len()))
                    .filter(|place| !touched.contains(place));
                let (reference, version) = match old {
                    Some(place) => (standing[place].0.clone(), standing[place].1 + 1),
                    None => (data::unique("row"), 1),
                };
                let mut line = json!({
                    "account": account, "reference": reference, "direction": "credit",
                    "booking_date": format!("2026-02-{:02}", random.random_range(1..=28)),
                    "amount": {"amount": amount, "currency": "EUR"},
                });
                let reversed = old.is_some() && random.random_bool(0.3);
                if let Some(place) = old {
                    let kind = if reversed { "reversal" } else { "correction" };
                    line = data::revised(&line, kind, "as it happens");
                    touched.push(place);
                    standing[place].1 = version;
                    revised += 1;
                }
                lines.push(line);
                changes.push((reference.clone(), (!reversed).then(|| (amount, version.to_string()))));
                if old.is_none() {
                    // Revised in a later batch only.
                    touched.push(standing.len());
                    standing.push((reference, 1));
                }
            }
            let result = feeder.deliver(&institution, &data::ndjson(&lines)).await.ok();
            assert_eq!(result["added"], lines.len(), "{result}");
            for (record, change) in result["records"].as_array().unwrap().iter().zip(changes) {
                if change.1.is_none() {
                    standing.retain(|(reference, _)| *reference != change.0);
                }
                source.lock().unwrap().insert(record["seq"].as_str().unwrap().parse().unwrap(), change);
            }
            if id.is_none() {
                let found = system.get(&format!("/v1/accounts?reference={account}")).await.ok();
                let found = found["data"][0]["id"].as_str().unwrap().to_owned();
                id = Some(found.clone());
                written.accounts.lock().unwrap().push((found, Arc::clone(&source)));
            }
        }
    }
    revised
}

/// A copy that a reader took.
struct Copy {
    how: &'static str,
    seed: u64,
    seq: u64,
    book: Book,
    source: Arc<Mutex<Source>>,
}

async fn read(system: Caller, written: Arc<Written>, left: Arc<AtomicUsize>) -> Vec<Copy> {
    let mut copies = Vec::new();
    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
        let seed = rand::random();
        let mut random = StdRng::seed_from_u64(seed);
        let (account, source) = loop {
            let newest = written.accounts.lock().unwrap().last().cloned();
            match newest {
                Some(newest) => break newest,
                None => tokio::task::yield_now().await,
            }
        };
        let (how, seq, book) = match random.random_range(0..3) {
            0 => page_through(&system, &account, &mut random).await,
            1 => sync(&system, &account, &mut random).await,
            _ => export(&system, &account).await,
        };
        copies.push(Copy { how, seed, seq, book, source });
    }
    copies
}

fn version_of(record: &Value) -> (String, (String, String)) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let version =
        record.get("revision").map_or_else(|| "1".to_owned(), |revision| text(&revision["version"]));
    (text(&record["reference"]), (text(&record["amount"]["amount"]), version))
}

fn seq_of(page: &Value) -> u64 {
    page["as_of"]["seq"].as_str().unwrap().parse().unwrap()
}

async fn page_through(system: &Caller, account: &str, random: &mut StdRng) -> (&'static str, u64, Book) {
    let sort = ["booking_date", "-booking_date", "seq", "-seq"][random.random_range(0..4)];
    let (mut book, mut cursor) = (Book::new(), String::new());
    loop {
        let limit = random.random_range(5..=120);
        let path = format!("/v1/transactions?account_id={account}&sort={sort}&limit={limit}{cursor}");
        let page = system.get(&path).await.ok();
        for record in page["data"].as_array().unwrap() {
            let (reference, version) = version_of(record);
            assert_eq!(book.insert(reference, version), None, "a row stands twice");
        }
        match page["page"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ("pages", seq_of(&page), book),
        }
    }
}

/// A new copy, and up to four times what changed since.
async fn sync(system: &Caller, account: &str, random: &mut StdRng) -> (&'static str, u64, Book) {
    let (mut copy, mut cursor) = (BTreeMap::new(), String::new());
    let mut more = random.random_range(0..4);
    loop {
        let limit = random.random_range(5..=120);
        let path = format!("/v1/transactions/sync?account_id={account}&limit={limit}{cursor}");
        let page = system.get(&path).await.ok();
        for record in page["added"].as_array().unwrap() {
            assert_eq!(copy.insert(record["id"].to_string(), version_of(record)), None, "added twice");
        }
        for record in page["modified"].as_array().unwrap() {
            assert!(copy.insert(record["id"].to_string(), version_of(record)).is_some(), "it was not there");
        }
        for gone in page["removed"].as_array().unwrap() {
            assert!(copy.remove(&gone["id"].to_string()).is_some(), "it was not there");
        }
        cursor = format!("&cursor={}", page["next_cursor"].as_str().unwrap());
        if page["has_more"] == false {
            if more == 0 {
                return ("sync", seq_of(&page), copy.into_values().collect());
            }
            more -= 1;
        }
    }
}

/// All parts of an export, in small ones.
async fn export(system: &Caller, account: &str) -> (&'static str, u64, Book) {
    let order = json!({"of": "transactions", "format": "ndjson", "filter": {"account_id": account}});
    let ordered = system.post("/v1/exports", &order).await.ok();
    let export = system.until_exported(ordered["id"].as_str().unwrap()).await;
    let mut book = Book::new();
    for part in export["parts"].as_array().unwrap() {
        let path = format!("/v1/exports/{}/parts/{}", export["id"].as_str().unwrap(), part["n"]);
        for line in system.get(&path).await.text().lines() {
            let (reference, version) = version_of(&serde_json::from_str(line).unwrap());
            assert_eq!(book.insert(reference, version), None, "a row stands twice");
        }
    }
    ("export", export["as_of"].as_str().unwrap().parse().unwrap(), book)
}
