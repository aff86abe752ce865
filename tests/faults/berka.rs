//! A real bank's log, whole: imported, paged while a feeder writes, taken home, verified, forged.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};

use super::parts::Parts;
use crate::support::{Caller, Server, data, server::binary};

const TRANSACTIONS: usize = 49_102;
/// Sums of minor units by account and direction.
type Sums = BTreeMap<(String, String), u64>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_banks_log_is_paged_proven_and_no_forgery_of_it_passes() {
    let Some(berka) = data::berka() else { return };
    let server = Server::demo(&["--from", &format!("berka:{}", berka.display())]);
    let system = server.system(0).await;

    let writing = Writing::start(&server).await;
    let transactions = system.pages("/v1/transactions").await;
    let written = writing.stop().await;
    assert!(written > 0, "the feeder wrote while the pages were read");
    let ids: HashSet<&str> = transactions.iter().map(|t| t["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), transactions.len(), "no transaction came twice");
    let banks: Vec<&Value> = transactions.iter().filter(|t| t["amount"]["currency"] == "CZK").collect();
    assert_eq!(banks.len(), TRANSACTIONS);
    assert_eq!(sums_served(&banks), sums_in_file(&berka.join("trans.asc")));

    let bundle = download(&system).await;
    let folder = tempfile::tempdir().unwrap();
    let vkey = server.vkey(0);
    let (code, said) = verify(folder.path(), &bundle, vkey);
    assert_eq!((code, &said["level"]), (0, &json!("SIGNED")), "{said}");

    for (what, forged, seq) in forgeries(&bundle) {
        let (code, said) = verify(folder.path(), &forged, vkey);
        assert_eq!(code, 1, "{what}: {said}");
        assert_eq!(said["seq"].as_str(), Some(seq.to_string().as_str()), "{what}: {said}");
    }
}

/// A feeder that goes on delivering, in another currency so that its records can be told apart.
struct Writing {
    over: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Writing {
    async fn start(server: &Server) -> Self {
        let (over, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (feeder, institution) = (server.feeder().await, server.institution(0).to_owned());
        let (told, count) = (Arc::clone(&over), Arc::clone(&written));
        let task = tokio::spawn(async move {
            while !told.load(Ordering::Relaxed) {
                let lines: Vec<Value> = (0..20).map(|_| data::transaction(&data::unique("live"))).collect();
                feeder.deliver(&institution, &data::ndjson(&lines)).await.ok();
                count.fetch_add(20, Ordering::Relaxed);
                // A feeder's limit is 200 units a second, and a batch costs 5.
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
        });
        Self { over, written, task }
    }

    async fn stop(self) -> u64 {
        self.over.store(true, Ordering::Relaxed);
        self.task.await.unwrap();
        self.written.load(Ordering::Relaxed)
    }
}

fn sums_served(transactions: &[&Value]) -> Sums {
    let mut sums = Sums::new();
    for transaction in transactions {
        let field = |name: &str| transaction[name].as_str().unwrap().to_owned();
        let minor = transaction["amount"]["amount"].as_str().unwrap().replace('.', "");
        *sums.entry((field("account"), field("direction"))).or_default() += minor.parse::<u64>().unwrap();
    }
    sums
}

/// The same from the file itself, by its columns: account, type and amount.
fn sums_in_file(path: &Path) -> Sums {
    let mut sums = Sums::new();
    for line in fs::read_to_string(path).unwrap().lines().skip(1) {
        let columns: Vec<&str> = line.split(';').collect();
        // The published file breaks off within its last line.
        let [_, account, _, kind, _, amount, _, _, _, _] = columns[..] else { continue };
        let direction = if kind == "\"PRIJEM\"" { "credit" } else { "debit" };
        let (whole, cents) = amount.split_once('.').unwrap();
        let minor = whole.parse::<u64>().unwrap() * 100 + cents.parse::<u64>().unwrap();
        *sums.entry((account.to_owned(), direction.to_owned())).or_default() += minor;
    }
    sums
}

async fn download(system: &Caller) -> Vec<u8> {
    let ordered = system.post("/v1/evidence-bundles", &json!({})).await.ok();
    let path = format!("/v1/evidence-bundles/{}", ordered["id"].as_str().unwrap());
    while system.get(&path).await.ok()["state"] == "preparing" {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let content = system.get(&format!("{path}/content")).await;
    assert_eq!(content.status, 200);
    content.body
}

/// The verifier's exit code and what it says.
fn verify(folder: &Path, bundle: &[u8], vkey: &str) -> (i32, Value) {
    let path = folder.join("bundle.zip");
    fs::write(&path, bundle).unwrap();
    let output = Command::new(binary("veritrail-verify"))
        .arg(&path)
        .args(["--vkey", vkey, "--json"])
        .output()
        .unwrap();
    let said = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let said =
        serde_json::from_slice(&said).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&said)));
    (output.status.code().unwrap(), said)
}

/// What was done, the forged bundle with its checksums and manifest made right again, and the entry to
/// be named.
fn forgeries(bundle: &[u8]) -> Vec<(&'static str, Vec<u8>, usize)> {
    let forged = |change: &dyn Fn(&mut Vec<String>)| {
        let mut parts = Parts::unpack(bundle);
        let mut lines = parts.lines("entries.ndjson");
        change(&mut lines);
        parts.set_lines("entries.ndjson", &lines);
        parts.fix_manifest(|_| ());
        parts.pack()
    };
    let entries = Parts::unpack(bundle).lines("entries.ndjson").len();
    vec![
        (
            "a byte of an entry changed",
            forged(&|lines| lines[30_000] = lines[30_000].replacen("\"actor\":\"v", "\"actor\":\"w", 1)),
            30_000,
        ),
        ("an entry dropped", forged(&|lines| drop(lines.remove(20_000))), 20_000),
        ("two entries swapped", forged(&|lines| lines.swap(40_000, 40_001)), 40_000),
        ("the tail cut", forged(&|lines| lines.truncate(entries - 500)), entries - 500),
    ]
}
