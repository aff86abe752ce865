//! The events, by what they are and in ledger order.

use super::super::{Connection, StoreError};
use crate::domain::Tenant;

/// An event as it was recorded.
#[derive(Debug)]
pub struct Known {
    /// The entry that recorded it.
    pub seq: i64,
    /// The entry's payload.
    pub payload: Vec<u8>,
}

from_row!(Known { seq, payload });

/// In which order events are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As they came.
    #[default]
    Oldest,
    /// The last one first.
    Newest,
}

/// The entry that recorded an event that has this digest.
///
/// # Errors
/// When the database fails.
pub async fn known(
    connection: &mut Connection,
    tenant: Tenant,
    digest: [u8; 32],
) -> Result<Option<i64>, StoreError> {
    let found: Option<(i64,)> = fetch_optional!(
        connection,
        sqlx::query_as("SELECT seq FROM lineage_events WHERE institution_id = $1 AND digest = $2")
            .bind(tenant.uuid())
            .bind(digest.to_vec())
    )?;
    Ok(found.map(|(seq,)| seq))
}

/// Events after an entry, up to another one, in ledger order.
///
/// # Errors
/// When the database fails.
pub async fn after(
    connection: &mut Connection,
    tenant: Tenant,
    (after, last): (i64, i64),
    limit: i64,
) -> Result<Vec<Known>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT e.seq, p.payload FROM lineage_events e \
             JOIN payloads p ON p.institution_id = e.institution_id AND p.seq = e.seq \
             WHERE e.institution_id = $1 AND e.seq > $2 AND e.seq <= $3 ORDER BY e.seq LIMIT $4",
        )
        .bind(tenant.uuid())
        .bind(after)
        .bind(last)
        .bind(limit)
    )
}

/// Events before an entry, the last one first.
///
/// # Errors
/// When the database fails.
pub async fn before(
    connection: &mut Connection,
    tenant: Tenant,
    before: i64,
    limit: i64,
) -> Result<Vec<Known>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT e.seq, p.payload FROM lineage_events e \
             JOIN payloads p ON p.institution_id = e.institution_id AND p.seq = e.seq \
             WHERE e.institution_id = $1 AND e.seq < $2 ORDER BY e.seq DESC LIMIT $3",
        )
        .bind(tenant.uuid())
        .bind(before)
        .bind(limit)
    )
}

/// Events that were recorded in a range of entries: their seqs and digests.
pub async fn stored(
    connection: &mut Connection,
    tenant: Tenant,
    from: i64,
    until: i64,
) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT seq, digest FROM lineage_events WHERE institution_id = $1 AND seq >= $2 AND seq < $3"
        )
        .bind(tenant.uuid())
        .bind(from)
        .bind(until)
    )
}
