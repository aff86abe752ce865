//! Attempts to tell webhook endpoints: ordered ones that are still to be made, and what became of the rest.

use super::{Connection, StoreError, select::Select};
use crate::domain::{AttemptId, EndpointId, Tenant};

/// An attempt's row.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Its id; later ones have greater ones.
    pub id: uuid::Uuid,
    /// The message's id, the same for each attempt to tell the same.
    pub message_id: String,
    /// The event; none for a test.
    pub event_seq: Option<i64>,
    /// The event's type.
    pub event_type: String,
    /// The how manyth attempt it is.
    pub number: i64,
    /// `ordered`, `succeeded` or `failed`.
    pub state: String,
    /// When it was made, or ordered, in microseconds since the Unix epoch.
    pub at_us: i64,
    /// How long it took.
    pub took_ms: Option<i64>,
    /// The HTTP status that was answered.
    pub status: Option<i64>,
    /// The beginning of what was answered.
    pub answer: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
}

from_row!(Attempt {
    id,
    message_id,
    event_seq,
    event_type,
    number,
    state,
    at_us,
    took_ms,
    status,
    answer,
    error
});

const COLUMNS: &str =
    "id, message_id, event_seq, event_type, number, state, at_us, took_ms, status, answer, error";

/// Adds an attempt.
pub async fn insert(
    connection: &mut Connection,
    tenant: Tenant,
    endpoint: EndpointId,
    attempt: &Attempt,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "INSERT INTO webhook_attempts (institution_id, endpoint_id, {COLUMNS}) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        )))
        .bind(tenant.uuid())
        .bind(endpoint.uuid())
        .bind(attempt.id)
        .bind(&attempt.message_id)
        .bind(attempt.event_seq)
        .bind(&attempt.event_type)
        .bind(attempt.number)
        .bind(&attempt.state)
        .bind(attempt.at_us)
        .bind(attempt.took_ms)
        .bind(attempt.status)
        .bind(attempt.answer.as_deref())
        .bind(attempt.error.as_deref())
    )?;
    Ok(())
}

/// The oldest attempt that is ordered and not made.
pub async fn ordered(
    connection: &mut Connection,
    tenant: Tenant,
    endpoint: EndpointId,
) -> Result<Option<Attempt>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM webhook_attempts \
             WHERE institution_id = $1 AND endpoint_id = $2 AND state = 'ordered' ORDER BY id LIMIT 1"
        )))
        .bind(tenant.uuid())
        .bind(endpoint.uuid())
    )
}

/// How many attempts are ordered and not made.
pub async fn waiting(
    connection: &mut Connection,
    tenant: Tenant,
    endpoint: EndpointId,
) -> Result<i64, StoreError> {
    fetch_one!(
        connection,
        sqlx::query_scalar(
            "SELECT count(*) FROM webhook_attempts \
             WHERE institution_id = $1 AND endpoint_id = $2 AND state = 'ordered'"
        )
        .bind(tenant.uuid())
        .bind(endpoint.uuid())
    )
}

/// Says what became of an ordered attempt.
pub async fn finish(
    connection: &mut Connection,
    tenant: Tenant,
    endpoint: EndpointId,
    attempt: &Attempt,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "UPDATE webhook_attempts SET state = $4, at_us = $5, took_ms = $6, status = $7, answer = $8, \
             error = $9 WHERE institution_id = $1 AND endpoint_id = $2 AND id = $3 AND state = 'ordered'",
        )
        .bind(tenant.uuid())
        .bind(endpoint.uuid())
        .bind(attempt.id)
        .bind(&attempt.state)
        .bind(attempt.at_us)
        .bind(attempt.took_ms)
        .bind(attempt.status)
        .bind(attempt.answer.as_deref())
        .bind(attempt.error.as_deref())
    )?;
    Ok(())
}

/// An endpoint's attempts before one, the newest first, at most `limit`.
pub async fn page(
    connection: &mut Connection,
    tenant: Tenant,
    endpoint: EndpointId,
    before: Option<AttemptId>,
    limit: i64,
) -> Result<Vec<Attempt>, StoreError> {
    let mut sql = Select::new(&format!("SELECT {COLUMNS} FROM webhook_attempts WHERE institution_id = "));
    sql.bind(tenant.uuid()).push(" AND endpoint_id = ").bind(endpoint.uuid());
    if let Some(before) = before {
        sql.push(" AND id < ").bind(before.uuid());
    }
    sql.push(" ORDER BY id DESC LIMIT ").bind(limit);
    sql.fetch_all(connection).await
}

/// Forgets attempts from before a time, so many at most.
pub async fn sweep(connection: &mut Connection, before_us: i64, limit: i64) -> Result<u64, StoreError> {
    execute!(
        connection,
        sqlx::query(
            "DELETE FROM webhook_attempts WHERE (institution_id, endpoint_id, id) IN \
             (SELECT institution_id, endpoint_id, id FROM webhook_attempts \
              WHERE at_us < $1 AND state <> 'ordered' ORDER BY at_us LIMIT $2)",
        )
        .bind(before_us)
        .bind(limit)
    )
}
