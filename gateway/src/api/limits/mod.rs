//! `/v1/limits`: what is left of the caller's limits.

pub mod plan;

use actix_web::{get, web};
use serde::Serialize;

use super::{State, params::Params};
use crate::{
    access::{
        Answer, Permit, Recorded,
        limit::{Held, Level},
        right::{ReadUsage, Right},
    },
    domain::InstitutionId,
    error::{Code, Problem},
};

/// Where a caller stands with its limits.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LimitsView {
    /// The plan whose rates the client and its institution have.
    #[schema(example = "standard")]
    plan: String,
    /// The limits of the address, the institution and the client, in this order. A request must fit
    /// into each.
    limits: Vec<LimitView>,
    /// Units that each operation costs of the institution's and the client's limits. Every request also
    /// costs 1 of its address's limit.
    costs: Vec<CostView>,
}

/// A limit, and what is left of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LimitView {
    /// Its name, as in the `RateLimit` header.
    policy: Policy,
    /// Units a second that come back.
    #[schema(example = 200, minimum = 1)]
    per_second: u32,
    /// Units that can be spent at once.
    #[schema(example = 400, minimum = 1)]
    burst: u32,
    /// Units left. Of a limit that replicas share it is what the one that answers knows of.
    #[schema(example = 399)]
    remaining: u32,
    /// Seconds until it would be full.
    #[schema(example = 1)]
    reset_s: u32,
    /// Who spends it: `alone`, this process; `together`, all replicas; `apart`, each its share, as what
    /// they share is away.
    held: HeldView,
}

/// A limit's name.
#[derive(Clone, Copy, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Of the address that requests come from.
    Address,
    /// Of all clients of the institution together.
    Institution,
    /// Of the client.
    Client,
}

impl Policy {
    /// As the limiter names it.
    fn of(policy: &str) -> Self {
        match policy {
            "address" => Self::Address,
            "institution" => Self::Institution,
            _ => Self::Client,
        }
    }
}

/// Who spends a limit.
#[derive(Clone, Copy, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum HeldView {
    /// One process.
    Alone,
    /// All replicas.
    Together,
    /// Each replica its share.
    Apart,
}

/// What an operation costs.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CostView {
    /// Its `operationId`.
    #[schema(example = "listTransactions")]
    operation: String,
    /// Units.
    #[schema(example = 1)]
    units: u32,
}

impl From<Level> for LimitView {
    fn from(level: Level) -> Self {
        Self {
            policy: Policy::of(level.policy),
            per_second: level.rate.per_second.get(),
            burst: level.rate.burst.get(),
            remaining: level.left,
            reset_s: level.standing().full_in_s,
            held: match level.held {
                Held::Alone => HeldView::Alone,
                Held::Together(_) => HeldView::Together,
                Held::Apart => HeldView::Apart,
            },
        }
    }
}

/// What is left now of the limits of this client, its institution and its address.
#[utoipa::path(
    operation_id = "getLimits", tag = "limits",
    params(("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant.")),
    responses((status = 200, description = "The limits, after this request was paid.", body = LimitsView)),
    security(("oauth2" = ["usage:read"]))
)]
#[get("/v1/limits")]
pub async fn get(permit: Permit<ReadUsage>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let levels = levels(&permit, &state)?;
    let costs = state.operations.iter();
    let view = LimitsView {
        plan: permit.caller().plan.clone(),
        limits: levels.map(LimitView::from).into(),
        costs: costs.map(|it| CostView { operation: it.id.clone(), units: it.cost }).collect(),
    };
    permit.answer(Answer::json(&view)?).await
}

/// The levels of the caller's limits.
fn levels<R: Right>(permit: &Permit<R>, state: &State) -> Result<[Level; 3], Problem> {
    let caller = permit.caller();
    let levels = state.door.limits.levels(permit.address(), &caller.plan, caller.home, caller.actor);
    levels.ok_or_else(|| Problem::new(Code::Unavailable, "the limits of the plan are not known yet"))
}
