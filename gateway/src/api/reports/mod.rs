//! `/v1/reports`: reports, from the order to what became of them; from a figure to its records, and back.

pub mod adjustments;
pub mod bundle;
pub mod deliveries;
pub mod deposits;
pub mod figures;
mod missing;
pub mod order;
pub mod read;
pub mod remarks;
pub mod types;
pub mod uses;
pub mod validations;
mod view;

use crate::{
    access::{Permit, right::Right},
    domain::{ReportId, Scope, Tenant},
    error::{Code, Problem},
    ledger::{RecordError, command::Filed},
    reporting::{ArchiveError, PressError},
    store::{
        Reader, idempotency,
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

/// The version that a path names, once it is made: until then, what is kept of it is half of it, and says nothing.
async fn made_version<R: Right>(
    permit: &Permit<R>,
    reader: &mut Reader,
) -> Result<(Report, Version, At), Problem> {
    let found = version(permit, reader).await?;
    match found.1.state.as_str() {
        "ready" | "refused" => Ok(found),
        state => Err(Problem::new(Code::Conflict, format!("the version is {state}"))),
    }
}

/// What was answered to the same call under the same key, whatever has become of things since: nothing is judged anew.
pub(super) async fn first_answer(
    reader: &mut Reader,
    tenant: Tenant,
    key: Option<&idempotency::Key>,
) -> Result<Option<Filed>, Problem> {
    let Some(key) = key else { return Ok(None) };
    let Some(first) = idempotency::get(reader, tenant, key).await? else { return Ok(None) };
    if first.body_sha256 != key.body_sha256 {
        return Err(RecordError::KeyReused.into());
    }
    let unreadable = RecordError::Conflict("the first answer under this Idempotency-Key can't be told again");
    let filed: Filed = serde_json::from_str(&first.outcome).map_err(|_| unreadable)?;
    Ok(Some(Filed { replayed: true, ..filed }))
}

/// What a list of a version is called, so that its cursors fit no other version.
fn list_of(operation: &str, at: At) -> String {
    format!("{operation} {}/{}", at.report, at.n)
}

/// Whether a caller may see the records that a report was made of.
fn allow_records<R: Right>(permit: &Permit<R>) -> Result<(), Problem> {
    let scope = Scope::TransactionsRead;
    if permit.caller().scopes.contains(&scope) {
        return Ok(());
    }
    let detail = format!("the records of a report also need the scope {}", scope.as_str());
    Err(Problem::new(Code::InsufficientScope, detail))
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
