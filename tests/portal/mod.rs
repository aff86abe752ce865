//! The portal, by HTTP.

mod accounts;
mod sessions;
mod sign_in;
mod transactions;
