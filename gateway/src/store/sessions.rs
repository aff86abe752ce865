//! Sessions of people who are signed in. One is known by the hash of its id alone.

use super::{Connection, StoreError};
use crate::domain::id::UserId;

/// A session's row.
#[derive(Clone, Debug)]
pub struct Session {
    /// SHA-256 of its id.
    pub id_sha256: Vec<u8>,
    /// Whose.
    pub user_id: uuid::Uuid,
    /// When it began, in microseconds since the Unix epoch.
    pub created_at_us: i64,
    /// When it was last used, to a minute or so.
    pub seen_at_us: i64,
    /// When it ends at the latest.
    pub expires_at_us: i64,
    /// By what they signed in.
    pub factors: String,
    /// From where.
    pub address: String,
}

from_row!(Session { id_sha256, user_id, created_at_us, seen_at_us, expires_at_us, factors, address });

/// A session with whose it is.
#[derive(Clone, Debug)]
pub struct Found {
    /// Whose.
    pub user_id: uuid::Uuid,
    /// When it was last used.
    pub seen_at_us: i64,
    /// When it ends at the latest.
    pub expires_at_us: i64,
    /// By what they signed in.
    pub factors: String,
    /// Their address, by which they sign in.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Their part.
    pub role: String,
    /// Whether they have a second factor.
    pub has_totp: bool,
    /// Whose employee.
    pub institution_id: uuid::Uuid,
    /// Their home's name.
    pub home_name: String,
    /// Their home's plan.
    pub plan: String,
}

from_row!(Found {
    user_id,
    seen_at_us,
    expires_at_us,
    factors,
    email,
    name,
    role,
    has_totp,
    institution_id,
    home_name,
    plan
});

/// The session of an id, with whose it is; none if they are disabled.
pub async fn find(connection: &mut Connection, id_sha256: &[u8]) -> Result<Option<Found>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_as(
            "SELECT s.user_id, s.seen_at_us, s.expires_at_us, s.factors, u.email, u.name, u.role, \
             u.totp_salt IS NOT NULL AS has_totp, u.institution_id, i.name AS home_name, i.plan \
             FROM sessions s JOIN users u ON u.id = s.user_id JOIN institutions i ON i.id = u.institution_id \
             WHERE s.id_sha256 = $1 AND u.disabled_at_us IS NULL",
        )
        .bind(id_sha256)
    )
}

/// Begins a session.
pub async fn insert(connection: &mut Connection, row: &Session) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "INSERT INTO sessions (id_sha256, user_id, created_at_us, seen_at_us, expires_at_us, factors, address) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&row.id_sha256)
        .bind(row.user_id)
        .bind(row.created_at_us)
        .bind(row.seen_at_us)
        .bind(row.expires_at_us)
        .bind(&row.factors)
        .bind(&row.address)
    )?;
    Ok(())
}

/// Notes that a session was used.
pub async fn saw(connection: &mut Connection, id_sha256: &[u8], at_us: i64) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query("UPDATE sessions SET seen_at_us = $2 WHERE id_sha256 = $1 AND seen_at_us < $2")
            .bind(id_sha256)
            .bind(at_us)
    )?;
    Ok(())
}

/// Somebody's sessions that have not ended, the newest first.
pub async fn of(
    connection: &mut Connection,
    user: UserId,
    seen_since_us: i64,
    now_us: i64,
) -> Result<Vec<Session>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT id_sha256, user_id, created_at_us, seen_at_us, expires_at_us, factors, address \
             FROM sessions WHERE user_id = $1 AND seen_at_us > $2 AND expires_at_us > $3 \
             ORDER BY created_at_us DESC LIMIT 100",
        )
        .bind(user.uuid())
        .bind(seen_since_us)
        .bind(now_us)
    )
}

/// Ends a session, of somebody's if that is said; whether there was one.
pub async fn end(
    connection: &mut Connection,
    id_sha256: &[u8],
    user: Option<UserId>,
) -> Result<bool, StoreError> {
    let done = execute!(
        connection,
        sqlx::query("DELETE FROM sessions WHERE id_sha256 = $1 AND ($2 IS NULL OR user_id = $2)")
            .bind(id_sha256)
            .bind(user.map(|id| id.uuid()))
    )?;
    Ok(done == 1)
}

/// Ends all sessions of somebody, but for the one that they are in; how many.
pub async fn end_all(
    connection: &mut Connection,
    user: UserId,
    but: Option<&[u8]>,
) -> Result<u64, StoreError> {
    execute!(
        connection,
        sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND ($2 IS NULL OR id_sha256 <> $2)")
            .bind(user.uuid())
            .bind(but)
    )
}

/// Forgets sessions that have ended, so many at most; how many.
pub async fn sweep(connection: &mut Connection, now_us: i64, limit: i64) -> Result<u64, StoreError> {
    execute!(
        connection,
        sqlx::query(
            "DELETE FROM sessions WHERE id_sha256 IN \
             (SELECT id_sha256 FROM sessions WHERE expires_at_us < $1 ORDER BY expires_at_us LIMIT $2)",
        )
        .bind(now_us)
        .bind(limit)
    )
}
