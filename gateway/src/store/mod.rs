//! The database: one file a noun, plain SQL, no rules.
//!
//! Two engines, one SQL: an embedded SQLite file ([`sqlite`]) and PostgreSQL ([`postgres`]). Reads run
//! on a pool of readers; the recorder owns the process's one write connection, so nothing else in the
//! process can write, and a request that is cancelled has no write transaction to leave open. Tenant
//! functions take a [`Tenant`], which only `access` and `ledger` can vouch for, and on PostgreSQL a
//! transaction sees no rows but those of the institutions that it was opened for.

#[macro_use]
mod from_row;
#[macro_use]
mod engine;

pub mod accounts;
pub mod actors;
pub mod append;
pub mod balances;
pub mod bundles;
pub mod checkpoints;
pub mod clients;
pub mod entries;
pub mod events;
pub mod exports;
pub mod feeds;
pub mod grants;
pub mod idempotency;
pub mod incidents;
pub mod institutions;
pub mod intake_findings;
pub mod intake_mappings;
pub mod intakes;
pub mod lineage;
pub mod log_checks;
pub mod logs;
mod migrations;
pub mod partitions;
pub mod payloads;
pub mod plans;
mod pool;
pub mod postgres;
mod references;
pub mod reports;
mod rows;
mod select;
pub mod sessions;
pub mod sqlite;
pub mod standings;
pub mod statements;
pub mod status;
pub mod tiles;
pub mod tokens;
pub mod transactions;
pub mod tries;
pub mod usage;
pub mod users;
pub mod webhook_attempts;
pub mod webhooks;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

pub use engine::Connection;

use crate::domain::Tenant;

/// A pooled connection that can only read.
pub type Reader = Connection;
/// A failure of the database, never of a caller.
pub type StoreError = sqlx::Error;

/// How long a request waits for a reader before it is refused with 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a database is.
#[derive(Clone, Debug)]
pub enum Place {
    /// In a file.
    Sqlite(PathBuf),
    /// On a server.
    Postgres {
        /// `postgres://role:password@host/database`.
        url: String,
        /// Readers at once; more wait.
        readers: u32,
    },
}

/// The database of one deployment.
#[derive(Clone, Debug)]
pub enum Db {
    /// The embedded engine.
    Sqlite(sqlite::File),
    /// The production engine.
    Postgres(postgres::Server),
}

impl Db {
    /// Whether other processes may serve from it too.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Opens a database: a file is made and brought up to date; a server must be up to date.
    ///
    /// # Errors
    /// When it can't be opened, is not fit to keep a ledger in, or its schema is not this build's.
    pub async fn open(place: &Place) -> Result<Self, StoreError> {
        match place {
            Place::Sqlite(path) => sqlite::File::open(path).await.map(Self::Sqlite),
            Place::Postgres { url, readers } => {
                postgres::Server::open(url, *readers).await.map(Self::Postgres)
            }
        }
    }

    /// A reader of one institution's rows.
    ///
    /// # Errors
    /// When none gets free in time.
    pub async fn read(&self, tenant: Tenant) -> Result<Reader, StoreError> {
        self.read_many(&[tenant]).await
    }

    /// A reader of several institutions' rows: for the service's own rounds, to find what a person was granted, and
    /// for how logs and feeds stand, which is the operator's to know; never for what is in the records.
    ///
    /// # Errors
    /// When none gets free in time.
    pub async fn read_many(&self, tenants: &[Tenant]) -> Result<Reader, StoreError> {
        let mut reader = self.directory().await?;
        reader.begin_reading(tenants).await?;
        Ok(reader)
    }

    /// A reader of the directory (plans, institutions, clients, tokens), which is nobody's data.
    ///
    /// # Errors
    /// When none gets free in time.
    pub async fn directory(&self) -> Result<Reader, StoreError> {
        match self {
            Self::Sqlite(file) => file.readers.acquire().await.map(Into::into),
            Self::Postgres(server) => server.readers.acquire().await.map(Into::into),
        }
    }

    /// A write connection of its own: the recorder's, and nobody else's.
    pub(crate) async fn writer(&self) -> Result<Connection, StoreError> {
        match self {
            Self::Sqlite(file) => file.writer().await,
            Self::Postgres(server) => server.writer().await,
        }
    }

    /// Readers that are idle, and readers in use.
    #[must_use]
    pub fn pool(&self) -> (u32, u32) {
        let (idle, all) = match self {
            Self::Sqlite(file) => (file.readers.num_idle(), file.readers.size()),
            Self::Postgres(server) => (server.readers.num_idle(), server.readers.size()),
        };
        let idle = u32::try_from(idle).unwrap_or(u32::MAX);
        (idle, all.saturating_sub(idle))
    }

    /// Waits for readers to finish and closes the pool.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(file) => file.readers.close().await,
            Self::Postgres(server) => server.readers.close().await,
        }
    }
}

/// Whether a database may have been there before this process: a file that exists, or any server.
#[must_use]
pub fn may_exist(place: &Place) -> bool {
    match place {
        Place::Sqlite(path) => Path::exists(path),
        Place::Postgres { .. } => true,
    }
}
