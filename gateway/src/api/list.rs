//! The shape of every list.

use serde::Serialize;
use serde_json::value::RawValue;

use super::as_of::AsOf;
use crate::{access::Answer, error::Problem};

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

impl Page {
    /// A page, by whether there is a next one.
    #[must_use]
    pub fn new(next_cursor: Option<String>) -> Self {
        Self { has_more: next_cursor.is_some(), next_cursor }
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
