//! What must hold when things go wrong: power cuts, callers that hang up, databases from a backup.

mod berka;
mod cancel;
mod kill;
#[path = "../../audit/tests/parts.rs"]
mod parts;
mod rollback;
mod stored;
