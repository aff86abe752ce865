//! The entries that may be events, with their payloads.

use super::{Connection, StoreError};
use crate::domain::Tenant;

/// An entry that may be an event.
#[derive(Debug)]
pub struct Candidate {
    /// Its index in the log.
    pub seq: i64,
    /// Its canonical bytes.
    pub bytes: Vec<u8>,
    /// Its payload.
    pub payload: Vec<u8>,
}

from_row!(Candidate { seq, bytes, payload });

/// The entries with `from <= seq < until` of the kinds that events are made of, at most `limit`, in order.
/// The range is what bounds the work: most entries of a log that is read much are looks.
pub async fn candidates(
    connection: &mut Connection,
    tenant: Tenant,
    (from, until): (i64, i64),
    limit: i64,
) -> Result<Vec<Candidate>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT e.seq, e.bytes, p.payload FROM entries e \
             JOIN payloads p ON p.institution_id = e.institution_id AND p.seq = e.seq \
             WHERE e.institution_id = $1 AND e.seq >= $2 AND e.seq < $3 \
             AND e.kind IN ('record', 'export', 'grant', 'admin') ORDER BY e.seq LIMIT $4",
        )
        .bind(tenant.uuid())
        .bind(from)
        .bind(until)
        .bind(limit)
    )
}
