//! What the recorder is asked to do, and what it answers.

use std::pin::Pin;

use serde::{Deserialize, Serialize};
use veritrail_audit::Kind;

use crate::{
    domain::{
        Tenant,
        finding::Finding,
        id::{ClientId, InstitutionId, UserId},
    },
    intake::Item,
    store::{
        Connection, StoreError,
        clients::Client,
        idempotency,
        plans::Plan,
        tries::Pace,
        users::{Code, Credentials, User},
    },
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
    /// Path and query as sent; for a stranger, also one who has a client's token, the route's pattern.
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

/// A change to a client.
#[derive(Clone, Debug)]
pub struct Alteration {
    /// The client.
    pub client: ClientId,
    /// Whose it must be; any institution's for operators.
    pub own: Option<InstitutionId>,
    /// What is to be changed.
    pub what: ClientChange,
}

/// What can be changed of a client.
#[derive(Clone, Debug)]
pub enum ClientChange {
    /// Add a public key (a JWK with a `kid`).
    AddKey(serde_json::Value),
    /// Let a key end: at a time in seconds since the Unix epoch, or now.
    EndKey(String, Option<i64>),
    /// Take another secret, by its hash; the old one counts until then (microseconds since the Unix epoch).
    RotateSecret([u8; 32], i64),
    /// Networks that it may call from, separated by spaces; empty for any.
    AllowAddresses(String),
    /// Whether its tokens must be bound: by DPoP, by its certificate. None leaves it as it is.
    Bind(Option<bool>, Option<bool>),
}

/// What can be changed of a person. None of it is a secret: passwords and codes are here by their hashes.
#[derive(Clone, Debug)]
pub enum UserChange {
    /// They may sign in no longer.
    Disable,
    /// They may set a password by a link, known by its hash, until then (microseconds since the Unix epoch).
    Invite([u8; 32], i64),
    /// Another password.
    SetPassword {
        /// Argon2id, as a PHC string.
        hash: String,
        /// The link that it is set by.
        invite: Option<[u8; 32]>,
        /// What the old one was checked against, where it was asked for.
        checked: Option<Credentials>,
        /// The session that goes on; all others end.
        session: Option<[u8; 32]>,
    },
    /// The second factor that was begun, once a code has shown that they have it.
    ConfirmSecondFactor {
        /// What its secret is derived from.
        salt: [u8; 32],
        /// What they had when they began.
        checked: Credentials,
        /// The code's time step.
        step: i64,
        /// SHA-256 of the codes that stand in for it.
        recovery: Vec<[u8; 32]>,
        /// The session that goes on; all others end.
        session: Option<[u8; 32]>,
    },
    /// No second factor any longer: by a code of it and what that was checked against, or by an operator.
    DropSecondFactor(Option<(Credentials, Code)>),
    /// They may try codes of their second factor again, however many were wrong.
    AllowCodes,
    /// They sign in at an issuer, and no longer by a password, or at another one.
    LinkIssuer {
        /// Its name in the configuration.
        issuer: String,
        /// What it calls them.
        subject: String,
        /// What they had when they were found by their e-mail address alone: then no other issuer is replaced.
        checked: Option<Credentials>,
    },
    /// They sign in at an issuer no longer, and have no password until they set one.
    UnlinkIssuer,
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
    /// Change a client's keys or settings; no secret in it, only its hash.
    AlterClient(Box<Alteration>),
    /// Make or change a plan.
    PutPlan(Plan),
    /// Move an institution to another plan.
    SetPlan(InstitutionId, String),
    /// Add a person.
    AddUser(Box<User>),
    /// Change a person, or how they prove who they are.
    AlterUser(UserId, UserChange),
}

impl Change {
    /// The id of what this makes, if it makes something.
    #[must_use]
    pub fn makes(&self) -> Option<String> {
        match self {
            Self::Onboard(new) => Some(new.id.to_string()),
            Self::Enrol(client) => Some(ClientId::from_uuid(client.id).to_string()),
            Self::AlterClient(alteration) => Some(alteration.client.to_string()),
            Self::AddUser(user) => Some(UserId::from_uuid(user.id).to_string()),
            Self::AlterUser(id, _) => Some(id.to_string()),
            Self::SetUp(..) | Self::RevokeClient(_) | Self::PutPlan(_) | Self::SetPlan(..) => None,
        }
    }
}

/// A change that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The provider's entry about it; none when everything was so already.
    pub receipt: Option<Receipt>,
    /// The id of what it made, if it made something.
    pub made: Option<String>,
    /// Whether this is the first answer again, and nothing was made now.
    #[serde(skip)]
    pub replayed: bool,
}

/// Rows that are written within a batch's transaction. What can be refused is refused before anything is
/// written: [`RecordError::Conflict`] and [`RecordError::Missing`] leave the batch going on.
pub type Rows = Box<dyn for<'c> FnOnce(&'c mut Connection, At) -> Writing<'c> + Send + Sync>;

/// Rows being written.
pub type Writing<'c> = Pin<Box<dyn Future<Output = Result<(), RecordError>> + Send + 'c>>;

/// Where rows belong.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// Whose rows.
    pub tenant: Tenant,
    /// The entry that they go with; 0 for rows that go with none.
    pub seq: i64,
    /// When, in microseconds since the Unix epoch: the time of the entry that they go with.
    pub at_us: i64,
}

/// One entry, and the rows that are stored with it: what an institution orders or sets up.
pub struct Filing {
    /// Who.
    pub by: By,
    /// The entry's kind.
    pub kind: Kind,
    /// What it is about: a kind of thing and its id.
    pub subject: (&'static str, String),
    /// Canonical JSON.
    pub payload: Vec<u8>,
    /// What is stored beside it.
    pub rows: Rows,
    /// Answer a repeated call as the first one.
    pub idempotency: Option<idempotency::Key>,
}

/// What became of a filing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filed {
    /// The id of what it is about; of the first one, if the call was repeated.
    pub id: String,
    /// The entry.
    pub receipt: Receipt,
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
    /// There is no such institution or client.
    #[error("there is no {0}")]
    Missing(&'static str),
    /// What is asked for names something that is not there.
    #[error("there is no such {0}")]
    Unknown(&'static str),
    /// It is there already, or no longer as the caller thought.
    #[error("{0}")]
    Conflict(&'static str),
}

impl From<StoreError> for RecordError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// What a job's waiter gets.
pub(super) type Reply<T> = tokio::sync::oneshot::Sender<Result<T, RecordError>>;

/// A job for the recorder.
pub(super) enum Job {
    Access(Tenant, Access, Reply<Receipt>),
    Denied(Tenant, Denial, Reply<Receipt>),
    Deliver(Tenant, Delivery, Reply<Delivered>),
    File(Tenant, Filing, Reply<Filed>),
    Store(Tenant, Rows, Reply<()>),
    Change(By, Change, Option<idempotency::Key>, Reply<Changed>),
    Checkpoint { tenant: Tenant, size: u64, note: String, reply: Reply<()> },
    UseAssertion { client: ClientId, jti: String, expires_at_us: i64, reply: Reply<bool> },
    UseProof { proof: [u8; 32], expires_at_us: i64, reply: Reply<bool> },
    TakeTry { key: [u8; 32], pace: Pace, reply: Reply<i64> },
    ReturnTries { key: [u8; 32], every_us: Option<i64>, reply: Reply<()> },
    RevokeToken { jti: String, expires_at_us: i64, reply: Reply<()> },
    Sweep(Reply<bool>),
}

impl Job {
    /// Where it stands in its batch: what uses something up by what that is, all others after these as they
    /// came.
    pub(super) fn used_up(&self) -> (u8, Vec<u8>) {
        match self {
            Self::UseAssertion { client, jti, .. } => {
                (0, [client.uuid().as_bytes().as_slice(), jti.as_bytes()].concat())
            }
            Self::UseProof { proof, .. } => (1, proof.to_vec()),
            Self::TakeTry { key, .. } | Self::ReturnTries { key, .. } => (2, key.to_vec()),
            _ => (3, Vec::new()),
        }
    }
}
