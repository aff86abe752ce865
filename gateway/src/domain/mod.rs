//! The nouns of the service and their rules.
//!
//! Pure: nothing here reads a clock, draws randomness, or touches a database, a file or the network, and
//! nothing here imports another part of the service. A value of a field's type is valid: every constructor and
//! every `Deserialize` checks the whole rule, so that code holding one need not check again. The one rule between
//! fields is [`NewTransaction::check`].
//!
//! A record's *payload* is made here and nowhere else: RFC 8785 canonical JSON, which is stored once, committed
//! to by the ledger and served byte for byte. Fields of payload structs are declared in sorted order, because
//! that is what makes plain serialisation canonical; a property test holds it equal to an independent
//! canonicaliser. Every number on the wire is a string, so no reader can round one.
//!
//! Deliberately absent: normalisation. Text is kept as it was delivered (no trimming, case folding or Unicode
//! normal form), since an institution must find in the log what it sent.

pub mod account;
pub mod actor;
pub mod balance;
pub mod check_digits;
pub mod currency;
pub mod date;
pub mod direction;
pub mod email;
pub mod event;
pub mod fault;
pub mod finding;
pub mod grant;
pub mod id;
pub mod intake;
pub mod jwk;
pub mod money;
pub mod nearest;
pub mod network;
pub mod report;
pub mod role;
pub mod scope;
pub mod status;
pub mod tenant;
pub mod text;
pub mod transaction;

#[cfg(test)]
pub(crate) mod testing;

pub use account::{Account, NewAccount};
pub use actor::Actor;
pub use balance::Balance;
pub use currency::Currency;
pub use direction::{Direction, Status};
pub use event::{Event, EventData, EventType};
pub use fault::Fault;
pub use finding::{Finding, Findings};
pub use id::{
    AccountId, AdjustmentId, AttemptId, BundleId, ClientId, EndpointId, ExportId, GrantId, IncidentId,
    InstitutionId, IntakeId, LineageEventId, ReportId, ScheduleId, TransactionId, UserId,
};
pub use money::Money;
pub use role::Role;
pub use scope::{ClientKind, Scope};
pub use tenant::Tenant;
pub use text::Text;
pub use transaction::{
    Counterparty, NewRevision, NewTransaction, RevisionKind, Source, Transaction, Version,
};
