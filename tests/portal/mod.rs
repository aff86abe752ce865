//! The portal, by HTTP.

mod accounts;
mod oidc;
mod second_factor;
mod sessions;
mod sign_in;
