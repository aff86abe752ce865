//! The database: one file a noun, plain SQL, no rules.
//!
//! Reads run on a read-only pool. There is one write connection and the recorder owns it
//! (`ledger::recorder`), so nothing else in the process can write: a request that is cancelled
//! has no transaction to leave open. Tenant functions take a [`Tenant`](crate::domain::Tenant),
//! which only `access` and `ledger` can vouch for.
//!
//! Durability on SQLite: WAL with `synchronous=FULL`, so a commit that returned is on the disk.

#[macro_use]
mod from_row;

pub mod accounts;
pub mod bundles;
pub mod checkpoints;
pub mod clients;
pub mod entries;
pub mod idempotency;
pub mod institutions;
pub mod logs;
mod migrations;
pub mod payloads;
pub mod plans;
mod pool;
mod rows;
pub mod tiles;
pub mod tokens;
pub mod transactions;

use std::{path::Path, time::Duration};

use sqlx::{
    ConnectOptions, SqliteConnection, SqlitePool,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

/// What a store function runs on: a pooled reader or the recorder's transaction.
pub type Connection = SqliteConnection;
/// A pooled connection that can only read.
pub type Reader = PoolConnection<sqlx::Sqlite>;
/// A failure of the database, never of a caller.
pub type StoreError = sqlx::Error;

/// Readers at once; more wait.
const READERS: u32 = 8;
/// How long a statement waits for another process's write lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a request waits for a reader before it is refused with 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// The database of one deployment.
#[derive(Clone, Debug)]
pub struct Db {
    options: SqliteConnectOptions,
    readers: SqlitePool,
}

impl Db {
    /// Opens the database file, creating it and applying pending migrations.
    ///
    /// # Errors
    /// When the file can't be opened, or its schema is newer than this build or was edited.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .page_size(8192)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("recursive_triggers", "ON")
            .pragma("trusted_schema", "OFF")
            .statement_cache_capacity(256)
            .disable_statement_logging();
        let mut first = options.connect().await?;
        migrations::apply(&mut first).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .connect_lazy_with(options.clone().read_only(true).pragma("query_only", "ON"));
        Ok(Self { options, readers })
    }

    /// A reader from the pool.
    ///
    /// # Errors
    /// When none gets free in time.
    pub async fn read(&self) -> Result<Reader, StoreError> {
        self.readers.acquire().await
    }

    /// A write connection of its own: the recorder's, and nobody else's.
    pub(crate) async fn writer(&self) -> Result<SqliteConnection, StoreError> {
        self.options.connect().await
    }

    /// Waits for readers to finish and closes the pool.
    pub async fn close(&self) {
        self.readers.close().await;
    }
}
