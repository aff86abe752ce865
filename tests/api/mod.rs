//! What a client's developer may rely on, noun by noun.

mod accounts;
mod admin;
mod balances;
mod conditions;
mod diagnostics;
mod direct;
mod evidence_bundles;
mod exports;
mod institution;
mod ledger;
mod limit_plans;
mod limits;
mod lookup;
mod oauth2;
mod oauth2_assertion;
mod paging;
mod problems;
mod sync;
mod tlog;
mod token_attacks;
mod transactions;
mod transactions_batch;
mod usage;
mod versions;
mod well_known;
