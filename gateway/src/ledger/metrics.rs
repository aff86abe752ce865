//! What is counted of the recorder, and how the ledger stands.
//!
//! How it stands is read from the heads in the background, one row a log: nothing counts entries.
//! Every replica tells the same of the ledger; take the largest, not the sum.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use opentelemetry::{
    global,
    metrics::{Counter, Histogram},
};
use tokio::{sync::mpsc, task::JoinHandle};

use super::{command::Job, rounds, stops::Stops};
use crate::{
    store::{
        Db, StoreError,
        logs::{self, Behind},
    },
    world::World,
};

/// How often the heads are read.
const READ: Duration = Duration::from_secs(5);
/// Bounds of a batch's jobs.
const JOBS: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];
/// Bounds of a batch's time, in seconds.
const SECONDS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

struct Instruments {
    jobs: Histogram<u64>,
    duration: Histogram<f64>,
    failures: Counter<u64>,
}

static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| {
    let meter = global::meter("veritrail");
    let made = Instruments {
        jobs: meter
            .u64_histogram("veritrail_recorder_batch_jobs")
            .with_description("Jobs that shared a commit.")
            .with_boundaries(JOBS.to_vec())
            .build(),
        duration: meter
            .f64_histogram("veritrail_recorder_batch_duration_seconds")
            .with_description("Time in which a batch was made and committed.")
            .with_unit("s")
            .with_boundaries(SECONDS.to_vec())
            .build(),
        failures: meter
            .u64_counter("veritrail_recorder_failures_total")
            .with_description("Batches that failed; nothing of them was stored.")
            .build(),
    };
    made.failures.add(0, &[]);
    made
});

/// Counts a batch that was committed.
pub(super) fn committed(jobs: usize, took: Duration) {
    INSTRUMENTS.jobs.record(jobs as u64, &[]);
    INSTRUMENTS.duration.record(took.as_secs_f64(), &[]);
}

/// Counts a batch that failed.
pub(super) fn failed() {
    INSTRUMENTS.failures.add(1, &[]);
}

/// Shows how many jobs wait, as long as anybody can send one.
pub(super) fn watch_queue(queue: mpsc::WeakSender<Job>) {
    let _ = global::meter("veritrail")
        .u64_observable_gauge("veritrail_recorder_queue_jobs")
        .with_description("Jobs that wait for the recorder.")
        .with_callback(move |gauge| {
            if let Some(queue) = queue.upgrade() {
                gauge.observe((queue.max_capacity() - queue.capacity()) as u64, &[]);
            }
        })
        .build();
}

/// How the ledger stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Standing {
    logs: u64,
    entries: u64,
    unsigned_us: i64,
}

/// Reads how the ledger stands until it is aborted, and shows it.
pub fn watch(db: Db, stops: Stops, world: Arc<dyn World>) -> JoinHandle<()> {
    LazyLock::force(&INSTRUMENTS);
    let shown = Arc::new(Mutex::new(None));
    show(&shown, stops);
    tokio::spawn(async move {
        let mut waiting = Waiting::default();
        loop {
            match read(&db, &mut waiting).await {
                Ok((logs, entries)) => {
                    let unsigned_us = waiting.age_us(world.now_us());
                    put(&shown, Standing { logs, entries, unsigned_us });
                }
                // What was unsigned still is, as far as anybody knows.
                Err(error) => {
                    tracing::warn!(%error, "how the ledger stands cannot be read");
                    let last = *shown.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Some(last) = last {
                        put(&shown, Standing { unsigned_us: waiting.age_us(world.now_us()), ..last });
                    }
                }
            }
            tokio::time::sleep(READ).await;
        }
    })
}

fn put(shown: &Mutex<Option<Standing>>, standing: Standing) {
    *shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(standing);
}

async fn read(db: &Db, waiting: &mut Waiting) -> Result<(u64, u64), StoreError> {
    let (mut logs, mut entries, mut behind) = (0, 0, Vec::new());
    for portion in rounds::portions(db).await? {
        let mut reader = db.read_many(&portion).await?;
        let (count, size) = logs::totals(&mut reader).await?;
        logs += count.unsigned_abs();
        entries += size.unsigned_abs();
        behind.extend(logs::behind(&mut reader).await?);
    }
    waiting.see(&behind);
    Ok((logs, entries))
}

fn show(shown: &Arc<Mutex<Option<Standing>>>, stops: Stops) {
    let meter = global::meter("veritrail");
    let last = |shown: &Arc<Mutex<Option<Standing>>>| {
        let shown = Arc::clone(shown);
        move || *shown.lock().unwrap_or_else(PoisonError::into_inner)
    };
    let (logs, entries, unsigned) = (last(shown), last(shown), last(shown));
    let _ = meter
        .u64_observable_gauge("veritrail_ledger_logs")
        .with_description("Logs, the provider's own among them.")
        .with_callback(move |gauge| {
            logs().into_iter().for_each(|standing| gauge.observe(standing.logs, &[]));
        })
        .build();
    let _ = meter
        .u64_observable_gauge("veritrail_ledger_entries")
        .with_description("Entries of all logs together.")
        .with_callback(move |gauge| {
            entries().into_iter().for_each(|standing| gauge.observe(standing.entries, &[]));
        })
        .build();
    let _ = meter
        .f64_observable_gauge("veritrail_checkpoint_age_seconds")
        .with_description("For how long the oldest growth has not been signed; 0 when all is.")
        .with_unit("s")
        .with_callback(move |gauge| {
            unsigned().into_iter().for_each(|standing| {
                gauge.observe(Duration::from_micros(standing.unsigned_us.unsigned_abs()).as_secs_f64(), &[]);
            });
        })
        .build();
    let _ = meter
        .u64_observable_gauge("veritrail_ledger_stopped_logs")
        .with_description("Logs that are stopped until an operator has looked.")
        .with_callback(move |gauge| gauge.observe(stops.count() as u64, &[]))
        .build();
}

/// The logs that were seen with growth that is not signed: how far they had grown, and when.
///
/// A log that grows all the time is unsigned whenever it is looked at. What counts is whether the
/// growth that was seen first is signed by now.
#[derive(Debug, Default)]
pub struct Waiting(HashMap<uuid::Uuid, (i64, i64)>);

impl Waiting {
    /// Looks at every log.
    ///
    /// # Errors
    /// When the database can't be read; what was unsigned still is, as far as anybody knows.
    pub async fn look(&mut self, db: &Db) -> Result<(), StoreError> {
        let mut behind = Vec::new();
        for portion in rounds::portions(db).await? {
            behind.extend(logs::behind(&mut db.read_many(&portion).await?).await?);
        }
        self.see(&behind);
        Ok(())
    }

    fn see(&mut self, behind: &[Behind]) {
        let mut now = HashMap::with_capacity(behind.len());
        for log in behind {
            let seen = self.0.get(&log.institution_id).filter(|(size, _)| *size > log.signed).copied();
            now.insert(log.institution_id, seen.unwrap_or((log.size, log.at_us)));
        }
        self.0 = now;
    }

    /// For how long the oldest growth has not been signed, in microseconds.
    #[must_use]
    pub fn age_us(&self, now_us: i64) -> i64 {
        self.0.values().map(|(_, since_us)| now_us.saturating_sub(*since_us).max(0)).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(id: u128, size: i64, signed: i64, at_us: i64) -> Behind {
        Behind { institution_id: uuid::Uuid::from_u128(id), size, signed, at_us }
    }

    #[test]
    fn growth_ages_until_it_is_signed() {
        let mut waiting = Waiting::default();
        assert_eq!(waiting.age_us(1_000), 0);
        waiting.see(&[log(1, 10, 5, 100), log(2, 4, 0, 300)]);
        assert_eq!(waiting.age_us(1_000), 900);
        waiting.see(&[log(1, 20, 5, 900), log(2, 4, 0, 300)]);
        assert_eq!(waiting.age_us(2_000), 1_900, "more growth does not make it younger");
        waiting.see(&[log(2, 4, 0, 300)]);
        assert_eq!(waiting.age_us(2_000), 1_700);
        waiting.see(&[]);
        assert_eq!(waiting.age_us(2_000), 0);
    }

    #[test]
    fn a_log_that_grows_all_the_time_and_is_signed_all_the_time_is_young() {
        let mut waiting = Waiting::default();
        for second in 1..100 {
            waiting.see(&[log(1, second * 10, second * 10 - 3, second * 1_000_000)]);
            assert_eq!(waiting.age_us(second * 1_000_000 + 50), 50);
        }
    }
}
