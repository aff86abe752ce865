//! Who calls, what they may do, how often; and the way out: nothing leaves unrecorded.
//!
//! A handler asks for a [`Permit`] of the right it needs. Taking one verifies the token, checks the
//! scope and the institution, and spends the caller's limits, in that order; a handler without one
//! has no [`Tenant`](crate::domain::Tenant) to ask the store with. Its answer becomes a response only
//! through [`Permit::answer`], which records the look first. Refusals are recorded by the [`gate`].

pub mod account;
pub mod answer;
pub mod assertion;
mod attempts;
mod authenticate;
pub mod binding;
pub mod body;
pub mod caller;
pub mod connection;
pub mod context;
pub mod deprecation;
pub mod door;
pub mod gate;
pub mod grants;
pub mod inside;
pub mod issuers;
pub mod limit;
pub mod load;
pub mod metrics;
pub mod nonce;
pub mod oidc;
pub mod origin;
pub mod password;
pub mod people;
pub mod permit;
pub mod proof;
pub mod right;
pub mod second_factor;
pub mod session;
pub mod sign_in;
pub mod stream;
pub mod token;
mod totp;
mod trace;
pub mod usage;

pub use answer::{Answer, Recorded};
pub use caller::Caller;
pub use context::Context;
pub use door::Door;
pub use inside::{Anybody, OnBehalf};
pub use people::People;
pub use permit::Permit;
pub use session::{Session, Stay};
