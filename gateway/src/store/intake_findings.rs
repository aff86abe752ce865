//! What was found in a file: faults and breaks, in the order of its lines.

use super::{Connection, StoreError};
use crate::domain::{IntakeId, Tenant};

/// A finding's row.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its number in the file, from 1.
    pub number: i64,
    /// The finding as JSON.
    pub finding: String,
}

from_row!(Row { number, finding });

/// Adds findings; what is there already, from an examination that broke off, stays as it is.
pub async fn insert(
    connection: &mut Connection,
    tenant: Tenant,
    intake: IntakeId,
    rows: &[Row],
) -> Result<(), StoreError> {
    for row in rows {
        execute!(
            connection,
            sqlx::query(
                "INSERT INTO intake_findings (institution_id, intake_id, number, finding) \
                 VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            )
            .bind(tenant.uuid())
            .bind(intake.uuid())
            .bind(row.number)
            .bind(&row.finding)
        )?;
    }
    Ok(())
}

/// Every finding that is kept, as it is written.
pub async fn all(
    connection: &mut Connection,
    tenant: Tenant,
    intake: IntakeId,
) -> Result<Vec<String>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_scalar(
            "SELECT finding FROM intake_findings WHERE institution_id = $1 AND intake_id = $2"
        )
        .bind(tenant.uuid())
        .bind(intake.uuid())
    )
}

/// The findings after a number.
pub async fn page(
    connection: &mut Connection,
    tenant: Tenant,
    intake: IntakeId,
    after: i64,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT number, finding FROM intake_findings \
             WHERE institution_id = $1 AND intake_id = $2 AND number > $3 ORDER BY number LIMIT $4",
        )
        .bind(tenant.uuid())
        .bind(intake.uuid())
        .bind(after)
        .bind(limit)
    )
}
