//! The head of each log: the only row of the ledger that moves, and it only grows.

use super::{Connection, StoreError};
use crate::domain::{Tenant, id::InstitutionId};

/// Where a log stands.
#[derive(Clone, Debug)]
pub struct Head {
    /// The log's name: a schemeless URL prefix.
    pub origin: String,
    /// How many entries it has.
    pub size: i64,
    /// The RFC 6962 root over them.
    pub root: Vec<u8>,
    /// The leaf hash of the last entry (of nothing: the genesis value).
    pub prev: Vec<u8>,
    /// When the last entry was made, in microseconds since the Unix epoch.
    pub at_us: i64,
}

from_row!(Head { origin, size, root, prev, at_us });

/// A log that has grown past its last checkpoint.
#[derive(Clone, Debug)]
pub struct Behind {
    /// Whose it is.
    pub institution_id: uuid::Uuid,
    /// How many entries it has.
    pub size: i64,
    /// How many of them are signed.
    pub signed: i64,
    /// When the last entry was made, in microseconds since the Unix epoch.
    pub at_us: i64,
}

from_row!(Behind { institution_id, size, signed, at_us });

/// Opens a log of size 0.
pub async fn insert(connection: &mut Connection, tenant: Tenant, head: &Head) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO logs (institution_id, origin, size, root, prev, at_us) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(tenant.uuid())
    .bind(&head.origin)
    .bind(head.size)
    .bind(&head.root)
    .bind(&head.prev)
    .bind(head.at_us)
    .execute(connection)
    .await?;
    Ok(())
}

/// The head, if the log exists.
pub async fn head(connection: &mut Connection, tenant: Tenant) -> Result<Option<Head>, StoreError> {
    sqlx::query_as("SELECT origin, size, root, prev, at_us FROM logs WHERE institution_id = $1")
        .bind(tenant.uuid())
        .fetch_optional(connection)
        .await
}

/// Moves the head, if it still is where the writer saw it (compare-and-swap on the size).
///
/// Returns whether it was; `false` means that somebody else appended.
pub async fn advance(
    connection: &mut Connection,
    tenant: Tenant,
    seen_size: i64,
    head: &Head,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE logs SET size = $3, root = $4, prev = $5, at_us = $6 WHERE institution_id = $1 AND size = $2",
    )
    .bind(tenant.uuid())
    .bind(seen_size)
    .bind(head.size)
    .bind(&head.root)
    .bind(&head.prev)
    .bind(head.at_us)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The logs that have grown past their last checkpoint.
pub async fn unsigned(connection: &mut Connection) -> Result<Vec<InstitutionId>, StoreError> {
    let ids: Vec<uuid::Uuid> = sqlx::query_scalar(
        "SELECT institution_id FROM logs l WHERE size > 0 AND size > coalesce(\
         (SELECT max(c.size) FROM checkpoints c WHERE c.institution_id = l.institution_id), 0)",
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(InstitutionId::from_uuid).collect())
}

/// Every log's institution.
pub async fn all(connection: &mut Connection) -> Result<Vec<InstitutionId>, StoreError> {
    let ids: Vec<uuid::Uuid> = sqlx::query_scalar("SELECT institution_id FROM logs ORDER BY institution_id")
        .fetch_all(connection)
        .await?;
    Ok(ids.into_iter().map(InstitutionId::from_uuid).collect())
}

/// How many logs there are, and how many entries they have together.
pub async fn totals(connection: &mut Connection) -> Result<(i64, i64), StoreError> {
    sqlx::query_as("SELECT count(*), CAST(coalesce(sum(size), 0) AS bigint) FROM logs")
        .fetch_one(connection)
        .await
}

/// The logs that have grown past their last checkpoint, and how far.
pub async fn behind(connection: &mut Connection) -> Result<Vec<Behind>, StoreError> {
    sqlx::query_as(
        "SELECT institution_id, size, signed, at_us FROM (SELECT l.institution_id, l.size, l.at_us, \
         coalesce((SELECT max(c.size) FROM checkpoints c WHERE c.institution_id = l.institution_id), 0) \
         AS signed FROM logs l) AS standing WHERE size > signed",
    )
    .fetch_all(connection)
    .await
}
