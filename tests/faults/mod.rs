//! What must hold when things go wrong: power cuts, callers that hang up, databases from a backup.

mod backup;
mod berka;
mod callers;
mod cancel;
mod chaos;
mod copies;
mod doubt;
mod exports;
mod fleet;
mod forgotten;
mod intakes;
mod kill;
#[path = "../../audit/tests/parts.rs"]
mod parts;
mod people;
mod redis;
mod replicas;
mod reports;
mod rollback;
mod shared_limits;
mod status;
mod stored;
mod tally;
mod webhooks;
