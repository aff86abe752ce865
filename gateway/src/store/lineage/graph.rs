//! Edges, from many nodes at once, as they stood at a seq.

use sqlx::{AssertSqlSafe, FromRow, postgres::PgRow, sqlite::SqliteRow};
use uuid::Uuid;

use super::super::{Connection, StoreError, engine::Link};
use crate::domain::Tenant;

/// A job that reads or writes a dataset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hop {
    /// The job.
    pub job_id: Uuid,
    /// The dataset.
    pub dataset_id: Uuid,
    /// The first entry that told of it.
    pub first_seq: i64,
    /// The last entry that told of it anew: of another run, or another version.
    pub last_seq: i64,
    /// How many runs did.
    pub runs: i64,
}

from_row!(Hop { job_id, dataset_id, first_seq, last_seq, runs });

/// A column that was made of another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ColumnHop {
    /// The job.
    pub job_id: Uuid,
    /// The dataset.
    pub dataset_id: Uuid,
    /// Its column; empty for all of them.
    pub field: String,
    /// The dataset that it was made of.
    pub from_dataset_id: Uuid,
    /// The column of it.
    pub from_field: String,
    /// 1 if values went over, 0 if they only decided.
    pub direct: i64,
    /// How, in the client's words.
    pub how: Option<String>,
    /// 1 if the values were hidden on the way.
    pub masked: i64,
}

from_row!(ColumnHop { job_id, dataset_id, field, from_dataset_id, from_field, direct, how, masked });

/// Which end of an edge is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The job.
    Job,
    /// The dataset.
    Dataset,
}

/// The edges of these nodes: of what is read, or of what is written; `most` at most.
///
/// # Errors
/// When the database fails.
pub async fn hops(
    connection: &mut Connection,
    tenant: Tenant,
    as_of: i64,
    (end, ids): (End, &[Uuid]),
    is_output: bool,
    most: i64,
) -> Result<Vec<Hop>, StoreError> {
    let column = match end {
        End::Job => "job_id",
        End::Dataset => "dataset_id",
    };
    let direction = if is_output { "output" } else { "input" };
    let select = "SELECT job_id, dataset_id, MIN(seq) AS first_seq, MAX(seq) AS last_seq, \
                  COUNT(DISTINCT run_id) AS runs FROM lineage_edges";
    let rest =
        format!("AND direction = '{direction}' GROUP BY job_id, dataset_id ORDER BY job_id, dataset_id");
    of(connection, tenant, as_of, select, (column, ids), &rest, most).await
}

/// What columns of these datasets were made of, or what was made of columns of these; `most` at most.
///
/// # Errors
/// When the database fails.
pub async fn columns(
    connection: &mut Connection,
    tenant: Tenant,
    as_of: i64,
    datasets: &[Uuid],
    is_upstream: bool,
    most: i64,
) -> Result<Vec<ColumnHop>, StoreError> {
    let column = if is_upstream { "dataset_id" } else { "from_dataset_id" };
    let select = "SELECT DISTINCT job_id, dataset_id, field, from_dataset_id, from_field, direct, how, masked \
                  FROM lineage_columns";
    let rest = "ORDER BY job_id, dataset_id, field, from_dataset_id, from_field, direct, how, masked";
    of(connection, tenant, as_of, select, (column, datasets), rest, most).await
}

/// Rows of an institution by the end of an edge, which the engines are told in their own way.
pub(super) async fn of<T>(
    connection: &mut Connection,
    tenant: Tenant,
    as_of: i64,
    select: &str,
    (column, ids): (&str, &[Uuid]),
    rest: &str,
    most: i64,
) -> Result<Vec<T>, StoreError>
where
    T: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>,
{
    let known = format!("{select} WHERE institution_id = $1 AND seq <= $2 AND {column}");
    match connection.link() {
        Link::Sqlite(link) => {
            let ids: Vec<String> = ids.iter().map(|id| id.simple().to_string()).collect();
            let ids = serde_json::to_string(&ids).map_err(|e| StoreError::Encode(e.into()))?;
            let sql = format!("{known} IN (SELECT unhex(value) FROM json_each($3)) {rest} LIMIT $4");
            let query = sqlx::query_as(AssertSqlSafe(sql)).bind(tenant.uuid()).bind(as_of);
            query.bind(ids).bind(most).fetch_all(link).await
        }
        Link::Postgres(link) => {
            let sql = format!("{known} = ANY($3) {rest} LIMIT $4");
            let query = sqlx::query_as(AssertSqlSafe(sql)).bind(tenant.uuid()).bind(as_of);
            query.bind(ids).bind(most).fetch_all(link).await
        }
    }
}
