//! The embedded engine: one file, one writer, readers beside it.
//!
//! WAL with `synchronous=FULL`, so a commit that returned is on the disk. There is one write
//! connection and the recorder owns it, so nothing else in the process can write.

use std::{path::Path, time::Duration};

use sqlx::{
    ConnectOptions, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{ACQUIRE_TIMEOUT, Connection, StoreError, migrations};

/// Readers at once; more wait.
const READERS: u32 = 8;
/// How long a statement waits for another process's write lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// A database file.
#[derive(Clone, Debug)]
pub struct File {
    options: SqliteConnectOptions,
    pub(super) readers: SqlitePool,
}

impl File {
    /// Opens a file, creating it and applying pending migrations.
    pub(super) async fn open(path: &Path) -> Result<Self, StoreError> {
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
        migrations::apply_sqlite(&mut first).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .connect_lazy_with(options.clone().read_only(true).pragma("query_only", "ON"));
        Ok(Self { options, readers })
    }

    pub(super) async fn writer(&self) -> Result<Connection, StoreError> {
        Ok(self.options.connect().await?.into())
    }
}
