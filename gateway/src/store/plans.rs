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

/// A plan as it is stored: neither engine has unsigned numbers of 32 bits.
struct Stored {
    name: String,
    client_per_second: i64,
    client_burst: i64,
    institution_per_second: i64,
    institution_burst: i64,
}

from_row!(Stored { name, client_per_second, client_burst, institution_per_second, institution_burst });

impl From<Stored> for Plan {
    fn from(row: Stored) -> Self {
        let unsigned = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            name: row.name,
            client_per_second: unsigned(row.client_per_second),
            client_burst: unsigned(row.client_burst),
            institution_per_second: unsigned(row.institution_per_second),
            institution_burst: unsigned(row.institution_burst),
        }
    }
}

/// Every plan, by name.
pub async fn list(connection: &mut Connection) -> Result<Vec<Plan>, StoreError> {
    let rows: Vec<Stored> = fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT name, client_per_second, client_burst, institution_per_second, institution_burst \
             FROM plans ORDER BY name",
        )
    )?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Makes or changes a plan.
pub async fn put(connection: &mut Connection, plan: &Plan) -> Result<(), StoreError> {
    execute!(connection, sqlx::query(
        "INSERT INTO plans (name, client_per_second, client_burst, institution_per_second, institution_burst) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO UPDATE SET client_per_second = $2, \
         client_burst = $3, institution_per_second = $4, institution_burst = $5",
    )
    .bind(&plan.name)
    .bind(i64::from(plan.client_per_second))
    .bind(i64::from(plan.client_burst))
    .bind(i64::from(plan.institution_per_second))
    .bind(i64::from(plan.institution_burst)))?;
    Ok(())
}
