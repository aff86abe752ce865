//! Statements that were delivered: with which balance each ended.

use super::{Connection, StoreError};
use crate::domain::{IntakeId, Tenant};

/// A statement's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number in the file, from 1.
    pub number: i64,
    /// The account's reference.
    pub account: String,
    /// The statement's own id.
    pub statement: String,
    /// ISO 4217 alphabetic code.
    pub currency: String,
    /// The closing balance in minor units, below nought when overdrawn.
    pub closing_minor: i64,
    /// The day of the closing balance, `YYYY-MM-DD`.
    pub closing_date: String,
}

from_row!(Row { number, account, statement, currency, closing_minor, closing_date });

/// Adds statements; what is there already stays as it is.
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
                "INSERT INTO statements (institution_id, intake_id, number, account, statement, currency, \
                 closing_minor, closing_date) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
            )
            .bind(tenant.uuid())
            .bind(intake.uuid())
            .bind(row.number)
            .bind(&row.account)
            .bind(&row.statement)
            .bind(&row.currency)
            .bind(row.closing_minor)
            .bind(&row.closing_date)
        )?;
    }
    Ok(())
}

/// The latest statement of an account, other than `statement`, that ended on a day or before it.
pub async fn last_before(
    connection: &mut Connection,
    tenant: Tenant,
    (account, currency, statement): (&str, &str, &str),
    day: &str,
) -> Result<Option<Row>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_as(
            "SELECT number, account, statement, currency, closing_minor, closing_date FROM statements \
             WHERE institution_id = $1 AND account = $2 AND currency = $3 AND statement <> $4 \
               AND closing_date <= $5 ORDER BY closing_date DESC, intake_id DESC, number DESC LIMIT 1",
        )
        .bind(tenant.uuid())
        .bind(account)
        .bind(currency)
        .bind(statement)
        .bind(day)
    )
}
