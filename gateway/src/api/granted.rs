//! `/v1/granted`: what a regulator has been granted, at whichever institution.
//!
//! It is the other side of [`grants`](super::grants), which an institution makes. Everybody is told of their own
//! alone. Regulators come by the portal, so no client has the scope; the look is on the log of their home.

use actix_web::{get, web};
use serde::Serialize;

use super::{State, params::Params};
use crate::{
    access::{Answer, Permit, Recorded, grants::Granted, right::SeeGranted},
    domain::{Actor, GrantId, InstitutionId, Scope, grant::GrantState},
    error::{Code, Problem},
    world::rfc3339,
};

/// What somebody has been granted.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct HeldGrants {
    /// Their grants that have neither ended nor been revoked, by the institution's name; of more than 1000 those that
    /// end first.
    data: Vec<HeldGrant>,
}

/// A grant, as its regulator has it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct HeldGrant {
    /// Its id.
    id: GrantId,
    /// Who made it.
    institution: GrantingInstitution,
    /// What they may see.
    scopes: Vec<Scope>,
    /// From when: RFC 3339, UTC.
    #[schema(example = "2026-12-01T00:00:00.000000Z")]
    from: String,
    /// Until when.
    #[schema(example = "2026-12-31T00:00:00.000000Z")]
    until: String,
    /// What for.
    #[schema(example = "Review of settlement reporting, first quarter")]
    purpose: String,
    /// `live`, or `to_come`.
    state: GrantState,
}

/// The institution whose data a grant is about.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct GrantingInstitution {
    /// Its id.
    id: InstitutionId,
    /// Its name.
    #[schema(example = "Example Bank")]
    name: String,
}

impl HeldGrant {
    fn of(granted: Granted, now_us: i64) -> Self {
        Self {
            id: granted.grant,
            institution: GrantingInstitution { id: granted.institution, name: granted.institution_name },
            scopes: granted.scopes,
            from: rfc3339(granted.from_us),
            until: rfc3339(granted.until_us),
            purpose: granted.purpose,
            state: GrantState::at(now_us, (granted.from_us, granted.until_us), false),
        }
    }
}

/// What the regulator who asks has been granted, live or to come.
///
/// For regulators in the portal: no client can have its scope.
#[utoipa::path(
    operation_id = "listGranted", tag = "grants",
    responses((status = 200, description = "The grants.", body = HeldGrants)),
    security(("oauth2" = ["granted:read"]))
)]
#[get("/v1/granted")]
pub async fn list(permit: Permit<SeeGranted>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let Actor::User(user) = permit.caller().actor else {
        return Err(Problem::new(Code::InsufficientScope, "grants are people's"));
    };
    let now_us = state.world().now_us();
    let granted = state.door.grants_of(user, now_us).await?;
    let data = granted.into_iter().map(|one| HeldGrant::of(one, now_us)).collect();
    permit.answer(Answer::json(&HeldGrants { data })?).await
}
