//! OAuth2 clients.

use super::{Connection, StoreError};
use crate::domain::id::{ClientId, InstitutionId};

/// A client's row.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Whether its tokens must be bound to a key by DPoP (RFC 9449).
    pub dpop_bound: bool,
    /// Whether its tokens must be bound to its certificate (RFC 8705).
    pub certificate_bound: bool,
    /// Networks that it may call from, separated by spaces; empty for any.
    pub allowed_addresses: String,
    /// SHA-256 of its secret of before.
    pub old_secret_sha256: Option<Vec<u8>>,
    /// Until when that one still counts, in microseconds since the Unix epoch.
    pub old_secret_until_us: Option<i64>,
    /// The other issuer that it may get its tokens from, by its name in the configuration.
    pub external_issuer: Option<String>,
    /// What that issuer's tokens call it.
    pub external_subject: Option<String>,
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
    revoked_at_us,
    dpop_bound,
    certificate_bound,
    allowed_addresses,
    old_secret_sha256,
    old_secret_until_us,
    external_issuer,
    external_subject
});

const SELECT: &str = "SELECT id, institution_id, name, kind, scopes, reach, secret_sha256, jwks, \
                      created_at_us, revoked_at_us, dpop_bound, certificate_bound, allowed_addresses, \
                      old_secret_sha256, old_secret_until_us, external_issuer, external_subject FROM clients";

/// Adds a client.
pub async fn insert(connection: &mut Connection, row: &Client) -> Result<(), StoreError> {
    execute!(connection, sqlx::query(
        "INSERT INTO clients (id, institution_id, name, kind, scopes, reach, secret_sha256, jwks, created_at_us, \
         dpop_bound, certificate_bound, allowed_addresses, external_issuer, external_subject) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(row.id)
    .bind(row.institution_id)
    .bind(&row.name)
    .bind(&row.kind)
    .bind(&row.scopes)
    .bind(&row.reach)
    .bind(row.secret_sha256.as_deref())
    .bind(row.jwks.as_deref())
    .bind(row.created_at_us)
    .bind(row.dpop_bound)
    .bind(row.certificate_bound)
    .bind(&row.allowed_addresses)
    .bind(row.external_issuer.as_deref())
    .bind(row.external_subject.as_deref()))?;
    Ok(())
}

/// Writes what can be changed of a client: its keys and secrets, what its tokens are bound to, and from
/// where it may call.
pub async fn update(connection: &mut Connection, row: &Client) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "UPDATE clients SET jwks = $2, secret_sha256 = $3, old_secret_sha256 = $4, \
             old_secret_until_us = $5, dpop_bound = $6, certificate_bound = $7, allowed_addresses = $8 \
             WHERE id = $1",
        )
        .bind(row.id)
        .bind(row.jwks.as_deref())
        .bind(row.secret_sha256.as_deref())
        .bind(row.old_secret_sha256.as_deref())
        .bind(row.old_secret_until_us)
        .bind(row.dpop_bound)
        .bind(row.certificate_bound)
        .bind(&row.allowed_addresses)
    )?;
    Ok(())
}

/// The client that another issuer knows by this name, if it is not revoked.
pub async fn by_external(
    connection: &mut Connection,
    issuer: &str,
    subject: &str,
) -> Result<Option<Client>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "{SELECT} WHERE external_issuer = $1 AND external_subject = $2 AND revoked_at_us IS NULL"
        )))
        .bind(issuer)
        .bind(subject)
    )
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
