//! Edges, from many nodes at once, as they stood at a seq.

use serde::{Deserialize, de::DeserializeOwned};
use sqlx::{AssertSqlSafe, FromRow, postgres::PgRow};
use uuid::Uuid;

use super::{
    super::{Connection, StoreError, engine::Link},
    hex,
};
use crate::domain::Tenant;

/// A job that reads or writes a dataset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Hop {
    /// The job.
    #[serde(deserialize_with = "hex::id")]
    pub job_id: Uuid,
    /// The dataset.
    #[serde(deserialize_with = "hex::id")]
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct ColumnHop {
    /// The job.
    #[serde(deserialize_with = "hex::id")]
    pub job_id: Uuid,
    /// The dataset.
    #[serde(deserialize_with = "hex::id")]
    pub dataset_id: Uuid,
    /// Its column; empty for all of them.
    pub field: String,
    /// The dataset that it was made of.
    #[serde(deserialize_with = "hex::id")]
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
                  COUNT(DISTINCT run_id) AS runs";
    let json = "hex(job_id), hex(dataset_id), first_seq, last_seq, runs";
    let rest =
        format!("AND direction = '{direction}' GROUP BY job_id, dataset_id ORDER BY job_id, dataset_id");
    let shape = Shape { table: "lineage_edges", select, json };
    of(connection, tenant, as_of, shape, (column, ids), &rest, most).await
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
    let select =
        "SELECT DISTINCT job_id, dataset_id, field, from_dataset_id, from_field, direct, how, masked";
    let json = "hex(job_id), hex(dataset_id), field, hex(from_dataset_id), from_field, direct, how, masked";
    let rest = "ORDER BY job_id, dataset_id, field, from_dataset_id, from_field, direct, how, masked";
    let shape = Shape { table: "lineage_columns", select, json };
    of(connection, tenant, as_of, shape, (column, datasets), rest, most).await
}

/// Rows of a table, as the engines are asked for them.
#[derive(Clone, Copy)]
pub(super) struct Shape<'a> {
    /// The table.
    pub(super) table: &'a str,
    /// `SELECT` and the columns.
    pub(super) select: &'a str,
    /// The same columns as SQLite puts them in JSON.
    pub(super) json: &'a str,
}

/// Rows of an institution by one of many ids in a column, which the engines are told in their own way. `rest` may
/// begin with a further condition.
pub(super) async fn of<T>(
    connection: &mut Connection,
    tenant: Tenant,
    as_of: i64,
    Shape { table, select, json }: Shape<'_>,
    (column, ids): (&str, &[Uuid]),
    rest: &str,
    most: i64,
) -> Result<Vec<T>, StoreError>
where
    T: Send + Unpin + DeserializeOwned + for<'r> FromRow<'r, PgRow>,
{
    let known = "institution_id = $1 AND seq <= $2";
    match connection.link() {
        // Each row of SQLite wakes us on its own, since another thread reads it: thousands come as one text.
        Link::Sqlite(link) => {
            let ids: Vec<String> = ids.iter().map(|id| id.simple().to_string()).collect();
            let ids = serde_json::to_string(&ids).map_err(|e| StoreError::Encode(e.into()))?;
            let ours = format!("{column} IN (SELECT unhex(value) FROM json_each($3))");
            let rows = format!("{select} FROM {table} WHERE {known} AND {ours} {rest} LIMIT $4");
            let sql = format!("SELECT json_group_array(json_array({json})) FROM ({rows})");
            let query = sqlx::query_scalar(AssertSqlSafe(sql)).bind(tenant.uuid()).bind(as_of);
            let rows: String = query.bind(ids).bind(most).fetch_one(link).await?;
            serde_json::from_str(&rows).map_err(|e| StoreError::Decode(e.into()))
        }
        Link::Postgres(link) => {
            // `= ANY` of a parameter is looked for from one end to the other, row by row, once the plan is kept.
            // Here each id is looked up in the index; OFFSET keeps the two from being put into one.
            let found = format!("SELECT * FROM {table} WHERE {known} AND {column} = one.wanted OFFSET 0");
            let ones = "(SELECT DISTINCT unnest($3::uuid[])) AS one (wanted)";
            let sql = format!(
                "{select} FROM {ones} CROSS JOIN LATERAL ({found}) AS found WHERE TRUE {rest} LIMIT $4"
            );
            let query = sqlx::query_as(AssertSqlSafe(sql)).bind(tenant.uuid()).bind(as_of);
            query.bind(ids).bind(most).fetch_all(link).await
        }
    }
}
