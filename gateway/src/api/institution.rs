//! `/v1/institution`: the institution itself, and its log.

use actix_web::{get, web};
use serde::Serialize;

use super::{State, params::Params};
use crate::{
    access::{Answer, Permit, Recorded, right::ReadInstitution},
    domain::InstitutionId,
    error::Problem,
    store::{checkpoints, institutions, logs},
    world::rfc3339,
};

/// An institution.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Institution {
    /// Its id.
    pub id: InstitutionId,
    /// Its name.
    #[schema(example = "Harbour Leasing Bank")]
    pub name: String,
    /// The plan whose rate limits it has.
    #[schema(example = "standard")]
    pub plan: String,
    /// When it was onboarded: RFC 3339, UTC.
    #[schema(example = "2026-01-05T09:30:00.000000Z")]
    pub onboarded_at: String,
    /// Its log.
    pub log: Log,
}

/// A log, and how to check it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Log {
    /// The log's name (C2SP tlog-checkpoint origin).
    #[schema(example = "localhost:8080/ledger/ins_0190163d8694739bba1a9fbee4e5c1b2")]
    pub origin: String,
    /// How many entries it has.
    #[schema(example = "49103", pattern = "^[0-9]+$")]
    pub size: String,
    /// How many of them the newest signed checkpoint covers.
    #[schema(example = "49103", pattern = "^[0-9]+$")]
    pub signed_size: String,
    /// The key that signs it (C2SP signed-note vkey). Keep your own copy: it is what you trust.
    #[schema(
        example = "localhost:8080/ledger/ins_0190163d8694739bba1a9fbee4e5c1b2+d5ec7ba1+AVB0OBlm0Ckq1vW3WxqbSQ0ZyaXXKIKAwTzEyTS7oVQX"
    )]
    pub vkey: String,
}

/// The institution that the caller speaks for.
#[utoipa::path(
    operation_id = "getInstitution", tag = "institution",
    params(("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant.")),
    responses((status = 200, description = "The institution and its log.", body = Institution)),
    security(("oauth2" = ["institution:read"]))
)]
#[get("/v1/institution")]
pub async fn get(permit: Permit<ReadInstitution>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let tenant = permit.tenant();
    let mut reader = state.read(permit.tenant()).await?;
    let row = institutions::get(&mut reader, tenant.id()).await?.ok_or_else(Problem::not_found)?;
    let head = logs::head(&mut reader, tenant).await?.ok_or_else(Problem::not_found)?;
    let signed = checkpoints::latest(&mut reader, tenant).await?.map_or(0, |(size, _)| size);
    drop(reader);
    let institution = Institution {
        id: tenant.id(),
        name: row.name,
        plan: row.plan,
        onboarded_at: rfc3339(row.created_at_us),
        log: Log {
            vkey: state.key.vkey(&head.origin),
            origin: head.origin,
            size: head.size.to_string(),
            signed_size: signed.to_string(),
        },
    };
    permit.answer(Answer::json(&institution)?).await
}
