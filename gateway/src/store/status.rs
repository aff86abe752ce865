//! How the service is: what checks of its parts found, by day and now, and what they look for.

use super::{Connection, StoreError};

/// What checks of a part came to in a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// The part.
    pub component: String,
    /// The day, `YYYY-MM-DD`, in UTC.
    pub day: String,
    /// How many there were.
    pub checks: i64,
    /// How many of them found it degraded.
    pub degraded: i64,
    /// How many found it down.
    pub down: i64,
}

from_row!(Day { component, day, checks, degraded, down });

/// What one replica found last of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The part.
    pub component: String,
    /// The replica.
    pub checker: String,
    /// `operational`, `degraded` or `down`.
    pub state: String,
    /// When, in microseconds since the Unix epoch.
    pub at_us: i64,
    /// Until when it says something.
    pub fresh_until_us: i64,
}

from_row!(Check { component, checker, state, at_us, fresh_until_us });

/// Adds checks to what the day has.
pub async fn add(connection: &mut Connection, row: &Day) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "INSERT INTO status_days (component, day, checks, degraded, down) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (component, day) DO UPDATE SET checks = status_days.checks + excluded.checks, \
             degraded = status_days.degraded + excluded.degraded, down = status_days.down + excluded.down",
        )
        .bind(&row.component)
        .bind(&row.day)
        .bind(row.checks)
        .bind(row.degraded)
        .bind(row.down)
    )?;
    Ok(())
}

/// Notes what a replica found last.
pub async fn note(connection: &mut Connection, row: &Check) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "INSERT INTO status_checks (component, checker, state, at_us, fresh_until_us) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (component, checker) DO UPDATE SET \
             state = excluded.state, at_us = excluded.at_us, fresh_until_us = excluded.fresh_until_us",
        )
        .bind(&row.component)
        .bind(&row.checker)
        .bind(&row.state)
        .bind(row.at_us)
        .bind(row.fresh_until_us)
    )?;
    Ok(())
}

/// Forgets days before one, and what replicas found that are gone since a time.
pub async fn forget(connection: &mut Connection, before_day: &str, gone_us: i64) -> Result<(), StoreError> {
    execute!(connection, sqlx::query("DELETE FROM status_days WHERE day < $1").bind(before_day))?;
    execute!(connection, sqlx::query("DELETE FROM status_checks WHERE fresh_until_us < $1").bind(gone_us))?;
    Ok(())
}

/// What the checks of each part came to, from a day on, in order.
pub async fn days(connection: &mut Connection, from: &str) -> Result<Vec<Day>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT component, day, checks, degraded, down FROM status_days WHERE day >= $1 \
             ORDER BY component, day",
        )
        .bind(from)
    )
}

/// What each replica found last.
pub async fn checks(connection: &mut Connection) -> Result<Vec<Check>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as("SELECT component, checker, state, at_us, fresh_until_us FROM status_checks")
    )
}

/// Exports and reports, of those that the reader sees, that nobody has worked on since a time; and how many
/// institutions have one that failed since another time.
pub async fn presses(
    connection: &mut Connection,
    untouched_since_us: i64,
    failed_since_us: i64,
) -> Result<(i64, i64), StoreError> {
    fetch_one!(
        connection,
        sqlx::query_as(
            "SELECT (SELECT count(*) FROM exports WHERE state = 'preparing' AND touched_at_us < $1) \
             + (SELECT count(*) FROM report_versions WHERE state = 'producing' AND touched_at_us < $1), \
             (SELECT count(*) FROM (\
              SELECT institution_id FROM exports WHERE state = 'failed' AND finished_at_us >= $2 \
              UNION SELECT institution_id FROM report_versions WHERE state = 'failed' AND finished_at_us >= $2) f)",
        )
        .bind(untouched_since_us)
        .bind(failed_since_us)
    )
}

/// Webhook endpoints, of those that the reader sees, whose next delivery was due at a time and that nobody tells.
pub async fn untold(connection: &mut Connection, due_us: i64) -> Result<i64, StoreError> {
    fetch_one!(
        connection,
        sqlx::query_scalar(
            "SELECT count(*) FROM webhook_endpoints e WHERE e.held_until_us <= $1 AND \
             ((e.state = 'active' AND e.attempts > 0 AND e.next_at_us <= $1) \
              OR EXISTS (SELECT 1 FROM webhook_attempts a WHERE a.institution_id = e.institution_id \
                AND a.endpoint_id = e.id AND a.state = 'ordered' AND a.at_us <= $1))",
        )
        .bind(due_us)
    )
}
