//! The schema's history, embedded in the binary. `migrations/README.md` says how to add to it.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};

use super::{Connection, StoreError};

const SQLITE: &[(i64, &str, &str)] =
    &[(1, "foundation", include_str!("../../../migrations/sqlite/0001_foundation.sql"))];

/// Applies what is pending. A file that was edited after it was applied, or a schema newer than
/// this build, is refused.
pub(super) async fn apply(connection: &mut Connection) -> Result<(), StoreError> {
    let migrations = SQLITE
        .iter()
        .map(|(version, what, sql)| {
            Migration::new(
                *version,
                Cow::Borrowed(*what),
                MigrationType::Simple,
                sqlx::SqlStr::from_static(sql),
                false,
            )
        })
        .collect();
    Migrator::with_migrations(migrations).run(connection).await.map_err(|e| StoreError::Migrate(Box::new(e)))
}
