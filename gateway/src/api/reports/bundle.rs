//! All that there is about a version in one file, to be checked offline.

use actix_web::{get, web};

use super::super::{State, params::Params};
use crate::{
    access::{Answer, Permit, Recorded, answer::Spooled, right::TakeReportEvidence},
    domain::{InstitutionId, ReportId},
    error::{Code, Problem},
    reporting::{
        archive,
        bundle::{Sources, write},
    },
};

/// Downloads a version's evidence: the document, its figures, what contributes to them, the records with their proofs,
/// what validators said, and to whom it was delivered.
///
/// `veritrail-verify` checks it offline: bytes, sums, membership and signatures. It is put together when it is asked
/// for, against the ledger's newest checkpoint. Since the records are in it, it takes the scope `transactions:read`
/// besides `reports:read`.
#[utoipa::path(
    operation_id = "downloadReportBundle", tag = "reports",
    params(
        ("id" = ReportId, Path, description = "The report."),
        ("n" = u32, Path, description = "The version's number, from 1.", example = 1),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses(
        (status = 200, description = "The bundle.", content((Vec<u8> = "application/zip"))),
        (status = 409, description = "The version is not made.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["reports:read"]))
)]
#[get("/v1/reports/{id}/versions/{n}/bundle")]
pub async fn get(permit: Permit<TakeReportEvidence>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    super::allow_records(&permit)?;
    let tenant = permit.tenant();
    let (report, version, at) = super::made_version(&permit, &mut state.read(tenant).await?).await?;
    let sources = Sources {
        db: &state.door.db,
        signer: &state.signer,
        key: &*state.key,
        archive: state.reports.archive(),
    };
    let Some(bundle) = write(sources, tenant, at).await? else {
        return Err(Problem::new(Code::Conflict, format!("the version is {}", version.state)));
    };
    let (file, sha256, length) = archive::digest(bundle.file).await.map_err(Problem::internal)?;
    let name = format!("{}-{}-v{}-evidence.zip", report.kind, report.period, at.n);
    let answer = Answer::spooled(Spooled { file, length, sha256 }, "application/zip")
        .header("content-disposition", &format!("attachment; filename=\"{name}\""));
    permit.answer(answer).await
}
