//! Institutions, and the provider itself, which has a log of its own.

use super::{Connection, StoreError};
use crate::domain::id::InstitutionId;

/// An institution's row.
#[derive(Clone, Debug)]
pub struct Institution {
    /// Its id.
    pub id: uuid::Uuid,
    /// Its name.
    pub name: String,
    /// `institution` or `provider`.
    pub role: String,
    /// The plan whose limits it has.
    pub plan: String,
    /// When it was onboarded, in microseconds since the Unix epoch.
    pub created_at_us: i64,
}

from_row!(Institution { id, name, role, plan, created_at_us });

const SELECT: &str = "SELECT id, name, role, plan, created_at_us FROM institutions";

/// Adds an institution.
pub async fn insert(connection: &mut Connection, row: &Institution) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "INSERT INTO institutions (id, name, role, plan, created_at_us) VALUES ($1, $2, $3, $4, $5)"
        )
        .bind(row.id)
        .bind(&row.name)
        .bind(&row.role)
        .bind(&row.plan)
        .bind(row.created_at_us)
    )?;
    Ok(())
}

/// Moves an institution to another plan; whether there was such an institution.
pub async fn set_plan(
    connection: &mut Connection,
    id: InstitutionId,
    plan: &str,
) -> Result<bool, StoreError> {
    let done = execute!(
        connection,
        sqlx::query("UPDATE institutions SET plan = $2 WHERE id = $1").bind(id.uuid()).bind(plan)
    )?;
    Ok(done == 1)
}

/// One institution.
pub async fn get(connection: &mut Connection, id: InstitutionId) -> Result<Option<Institution>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} WHERE id = $1"))).bind(id.uuid())
    )
}

/// The provider, once it has been set up.
pub async fn provider(connection: &mut Connection) -> Result<Option<InstitutionId>, StoreError> {
    let id: Option<uuid::Uuid> = fetch_optional!(
        connection,
        sqlx::query_scalar("SELECT id FROM institutions WHERE role = 'provider'")
    )?;
    Ok(id.map(InstitutionId::from_uuid))
}

/// Every institution, the provider included.
pub async fn all(connection: &mut Connection) -> Result<Vec<InstitutionId>, StoreError> {
    let ids: Vec<uuid::Uuid> =
        fetch_all!(connection, sqlx::query_scalar("SELECT id FROM institutions ORDER BY id"))?;
    Ok(ids.into_iter().map(InstitutionId::from_uuid).collect())
}

/// Institutions with an id above `after`, by id; the provider is not one of them.
pub async fn page(
    connection: &mut Connection,
    after: Option<InstitutionId>,
    limit: i64,
) -> Result<Vec<Institution>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "{SELECT} WHERE role = 'institution' AND ($1 IS NULL OR id > $1) ORDER BY id LIMIT $2"
        )))
        .bind(after.map(|id| id.uuid()))
        .bind(limit)
    )
}
