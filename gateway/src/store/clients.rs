//! OAuth2 clients.

use super::{Connection, StoreError};
use crate::domain::id::{ClientId, InstitutionId};

/// A client's row.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its id, which is its OAuth2 `client_id`.
    pub id: uuid::Uuid,
    /// Whose client it is.
    pub institution_id: uuid::Uuid,
    /// What its owner calls it.
    pub name: String,
    /// `system`, `feeder` or `operator`.
    pub kind: String,
    /// Scopes, separated by spaces.
    pub scopes: String,
    /// `own`, `all`, or institution ids separated by spaces.
    pub reach: String,
    /// SHA-256 of its secret, when it has one.
    pub secret_sha256: Option<Vec<u8>>,
    /// Its public keys as a JWK set (RFC 7517), when it has any.
    pub jwks: Option<String>,
    /// When it was made, in microseconds since the Unix epoch.
    pub created_at_us: i64,
    /// When it was revoked.
    pub revoked_at_us: Option<i64>,
}

from_row!(Client {
    id,
    institution_id,
    name,
    kind,
    scopes,
    reach,
    secret_sha256,
    jwks,
    created_at_us,
    revoked_at_us
});

const SELECT: &str = "SELECT id, institution_id, name, kind, scopes, reach, secret_sha256, jwks, \
                      created_at_us, revoked_at_us FROM clients";

/// Adds a client.
pub async fn insert(connection: &mut Connection, row: &Client) -> Result<(), StoreError> {
    execute!(connection, sqlx::query(
        "INSERT INTO clients (id, institution_id, name, kind, scopes, reach, secret_sha256, jwks, created_at_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(row.id)
    .bind(row.institution_id)
    .bind(&row.name)
    .bind(&row.kind)
    .bind(&row.scopes)
    .bind(&row.reach)
    .bind(row.secret_sha256.as_deref())
    .bind(row.jwks.as_deref())
    .bind(row.created_at_us))?;
    Ok(())
}

/// One client, revoked ones included.
pub async fn get(connection: &mut Connection, id: ClientId) -> Result<Option<Client>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} WHERE id = $1"))).bind(id.uuid())
    )
}

/// An institution's clients with an id above `after`, by id.
pub async fn page(
    connection: &mut Connection,
    institution: InstitutionId,
    after: Option<ClientId>,
    limit: i64,
) -> Result<Vec<Client>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "{SELECT} WHERE institution_id = $1 AND ($2 IS NULL OR id > $2) ORDER BY id LIMIT $3"
        )))
        .bind(institution.uuid())
        .bind(after.map(|id| id.uuid()))
        .bind(limit)
    )
}

/// Revokes a client; whether it was there and not revoked before.
pub async fn revoke(connection: &mut Connection, id: ClientId, at_us: i64) -> Result<bool, StoreError> {
    let done = execute!(
        connection,
        sqlx::query("UPDATE clients SET revoked_at_us = $2 WHERE id = $1 AND revoked_at_us IS NULL")
            .bind(id.uuid())
            .bind(at_us)
    )?;
    Ok(done == 1)
}
