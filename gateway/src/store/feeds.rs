//! Feeds: who delivers files for an institution, in which format, and how lately.
//!
//! What is delivered record by record names nobody but the request; of it the newest record is known, by
//! institution.

use std::collections::HashMap;

use super::{Connection, StoreError};
use crate::domain::Tenant;

/// Feeds of an institution that are told at most.
const FEEDS_MAX: usize = 100;

/// When the newest transaction, or the newest version of one, was stored, in microseconds since the Unix epoch: of
/// each institution from one to another by id, both included, that has any.
pub async fn newest(
    connection: &mut Connection,
    first: Tenant,
    last: Tenant,
) -> Result<HashMap<uuid::Uuid, i64>, StoreError> {
    let rows: Vec<(uuid::Uuid, Option<i64>)> = fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT i.id, (SELECT e.at_us FROM entries e WHERE e.institution_id = i.id AND e.seq = \
              (SELECT t.seq FROM transactions t WHERE t.institution_id = i.id ORDER BY t.seq DESC LIMIT 1)) \
             FROM institutions i WHERE i.id >= $1 AND i.id <= $2",
        )
        .bind(first.uuid())
        .bind(last.uuid())
    )?;
    Ok(rows.into_iter().filter_map(|(id, at_us)| Some((id, at_us?))).collect())
}

/// A feed: its newest file, and what came by it lately.
#[derive(Clone, Debug)]
pub struct Feed {
    /// Who delivers: a client's id, or the service itself.
    pub actor: String,
    /// The format's name.
    pub format: String,
    /// The newest file's intake.
    pub id: uuid::Uuid,
    /// Its state.
    pub state: String,
    /// When it began, in microseconds since the Unix epoch.
    pub created_at_us: i64,
    /// When it ended.
    pub finished_at_us: Option<i64>,
    /// Records in it.
    pub records: i64,
    /// Records that it added.
    pub added: i64,
    /// Faults in it.
    pub faults: i64,
    /// Files since the time that was asked about.
    pub lately: i64,
    /// Records that they added.
    pub lately_added: i64,
}

from_row!(Feed {
    actor,
    format,
    id,
    state,
    created_at_us,
    finished_at_us,
    records,
    added,
    faults,
    lately,
    lately_added
});

/// An institution's feeds. It goes from one to the next in their index, and so reads no file but the newest of
/// each and those since `since_us`.
pub async fn of(connection: &mut Connection, tenant: Tenant, since_us: i64) -> Result<Vec<Feed>, StoreError> {
    let mut feeds: Vec<Feed> = Vec::new();
    while feeds.len() < FEEDS_MAX {
        let (actor, format) =
            feeds.last().map_or(("", ""), |last| (last.actor.as_str(), last.format.as_str()));
        let Some((actor, format)) = next(connection, tenant, actor, format).await? else { break };
        let feed: Option<Feed> = fetch_optional!(
            connection,
            sqlx::query_as(FEED).bind(tenant.uuid()).bind(&actor).bind(&format).bind(since_us)
        )?;
        let Some(feed) = feed else { break };
        feeds.push(feed);
    }
    Ok(feeds)
}

/// Who comes after these, and by which format.
async fn next(
    connection: &mut Connection,
    tenant: Tenant,
    actor: &str,
    format: &str,
) -> Result<Option<(String, String)>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_as(
            "SELECT actor, format FROM intakes WHERE institution_id = $1 AND dry_run = 0 AND seq IS NOT NULL \
             AND (actor, format) > ($2, $3) ORDER BY actor, format LIMIT 1",
        )
        .bind(tenant.uuid())
        .bind(actor)
        .bind(format)
    )
}

const FEED: &str = "SELECT actor, format, id, state, created_at_us, finished_at_us, records, added, faults, \
     (SELECT count(*) FROM intakes i WHERE i.institution_id = $1 AND i.dry_run = 0 AND i.seq IS NOT NULL \
      AND i.actor = $2 AND i.format = $3 AND i.created_at_us >= $4) AS lately, \
     (SELECT CAST(coalesce(sum(i.added), 0) AS BIGINT) FROM intakes i WHERE i.institution_id = $1 \
      AND i.dry_run = 0 AND i.seq IS NOT NULL AND i.actor = $2 AND i.format = $3 \
      AND i.created_at_us >= $4) AS lately_added \
     FROM intakes WHERE institution_id = $1 AND dry_run = 0 AND seq IS NOT NULL AND actor = $2 AND format = $3 \
     ORDER BY created_at_us DESC LIMIT 1";
