//! Exports: ordered, written part by part, kept for a while.

use super::{Connection, StoreError};
use crate::domain::{
    Tenant,
    id::{ExportId, InstitutionId},
};

/// An export to be prepared.
#[derive(Clone, Debug)]
pub struct NewExport {
    /// Its id.
    pub id: ExportId,
    /// `transactions`, `entries` or `accesses`.
    pub what: &'static str,
    /// `csv`, `ndjson`, `parquet` or `xlsx`.
    pub format: &'static str,
    /// `none`, `gzip` or `zstd`.
    pub compression: &'static str,
    /// The filter as it was asked for: a JSON object.
    pub filter: String,
    /// What that selects: JSON of the export's own.
    pub selection: String,
    /// The last entry that it takes into account.
    pub as_of: i64,
    /// Rows in one part.
    pub part_rows: i64,
}

/// An export's row.
#[derive(Clone, Debug)]
pub struct Export {
    /// Its id.
    pub id: uuid::Uuid,
    /// The `export` entry that recorded the order.
    pub seq: i64,
    /// `transactions`, `entries` or `accesses`.
    pub what: String,
    /// `csv`, `ndjson`, `parquet` or `xlsx`.
    pub format: String,
    /// `none`, `gzip` or `zstd`.
    pub compression: String,
    /// The filter as it was asked for: a JSON object.
    pub filter: String,
    /// What that selects: JSON of the export's own.
    pub selection: String,
    /// The last entry that it takes into account.
    pub as_of: i64,
    /// Rows in one part.
    pub part_rows: i64,
    /// `preparing`, `ready` or `failed`.
    pub state: String,
    /// Rows written so far.
    pub rows_done: i64,
    /// When it was ordered, in microseconds since the Unix epoch.
    pub created_at_us: i64,
    /// When it last made progress.
    pub touched_at_us: i64,
    /// When it became ready or failed.
    pub finished_at_us: Option<i64>,
    /// When its files go away.
    pub expires_at_us: Option<i64>,
}

from_row!(Export {
    id,
    seq,
    what,
    format,
    compression,
    filter,
    selection,
    as_of,
    part_rows,
    state,
    rows_done,
    created_at_us,
    touched_at_us,
    finished_at_us,
    expires_at_us
});

/// A part of an export, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its number, from 1.
    pub n: i64,
    /// It holds what comes after this seq …
    pub after_seq: i64,
    /// … up to this one.
    pub last_seq: i64,
    /// How many rows.
    pub rows_in: i64,
    /// The file's size.
    pub bytes: i64,
    /// The file's hash.
    pub sha256: Vec<u8>,
}

from_row!(Part { n, after_seq, last_seq, rows_in, bytes, sha256 });

const SELECT: &str = "SELECT id, seq, what, format, compression, filter, selection, as_of, part_rows, state, \
                      rows_done, created_at_us, touched_at_us, finished_at_us, expires_at_us FROM exports";

/// Adds an export that is being prepared.
pub async fn insert(
    connection: &mut Connection,
    tenant: Tenant,
    new: NewExport,
    seq: i64,
    now_us: i64,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "INSERT INTO exports (institution_id, id, seq, what, format, compression, filter, selection, \
             as_of, part_rows, state, rows_done, created_at_us, touched_at_us) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'preparing', 0, $11, $11)",
        )
        .bind(tenant.uuid())
        .bind(new.id.uuid())
        .bind(seq)
        .bind(new.what)
        .bind(new.format)
        .bind(new.compression)
        .bind(new.filter)
        .bind(new.selection)
        .bind(new.as_of)
        .bind(new.part_rows)
        .bind(now_us)
    )?;
    Ok(())
}

/// Says how many rows of an export are written, while it is being prepared.
pub async fn progress(
    connection: &mut Connection,
    tenant: Tenant,
    id: ExportId,
    rows_done: i64,
    now_us: i64,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "UPDATE exports SET rows_done = $3, touched_at_us = $4 \
             WHERE institution_id = $1 AND id = $2 AND state = 'preparing' AND rows_done <= $3",
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
        .bind(rows_done)
        .bind(now_us)
    )?;
    Ok(())
}

/// Adds a part that is whole. Another process may have written the same one before: it is the same.
pub async fn add_part(
    connection: &mut Connection,
    tenant: Tenant,
    id: ExportId,
    part: Part,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "INSERT INTO export_parts (institution_id, export_id, n, after_seq, last_seq, rows_in, bytes, \
             sha256) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
        .bind(part.n)
        .bind(part.after_seq)
        .bind(part.last_seq)
        .bind(part.rows_in)
        .bind(part.bytes)
        .bind(part.sha256)
    )?;
    Ok(())
}

/// Says how an export's preparation ended, and until when its files are kept if it went well.
pub async fn finish(
    connection: &mut Connection,
    tenant: Tenant,
    id: ExportId,
    expires_at_us: Option<i64>,
    now_us: i64,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "UPDATE exports SET state = $3, touched_at_us = $4, finished_at_us = $4, expires_at_us = $5 \
             WHERE institution_id = $1 AND id = $2 AND state = 'preparing'",
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
        .bind(if expires_at_us.is_some() { "ready" } else { "failed" })
        .bind(now_us)
        .bind(expires_at_us)
    )?;
    Ok(())
}

/// One export.
pub async fn get(
    connection: &mut Connection,
    tenant: Tenant,
    id: ExportId,
) -> Result<Option<Export>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} WHERE institution_id = $1 AND id = $2")))
            .bind(tenant.uuid())
            .bind(id.uuid())
    )
}

/// A page of the exports that were ordered up to seq `snapshot`, newest first.
pub async fn page(
    connection: &mut Connection,
    tenant: Tenant,
    snapshot: i64,
    before: i64,
    limit: i64,
) -> Result<Vec<Export>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "{SELECT} WHERE institution_id = $1 AND seq <= $2 AND seq < $3 ORDER BY seq DESC LIMIT $4"
        )))
        .bind(tenant.uuid())
        .bind(snapshot)
        .bind(before)
        .bind(limit)
    )
}

/// The parts of an export that are whole, in order.
pub async fn parts(
    connection: &mut Connection,
    tenant: Tenant,
    id: ExportId,
) -> Result<Vec<Part>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT n, after_seq, last_seq, rows_in, bytes, sha256 FROM export_parts \
             WHERE institution_id = $1 AND export_id = $2 ORDER BY n",
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
    )
}

/// The exports that are being prepared and made no progress since, of every institution that the
/// connection sees.
pub async fn unfinished(
    connection: &mut Connection,
    untouched_since_us: i64,
) -> Result<Vec<(InstitutionId, ExportId)>, StoreError> {
    let rows: Vec<(uuid::Uuid, uuid::Uuid)> = fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT institution_id, id FROM exports WHERE state = 'preparing' AND touched_at_us <= $1",
        )
        .bind(untouched_since_us)
    )?;
    Ok(rows
        .into_iter()
        .map(|(institution, id)| (InstitutionId::from_uuid(institution), ExportId::from_uuid(id)))
        .collect())
}
