//! `GET /v1/lineage/events`: the events themselves, as their clients sent them.

use actix_web::{get, web};
use serde::Serialize;
use serde_json::value::RawValue;

use super::super::{
    State, accept,
    as_of::AS_OF,
    direct,
    list::{List, Run},
    params::Params,
};
use crate::{
    access::{Permit, Recorded, right::ReadLineage},
    domain::{InstitutionId, LineageEventId},
    error::Problem,
    export::source::Selection,
    lineage::record,
    store::lineage::{self, Known, Order},
};

const OPERATION: &str = "listLineageEvents";
const ORDERS: &[(&str, Order)] = &[("seq", Order::Oldest), ("-seq", Order::Newest)];
/// Bytes of events after which a page ends: each may have 5 MiB.
const PAGE_BYTES: usize = 8 << 20;
/// Events that are read at a time.
const CHUNK: i64 = 8;

/// An event as it was recorded.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LineageEventView<T> {
    /// Its id: the same event has the same.
    pub id: LineageEventId,
    /// The entry that records it.
    #[schema(example = "7", pattern = "^[0-9]+$")]
    pub seq: String,
    /// The event, as its client sent it but for white space between its tokens.
    #[schema(value_type = Object)]
    pub event: T,
}

/// Events of lineage, in ledger order.
///
/// A page may have fewer events than asked for, and yet a next one: large events make a page of few. With
/// `Accept: application/x-ndjson` the answer is all of them, one a line: the input of any tool of OpenLineage.
#[utoipa::path(
    operation_id = "listLineageEvents", tag = "lineage",
    params(
        ("sort" = Option<String>, Query, description = "`seq` (unless told): as they came. `-seq`: the last one first.", pattern = "^-?seq$", example = "-seq"),
        ("limit" = Option<u16>, Query, description = "Page size, 1 to 500; 100 unless told.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
        ("as_of" = Option<String>, Query, description = "Only what was recorded up to this entry; all unless told.", pattern = "^[0-9]{1,18}$"),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses(
        (status = 200, description = "A page of events; or, by `Accept`, all that there are, as a file.", content(
            (List<LineageEventView<Object>> = "application/json"),
            (String = "text/csv"),
            (Object = "application/x-ndjson"),
        )),
        (status = 406, description = "There is no such representation.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The whole result is too large for one answer.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["lineage:read"]))
)]
#[get("/v1/lineage/events")]
pub async fn list(permit: Permit<ReadLineage>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["sort", "limit", "cursor", AS_OF])?;
    let (tenant, whole) = (permit.tenant(), accept::whole(&permit)?);
    let order = params.word("sort", ORDERS)?.unwrap_or_default();
    let mut reader = state.read(tenant).await?;
    let run = Run::take_up(&state, &mut reader, OPERATION, tenant, &params).await?;
    if let Some(format) = whole {
        drop(reader);
        let selection = Selection::LineageEvents;
        return direct::answer(&permit, &state, &params, &run.snapshot, selection, format).await;
    }
    let last = run.snapshot.seq();
    let first = match order {
        Order::Oldest => -1,
        Order::Newest => last.saturating_add(1),
    };
    let mut at = run.after.as_ref().map_or(first, |position| position.seq);
    let (mut rows, mut bytes): (Vec<Known>, usize) = (Vec::new(), 0);
    let has_more = loop {
        let room = run.limit - i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let is_full = room <= 0 || bytes >= PAGE_BYTES;
        let fetch = if is_full { 1 } else { room.min(CHUNK) };
        let found = match order {
            Order::Oldest => lineage::after(&mut reader, tenant, (at, last), fetch).await?,
            Order::Newest => lineage::before(&mut reader, tenant, at, fetch).await?,
        };
        let Some(end) = found.last().map(|row| row.seq) else { break false };
        if is_full {
            break true;
        }
        at = end;
        bytes += found.iter().map(|row| row.payload.len()).sum::<usize>();
        rows.extend(found);
    };
    drop(reader);
    let page = run.ends_at(at, has_more)?;
    let data: Vec<LineageEventView<Box<RawValue>>> = rows.iter().map(view).collect::<Result<_, _>>()?;
    permit.answer(List { data, page, as_of: run.snapshot.as_of()? }.answer()?.header("vary", "Accept")).await
}

fn view(row: &Known) -> Result<LineageEventView<Box<RawValue>>, Problem> {
    let damaged = |e| Problem::internal(format!("the event of entry {} is damaged: {e}", row.seq));
    let text = record::text(&row.payload).map_err(damaged)?;
    let id = record::id(record::digest(&text));
    let event = RawValue::from_string(text).map_err(damaged)?;
    Ok(LineageEventView { id, seq: row.seq.to_string(), event })
}
