//! Writing projections, and dropping them.

use uuid::Uuid;

use super::{
    super::{
        Connection, StoreError,
        rows::{Column, Table, Value, upsert},
    },
    Projection,
};
use crate::domain::Tenant;

const NEW: &str = "ON CONFLICT (institution_id, id) DO NOTHING";

const EVENTS: Table = Table {
    name: "lineage_events",
    columns: &[
        ("institution_id", Column::Uuid),
        ("seq", Column::Int),
        ("digest", Column::Bytes),
        ("time_us", Column::Int),
    ],
};
const JOBS: Table = Table {
    name: "lineage_jobs",
    columns: &[
        ("institution_id", Column::Uuid),
        ("id", Column::Uuid),
        ("seq", Column::Int),
        ("namespace", Column::Text),
        ("name", Column::Text),
        ("search", Column::Text),
    ],
};
const DATASETS: Table = Table {
    name: "lineage_datasets",
    columns: &[
        ("institution_id", Column::Uuid),
        ("id", Column::Uuid),
        ("seq", Column::Int),
        ("namespace", Column::Text),
        ("name", Column::Text),
        ("search", Column::Text),
        ("columns", Column::Text),
        ("columns_at_us", Column::Int),
    ],
};
/// An event that tells columns beats one that tells none, a newer one an older one.
const NEWEST_COLUMNS: &str = "ON CONFLICT (institution_id, id) \
    DO UPDATE SET columns = excluded.columns, columns_at_us = excluded.columns_at_us \
    WHERE excluded.columns IS NOT NULL AND (lineage_datasets.columns IS NULL OR \
    (excluded.columns_at_us, excluded.columns) > (lineage_datasets.columns_at_us, lineage_datasets.columns))";
const VERSIONS: Table = Table {
    name: "lineage_versions",
    columns: &[
        ("institution_id", Column::Uuid),
        ("id", Column::Uuid),
        ("seq", Column::Int),
        ("dataset_id", Column::Uuid),
        ("version", Column::Text),
        ("run_id", Column::Uuid),
        ("made_at_us", Column::Int),
        ("columns", Column::Text),
        ("columns_at_us", Column::Int),
    ],
};
const NEWEST_VERSION: &str = "ON CONFLICT (institution_id, id) DO UPDATE SET \
    run_id = CASE WHEN lineage_versions.run_id IS NULL OR excluded.run_id > lineage_versions.run_id \
    THEN excluded.run_id ELSE lineage_versions.run_id END, \
    made_at_us = CASE WHEN excluded.made_at_us < lineage_versions.made_at_us \
    THEN excluded.made_at_us ELSE lineage_versions.made_at_us END, \
    columns = CASE WHEN excluded.columns IS NOT NULL AND (lineage_versions.columns IS NULL OR \
    (excluded.columns_at_us, excluded.columns) > (lineage_versions.columns_at_us, lineage_versions.columns)) \
    THEN excluded.columns ELSE lineage_versions.columns END, \
    columns_at_us = CASE WHEN excluded.columns IS NOT NULL AND (lineage_versions.columns IS NULL OR \
    (excluded.columns_at_us, excluded.columns) > (lineage_versions.columns_at_us, lineage_versions.columns)) \
    THEN excluded.columns_at_us ELSE lineage_versions.columns_at_us END";
const RUNS: Table = Table {
    name: "lineage_runs",
    columns: &[
        ("institution_id", Column::Uuid),
        ("id", Column::Uuid),
        ("seq", Column::Int),
        ("name", Column::Text),
        ("job_id", Column::Uuid),
        ("state", Column::Text),
        ("ended", Column::Int),
        ("state_at_us", Column::Int),
        ("started_at_us", Column::Int),
        ("parent_id", Column::Uuid),
    ],
};
const NEWEST_STATE: &str = "ON CONFLICT (institution_id, id) DO UPDATE SET \
    state = CASE WHEN (excluded.ended, excluded.state_at_us, excluded.state) > \
    (lineage_runs.ended, lineage_runs.state_at_us, lineage_runs.state) \
    THEN excluded.state ELSE lineage_runs.state END, \
    state_at_us = CASE WHEN (excluded.ended, excluded.state_at_us, excluded.state) > \
    (lineage_runs.ended, lineage_runs.state_at_us, lineage_runs.state) \
    THEN excluded.state_at_us ELSE lineage_runs.state_at_us END, \
    ended = CASE WHEN excluded.ended > lineage_runs.ended THEN excluded.ended ELSE lineage_runs.ended END, \
    started_at_us = CASE WHEN excluded.started_at_us < lineage_runs.started_at_us \
    THEN excluded.started_at_us ELSE lineage_runs.started_at_us END, \
    parent_id = CASE WHEN lineage_runs.parent_id IS NULL OR excluded.parent_id > lineage_runs.parent_id \
    THEN excluded.parent_id ELSE lineage_runs.parent_id END";
const EDGES: Table = Table {
    name: "lineage_edges",
    columns: &[
        ("institution_id", Column::Uuid),
        ("id", Column::Uuid),
        ("seq", Column::Int),
        ("job_id", Column::Uuid),
        ("run_id", Column::Uuid),
        ("dataset_id", Column::Uuid),
        ("direction", Column::Text),
        ("version", Column::Text),
    ],
};
const COLUMNS: Table = Table {
    name: "lineage_columns",
    columns: &[
        ("institution_id", Column::Uuid),
        ("id", Column::Uuid),
        ("seq", Column::Int),
        ("job_id", Column::Uuid),
        ("run_id", Column::Uuid),
        ("dataset_id", Column::Uuid),
        ("field", Column::Text),
        ("from_dataset_id", Column::Uuid),
        ("from_field", Column::Text),
        ("direct", Column::Int),
        ("how", Column::Text),
        ("masked", Column::Int),
    ],
};

/// The tables that can be made again from the events.
const PROJECTIONS: [&str; 6] = [JOBS.name, DATASETS.name, VERSIONS.name, RUNS.name, EDGES.name, COLUMNS.name];

fn uuid<'r>(id: Option<Uuid>) -> Value<'r> {
    id.map_or(Value::Null, Value::Uuid)
}

/// What a node is searched by.
fn search(namespace: &str, name: &str) -> String {
    format!("{namespace} {name}").to_lowercase()
}

/// Writes what the event of an entry projects to.
///
/// # Errors
/// When the database fails.
pub async fn write(
    connection: &mut Connection,
    tenant: Tenant,
    seq: i64,
    projection: &Projection,
) -> Result<(), StoreError> {
    let own = Value::Uuid(tenant.uuid());
    let at = Value::Int(seq);
    // An event is told once; when projections are made again, it is there.
    upsert(connection, &EVENTS, "ON CONFLICT (institution_id, seq) DO NOTHING", &projection.events, |row| {
        [own, at, Value::Bytes(&row.digest), Value::Int(row.time_us)]
    })
    .await?;
    let jobs: Vec<_> = projection.jobs.iter().map(|row| (row, search(&row.namespace, &row.name))).collect();
    upsert(connection, &JOBS, NEW, &jobs, |(row, search)| {
        let (namespace, name) = (Value::Text(&row.namespace), Value::Text(&row.name));
        [own, Value::Uuid(row.id), at, namespace, name, Value::Text(search)]
    })
    .await?;
    let datasets: Vec<_> =
        projection.datasets.iter().map(|row| (row, search(&row.namespace, &row.name))).collect();
    upsert(connection, &DATASETS, NEWEST_COLUMNS, &datasets, |(row, search)| {
        let (namespace, name) = (Value::Text(&row.namespace), Value::Text(&row.name));
        let told = row.columns.as_ref().map_or(Value::Null, |_| Value::Int(row.time_us));
        let columns = Value::text(row.columns.as_deref());
        [own, Value::Uuid(row.id), at, namespace, name, Value::Text(search), columns, told]
    })
    .await?;
    upsert(connection, &VERSIONS, NEWEST_VERSION, &projection.versions, |row| {
        let told = row.columns.as_ref().map_or(Value::Null, |_| Value::Int(row.time_us));
        let (id, dataset) = (Value::Uuid(row.id), Value::Uuid(row.dataset_id));
        let (version, columns) = (Value::Text(&row.version), Value::text(row.columns.as_deref()));
        [own, id, at, dataset, version, uuid(row.run_id), Value::Int(row.time_us), columns, told]
    })
    .await?;
    upsert(connection, &RUNS, NEWEST_STATE, &projection.runs, |row| {
        let time = Value::Int(row.time_us);
        let (name, job) = (Value::Text(&row.name), Value::Uuid(row.job_id));
        let (state, ended) = (Value::Text(row.state), Value::Int(row.is_end.into()));
        [own, Value::Uuid(row.id), at, name, job, state, ended, time, time, uuid(row.parent_id)]
    })
    .await?;
    upsert(connection, &EDGES, NEW, &projection.edges, |row| {
        let direction = Value::Text(if row.is_output { "output" } else { "input" });
        let (job, dataset) = (Value::Uuid(row.job_id), Value::Uuid(row.dataset_id));
        let version = Value::text(row.version.as_deref());
        [own, Value::Uuid(row.id), at, job, uuid(row.run_id), dataset, direction, version]
    })
    .await?;
    upsert(connection, &COLUMNS, NEW, &projection.columns, |row| {
        [
            own,
            Value::Uuid(row.id),
            at,
            Value::Uuid(row.job_id),
            uuid(row.run_id),
            Value::Uuid(row.dataset_id),
            Value::Text(&row.field),
            Value::Uuid(row.from_dataset_id),
            Value::Text(&row.from_field),
            Value::Int(row.is_direct.into()),
            Value::text(row.how.as_deref()),
            Value::Int(row.is_masked.into()),
        ]
    })
    .await
}

/// Drops an institution's projections; the events stay.
///
/// # Errors
/// When the database fails.
pub async fn clear(connection: &mut Connection, tenant: Tenant) -> Result<(), StoreError> {
    for table in PROJECTIONS {
        let sql = format!("DELETE FROM {table} WHERE institution_id = $1");
        execute!(connection, sqlx::query(sqlx::AssertSqlSafe(sql)).bind(tenant.uuid()))?;
    }
    Ok(())
}
