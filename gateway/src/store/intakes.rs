//! Intakes: files on their way from upload to records.

use super::{Connection, StoreError};
use crate::domain::{IntakeId, Tenant};

/// An intake's row.
#[derive(Clone, Debug)]
pub struct Intake {
    /// Its id.
    pub id: uuid::Uuid,
    /// The entry that recorded its file; none before all of it is here.
    pub seq: Option<i64>,
    /// `uploading`, `examining`, `storing`, `examined`, `stored`, `refused` or `failed`.
    pub state: String,
    /// Why it was refused or failed.
    pub reason: Option<String>,
    /// Who delivered it.
    pub actor: String,
    /// The format's name.
    pub format: String,
    /// What the feeder calls the file.
    pub file_name: Option<String>,
    /// What a table's columns mean, in TOML.
    pub mapping: Option<String>,
    /// 1 when nothing is to be stored.
    pub dry_run: i64,
    /// 1 when good records are kept beside faulty ones.
    pub skips: i64,
    /// The size of the whole file.
    pub bytes: i64,
    /// The file's hash, once all of it is here.
    pub sha256: Option<Vec<u8>>,
    /// Statements in it.
    pub statements: i64,
    /// Records that can be read.
    pub records: i64,
    /// Records that it added.
    pub added: i64,
    /// Records that were there already.
    pub unchanged: i64,
    /// Faults.
    pub faults: i64,
    /// Figures that do not fit together.
    pub breaks: i64,
    /// Records that were delivered so far.
    pub delivered: i64,
    /// When it began, in microseconds since the Unix epoch.
    pub created_at_us: i64,
    /// When it ended.
    pub finished_at_us: Option<i64>,
    /// When the process that has its file last said so.
    pub touched_at_us: i64,
}

from_row!(Intake {
    id,
    seq,
    state,
    reason,
    actor,
    format,
    file_name,
    mapping,
    dry_run,
    skips,
    bytes,
    sha256,
    statements,
    records,
    added,
    unchanged,
    faults,
    breaks,
    delivered,
    created_at_us,
    finished_at_us,
    touched_at_us
});

/// An intake that begins.
#[derive(Clone, Debug)]
pub struct New {
    /// Its id.
    pub id: IntakeId,
    /// Who delivers it.
    pub actor: String,
    /// The format's name.
    pub format: &'static str,
    /// What the feeder calls the file.
    pub file_name: Option<String>,
    /// What a table's columns mean, in TOML.
    pub mapping: Option<String>,
    /// Whether nothing is to be stored.
    pub dry_run: bool,
    /// Whether good records are kept beside faulty ones.
    pub skips: bool,
    /// The size of the whole file.
    pub bytes: i64,
}

/// What was counted in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Statements.
    pub statements: i64,
    /// Records that can be read.
    pub records: i64,
    /// Faults.
    pub faults: i64,
    /// Figures that do not fit together.
    pub breaks: i64,
}

/// How far delivering got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Records that were delivered.
    pub delivered: i64,
    /// Of these, records that were added.
    pub added: i64,
    /// Of these, records that were there already.
    pub unchanged: i64,
}

const COLUMNS: &str = "id, seq, state, reason, actor, format, file_name, mapping, dry_run, skips, bytes, sha256, \
                       statements, records, added, unchanged, faults, breaks, delivered, created_at_us, \
                       finished_at_us, touched_at_us";

/// Adds an intake: of a file that is here (by its entry and hash), or of one that is still to come.
pub async fn insert(
    connection: &mut Connection,
    tenant: Tenant,
    new: &New,
    here: Option<(i64, [u8; 32])>,
    now_us: i64,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "INSERT INTO intakes (institution_id, id, seq, state, actor, format, file_name, mapping, dry_run, \
             skips, bytes, sha256, statements, records, added, unchanged, faults, breaks, delivered, created_at_us, \
             touched_at_us) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 0, 0, 0, 0, 0, 0, $13, $13)",
        )
        .bind(tenant.uuid())
        .bind(new.id.uuid())
        .bind(here.map(|(seq, _)| seq))
        .bind(if here.is_some() { "examining" } else { "uploading" })
        .bind(&new.actor)
        .bind(new.format)
        .bind(&new.file_name)
        .bind(&new.mapping)
        .bind(i64::from(new.dry_run))
        .bind(i64::from(new.skips))
        .bind(new.bytes)
        .bind(here.map(|(_, sha256)| sha256.to_vec()))
        .bind(now_us)
    )?;
    Ok(())
}

/// Says that the last part of a file came; how many rows that is: none when it was said before.
pub async fn arrive(
    connection: &mut Connection,
    tenant: Tenant,
    id: IntakeId,
    (seq, sha256): (i64, [u8; 32]),
    now_us: i64,
) -> Result<u64, StoreError> {
    execute!(
        connection,
        sqlx::query(
            "UPDATE intakes SET state = 'examining', seq = $3, sha256 = $4, touched_at_us = $5 \
             WHERE institution_id = $1 AND id = $2 AND state = 'uploading'",
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
        .bind(seq)
        .bind(sha256.to_vec())
        .bind(now_us)
    )
}

/// Says that somebody has a file in hand.
pub async fn touch(
    connection: &mut Connection,
    tenant: Tenant,
    id: IntakeId,
    now_us: i64,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query("UPDATE intakes SET touched_at_us = $3 WHERE institution_id = $1 AND id = $2")
            .bind(tenant.uuid())
            .bind(id.uuid())
            .bind(now_us)
    )?;
    Ok(())
}

/// What an institution has on its way.
#[derive(Clone, Copy, Debug)]
pub struct UnderWay {
    /// Uploads in parts that are not whole.
    pub uploads: i64,
    /// Bytes of all files whose intake has not ended, as they are to be.
    pub bytes: i64,
}

from_row!(UnderWay { uploads, bytes });

/// What an institution has on its way.
pub async fn under_way(connection: &mut Connection, tenant: Tenant) -> Result<UnderWay, StoreError> {
    let row = fetch_optional!(
        connection,
        sqlx::query_as(
            "SELECT CAST(COALESCE(SUM(CASE WHEN state = 'uploading' THEN 1 ELSE 0 END), 0) AS BIGINT) AS uploads, \
             CAST(COALESCE(SUM(bytes), 0) AS BIGINT) AS bytes \
             FROM intakes WHERE institution_id = $1 AND finished_at_us IS NULL",
        )
        .bind(tenant.uuid())
    )?;
    row.ok_or(StoreError::RowNotFound)
}

/// A page of intakes, newest first.
pub async fn page(
    connection: &mut Connection,
    tenant: Tenant,
    before: Option<IntakeId>,
    limit: i64,
) -> Result<Vec<Intake>, StoreError> {
    // The greatest id there is: none comes after it.
    let before = before.map_or(uuid::Uuid::max(), |id| id.uuid());
    fetch_all!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM intakes WHERE institution_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
        )))
        .bind(tenant.uuid())
        .bind(before)
        .bind(limit)
    )
}

/// Says what is in a file, and whether its records are stored next.
pub async fn examined(
    connection: &mut Connection,
    tenant: Tenant,
    id: IntakeId,
    counts: Counts,
    stores: bool,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "UPDATE intakes SET statements = $3, records = $4, faults = $5, breaks = $6, state = $7 \
             WHERE institution_id = $1 AND id = $2 AND state = 'examining'",
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
        .bind(counts.statements)
        .bind(counts.records)
        .bind(counts.faults)
        .bind(counts.breaks)
        .bind(if stores { "storing" } else { "examining" })
    )?;
    Ok(())
}

/// Says how far delivering got; how many rows that is: none when the intake has ended.
pub async fn advance(
    connection: &mut Connection,
    tenant: Tenant,
    id: IntakeId,
    progress: Progress,
) -> Result<u64, StoreError> {
    execute!(
        connection,
        sqlx::query(
            "UPDATE intakes SET delivered = $3, added = $4, unchanged = $5 \
             WHERE institution_id = $1 AND id = $2 AND state = 'storing'",
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
        .bind(progress.delivered)
        .bind(progress.added)
        .bind(progress.unchanged)
    )
}

/// Says that records which could be read were refused all the same when they came to be stored.
pub async fn refused(
    connection: &mut Connection,
    tenant: Tenant,
    id: IntakeId,
    records: i64,
) -> Result<(), StoreError> {
    if records == 0 {
        return Ok(());
    }
    execute!(
        connection,
        sqlx::query(
            "UPDATE intakes SET faults = faults + $3, records = records - $3 \
             WHERE institution_id = $1 AND id = $2 AND state = 'storing'",
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
        .bind(records)
    )?;
    Ok(())
}

/// Says how an intake ended; how many rows that is: none when it was said before.
pub async fn finish(
    connection: &mut Connection,
    tenant: Tenant,
    id: IntakeId,
    (state, reason): (&str, Option<&str>),
    now_us: i64,
) -> Result<u64, StoreError> {
    execute!(
        connection,
        sqlx::query(
            "UPDATE intakes SET state = $3, reason = $4, finished_at_us = $5 \
             WHERE institution_id = $1 AND id = $2 AND finished_at_us IS NULL",
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
        .bind(state)
        .bind(reason)
        .bind(now_us)
    )
}

/// One intake.
pub async fn get(
    connection: &mut Connection,
    tenant: Tenant,
    id: IntakeId,
) -> Result<Option<Intake>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM intakes WHERE institution_id = $1 AND id = $2"
        )))
        .bind(tenant.uuid())
        .bind(id.uuid())
    )
}

/// The intakes that have not ended, of every institution that the connection may see.
pub async fn unfinished(connection: &mut Connection) -> Result<Vec<(uuid::Uuid, uuid::Uuid)>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as("SELECT institution_id, id FROM intakes WHERE finished_at_us IS NULL")
    )
}

/// A row as it is stored, to be held against its payload.
#[derive(Debug)]
pub struct Stored {
    /// The entry that recorded it.
    pub seq: i64,
    /// Its id.
    pub id: uuid::Uuid,
    /// The file's size.
    pub bytes: i64,
    /// The file's hash.
    pub sha256: Vec<u8>,
}

from_row!(Stored { seq, id, bytes, sha256 });

/// The rows of the files that the entries `from <= seq < until` record.
pub async fn stored(
    connection: &mut Connection,
    tenant: Tenant,
    from: i64,
    until: i64,
) -> Result<Vec<Stored>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT seq, id, bytes, sha256 FROM intakes WHERE institution_id = $1 AND seq >= $2 AND seq < $3",
        )
        .bind(tenant.uuid())
        .bind(from)
        .bind(until)
    )
}
