//! `GET /v1/ledger/days`: how many entries each day has.
//!
//! Time never goes back along a log, so the entries of a day are a range: its ends are looked for, and nothing
//! in between is read. What each kind has is counted in the index.

use std::collections::BTreeMap;

use actix_web::{get, web};
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use serde::Serialize;
use veritrail_audit::Kind;

use super::super::{
    State,
    as_of::{AsOf, Snapshot},
    params::Params,
};
use crate::{
    access::{Answer, Permit, Recorded, right::SearchLedger},
    domain::{InstitutionId, date},
    error::{Code, Problem},
    store::entries,
};

const DAYS_MAX: i32 = 366;
const DAY_US: i64 = 24 * 3600 * 1_000_000;
/// Entries up to which kinds are counted.
const COUNTED_MAX: i64 = 1_000_000;

/// How many entries each day has.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LedgerDays {
    /// The first day, in UTC.
    #[schema(value_type = String, format = Date, example = "2026-01-01")]
    from: String,
    /// The last day.
    #[schema(value_type = String, format = Date, example = "2026-01-31")]
    to: String,
    /// The days that have entries, in order.
    data: Vec<LedgerDay>,
    /// The state of the ledger that this shows.
    as_of: AsOf,
}

/// How many entries a day has.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LedgerDay {
    /// The day, in UTC.
    #[schema(value_type = String, format = Date, example = "2026-01-05")]
    day: String,
    /// How many.
    #[schema(example = 1024)]
    entries: i64,
    /// How many of each kind that there is; none when the days have more than 1,000,000 entries together.
    #[schema(required, example = json!({"access": 24, "record": 1000}))]
    kinds: Option<BTreeMap<String, i64>>,
}

/// How many entries were made on each day, and of which kinds.
#[utoipa::path(
    operation_id = "getLedgerDays", tag = "ledger",
    params(
        ("from" = Option<String>, Query, description = "The first day; 365 days up to the last one unless told.", format = Date, example = "2026-01-01"),
        ("to" = Option<String>, Query, description = "The last day; today unless told. At most 366 days. Days are in UTC.", format = Date, example = "2026-01-31"),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses(
        (status = 200, description = "The days that have entries.", body = LedgerDays),
        (status = 422, description = "The period ends before it begins or is too long.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["ledger:read"]))
)]
#[get("/v1/ledger/days")]
pub async fn get(permit: Permit<SearchLedger>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["from", "to"])?;
    let (from, to) = days(&params, state.world().now_us())?;
    let tenant = permit.tenant();
    let mut reader = state.read(tenant).await?;
    let snapshot = Snapshot::now(&mut reader, tenant).await?;
    let first = i64::from((from - Date::constant(1970, 1, 1)).get_days());
    let last = i64::from((to - Date::constant(1970, 1, 1)).get_days());
    let starts: Vec<i64> = (first..=last + 1).map(|day| day * DAY_US).collect();
    let ends = entries::seqs_at(&mut reader, tenant, snapshot.seq() + 1, &starts).await?;
    let with_entries = (0_i64..).zip(ends.windows(2)).filter(|(_, range)| range[0] < range[1]);
    let (places, ranges): (Vec<i64>, Vec<(i64, i64)>) =
        with_entries.map(|(place, range)| (place, (range[0], range[1]))).unzip();
    let sizes = ranges.iter().map(|(start, end)| end - start);
    let all: i64 = sizes.clone().sum();
    let mut kinds: Vec<Option<BTreeMap<String, i64>>> = vec![None; ranges.len()];
    if all <= COUNTED_MAX {
        // What is no other kind is a record: of these there may be very many.
        let others = Kind::ALL.map(Kind::as_str).into_iter().filter(|kind| *kind != Kind::Record.as_str());
        let others: Vec<&'static str> = others.collect();
        let counts = entries::counts(&mut reader, tenant, &ranges, &others).await?;
        for (known, size) in kinds.iter_mut().zip(sizes.clone()) {
            *known = Some(BTreeMap::from([(Kind::Record.as_str().to_owned(), size)]));
        }
        for count in counts.iter().filter(|count| count.entries > 0) {
            let place = usize::try_from(count.place).map_err(Problem::internal)?;
            let Some(Some(known)) = kinds.get_mut(place) else { continue };
            known.insert(count.kind.clone(), count.entries);
            if let Some(records) = known.get_mut(Kind::Record.as_str()) {
                *records -= count.entries;
            }
        }
        kinds.iter_mut().flatten().for_each(|known| known.retain(|_, entries| *entries > 0));
    }
    drop(reader);
    let data = places.into_iter().zip(sizes).zip(kinds).map(|((place, entries), kinds)| LedgerDay {
        day: from.saturating_add(place.days()).to_string(),
        entries,
        kinds,
    });
    let days = LedgerDays {
        from: from.to_string(),
        to: to.to_string(),
        data: data.collect(),
        as_of: snapshot.as_of()?,
    };
    permit.answer(Answer::json(&days)?).await
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
    let from = day("from")?.unwrap_or_else(|| to.saturating_sub(364.days()).max(first));
    if !(1..=DAYS_MAX).contains(&((to - from).get_days() + 1)) {
        return Err(Problem::new(Code::Refused, format!("1 to {DAYS_MAX} days from the first to the last")));
    }
    Ok((from, to))
}
