//! What the walk over a log last found: one row a log.

use super::{Connection, Db, StoreError};
use crate::domain::Tenant;

/// The outcome of a walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// When it ended, in microseconds since the Unix epoch.
    pub checked_at_us: i64,
    /// Entries that the log had.
    pub size: i64,
    /// The first fault, with its place; none when the log was clean.
    pub fault: Option<String>,
}

/// Puts the outcome of a walk in the place of the one before.
async fn put(connection: &mut Connection, tenant: Tenant, check: &Check) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "INSERT INTO log_checks (institution_id, checked_at_us, size, fault) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (institution_id) DO UPDATE SET checked_at_us = excluded.checked_at_us, \
             size = excluded.size, fault = excluded.fault",
        )
        .bind(tenant.uuid())
        .bind(check.checked_at_us)
        .bind(check.size)
        .bind(check.fault.as_deref())
    )?;
    Ok(())
}

/// The same, by a write connection of its own: for a check in a process that has no recorder.
///
/// # Errors
/// When the database fails, or may only be read.
pub async fn keep(db: &Db, tenant: Tenant, check: &Check) -> Result<(), StoreError> {
    let mut connection = db.writer().await?;
    connection.begin(&[tenant]).await?;
    put(&mut connection, tenant, check).await?;
    connection.commit().await?;
    connection.close().await
}
