//! Entries that somebody caused. No index leads to them: stretches of the log are gone through, so much of it at
//! a time.

use super::super::params::Params;
use crate::{
    domain::Tenant,
    error::Problem,
    store::{
        Reader,
        entries::{self, EntryQuery, EntryRow, Order},
    },
};

/// The most characters of an actor.
const ACTOR_MAX: usize = 128;
/// Entries that one statement goes through.
const WINDOW: i64 = 10_000;
/// Entries of a subject that are held at once.
const PORTION: i64 = 500;
/// Entries that one call goes through.
const SCAN_MAX: i64 = 50_000;

/// The actor that a query names: in an entry, that is ASCII without `"`, `\` and space (FORMAT.md, 2).
pub(super) fn named<'a>(params: &'a Params<'_>) -> Result<Option<&'a str>, Problem> {
    let actor = params.text("actor", ACTOR_MAX)?;
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    if actor.is_some_and(|actor| !actor.bytes().all(is_plain)) {
        let detail = "ASCII letters, digits and signs, without spaces, quotes and backslashes";
        return Err(Problem::parameter("actor", "invalid_value", detail));
    }
    Ok(actor)
}

/// The entries of a query that an actor caused, and where to go on if not all that it selects were gone
/// through.
pub(super) async fn entries(
    reader: &mut Reader,
    tenant: Tenant,
    query: EntryQuery,
    actor: &str,
    order: Order,
) -> Result<(Vec<EntryRow>, Option<i64>), Problem> {
    if query.seqs.is_some() {
        return Ok((of_subject(reader, tenant, query, actor, order).await?, None));
    }
    let EntryQuery { mut from, mut until, kind, limit, .. } = query;
    let (mut rows, mut gone_through) = (Vec::new(), 0);
    while from < until {
        let room = limit - i64::try_from(rows.len()).unwrap_or(i64::MAX);
        if room <= 0 {
            return Ok((rows, None));
        }
        if gone_through >= SCAN_MAX {
            let reached = match order {
                Order::Oldest => from - 1,
                Order::Newest => until,
            };
            return Ok((rows, Some(reached)));
        }
        let width = WINDOW.min(until - from);
        let window = match order {
            Order::Oldest => (from, from + width),
            Order::Newest => (until - width, until),
        };
        let found = entries::of_actor(reader, tenant, window, actor, kind.as_deref(), (order, room)).await?;
        rows.extend(found);
        gone_through += width;
        match order {
            Order::Oldest => from += width,
            Order::Newest => until -= width,
        }
    }
    Ok((rows, None))
}

/// The same, of a subject: its entries are few and an index leads to them, so all of them are gone through, a portion
/// at a time, until the page is full.
async fn of_subject(
    reader: &mut Reader,
    tenant: Tenant,
    query: EntryQuery,
    actor: &str,
    order: Order,
) -> Result<Vec<EntryRow>, Problem> {
    let (beginning, wanted) = (entries::beginning(actor), usize::try_from(query.limit).unwrap_or(0));
    let (mut rows, mut query) = (Vec::new(), EntryQuery { limit: PORTION, ..query });
    loop {
        let found = entries::sorted(reader, tenant, &query, order).await?;
        let is_last = i64::try_from(found.len()).unwrap_or(PORTION) < PORTION;
        match (found.last(), order) {
            (Some(last), Order::Oldest) => query.from = last.seq + 1,
            (Some(last), Order::Newest) => query.until = last.seq,
            (None, _) => return Ok(rows),
        }
        let theirs = found.into_iter().filter(|row| row.bytes.starts_with(&beginning));
        rows.extend(theirs.take(wanted - rows.len()));
        if is_last || rows.len() >= wanted {
            return Ok(rows);
        }
    }
}
