//! Keeps the connection: connects, beats, counts the replicas, and connects again.

use std::{
    sync::{Arc, LazyLock, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use redis::{Cmd, Script};

use super::{Away, Inner, Link, News, PREFIX};

/// Between two heartbeats.
const BEAT: Duration = Duration::from_secs(1);
/// Between two attempts to connect.
const RETRY: Duration = Duration::from_millis(250);
/// How long the link is [`Returning`](Link::Returning): every replica has noticed by then.
const SETTLE: Duration = Duration::from_secs(3);
/// How long fewer replicas must be counted before they are believed: after a restart of Redis they
/// come back one by one.
const PATIENCE: Duration = Duration::from_secs(10);

/// Announces a replica, forgets those not heard of for 10 s, and counts.
static BEATING: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local time = redis.call('TIME')
         local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
         redis.call('ZADD', KEYS[1], now_ms, ARGV[1])
         redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now_ms - 10000)
         redis.call('ZREMRANGEBYSCORE', KEYS[1], now_ms + 10000, '+inf')
         redis.call('PEXPIRE', KEYS[1], 60000)
         return redis.call('ZCARD', KEYS[1])",
    )
});

fn replicas_key() -> String {
    format!("{PREFIX}:replicas")
}

/// The command that takes a replica from the count.
pub(super) fn leaving(id: &str) -> Cmd {
    let mut command = redis::cmd("ZREM");
    command.arg(replicas_key()).arg(id);
    command
}

/// How many replicas there are, by what heartbeats were told.
pub(super) struct Census {
    known: u32,
    fewer_since: Option<Instant>,
}

impl Census {
    pub(super) fn new(known: u32) -> Self {
        Self { known, fewer_since: None }
    }

    fn count(&mut self, counted: u32, now: Instant) -> u32 {
        let counted = counted.max(1);
        let fewer = counted < self.known;
        if !fewer || now.duration_since(*self.fewer_since.get_or_insert(now)) >= PATIENCE {
            self.fewer_since = None;
            self.known = counted;
        }
        self.known
    }
}

impl Inner {
    /// Connects, and takes the connection into use once a heartbeat has passed.
    pub(super) async fn begin(&self, census: &mut Census, number: u64) -> Result<(), String> {
        let mut connection = self.servers.connect().await.map_err(|error| error.to_string())?;
        let mut call = BEATING.key(replicas_key());
        call.arg(&self.id);
        let beat = call.invoke_async::<u32>(&mut connection);
        let counted = tokio::time::timeout(self.response_timeout, beat).await;
        let counted = counted.map_err(|_| "no answer in time")?.map_err(|error| error.to_string())?;
        self.replicas.store(census.count(counted, Instant::now()), Ordering::Relaxed);
        let first = self.outages.load(Ordering::SeqCst) == 0;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Some((number, connection));
        self.set_link(if first { Link::Up } else { Link::Returning });
        Ok(())
    }

    async fn beat(&self, census: &mut Census) -> Result<(), Away> {
        let (number, mut connection) = self.connection()?;
        let mut call = BEATING.key(replicas_key());
        call.arg(&self.id);
        let counted = self.timed("heartbeat", number, call.invoke_async(&mut connection)).await?;
        self.replicas.store(census.count(counted, Instant::now()), Ordering::Relaxed);
        if self.missed.swap(false, Ordering::SeqCst) {
            self.tell(&News::All).await;
        }
        Ok(())
    }
}

/// Runs until it is aborted.
pub(super) async fn keep(inner: Arc<Inner>, mut census: Census, first: Result<(), String>) {
    let mut number = 0;
    let mut began = first;
    loop {
        match began {
            Ok(()) => {
                tracing::info!(replicas = inner.replicas.load(Ordering::Relaxed), "Redis is there");
                let since = Instant::now();
                let mut rest = BEAT;
                loop {
                    tokio::select! {
                        () = tokio::time::sleep(rest) => {}
                        () = inner.broken.notified() => {}
                    }
                    if inner.beat(&mut census).await.is_err() {
                        break;
                    }
                    rest = BEAT;
                    if inner.link() == Link::Returning {
                        if since.elapsed() >= SETTLE {
                            inner.set_link(Link::Up);
                        } else {
                            rest = SETTLE.saturating_sub(since.elapsed()).min(BEAT);
                        }
                    }
                }
                tokio::time::sleep(RETRY).await;
            }
            Err(why) => {
                if inner.outages.load(Ordering::SeqCst) == 0 {
                    inner.outages.store(1, Ordering::SeqCst);
                    tracing::warn!(why, "Redis cannot be reached; limits are this replica's share");
                }
                tokio::time::sleep(RETRY).await;
            }
        }
        number += 1;
        began = inner.begin(&mut census, number).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_replicas_are_believed_at_once_and_fewer_only_after_a_while() {
        let mut census = Census::new(1);
        let start = Instant::now();
        assert_eq!(census.count(8, start), 8);
        // Redis restarted: the replicas come back one by one.
        assert_eq!(census.count(1, start), 8);
        assert_eq!(census.count(5, start + PATIENCE / 2), 8);
        assert_eq!(census.count(8, start + PATIENCE), 8);
        // One has really gone.
        assert_eq!(census.count(7, start + PATIENCE), 8);
        assert_eq!(census.count(7, start + PATIENCE * 2), 7);
        assert_eq!(census.count(0, start + PATIENCE * 4), 7);
        assert_eq!(census.count(0, start + PATIENCE * 5), 1);
    }
}
