//! What a client's developer may rely on, noun by noun.

mod accounts;
mod institution;
mod paging;
mod transactions;
mod transactions_batch;
