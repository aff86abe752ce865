//! Webhook endpoints: whom an institution has told of its events, and how far that got.
//!
//! Whoever tells an endpoint holds it: what it stores of its progress counts only while the row names it
//! and stands where it left it. Somebody else who took it over, or its owner who set it back, is not
//! overwritten.

use super::{Connection, StoreError};
use crate::domain::{EndpointId, Tenant};

/// An endpoint's row.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its id.
    pub id: uuid::Uuid,
    /// Where it is told.
    pub url: String,
    /// The types that it is told of, with spaces between them; none for all.
    pub events: String,
    /// What its owner calls it.
    pub description: String,
    /// How messages to it are signed: `ed25519` or `hmac_sha256`.
    pub scheme: String,
    /// Which of its keys signs.
    pub generation: i64,
    /// Until when the key before signs too.
    pub overlap_until_us: i64,
    /// `active`, `paused` or `disabled`.
    pub state: String,
    /// Why it is disabled.
    pub reason: Option<String>,
    /// When it was made, in microseconds since the Unix epoch.
    pub created_at_us: i64,
    /// The last entry that it was told of, or that is not for it.
    pub position: i64,
    /// How often the next event was tried.
    pub attempts: i64,
    /// Since when it fails.
    pub failing_since_us: Option<i64>,
    /// When it may be tried next.
    pub next_at_us: i64,
    /// How often its owner changed something about it.
    pub revision: i64,
}

from_row!(Endpoint {
    id,
    url,
    events,
    description,
    scheme,
    generation,
    overlap_until_us,
    state,
    reason,
    created_at_us,
    position,
    attempts,
    failing_since_us,
    next_at_us,
    revision
});

/// An endpoint that is to be looked after.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// Whose it is.
    pub institution_id: uuid::Uuid,
    /// Its id.
    pub id: uuid::Uuid,
    /// The last entry that it was told of, or that is not for it.
    pub position: i64,
    /// How many entries its log has.
    pub size: i64,
    /// Whether its owner ordered an attempt.
    pub ordered: bool,
}

/// A new endpoint.
#[derive(Clone, Debug)]
pub struct NewEndpoint {
    /// Its id.
    pub id: EndpointId,
    /// Where it is told.
    pub url: String,
    /// The types that it is told of, with spaces between them; none for all.
    pub events: String,
    /// What its owner calls it.
    pub description: String,
    /// How messages to it are signed.
    pub scheme: &'static str,
}

/// What its owner changes of an endpoint; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Where it is told.
    pub url: Option<String>,
    /// The types that it is told of.
    pub events: Option<String>,
    /// What its owner calls it.
    pub description: Option<String>,
    /// `active` or `paused`.
    pub state: Option<&'static str>,
}

const SELECT: &str = "SELECT id, url, events, description, scheme, generation, overlap_until_us, state, reason, \
                      created_at_us, position, attempts, failing_since_us, next_at_us, revision \
                      FROM webhook_endpoints \
                      WHERE institution_id = $1";

/// Adds an endpoint that is told of what comes after an entry.
pub async fn insert(
    connection: &mut Connection,
    tenant: Tenant,
    new: &NewEndpoint,
    seq: i64,
    now_us: i64,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "INSERT INTO webhook_endpoints \
             (institution_id, id, seq, url, events, description, scheme, state, created_at_us, position) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'active', $8, $3)",
        )
        .bind(tenant.uuid())
        .bind(new.id.uuid())
        .bind(seq)
        .bind(&new.url)
        .bind(&new.events)
        .bind(&new.description)
        .bind(new.scheme)
        .bind(now_us)
    )?;
    Ok(())
}

/// One endpoint.
pub async fn get(
    connection: &mut Connection,
    tenant: Tenant,
    id: EndpointId,
) -> Result<Option<Endpoint>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} AND id = $2")))
            .bind(tenant.uuid())
            .bind(id.uuid())
    )
}

/// An institution's endpoints, the oldest first: there are few.
pub async fn list(connection: &mut Connection, tenant: Tenant) -> Result<Vec<Endpoint>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} ORDER BY id"))).bind(tenant.uuid())
    )
}

/// How many endpoints an institution has.
pub async fn count(connection: &mut Connection, tenant: Tenant) -> Result<i64, StoreError> {
    fetch_one!(
        connection,
        sqlx::query_scalar("SELECT count(*) FROM webhook_endpoints WHERE institution_id = $1")
            .bind(tenant.uuid())
    )
}

/// Changes an endpoint; one that failed is tried at once. `false` when there is none.
pub async fn change(
    connection: &mut Connection,
    tenant: Tenant,
    id: EndpointId,
    changes: &Changes,
) -> Result<bool, StoreError> {
    let changed = execute!(
        connection,
        sqlx::query(
            "UPDATE webhook_endpoints SET url = coalesce($3, url), events = coalesce($4, events), \
             description = coalesce($5, description), state = coalesce($6, state), \
             reason = CASE WHEN $6 IS NULL THEN reason END, attempts = 0, failing_since_us = NULL, \
             next_at_us = 0, revision = revision + 1 WHERE institution_id = $1 AND id = $2",
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
        .bind(changes.url.as_deref())
        .bind(changes.events.as_deref())
        .bind(changes.description.as_deref())
        .bind(changes.state)
    )?;
    Ok(changed > 0)
}

/// Signs with a new key from now on, and with the one before as well until some time; one that failed is tried
/// at once.
pub async fn rotate(
    connection: &mut Connection,
    tenant: Tenant,
    id: EndpointId,
    overlap_until_us: i64,
) -> Result<bool, StoreError> {
    let changed = execute!(
        connection,
        sqlx::query(
            "UPDATE webhook_endpoints SET generation = generation + 1, overlap_until_us = $3, \
             attempts = 0, failing_since_us = NULL, next_at_us = 0, revision = revision + 1 \
             WHERE institution_id = $1 AND id = $2",
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
        .bind(overlap_until_us)
    )?;
    Ok(changed > 0)
}

/// Tells it again what came after an entry.
pub async fn set_back(
    connection: &mut Connection,
    tenant: Tenant,
    id: EndpointId,
    position: i64,
) -> Result<bool, StoreError> {
    let changed = execute!(
        connection,
        sqlx::query(
            "UPDATE webhook_endpoints SET position = CASE WHEN position < $3 THEN position ELSE $3 END, \
             attempts = 0, failing_since_us = NULL, next_at_us = 0, revision = revision + 1 \
             WHERE institution_id = $1 AND id = $2",
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
        .bind(position)
    )?;
    Ok(changed > 0)
}

/// Removes an endpoint and its attempts.
pub async fn delete(connection: &mut Connection, tenant: Tenant, id: EndpointId) -> Result<bool, StoreError> {
    for (table, column) in [("webhook_attempts", "endpoint_id"), ("webhook_endpoints", "id")] {
        let sql = format!("DELETE FROM {table} WHERE institution_id = $1 AND {column} = $2");
        let gone =
            execute!(connection, sqlx::query(sqlx::AssertSqlSafe(sql)).bind(tenant.uuid()).bind(id.uuid()))?;
        if column == "id" {
            return Ok(gone > 0);
        }
    }
    Ok(false)
}

/// The endpoints, of all institutions that the reader sees, that a process may look after now.
pub async fn due(connection: &mut Connection, holder: &str, now_us: i64) -> Result<Vec<Due>, StoreError> {
    // Both engines say 0 or 1 for a CASE, and differ in what a comparison is.
    let rows: Vec<(uuid::Uuid, uuid::Uuid, i64, i64, i64)> = fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT e.institution_id, e.id, e.position, l.size, \
             CASE WHEN EXISTS (SELECT 1 FROM webhook_attempts a WHERE a.institution_id = e.institution_id \
               AND a.endpoint_id = e.id AND a.state = 'ordered') \
               THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END AS ordered \
             FROM webhook_endpoints e JOIN logs l ON l.institution_id = e.institution_id \
             WHERE (e.held_until_us <= $1 OR e.holder = $2) AND \
             ((e.state = 'active' AND e.next_at_us <= $1 AND l.size > e.position + 1) \
              OR EXISTS (SELECT 1 FROM webhook_attempts a WHERE a.institution_id = e.institution_id \
                AND a.endpoint_id = e.id AND a.state = 'ordered'))",
        )
        .bind(now_us)
        .bind(holder)
    )?;
    let due = |(institution_id, id, position, size, ordered)| Due {
        institution_id,
        id,
        position,
        size,
        ordered: ordered != 0,
    };
    Ok(rows.into_iter().map(due).collect())
}

/// Takes an endpoint until some time, or keeps it; `false` when another process has it.
pub async fn hold(
    connection: &mut Connection,
    tenant: Tenant,
    id: EndpointId,
    holder: &str,
    (now_us, until_us): (i64, i64),
) -> Result<bool, StoreError> {
    let held = execute!(
        connection,
        sqlx::query(
            "UPDATE webhook_endpoints SET holder = $3, held_until_us = $5 \
             WHERE institution_id = $1 AND id = $2 AND (held_until_us <= $4 OR holder = $3)",
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
        .bind(holder)
        .bind(now_us)
        .bind(until_us)
    )?;
    Ok(held > 0)
}

/// Lets go of an endpoint.
pub async fn let_go(
    connection: &mut Connection,
    tenant: Tenant,
    id: EndpointId,
    holder: &str,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "UPDATE webhook_endpoints SET held_until_us = 0 \
             WHERE institution_id = $1 AND id = $2 AND holder = $3",
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
        .bind(holder)
    )?;
    Ok(())
}

/// Where whoever tells an endpoint left it.
#[derive(Clone, Copy, Debug)]
pub struct Stand<'a> {
    /// The endpoint.
    pub id: EndpointId,
    /// Who tells it.
    pub holder: &'a str,
    /// Where it stood.
    pub position: i64,
}

/// It was told of all up to an entry. `false` when it no longer stands where it did.
pub async fn advance(
    connection: &mut Connection,
    tenant: Tenant,
    stand: Stand<'_>,
    position: i64,
) -> Result<bool, StoreError> {
    let moved = execute!(
        connection,
        sqlx::query(
            "UPDATE webhook_endpoints SET position = $5, attempts = 0, failing_since_us = NULL, next_at_us = 0 \
             WHERE institution_id = $1 AND id = $2 AND holder = $3 AND position = $4",
        )
        .bind(tenant.uuid())
        .bind(stand.id.uuid())
        .bind(stand.holder)
        .bind(stand.position)
        .bind(position)
    )?;
    Ok(moved > 0)
}

/// An endpoint as it was when it was tried in vain. One that its owner changed meanwhile, which makes it new,
/// must not bear the blame for what it was.
#[derive(Clone, Copy, Debug)]
pub struct Tried<'a> {
    /// Where it stood.
    pub stand: Stand<'a>,
    /// How often its owner had changed it.
    pub revision: i64,
}

/// It could not be told of the next event, once more since `since_us`; it is tried again at `next_at_us`.
/// `false` when it is no longer what was tried.
pub async fn put_off(
    connection: &mut Connection,
    tenant: Tenant,
    tried: Tried<'_>,
    (since_us, next_at_us): (i64, i64),
) -> Result<bool, StoreError> {
    let done = execute!(
        connection,
        sqlx::query(
            "UPDATE webhook_endpoints SET attempts = attempts + 1, failing_since_us = $6, next_at_us = $7 \
             WHERE institution_id = $1 AND id = $2 AND holder = $3 AND position = $4 AND revision = $5",
        )
        .bind(tenant.uuid())
        .bind(tried.stand.id.uuid())
        .bind(tried.stand.holder)
        .bind(tried.stand.position)
        .bind(tried.revision)
        .bind(since_us)
        .bind(next_at_us)
    )?;
    Ok(done > 0)
}

/// It is told nothing more. `false` when it is no longer what was tried.
pub async fn disable(
    connection: &mut Connection,
    tenant: Tenant,
    tried: Tried<'_>,
    reason: &str,
) -> Result<bool, StoreError> {
    let done = execute!(
        connection,
        sqlx::query(
            "UPDATE webhook_endpoints SET state = 'disabled', reason = $6 \
             WHERE institution_id = $1 AND id = $2 AND holder = $3 AND position = $4 AND revision = $5 \
             AND state = 'active'",
        )
        .bind(tenant.uuid())
        .bind(tried.stand.id.uuid())
        .bind(tried.stand.holder)
        .bind(tried.stand.position)
        .bind(tried.revision)
        .bind(reason)
    )?;
    Ok(done > 0)
}
