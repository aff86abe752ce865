//! An event as a record: `{"event":"…"}`, with the event as text, just as it came but for white space between
//! its tokens. Numbers, escapes and the order of members are its client's.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use veritrail_audit::Kind;

use super::{Event, event, project};
use crate::{
    domain::{Finding, LineageEventId},
    ledger::{
        By,
        command::{Filing, RecordError, Rows},
    },
    store::lineage::{known, write},
};

/// The kind of thing that its entry is about.
pub const SUBJECT: &str = "lineage_event";
/// Why an event is not recorded that is on record.
pub const IS_KNOWN: &str = "the event is on record";

/// The payload of its entry.
#[derive(Deserialize, Serialize)]
struct Payload {
    event: String,
}

/// An event to be recorded.
#[derive(Debug)]
pub struct NewEvent {
    /// What it is found by: of its text.
    pub id: LineageEventId,
    /// SHA-256 of its text.
    pub digest: [u8; 32],
    text: String,
    event: Event,
}

impl NewEvent {
    /// An event that was read out of this JSON.
    #[must_use]
    pub fn new(json: &str, event: Event) -> Self {
        let text = without_space(json);
        let digest = digest(&text);
        Self { id: id(digest), digest, text, event }
    }

    /// An event that was made here.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of_ours(event: &serde_json::Value) -> Result<Self, String> {
        let json = event.to_string();
        let read = event::read(json.as_bytes());
        let first = |findings: Vec<Finding>| findings.first().map(ToString::to_string).unwrap_or_default();
        Ok(Self::new(&json, read.map_err(first)?))
    }

    /// The entry and the rows that record it; [`RecordError::Conflict`] with [`IS_KNOWN`] if it is on record.
    ///
    /// # Errors
    /// When it can't be written as JSON.
    pub fn filing(self, by: By) -> serde_json::Result<Filing> {
        let Self { id, digest, text, event } = self;
        let payload = serde_json::to_vec(&Payload { event: text })?;
        let rows: Rows = Box::new(move |connection, at| {
            Box::pin(async move {
                if known(connection, at.tenant, digest).await?.is_some() {
                    return Err(RecordError::Conflict(IS_KNOWN));
                }
                Ok(write(connection, at.tenant, at.seq, &project(&event, digest)).await?)
            })
        });
        let subject = (SUBJECT, id.to_string());
        Ok(Filing { by, kind: Kind::Record, subject, payload, rows, idempotency: None })
    }
}

/// What an event of this text is known by.
#[must_use]
pub fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// The id of an event whose text has this digest.
#[must_use]
pub fn id(digest: [u8; 32]) -> LineageEventId {
    let mut first = [0; 16];
    first.copy_from_slice(&digest[..16]);
    LineageEventId::from_uuid(uuid::Builder::from_custom_bytes(first).into_uuid())
}

/// The event's text out of its entry's payload.
///
/// # Errors
/// When the payload is none of an event.
pub fn text(payload: &[u8]) -> serde_json::Result<String> {
    serde_json::from_slice::<Payload>(payload).map(|payload| payload.event)
}

/// JSON without white space between its tokens.
fn without_space(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let keep = |letter: &char| {
        let is_space = matches!(letter, ' ' | '\t' | '\r' | '\n');
        if in_string {
            in_string = escaped || *letter != '"';
            escaped = !escaped && *letter == '\\';
            return true;
        }
        in_string = *letter == '"';
        !is_space
    };
    json.chars().filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn only_the_space_between_tokens_goes() {
        let spaced = "{ \"a b\" :\r\n\t[ 1.50 , \"\\\" \\\\\" , \" c \" ] }";
        assert_eq!(without_space(spaced), "{\"a b\":[1.50,\"\\\" \\\\\",\" c \"]}");
    }

    proptest! {
        #[test]
        fn it_says_the_same(texts in prop::collection::vec("[ \"\\\\\na]{0,6}", 0..4)) {
            let value = json!({"x": texts, "y": {" ": 1}});
            let plain = without_space(&serde_json::to_string_pretty(&value).unwrap());
            prop_assert_eq!(&plain, &value.to_string());
            prop_assert_eq!(serde_json::from_str::<Value>(&plain).unwrap(), value);
        }
    }
}
