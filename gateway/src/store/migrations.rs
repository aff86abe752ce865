//! The schema's history, embedded in the binary. `migrations/README.md` says how to add to it.

use std::borrow::Cow;

use sqlx::{
    Executor as _, PgConnection, SqliteConnection,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use super::{StoreError, postgres::Unfit};

/// A migration: its number, what it does, and its text for each engine.
type Pair = (i64, &'static str, &'static str, &'static str);

macro_rules! pairs {
    ($($version:literal $name:literal $file:literal),* $(,)?) => {
        &[$((
            $version,
            $name,
            include_str!(concat!("../../../migrations/sqlite/", $file, ".sql")),
            include_str!(concat!("../../../migrations/postgres/", $file, ".sql")),
        )),*]
    };
}

const PAIRS: &[Pair] = pairs![
    1 "foundation" "0001_foundation",
    2 "bundle_checkpoint" "0002_bundle_checkpoint",
    3 "versions" "0003_versions",
    4 "exports" "0004_exports",
    5 "webhooks" "0005_webhooks",
    6 "intake" "0006_intake",
    7 "callers" "0007_callers",
    8 "usage" "0008_usage",
    9 "scope_rows" "0009_scope_rows",
    10 "live_externals" "0010_live_externals",
    11 "forgetting" "0011_forgetting",
    12 "intake_hold" "0012_intake_hold",
    13 "lineage" "0013_lineage",
    14 "reports" "0014_reports",
    15 "report_schedules" "0015_report_schedules",
    16 "people" "0016_people",
    17 "grants" "0017_grants",
    18 "log_checks" "0018_log_checks",
    19 "status" "0019_status",
    20 "tries" "0020_tries",
    21 "bundle_list" "0021_bundle_list",
    22 "linked_people" "0022_linked_people",
];

/// Applies what is pending to a file. One that was edited after it was applied, or a schema newer than
/// this build, is refused.
pub(super) async fn apply_sqlite(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    migrator(|(_, _, sqlite, _)| sqlite).run(connection).await.map_err(failed)
}

/// Applies what is pending to a server, as the owner of the tables.
pub(super) async fn apply_postgres(connection: &mut PgConnection) -> Result<(), StoreError> {
    connection.execute("SET ROLE veritrail_owner").await?;
    // A big table takes its time.
    connection.execute("SET statement_timeout = 0").await?;
    connection.execute("CREATE SCHEMA IF NOT EXISTS veritrail").await?;
    migrator(|(_, _, _, postgres)| postgres).run(connection).await.map_err(failed)
}

fn failed(error: MigrateError) -> StoreError {
    StoreError::Migrate(Box::new(error))
}

fn migrator(text: impl Fn(Pair) -> &'static str) -> Migrator {
    let migrations = PAIRS
        .iter()
        .map(|pair| {
            let sql = sqlx::SqlStr::from_static(text(*pair));
            Migration::new(pair.0, Cow::Borrowed(pair.1), MigrationType::Simple, sql, false)
        })
        .collect();
    Migrator::with_migrations(migrations)
}

/// Makes sure that a server's schema is the one that this build was made for.
pub(super) async fn check_postgres(connection: &mut PgConnection) -> Result<(), StoreError> {
    let wanted = PAIRS.last().map_or(0, |pair| pair.0);
    let there: bool = sqlx::query_scalar("SELECT to_regclass('veritrail._sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    let found = match there {
        true => {
            sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations WHERE success")
                .fetch_one(connection)
                .await?
        }
        false => 0,
    };
    match found {
        found if found < wanted => Err(Unfit::Old { found, wanted }.into()),
        found if found > wanted => Err(Unfit::New { found, wanted }.into()),
        _ => Ok(()),
    }
}
