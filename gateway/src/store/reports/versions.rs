//! Versions of reports: ordered, made by one attempt at a time, and then never changed.

use uuid::Uuid;

use super::{
    super::{Connection, StoreError, select::Select},
    At, figures,
};
use crate::domain::{
    Tenant,
    id::{InstitutionId, ReportId},
};

/// A version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its report.
    pub report_id: Uuid,
    /// Its number, from 1.
    pub n: i64,
    /// The entry that ordered it.
    pub seq: i64,
    /// The entry that says what it became.
    pub made_seq: Option<i64>,
    /// How it stands to the ones before.
    pub kind: String,
    /// Why it was made.
    pub reason: Option<String>,
    /// The number of the version that it takes the place of.
    pub supersedes: Option<i64>,
    /// The last entry that it takes into account.
    pub as_of: i64,
    /// `producing`, `ready`, `refused` or `failed`.
    pub state: String,
    /// The document's media type.
    pub media_type: Option<String>,
    /// The document's hash.
    pub sha256: Option<Vec<u8>>,
    /// The document's length.
    pub bytes: Option<i64>,
    /// How many figures it has.
    pub figures: i64,
    /// SHA-256 of the list of its figures.
    pub figures_sha256: Option<Vec<u8>>,
    /// How many errors were found.
    pub errors: i64,
    /// How many warnings were found.
    pub warnings: i64,
    /// When it was ordered.
    pub created_at_us: i64,
    /// When it was ready, refused or had failed.
    pub finished_at_us: Option<i64>,
}

from_row!(Version {
    report_id,
    n,
    seq,
    made_seq,
    kind,
    reason,
    supersedes,
    as_of,
    state,
    media_type,
    sha256,
    bytes,
    figures,
    figures_sha256,
    errors,
    warnings,
    created_at_us,
    finished_at_us
});

/// A version that is ordered.
#[derive(Clone, Debug)]
pub struct NewVersion {
    /// Its report.
    pub report: ReportId,
    /// Its number.
    pub n: i64,
    /// How it stands to the ones before.
    pub kind: &'static str,
    /// Why it is made.
    pub reason: Option<String>,
    /// The number of the version that it takes the place of.
    pub supersedes: Option<i64>,
    /// The last entry that it takes into account.
    pub as_of: i64,
}

/// What became of a version.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// `ready`, `refused` or `failed`.
    pub state: &'static str,
    /// The document's media type, hash and length.
    pub document: Option<(String, [u8; 32], i64)>,
    /// How many figures, and the hash of their list.
    pub figures: (i64, Option<[u8; 32]>),
    /// How many errors and warnings were found.
    pub found: (i64, i64),
}

const VERSION: &str = "SELECT report_id, n, seq, made_seq, kind, reason, supersedes, as_of, state, media_type, sha256, \
                       bytes, figures, figures_sha256, errors, warnings, created_at_us, finished_at_us \
                       FROM report_versions";

/// Adds a version that is to be made.
pub async fn insert_version(
    connection: &mut Connection,
    tenant: Tenant,
    seq: i64,
    new: NewVersion,
    now_us: i64,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "INSERT INTO report_versions (institution_id, report_id, n, seq, kind, reason, supersedes, as_of, attempt, state, \
             figures, errors, warnings, created_at_us, touched_at_us) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 'producing', 0, 0, 0, $9, $9)"
        )
        .bind(tenant.uuid())
        .bind(new.report.uuid())
        .bind(new.n)
        .bind(seq)
        .bind(new.kind)
        .bind(new.reason)
        .bind(new.supersedes)
        .bind(new.as_of)
        .bind(now_us)
    )?;
    Ok(())
}

/// A report's versions, oldest first, after the one of a number.
pub async fn versions(
    connection: &mut Connection,
    tenant: Tenant,
    report: ReportId,
    after: i64,
    limit: i64,
) -> Result<Vec<Version>, StoreError> {
    let mut sql = Select::new(VERSION);
    sql.push(" WHERE institution_id = ").bind(tenant.uuid()).push(" AND report_id = ").bind(report.uuid());
    sql.push(" AND n > ").bind(after).push(" ORDER BY n LIMIT ").bind(limit);
    sql.fetch_all(connection).await
}

/// A version.
pub async fn version(
    connection: &mut Connection,
    tenant: Tenant,
    at: At,
) -> Result<Option<Version>, StoreError> {
    Ok(versions(connection, tenant, at.report, at.n - 1, 1).await?.into_iter().find(|it| it.n == at.n))
}

/// A report's newest version.
pub async fn newest(
    connection: &mut Connection,
    tenant: Tenant,
    report: ReportId,
) -> Result<Option<Version>, StoreError> {
    let mut sql = Select::new(VERSION);
    sql.push(" WHERE institution_id = ").bind(tenant.uuid()).push(" AND report_id = ").bind(report.uuid());
    sql.push(" ORDER BY n DESC LIMIT 1");
    Ok(sql.fetch_all(connection).await?.into_iter().next())
}

/// The newest version of each of some reports, of those that were ordered up to an entry.
pub async fn newest_of(
    connection: &mut Connection,
    tenant: Tenant,
    reports: &[Uuid],
    snapshot: i64,
) -> Result<Vec<Version>, StoreError> {
    if reports.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Select::new(VERSION);
    sql.push(" WHERE institution_id = ").bind(tenant.uuid());
    sql.push(" AND (report_id, n) IN (SELECT report_id, max(n) FROM report_versions WHERE institution_id = ");
    sql.bind(tenant.uuid()).push(" AND seq <= ").bind(snapshot);
    sql.and_in("report_id", reports.iter().copied());
    sql.push(" GROUP BY report_id)");
    sql.fetch_all(connection).await
}

/// The version that stands: the newest that is ready, unless it is a cancellation.
pub async fn standing(
    connection: &mut Connection,
    tenant: Tenant,
    report: ReportId,
) -> Result<Option<Version>, StoreError> {
    let mut sql = Select::new(VERSION);
    sql.push(" WHERE institution_id = ").bind(tenant.uuid()).push(" AND report_id = ").bind(report.uuid());
    sql.push(" AND state = 'ready' ORDER BY n DESC LIMIT 1");
    let newest: Option<Version> = sql.fetch_all(connection).await?.into_iter().next();
    Ok(newest.filter(|version| version.kind != "cancellation"))
}

/// Begins to make a version, and forgets what another attempt left; the attempt's number, unless it is made.
pub async fn begin(
    connection: &mut Connection,
    tenant: Tenant,
    at: At,
    now_us: i64,
) -> Result<Option<i64>, StoreError> {
    let attempt: Option<i64> = fetch_optional!(
        connection,
        sqlx::query_scalar(
            "UPDATE report_versions SET attempt = attempt + 1, touched_at_us = $4 \
             WHERE institution_id = $1 AND report_id = $2 AND n = $3 AND state = 'producing' RETURNING attempt"
        )
        .bind(tenant.uuid())
        .bind(at.report.uuid())
        .bind(at.n)
        .bind(now_us)
    )?;
    if attempt.is_some_and(|attempt| attempt > 1) {
        figures::forget(connection, tenant, at).await?;
    }
    Ok(attempt)
}

/// Says that an attempt is at work still; whether it is, and no other has begun.
pub async fn touch(
    connection: &mut Connection,
    tenant: Tenant,
    at: At,
    attempt: i64,
    now_us: i64,
) -> Result<bool, StoreError> {
    let touched = execute!(
        connection,
        sqlx::query(
            "UPDATE report_versions SET touched_at_us = $5 \
             WHERE institution_id = $1 AND report_id = $2 AND n = $3 AND attempt = $4 AND state = 'producing'"
        )
        .bind(tenant.uuid())
        .bind(at.report.uuid())
        .bind(at.n)
        .bind(attempt)
        .bind(now_us)
    )?;
    Ok(touched > 0)
}

/// Says what became of a version, by the attempt that made it, or by whoever gives it up; how many rows that concerns:
/// none if it was said before, or another attempt has begun.
pub async fn finish(
    connection: &mut Connection,
    tenant: Tenant,
    (at, attempt): (At, Option<i64>),
    seq: i64,
    outcome: Outcome,
    now_us: i64,
) -> Result<u64, StoreError> {
    let (media_type, sha256, bytes) = match outcome.document {
        Some((media_type, sha256, bytes)) => (Some(media_type), Some(sha256.to_vec()), Some(bytes)),
        None => (None, None, None),
    };
    execute!(
        connection,
        sqlx::query(
            "UPDATE report_versions SET state = $4, made_seq = $5, media_type = $6, sha256 = $7, bytes = $8, \
             figures = $9, figures_sha256 = $10, errors = $11, warnings = $12, touched_at_us = $13, \
             finished_at_us = $13 \
             WHERE institution_id = $1 AND report_id = $2 AND n = $3 AND state = 'producing' \
             AND ($14 IS NULL OR attempt = $14)"
        )
        .bind(tenant.uuid())
        .bind(at.report.uuid())
        .bind(at.n)
        .bind(outcome.state)
        .bind(seq)
        .bind(media_type)
        .bind(sha256)
        .bind(bytes)
        .bind(outcome.figures.0)
        .bind(outcome.figures.1.map(|hash| hash.to_vec()))
        .bind(outcome.found.0)
        .bind(outcome.found.1)
        .bind(now_us)
        .bind(attempt)
    )
}

/// Versions that nobody has worked on since then.
pub async fn unfinished(
    connection: &mut Connection,
    touched_before_us: i64,
) -> Result<Vec<(InstitutionId, At)>, StoreError> {
    let rows: Vec<(Uuid, Uuid, i64)> = fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT institution_id, report_id, n FROM report_versions \
             WHERE state = 'producing' AND touched_at_us <= $1 ORDER BY touched_at_us"
        )
        .bind(touched_before_us)
    )?;
    let found = |(institution, report, n)| {
        (InstitutionId::from_uuid(institution), At { report: ReportId::from_uuid(report), n })
    };
    Ok(rows.into_iter().map(found).collect())
}

/// What is stored of a version that is made.
#[derive(Debug)]
pub struct Stored {
    /// The entry that says so.
    pub made_seq: i64,
    /// The document's hash.
    pub sha256: Option<Vec<u8>>,
    /// The hash of the list of its figures.
    pub figures_sha256: Option<Vec<u8>>,
}

from_row!(Stored { made_seq, sha256, figures_sha256 });

/// Versions whose end was recorded in a range of entries.
pub async fn stored(
    connection: &mut Connection,
    tenant: Tenant,
    from: i64,
    until: i64,
) -> Result<Vec<Stored>, StoreError> {
    let mut sql = Select::new("SELECT made_seq, sha256, figures_sha256 FROM report_versions");
    sql.push(" WHERE institution_id = ").bind(tenant.uuid());
    sql.push(" AND made_seq >= ").bind(from).push(" AND made_seq < ").bind(until);
    sql.fetch_all(connection).await
}

/// When the version that takes a version's place, or withdraws it, was ready; none while it stands.
pub async fn superseded_at(
    connection: &mut Connection,
    tenant: Tenant,
    at: At,
) -> Result<Option<i64>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_scalar(
            "SELECT finished_at_us FROM report_versions WHERE institution_id = $1 AND report_id = $2 \
             AND supersedes = $3 AND state = 'ready' AND kind IN ('correction', 'cancellation') ORDER BY n LIMIT 1"
        )
        .bind(tenant.uuid())
        .bind(at.report.uuid())
        .bind(at.n)
    )
}

/// Whether a later version of the report is ready.
pub async fn is_followed(connection: &mut Connection, tenant: Tenant, at: At) -> Result<bool, StoreError> {
    let next: Option<i64> = fetch_optional!(
        connection,
        sqlx::query_scalar(
            "SELECT n FROM report_versions WHERE institution_id = $1 AND report_id = $2 AND n > $3 \
             AND state = 'ready' ORDER BY n LIMIT 1"
        )
        .bind(tenant.uuid())
        .bind(at.report.uuid())
        .bind(at.n)
    )?;
    Ok(next.is_some())
}

/// The number of the version that an entry ordered.
pub async fn ordered_by(
    connection: &mut Connection,
    tenant: Tenant,
    report: ReportId,
    seq: i64,
) -> Result<Option<i64>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_scalar(
            "SELECT n FROM report_versions WHERE institution_id = $1 AND report_id = $2 AND seq = $3"
        )
        .bind(tenant.uuid())
        .bind(report.uuid())
        .bind(seq)
    )
}

/// The newest version of a report that has figures.
pub async fn newest_with_figures(
    connection: &mut Connection,
    tenant: Tenant,
    report: ReportId,
) -> Result<Option<i64>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_scalar(
            "SELECT n FROM report_versions WHERE institution_id = $1 AND report_id = $2 \
             AND state IN ('ready', 'refused') AND figures > 0 ORDER BY n DESC LIMIT 1"
        )
        .bind(tenant.uuid())
        .bind(report.uuid())
    )
}
