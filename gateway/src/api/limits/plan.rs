//! `POST /v1/limits/plan`: planned requests in, a schedule that meets no 429 out.

use actix_web::{post, web};
use serde::{Deserialize, Serialize};

use super::{Policy, levels};
use crate::{
    access::{
        Answer, Permit, Recorded,
        limit::{
            Level,
            schedule::{Bound, Impossible, Schedule, Work, schedule},
        },
        right::ReadUsage,
    },
    api::{State, params::Params},
    domain::InstitutionId,
    error::{Code, Fault, Problem},
    world::rfc3339,
};

const BODY_MAX: usize = 16 << 10;
const WORKS_MAX: usize = 50;
const COUNT_MAX: u32 = 10_000_000;
/// How much later than planned a request may come, unless told.
const LATE_S: f64 = 0.1;
const LATE_MAX_S: f64 = 10.0;
const OTHERS_MAX: f64 = 1e9;
/// How far ahead a start may be: a day.
const AHEAD_US: i64 = 86_400 * 1_000_000;

/// Requests that are planned.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitPlanRequest {
    /// Which operations, and how often each. They go side by side.
    #[schema(min_items = 1, max_items = 50)]
    requests: Vec<PlannedRequests>,
    /// When it begins: RFC 3339, within a day; now unless told. Nothing is spent until then.
    #[schema(format = DateTime)]
    start: Option<String>,
    /// Units a second that others spend meanwhile of the institution's and the address's limits: other
    /// clients of the institution, other programs behind the address. None unless told.
    #[schema(example = 20.0, minimum = 0, maximum = 1000000000)]
    other_load_per_second: Option<f64>,
    /// Seconds by which a request may arrive later than planned while another one is on time; 0.1 unless
    /// told. With less, keep each gap from the answer before, not by the clock.
    #[schema(example = 0.1, minimum = 0, maximum = 10)]
    late_s: Option<f64>,
}

/// Requests of one operation.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedRequests {
    /// Its `operationId`.
    #[schema(example = "listTransactions", max_length = 100)]
    operation: String,
    /// How many.
    #[schema(example = 10000, minimum = 1, maximum = 10000000)]
    count: u32,
}

/// When to send what, so that no request is answered 429.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LimitPlan {
    /// What the times count from: RFC 3339, UTC.
    #[schema(example = "2026-01-05T09:30:00.000000Z")]
    starts_at: String,
    /// Seconds until the last request is sent.
    #[schema(example = 48.12)]
    duration_s: f64,
    /// The steps in order of time. Those of several operations overlap.
    schedule: Vec<LimitPlanStep>,
    /// Requests a second to keep to once the bursts are spent, of all operations together; none when
    /// all fits at once.
    #[schema(example = 200.0)]
    advice_per_second: Option<f64>,
    /// The limit that holds it up; none when all fits at once.
    held_by: Option<Policy>,
}

/// Requests of one operation in even steps.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LimitPlanStep {
    /// Seconds from the start to the first one.
    #[schema(example = 0.0)]
    at_s: f64,
    /// Its `operationId`.
    #[schema(example = "listTransactions")]
    operation: String,
    /// How many.
    #[schema(example = 380)]
    count: u32,
    /// Seconds from one to the next; 0: all at once.
    #[schema(example = 0.0)]
    every_s: f64,
}

/// Plans requests: a schedule that meets no 429, and takes hardly longer than the quickest that there is.
///
/// It begins with what is left now and holds as long as nobody spends more than was said. It is longer
/// than the quickest possible one at most by `late_s` and by the time in which the limits get back one
/// request of each operation; a limit whose burst can't hold one of each has one operation after
/// another. Limits that replicas share are planned with 95 % of their rate, as each replica holds a part
/// of them in advance. New access tokens cost 1 of the address's limit: plan them as `issueToken`.
#[utoipa::path(
    operation_id = "planRequests", tag = "limits",
    params(("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant.")),
    request_body(content = LimitPlanRequest, content_type = "application/json", example = json!({
        "requests": [{"operation": "listTransactions", "count": 10000}, {"operation": "getTransaction", "count": 500}],
    })),
    responses(
        (status = 200, description = "The schedule.", body = LimitPlan),
        (status = 422, description = "It can never be, or something is out of range.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["usage:read"]))
)]
#[post("/v1/limits/plan")]
pub async fn make(permit: Permit<ReadUsage>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let request: LimitPlanRequest = permit.json(BODY_MAX).await?;
    let asked = asked(&state, &request)?;
    let number = |name: &str, given: Option<f64>, otherwise: f64, most: f64| match given {
        Some(given) if !(0.0..=most).contains(&given) => {
            Err(refuse(&format!("/{name}"), "out_of_range", format!("0 to {most}")))
        }
        given => Ok(given.unwrap_or(otherwise)),
    };
    let others = number("other_load_per_second", request.other_load_per_second, 0.0, OTHERS_MAX)?;
    let late_s = number("late_s", request.late_s, LATE_S, LATE_MAX_S)?;
    let now_us = state.world().now_us();
    let start_us = start(request.start.as_deref(), now_us)?;
    let ahead_s = (start_us - now_us).max(0) as f64 / 1e6;
    let levels = levels(&permit, &state)?;
    let works: Vec<Work<3>> = asked.iter().map(|asked| asked.work(&levels)).collect();
    let bounds = bounds(&levels, &works, others, ahead_s)?;
    let made = schedule(bounds, &works, late_s).map_err(|why| impossible(why, &levels, others))?;
    permit.answer(Answer::json(&view(made, &asked, start_us))?).await
}

/// An operation, and how often.
struct Asked<'a> {
    operation: &'a str,
    count: u32,
    cost: u32,
}

impl Asked<'_> {
    /// What one costs of each limit: one above a burst takes the whole burst.
    fn work(&self, levels: &[Level; 3]) -> Work<3> {
        let of = |level: &Level, cost: u32| f64::from(cost.min(level.rate.burst.get()));
        let [address, institution, client] = levels;
        let costs = [of(address, 1), of(institution, self.cost), of(client, self.cost)];
        Work { count: self.count, costs }
    }
}

fn asked<'a>(state: &'a State, request: &LimitPlanRequest) -> Result<Vec<Asked<'a>>, Problem> {
    if !(1..=WORKS_MAX).contains(&request.requests.len()) {
        return Err(refuse("/requests", "out_of_range", format!("1 to {WORKS_MAX} operations")));
    }
    let one = |(place, planned): (usize, &PlannedRequests)| {
        let operation = state.operations.named(&planned.operation).map_err(|meant| {
            let meant = meant.map(|meant| format!("; did you mean {meant:?}?")).unwrap_or_default();
            let detail = format!("there is no such operation{meant}");
            refuse(&format!("/requests/{place}/operation"), "unknown_operation", detail)
        })?;
        if !(1..=COUNT_MAX).contains(&planned.count) {
            let pointer = format!("/requests/{place}/count");
            return Err(refuse(&pointer, "out_of_range", format!("1 to {COUNT_MAX}")));
        }
        Ok(Asked { operation: &operation.id, count: planned.count, cost: operation.cost })
    };
    request.requests.iter().enumerate().map(one).collect()
}

/// When it begins, in microseconds since the Unix epoch.
fn start(given: Option<&str>, now_us: i64) -> Result<i64, Problem> {
    let Some(given) = given else { return Ok(now_us) };
    let at: jiff::Timestamp = given
        .parse()
        .map_err(|_| refuse("/start", "invalid_value", "a time as RFC 3339 writes it".to_owned()))?;
    let at_us = at.as_microsecond();
    match (now_us..=now_us + AHEAD_US).contains(&at_us) {
        true => Ok(at_us),
        false => Err(refuse("/start", "out_of_range", "not before now, and within a day".to_owned())),
    }
}

/// What the limits let through from the start on.
fn bounds(levels: &[Level; 3], works: &[Work<3>], others: f64, ahead_s: f64) -> Result<[Bound; 3], Problem> {
    let mut bounds = Vec::new();
    for (d, level) in levels.iter().enumerate() {
        let dearest = works.iter().map(|work| work.costs[d]).fold(1.0, f64::max);
        let others = if level.policy == "client" { 0.0 } else { others };
        let mut bound = Bound::of(level, others, dearest).ok_or_else(|| {
            let detail = "the replicas hold their limits apart now; a plan might not hold, try again later";
            Problem { retry_after_s: Some(5), ..Problem::new(Code::Unavailable, detail) }
        })?;
        bound.left = (bound.left + ahead_s / bound.unit_s).min(bound.burst);
        bounds.push(bound);
    }
    bounds.try_into().map_err(|_| Problem::internal("there are three limits"))
}

fn impossible(why: Impossible, levels: &[Level; 3], others: f64) -> Problem {
    let burst = |policy: &str| {
        let level = levels.iter().find(|level| level.policy == policy);
        level.map_or(0, |level| level.rate.burst.get())
    };
    match why {
        Impossible::Cost(place, policy) => {
            let burst = burst(policy);
            let detail = format!("it takes all {burst} of the {policy} limit, and others spend of it");
            refuse(&format!("/requests/{place}"), "cost_beyond_burst", detail)
        }
        Impossible::Load(policy) => {
            let detail = format!("{others} units a second are all that the {policy} limit gets back");
            refuse("/other_load_per_second", "nothing_left", detail)
        }
    }
}

fn refuse(pointer: &str, code: &str, detail: String) -> Problem {
    let fault = Fault { pointer: pointer.to_owned(), code: code.to_owned(), detail: detail.clone() };
    Problem { errors: vec![fault], ..Problem::new(Code::Refused, format!("{pointer}: {detail}")) }
}

fn view(made: Schedule, asked: &[Asked<'_>], start_us: i64) -> LimitPlan {
    // The last step of each operation that is spaced.
    let last = |work: usize| made.steps.iter().rfind(|step| step.work == work && step.every_s > 0.0);
    let rates = (0..asked.len()).filter_map(last).map(|step| step.every_s.recip());
    let held_by = made.held_by.map(Policy::of);
    let advice = if made.in_turn { rates.fold(f64::INFINITY, f64::min) } else { rates.sum() };
    LimitPlan {
        starts_at: rfc3339(start_us),
        duration_s: made.duration_s,
        advice_per_second: held_by.is_some().then_some(advice),
        held_by,
        schedule: made
            .steps
            .iter()
            .map(|step| LimitPlanStep {
                at_s: step.at_s,
                operation: asked[step.work].operation.to_owned(),
                count: step.count,
                every_s: step.every_s,
            })
            .collect(),
    }
}
