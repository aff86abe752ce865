//! Schedules: which report is ordered next, and when.
//!
//! What is due is ordered in the transaction that moves the schedule on to its next period, and only if it still
//! stands where whoever orders it saw it: of several processes, one orders a period's report.

use uuid::Uuid;

use super::super::{Connection, StoreError, select::Select};
use crate::domain::{
    Tenant,
    id::{InstitutionId, ReportId, ScheduleId},
};

/// A schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Its id.
    pub id: Uuid,
    /// The entry that set it up.
    pub seq: i64,
    /// The entry that ended it.
    pub ended_seq: Option<i64>,
    /// The reports' type.
    pub kind: String,
    /// A JSON object with its members in order.
    pub parameters: String,
    /// How long the periods are.
    pub rhythm: String,
    /// How many days after a period's end its report is made.
    pub after_days: i64,
    /// At which hour of the day, UTC.
    pub hour: i64,
    /// The first period.
    pub first_period: String,
    /// The next one.
    pub next_period: String,
    /// When its report is due.
    pub due_at_us: i64,
    /// The last period.
    pub last_period: Option<String>,
    /// When its report was ordered, or could not be.
    pub last_at_us: Option<i64>,
    /// The report.
    pub last_report_id: Option<Uuid>,
    /// Why it was not ordered.
    pub last_code: Option<String>,
    /// What the report's first version is.
    pub last_state: Option<String>,
    /// When it was set up.
    pub created_at_us: i64,
    /// When it was ended.
    pub ended_at_us: Option<i64>,
}

from_row!(Schedule {
    id,
    seq,
    ended_seq,
    kind,
    parameters,
    rhythm,
    after_days,
    hour,
    first_period,
    next_period,
    due_at_us,
    last_period,
    last_at_us,
    last_report_id,
    last_code,
    last_state,
    created_at_us,
    ended_at_us
});

/// A schedule that is to be set up.
#[derive(Clone, Debug)]
pub struct NewSchedule {
    /// Its id.
    pub id: ScheduleId,
    /// The reports' type.
    pub kind: String,
    /// A JSON object with its members in order.
    pub parameters: String,
    /// How long the periods are.
    pub rhythm: &'static str,
    /// How many days after a period's end its report is made.
    pub after_days: i64,
    /// At which hour of the day, UTC.
    pub hour: i64,
    /// The first period.
    pub first_period: String,
    /// When its report is due.
    pub due_at_us: i64,
}

/// A period that is dealt with, and the one after it.
#[derive(Clone, Debug)]
pub struct Step {
    /// The schedule.
    pub id: ScheduleId,
    /// The period.
    pub period: String,
    /// The period after it.
    pub next_period: String,
    /// When the report of that one is due.
    pub due_at_us: i64,
}

const SCHEDULE: &str = "SELECT s.id, s.seq, s.ended_seq, s.type AS kind, s.parameters, s.rhythm, s.after_days, s.hour, \
                        s.first_period, s.next_period, s.due_at_us, s.last_period, s.last_at_us, s.last_report_id, \
                        s.last_code, v.state AS last_state, s.created_at_us, s.ended_at_us \
                        FROM report_schedules s LEFT JOIN report_versions v \
                        ON v.institution_id = s.institution_id AND v.report_id = s.last_report_id AND v.n = 1 \
                        WHERE s.institution_id = ";

/// Adds a schedule.
pub async fn insert(
    connection: &mut Connection,
    tenant: Tenant,
    seq: i64,
    new: NewSchedule,
    now_us: i64,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "INSERT INTO report_schedules (institution_id, id, seq, type, parameters, rhythm, after_days, hour, \
             first_period, next_period, due_at_us, created_at_us) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11)"
        )
        .bind(tenant.uuid())
        .bind(new.id.uuid())
        .bind(seq)
        .bind(new.kind)
        .bind(new.parameters)
        .bind(new.rhythm)
        .bind(new.after_days)
        .bind(new.hour)
        .bind(new.first_period)
        .bind(new.due_at_us)
        .bind(now_us)
    )?;
    Ok(())
}

/// A schedule.
pub async fn get(
    connection: &mut Connection,
    tenant: Tenant,
    id: ScheduleId,
) -> Result<Option<Schedule>, StoreError> {
    let mut sql = Select::new(SCHEDULE);
    sql.bind(tenant.uuid()).push(" AND s.id = ").bind(id.uuid());
    Ok(sql.fetch_all(connection).await?.into_iter().next())
}

/// Schedules that were set up up to seq `snapshot` and before seq `before`, newest first.
pub async fn page(
    connection: &mut Connection,
    tenant: Tenant,
    snapshot: i64,
    before: i64,
    limit: i64,
) -> Result<Vec<Schedule>, StoreError> {
    let mut sql = Select::new(SCHEDULE);
    sql.bind(tenant.uuid()).push(" AND s.seq <= ").bind(snapshot).push(" AND s.seq < ").bind(before);
    sql.push(" ORDER BY s.seq DESC LIMIT ").bind(limit);
    sql.fetch_all(connection).await
}

/// Schedules that are not ended: there are few.
pub async fn active(connection: &mut Connection, tenant: Tenant) -> Result<Vec<Schedule>, StoreError> {
    let mut sql = Select::new(SCHEDULE);
    sql.bind(tenant.uuid()).push(" AND s.ended_seq IS NULL");
    sql.fetch_all(connection).await
}

/// Schedules, of all institutions that the reader sees, by which a report is due; the longest due first.
pub async fn due(
    connection: &mut Connection,
    now_us: i64,
) -> Result<Vec<(InstitutionId, ScheduleId)>, StoreError> {
    let rows: Vec<(Uuid, Uuid)> = fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT institution_id, id FROM report_schedules \
             WHERE ended_seq IS NULL AND due_at_us <= $1 ORDER BY due_at_us"
        )
        .bind(now_us)
    )?;
    let found = |(institution, id)| (InstitutionId::from_uuid(institution), ScheduleId::from_uuid(id));
    Ok(rows.into_iter().map(found).collect())
}

/// Whether a schedule goes on, and this period is its next.
pub async fn stands(connection: &mut Connection, tenant: Tenant, step: &Step) -> Result<bool, StoreError> {
    let found: Option<i64> = fetch_optional!(
        connection,
        sqlx::query_scalar(
            "SELECT seq FROM report_schedules \
             WHERE institution_id = $1 AND id = $2 AND next_period = $3 AND ended_seq IS NULL"
        )
        .bind(tenant.uuid())
        .bind(step.id.uuid())
        .bind(&step.period)
    )?;
    Ok(found.is_some())
}

/// Moves a schedule on: the report of its period was ordered, or could not be, for this reason.
pub async fn advance(
    connection: &mut Connection,
    tenant: Tenant,
    step: Step,
    report: Option<ReportId>,
    code: Option<&'static str>,
    now_us: i64,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "UPDATE report_schedules SET next_period = $4, due_at_us = $5, last_period = $3, last_at_us = $6, \
             last_report_id = $7, last_code = $8 WHERE institution_id = $1 AND id = $2 AND next_period = $3"
        )
        .bind(tenant.uuid())
        .bind(step.id.uuid())
        .bind(step.period)
        .bind(step.next_period)
        .bind(step.due_at_us)
        .bind(now_us)
        .bind(report.map(ReportId::uuid))
        .bind(code)
    )?;
    Ok(())
}

/// Ends a schedule.
pub async fn end(
    connection: &mut Connection,
    tenant: Tenant,
    id: ScheduleId,
    seq: i64,
    now_us: i64,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "UPDATE report_schedules SET ended_seq = $3, ended_at_us = $4 \
             WHERE institution_id = $1 AND id = $2 AND ended_seq IS NULL"
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
        .bind(seq)
        .bind(now_us)
    )?;
    Ok(())
}

/// Schedules that entries of a range set up or ended.
pub async fn stored(
    connection: &mut Connection,
    tenant: Tenant,
    from: i64,
    until: i64,
) -> Result<Vec<Schedule>, StoreError> {
    let mut sql = Select::new(SCHEDULE);
    sql.bind(tenant.uuid()).push(" AND (s.seq >= ").bind(from).push(" AND s.seq < ").bind(until);
    sql.push(" OR s.ended_seq >= ").bind(from).push(" AND s.ended_seq < ").bind(until).push(")");
    sql.fetch_all(connection).await
}
