//! What a client's developer may rely on, noun by noun.

mod accounts;
mod institution;
mod oauth2;
mod oauth2_assertion;
mod paging;
mod token_attacks;
mod transactions;
mod transactions_batch;
mod well_known;
