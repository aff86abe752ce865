//! The portal, by HTTP.

mod accounts;
mod audit;
mod developers;
mod granted;
mod grants;
mod lineage;
mod oidc;
mod ops;
pub mod planted;
mod reports;
mod second_factor;
mod sessions;
mod sign_in;
mod status;
mod transactions;
mod verify;
mod weight;
