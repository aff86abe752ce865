//! What must not be used again: client assertions, DPoP proofs, and access tokens that were revoked.

use sqlx::AssertSqlSafe;

use super::{Connection, StoreError};
use crate::domain::id::ClientId;

/// Uses up an assertion's `jti`; `false` when it was used before.
pub async fn use_assertion(
    connection: &mut Connection,
    client: ClientId,
    jti: &str,
    expires_at_us: i64,
) -> Result<bool, StoreError> {
    let done = execute!(
        connection,
        sqlx::query(
            "INSERT INTO assertions (client_id, jti, expires_at_us) VALUES ($1, $2, $3) \
         ON CONFLICT (client_id, jti) DO NOTHING",
        )
        .bind(client.uuid())
        .bind(jti)
        .bind(expires_at_us)
    )?;
    Ok(done == 1)
}

/// Uses up a DPoP proof; `false` when it was used before.
pub async fn use_proof(
    connection: &mut Connection,
    proof: [u8; 32],
    expires_at_us: i64,
) -> Result<bool, StoreError> {
    let done = execute!(
        connection,
        sqlx::query(
            "INSERT INTO dpop_proofs (proof, expires_at_us) VALUES ($1, $2) ON CONFLICT (proof) DO NOTHING",
        )
        .bind(proof.as_slice())
        .bind(expires_at_us)
    )?;
    Ok(done == 1)
}

/// Revokes an access token until it would have expired anyway.
pub async fn revoke(connection: &mut Connection, jti: &str, expires_at_us: i64) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "INSERT INTO revoked_tokens (jti, expires_at_us) VALUES ($1, $2) ON CONFLICT (jti) DO NOTHING",
        )
        .bind(jti)
        .bind(expires_at_us)
    )?;
    Ok(())
}

/// Whether an access token was revoked.
pub async fn is_revoked(connection: &mut Connection, jti: &str) -> Result<bool, StoreError> {
    let found: Option<i64> = fetch_optional!(
        connection,
        sqlx::query_scalar("SELECT expires_at_us FROM revoked_tokens WHERE jti = $1").bind(jti)
    )?;
    Ok(found.is_some())
}

/// Forgets what has expired, so many rows of a table at most; how many of the one that had most.
pub async fn sweep(connection: &mut Connection, now_us: i64, limit: i64) -> Result<u64, StoreError> {
    let mut most = 0;
    for (table, key) in
        [("assertions", "client_id, jti"), ("dpop_proofs", "proof"), ("revoked_tokens", "jti")]
    {
        let sql = format!(
            "DELETE FROM {table} WHERE ({key}) IN \
             (SELECT {key} FROM {table} WHERE expires_at_us < $1 ORDER BY expires_at_us LIMIT $2)"
        );
        most =
            most.max(execute!(connection, sqlx::query(AssertSqlSafe(sql.clone())).bind(now_us).bind(limit))?);
    }
    Ok(most)
}
