//! The portal, by HTTP.

mod accounts;
mod audit;
mod developers;
mod grants;
mod lineage;
mod oidc;
mod reports;
mod second_factor;
mod sessions;
mod sign_in;
mod status;
mod transactions;
