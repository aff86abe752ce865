//! Reports, their versions and documents.

use std::collections::HashMap;

use actix_web::{get, web};
use uuid::Uuid;

use super::{
    super::{
        State,
        list::{List, Run},
        params::Params,
    },
    view::{Report, ReportVersion},
};
use crate::{
    access::{Answer, Permit, Recorded, answer::Spooled, right::ReadReports},
    domain::{InstitutionId, ReportId},
    error::{Code, Problem},
    reports::types,
    store::reports::{self, Version},
};

const OPERATION: &str = "listReports";
const VERSIONS: &str = "listReportVersions";

/// Reports, newest first, each with its newest version.
#[utoipa::path(
    operation_id = "listReports", tag = "reports",
    params(
        ("type" = Option<String>, Query, description = "Only of this type.", max_length = 64),
        ("period" = Option<String>, Query, description = "Only of this period.", max_length = 10, example = "2026-03"),
        ("limit" = Option<u16>, Query, description = "Page size, 1 to 500; 100 unless told.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "A page of reports.", body = List<Report>)),
    security(("oauth2" = ["reports:read"]))
)]
#[get("/v1/reports")]
pub async fn list(permit: Permit<ReadReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["type", "period", "limit", "cursor"])?;
    let tenant = permit.tenant();
    let (kind, period) = (params.text("type", 64)?, params.text("period", 10)?);
    let mut reader = state.read(tenant).await?;
    let run = Run::take_up(&state, &mut reader, OPERATION, tenant, &params).await?;
    let before = run.before();
    let snapshot = run.snapshot.seq();
    let mut rows = reports::page(&mut reader, tenant, snapshot, before, (kind, period), run.fetch()).await?;
    let page = run.cut(&mut rows, |row| (None, row.seq))?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let newest = reports::newest_of(&mut reader, tenant, &ids, snapshot).await?;
    drop(reader);
    let mut newest: HashMap<Uuid, Version> =
        newest.into_iter().map(|version| (version.report_id, version)).collect();
    let with_newest = |row: reports::Report| {
        let newest = newest.remove(&row.id);
        Report::of(row, newest)
    };
    let data = rows.into_iter().map(with_newest).collect::<Result<_, _>>()?;
    permit.answer(List { data, page, as_of: run.snapshot.as_of()? }.answer()?).await
}

/// A report with its newest version.
#[utoipa::path(
    operation_id = "getReport", tag = "reports",
    params(
        ("id" = ReportId, Path, description = "The report."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "The report.", body = Report)),
    security(("oauth2" = ["reports:read"]))
)]
#[get("/v1/reports/{id}")]
pub async fn get(permit: Permit<ReadReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let mut reader = state.read(permit.tenant()).await?;
    let report = super::report(&permit, &mut reader).await?;
    let newest = reports::newest(&mut reader, permit.tenant(), ReportId::from_uuid(report.id)).await?;
    drop(reader);
    permit.answer(Answer::json(&Report::of(report, newest)?)?).await
}

/// A report's versions, oldest first.
#[utoipa::path(
    operation_id = "listReportVersions", tag = "reports",
    params(
        ("id" = ReportId, Path, description = "The report."),
        ("limit" = Option<u16>, Query, description = "Page size, 1 to 500; 100 unless told.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "A page of versions.", body = List<ReportVersion>)),
    security(("oauth2" = ["reports:read"]))
)]
#[get("/v1/reports/{id}/versions")]
pub async fn versions(permit: Permit<ReadReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["limit", "cursor"])?;
    let tenant = permit.tenant();
    let mut reader = state.read(tenant).await?;
    let report = super::report(&permit, &mut reader).await?;
    let id = ReportId::from_uuid(report.id);
    let operation = format!("{VERSIONS} {id}");
    let run = Run::take_up(&state, &mut reader, &operation, tenant, &params).await?;
    let after = run.after.as_ref().map_or(0, |position| position.seq);
    let mut rows = reports::versions(&mut reader, tenant, id, after, run.fetch()).await?;
    drop(reader);
    rows.retain(|row| row.seq <= run.snapshot.seq());
    let page = run.cut(&mut rows, |row| (None, row.n))?;
    let data = rows.into_iter().map(ReportVersion::of).collect::<Result<_, _>>()?;
    permit.answer(List { data, page, as_of: run.snapshot.as_of()? }.answer()?).await
}

/// A version of a report.
#[utoipa::path(
    operation_id = "getReportVersion", tag = "reports",
    params(
        ("id" = ReportId, Path, description = "The report."),
        ("n" = u32, Path, description = "The version's number, from 1.", example = 1),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "The version.", body = ReportVersion)),
    security(("oauth2" = ["reports:read"]))
)]
#[get("/v1/reports/{id}/versions/{n}")]
pub async fn get_version(permit: Permit<ReadReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (_, version, _) = super::version(&permit, &mut state.read(permit.tenant()).await?).await?;
    permit.answer(Answer::json(&ReportVersion::of(version)?)?).await
}

/// Downloads a version's document: the bytes that were archived when it was made.
///
/// A version that was refused has a document too, for whoever looks for the error.
#[utoipa::path(
    operation_id = "downloadReport", tag = "reports",
    params(
        ("id" = ReportId, Path, description = "The report."),
        ("n" = u32, Path, description = "The version's number, from 1.", example = 1),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses(
        (status = 200, description = "The document.", content(
            (Vec<u8> = "application/xml"), (Vec<u8> = "application/json"), (Vec<u8> = "application/zip"), (Vec<u8> = "text/csv"),
            (Vec<u8> = "application/pdf"), (Vec<u8> = "application/octet-stream"),
        )),
        (status = 409, description = "It is not made.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["reports:read"]))
)]
#[get("/v1/reports/{id}/versions/{n}/content")]
pub async fn content(permit: Permit<ReadReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let mut reader = state.read(permit.tenant()).await?;
    let (report, version, at) = super::version(&permit, &mut reader).await?;
    drop(reader);
    let Some(sha256) = version.sha256.clone().and_then(|sha256| <[u8; 32]>::try_from(sha256).ok()) else {
        return Err(Problem::new(Code::Conflict, format!("the version is {}", version.state)));
    };
    let document = state.reports.archive().get(permit.tenant(), &sha256).await?;
    let media_type = MEDIA_TYPES.into_iter().find(|it| Some(*it) == version.media_type.as_deref());
    let name = match types::of_name(&report.kind) {
        None => format!("{}-{}-v{}", report.kind, report.period, at.n),
        Some(definition) => {
            let name = match definition.file_name {
                Some(name) => {
                    name(&state.reports.basis(permit.tenant(), definition, &report, &version).await?)
                }
                None => format!("{}-{}-v{}", report.kind, report.period, at.n),
            };
            format!("{name}.{}", definition.extension)
        }
    };
    let spooled = Spooled { file: document.file, length: document.length, sha256 };
    let answer = Answer::spooled(spooled, media_type.unwrap_or("application/octet-stream"))
        .header("content-disposition", &format!("attachment; filename=\"{name}\""));
    permit.answer(answer).await
}

/// Media types of documents.
pub(super) const MEDIA_TYPES: [&str; 6] = [
    "application/xml",
    "application/json",
    "application/zip",
    "text/csv",
    "application/pdf",
    "application/octet-stream",
];
