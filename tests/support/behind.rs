//! A service's database, opened behind its back by somebody whom no rule holds.

use std::path::Path;

use sqlx::{
    PgPool, SqlitePool,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};

use super::engine::database_of;

/// Of either engine.
pub enum Behind {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Runs one body on either engine.
macro_rules! behind {
    ($database:expr, $pool:ident => $body:expr) => {
        match $database {
            $crate::support::behind::Behind::Sqlite($pool) => $body,
            $crate::support::behind::Behind::Postgres($pool) => $body,
        }
    };
}
pub(crate) use behind;

impl Behind {
    /// The database of a data folder.
    pub fn of(data_dir: &Path) -> Self {
        match database_of(data_dir) {
            Some(database) => {
                let options = database.superuser_url().parse::<sqlx::postgres::PgConnectOptions>().unwrap();
                let options = options.options([("search_path", "veritrail")]);
                Self::Postgres(PgPoolOptions::new().max_connections(1).connect_lazy_with(options))
            }
            None => {
                let file = data_dir.join("veritrail.db");
                let options = SqliteConnectOptions::new().filename(file).journal_mode(SqliteJournalMode::Wal);
                Self::Sqlite(SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options))
            }
        }
    }

    pub async fn close(self) {
        behind!(&self, pool => pool.close().await);
    }
}
