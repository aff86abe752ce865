//! Incidents of the service, and what was told of each.

use std::collections::HashMap;

use super::{Connection, StoreError, select::Select};
use crate::domain::IncidentId;

/// An incident's row: it stands as its newest update says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Its id.
    pub id: uuid::Uuid,
    /// The entry that opened it.
    pub seq: i64,
    /// The entry of its newest update.
    pub last_seq: i64,
    /// What it is called.
    pub title: String,
    /// How far it is.
    pub status: String,
    /// How much it keeps people from.
    pub impact: String,
    /// The parts that it concerns, with spaces between them.
    pub components: String,
    /// How many updates it has.
    pub updates: i64,
    /// When it was opened, in microseconds since the Unix epoch.
    pub opened_at_us: i64,
    /// When its newest update was made.
    pub updated_at_us: i64,
    /// When it was resolved.
    pub resolved_at_us: Option<i64>,
}

from_row!(Incident {
    id,
    seq,
    last_seq,
    title,
    status,
    impact,
    components,
    updates,
    opened_at_us,
    updated_at_us,
    resolved_at_us
});

/// An update's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The entry that records it.
    pub seq: i64,
    /// The incident.
    pub incident_id: uuid::Uuid,
    /// How far it was then.
    pub status: String,
    /// How much it kept people from.
    pub impact: String,
    /// The parts that it concerned, with spaces between them.
    pub components: String,
    /// What people are told.
    pub body: String,
    /// Who made it.
    pub made_by: String,
    /// When, in microseconds since the Unix epoch.
    pub at_us: i64,
}

from_row!(Update { seq, incident_id, status, impact, components, body, made_by, at_us });

const SELECT: &str = "SELECT id, seq, last_seq, title, status, impact, components, updates, opened_at_us, \
                      updated_at_us, resolved_at_us FROM incidents";
const UPDATES: &str = "SELECT seq, incident_id, status, impact, components, body, made_by, at_us \
                       FROM incident_updates";

/// Adds an incident with its first update.
pub async fn open(connection: &mut Connection, title: &str, first: &Update) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "INSERT INTO incidents (id, seq, last_seq, title, status, impact, components, updates, opened_at_us, \
             updated_at_us) VALUES ($1, $2, $2, $3, $4, $5, $6, 1, $7, $7)",
        )
        .bind(first.incident_id)
        .bind(first.seq)
        .bind(title)
        .bind(&first.status)
        .bind(&first.impact)
        .bind(&first.components)
        .bind(first.at_us)
    )?;
    insert(connection, first).await
}

/// Adds an update to an incident, which stands as it says from then on.
pub async fn update(connection: &mut Connection, update: &Update, resolves: bool) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "UPDATE incidents SET last_seq = $2, status = $3, impact = $4, components = $5, \
             updates = updates + 1, updated_at_us = $6, resolved_at_us = $7 WHERE id = $1",
        )
        .bind(update.incident_id)
        .bind(update.seq)
        .bind(&update.status)
        .bind(&update.impact)
        .bind(&update.components)
        .bind(update.at_us)
        .bind(resolves.then_some(update.at_us))
    )?;
    insert(connection, update).await
}

async fn insert(connection: &mut Connection, update: &Update) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "INSERT INTO incident_updates (seq, incident_id, status, impact, components, body, made_by, at_us) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(update.seq)
        .bind(update.incident_id)
        .bind(&update.status)
        .bind(&update.impact)
        .bind(&update.components)
        .bind(&update.body)
        .bind(&update.made_by)
        .bind(update.at_us)
    )?;
    Ok(())
}

/// One incident.
pub async fn get(connection: &mut Connection, id: IncidentId) -> Result<Option<Incident>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} WHERE id = $1"))).bind(id.uuid())
    )
}

/// How many incidents are open.
pub async fn count_open(connection: &mut Connection) -> Result<i64, StoreError> {
    let open = "SELECT count(*) FROM incidents WHERE resolved_at_us IS NULL";
    fetch_one!(connection, sqlx::query_scalar(open))
}

/// Incidents before one, the newest first.
pub async fn page(
    connection: &mut Connection,
    before: Option<IncidentId>,
    limit: i64,
) -> Result<Vec<Incident>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "{SELECT} WHERE ($1 IS NULL OR id < $1) ORDER BY id DESC LIMIT $2"
        )))
        .bind(before.map(IncidentId::uuid))
        .bind(limit)
    )
}

/// Incidents that are not resolved, the newest first.
pub async fn open_ones(connection: &mut Connection) -> Result<Vec<Incident>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "{SELECT} WHERE resolved_at_us IS NULL ORDER BY seq DESC"
        )))
    )
}

/// Incidents that were resolved since a time, the last one first.
pub async fn resolved(
    connection: &mut Connection,
    since_us: i64,
    limit: i64,
) -> Result<Vec<Incident>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "{SELECT} WHERE resolved_at_us >= $1 ORDER BY resolved_at_us DESC, seq DESC LIMIT $2"
        )))
        .bind(since_us)
        .bind(limit)
    )
}

/// What was told of an incident, the newest first.
pub async fn updates(connection: &mut Connection, id: uuid::Uuid) -> Result<Vec<Update>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!("{UPDATES} WHERE incident_id = $1 ORDER BY seq DESC")))
            .bind(id)
    )
}

/// What was told last of some incidents, by the entry that records it.
pub async fn newest<'a>(
    connection: &mut Connection,
    of: impl IntoIterator<Item = &'a Incident>,
) -> Result<HashMap<i64, Update>, StoreError> {
    let mut seqs = of.into_iter().map(|incident| incident.last_seq).peekable();
    if seqs.peek().is_none() {
        return Ok(HashMap::new());
    }
    let mut sql = Select::new(UPDATES);
    sql.push(" WHERE true");
    sql.and_in("seq", seqs);
    let updates: Vec<Update> = sql.fetch_all(connection).await?;
    Ok(updates.into_iter().map(|update| (update.seq, update)).collect())
}

/// The updates that a range of entries records.
pub async fn stored(connection: &mut Connection, from: i64, until: i64) -> Result<Vec<Update>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!("{UPDATES} WHERE seq >= $1 AND seq < $2 ORDER BY seq")))
            .bind(from)
            .bind(until)
    )
}
