//! What an institution sets up and orders of its webhook endpoints, each as one entry with its rows.
//!
//! The ledger has what is set, and never a key.

use serde::Serialize;
use veritrail_audit::Kind;

use crate::{
    domain::{AttemptId, EndpointId, EventType},
    ledger::{
        By, RecordError,
        command::{Filing, Rows},
    },
    store::{
        idempotency,
        webhook_attempts::{self, Attempt},
        webhooks::{self, Changes, NewEndpoint},
    },
};

/// What entries call an endpoint.
const SUBJECT: &str = "webhook_endpoint";
/// Endpoints of an institution.
pub const ENDPOINTS_MAX: i64 = 100;
/// Ordered attempts of an endpoint that are not made yet.
pub const WAITING_MAX: i64 = 100;

/// An entry's payload. Fields are in sorted order, which makes it canonical.
#[derive(Default, Serialize)]
struct Setting<'a> {
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<&'a str>,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
}

impl Setting<'_> {
    fn of(action: &'static str, id: EndpointId) -> Self {
        Self { action, id: id.to_string(), r#type: SUBJECT, ..Self::default() }
    }

    fn filing(
        &self,
        by: By,
        idempotency: Option<idempotency::Key>,
        rows: Rows,
    ) -> Result<Filing, RecordError> {
        let payload = serde_json::to_vec(self).map_err(|e| RecordError::Unavailable(e.to_string()))?;
        let subject = (SUBJECT, self.id.clone());
        Ok(Filing { by, kind: Kind::Grant, subject, payload, rows, idempotency })
    }
}

/// There is an endpoint, or the caller hears that there is none.
fn there(found: bool) -> Result<(), RecordError> {
    if found { Ok(()) } else { Err(RecordError::Missing("webhook endpoint")) }
}

/// A new endpoint; it is told of what comes after its entry.
///
/// # Errors
/// When the entry can't be written.
pub fn create(
    by: By,
    new: NewEndpoint,
    idempotency: Option<idempotency::Key>,
) -> Result<Filing, RecordError> {
    let told = new.clone();
    let rows: Rows = Box::new(move |connection, at| {
        Box::pin(async move {
            if webhooks::count(connection, at.tenant).await? >= ENDPOINTS_MAX {
                return Err(RecordError::Conflict("an institution has at most 100 webhook endpoints"));
            }
            Ok(webhooks::insert(connection, at.tenant, &new, at.seq, at.at_us).await?)
        })
    });
    let setting = Setting {
        description: Some(&told.description),
        events: Some(&told.events),
        signature: Some(told.scheme),
        url: Some(&told.url),
        ..Setting::of("create", told.id)
    };
    setting.filing(by, idempotency, rows)
}

/// A change of an endpoint.
///
/// # Errors
/// When the entry can't be written.
pub fn change(
    by: By,
    id: EndpointId,
    changes: Changes,
    idempotency: Option<idempotency::Key>,
) -> Result<Filing, RecordError> {
    let told = changes.clone();
    let rows: Rows = Box::new(move |connection, at| {
        Box::pin(async move { there(webhooks::change(connection, at.tenant, id, &changes).await?) })
    });
    let setting = Setting {
        description: told.description.as_deref(),
        events: told.events.as_deref(),
        state: told.state,
        url: told.url.as_deref(),
        ..Setting::of("change", id)
    };
    setting.filing(by, idempotency, rows)
}

/// A new key for an endpoint; the one before signs too for so many hours.
///
/// # Errors
/// When the entry can't be written.
pub fn rotate(
    by: By,
    id: EndpointId,
    overlap_hours: u32,
    idempotency: Option<idempotency::Key>,
) -> Result<Filing, RecordError> {
    let overlap_us = i64::from(overlap_hours) * 3600 * 1_000_000;
    let rows: Rows = Box::new(move |connection, at| {
        Box::pin(async move {
            there(webhooks::rotate(connection, at.tenant, id, at.at_us.saturating_add(overlap_us)).await?)
        })
    });
    Setting::of("rotate_secret", id).filing(by, idempotency, rows)
}

/// The end of an endpoint.
///
/// # Errors
/// When the entry can't be written.
pub fn delete(by: By, id: EndpointId, idempotency: Option<idempotency::Key>) -> Result<Filing, RecordError> {
    let rows: Rows = Box::new(move |connection, at| {
        Box::pin(async move { there(webhooks::delete(connection, at.tenant, id).await?) })
    });
    Setting::of("delete", id).filing(by, idempotency, rows)
}

/// An attempt at once: of one event again, or of a test.
///
/// # Errors
/// When the entry can't be written.
pub fn order(
    by: By,
    id: EndpointId,
    attempt: AttemptId,
    event: Option<(i64, EventType)>,
    idempotency: Option<idempotency::Key>,
) -> Result<Filing, RecordError> {
    let message_id = match event {
        Some((seq, _)) => message_id(id, seq),
        None => format!("msg_{}_{}", id.uuid().simple(), attempt.uuid().simple()),
    };
    let rows: Rows = Box::new(move |connection, at| {
        Box::pin(async move {
            there(webhooks::get(connection, at.tenant, id).await?.is_some())?;
            if webhook_attempts::waiting(connection, at.tenant, id).await? >= WAITING_MAX {
                return Err(RecordError::Conflict("100 attempts are waiting; let them be made first"));
            }
            let attempt = Attempt {
                id: attempt.uuid(),
                message_id,
                event_seq: event.map(|(seq, _)| seq),
                event_type: event.map_or(EventType::WebhookTest, |(_, one)| one).as_str().to_owned(),
                number: 1,
                state: "ordered".to_owned(),
                at_us: at.at_us,
                took_ms: None,
                status: None,
                answer: None,
                error: None,
            };
            Ok(webhook_attempts::insert(connection, at.tenant, id, &attempt).await?)
        })
    });
    let action = if event.is_some() { "redeliver" } else { "test" };
    let setting = Setting { event: event.map(|(seq, _)| seq.to_string()), ..Setting::of(action, id) };
    setting.filing(by, idempotency, rows)
}

/// All that came after an entry, again.
///
/// # Errors
/// When the entry can't be written.
pub fn set_back(
    by: By,
    id: EndpointId,
    position: i64,
    since: String,
    idempotency: Option<idempotency::Key>,
) -> Result<Filing, RecordError> {
    let rows: Rows = Box::new(move |connection, at| {
        Box::pin(async move { there(webhooks::set_back(connection, at.tenant, id, position).await?) })
    });
    let setting = Setting { since: Some(since), ..Setting::of("redeliver", id) };
    setting.filing(by, idempotency, rows)
}

/// That the service tells an endpoint nothing more, and why.
pub(super) fn disable(id: EndpointId, reason: &str, rows: Rows) -> Result<Filing, RecordError> {
    let setting = Setting { reason: Some(reason), ..Setting::of("disable", id) };
    setting.filing(By::service(), None, rows)
}

/// The id of the message that tells an endpoint of an event: the same however often it is sent.
#[must_use]
pub fn message_id(endpoint: EndpointId, seq: i64) -> String {
    format!("msg_{}_{seq}", endpoint.uuid().simple())
}
