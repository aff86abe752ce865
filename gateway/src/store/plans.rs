//! Rate-limit tiers.

use super::{Connection, StoreError};

/// A plan: what a client, and all clients of an institution together, may ask for.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// Units a second that a client gets back.
    pub client_per_second: u32,
    /// Units that a client may spend at once.
    pub client_burst: u32,
    /// Units a second that an institution gets back.
    pub institution_per_second: u32,
    /// Units that an institution may spend at once.
    pub institution_burst: u32,
}

from_row!(Plan { name, client_per_second, client_burst, institution_per_second, institution_burst });

/// Every plan, by name.
pub async fn list(connection: &mut Connection) -> Result<Vec<Plan>, StoreError> {
    sqlx::query_as(
        "SELECT name, client_per_second, client_burst, institution_per_second, institution_burst \
         FROM plans ORDER BY name",
    )
    .fetch_all(connection)
    .await
}

/// Makes or changes a plan.
pub async fn put(connection: &mut Connection, plan: &Plan) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO plans (name, client_per_second, client_burst, institution_per_second, institution_burst) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO UPDATE SET client_per_second = $2, \
         client_burst = $3, institution_per_second = $4, institution_burst = $5",
    )
    .bind(&plan.name)
    .bind(plan.client_per_second)
    .bind(plan.client_burst)
    .bind(plan.institution_per_second)
    .bind(plan.institution_burst)
    .execute(connection)
    .await?;
    Ok(())
}
