//! The production engine: a PostgreSQL that others look after, and that is not trusted blindly.
//!
//! Three roles (`migrations/postgres/roles.sql`): the owner of the tables, who never logs in; the
//! migrator, who may become the owner; and the service, who has no more than the grants that it
//! needs. Row-level security holds each transaction to the institutions that it names
//! (`veritrail.scope`), also where a WHERE clause is forgotten.
//!
//! The service does not start as a superuser or owner, where a commit may be lost (`fsync` or
//! `synchronous_commit` off), or on a schema that is not the one it was built for.

use std::{str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions as _, Executor as _, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{ACQUIRE_TIMEOUT, Connection, StoreError, migrations};

/// The schema that holds every table.
const SCHEMA: &str = "veritrail";
/// How long connecting may take: a dead host is given up, not waited for.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A process that hangs within a transaction must not hold the logs' heads for ever.
const IDLE_IN_TRANSACTION: &str = "30s";
const STATEMENT: &str = "60s";

/// Why a database is not one to start on.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// Nothing holds such a role to the rules.
    #[error("the role {0} is a superuser or bypasses row-level security; connect as veritrail_service")]
    Mighty(String),
    /// An owner could take the guards away.
    #[error("the role {0} owns tables, or may become their owner; connect as veritrail_service")]
    Owner(String),
    /// A commit that returned may be lost.
    #[error("{0} is off: a commit that was acknowledged could be lost; turn it on")]
    Volatile(&'static str),
    /// Migrations are pending.
    #[error("the schema is at version {found}, this build needs {wanted}: run `veritrail migrate` first")]
    Old {
        /// What the database has.
        found: i64,
        /// What this build has.
        wanted: i64,
    },
    /// The schema is of a later build.
    #[error("the schema is at version {found}, newer than this build knows ({wanted}): run the newer build")]
    New {
        /// What the database has.
        found: i64,
        /// What this build has.
        wanted: i64,
    },
    /// It took too long to connect.
    #[error("no connection within {} s", CONNECT_TIMEOUT.as_secs())]
    Slow,
}

impl From<Unfit> for StoreError {
    fn from(unfit: Unfit) -> Self {
        Self::Configuration(Box::new(unfit))
    }
}

/// A PostgreSQL server.
#[derive(Clone, Debug)]
pub struct Server {
    options: PgConnectOptions,
    pub(super) readers: PgPool,
}

impl Server {
    /// Connects, and makes sure that this is a database to keep a ledger in.
    pub(super) async fn open(url: &str, readers: u32) -> Result<Self, StoreError> {
        let options = options(url)?;
        let mut first = connect(&options).await?;
        check_role(&mut first).await?;
        check_durability(&mut first).await?;
        migrations::check_postgres(&mut first).await?;
        // A reader of the directory has no transaction to leave, which the server need not remark.
        let read_only = options
            .clone()
            .options([("default_transaction_read_only", "on"), ("client_min_messages", "error")]);
        let readers = PgPoolOptions::new()
            .max_connections(readers)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            // A reader whose request was cancelled may still be within its transaction: every one that
            // comes back leaves it, or goes.
            .after_release(|connection, _| {
                Box::pin(async move { connection.execute("ROLLBACK").await.map(|_| true) })
            })
            .connect_lazy_with(read_only);
        Ok(Self { options, readers })
    }

    pub(super) async fn writer(&self) -> Result<Connection, StoreError> {
        let mut connection = connect(&self.options).await?;
        // The server's settings may have changed since the start.
        check_durability(&mut connection).await?;
        Ok(connection.into())
    }
}

/// Brings the schema up to date, as the migrator.
///
/// # Errors
/// When the server can't be reached, or its schema was edited or is newer than this build.
pub async fn migrate(url: &str) -> Result<(), StoreError> {
    let mut connection = connect(&options(url)?).await?;
    migrations::apply_postgres(&mut connection).await
}

fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    Ok(PgConnectOptions::from_str(url)?
        .application_name("veritrail")
        .options([
            ("search_path", SCHEMA),
            ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION),
            ("statement_timeout", STATEMENT),
            ("tcp_keepalives_idle", "10"),
            ("tcp_keepalives_interval", "5"),
            ("tcp_keepalives_count", "3"),
        ])
        .statement_cache_capacity(256)
        .disable_statement_logging())
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    tokio::time::timeout(CONNECT_TIMEOUT, options.connect()).await.map_err(|_| Unfit::Slow)?
}

async fn check_role(connection: &mut PgConnection) -> Result<(), StoreError> {
    let (role, mighty, owner): (String, bool, bool) = sqlx::query_as(
        "SELECT current_user::text, r.rolsuper OR r.rolbypassrls, EXISTS (\
           SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
           WHERE n.nspname = $1 AND pg_has_role(current_user, c.relowner, 'MEMBER')) \
         FROM pg_roles r WHERE r.rolname = current_user",
    )
    .bind(SCHEMA)
    .fetch_one(connection)
    .await?;
    if mighty {
        return Err(Unfit::Mighty(role).into());
    }
    if owner {
        return Err(Unfit::Owner(role).into());
    }
    Ok(())
}

async fn check_durability(connection: &mut PgConnection) -> Result<(), StoreError> {
    let (fsync, commit, pages): (String, String, String) = sqlx::query_as(
        "SELECT current_setting('fsync'), current_setting('synchronous_commit'), \
         current_setting('full_page_writes')",
    )
    .fetch_one(connection)
    .await?;
    for (setting, name) in [(fsync, "fsync"), (commit, "synchronous_commit"), (pages, "full_page_writes")] {
        if setting == "off" {
            return Err(Unfit::Volatile(name).into());
        }
    }
    Ok(())
}
