//! `/v1/report-types`: what can be made here.

use actix_web::{get, web};
use serde::Serialize;

use super::super::{
    State,
    as_of::Snapshot,
    list::{List, Page},
    params::Params,
};
use crate::{
    access::{Answer, Permit, Recorded, right::ReadReports},
    domain::InstitutionId,
    error::Problem,
    reports::{VersionKind, types},
};

/// A type of report that is made here.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReportType {
    /// Its name.
    #[schema(example = "account-statement")]
    pub name: &'static str,
    /// What it is.
    #[schema(example = "Account statement")]
    pub title: &'static str,
    /// The standard that its document follows.
    #[schema(example = "ISO 20022 camt.053.001.08")]
    pub standard: &'static str,
    /// How long its periods may be: `day`, `month`, `quarter` or `year`.
    #[schema(example = json!(["day", "month"]))]
    pub periods: Vec<&'static str>,
    /// The document's media type.
    #[schema(example = "application/xml")]
    pub media_type: &'static str,
    /// Which kinds of versions there are of it.
    pub kinds: &'static [VersionKind],
    /// Validators whose verdict `passed` must be recorded before a version is delivered.
    #[schema(example = json!(["xsd"]))]
    pub validators: &'static [&'static str],
    /// What it is told besides the period.
    pub parameters: Vec<ReportParameter>,
    /// Files that readers of the document need, such as its taxonomy, by name: `/v1/report-types/{name}/files/{file}`.
    #[schema(example = json!([]))]
    pub files: Vec<&'static str>,
}

/// A parameter of a type of report.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReportParameter {
    /// Its name.
    #[schema(example = "tolerance")]
    pub name: &'static str,
    /// What it says.
    #[schema(example = "By how much a recorded balance may differ without a remark.")]
    pub description: &'static str,
    /// Whether it must be told.
    #[schema(example = false)]
    pub required: bool,
    /// An example.
    #[schema(example = "0.10")]
    pub example: &'static str,
}

/// Types of reports that are made here. Whatever has another type was deposited.
#[utoipa::path(
    operation_id = "listReportTypes", tag = "reports",
    params(("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant.")),
    responses((status = 200, description = "All types.", body = List<ReportType>)),
    security(("oauth2" = ["reports:read"]))
)]
#[get("/v1/report-types")]
pub async fn list(permit: Permit<ReadReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let mut reader = state.read(permit.tenant()).await?;
    let snapshot = Snapshot::now(&mut reader, permit.tenant()).await?;
    drop(reader);
    let data = types::ALL.iter().map(|of| ReportType {
        name: of.name,
        title: of.title,
        standard: of.standard,
        periods: of.periods.iter().map(|one| one.as_str()).collect(),
        media_type: of.media_type,
        kinds: of.kinds,
        validators: of.validators,
        parameters: of
            .parameters
            .iter()
            .map(|it| ReportParameter {
                name: it.name,
                description: it.description,
                required: it.required,
                example: it.example,
            })
            .collect(),
        files: of.files.iter().map(|(name, _)| *name).collect(),
    });
    let page = Page { next_cursor: None, has_more: false };
    permit.answer(List { data: data.collect(), page, as_of: snapshot.as_of()? }.answer()?).await
}

/// A file that readers of a type's documents need, such as a part of its taxonomy.
#[utoipa::path(
    operation_id = "getReportTypeFile", tag = "reports",
    params(
        ("type" = String, Path, description = "The type's name.", max_length = 64, example = "settlement-reconciliation"),
        ("file" = String, Path, description = "The file's name, with its folders.", max_length = 200, example = "META-INF/taxonomyPackage.xml"),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "The file.", body = String, content_type = "application/xml")),
    security(("oauth2" = ["reports:read"]))
)]
#[get("/v1/report-types/{type}/files/{file:.*}")]
pub async fn file(permit: Permit<ReadReports>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (name, file): (String, String) = (permit.path("type")?, permit.path("file")?);
    let files = types::of_name(&name).map_or(&[] as &[_], |definition| definition.files);
    let found = files.iter().find(|(name, _)| *name == file);
    let (_, text) = found.ok_or_else(Problem::not_found)?;
    permit.answer(Answer::xml((*text).to_owned())).await
}
