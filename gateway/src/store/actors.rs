//! Who ids of clients and people belong to.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{Connection, StoreError, engine::Link};
use crate::domain::Tenant;

/// Somebody who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The bare id.
    pub id: Uuid,
    /// Whether it is a person; a client if not.
    pub is_person: bool,
    /// What they are called.
    pub name: String,
    /// A person's role, or a client's kind.
    pub role: String,
    /// Whose employee or client.
    pub institution_id: Uuid,
}

from_row!(Known { id, is_person, name, role, institution_id });

/// Those of some ids that are an institution's own or the provider's.
pub async fn of(
    connection: &mut Connection,
    [own, provider]: [Tenant; 2],
    ids: &[Uuid],
) -> Result<Vec<Known>, StoreError> {
    let select = |wanted: &str| {
        let whose = format!("institution_id IN ($1, $2) AND id IN ({wanted})");
        AssertSqlSafe(format!(
            "SELECT id, TRUE AS is_person, name, role, institution_id FROM users WHERE {whose} \
             UNION ALL SELECT id, FALSE, name, kind, institution_id FROM clients WHERE {whose}"
        ))
    };
    match connection.link() {
        Link::Sqlite(link) => {
            let ids: Vec<String> = ids.iter().map(|id| id.simple().to_string()).collect();
            let ids = serde_json::to_string(&ids).map_err(|e| StoreError::Encode(e.into()))?;
            let query = sqlx::query_as(select("SELECT unhex(value) FROM json_each($3)"));
            query.bind(own.uuid()).bind(provider.uuid()).bind(ids).fetch_all(link).await
        }
        Link::Postgres(link) => {
            let query = sqlx::query_as(select("SELECT unnest($3::uuid[])"));
            query.bind(own.uuid()).bind(provider.uuid()).bind(ids).fetch_all(link).await
        }
    }
}
