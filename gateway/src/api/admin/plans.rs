//! `/admin/v1/plans`: rate-limit tiers.

use actix_web::{get, put, web};
use serde::{Deserialize, Serialize};

use super::BODY_MAX;
use crate::{
    access::{Answer, Door, Permit, Recorded, right::Administer},
    api::{State, params::Params},
    error::{Code, Problem},
    ledger::command::Change,
    store::plans::{self, Plan},
};

/// What a plan permits. A plain read costs 1 unit, a delivered batch 5, a bundle 20; `x-cost` of each operation says it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Quotas {
    /// Units a second that a client gets back.
    #[schema(example = 100, minimum = 1, maximum = 1_000_000)]
    pub client_per_second: u32,
    /// Units that a client may spend at once.
    #[schema(example = 200, minimum = 1, maximum = 1_000_000)]
    pub client_burst: u32,
    /// Units a second that all clients of an institution together get back.
    #[schema(example = 500, minimum = 1, maximum = 1_000_000)]
    pub institution_per_second: u32,
    /// Units that they may spend at once.
    #[schema(example = 1000, minimum = 1, maximum = 1_000_000)]
    pub institution_burst: u32,
}

/// A plan.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PlanView {
    /// Its name.
    #[schema(example = "standard")]
    name: String,
    /// What it permits.
    #[serde(flatten)]
    quotas: Quotas,
}

/// Every plan.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PlanList {
    /// The plans, by name.
    data: Vec<PlanView>,
}

impl From<Plan> for PlanView {
    fn from(plan: Plan) -> Self {
        let quotas = Quotas {
            client_per_second: plan.client_per_second,
            client_burst: plan.client_burst,
            institution_per_second: plan.institution_per_second,
            institution_burst: plan.institution_burst,
        };
        Self { name: plan.name, quotas }
    }
}

/// Every plan.
#[utoipa::path(
    operation_id = "listPlans", tag = "admin",
    responses((status = 200, description = "The plans.", body = PlanList)),
    security(("oauth2" = ["admin"]))
)]
#[get("/admin/v1/plans")]
pub async fn list(permit: Permit<Administer>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let plans = plans::list(&mut state.directory().await?).await?;
    let list = PlanList { data: plans.into_iter().map(Into::into).collect() };
    permit.answer(Answer::json(&list)?).await
}

/// Makes a plan, or changes it for all institutions that have it.
#[utoipa::path(
    operation_id = "putPlan", tag = "admin",
    params(("name" = String, Path, description = "Lower-case letters, digits and hyphens; 32 at most.", example = "standard")),
    request_body(content = Quotas, content_type = "application/json"),
    responses((status = 200, description = "The plan as it is now.", body = PlanView)),
    security(("oauth2" = ["admin"]))
)]
#[put("/admin/v1/plans/{name}")]
pub async fn put(permit: Permit<Administer>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let name: String = permit.path("name")?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !(1..=32).contains(&name.len()) || !name.bytes().all(plain) {
        return Err(Problem::new(Code::Refused, "name: 1 to 32 lower-case letters, digits and hyphens"));
    }
    let quotas: Quotas = permit.json(BODY_MAX).await?;
    let numbers = [
        quotas.client_per_second,
        quotas.client_burst,
        quotas.institution_per_second,
        quotas.institution_burst,
    ];
    if numbers.iter().any(|number| !(1..=1_000_000).contains(number)) {
        return Err(Problem::new(Code::Refused, "each number is from 1 to 1000000"));
    }
    let plan = Plan {
        name,
        client_per_second: quotas.client_per_second,
        client_burst: quotas.client_burst,
        institution_per_second: quotas.institution_per_second,
        institution_burst: quotas.institution_burst,
    };
    let (door, by, new) = (state.door.clone(), permit.by(), plan.clone());
    let changed = Door::whole(async move {
        let changed = door.recorder.change(by, Change::PutPlan(new.clone()), None).await?;
        door.plan_changed(&new).await;
        Ok(changed)
    })
    .await?;
    permit.answer(Answer::json(&PlanView::from(plan))?.changed(changed)).await
}
