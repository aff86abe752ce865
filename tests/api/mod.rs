//! What a client's developer may rely on, noun by noun.

mod accounts;
mod evidence_bundles;
mod institution;
mod ledger;
mod oauth2;
mod oauth2_assertion;
mod paging;
mod tlog;
mod token_attacks;
mod transactions;
mod transactions_batch;
mod well_known;
