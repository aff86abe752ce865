//! The one writer.
//!
//! A task of its own owns the write connection. It takes whatever waits, applies it in one
//! transaction, commits, and answers everyone; while it commits, the next batch gathers. So there is
//! no timer, a lone write waits for nobody, and a thousand share one fsync. A request that is
//! cancelled drops only its end of the answer: the work is done or not done, never half.
//!
//! Any number of processes may append to one log of a PostgreSQL database: each locks the heads of its
//! batch's logs, in one order for all, and follows what others appended since.
//!
//! An answer that never comes (the batch failed, or the process is stopping) reaches its waiter as
//! [`RecordError::Unavailable`]. A batch that fails leaves nothing: its transaction is rolled back and
//! the logs it had open are read anew. A COMMIT that is not answered is resolved by looking
//! (`doubt.rs`).

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

use super::{
    batch::{Batch, Committed, named},
    command::{
        Access, By, Change, Changed, Delivered, Delivery, Denial, Filed, Filing, Job, Receipt, RecordError,
        Reply, Rows,
    },
    doubt,
    log::{OpenLog, unavailable},
    memory::Memory,
    metrics,
    stops::Stops,
};
use crate::{
    domain::{Tenant, id::ClientId},
    keys::CheckpointSigner,
    store::{Connection, Db, StoreError, idempotency, tries::Pace},
    world::World,
};

/// Jobs that may wait; one more is told that the service is busy.
const QUEUE: usize = 4096;
/// Jobs in one transaction.
const BATCH_JOBS: usize = 1024;
/// Delivered records in one transaction.
const BATCH_RECORDS: usize = 20_000;
/// Logs kept open between batches.
const OPEN_LOGS: usize = 10_000;
/// After a failed batch the connection is made anew; a dead disk is not asked in a tight loop.
const RECONNECT_PAUSE: Duration = Duration::from_millis(200);

/// How long the database may take for a batch, and for its COMMIT; then it counts as gone.
const BATCH_TIME: Duration = Duration::from_secs(60);

/// What the recorder's batches share.
pub(super) struct Shared {
    pub world: Arc<dyn World>,
    pub memory: Option<Arc<Memory>>,
    pub keys: Arc<dyn CheckpointSigner>,
    /// What origins begin with.
    pub origin_host: String,
    pub stops: Stops,
}

/// The recorder, as everyone else sees it.
#[derive(Clone)]
pub struct Recorder {
    queue: mpsc::Sender<Job>,
    stops: Stops,
    commits: watch::Receiver<u64>,
}

/// The recorder's task; it ends when every [`Recorder`] is dropped and the queue is empty.
pub type RecorderTask = JoinHandle<()>;

/// What a recorder needs to start.
pub struct Setup {
    /// The time and randomness.
    pub world: Arc<dyn World>,
    /// The signer's memory; none when another process signs.
    pub memory: Option<Arc<Memory>>,
    /// The key that signs checkpoints.
    pub keys: Arc<dyn CheckpointSigner>,
    /// What origins of new logs begin with.
    pub origin_host: String,
}

impl Recorder {
    /// Starts the recorder on its own connection.
    ///
    /// # Errors
    /// When the database can't be opened for writing.
    pub async fn start(db: &Db, setup: Setup) -> Result<(Self, RecorderTask), StoreError> {
        let connection = db.writer().await?;
        let (queue, jobs) = mpsc::channel(QUEUE);
        metrics::watch_queue(queue.downgrade());
        let (committed, commits) = watch::channel(0);
        let stops = Stops::default();
        let shared = Shared {
            world: setup.world,
            memory: setup.memory,
            keys: setup.keys,
            origin_host: setup.origin_host,
            stops: stops.clone(),
        };
        let task = tokio::spawn(run(shared, db.clone(), connection, jobs, committed));
        Ok((Self { queue, stops, commits }, task))
    }

    /// Records a look; the answer may leave once this returns.
    pub async fn access(&self, tenant: Tenant, access: Access) -> Result<Receipt, RecordError> {
        self.ask(|reply| Job::Access(tenant, access, reply)).await
    }

    /// Records a refusal.
    pub async fn denied(&self, tenant: Tenant, denial: Denial) -> Result<Receipt, RecordError> {
        self.ask(|reply| Job::Denied(tenant, denial, reply)).await
    }

    /// Stores records.
    pub async fn deliver(&self, tenant: Tenant, delivery: Delivery) -> Result<Delivered, RecordError> {
        self.ask(|reply| Job::Deliver(tenant, delivery, reply)).await
    }

    /// Appends one entry and stores the rows that go with it.
    pub async fn file(&self, tenant: Tenant, filing: Filing) -> Result<Filed, RecordError> {
        self.ask(|reply| Job::File(tenant, filing, reply)).await
    }

    /// Stores rows that no entry goes with: how far work got that was ordered before.
    pub async fn store(&self, tenant: Tenant, rows: Rows) -> Result<(), RecordError> {
        self.ask(|reply| Job::Store(tenant, rows, reply)).await
    }

    /// Makes an operator's change.
    pub async fn change(
        &self,
        by: By,
        change: Change,
        idempotency: Option<idempotency::Key>,
    ) -> Result<Changed, RecordError> {
        self.ask(|reply| Job::Change(by, change, idempotency, reply)).await
    }

    /// Uses up a client assertion's `jti`; `false` when it was used before.
    pub async fn use_assertion(
        &self,
        client: ClientId,
        jti: String,
        expires_at_us: i64,
    ) -> Result<bool, RecordError> {
        self.ask(|reply| Job::UseAssertion { client, jti, expires_at_us, reply }).await
    }

    /// Uses up a DPoP proof; `false` when it was used before.
    pub async fn use_proof(&self, proof: [u8; 32], expires_at_us: i64) -> Result<bool, RecordError> {
        self.ask(|reply| Job::UseProof { proof, expires_at_us, reply }).await
    }

    /// Takes a try of what a key says, if there is one: microseconds to wait for one, 0 when it was taken.
    pub async fn take_try(&self, key: [u8; 32], pace: Pace) -> Result<i64, RecordError> {
        self.ask(|reply| Job::TakeTry { key, pace, reply }).await
    }

    /// Gives a try back that takes so long to come again; or all of them, if that is not said.
    pub async fn return_tries(&self, key: [u8; 32], every_us: Option<i64>) -> Result<(), RecordError> {
        self.ask(|reply| Job::ReturnTries { key, every_us, reply }).await
    }

    /// Revokes an access token.
    pub async fn revoke_token(&self, jti: String, expires_at_us: i64) -> Result<(), RecordError> {
        self.ask(|reply| Job::RevokeToken { jti, expires_at_us, reply }).await
    }

    /// Forgets what has expired, and what is kept for a while only ([`forgetting`](super::forgetting)): a bounded
    /// number of rows. Whether more may be left.
    pub async fn sweep(&self) -> Result<bool, RecordError> {
        self.ask(Job::Sweep).await
    }

    /// Stores a signed checkpoint.
    pub(super) async fn checkpoint(
        &self,
        tenant: Tenant,
        size: u64,
        note: String,
    ) -> Result<(), RecordError> {
        self.ask(|reply| Job::Checkpoint { tenant, size, note, reply }).await
    }

    /// The logs that are stopped.
    pub fn stops(&self) -> &Stops {
        &self.stops
    }

    /// Counts commits; changes when something was appended.
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.commits.clone()
    }

    /// Whether the task is there and has room.
    pub fn is_ready(&self) -> bool {
        !self.queue.is_closed() && self.queue.capacity() > 0
    }

    async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, RecordError> {
        let (reply, answer) = oneshot::channel();
        self.queue.try_send(job(reply)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => RecordError::Busy,
            mpsc::error::TrySendError::Closed(_) => unavailable("the recorder has stopped"),
        })?;
        answer.await.unwrap_or_else(|_| Err(unavailable("the batch failed")))
    }
}

async fn run(
    shared: Shared,
    db: Db,
    connection: Connection,
    mut jobs: mpsc::Receiver<Job>,
    committed: watch::Sender<u64>,
) {
    let mut connection = Some(connection);
    let mut open = BTreeMap::new();
    while let Some(first) = jobs.recv().await {
        let batch = gather(first, &mut jobs);
        let (size, began) = (batch.len(), Instant::now());
        let outcome = match commit(&shared, &db, &mut connection, &mut open, batch).await {
            Err(CommitError::Unsure(done, error)) => {
                tracing::warn!(%error, "a commit was not answered; looking whether it happened");
                doubt::resolve(&db, *done, error).await
            }
            Err(CommitError::Failed(error)) => Err(error),
            Ok(done) => Ok(done),
        };
        match outcome {
            Ok(done) => {
                metrics::committed(size, began.elapsed());
                open.extend(done.logs);
                if open.len() > OPEN_LOGS {
                    open.clear();
                }
                done.answers.into_iter().for_each(|answer| answer());
                committed.send_modify(|count| *count += 1);
            }
            Err(error) => {
                metrics::failed();
                tracing::error!(%error, "batch failed, nothing of it was stored");
                open.clear();
                tokio::time::sleep(RECONNECT_PAUSE).await;
            }
        }
    }
    if let Some(connection) = connection
        && let Err(error) = connection.close().await
    {
        tracing::warn!(%error, "closing the write connection failed");
    }
}

/// Takes what waits, up to a batch's bounds.
fn gather(first: Job, jobs: &mut mpsc::Receiver<Job>) -> Vec<Job> {
    let mut records = records_in(&first);
    let mut batch = vec![first];
    while batch.len() < BATCH_JOBS && records < BATCH_RECORDS {
        let Ok(job) = jobs.try_recv() else { break };
        records += records_in(&job);
        batch.push(job);
    }
    batch
}

fn records_in(job: &Job) -> usize {
    if let Job::Deliver(_, delivery, _) = job { delivery.items.len() } else { 1 }
}

/// How a batch can fail.
enum CommitError {
    /// Nothing of it was stored.
    Failed(RecordError),
    /// Its COMMIT was not answered: it may or may not have happened.
    Unsure(Box<Committed>, StoreError),
}

impl From<RecordError> for CommitError {
    fn from(error: RecordError) -> Self {
        Self::Failed(error)
    }
}

async fn commit(
    shared: &Shared,
    db: &Db,
    kept: &mut Option<Connection>,
    open: &mut BTreeMap<Tenant, OpenLog>,
    jobs: Vec<Job>,
) -> Result<Committed, CommitError> {
    // Only a connection whose transaction ended well is kept for the next batch: nothing of one that
    // failed may linger.
    let mut connection = begin(db, kept.take(), &named(&jobs)).await.map_err(unavailable)?;
    let done = tokio::time::timeout(BATCH_TIME, apply(shared, &mut connection, open, jobs))
        .await
        .map_err(|_| unavailable("the database did not answer in time"))??;
    match tokio::time::timeout(BATCH_TIME, connection.commit()).await {
        Ok(Ok(())) => {
            *kept = Some(connection);
            Ok(done)
        }
        Ok(Err(error)) => Err(CommitError::Unsure(Box::new(done), error)),
        Err(_) => Err(CommitError::Unsure(Box::new(done), StoreError::PoolTimedOut)),
    }
}

/// A connection within a new transaction: the one that was kept, or another if the server went away
/// since the last batch.
async fn begin(db: &Db, kept: Option<Connection>, tenants: &[Tenant]) -> Result<Connection, StoreError> {
    if let Some(mut connection) = kept
        && connection.begin(tenants).await.is_ok()
    {
        return Ok(connection);
    }
    let mut connection = db.writer().await?;
    connection.begin(tenants).await?;
    Ok(connection)
}

/// Does all jobs within the transaction.
async fn apply(
    shared: &Shared,
    connection: &mut Connection,
    open: &mut BTreeMap<Tenant, OpenLog>,
    mut jobs: Vec<Job>,
) -> Result<Committed, RecordError> {
    // What is used up once comes first, in one order everywhere: two processes that use up the same then
    // wait for each other in turn, never in a ring.
    jobs.sort_by_cached_key(Job::used_up);
    let mut batch = Batch::new(shared, connection);
    batch.lock_for(&jobs).await?;
    for job in &jobs {
        if let Job::Deliver(tenant, ..) = job {
            // Another failure is the job's own to tell.
            if let Err(error @ RecordError::Unavailable(_)) = batch.log(open, *tenant).await {
                return Err(error);
            }
        }
    }
    batch.prefetch(&jobs).await?;
    for job in jobs {
        batch.apply(open, job).await?;
    }
    batch.flush().await?;
    Ok(batch.committed())
}
