//! Where an export's records come from: the store, by key, a chunk at a time, as of one seq.
//!
//! No transaction stays open between chunks: what a seq has, it keeps.

use serde::{Deserialize, Serialize};
use veritrail_audit::Kind;

use super::{order::Of, record::count_looks};
use crate::{
    domain::Tenant,
    lineage::record,
    store::{
        Db, StoreError,
        entries::{self, EntryQuery},
        lineage, payloads,
        transactions::{self, Filter},
    },
};

/// Records that are read at a time.
const CHUNK: i64 = 4_000;
/// Entries among which transactions are looked for at a time: more where a filter keeps few of them.
const SPAN: i64 = CHUNK;
const SPAN_MAX: i64 = 256_000;
/// `access` entries that are read at a time: each lists up to a batch of looks.
const ACCESS_CHUNK: i64 = 64;
/// Events of lineage that are read at a time: each may have 5 MiB.
const EVENT_CHUNK: i64 = 16;

/// Which records are meant; kept with an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// The transactions that a list's filter selects: its query parameters.
    Transactions(String),
    /// Entries.
    Entries(Entries),
    /// Looks, of these entries.
    Accesses(Entries),
    /// Events of lineage.
    LineageEvents,
}

/// A range of entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entries {
    /// First seq that may be among them.
    pub from: i64,
    /// First seq that may not.
    pub until: i64,
    /// Only this kind.
    pub kind: Option<String>,
    /// Only these seqs, when given.
    pub seqs: Option<Vec<i64>>,
}

/// Reads a filter of transactions out of the list's query parameters; what is wrong with it otherwise.
pub type ReadFilter = fn(&str) -> Result<Filter, String>;

/// The entries whose records are meant.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// They come after this seq …
    pub after: i64,
    /// … up to this one.
    pub last: i64,
    /// The seq at which they stood: what was superseded between `last` and this is not among them.
    pub as_of: i64,
}

/// Records to be read, in ledger order.
pub struct Source {
    db: Db,
    tenant: Tenant,
    wanted: Wanted,
    range: Range,
    span: i64,
}

enum Wanted {
    Transactions(Box<Filter>),
    Entries(Entries),
    Accesses(Entries),
    LineageEvents,
}

/// A record, and how many rows it makes.
#[derive(Debug)]
pub struct Item {
    /// Its entry.
    pub seq: i64,
    /// Canonical JSON: the record, the entry, or the payload that lists looks. Of lineage, the event's own text.
    pub record: Vec<u8>,
    /// One, but for looks.
    pub rows: i64,
}

impl Selection {
    /// What it is of.
    #[must_use]
    pub fn of(&self) -> Of {
        match self {
            Self::Transactions(_) => Of::Transactions,
            Self::Entries(_) => Of::Entries,
            Self::Accesses(_) => Of::Accesses,
            Self::LineageEvents => Of::LineageEvents,
        }
    }
}

impl Source {
    /// The selected records of a range.
    ///
    /// # Errors
    /// What is wrong with the filter.
    pub fn new(
        db: Db,
        tenant: Tenant,
        selection: Selection,
        read: ReadFilter,
        range: Range,
    ) -> Result<Self, String> {
        let wanted = match selection {
            Selection::Transactions(query) => Wanted::Transactions(Box::new(read(&query)?)),
            Selection::Entries(entries) => Wanted::Entries(entries),
            Selection::Accesses(entries) => Wanted::Accesses(entries),
            Selection::LineageEvents => Wanted::LineageEvents,
        };
        Ok(Self { db, tenant, wanted, range, span: SPAN })
    }

    /// The next records, `most` at most; none when there are no more.
    ///
    /// # Errors
    /// When the database fails, or what it holds is damaged.
    pub async fn next(&mut self, most: i64) -> Result<Vec<Item>, StoreError> {
        let limit = most.min(CHUNK);
        let (tenant, Range { mut after, last, as_of }) = (self.tenant, self.range);
        let one = |seq, record| Item { seq, record, rows: 1 };
        let items: Vec<Item> = match &self.wanted {
            Wanted::Transactions(filter) => loop {
                let mut reader = self.db.read(tenant).await?;
                let until = last.min(after.saturating_add(self.span));
                let among = (after, until);
                let found = transactions::among(&mut reader, tenant, as_of, filter, among, limit).await?;
                if i64::try_from(found.seqs.len()).unwrap_or(i64::MAX) < (limit / 4).max(1) {
                    self.span = SPAN_MAX.min(self.span * 2);
                }
                after = found.last;
                let rows = payloads::of(&mut reader, tenant, &found.seqs).await?;
                if !rows.is_empty() || after >= last {
                    break rows.into_iter().map(|row| one(row.seq, row.payload)).collect();
                }
            },
            Wanted::Entries(Entries { from, until, kind, seqs }) => {
                let query = EntryQuery {
                    from: (after + 1).max(*from),
                    until: (last + 1).min(*until),
                    kind: kind.clone(),
                    seqs: seqs.clone(),
                    limit,
                };
                let mut reader = self.db.read(tenant).await?;
                let rows = entries::list(&mut reader, tenant, &query).await?;
                rows.into_iter().map(|row| one(row.seq, row.bytes)).collect()
            }
            Wanted::Accesses(Entries { from, until, .. }) => {
                let (after, until) = (after.max(*from - 1), (last + 1).min(*until));
                let limit = limit.min(ACCESS_CHUNK);
                let mut reader = self.db.read(tenant).await?;
                let rows =
                    payloads::of_kind(&mut reader, tenant, Kind::Access.as_str(), (after, until), limit)
                        .await?;
                let counted = rows.into_iter().map(|row| {
                    let rows = count_looks(&row.payload).map_err(|e| StoreError::Decode(Box::new(e)))?;
                    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
                    Ok(Item { seq: row.seq, record: row.payload, rows })
                });
                counted.collect::<Result<_, StoreError>>()?
            }
            Wanted::LineageEvents => {
                let mut reader = self.db.read(tenant).await?;
                let limit = limit.min(EVENT_CHUNK);
                let rows = lineage::after(&mut reader, tenant, (after, last), limit).await?;
                let texts = rows.into_iter().map(|row| {
                    let text = record::text(&row.payload).map_err(|e| StoreError::Decode(Box::new(e)))?;
                    Ok(one(row.seq, text.into_bytes()))
                });
                texts.collect::<Result<_, StoreError>>()?
            }
        };
        if let Some(item) = items.last() {
            self.range.after = item.seq;
        }
        Ok(items)
    }
}
