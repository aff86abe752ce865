//! Conditional requests (RFC 9110 section 13): what a caller has is not sent again.
//!
//! A tag is weak: it names the records that an answer shows, by the entries that recorded them, and not
//! the bytes around them. `as_of` moves with every look, since a look is an entry too; the tag does not.

use actix_web::http::header;
use sha2::{Digest as _, Sha256};

use crate::{
    access::{Answer, Permit, Recorded, right::Right},
    error::Problem,
};

/// The tag of an answer.
#[derive(Debug)]
pub struct Tag(String);

impl Tag {
    /// The tag of what an operation shows of some entries to a query.
    #[must_use]
    pub fn of(operation: &str, query: &str, seqs: impl IntoIterator<Item = i64>) -> Self {
        let mut hasher = Sha256::new();
        for part in [operation, query] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        for seq in seqs {
            hasher.update(seq.to_be_bytes());
        }
        let hash = <[u8; 32]>::from(hasher.finalize());
        Self(format!("W/\"{}\"", veritrail_audit::Hash(hash)))
    }

    /// Whether a caller has what this tags.
    fn is_held(&self, if_none_match: &str) -> bool {
        let opaque = self.0.trim_start_matches("W/");
        if_none_match
            .split(',')
            .map(str::trim)
            .any(|tag| tag == "*" || tag.trim_start_matches("W/") == opaque)
    }
}

/// Answers, or says that the caller has it already; either is on the ledger.
///
/// # Errors
/// When it can't be recorded.
pub async fn answer<R: Right>(
    permit: &Permit<R>,
    tag: &Tag,
    answer: impl FnOnce() -> Result<Answer, Problem>,
) -> Result<Recorded, Problem> {
    let held = permit.header(header::IF_NONE_MATCH.as_str()).is_some_and(|tags| tag.is_held(tags));
    let answer = if held { Answer::not_modified() } else { answer()? };
    permit.answer(answer.header("etag", &tag.0)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_of_the_operation_its_query_and_the_entries() {
        let tag = Tag::of("list", "a=1", [1, 2]);
        assert!(tag.is_held(&tag.0) && tag.is_held(&format!("\"x\", {}", tag.0)) && tag.is_held("*"));
        for other in
            [Tag::of("list", "a=1", [1]), Tag::of("lista", "=1", [1, 2]), Tag::of("l", "a=1", [1, 2])]
        {
            assert!(!tag.is_held(&other.0), "{other:?}");
        }
        assert!(!tag.is_held("") && !tag.is_held("W/\"\""));
    }
}
