//! The two engines behind one face: an embedded SQLite file, or PostgreSQL.
//!
//! One SQL text serves both. [`on!`] runs one body on whichever engine a connection is of; where
//! the engines truly differ there is a visible `match`, and a sentence that says why.

use std::collections::BTreeSet;

use sqlx::{
    Connection as _, Executor as _, PgConnection, Postgres, Sqlite, SqliteConnection, pool::PoolConnection,
};

use super::StoreError;
use crate::domain::Tenant;

/// Runs one body on either engine, with `$link` as the connection that sqlx knows.
macro_rules! on {
    ($connection:expr, $link:ident => $body:expr) => {
        match $connection.link() {
            $crate::store::engine::Link::Sqlite($link) => $body,
            $crate::store::engine::Link::Postgres($link) => $body,
        }
    };
}

/// Executes a statement; how many rows it touched.
macro_rules! execute {
    ($connection:expr, $query:expr) => {
        on!($connection, link => $query.execute(link).await.map(|done| done.rows_affected()))
    };
}

/// Fetches every row.
macro_rules! fetch_all {
    ($connection:expr, $query:expr) => {
        on!($connection, link => $query.fetch_all(link).await)
    };
}

/// Fetches the one row.
macro_rules! fetch_one {
    ($connection:expr, $query:expr) => {
        on!($connection, link => $query.fetch_one(link).await)
    };
}

/// Fetches a row that may not be there.
macro_rules! fetch_optional {
    ($connection:expr, $query:expr) => {
        on!($connection, link => $query.fetch_optional(link).await)
    };
}

/// What a store function runs on: a reader, or the recorder's connection.
#[derive(Debug)]
pub struct Connection {
    held: Held,
    /// The institutions whose rows this transaction may see, where the engine holds that rule.
    scope: BTreeSet<Tenant>,
}

#[derive(Debug)]
enum Held {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
    SqliteReader(PoolConnection<Sqlite>),
    PostgresReader(PoolConnection<Postgres>),
}

/// A connection as sqlx knows it.
pub(super) enum Link<'c> {
    /// Of the embedded engine.
    Sqlite(&'c mut SqliteConnection),
    /// Of the production engine.
    Postgres(&'c mut PgConnection),
}

macro_rules! held_by {
    ($($connection:ty => $variant:ident),*) => {
        $(impl From<$connection> for Connection {
            fn from(connection: $connection) -> Self {
                Self { held: Held::$variant(connection), scope: BTreeSet::new() }
            }
        })*
    };
}

held_by!(
    SqliteConnection => Sqlite,
    PgConnection => Postgres,
    PoolConnection<Sqlite> => SqliteReader,
    PoolConnection<Postgres> => PostgresReader
);

impl Connection {
    pub(super) fn link(&mut self) -> Link<'_> {
        match &mut self.held {
            Held::Sqlite(connection) => Link::Sqlite(connection),
            Held::Postgres(connection) => Link::Postgres(connection),
            Held::SqliteReader(connection) => Link::Sqlite(connection),
            Held::PostgresReader(connection) => Link::Postgres(connection),
        }
    }

    /// Begins the recorder's transaction, which may see and write these institutions' rows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin(&mut self, tenants: &[Tenant]) -> Result<(), StoreError> {
        self.scope = tenants.iter().copied().collect();
        match self.link() {
            // IMMEDIATE takes the write lock at once: what is read in here stays true until the commit.
            Link::Sqlite(link) => link.execute("BEGIN IMMEDIATE").await.map(drop),
            // Here the rows of the logs' heads are locked, one by one (`logs::lock`).
            Link::Postgres(link) => begin_with(link, "BEGIN", tenants).await,
        }
    }

    /// Begins a reader's transaction: one state of the database for all that it reads, and of
    /// these institutions alone.
    pub(super) async fn begin_reading(&mut self, tenants: &[Tenant]) -> Result<(), StoreError> {
        match self.link() {
            // SQLite has no rows that it could hide; a statement is enough of a snapshot there.
            Link::Sqlite(_) => Ok(()),
            Link::Postgres(link) => {
                begin_with(link, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", tenants).await
            }
        }
    }

    /// Holds on to one state of the database until the reader goes back.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hold(&mut self) -> Result<(), StoreError> {
        match self.link() {
            Link::Sqlite(link) => link.execute("BEGIN").await.map(drop),
            // Its readers do so from the beginning.
            Link::Postgres(_) => Ok(()),
        }
    }

    /// Lets the transaction see and write these institutions' rows too.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn widen(&mut self, tenants: &[Tenant]) -> Result<(), StoreError> {
        let known = self.scope.len();
        self.scope.extend(tenants);
        if self.scope.len() == known {
            return Ok(());
        }
        let all: Vec<Tenant> = self.scope.iter().copied().collect();
        match self.link() {
            Link::Sqlite(_) => Ok(()),
            Link::Postgres(link) => sqlx::query("SELECT set_config('veritrail.scope', $1, true)")
                .bind(list(&all))
                .execute(link)
                .await
                .map(drop),
        }
    }

    /// Commits the recorder's transaction.
    ///
    /// # Errors
    /// When the database fails; on PostgreSQL it may have committed all the same.
    pub async fn commit(&mut self) -> Result<(), StoreError> {
        on!(self, link => link.execute("COMMIT").await.map(drop))
    }

    /// Gives up the recorder's transaction.
    ///
    /// # Errors
    /// When the database fails; then nothing of it is stored either.
    pub async fn rollback(&mut self) -> Result<(), StoreError> {
        on!(self, link => link.execute("ROLLBACK").await.map(drop))
    }

    /// Closes a connection of one's own; a pooled one goes back to its pool.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn close(self) -> Result<(), StoreError> {
        match self.held {
            Held::Sqlite(connection) => connection.close().await,
            Held::Postgres(connection) => connection.close().await,
            Held::SqliteReader(_) | Held::PostgresReader(_) => Ok(()),
        }
    }
}

/// Begins a transaction of these institutions, in one trip. The text is of ids that we wrote ourselves.
async fn begin_with(link: &mut PgConnection, begin: &str, tenants: &[Tenant]) -> Result<(), StoreError> {
    let both = format!("{begin}; SET LOCAL veritrail.scope = '{}'", list(tenants));
    link.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(both))).await.map(drop)
}

/// Institutions as the setting `veritrail.scope` lists them.
fn list(tenants: &[Tenant]) -> String {
    let ids: Vec<String> = tenants.iter().map(|tenant| tenant.uuid().simple().to_string()).collect();
    ids.join(",")
}
