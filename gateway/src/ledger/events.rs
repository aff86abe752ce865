//! Events as they stand on a log: derived from its entries, in its order.

use veritrail_audit::Entry;

use super::log::signed;
use crate::{
    domain::{Event, EventData, EventType, Tenant},
    store::{
        Reader, StoreError,
        events::{self, Candidate},
    },
};

/// Entries that one statement goes through.
const WINDOW: i64 = 2_000;
/// Entries that one call goes through: a log that is read much has long stretches without an event.
const SCAN_MAX: i64 = 50_000;

/// The types that somebody follows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted(Vec<EventType>);

impl Wanted {
    /// These types; all of them when none is named.
    #[must_use]
    pub fn new(types: Vec<EventType>) -> Self {
        Self(types)
    }

    /// As an endpoint's row has them: with spaces between them.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        Self(list.split(' ').filter_map(EventType::parse).collect())
    }

    /// The types that were named.
    #[must_use]
    pub fn types(&self) -> &[EventType] {
        &self.0
    }

    fn takes(&self, one: EventType) -> bool {
        self.0.is_empty() || self.0.contains(&one)
    }
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|one| one.as_str()).collect();
        f.write_str(&names.join(" "))
    }
}

/// An event, and the entry that it is.
#[derive(Clone, Debug)]
pub struct Told {
    /// The entry's seq.
    pub seq: i64,
    /// The event.
    pub event: Event,
}

/// What was found, and how far it was looked.
#[derive(Debug)]
pub struct Found {
    /// The events, in order.
    pub events: Vec<Told>,
    /// The last entry that was looked at: all up to it is known.
    pub scanned: i64,
    /// Whether there may be more before the end that was named.
    pub more: bool,
}

/// The events after an entry and before another, at most `limit`, in the log's order.
///
/// # Errors
/// When the database fails, or an entry can't be read.
pub async fn after(
    reader: &mut Reader,
    tenant: Tenant,
    (after, until): (i64, i64),
    wanted: &Wanted,
    limit: usize,
) -> Result<Found, StoreError> {
    let mut found = Found { events: Vec::new(), scanned: after, more: after + 1 < until };
    let last = until.min(after.saturating_add(1 + SCAN_MAX));
    while found.more && found.scanned + 1 < last && found.events.len() < limit {
        let (from, end) = (found.scanned + 1, last.min(found.scanned + 1 + WINDOW));
        // Nearly every candidate is an event; of some types, there may be few among many.
        let room = if wanted.0.is_empty() { limit as i64 } else { WINDOW };
        let rows = events::candidates(reader, tenant, (from, end), room).await?;
        let is_cut = rows.len() as i64 == room;
        found.scanned = end - 1;
        for row in rows {
            if found.events.len() == limit {
                // This one is for the next call.
                found.scanned = row.seq - 1;
                return Ok(found);
            }
            if is_cut {
                found.scanned = row.seq;
            }
            if let Some(event) = event(&row)?
                && wanted.takes(event.r#type)
            {
                found.events.push(Told { seq: row.seq, event });
            }
        }
        found.more = found.scanned + 1 < until;
    }
    Ok(found)
}

/// The event that an entry is.
fn event(row: &Candidate) -> Result<Option<Event>, StoreError> {
    let entry = Entry::parse(&row.bytes).map_err(|error| StoreError::Decode(Box::new(error)))?;
    let subject = entry.subject.map(|subject| (subject.kind, subject.id));
    let (Some(r#type), Some((_, id))) = (EventType::of(entry.kind.as_str(), subject, &row.payload), subject)
    else {
        return Ok(None);
    };
    debug_assert_eq!(signed(entry.seq), row.seq, "a row is the entry that it holds");
    Ok(Some(Event {
        id: row.seq.to_string(),
        r#type,
        timestamp: entry.at(),
        data: EventData { id: id.to_owned(), seq: Some(row.seq.to_string()), log: entry.log.to_owned() },
    }))
}
