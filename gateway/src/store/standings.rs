//! How the logs of several institutions stand, for an operator. Each is found by keys: nothing is counted.

use super::{Connection, StoreError};
use crate::domain::{Tenant, id::InstitutionId};

/// Whoever has a log: institutions, the provider among them, with an id above `after`, by id.
pub async fn owners(
    connection: &mut Connection,
    after: Option<InstitutionId>,
    limit: i64,
) -> Result<Vec<InstitutionId>, StoreError> {
    let ids: Vec<uuid::Uuid> = fetch_all!(
        connection,
        sqlx::query_scalar("SELECT id FROM institutions WHERE ($1 IS NULL OR id > $1) ORDER BY id LIMIT $2")
            .bind(after.map(|id| id.uuid()))
            .bind(limit)
    )?;
    Ok(ids.into_iter().map(InstitutionId::from_uuid).collect())
}

/// How a log stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Whose it is.
    pub institution_id: uuid::Uuid,
    /// Their name.
    pub name: String,
    /// `institution` or `provider`.
    pub role: String,
    /// The log's name.
    pub origin: String,
    /// How many entries it has.
    pub size: i64,
    /// When the last entry was made, in microseconds since the Unix epoch.
    pub at_us: i64,
    /// How many entries the newest checkpoint covers.
    pub signed_size: Option<i64>,
    /// When it was signed.
    pub signed_at_us: Option<i64>,
    /// When the first entry that no checkpoint covers was made.
    pub unsigned_at_us: Option<i64>,
    /// When the log was last checked.
    pub checked_at_us: Option<i64>,
    /// How many entries it had then.
    pub checked_size: Option<i64>,
    /// The first fault that was found.
    pub fault: Option<String>,
}

from_row!(Standing {
    institution_id,
    name,
    role,
    origin,
    size,
    at_us,
    signed_size,
    signed_at_us,
    unsigned_at_us,
    checked_at_us,
    checked_size,
    fault
});

/// How the logs from one to another stand, both included, by their owners' ids.
pub async fn between(
    connection: &mut Connection,
    first: Tenant,
    last: Tenant,
) -> Result<Vec<Standing>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT l.institution_id, i.name, i.role, l.origin, l.size, l.at_us, \
             (SELECT c.size FROM checkpoints c WHERE c.institution_id = l.institution_id \
              ORDER BY c.size DESC LIMIT 1) AS signed_size, \
             (SELECT c.signed_at_us FROM checkpoints c WHERE c.institution_id = l.institution_id \
              ORDER BY c.size DESC LIMIT 1) AS signed_at_us, \
             (SELECT e.at_us FROM entries e WHERE e.institution_id = l.institution_id AND e.seq = coalesce(\
              (SELECT max(c.size) FROM checkpoints c WHERE c.institution_id = l.institution_id), 0)) \
             AS unsigned_at_us, \
             k.checked_at_us, k.size AS checked_size, k.fault \
             FROM logs l JOIN institutions i ON i.id = l.institution_id \
             LEFT JOIN log_checks k ON k.institution_id = l.institution_id \
             WHERE l.institution_id >= $1 AND l.institution_id <= $2 ORDER BY l.institution_id",
        )
        .bind(first.uuid())
        .bind(last.uuid())
    )
}
