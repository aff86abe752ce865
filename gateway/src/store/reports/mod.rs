//! Reports: what was ordered, what was made of it, and what became of it.
//!
//! A version is known by its report and its number. What belongs to it is written while it is made, the same each
//! time, so that making it again after a stop changes nothing.

pub mod adjustments;
pub mod evidence;
pub mod figures;
pub mod schedules;
pub mod source;
mod versions;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

pub use self::versions::{
    NewVersion, Outcome, Stored, Version, begin, finish, insert_version, is_followed, newest, newest_of,
    newest_with_figures, ordered_by, standing, stored, superseded_at, touch, unfinished, version, versions,
};
use super::{Connection, StoreError, select::Select};
use crate::domain::{Tenant, id::ReportId};

/// A version's place: its report, and its number from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct At {
    /// The report.
    pub report: ReportId,
    /// The version's number.
    pub n: i64,
}

impl At {
    /// The version of this number, of the report of this raw id.
    #[must_use]
    pub fn of(report: Uuid, n: i64) -> Self {
        Self { report: ReportId::from_uuid(report), n }
    }
}

/// A report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its id.
    pub id: Uuid,
    /// The entry that ordered its first version.
    pub seq: i64,
    /// Its type's name.
    pub kind: String,
    /// What it covers.
    pub period: String,
    /// A JSON object with its members in order.
    pub parameters: String,
    /// When it was first ordered.
    pub created_at_us: i64,
}

from_row!(Report { id, seq, kind, period, parameters, created_at_us });

const REPORT: &str = "SELECT id, seq, type AS kind, period, parameters, created_at_us FROM reports";

/// What parameters are found by: a hash of their text.
fn parameters_id(parameters: &str) -> Uuid {
    let digest: [u8; 32] = Sha256::digest(parameters).into();
    let mut first = [0; 16];
    first.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(first).into_uuid()
}

/// Adds a report.
pub async fn insert(
    connection: &mut Connection,
    tenant: Tenant,
    seq: i64,
    id: ReportId,
    (kind, period, parameters): (&str, &str, &str),
    now_us: i64,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "INSERT INTO reports (institution_id, id, seq, type, period, parameters, parameters_id, created_at_us) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
        .bind(seq)
        .bind(kind)
        .bind(period)
        .bind(parameters)
        .bind(parameters_id(parameters))
        .bind(now_us)
    )?;
    Ok(())
}

/// A report.
pub async fn get(
    connection: &mut Connection,
    tenant: Tenant,
    id: ReportId,
) -> Result<Option<Report>, StoreError> {
    let mut sql = Select::new(REPORT);
    sql.push(" WHERE institution_id = ").bind(tenant.uuid()).push(" AND id = ").bind(id.uuid());
    Ok(sql.fetch_all(connection).await?.into_iter().next())
}

/// The report of this type, period and parameters.
pub async fn of(
    connection: &mut Connection,
    tenant: Tenant,
    (kind, period, parameters): (&str, &str, &str),
) -> Result<Option<Report>, StoreError> {
    let mut sql = Select::new(REPORT);
    sql.push(" WHERE institution_id = ").bind(tenant.uuid()).push(" AND type = ").bind(kind);
    sql.push(" AND period = ").bind(period).push(" AND parameters_id = ").bind(parameters_id(parameters));
    Ok(sql.fetch_all(connection).await?.into_iter().next())
}

/// Reports up to seq `snapshot` that were first ordered before seq `before`, newest first.
pub async fn page(
    connection: &mut Connection,
    tenant: Tenant,
    snapshot: i64,
    before: i64,
    (kind, period): (Option<&str>, Option<&str>),
    limit: i64,
) -> Result<Vec<Report>, StoreError> {
    let mut sql = Select::new(REPORT);
    sql.push(" WHERE institution_id = ").bind(tenant.uuid());
    sql.push(" AND seq <= ").bind(snapshot).push(" AND seq < ").bind(before);
    if let Some(kind) = kind {
        sql.push(" AND type = ").bind(kind);
    }
    if let Some(period) = period {
        sql.push(" AND period = ").bind(period);
    }
    sql.push(" ORDER BY seq DESC LIMIT ").bind(limit);
    sql.fetch_all(connection).await
}
