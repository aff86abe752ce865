//! What became of a version: what validators said of it, and to whom it was delivered. Both are entries.

use super::{
    super::{Connection, StoreError, select::Select},
    At,
};
use crate::domain::Tenant;

/// What a validator said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validation {
    /// Its entry.
    pub seq: i64,
    /// The validator's name.
    pub validator: String,
    /// The validator's version.
    pub version: String,
    /// `passed` or `failed`.
    pub verdict: String,
    /// The hash of what it printed.
    pub output_sha256: Vec<u8>,
    /// How long that is.
    pub output_bytes: i64,
    /// When it was recorded.
    pub created_at_us: i64,
}

from_row!(Validation { seq, validator, version, verdict, output_sha256, output_bytes, created_at_us });

/// A verdict to be recorded.
#[derive(Clone, Debug)]
pub struct NewValidation {
    /// The validator's name.
    pub validator: String,
    /// The validator's version.
    pub version: String,
    /// `passed` or `failed`.
    pub verdict: &'static str,
    /// The hash of what it printed.
    pub output_sha256: [u8; 32],
    /// How long that is.
    pub output_bytes: i64,
}

/// Adds a verdict.
pub async fn add_validation(
    connection: &mut Connection,
    tenant: Tenant,
    at: At,
    seq: i64,
    new: NewValidation,
    now_us: i64,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "INSERT INTO report_validations (institution_id, report_id, n, seq, validator, version, verdict, \
             output_sha256, output_bytes, created_at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        )
        .bind(tenant.uuid())
        .bind(at.report.uuid())
        .bind(at.n)
        .bind(seq)
        .bind(new.validator)
        .bind(new.version)
        .bind(new.verdict)
        .bind(new.output_sha256.to_vec())
        .bind(new.output_bytes)
        .bind(now_us)
    )?;
    Ok(())
}

/// What validators said of a version, oldest first, after an entry.
pub async fn validations(
    connection: &mut Connection,
    tenant: Tenant,
    at: At,
    after: i64,
    limit: i64,
) -> Result<Vec<Validation>, StoreError> {
    let mut sql = Select::new(
        "SELECT seq, validator, version, verdict, output_sha256, output_bytes, created_at_us FROM report_validations",
    );
    of(&mut sql, tenant, at, after, limit);
    sql.fetch_all(connection).await
}

/// A validator's newest verdict on a version: `passed` or `failed`; none where it gave none.
pub async fn verdict(
    connection: &mut Connection,
    tenant: Tenant,
    at: At,
    validator: &str,
) -> Result<Option<String>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_scalar(
            "SELECT verdict FROM report_validations \
             WHERE institution_id = $1 AND report_id = $2 AND n = $3 AND validator = $4 ORDER BY seq DESC LIMIT 1"
        )
        .bind(tenant.uuid())
        .bind(at.report.uuid())
        .bind(at.n)
        .bind(validator)
    )
}

fn of(sql: &mut Select, tenant: Tenant, at: At, after: i64, limit: i64) {
    sql.push(" WHERE institution_id = ").bind(tenant.uuid());
    sql.push(" AND report_id = ").bind(at.report.uuid()).push(" AND n = ").bind(at.n);
    sql.push(" AND seq > ").bind(after).push(" ORDER BY seq LIMIT ").bind(limit);
}

/// A delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The version's number.
    pub n: i64,
    /// Its entry.
    pub seq: i64,
    /// To whom.
    pub recipient: String,
    /// By what way.
    pub channel: String,
    /// What the recipient calls it.
    pub reference: Option<String>,
    /// When it was delivered.
    pub delivered_at_us: i64,
    /// When that was recorded.
    pub created_at_us: i64,
}

from_row!(Delivery { n, seq, recipient, channel, reference, delivered_at_us, created_at_us });

/// A delivery to be recorded.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// To whom.
    pub recipient: String,
    /// By what way.
    pub channel: String,
    /// What the recipient calls it.
    pub reference: Option<String>,
    /// When it was delivered.
    pub delivered_at_us: i64,
}

/// Adds a delivery.
pub async fn add_delivery(
    connection: &mut Connection,
    tenant: Tenant,
    at: At,
    seq: i64,
    new: NewDelivery,
    now_us: i64,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "INSERT INTO report_deliveries (institution_id, report_id, n, seq, recipient, channel, reference, \
             delivered_at_us, created_at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        )
        .bind(tenant.uuid())
        .bind(at.report.uuid())
        .bind(at.n)
        .bind(seq)
        .bind(new.recipient)
        .bind(new.channel)
        .bind(new.reference)
        .bind(new.delivered_at_us)
        .bind(now_us)
    )?;
    Ok(())
}

/// A version's deliveries, oldest first, after an entry.
pub async fn deliveries(
    connection: &mut Connection,
    tenant: Tenant,
    at: At,
    after: i64,
    limit: i64,
) -> Result<Vec<Delivery>, StoreError> {
    let mut sql = Select::new(
        "SELECT n, seq, recipient, channel, reference, delivered_at_us, created_at_us FROM report_deliveries",
    );
    of(&mut sql, tenant, at, after, limit);
    sql.fetch_all(connection).await
}
