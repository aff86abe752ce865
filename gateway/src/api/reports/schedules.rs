//! `/v1/report-schedules`: reports that are ordered by themselves, one for each period.

use std::collections::BTreeMap;

use actix_web::{delete, get, http::StatusCode, post, web};
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::super::{
    State,
    list::{List, Run},
    params::Params,
};
use crate::{
    access::{
        Answer, Door, Permit, Recorded,
        right::{OrderReports, ReadReports, Right, WriteReports},
    },
    domain::{InstitutionId, ReportId, ScheduleId},
    error::Problem,
    reporting::{
        judge::judge,
        schedule::{self, AFTER_DAYS_MAX, Plan},
    },
    reports::{Granularity, Period},
    store::{
        Reader,
        reports::schedules::{self, Schedule},
    },
    world::{id_parts, rfc3339},
};

const OPERATION: &str = "listReportSchedules";
const BODY_MAX: usize = 64 << 10;
/// Periods that may be over already when a schedule is set up.
const OVER_MAX: usize = 366;
/// Years that the first period may be away.
const AHEAD_YEARS: i64 = 10;

/// A schedule that is to be set up.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReportSchedule {
    /// The reports' type: one of `/v1/report-types`.
    #[serde(rename = "type")]
    #[schema(max_length = 64, example = "account-statement")]
    kind: String,
    /// How long the periods are: one of the type's.
    every: Granularity,
    /// The first period; the one that is not over yet, unless told. At most 366 periods may be over already: their
    /// reports are made one after the other, oldest first.
    #[schema(max_length = 10, example = "2026-03")]
    from: Option<String>,
    /// How many whole days after a period's end its report is ordered; on the day after its last one unless told.
    #[serde(default)]
    #[schema(required = false, maximum = 90, example = 2)]
    after_days: u8,
    /// At which hour of that day, UTC; at midnight unless told.
    #[serde(default)]
    #[schema(required = false, maximum = 23, example = 6)]
    hour: u8,
    /// What the type asks for besides.
    #[serde(default)]
    #[schema(required = false, example = json!({"tolerance": "0.10"}))]
    parameters: BTreeMap<String, String>,
}

/// A schedule of reports.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReportSchedule {
    /// Its id: the actor of what it orders.
    pub id: ScheduleId,
    /// The reports' type.
    #[serde(rename = "type")]
    #[schema(example = "account-statement")]
    pub kind: String,
    /// How long the periods are.
    pub every: Granularity,
    /// The first period.
    #[schema(example = "2026-03")]
    pub from: String,
    /// How many whole days after a period's end its report is ordered.
    #[schema(example = 2)]
    pub after_days: i64,
    /// At which hour of that day, UTC.
    #[schema(example = 6)]
    pub hour: i64,
    /// What the reports are told besides.
    #[schema(example = json!({"tolerance": "0.10"}))]
    pub parameters: BTreeMap<String, String>,
    /// `active` or `ended`.
    #[schema(example = "active")]
    pub state: &'static str,
    /// The period whose report is next; none once it is ended.
    #[schema(example = "2026-04")]
    pub next_period: Option<String>,
    /// When that one is due: RFC 3339, UTC. What is due is ordered within a minute or so.
    #[schema(example = "2026-05-03T06:00:00.000000Z")]
    pub next_due_at: Option<String>,
    /// What became of the last period; none before the first is due.
    pub last: Option<ReportScheduleOutcome>,
    /// The entry that set it up.
    #[schema(example = "49103", pattern = "^[0-9]+$")]
    pub seq: String,
    /// When it was set up: RFC 3339, UTC.
    #[schema(example = "2026-03-05T09:30:00.000000Z")]
    pub created_at: String,
    /// The entry that ended it.
    #[schema(example = "49204", pattern = "^[0-9]+$")]
    pub ended_seq: Option<String>,
    /// When it was ended.
    #[schema(example = "2026-09-05T09:30:00.000000Z")]
    pub ended_at: Option<String>,
}

/// What became of a period of a schedule.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReportScheduleOutcome {
    /// The period.
    #[schema(example = "2026-03")]
    pub period: String,
    /// When its report was ordered, or could not be: RFC 3339, UTC.
    #[schema(example = "2026-04-03T06:00:21.000000Z")]
    pub at: String,
    /// What the report's first version is: `producing`, `ready`, `refused` or `failed`. `not_ordered` where none was
    /// ordered.
    #[schema(example = "ready")]
    pub outcome: String,
    /// Why none was ordered: `conflict` where there was such a report already, or what no longer fits.
    #[schema(example = "conflict")]
    pub code: Option<String>,
    /// The report, also one that was there already.
    pub report: Option<ReportId>,
}

impl ReportSchedule {
    fn of(row: Schedule) -> Result<Self, Problem> {
        let last = row.last_period.zip(row.last_at_us).map(|(period, at_us)| ReportScheduleOutcome {
            period,
            at: rfc3339(at_us),
            outcome: match (&row.last_code, row.last_state) {
                (None, Some(state)) => state,
                _ => "not_ordered".to_owned(),
            },
            code: row.last_code,
            report: row.last_report_id.map(ReportId::from_uuid),
        });
        let goes_on = row.ended_seq.is_none();
        Ok(Self {
            id: ScheduleId::from_uuid(row.id),
            every: Granularity::parse(&row.rhythm).ok_or_else(|| Problem::internal("an unknown rhythm"))?,
            kind: row.kind,
            from: row.first_period,
            after_days: row.after_days,
            hour: row.hour,
            parameters: serde_json::from_str(&row.parameters).map_err(Problem::internal)?,
            state: if goes_on { "active" } else { "ended" },
            next_period: goes_on.then_some(row.next_period),
            next_due_at: goes_on.then(|| rfc3339(row.due_at_us)),
            last,
            seq: row.seq.to_string(),
            created_at: rfc3339(row.created_at_us),
            ended_seq: row.ended_seq.map(|seq| seq.to_string()),
            ended_at: row.ended_at_us.map(rfc3339),
        })
    }
}

/// Has a report ordered for each period, once the period is over.
///
/// Each is ordered as `POST /v1/reports` would, with the schedule as its actor. Periods that were missed are caught
/// up, oldest first. What can't be ordered is told in `last`, and does not stop the next one.
#[utoipa::path(
    operation_id = "createReportSchedule", tag = "reports",
    params(
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
        ("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one; kept 24 hours."),
    ),
    request_body(content = NewReportSchedule, content_type = "application/json", example = json!({
        "type": "account-statement", "every": "month", "after_days": 2, "hour": 6, "parameters": {"tolerance": "0.10"},
    })),
    responses(
        (status = 201, description = "It is set up.", body = ReportSchedule),
        (status = 409, description = "There is one of this type, rhythm and parameters, or there are 100 already.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "There is no such type, or rhythm, first period, time or parameters do not fit; or the Idempotency-Key was used with another body.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["reports:write"]))
)]
#[post("/v1/report-schedules")]
pub async fn create(permit: Permit<OrderReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (new, idempotency): (NewReportSchedule, _) = permit.json_once(BODY_MAX).await?;
    let tenant = permit.tenant();
    let first = super::first_answer(&mut state.read(tenant).await?, tenant, idempotency.as_ref()).await?;
    let filed = match first {
        Some(first) => first,
        None => {
            let filing = plan(&state, new)?.filing(permit.by(), idempotency).map_err(Problem::internal)?;
            let recorder = state.door.recorder.clone();
            Door::whole(async move { recorder.file(tenant, filing).await }).await?
        }
    };
    let id: ScheduleId = filed.id.parse().map_err(Problem::internal)?;
    let row = schedules::get(&mut state.read(tenant).await?, tenant, id).await?;
    let view = ReportSchedule::of(row.ok_or_else(Problem::not_found)?)?;
    let answer = Answer::json(&view)?.status(StatusCode::CREATED);
    let answer = answer.header("location", &format!("/v1/report-schedules/{id}"));
    permit.answer(answer.receipt(filed.receipt).replayed(filed.replayed)).await
}

/// What is asked for, once it is clear that it can work.
fn plan(state: &State, new: NewReportSchedule) -> Result<Plan, Problem> {
    let now = Timestamp::from_microsecond(state.world().now_us()).map_err(Problem::internal)?;
    let today = now.to_zoned(TimeZone::UTC).date();
    let from = match &new.from {
        None => Period::around(today, new.every).map_err(Problem::internal)?,
        Some(text) => match Period::parse(text) {
            Ok((from, length)) if length == new.every => from,
            _ => {
                let detail =
                    format!("a {} as `every` says, such as {}", new.every.as_str(), example(new.every));
                return Err(Problem::member("/from", "invalid_period", detail));
            }
        },
    };
    judge(&new.kind, &from.to_string(), &new.parameters).map_err(|unfit| match unfit.pointer.as_str() {
        // The period is one; it is its length that the type does not have.
        "/period" => Problem::member("/every", unfit.code, unfit.detail),
        _ => unfit.into(),
    })?;
    if !is_near(from, new.every, today) {
        let detail =
            format!("at most {OVER_MAX} periods are over, and the first is {AHEAD_YEARS} years away");
        return Err(Problem::member("/from", "out_of_range", detail));
    }
    for (pointer, value, max) in [("/after_days", new.after_days, AFTER_DAYS_MAX), ("/hour", new.hour, 23)] {
        if value > max {
            return Err(Problem::member(pointer, "out_of_range", format!("0 to {max}")));
        }
    }
    let (ms, random) = id_parts(state.world());
    Ok(Plan {
        id: ScheduleId::from_parts(ms, random),
        report_type: new.kind,
        parameters: new.parameters,
        every: new.every,
        from,
        after_days: new.after_days,
        hour: new.hour,
    })
}

/// How a period of this length is written.
fn example(granularity: Granularity) -> &'static str {
    match granularity {
        Granularity::Day => "2026-03-31",
        Granularity::Month => "2026-03",
        Granularity::Quarter => "2026-Q1",
        Granularity::Year => "2026",
    }
}

/// Whether a first period is neither too long ago nor too far away.
fn is_near(from: Period, every: Granularity, today: Date) -> bool {
    if today.checked_add(AHEAD_YEARS.years()).is_ok_and(|far| from.first > far) {
        return false;
    }
    let over = std::iter::successors(Some(from), |period| period.next(every).ok());
    over.take_while(|period| period.last < today).take(OVER_MAX + 1).count() <= OVER_MAX
}

/// Schedules of reports, newest first, also those that were ended.
#[utoipa::path(
    operation_id = "listReportSchedules", tag = "reports",
    params(
        ("limit" = Option<u16>, Query, description = "Page size, 1 to 500; 100 unless told.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "A page of schedules.", body = List<ReportSchedule>)),
    security(("oauth2" = ["reports:read"]))
)]
#[get("/v1/report-schedules")]
pub async fn list(permit: Permit<ReadReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["limit", "cursor"])?;
    let tenant = permit.tenant();
    let mut reader = state.read(tenant).await?;
    let run = Run::take_up(&state, &mut reader, OPERATION, tenant, &params).await?;
    let before = run.before();
    let mut rows = schedules::page(&mut reader, tenant, run.snapshot.seq(), before, run.fetch()).await?;
    drop(reader);
    let page = run.cut(&mut rows, |row| (None, row.seq))?;
    let data = rows.into_iter().map(ReportSchedule::of).collect::<Result<_, _>>()?;
    permit.answer(List { data, page, as_of: run.snapshot.as_of()? }.answer()?).await
}

/// A schedule of reports: when the next one is due, and what became of the last.
#[utoipa::path(
    operation_id = "getReportSchedule", tag = "reports",
    params(
        ("id" = ScheduleId, Path, description = "The schedule."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "The schedule.", body = ReportSchedule)),
    security(("oauth2" = ["reports:read"]))
)]
#[get("/v1/report-schedules/{id}")]
pub async fn get(permit: Permit<ReadReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let row = load(&permit, &mut state.read(permit.tenant()).await?).await?;
    permit.answer(Answer::json(&ReportSchedule::of(row)?)?).await
}

/// Ends a schedule: it orders nothing more. What it ordered stays, and so does what it was.
#[utoipa::path(
    operation_id = "deleteReportSchedule", tag = "reports",
    params(
        ("id" = ScheduleId, Path, description = "The schedule."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses(
        (status = 200, description = "The schedule, ended.", body = ReportSchedule),
        (status = 409, description = "It was ended before.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["reports:write"]))
)]
#[delete("/v1/report-schedules/{id}")]
pub async fn delete(permit: Permit<WriteReports>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let (tenant, id) = (permit.tenant(), permit.path::<ScheduleId>("id")?);
    load(&permit, &mut state.read(tenant).await?).await?;
    let (recorder, filing) = (state.door.recorder.clone(), schedule::end(permit.by(), id));
    let filed = Door::whole(async move { recorder.file(tenant, filing).await }).await?;
    let row = load(&permit, &mut state.read(tenant).await?).await?;
    permit.answer(Answer::json(&ReportSchedule::of(row)?)?.receipt(filed.receipt)).await
}

/// The schedule that a path names.
async fn load<R: Right>(permit: &Permit<R>, reader: &mut Reader) -> Result<Schedule, Problem> {
    let id: ScheduleId = permit.path("id")?;
    schedules::get(reader, permit.tenant(), id).await?.ok_or_else(Problem::not_found)
}
