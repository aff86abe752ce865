//! What the columns of a feeder's tables mean, by name.

use super::{Connection, StoreError};
use crate::domain::Tenant;

/// Sets a mapping, in place of an earlier one of its name.
pub async fn put(
    connection: &mut Connection,
    tenant: Tenant,
    (name, mapping): (&str, &str),
    seq: i64,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "INSERT INTO intake_mappings (institution_id, name, mapping, seq) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (institution_id, name) DO UPDATE SET mapping = excluded.mapping, seq = excluded.seq",
        )
        .bind(tenant.uuid())
        .bind(name)
        .bind(mapping)
        .bind(seq)
    )?;
    Ok(())
}

/// A mapping in TOML.
pub async fn get(
    connection: &mut Connection,
    tenant: Tenant,
    name: &str,
) -> Result<Option<String>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_scalar("SELECT mapping FROM intake_mappings WHERE institution_id = $1 AND name = $2")
            .bind(tenant.uuid())
            .bind(name)
    )
}
