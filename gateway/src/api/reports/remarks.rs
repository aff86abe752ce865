//! What was found while a version was made.

use actix_web::{get, web};

use super::super::{
    State,
    list::{List, Run, raw},
    params::Params,
};
use crate::{
    access::{Permit, Recorded, right::ReadReports},
    domain::{InstitutionId, ReportId},
    error::Problem,
    reports::Remark,
    store::reports::figures,
};

const OPERATION: &str = "listReportRemarks";

/// What was found while a version was made: errors, which keep it from being filed, and warnings, such as accounts
/// that don't reconcile.
#[utoipa::path(
    operation_id = "listReportRemarks", tag = "reports",
    params(
        ("id" = ReportId, Path, description = "The report."),
        ("n" = u32, Path, description = "The version's number, from 1.", example = 1),
        ("limit" = Option<u16>, Query, description = "Page size, 1 to 500; 100 unless told.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses(
        (status = 200, description = "A page of remarks, in the order in which they were found.", body = List<Remark>),
        (status = 409, description = "The version is not made.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["reports:read"]))
)]
#[get("/v1/reports/{id}/versions/{n}/remarks")]
pub async fn list(permit: Permit<ReadReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["limit", "cursor"])?;
    let tenant = permit.tenant();
    let mut reader = state.read(tenant).await?;
    let (_, _, at) = super::made_version(&permit, &mut reader).await?;
    let operation = super::list_of(OPERATION, at);
    let run = Run::take_up(&state, &mut reader, &operation, tenant, &params).await?;
    let after = run.after_seq();
    let mut rows = figures::remarks(&mut reader, tenant, at, after, run.fetch()).await?;
    drop(reader);
    let page = run.cut(&mut rows, |row| (None, row.position))?;
    let data = rows.iter().map(|row| raw(row.remark.as_bytes())).collect::<Result<_, _>>()?;
    permit.answer(List { data, page, as_of: run.snapshot.as_of()? }.answer()?).await
}
