//! Datasets, jobs, runs and versions, by what is known of them.

use serde::{Deserialize, de::DeserializeOwned};
use sqlx::{FromRow, postgres::PgRow};
use uuid::Uuid;

use super::{
    super::{Connection, StoreError, select::Select},
    graph::{self, Shape},
    hex,
};
use crate::domain::Tenant;

/// A dataset.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Dataset {
    /// A hash of its name.
    #[serde(deserialize_with = "hex::id")]
    pub id: Uuid,
    /// The first entry that told of it.
    pub seq: i64,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its columns as JSON.
    pub columns: Option<String>,
}

from_row!(Dataset { id, seq, namespace, name, columns });

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Job {
    /// A hash of its name.
    #[serde(deserialize_with = "hex::id")]
    pub id: Uuid,
    /// The first entry that told of it.
    pub seq: i64,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

from_row!(Job { id, seq, namespace, name });

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RunRow {
    /// A hash of its job and its name.
    #[serde(deserialize_with = "hex::id")]
    pub id: Uuid,
    /// The first entry that told of it.
    pub seq: i64,
    /// What its client calls it.
    pub name: String,
    /// Its job.
    #[serde(deserialize_with = "hex::id")]
    pub job_id: Uuid,
    /// What happened to it.
    pub state: String,
    /// 1 if nothing comes after that.
    pub ended: i64,
    /// When that happened, in microseconds since the Unix epoch.
    pub state_at_us: i64,
    /// When the first event happened.
    pub started_at_us: i64,
    /// The run that started it.
    #[serde(deserialize_with = "hex::maybe_id")]
    pub parent_id: Option<Uuid>,
}

from_row!(RunRow { id, seq, name, job_id, state, ended, state_at_us, started_at_us, parent_id });

/// A version of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRow {
    /// A hash of the dataset and the version.
    pub id: Uuid,
    /// The first entry that told of it.
    pub seq: i64,
    /// The dataset.
    pub dataset_id: Uuid,
    /// What it is called.
    pub version: String,
    /// The run that wrote it.
    pub run_id: Option<Uuid>,
    /// When the first event that tells of it happened.
    pub made_at_us: i64,
    /// Its columns as JSON.
    pub columns: Option<String>,
}

from_row!(VersionRow { id, seq, dataset_id, version, run_id, made_at_us, columns });

/// Datasets by id, that were known at a seq.
///
/// # Errors
/// When the database fails.
pub async fn datasets(
    connection: &mut Connection,
    tenant: Tenant,
    as_of: i64,
    ids: &[Uuid],
) -> Result<Vec<Dataset>, StoreError> {
    let select = "SELECT id, seq, namespace, name, columns";
    let json = "hex(id), seq, namespace, name, columns";
    by_id(connection, tenant, as_of, Shape { table: "lineage_datasets", select, json }, ids).await
}

/// Jobs by id, that were known at a seq.
///
/// # Errors
/// When the database fails.
pub async fn jobs(
    connection: &mut Connection,
    tenant: Tenant,
    as_of: i64,
    ids: &[Uuid],
) -> Result<Vec<Job>, StoreError> {
    let select = "SELECT id, seq, namespace, name";
    let json = "hex(id), seq, namespace, name";
    by_id(connection, tenant, as_of, Shape { table: "lineage_jobs", select, json }, ids).await
}

/// Runs by id, that were known at a seq.
///
/// # Errors
/// When the database fails.
pub async fn runs(
    connection: &mut Connection,
    tenant: Tenant,
    as_of: i64,
    ids: &[Uuid],
) -> Result<Vec<RunRow>, StoreError> {
    let select = "SELECT id, seq, name, job_id, state, ended, state_at_us, started_at_us, parent_id";
    let json = "hex(id), seq, name, hex(job_id), state, ended, state_at_us, started_at_us, \
                nullif(hex(parent_id), '')";
    by_id(connection, tenant, as_of, Shape { table: "lineage_runs", select, json }, ids).await
}

async fn by_id<T>(
    connection: &mut Connection,
    tenant: Tenant,
    as_of: i64,
    shape: Shape<'_>,
    ids: &[Uuid],
) -> Result<Vec<T>, StoreError>
where
    T: Send + Unpin + DeserializeOwned + for<'r> FromRow<'r, PgRow>,
{
    graph::of(connection, tenant, as_of, shape, ("id", ids), "ORDER BY id", i64::MAX).await
}

/// Runs of a job that were known at a seq, the newest first, after one of them.
///
/// # Errors
/// When the database fails.
pub async fn runs_of(
    connection: &mut Connection,
    tenant: Tenant,
    as_of: i64,
    job: Uuid,
    after: Option<(i64, Uuid)>,
    limit: i64,
) -> Result<Vec<RunRow>, StoreError> {
    let mut sql = Select::new(
        "SELECT id, seq, name, job_id, state, ended, state_at_us, started_at_us, parent_id \
         FROM lineage_runs WHERE institution_id = ",
    );
    sql.bind(tenant.uuid()).push(" AND job_id = ").bind(job).push(" AND seq <= ").bind(as_of);
    if let Some((started_at_us, id)) = after {
        sql.push(" AND (started_at_us, id) < (").bind(started_at_us).push(", ").bind(id).push(")");
    }
    sql.push(" ORDER BY started_at_us DESC, id DESC LIMIT ").bind(limit);
    sql.fetch_all(connection).await
}

/// Versions of a dataset that were known at a seq, the newest first, after one of them.
///
/// # Errors
/// When the database fails.
pub async fn versions_of(
    connection: &mut Connection,
    tenant: Tenant,
    as_of: i64,
    dataset: Uuid,
    after: Option<(i64, Uuid)>,
    limit: i64,
) -> Result<Vec<VersionRow>, StoreError> {
    let mut sql = Select::new(
        "SELECT id, seq, dataset_id, version, run_id, made_at_us, columns \
         FROM lineage_versions WHERE institution_id = ",
    );
    sql.bind(tenant.uuid()).push(" AND dataset_id = ").bind(dataset).push(" AND seq <= ").bind(as_of);
    if let Some((made_at_us, id)) = after {
        sql.push(" AND (made_at_us, id) < (").bind(made_at_us).push(", ").bind(id).push(")");
    }
    sql.push(" ORDER BY made_at_us DESC, id DESC LIMIT ").bind(limit);
    sql.fetch_all(connection).await
}

/// Which table nodes are looked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Datasets.
    Dataset,
    /// Jobs.
    Job,
}

/// Nodes of a kind, known at a seq, whose namespace and name contain a text (in lower case), by id, after one.
///
/// # Errors
/// When the database fails.
pub async fn find(
    connection: &mut Connection,
    tenant: Tenant,
    as_of: i64,
    kind: Kind,
    part: Option<&str>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Job>, StoreError> {
    let mut sql = Select::new("SELECT id, seq, namespace, name FROM ");
    sql.push(match kind {
        Kind::Dataset => "lineage_datasets",
        Kind::Job => "lineage_jobs",
    });
    sql.push(" WHERE institution_id = ").bind(tenant.uuid()).push(" AND seq <= ").bind(as_of);
    if let Some(part) = part {
        sql.push(" AND search").contains(part);
    }
    if let Some(after) = after {
        sql.push(" AND id > ").bind(after);
    }
    sql.push(" ORDER BY id LIMIT ").bind(limit);
    sql.fetch_all(connection).await
}
