//! Grants: what regulators may see of an institution, until when.

use super::{Connection, StoreError};
use crate::domain::{
    Tenant,
    id::{GrantId, UserId},
};

/// Grants of a person that are looked at: the ones that end first. Each institution bounds its own.
const HELD_MAX: i64 = 1_000;

/// A grant's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: uuid::Uuid,
    /// The entry that made it.
    pub seq: i64,
    /// The entry that revoked it.
    pub revoked_seq: Option<i64>,
    /// The regulator.
    pub user_id: uuid::Uuid,
    /// By which they signed in when it was made.
    pub email: String,
    /// What they may see, with spaces between the scopes.
    pub scopes: String,
    /// What for.
    pub purpose: String,
    /// From when, in microseconds since the Unix epoch.
    pub from_us: i64,
    /// Until when.
    pub until_us: i64,
    /// Who made it.
    pub made_by: String,
    /// When it was made.
    pub created_at_us: i64,
    /// Who revoked it.
    pub revoked_by: Option<String>,
    /// When it was revoked.
    pub revoked_at_us: Option<i64>,
    /// Why it was revoked.
    pub reason: Option<String>,
}

from_row!(Grant {
    id,
    seq,
    revoked_seq,
    user_id,
    email,
    scopes,
    purpose,
    from_us,
    until_us,
    made_by,
    created_at_us,
    revoked_by,
    revoked_at_us,
    reason
});

impl Grant {
    /// It as it stood at an entry: what was revoked later was not revoked.
    #[must_use]
    pub fn at(self, seq: i64) -> Self {
        if self.revoked_seq.is_none_or(|revoked| revoked <= seq) {
            return self;
        }
        Self { revoked_seq: None, revoked_by: None, revoked_at_us: None, reason: None, ..self }
    }
}

/// A grant as the regulator has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its id.
    pub id: uuid::Uuid,
    /// Whose data it is about.
    pub institution_id: uuid::Uuid,
    /// That institution's name.
    pub institution_name: String,
    /// What they may see, with spaces between the scopes.
    pub scopes: String,
    /// What for.
    pub purpose: String,
    /// From when, in microseconds since the Unix epoch.
    pub from_us: i64,
    /// Until when.
    pub until_us: i64,
}

from_row!(Held { id, institution_id, institution_name, scopes, purpose, from_us, until_us });

/// A grant to be made.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// Its id.
    pub id: GrantId,
    /// The regulator.
    pub user: UserId,
    /// By which they sign in.
    pub email: String,
    /// What they may see, with spaces between the scopes.
    pub scopes: String,
    /// What for.
    pub purpose: String,
    /// From when, in microseconds since the Unix epoch.
    pub from_us: i64,
    /// Until when.
    pub until_us: i64,
    /// Who makes it.
    pub made_by: String,
}

const SELECT: &str = "SELECT id, seq, revoked_seq, user_id, email, scopes, purpose, from_us, until_us, made_by, \
                      created_at_us, revoked_by, revoked_at_us, reason FROM grants WHERE institution_id = $1";

/// Adds a grant.
pub async fn insert(
    connection: &mut Connection,
    tenant: Tenant,
    new: &NewGrant,
    seq: i64,
    now_us: i64,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "INSERT INTO grants (institution_id, id, seq, user_id, email, scopes, purpose, from_us, until_us, \
             made_by, created_at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(tenant.uuid())
        .bind(new.id.uuid())
        .bind(seq)
        .bind(new.user.uuid())
        .bind(&new.email)
        .bind(&new.scopes)
        .bind(&new.purpose)
        .bind(new.from_us)
        .bind(new.until_us)
        .bind(&new.made_by)
        .bind(now_us)
    )?;
    Ok(())
}

/// Revokes a grant that has neither been revoked nor ended; `false` when there is no such one.
pub async fn revoke(
    connection: &mut Connection,
    tenant: Tenant,
    id: GrantId,
    (seq, by, reason): (i64, &str, &str),
    now_us: i64,
) -> Result<bool, StoreError> {
    let done = execute!(
        connection,
        sqlx::query(
            "UPDATE grants SET revoked_seq = $3, revoked_by = $4, reason = $5, revoked_at_us = $6 \
             WHERE institution_id = $1 AND id = $2 AND revoked_seq IS NULL AND until_us > $6",
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
        .bind(seq)
        .bind(by)
        .bind(reason)
        .bind(now_us)
    )?;
    Ok(done > 0)
}

/// One grant.
pub async fn get(
    connection: &mut Connection,
    tenant: Tenant,
    id: GrantId,
) -> Result<Option<Grant>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} AND id = $2")))
            .bind(tenant.uuid())
            .bind(id.uuid())
    )
}

/// An institution's grants up to an entry and before another one, the newest first.
pub async fn page(
    connection: &mut Connection,
    tenant: Tenant,
    as_of: i64,
    before: i64,
    limit: i64,
) -> Result<Vec<Grant>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "{SELECT} AND seq <= $2 AND seq < $3 ORDER BY seq DESC LIMIT $4"
        )))
        .bind(tenant.uuid())
        .bind(as_of)
        .bind(before)
        .bind(limit)
    )
}

/// How many grants of an institution have not ended.
pub async fn count(connection: &mut Connection, tenant: Tenant, now_us: i64) -> Result<i64, StoreError> {
    fetch_one!(
        connection,
        sqlx::query_scalar(
            "SELECT count(*) FROM grants WHERE institution_id = $1 AND until_us > $2 AND revoked_seq IS NULL"
        )
        .bind(tenant.uuid())
        .bind(now_us)
    )
}

/// The grants made or revoked by a range of entries.
pub async fn stored(
    connection: &mut Connection,
    tenant: Tenant,
    from: i64,
    until: i64,
) -> Result<Vec<Grant>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "{SELECT} AND ((seq >= $2 AND seq < $3) OR (revoked_seq >= $2 AND revoked_seq < $3))"
        )))
        .bind(tenant.uuid())
        .bind(from)
        .bind(until)
    )
}

/// What a person has been granted and has not ended, of one institution or of all that the reader sees: what ends
/// first comes first. The provider's own log is nobody's to grant.
pub async fn held(
    connection: &mut Connection,
    of: Option<Tenant>,
    user: UserId,
    now_us: i64,
) -> Result<Vec<Held>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT g.id, g.institution_id, i.name AS institution_name, g.scopes, g.purpose, g.from_us, g.until_us \
             FROM grants g JOIN institutions i ON i.id = g.institution_id AND i.role = 'institution' \
             WHERE g.user_id = $1 AND g.until_us > $2 AND g.revoked_seq IS NULL \
             AND ($3 IS NULL OR g.institution_id = $3) ORDER BY g.until_us, g.id LIMIT $4",
        )
        .bind(user.uuid())
        .bind(now_us)
        .bind(of.map(Tenant::uuid))
        .bind(HELD_MAX)
    )
}

/// The regulator who signs in by an e-mail address, in lower case; nobody who is disabled.
pub async fn regulator(connection: &mut Connection, email: &str) -> Result<Option<UserId>, StoreError> {
    let id: Option<uuid::Uuid> = fetch_optional!(
        connection,
        sqlx::query_scalar(
            "SELECT id FROM users WHERE email = $1 AND role = 'regulator' AND disabled_at_us IS NULL"
        )
        .bind(email)
    )?;
    Ok(id.map(UserId::from_uuid))
}
