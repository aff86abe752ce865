//! Writing: the recorder beside plain INSERTs.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::{sync::Mutex, task::JoinSet};
use veritrail::{
    domain::Tenant,
    intake::Item,
    service::{Ledger, database},
    store::{Db, Place},
};

use super::{
    copy, floor,
    postgres::{Database, Postgres},
    site::{Records, bank, config, delivery, folder},
    table::{POSTGRES_ON, Row, SQLITE_FULL, Target},
};

const INSTITUTIONS: usize = 100;
const WRITERS: usize = 64;
const BATCH: usize = 100;
const BATCHES: usize = 600;
const ROUNDS: usize = 3;
const SINGLE_WRITERS: usize = 32;
const LASTS: Duration = Duration::from_secs(3);

/// A ledger on the disk, with institutions that have accounts.
struct Bench {
    folder: TempDir,
    data_dir: PathBuf,
    ledger: Ledger,
    tenants: Vec<Tenant>,
    records: Records,
}

impl Bench {
    async fn new(institutions: usize, database: Option<&Database>) -> Self {
        let folder = folder();
        let data_dir = folder.path().join("data");
        let ledger = Ledger::open(&config(&data_dir, 1, database)).await.unwrap();
        let records = Records::new();
        let mut tenants = Vec::new();
        for _ in 0..institutions {
            let tenant = bank(&ledger).await.tenant;
            ledger.recorder.deliver(tenant, delivery(records.accounts())).await.unwrap();
            tenants.push(tenant);
        }
        Self { folder, data_dir, ledger, tenants, records }
    }
}

/// Delivers batches from many writers to all institutions; records a second, and since when.
async fn deliver_batches(bench: &mut Bench) -> (f64, i64) {
    let batches: Vec<Vec<Item>> = (0..BATCHES).map(|_| bench.records.take(BATCH)).collect();
    let batches: Arc<Vec<Mutex<Option<Vec<Item>>>>> =
        Arc::new(batches.into_iter().map(|batch| Mutex::new(Some(batch))).collect());
    let turn = Arc::new(AtomicUsize::new(0));
    let tenants = Arc::new(bench.tenants.clone());
    let since_us = bench.ledger.world.now_us();
    let began = Instant::now();
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (batches, turn, tenants) = (Arc::clone(&batches), Arc::clone(&turn), Arc::clone(&tenants));
        let recorder = bench.ledger.recorder.clone();
        writers.spawn(async move {
            loop {
                let turn = turn.fetch_add(1, Ordering::Relaxed);
                let Some(batch) = batches.get(turn) else { return };
                let batch = batch.lock().await.take().unwrap();
                recorder.deliver(tenants[turn % tenants.len()], delivery(batch)).await.unwrap();
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    ((BATCHES * BATCH) as f64 / began.elapsed().as_secs_f64(), since_us)
}

/// Delivers one at a time, from many writers, to one institution; records a second, and since when.
async fn deliver_singles(bench: &mut Bench) -> (f64, i64) {
    let (tenant, since_us) = (bench.tenants[0], bench.ledger.world.now_us());
    let began = Instant::now();
    let mut writers = JoinSet::new();
    for _ in 0..SINGLE_WRITERS {
        let (recorder, items) = (bench.ledger.recorder.clone(), bench.records.take(10_000));
        writers.spawn(async move {
            let mut done = 0;
            for item in items {
                if began.elapsed() > LASTS {
                    break;
                }
                recorder.deliver(tenant, delivery(vec![item])).await.unwrap();
                done += 1;
            }
            done
        });
    }
    let mut done = 0;
    while let Some(written) = writers.join_next().await {
        done += written.unwrap();
    }
    (f64::from(done) / began.elapsed().as_secs_f64(), since_us)
}

/// What a round came to, in records a second.
struct Round {
    ours: f64,
    plain: f64,
    schema: f64,
    in_a_commit: f64,
}

async fn round() -> Round {
    let mut bench = Bench::new(INSTITUTIONS, None).await;
    let (ours, since_us) = deliver_batches(&mut bench).await;
    bench.ledger.close().await;
    let commits = floor::commits(&database(&bench.data_dir), since_us).await;
    assert_eq!(commits.iter().map(Vec::len).sum::<usize>(), BATCHES * BATCH, "every record is there");
    let plain = floor::plain(bench.folder.path(), &commits).await;
    let empty = bench.folder.path().join("schema.db");
    Db::open(&Place::Sqlite(empty.clone())).await.unwrap().close().await;
    let schema = floor::schema(&empty, &commits).await;
    Round { ours, plain, schema, in_a_commit: (BATCHES * BATCH) as f64 / commits.len() as f64 }
}

fn median(mut rounds: Vec<Round>) -> Round {
    rounds.sort_by(|one, next| (one.ours / one.plain).total_cmp(&(next.ours / next.plain)));
    rounds.swap_remove(ROUNDS / 2)
}

/// Batches of 100 transactions from 64 writers over 100 institutions.
pub async fn batches() -> Vec<Row> {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(round().await);
    }
    let Round { ours, plain, schema, in_a_commit } = median(rounds);
    let what = format!("append, batches of 100, 64 writers, {INSTITUTIONS} logs ({in_a_commit:.0} a commit)");
    vec![
        Row::new(what, ours, plain, "records/s")
            .against("multi-row INSERTs of the same bytes, 2 plain tables")
            .target(Target::AtLeast(0.5))
            .durable(SQLITE_FULL),
        Row::new("append, the same, beside the product's tables and indexes", ours, schema, "records/s")
            .against("multi-row INSERTs of the same bytes, the same tables")
            .durable(SQLITE_FULL),
    ]
}

/// The same on PostgreSQL, beside COPY.
pub async fn batches_on(postgres: &Postgres) -> Vec<Row> {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let database = postgres.database();
        let mut bench = Bench::new(INSTITUTIONS, Some(&database)).await;
        let (ours, since_us) = deliver_batches(&mut bench).await;
        bench.ledger.close().await;
        let commits = copy::commits(&database, since_us).await;
        assert_eq!(commits.iter().map(Vec::len).sum::<usize>(), BATCHES * BATCH, "every record is there");
        let plain = copy::plain(&database, &commits).await;
        let schema = copy::schema(&postgres.database(), &commits).await;
        let in_a_commit = (BATCHES * BATCH) as f64 / commits.len() as f64;
        rounds.push(Round { ours, plain, schema, in_a_commit });
    }
    let Round { ours, plain, schema, in_a_commit } = median(rounds);
    let what = format!("append, batches of 100, 64 writers, {INSTITUTIONS} logs ({in_a_commit:.0} a commit)");
    vec![
        Row::new(what, ours, plain, "records/s")
            .against("COPY of the same bytes into 2 plain tables")
            .target(Target::AtLeast(0.5))
            .durable(POSTGRES_ON),
        Row::new("append, the same, beside the product's tables and indexes", ours, schema, "records/s")
            .against("COPY of the same bytes into the same tables, as a superuser")
            .durable(POSTGRES_ON),
    ]
}

/// Transactions one at a time, from 32 writers, into one log.
pub async fn singles() -> Row {
    let mut bench = Bench::new(1, None).await;
    let (ours, since_us) = deliver_singles(&mut bench).await;
    bench.ledger.close().await;
    let commits = floor::commits(&database(&bench.data_dir), since_us).await;
    let rows = commits.concat();
    let in_a_commit = rows.len() as f64 / commits.len() as f64;
    let floor = single_commits(&bench.folder, rows, SINGLE_WRITERS, LASTS).await;
    let what = format!("append one at a time, {SINGLE_WRITERS} writers, one log ({in_a_commit:.0} a commit)");
    Row::new(what, ours, floor, "records/s")
        .against("32 writers of single-row INSERT commits, one connection by turns")
        .target(Target::AtLeast(8.0))
        .durable(SQLITE_FULL)
}

/// The same on PostgreSQL, beside pgbench.
pub async fn singles_on(postgres: &Postgres) -> Row {
    let database = postgres.database();
    let mut bench = Bench::new(1, Some(&database)).await;
    let (ours, since_us) = deliver_singles(&mut bench).await;
    bench.ledger.close().await;
    let commits = copy::commits(&database, since_us).await;
    let in_a_commit = commits.iter().map(Vec::len).sum::<usize>() as f64 / commits.len() as f64;
    let floor = copy::pgbench(postgres, &database, SINGLE_WRITERS, LASTS).await;
    let what = format!("append one at a time, {SINGLE_WRITERS} writers, one log ({in_a_commit:.0} a commit)");
    Row::new(what, ours, floor, "records/s")
        .against("pgbench: 32 clients of single-row INSERT commits of the same length")
        .target(Target::AtLeast(8.0))
        .durable(POSTGRES_ON)
}

/// `SQLite` has one writer at a time; taking turns on one connection is quicker than many that wait for
/// each other's lock.
async fn single_commits(folder: &TempDir, rows: Vec<floor::Stored>, writers: usize, lasts: Duration) -> f64 {
    let mut connection = floor::connect(&folder.path().join("single.db")).await;
    floor::plain_tables(&mut connection).await;
    let (connection, rows) = (Arc::new(Mutex::new(connection)), Arc::new(rows));
    let done = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..writers {
        let (connection, rows, done) = (Arc::clone(&connection), Arc::clone(&rows), Arc::clone(&done));
        tasks.spawn(async move {
            while began.elapsed() < lasts {
                let mut connection = connection.lock().await;
                let turn = usize::try_from(done.fetch_add(1, Ordering::Relaxed)).unwrap();
                floor::insert_one(&mut connection, &rows[turn % rows.len()]).await;
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
}
