//! The bench: figures as ratios, each taken in one run beside its floor on the same machine.
//!
//! `cargo bench -p veritrail-tests --bench bench -- append page` measures only what is named. Every
//! commit is durable here: SQLite with WAL and synchronous=FULL on the disk that the binaries are on,
//! and a PostgreSQL of the bench's own with fsync and synchronous_commit on.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

mod append;
#[path = "../support/browser/mod.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod browser;
#[path = "../support/bundle.rs"]
mod bundle;
mod copy;
mod export;
mod floor;
mod lineage;
mod load;
mod page;
mod portal;
#[path = "../support/postgres.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod postgres;
mod process;
#[path = "../support/programs.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod programs;
mod report;
mod serve;
mod server;
mod site;
mod table;
mod verify;
mod verify_page;
#[path = "../support/watch.rs"]
mod watch;

use table::Row;

/// What can be named, in the order in which it is measured.
const ALL: [&str; 12] = [
    "append", "singles", "page", "start", "growth", "portal", "lineage", "verify", "browser", "postgres",
    "export", "report",
];
/// Transactions of the log whose pages are read.
const SMALL: usize = 10_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [serve, mode] = arguments.as_slice()
        && serve == "--serve"
    {
        return actix_web::rt::System::new().block_on(serve::run(mode));
    }
    let named: Vec<&str> = arguments.iter().map(String::as_str).filter(|word| ALL.contains(word)).collect();
    let chosen = |name: &str| named.is_empty() || named.contains(&name);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    table::save(&runtime.block_on(measure(chosen)));
}

async fn measure(chosen: impl Fn(&str) -> bool) -> Vec<Row> {
    let mut all = Vec::new();
    let mut tell = |rows: Vec<Row>| {
        rows.iter().for_each(Row::print);
        all.extend(rows);
    };
    table::heading();
    if chosen("append") {
        tell(append::batches().await);
    }
    if chosen("singles") {
        tell(vec![append::singles().await]);
    }
    if chosen("page") || chosen("start") || chosen("growth") {
        let site = site::Site::new(SMALL, None).await;
        if chosen("page") {
            tell(page::cost(&site).await);
        }
        if chosen("start") {
            tell(vec![page::cold_start(&site).await]);
        }
        if chosen("growth") {
            tell(page::growth(&site).await);
        }
    }
    if chosen("portal") {
        tell(portal::rows().await);
    }
    if chosen("lineage") {
        let server = postgres::Postgres::start();
        tell(vec![lineage::row(None).await, lineage::row(Some(server.database())).await]);
    }
    if chosen("postgres") {
        let server = postgres::Postgres::start();
        tell(append::batches_on(&server).await);
        tell(vec![append::singles_on(&server).await]);
        tell(page::cost(&site::Site::new(SMALL, Some(server.database())).await).await);
    }
    if chosen("export") {
        tell(export::rows(&postgres::Postgres::start()).await);
    }
    if chosen("report") {
        tell(report::rows(&postgres::Postgres::start()).await);
    }
    if chosen("verify") {
        tell(vec![verify::row()]);
    }
    if chosen("browser") {
        tell(vec![verify_page::row().await]);
    }
    all
}
