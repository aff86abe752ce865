//! The shape of every list, and runs of its pages.

use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    State,
    as_of::{AsOf, Snapshot},
    cursor::{LIFETIME_US, Position},
    etag::Tag,
    params::Params,
};
use crate::{access::Answer, domain::Tenant, error::Problem, store::Reader};

/// A page of a list, pinned to one state of the ledger for the whole run of pages.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct List<T> {
    /// The items, in order.
    pub data: Vec<T>,
    /// How to go on.
    pub page: Page,
    /// The state of the ledger that this run of pages shows.
    pub as_of: AsOf,
}

/// How to go on.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Page {
    /// Give this as `cursor` with the same query to get the next page; none on the last one.
    #[schema(example = "c2VhbGVkLWN1cnNvcg")]
    pub next_cursor: Option<String>,
    /// Whether there is a next page.
    #[schema(example = true)]
    pub has_more: bool,
}

/// A run of pages: one query, pinned to the ledger as it stood for the first page.
pub struct Run<'a> {
    /// What the run is pinned to.
    pub snapshot: Snapshot,
    /// Where the last page ended; none on the first.
    pub after: Option<Position>,
    /// Rows on a page.
    pub limit: i64,
    state: &'a State,
    operation: &'a str,
    tenant: Tenant,
    params: &'a Params<'a>,
}

impl<'a> Run<'a> {
    /// Begins a run, or goes on with it where its cursor points.
    ///
    /// # Errors
    /// 400 when limit or cursor don't fit.
    pub async fn take_up(
        state: &'a State,
        reader: &mut Reader,
        operation: &'a str,
        tenant: Tenant,
        params: &'a Params<'a>,
    ) -> Result<Self, Problem> {
        let limit = params.limit()?;
        let after = state.cursors.open(state.world(), operation, tenant, params)?;
        let snapshot = match &after {
            Some(position) => position.snapshot.clone(),
            None => Snapshot::wanted(reader, tenant, params).await?,
        };
        Ok(Self { snapshot, after, limit, state, operation, tenant, params })
    }

    /// The condition on which nothing is sent, since the caller has it: the same rows of the same query.
    #[must_use]
    pub fn tag(&self, seqs: impl IntoIterator<Item = i64>, page: &Page) -> Tag {
        let query = self.params.fingerprint();
        Tag::of(self.operation, &query, seqs.into_iter().chain([i64::from(page.has_more)]))
    }

    /// The seq before which the page begins, of a list that has the newest first.
    #[must_use]
    pub fn before(&self) -> i64 {
        self.after.as_ref().map_or(i64::MAX, |position| position.seq)
    }

    /// The seq after which the page begins, of a list that has the oldest first.
    #[must_use]
    pub fn after_seq(&self) -> i64 {
        self.after.as_ref().map_or(-1, |position| position.seq)
    }

    /// One row more than a page has: it tells whether there is a next page.
    #[must_use]
    pub fn fetch(&self) -> i64 {
        self.limit + 1
    }

    /// A page that ends at an entry, with others to follow or not; it may have any number of rows.
    ///
    /// # Errors
    /// When the cursor can't be written.
    pub fn ends_at(&self, seq: i64, has_more: bool) -> Result<Page, Problem> {
        if !has_more {
            return Ok(Page { next_cursor: None, has_more });
        }
        let position = Position { snapshot: self.snapshot.clone(), key: None, seq };
        Ok(Page { next_cursor: Some(self.seal(position)?), has_more })
    }

    /// Cuts what was fetched to a page, and says how to go on after its last row, by `end`: the sort
    /// key, when it is not the seq alone, and the seq.
    ///
    /// # Errors
    /// When the cursor can't be written.
    pub fn cut<R>(
        &self,
        rows: &mut Vec<R>,
        end: impl Fn(&R) -> (Option<String>, i64),
    ) -> Result<Page, Problem> {
        let limit = usize::try_from(self.limit).unwrap_or_default();
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let Some(last) = rows.last().filter(|_| has_more) else {
            return Ok(Page { next_cursor: None, has_more: false });
        };
        let (key, seq) = end(last);
        let position = Position { snapshot: self.snapshot.clone(), key, seq };
        Ok(Page { next_cursor: Some(self.seal(position)?), has_more })
    }

    fn seal(&self, position: Position) -> Result<String, Problem> {
        let (state, operation) = (self.state, self.operation);
        state.cursors.seal(LIFETIME_US, state.world(), operation, self.tenant, self.params, position)
    }
}

impl<T: Serialize> List<T> {
    /// The answer with this page.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn answer(&self) -> Result<Answer, Problem> {
        Answer::json(self)
    }
}

/// A payload as it stands: served byte for byte.
///
/// # Errors
/// When the stored bytes are no JSON.
pub fn raw(payload: &[u8]) -> Result<&RawValue, Problem> {
    serde_json::from_slice(payload)
        .map_err(|e| Problem::internal(format!("a stored payload is damaged: {e}")))
}
