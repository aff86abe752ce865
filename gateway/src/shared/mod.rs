//! What replicas share through Redis: one connection, a breaker around it, and news.
//!
//! Redis is never the truth of anything that must not be lost: that is in the database. It makes
//! limits hold across replicas and lets a revocation spread at once. So nothing here waits for it:
//! the first command that fails or is late makes the link [`Down`](Link::Down), and every further one
//! fails at once until a heartbeat has passed again.
//!
//! Replicas announce themselves by heartbeats in a sorted set, timed by Redis's own clock. Their
//! number is remembered while Redis is away.

mod keeper;
mod metrics;
mod news;
mod servers;

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use redis::{Cmd, FromRedisValue, RedisResult, ScriptInvocation};
use tokio::{sync::Notify, task::JoinHandle};

use crate::{
    config,
    world::{World, random},
};
use keeper::Census;
use metrics::Metrics;
pub use news::{Heard, News};
use servers::{Connection, Servers};

/// What every key of ours begins with.
pub const PREFIX: &str = "veritrail";

/// Why Redis can't be configured.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// A URL or a certificate can't be used.
    #[error("redis: {0}")]
    Client(#[from] redis::RedisError),
    /// The certificates can't be read.
    #[error("redis.ca_file: {0}")]
    CaFile(std::io::Error),
}

/// Redis did not do what it was asked to, or not in time. Who asks goes on without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Redis is away")]
pub struct Away;

/// How Redis can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Link {
    /// Not at all.
    Down = 0,
    /// It can again, but other replicas may not have noticed yet.
    Returning = 1,
    /// As it should.
    Up = 2,
}

/// Redis, as one replica has it.
pub struct Redis {
    inner: Arc<Inner>,
    keeper: JoinHandle<()>,
}

struct Inner {
    servers: Servers,
    /// This process among the replicas.
    id: String,
    response_timeout: Duration,
    /// The connection in use, and its number.
    current: RwLock<Option<(u64, Connection)>>,
    link: AtomicU8,
    outages: AtomicU64,
    replicas: AtomicU32,
    /// News could not be told: others are to forget all that they may have missed.
    missed: AtomicBool,
    broken: Notify,
    metrics: Metrics,
}

impl Redis {
    /// Begins to keep a connection. Waits for the first attempt, but its failure is no error.
    ///
    /// # Errors
    /// When a URL or the certificates can't be used.
    pub async fn start(config: &config::Redis, world: &dyn World) -> Result<Arc<Self>, RedisError> {
        let id: String = random::<8>(world).iter().map(|byte| format!("{byte:02x}")).collect();
        let inner = Arc::new(Inner {
            servers: Servers::new(config)?,
            id,
            response_timeout: Duration::from_millis(config.response_timeout_ms),
            current: RwLock::default(),
            link: AtomicU8::new(Link::Down as u8),
            outages: AtomicU64::new(0),
            replicas: AtomicU32::new(config.replicas.max(1)),
            missed: AtomicBool::new(false),
            broken: Notify::new(),
            metrics: Metrics::new(&opentelemetry::global::meter("veritrail")),
        });
        let mut census = Census::new(config.replicas.max(1));
        let first = inner.begin(&mut census, 0).await;
        inner.metrics.link(inner.link());
        let keeper = tokio::spawn(keeper::keep(Arc::clone(&inner), census, first));
        Ok(Arc::new(Self { inner, keeper }))
    }

    /// This process among the replicas: unpredictable, and another one after each start.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// How Redis can be reached now.
    #[must_use]
    pub fn link(&self) -> Link {
        self.inner.link()
    }

    /// How often Redis went away since the start; it tells one outage from another.
    #[must_use]
    pub fn outages(&self) -> u64 {
        self.inner.outages.load(Ordering::SeqCst)
    }

    /// How many replicas there are, or were when Redis last told.
    #[must_use]
    pub fn replicas(&self) -> u32 {
        self.inner.replicas.load(Ordering::Relaxed)
    }

    /// Runs a script by its hash, loading it first where Redis does not know it.
    ///
    /// # Errors
    /// When Redis is away; at once, or after the response timeout.
    pub async fn script<T: FromRedisValue>(
        &self,
        name: &'static str,
        call: &ScriptInvocation<'_>,
    ) -> Result<T, Away> {
        let (number, mut connection) = self.inner.connection()?;
        self.inner.timed(name, number, call.invoke_async(&mut connection)).await
    }

    /// Runs a command.
    ///
    /// # Errors
    /// As [`script`](Self::script).
    pub async fn query<T: FromRedisValue>(&self, name: &'static str, command: &Cmd) -> Result<T, Away> {
        self.inner.query(name, command).await
    }

    /// Tells the other replicas. If Redis is away they are told to forget everything once it is back.
    pub async fn tell(&self, news: &News) {
        self.inner.tell(news).await;
    }

    /// Hears what other replicas tell, for as long as the task lives.
    pub fn listen(&self, hear: impl Fn(Heard) + Send + Sync + 'static) -> JoinHandle<()> {
        tokio::spawn(news::listen(Arc::clone(&self.inner), hear))
    }

    /// Takes this replica from the count of replicas.
    pub async fn leave(&self) {
        self.keeper.abort();
        let _ = self.query::<()>("leave", &keeper::leaving(&self.inner.id)).await;
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Inner {
    fn link(&self) -> Link {
        match self.link.load(Ordering::SeqCst) {
            2 => Link::Up,
            1 => Link::Returning,
            _ => Link::Down,
        }
    }

    fn set_link(&self, link: Link) {
        self.link.store(link as u8, Ordering::SeqCst);
        self.metrics.link(link);
    }

    fn connection(&self) -> Result<(u64, Connection), Away> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Away)
    }

    async fn query<T: FromRedisValue>(&self, name: &'static str, command: &Cmd) -> Result<T, Away> {
        let (number, mut connection) = self.connection()?;
        self.timed(name, number, command.query_async(&mut connection)).await
    }

    /// Waits for an answer, but not longer than the response timeout, and breaks the link without one.
    async fn timed<T>(
        &self,
        name: &'static str,
        number: u64,
        work: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, Away> {
        let began = Instant::now();
        let outcome = tokio::time::timeout(self.response_timeout, work).await;
        self.metrics.command(name, began.elapsed());
        let why = match outcome {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        self.break_off(number, name, &why);
        Err(Away)
    }

    /// Lets go of a connection that failed, unless there is a newer one already.
    fn break_off(&self, number: u64, command: &str, why: &str) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|(used, _)| *used == number) {
            *current = None;
            self.outages.fetch_add(1, Ordering::SeqCst);
            self.set_link(Link::Down);
            drop(current);
            self.broken.notify_one();
            tracing::warn!(command, why, "Redis is away; limits are this replica's share");
        }
    }
}
