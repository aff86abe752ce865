//! What a client's developer may rely on, noun by noun.

mod transactions;
