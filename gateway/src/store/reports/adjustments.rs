//! Adjustments: amounts that one person adds to a figure by hand, and another approves.

use uuid::Uuid;

use super::super::{Connection, StoreError, select::Select};
use crate::domain::{
    Tenant,
    id::{AdjustmentId, ReportId},
};

/// An adjustment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdjustmentRow {
    /// Its id.
    pub id: Uuid,
    /// The entry that proposed it.
    pub seq: i64,
    /// The entry that approved or declined it.
    pub decided_seq: Option<i64>,
    /// The figure's name.
    pub figure: String,
    /// The figure's unit.
    pub unit: String,
    /// What it adds, in the smallest unit.
    pub amount: i64,
    /// Why.
    pub reason: String,
    /// Who proposed it.
    pub actor: String,
    /// Who approved or declined it.
    pub decided_by: Option<String>,
    /// `proposed`, `approved` or `declined`.
    pub state: String,
    /// When it was proposed.
    pub created_at_us: i64,
    /// When it was approved or declined.
    pub decided_at_us: Option<i64>,
}

from_row!(AdjustmentRow {
    id,
    seq,
    decided_seq,
    figure,
    unit,
    amount,
    reason,
    actor,
    decided_by,
    state,
    created_at_us,
    decided_at_us
});

impl AdjustmentRow {
    /// It as it stood at an entry: what was decided later was not decided.
    #[must_use]
    pub fn at(self, seq: i64) -> Self {
        if self.decided_seq.is_none_or(|decided| decided <= seq) {
            return self;
        }
        let state = "proposed".to_owned();
        Self { state, decided_seq: None, decided_by: None, decided_at_us: None, ..self }
    }
}

/// An adjustment to be proposed.
#[derive(Clone, Debug)]
pub struct NewAdjustment {
    /// Its id.
    pub id: AdjustmentId,
    /// Its report.
    pub report: ReportId,
    /// The figure's name.
    pub figure: String,
    /// The figure's unit.
    pub unit: String,
    /// What it adds, in the smallest unit.
    pub amount: i64,
    /// Why.
    pub reason: String,
    /// Who proposes it.
    pub actor: String,
}

const COLUMNS: &str = "SELECT id, seq, decided_seq, figure, unit, amount, reason, actor, decided_by, state, \
                       created_at_us, decided_at_us FROM report_adjustments";

/// Adds an adjustment.
pub async fn propose(
    connection: &mut Connection,
    tenant: Tenant,
    seq: i64,
    new: NewAdjustment,
    now_us: i64,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "INSERT INTO report_adjustments (institution_id, id, report_id, seq, figure, unit, amount, reason, actor, \
             state, created_at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'proposed', $10)"
        )
        .bind(tenant.uuid())
        .bind(new.id.uuid())
        .bind(new.report.uuid())
        .bind(seq)
        .bind(new.figure)
        .bind(new.unit)
        .bind(new.amount)
        .bind(new.reason)
        .bind(new.actor)
        .bind(now_us)
    )?;
    Ok(())
}

/// Approves or declines an adjustment by somebody else than who proposed it; how many rows that concerns.
pub async fn decide(
    connection: &mut Connection,
    tenant: Tenant,
    id: AdjustmentId,
    (seq, by, state): (i64, &str, &'static str),
    now_us: i64,
) -> Result<u64, StoreError> {
    execute!(
        connection,
        sqlx::query(
            "UPDATE report_adjustments SET decided_seq = $3, decided_by = $4, state = $5, decided_at_us = $6 \
             WHERE institution_id = $1 AND id = $2 AND state = 'proposed' AND actor <> $4"
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
        .bind(seq)
        .bind(by)
        .bind(state)
        .bind(now_us)
    )
}

/// An adjustment of a report.
pub async fn get(
    connection: &mut Connection,
    tenant: Tenant,
    report: ReportId,
    id: AdjustmentId,
) -> Result<Option<AdjustmentRow>, StoreError> {
    let mut sql = Select::new(COLUMNS);
    sql.push(" WHERE institution_id = ").bind(tenant.uuid()).push(" AND id = ").bind(id.uuid());
    sql.push(" AND report_id = ").bind(report.uuid());
    Ok(sql.fetch_all(connection).await?.into_iter().next())
}

/// A report's adjustments, oldest first, after an entry.
pub async fn page(
    connection: &mut Connection,
    tenant: Tenant,
    report: ReportId,
    after: i64,
    limit: i64,
) -> Result<Vec<AdjustmentRow>, StoreError> {
    let mut sql = Select::new(COLUMNS);
    sql.push(" WHERE institution_id = ").bind(tenant.uuid()).push(" AND report_id = ").bind(report.uuid());
    sql.push(" AND seq > ").bind(after).push(" ORDER BY seq LIMIT ").bind(limit);
    sql.fetch_all(connection).await
}

/// A report's adjustments that were approved up to an entry, in the order of their approval.
pub async fn approved(
    connection: &mut Connection,
    tenant: Tenant,
    report: ReportId,
    as_of: i64,
) -> Result<Vec<AdjustmentRow>, StoreError> {
    let mut sql = Select::new(COLUMNS);
    sql.push(" WHERE institution_id = ").bind(tenant.uuid()).push(" AND report_id = ").bind(report.uuid());
    sql.push(" AND state = 'approved' AND decided_seq <= ").bind(as_of).push(" ORDER BY decided_seq");
    sql.fetch_all(connection).await
}
