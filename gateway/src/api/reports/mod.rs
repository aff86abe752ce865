//! `/v1/reports`: reports, from the order to what became of them; from a figure to its records, and back.

pub mod adjustments;
pub mod bundle;
pub mod deliveries;
pub mod deposits;
pub mod figures;
pub mod order;
pub mod read;
pub mod remarks;
pub mod types;
pub mod uses;
pub mod validations;
mod view;

use crate::{
    access::{Permit, right::Right},
    domain::ReportId,
    error::Problem,
    reporting::{ArchiveError, PressError},
    store::{
        Reader,
        reports::{self, At, Report, Version},
    },
};

/// The report that a path names.
async fn report<R: Right>(permit: &Permit<R>, reader: &mut Reader) -> Result<Report, Problem> {
    let id: ReportId = permit.path("id")?;
    reports::get(reader, permit.tenant(), id).await?.ok_or_else(Problem::not_found)
}

/// The version that a path names.
async fn version<R: Right>(
    permit: &Permit<R>,
    reader: &mut Reader,
) -> Result<(Report, Version, At), Problem> {
    let report = report(permit, reader).await?;
    let n: u32 = permit.path("n")?;
    let at = At { report: ReportId::from_uuid(report.id), n: n.into() };
    let version = reports::version(reader, permit.tenant(), at).await?.ok_or_else(Problem::not_found)?;
    Ok((report, version, at))
}

impl From<ArchiveError> for Problem {
    fn from(error: ArchiveError) -> Self {
        Self::internal(error)
    }
}

impl From<PressError> for Problem {
    fn from(error: PressError) -> Self {
        Self::internal(error)
    }
}
