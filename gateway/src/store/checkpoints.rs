//! Signed checkpoints, as they were signed.

use super::{Connection, StoreError};
use crate::domain::Tenant;

/// Stores a signed note; one for the same size is there already or isn't, never two.
pub async fn insert(
    connection: &mut Connection,
    tenant: Tenant,
    size: i64,
    note: &str,
    signed_at_us: i64,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "INSERT INTO checkpoints (institution_id, size, note, signed_at_us) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (institution_id, size) DO NOTHING",
        )
        .bind(tenant.uuid())
        .bind(size)
        .bind(note)
        .bind(signed_at_us)
    )?;
    Ok(())
}

/// The newest checkpoint: its size and its note.
pub async fn latest(
    connection: &mut Connection,
    tenant: Tenant,
) -> Result<Option<(i64, String)>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_as(
            "SELECT size, note FROM checkpoints WHERE institution_id = $1 ORDER BY size DESC LIMIT 1"
        )
        .bind(tenant.uuid())
    )
}

/// The checkpoint of a size.
pub async fn of_size(
    connection: &mut Connection,
    tenant: Tenant,
    size: i64,
) -> Result<Option<String>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_scalar("SELECT note FROM checkpoints WHERE institution_id = $1 AND size = $2")
            .bind(tenant.uuid())
            .bind(size)
    )
}

/// The checkpoints with `from < size <= to` that were signed up to `until_us`, smallest first, thinned
/// to at most `most` that are spread over the range.
pub async fn between(
    connection: &mut Connection,
    tenant: Tenant,
    (from, to): (i64, i64),
    until_us: i64,
    most: i64,
) -> Result<Vec<String>, StoreError> {
    let all: i64 = fetch_one!(
        connection,
        sqlx::query_scalar(
            "SELECT count(*) FROM checkpoints WHERE institution_id = $1 AND size > $2 AND size <= $3 \
             AND signed_at_us <= $4",
        )
        .bind(tenant.uuid())
        .bind(from)
        .bind(to)
        .bind(until_us)
    )?;
    let step = (all + most - 1) / most.max(1);
    fetch_all!(
        connection,
        sqlx::query_scalar(
            "SELECT note FROM (SELECT note, size, row_number() OVER (ORDER BY size) AS number \
         FROM checkpoints WHERE institution_id = $1 AND size > $2 AND size <= $3 \
             AND signed_at_us <= $4) AS numbered \
         WHERE (number - 1) % $5 = 0 ORDER BY size",
        )
        .bind(tenant.uuid())
        .bind(from)
        .bind(to)
        .bind(until_us)
        .bind(step.max(1))
    )
}

/// Every checkpoint of a log, smallest first, a page at a time: those with `size > after`.
pub async fn page(
    connection: &mut Connection,
    tenant: Tenant,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, String)>, StoreError> {
    fetch_all!(connection, sqlx::query_as(
        "SELECT size, note FROM checkpoints WHERE institution_id = $1 AND size > $2 ORDER BY size LIMIT $3",
    )
    .bind(tenant.uuid())
    .bind(after)
    .bind(limit))
}
