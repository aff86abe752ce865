//! `/v1/usage`: what an institution's clients used.

use std::collections::BTreeMap;

use actix_web::{get, web};
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use serde::Serialize;

use super::{State, params::Params};
use crate::{
    access::{Answer, Permit, Recorded, right::ReadUsage, usage::STORED_EVERY},
    domain::{ClientId, InstitutionId, date},
    error::{Code, Problem},
    store::usage::{self, By, Kind, Row, Sum},
    world::rfc3339,
};

/// Days that are told of unless a first one is named.
const DAYS: i64 = 30;
const DAYS_MAX: i32 = 366;
const ROWS_MAX: usize = 10_000;
const GROUPS: &[(&str, By)] = &[("client", By::Client), ("route", By::Route), ("day", By::Day)];

/// What was used.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct UsageView {
    /// The first day, in UTC.
    #[schema(value_type = String, format = Date, example = "2026-01-01")]
    from: String,
    /// The last day.
    #[schema(value_type = String, format = Date, example = "2026-01-31")]
    to: String,
    /// Every request that was answered before this is counted: RFC 3339, UTC. Later ones may be.
    #[schema(example = "2026-01-31T09:30:00.000000Z")]
    complete_until: String,
    /// What was used, in order of day, client and route, as far as it is grouped by them.
    data: Vec<UsageRow>,
}

/// What was used by one client, on one route, on one day, or by what it is grouped by.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct UsageRow {
    /// The day, in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Date, example = "2026-01-31", nullable = false)]
    day: Option<String>,
    /// The client.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    client_id: Option<ClientId>,
    /// Method and path.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "GET /v1/transactions", nullable = false)]
    route: Option<String>,
    /// Requests that were answered, refused ones too.
    #[schema(example = 1024)]
    requests: i64,
    /// Units that they cost of the institution's and the client's limits.
    #[schema(example = 1020)]
    units: i64,
    /// How many of the requests were refused or failed, by the problem's code.
    #[schema(example = json!({"quota_exceeded": 4}))]
    refusals: BTreeMap<String, i64>,
    /// Bytes of the answers' bodies.
    #[schema(example = 5242880)]
    bytes: i64,
}

/// What an institution's clients used: requests, units, refusals and bytes.
///
/// Days are in UTC, and are kept for two years (731 days). Requests without a valid token belong to nobody and
/// are not among them. A process that is killed loses what it counted in the last seconds; the ledger has every
/// look all the same.
#[utoipa::path(
    operation_id = "getUsage", tag = "limits",
    params(
        ("from" = Option<String>, Query, description = "The first day; 30 days up to the last one unless told.", format = Date, example = "2026-01-01"),
        ("to" = Option<String>, Query, description = "The last day; today unless told. At most 366 days.", format = Date, example = "2026-01-31"),
        ("group_by" = Option<String>, Query, description = "Comma-separated: `client`, `route`, `day`; one sum of all unless told.", pattern = "^(client|route|day)(,(client|route|day)){0,99}$", example = "client,day"),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses(
        (status = 200, description = "What was used.", body = UsageView),
        (status = 422, description = "The period ends before it begins or is too long, or there are too many rows.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["usage:read"]))
)]
#[get("/v1/usage")]
pub async fn get(permit: Permit<ReadUsage>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["from", "to", "group_by"])?;
    let by = params.words("group_by", GROUPS)?;
    let now_us = state.world().now_us();
    let days = days(&params, now_us)?;
    let tenant = permit.tenant();
    let still = state.door.usage.still().await;
    let mut reader = state.read(tenant).await?;
    let limit = ROWS_MAX * 2;
    let stored = usage::sums(&mut reader, tenant, days, &by, limit as i64).await?;
    let counted = state.door.usage.of(tenant);
    drop((still, reader));
    let mut sums = Sums { by, rows: BTreeMap::new() };
    let too_many = stored.len() == limit;
    stored.into_iter().for_each(|row| sums.add_stored(row));
    let in_time = |kind: &Kind| (days.0..=days.1).contains(&kind.day);
    counted.into_iter().filter(|(kind, _)| in_time(kind)).for_each(|(kind, sum)| sums.add(kind, sum));
    if too_many || sums.rows.len() > ROWS_MAX {
        let detail = format!("that is more than {ROWS_MAX} rows: take fewer days, or group by less");
        return Err(Problem::new(Code::Refused, detail));
    }
    // Other replicas may not have stored theirs yet.
    let late_us = i64::try_from(STORED_EVERY.as_micros()).unwrap_or_default() * 2;
    let complete_us = if state.door.db.is_shared() { now_us - late_us } else { now_us };
    let view = UsageView {
        from: days.0.to_string(),
        to: days.1.to_string(),
        complete_until: rfc3339(complete_us),
        data: sums.rows.into_values().collect(),
    };
    permit.answer(Answer::json(&view)?).await
}

/// The days that are asked for.
fn days(params: &Params<'_>, now_us: i64) -> Result<(Date, Date), Problem> {
    let day = |name: &str| {
        let read =
            |text| date::parse(text).map_err(|e| Problem::parameter(name, "invalid_value", e.to_string()));
        params.get(name).map(read).transpose()
    };
    let today = Timestamp::from_microsecond(now_us).map_err(Problem::internal)?;
    let to = day("to")?.unwrap_or_else(|| today.to_zoned(TimeZone::UTC).date());
    // The first day that there is.
    let first = Date::constant(1, 1, 1);
    let from = day("from")?.unwrap_or_else(|| to.saturating_sub((DAYS - 1).days()).max(first));
    let span = (to - from).get_days() + 1;
    if !(1..=DAYS_MAX).contains(&span) {
        let detail = format!("1 to {DAYS_MAX} days from the first to the last");
        return Err(Problem::new(Code::Refused, detail));
    }
    Ok((from, to))
}

type Key = (Option<String>, Option<ClientId>, Option<String>);

/// Sums under construction.
struct Sums {
    by: Vec<By>,
    rows: BTreeMap<Key, UsageRow>,
}

impl Sums {
    fn add_stored(&mut self, row: Row) {
        let sum = Sum { requests: row.requests, units: row.units, bytes: row.bytes };
        self.put((row.day, row.client_id.map(ClientId::from_uuid), row.route), &row.code, sum);
    }

    fn add(&mut self, kind: Kind, sum: Sum) {
        let told = |by: By| self.by.contains(&by);
        let key = (
            told(By::Day).then(|| kind.day.to_string()),
            told(By::Client).then_some(kind.client),
            told(By::Route).then_some(kind.route),
        );
        self.put(key, kind.code, sum);
    }

    fn put(&mut self, key: Key, code: &str, sum: Sum) {
        let row = self.rows.entry(key.clone()).or_insert_with(|| UsageRow {
            day: key.0,
            client_id: key.1,
            route: key.2,
            requests: 0,
            units: 0,
            refusals: BTreeMap::new(),
            bytes: 0,
        });
        row.requests += sum.requests;
        row.units += sum.units;
        row.bytes += sum.bytes;
        if !code.is_empty() {
            *row.refusals.entry(code.to_owned()).or_default() += sum.requests;
        }
    }
}
