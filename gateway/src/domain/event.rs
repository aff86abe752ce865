//! Events: what happened, as those are told who follow.
//!
//! An event is derived from an entry of the ledger, and from nothing else: its seq is the event's id and its
//! order, so none is lost between a commit and its telling, and none is told that did not happen. Looks and
//! refusals are no events.
//!
//! An event is thin: ids, never the record. Whoever is told asks for the record by its id, under its own
//! rights, and that look is recorded.

use serde::{Deserialize, Serialize};

macro_rules! types {
    // A name is one token (tt): what describes the type looks at it, and can't look into a literal fragment.
    ($($(#[$doc:meta])* $name:ident = $text:tt;)*) => {
        /// What happened.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
        )]
        pub enum EventType { $($(#[$doc])* #[serde(rename = $text)] $name,)* }

        impl EventType {
            /// Every type.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

types! {
    /// A transaction was delivered.
    TransactionCreated = "transaction.created";
    /// A transaction was corrected: it has a new version.
    TransactionCorrected = "transaction.corrected";
    /// A transaction was reversed.
    TransactionReversed = "transaction.reversed";
    /// An account was delivered.
    AccountCreated = "account.created";
    /// An export was ordered.
    ExportOrdered = "export.ordered";
    /// An evidence bundle was ordered.
    EvidenceBundleOrdered = "evidence_bundle.ordered";
    /// A version of a report is made, and may be filed.
    ReportReady = "report.ready";
    /// A version of a report is made, and must not be filed; or it could not be made.
    ReportRefused = "report.refused";
    /// A version of a report was delivered.
    ReportDelivered = "report.delivered";
    /// A client of the institution was made, changed or revoked.
    ClientChanged = "client.changed";
    /// A webhook endpoint was made.
    WebhookEndpointCreated = "webhook_endpoint.created";
    /// A webhook endpoint was changed, or its secret rotated.
    WebhookEndpointChanged = "webhook_endpoint.changed";
    /// A webhook endpoint kept failing and is told nothing more until somebody resumes it.
    WebhookEndpointDisabled = "webhook_endpoint.disabled";
    /// A webhook endpoint was removed.
    WebhookEndpointDeleted = "webhook_endpoint.deleted";
    /// Nothing happened: sent when an endpoint is tried.
    WebhookTest = "webhook.test";
}

impl EventType {
    /// The type of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.as_str() == name)
    }

    /// What an entry of this kind, subject and payload tells; none if it is no event.
    #[must_use]
    pub fn of(kind: &str, subject: Option<(&str, &str)>, payload: &[u8]) -> Option<Self> {
        match (kind, subject?.0) {
            ("record", "account") => Some(Self::AccountCreated),
            ("record", "transaction") => Some(revised(payload)),
            ("record", "report") => report(payload),
            ("export", "export") => Some(Self::ExportOrdered),
            ("export", "evidence_bundle") => Some(Self::EvidenceBundleOrdered),
            ("admin" | "grant", "client") => Some(Self::ClientChanged),
            ("grant", "webhook_endpoint") => endpoint(payload),
            _ => None,
        }
    }
}

/// What became of a transaction, by the revision that its payload names.
fn revised(payload: &[u8]) -> EventType {
    #[derive(Deserialize)]
    struct Record {
        revision: Option<Revision>,
    }
    #[derive(Deserialize)]
    struct Revision {
        kind: String,
    }
    let record: Option<Record> = serde_json::from_slice(payload).ok();
    match record.and_then(|record| record.revision).as_ref().map(|revision| revision.kind.as_str()) {
        None => EventType::TransactionCreated,
        Some("reversal") => EventType::TransactionReversed,
        Some(_) => EventType::TransactionCorrected,
    }
}

/// What was done with a webhook endpoint; trying it and telling it again are its owner's own business.
fn endpoint(payload: &[u8]) -> Option<EventType> {
    #[derive(Deserialize)]
    struct Setting {
        action: String,
    }
    let setting: Setting = serde_json::from_slice(payload).ok()?;
    match setting.action.as_str() {
        "create" => Some(EventType::WebhookEndpointCreated),
        "change" | "rotate_secret" => Some(EventType::WebhookEndpointChanged),
        "disable" => Some(EventType::WebhookEndpointDisabled),
        "delete" => Some(EventType::WebhookEndpointDeleted),
        _ => None,
    }
}

/// What became of a report; that one is ordered or validated is no event.
fn report(payload: &[u8]) -> Option<EventType> {
    #[derive(Deserialize)]
    struct Said {
        r#type: String,
        state: Option<String>,
    }
    let said: Said = serde_json::from_slice(payload).ok()?;
    match (said.r#type.as_str(), said.state.as_deref()) {
        ("report_version", Some("ready")) => Some(EventType::ReportReady),
        ("report_version", _) => Some(EventType::ReportRefused),
        ("report_delivery", _) => Some(EventType::ReportDelivered),
        _ => None,
    }
}

/// An event as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Event {
    /// Its id within the institution: the entry's seq, by which events are in order. A test has its attempt's
    /// id.
    #[schema(example = "49102")]
    pub id: String,
    /// What happened.
    pub r#type: EventType,
    /// When it was recorded: RFC 3339, UTC.
    #[schema(example = "2026-01-05T09:30:00.000000Z")]
    pub timestamp: String,
    /// What it happened to.
    pub data: EventData,
}

/// What an event happened to: ids, never the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct EventData {
    /// The thing's id.
    #[schema(example = "txn_0190163d8694739bba1a9fbee4e5c1b2")]
    pub id: String,
    /// The entry that recorded it; none for a test.
    #[schema(example = "49102", pattern = "^[0-9]+$")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<String>,
    /// The log's origin.
    #[schema(example = "localhost:8080/ledger/ins_0190163d8694739bba1a9fbee4e5c1b2")]
    pub log: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_orders_and_settings_are_events_and_looks_are_not() {
        let of = |kind: &str, subject: &str, payload: &str| {
            EventType::of(kind, Some((subject, "x")), payload.as_bytes()).map(EventType::as_str)
        };
        for (kind, subject, payload, told) in [
            ("record", "account", "{}", Some("account.created")),
            ("record", "transaction", r#"{"id":"x"}"#, Some("transaction.created")),
            (
                "record",
                "transaction",
                r#"{"revision":{"kind":"correction","version":2}}"#,
                Some("transaction.corrected"),
            ),
            ("record", "transaction", r#"{"revision":{"kind":"reversal"}}"#, Some("transaction.reversed")),
            ("record", "something_new", "{}", None),
            ("export", "export", "{}", Some("export.ordered")),
            ("export", "evidence_bundle", "{}", Some("evidence_bundle.ordered")),
            ("admin", "client", "{}", Some("client.changed")),
            ("grant", "webhook_endpoint", r#"{"action":"create"}"#, Some("webhook_endpoint.created")),
            ("grant", "webhook_endpoint", r#"{"action":"rotate_secret"}"#, Some("webhook_endpoint.changed")),
            ("grant", "webhook_endpoint", r#"{"action":"disable"}"#, Some("webhook_endpoint.disabled")),
            ("grant", "webhook_endpoint", r#"{"action":"delete"}"#, Some("webhook_endpoint.deleted")),
            ("grant", "webhook_endpoint", r#"{"action":"test"}"#, None),
            ("access", "transaction", "{}", None),
            ("denied", "transaction", "{}", None),
        ] {
            assert_eq!(of(kind, subject, payload), told, "{kind} {subject} {payload}");
        }
        assert_eq!(EventType::of("access", None, b"{}"), None);
        assert_eq!(EventType::of("record", None, b"{}"), None);
    }

    #[test]
    fn a_types_name_is_its_name_in_json() {
        for one in EventType::ALL {
            assert_eq!(serde_json::to_value(one).unwrap(), one.as_str());
            assert_eq!(EventType::parse(one.as_str()), Some(*one));
        }
    }
}
