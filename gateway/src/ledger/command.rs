//! What the recorder is asked to do, and what it answers.

use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        Tenant,
        finding::Finding,
        id::{BundleId, ClientId, InstitutionId},
    },
    intake::Item,
    store::{bundles::Pressed, clients::Client, idempotency, plans::Plan},
};

/// Who asked, and under which request id.
#[derive(Clone, Debug)]
pub struct By {
    /// A client's id, or [`SERVICE`].
    pub actor: String,
    /// The request's id; none for what the service does by itself.
    pub request: Option<String>,
}

/// The actor of what the service does by itself.
pub const SERVICE: &str = "veritrail";

impl By {
    /// The service itself.
    #[must_use]
    pub fn service() -> Self {
        Self { actor: SERVICE.to_owned(), request: None }
    }
}

/// Where an entry stands: the promise that a look or a write is on the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The log's origin.
    pub origin: String,
    /// The entry's index in it.
    pub seq: u64,
}

/// A look that was taken: what the `access` entry says about it.
///
/// Field order is the canonical one (RFC 8785), since this is serialised into a payload.
#[derive(Clone, Debug, Serialize)]
pub struct Access {
    /// Who looked.
    pub actor: String,
    /// RFC 3339, UTC, microseconds.
    pub at: String,
    /// RFC 9530 digest of the content that left.
    pub digest: String,
    /// HTTP method.
    pub method: String,
    /// Path and query as sent.
    pub path: String,
    /// Request id.
    pub request: String,
    /// HTTP status.
    pub status: u16,
}

/// A caller that was refused. Field order is canonical.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Denial {
    /// The client's id, or for a caller that nobody knows its address.
    pub actor: String,
    /// Why: the problem's code.
    pub code: String,
    /// How many times; each is told as once, and like ones of a batch are added up.
    pub count: u64,
    /// HTTP method.
    pub method: String,
    /// Path and query as sent; for a caller that nobody knows, the route's pattern.
    pub path: String,
    /// Request id; absent where refusals are aggregated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// HTTP status.
    pub status: u16,
}

/// Records to be stored, all or nothing unless `skip` is set.
#[derive(Debug)]
pub struct Delivery {
    /// The feeder.
    pub by: By,
    /// Line in the source, and what it says.
    pub items: Vec<(u64, Item)>,
    /// Keep the good ones when some are refused.
    pub skip: bool,
    /// Answer a repeated call as the first one.
    pub idempotency: Option<idempotency::Key>,
}

/// What became of one delivered record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveredRecord {
    /// Line in the source, from 1.
    pub line: u64,
    /// `account` or `transaction`.
    pub kind: String,
    /// The provider's own id of it.
    pub reference: String,
    /// Our id.
    pub id: String,
    /// The entry that recorded it.
    pub seq: u64,
    /// Whether it is new; a record that was there with the same content is not.
    pub added: bool,
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// The log.
    pub origin: String,
    /// One for each line kept, in order.
    pub records: Vec<DeliveredRecord>,
    /// Lines that were not kept.
    pub findings: Vec<Finding>,
    /// Whether this is the first answer again.
    #[serde(skip)]
    pub replayed: bool,
}

/// A new institution, with its log.
#[derive(Clone, Debug)]
pub struct Onboarding {
    /// Its id.
    pub id: InstitutionId,
    /// Its name.
    pub name: String,
    /// Its plan.
    pub plan: String,
    /// Whether this is the provider itself.
    pub provider: bool,
}

/// What an operator can change.
#[derive(Clone, Debug)]
pub enum Change {
    /// Set up the first plan and the provider, whose log records the rest.
    SetUp(Plan, Onboarding),
    /// Add an institution.
    Onboard(Onboarding),
    /// Add a client; no secret in it, only its hash.
    Enrol(Box<Client>),
    /// Revoke a client.
    RevokeClient(ClientId),
    /// Make or change a plan.
    PutPlan(Plan),
    /// Move an institution to another plan.
    SetPlan(InstitutionId, String),
}

impl Change {
    /// The id of what this makes, if it makes something.
    #[must_use]
    pub fn makes(&self) -> Option<String> {
        match self {
            Self::Onboard(new) => Some(new.id.to_string()),
            Self::Enrol(client) => Some(ClientId::from_uuid(client.id).to_string()),
            Self::SetUp(..) | Self::RevokeClient(_) | Self::PutPlan(_) | Self::SetPlan(..) => None,
        }
    }
}

/// A change that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The provider's entry about it.
    pub receipt: Receipt,
    /// The id of what it made, if it made something.
    pub made: Option<String>,
    /// Whether this is the first answer again, and nothing was made now.
    #[serde(skip)]
    pub replayed: bool,
}

/// An evidence bundle that somebody asked for.
#[derive(Clone, Debug)]
pub struct BundleOrder {
    /// Who.
    pub by: By,
    /// Its id.
    pub id: BundleId,
    /// First entry in it.
    pub from: u64,
    /// First entry after it.
    pub to: u64,
    /// Answer a repeated call as the first one.
    pub idempotency: Option<idempotency::Key>,
}

/// A bundle that was ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleOrdered {
    /// Its id.
    pub id: String,
    /// The `export` entry.
    pub seq: u64,
    /// Whether this is the first answer again.
    #[serde(skip)]
    pub replayed: bool,
}

/// Why the recorder did not do as asked. In each case nothing was stored.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RecordError {
    /// The queue is full.
    #[error("the recorder's queue is full")]
    Busy,
    /// The database failed, or the service is stopping.
    #[error("the ledger cannot be written: {0}")]
    Unavailable(String),
    /// This log can't be opened, since nobody knows whether the database is the newest one; others go on.
    #[error("the signer's memory cannot be asked: {0}")]
    Unremembered(String),
    /// This log is stopped.
    #[error("the log is stopped: {0}")]
    Stopped(String),
    /// Lines of a delivery can't be kept.
    #[error("{} lines were refused", .0.len())]
    Refused(Vec<Finding>),
    /// The idempotency key was used with another body.
    #[error("the idempotency key was used with another body")]
    KeyReused,
    /// There is no such institution, client or plan.
    #[error("there is no {0}")]
    Missing(&'static str),
    /// It is there already, or no longer as the caller thought.
    #[error("{0}")]
    Conflict(&'static str),
}

/// What a job's waiter gets.
pub(super) type Reply<T> = tokio::sync::oneshot::Sender<Result<T, RecordError>>;

/// A job for the recorder.
pub(super) enum Job {
    Access(Tenant, Access, Reply<Receipt>),
    Denied(Tenant, Denial, Reply<Receipt>),
    Deliver(Tenant, Delivery, Reply<Delivered>),
    Order(Tenant, BundleOrder, Reply<BundleOrdered>),
    Finish { tenant: Tenant, id: BundleId, file: Option<Pressed>, reply: Reply<()> },
    Change(By, Change, Option<idempotency::Key>, Reply<Changed>),
    Checkpoint { tenant: Tenant, size: u64, note: String, reply: Reply<()> },
    UseAssertion { client: ClientId, jti: String, expires_at_us: i64, reply: Reply<bool> },
    RevokeToken { jti: String, expires_at_us: i64, reply: Reply<()> },
    Sweep { idempotency_before_us: i64, reply: Reply<()> },
}
