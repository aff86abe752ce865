//! Lists of what is known: nodes by a part of their name, runs of a job, versions of a dataset.

use actix_web::{get, web};
use serde::Serialize;
use uuid::Uuid;

use super::{
    super::{
        State,
        as_of::AS_OF,
        list::{List, Run},
        params::Params,
    },
    Column, NodeView, columns, find,
};
use crate::{
    access::{Permit, Recorded, right::ReadLineage},
    domain::InstitutionId,
    error::Problem,
    lineage::walk::Node,
    store::lineage::{self, Kind, RunRow, VersionRow},
    world::rfc3339,
};

const NODES: &str = "listLineageNodes";
const RUNS: &str = "listLineageRuns";
const VERSIONS: &str = "listDatasetVersions";
const PART_MAX: usize = 200;

/// A run of a job.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RunView {
    /// What its client calls it.
    #[schema(example = "01942f5e-3a2b-7c11-8e02-5f7d4c1b9a60")]
    pub run_id: String,
    /// What happened to it last: `START`, `RUNNING`, `COMPLETE`, `ABORT`, `FAIL` or `OTHER`.
    #[schema(example = "COMPLETE")]
    pub state: String,
    /// When its first event happened: RFC 3339, UTC.
    #[schema(example = "2026-01-05T09:30:00.000000Z")]
    pub started_at: String,
    /// When it ended, if it did.
    #[schema(example = "2026-01-05T09:31:00.000000Z")]
    pub ended_at: Option<String>,
    /// The run that started it, if that is on record.
    pub parent_run_id: Option<String>,
    /// The first entry that told of it.
    #[schema(example = "7", pattern = "^[0-9]+$")]
    pub first_seq: String,
}

/// A version of a dataset.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct DatasetVersionView {
    /// What the client calls it; `run:` and the run's id where it says none.
    #[schema(example = "run:01942f5e-3a2b-7c11-8e02-5f7d4c1b9a60")]
    pub version: String,
    /// When the first event that tells of it happened: RFC 3339, UTC.
    #[schema(example = "2026-01-05T09:31:00.000000Z")]
    pub created_at: String,
    /// The run that wrote it.
    #[schema(example = "01942f5e-3a2b-7c11-8e02-5f7d4c1b9a60")]
    pub run_id: Option<String>,
    /// Its columns.
    pub columns: Option<Vec<Column>>,
    /// The first entry that told of it.
    #[schema(example = "7", pattern = "^[0-9]+$")]
    pub first_seq: String,
}

/// Datasets or jobs, by a part of their name.
#[utoipa::path(
    operation_id = "listLineageNodes", tag = "lineage",
    params(
        ("type" = Option<String>, Query, description = "`dataset` (unless told) or `job`.", example = "dataset"),
        ("q" = Option<String>, Query, description = "What namespace and name contain, with a space between them; upper and lower case alike.", max_length = 200, example = "settlement"),
        ("limit" = Option<u16>, Query, description = "Page size, 1 to 500; 100 unless told.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("as_of" = Option<String>, Query, description = "As it was known at this entry; now unless told.", pattern = "^[0-9]{1,18}$"),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "A page of nodes.", body = List<NodeView>)),
    security(("oauth2" = ["lineage:read"]))
)]
#[get("/v1/lineage/nodes")]
pub async fn list(permit: Permit<ReadLineage>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["type", "q", "limit", "cursor", AS_OF])?;
    let kinds = [("dataset", Kind::Dataset), ("job", Kind::Job)];
    let kind = params.word("type", &kinds)?.unwrap_or(Kind::Dataset);
    let part = params.text("q", PART_MAX)?.map(str::to_lowercase);
    let tenant = permit.tenant();
    let mut reader = state.read(tenant).await?;
    let run = Run::take_up(&state, &mut reader, NODES, tenant, &params).await?;
    let after = run.after.as_ref().and_then(|position| position.key.as_deref()?.parse().ok());
    let (as_of, fetch) = (run.snapshot.seq(), run.fetch());
    let mut rows = lineage::find(&mut reader, tenant, as_of, kind, part.as_deref(), after, fetch).await?;
    let page = run.cut(&mut rows, |row| (Some(row.id.to_string()), row.seq))?;
    let data = match kind {
        Kind::Job => rows.into_iter().map(NodeView::from).collect(),
        Kind::Dataset => {
            let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
            let datasets = lineage::datasets(&mut reader, tenant, as_of, &ids).await?;
            datasets.into_iter().map(NodeView::try_from).collect::<Result<_, _>>()?
        }
    };
    permit.answer(List { data, page, as_of: run.snapshot.as_of()? }.answer()?).await
}

/// Runs of a job, the newest first.
#[utoipa::path(
    operation_id = "listLineageRuns", tag = "lineage",
    params(
        ("job" = String, Query, description = "The job's node: `job:{namespace}:{name}`.", max_length = 600, example = "job:etl:daily-settlement"),
        ("limit" = Option<u16>, Query, description = "Page size, 1 to 500; 100 unless told.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("as_of" = Option<String>, Query, description = "Only what was known at this entry; now unless told.", pattern = "^[0-9]{1,18}$"),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "A page of runs.", body = List<RunView>)),
    security(("oauth2" = ["lineage:read"]))
)]
#[get("/v1/lineage/runs")]
pub async fn runs(permit: Permit<ReadLineage>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["job", "limit", "cursor", AS_OF])?;
    let text = super::node_text(&params, "job")?;
    let tenant = permit.tenant();
    let mut reader = state.read(tenant).await?;
    let run = Run::take_up(&state, &mut reader, RUNS, tenant, &params).await?;
    let as_of = run.snapshot.seq();
    let Node::Job(job) = find(&mut reader, tenant, as_of, &text).await? else {
        return Err(Problem::parameter("job", "invalid_value", "a node of the kind job"));
    };
    let after = run.after.as_ref().and_then(|position| unsealed(position.key.as_deref()?));
    let mut rows = lineage::runs_of(&mut reader, tenant, as_of, job, after, run.fetch()).await?;
    let page = run.cut(&mut rows, |row| (Some(sealed(row.started_at_us, row.id)), row.seq))?;
    let parents: Vec<Uuid> = rows.iter().filter_map(|row| row.parent_id).collect();
    let parents = lineage::runs(&mut reader, tenant, as_of, &parents).await?;
    let name = |id: Uuid| parents.iter().find(|run| run.id == id).map(|run| run.name.clone());
    let view = |row: RunRow| RunView {
        run_id: row.name,
        state: row.state,
        started_at: rfc3339(row.started_at_us),
        ended_at: (row.ended != 0).then(|| rfc3339(row.state_at_us)),
        parent_run_id: row.parent_id.and_then(name),
        first_seq: row.seq.to_string(),
    };
    let data: Vec<RunView> = rows.into_iter().map(view).collect();
    permit.answer(List { data, page, as_of: run.snapshot.as_of()? }.answer()?).await
}

/// Versions of a dataset, the newest first.
#[utoipa::path(
    operation_id = "listDatasetVersions", tag = "lineage",
    params(
        ("dataset" = String, Query, description = "The dataset's node: `dataset:{namespace}:{name}`.", max_length = 600, example = "dataset:warehouse:settlement.daily"),
        ("limit" = Option<u16>, Query, description = "Page size, 1 to 500; 100 unless told.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("as_of" = Option<String>, Query, description = "Only what was known at this entry; now unless told.", pattern = "^[0-9]{1,18}$"),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "A page of versions.", body = List<DatasetVersionView>)),
    security(("oauth2" = ["lineage:read"]))
)]
#[get("/v1/lineage/versions")]
pub async fn versions(permit: Permit<ReadLineage>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["dataset", "limit", "cursor", AS_OF])?;
    let text = super::node_text(&params, "dataset")?;
    let tenant = permit.tenant();
    let mut reader = state.read(tenant).await?;
    let run = Run::take_up(&state, &mut reader, VERSIONS, tenant, &params).await?;
    let as_of = run.snapshot.seq();
    let Node::Dataset(dataset) = find(&mut reader, tenant, as_of, &text).await? else {
        return Err(Problem::parameter("dataset", "invalid_value", "a node of the kind dataset"));
    };
    let after = run.after.as_ref().and_then(|position| unsealed(position.key.as_deref()?));
    let mut rows = lineage::versions_of(&mut reader, tenant, as_of, dataset, after, run.fetch()).await?;
    let page = run.cut(&mut rows, |row| (Some(sealed(row.made_at_us, row.id)), row.seq))?;
    let writers: Vec<Uuid> = rows.iter().filter_map(|row| row.run_id).collect();
    let writers = lineage::runs(&mut reader, tenant, as_of, &writers).await?;
    let name = |id: Uuid| writers.iter().find(|run| run.id == id).map(|run| run.name.clone());
    let view = |row: VersionRow| {
        Ok(DatasetVersionView {
            version: row.version,
            created_at: rfc3339(row.made_at_us),
            run_id: row.run_id.and_then(name),
            columns: row.columns.as_deref().map(columns).transpose()?,
            first_seq: row.seq.to_string(),
        })
    };
    let data: Vec<DatasetVersionView> = rows.into_iter().map(view).collect::<Result<_, Problem>>()?;
    permit.answer(List { data, page, as_of: run.snapshot.as_of()? }.answer()?).await
}

/// Where a page ended: a time, and an id for those of one time.
fn sealed(time_us: i64, id: Uuid) -> String {
    format!("{time_us} {id}")
}

fn unsealed(key: &str) -> Option<(i64, Uuid)> {
    let (time_us, id) = key.split_once(' ')?;
    Some((time_us.parse().ok()?, id.parse().ok()?))
}
