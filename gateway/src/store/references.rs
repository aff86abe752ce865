//! Looking up many references of many institutions at once.

use sqlx::{AssertSqlSafe, FromRow, postgres::PgRow, sqlite::SqliteRow};

use super::{Connection, StoreError, engine::Link};
use crate::domain::Tenant;

/// The rows of `select` whose table `alias` has one of these references, each in its institution.
pub(super) async fn find<T>(
    connection: &mut Connection,
    wanted: &[(Tenant, &str)],
    select: &str,
    alias: &str,
) -> Result<Vec<T>, StoreError>
where
    T: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>,
{
    match connection.link() {
        // In the same process a query an institution costs little.
        Link::Sqlite(link) => {
            let sql = format!(
                "{select} WHERE {alias}.institution_id = $1 \
                 AND {alias}.reference IN (SELECT value FROM json_each($2))"
            );
            let mut found = Vec::new();
            let mut rest = wanted;
            while let Some((tenant, _)) = rest.first() {
                let same = rest.iter().take_while(|(other, _)| other == tenant).count();
                let references: Vec<&str> = rest[..same].iter().map(|(_, reference)| *reference).collect();
                let list = serde_json::to_string(&references).map_err(|e| StoreError::Encode(e.into()))?;
                let query = sqlx::query_as(AssertSqlSafe(sql.clone())).bind(tenant.uuid()).bind(list);
                found.extend(query.fetch_all(&mut *link).await?);
                rest = &rest[same..];
            }
            Ok(found)
        }
        // Over a network one trip serves all.
        Link::Postgres(link) => {
            let sql = format!(
                "{select} JOIN unnest($1::uuid[], $2::text[]) AS wanted (institution_id, reference) \
                 ON {alias}.institution_id = wanted.institution_id AND {alias}.reference = wanted.reference"
            );
            let (tenants, references): (Vec<_>, Vec<&str>) =
                wanted.iter().map(|(tenant, reference)| (tenant.uuid(), *reference)).unzip();
            sqlx::query_as(AssertSqlSafe(sql)).bind(tenants).bind(references).fetch_all(link).await
        }
    }
}
