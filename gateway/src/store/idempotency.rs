//! First answers of unsafe calls, kept so that a repeated call gets the same one.

use super::{Connection, StoreError};
use crate::domain::{Actor, Tenant};

/// The call that a key belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Who called.
    pub actor: Actor,
    /// Method, path and query.
    pub route: String,
    /// The `Idempotency-Key` as sent.
    pub key: String,
    /// SHA-256 of the request's body.
    pub body_sha256: [u8; 32],
}

/// What was answered first.
#[derive(Debug)]
pub struct First {
    /// SHA-256 of the first call's body.
    pub body_sha256: Vec<u8>,
    /// Its outcome, as JSON.
    pub outcome: String,
}

from_row!(First { body_sha256, outcome });

/// The first answer under a key.
pub async fn get(
    connection: &mut Connection,
    tenant: Tenant,
    key: &Key,
) -> Result<Option<First>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_as(
            "SELECT body_sha256, outcome FROM idempotency \
         WHERE institution_id = $1 AND client_id = $2 AND route = $3 AND key = $4",
        )
        .bind(tenant.uuid())
        .bind(key.actor.uuid())
        .bind(&key.route)
        .bind(&key.key)
    )
}

/// Keeps the first answer under a key.
pub async fn insert(
    connection: &mut Connection,
    tenant: Tenant,
    key: &Key,
    outcome: &str,
    now_us: i64,
) -> Result<(), StoreError> {
    execute!(connection, sqlx::query(
        "INSERT INTO idempotency (institution_id, client_id, route, key, body_sha256, outcome, created_at_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(tenant.uuid())
    .bind(key.actor.uuid())
    .bind(&key.route)
    .bind(&key.key)
    .bind(key.body_sha256.as_slice())
    .bind(outcome)
    .bind(now_us))?;
    Ok(())
}

/// Forgets answers older than `before_us`, so many at most.
pub async fn sweep(connection: &mut Connection, before_us: i64, limit: i64) -> Result<u64, StoreError> {
    execute!(
        connection,
        sqlx::query(
            "DELETE FROM idempotency WHERE (institution_id, client_id, route, key) IN \
             (SELECT institution_id, client_id, route, key FROM idempotency WHERE created_at_us < $1 \
              ORDER BY created_at_us LIMIT $2)",
        )
        .bind(before_us)
        .bind(limit)
    )
}
