//! Requests from inside: those that the portal makes, for somebody who is signed in or, where a page is for
//! everybody, for whoever looks at it.
//!
//! They pass the same gate, permits, limits and recorder as others. They carry no token: who calls, if that is known,
//! and where their own request came from, is told by a value that no request from the network can bring along, since
//! it is put beside the request in this process and only [`access`](super) can make one.

use std::net::IpAddr;

use super::{Caller, Context};
use crate::domain::Scope;

/// For whom a request from inside is made.
#[derive(Clone, Debug)]
pub struct OnBehalf {
    pub(super) caller: Caller,
    pub(super) address: IpAddr,
}

impl OnBehalf {
    /// What it permits.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.caller.scopes
    }
}

/// That a request from inside is made for whoever looks at a page that is for everybody. It permits nothing.
#[derive(Clone, Copy, Debug)]
pub struct Anybody {
    pub(super) address: IpAddr,
}

impl Anybody {
    /// Whoever made a request.
    #[must_use]
    pub fn of(context: &Context) -> Self {
        Self { address: context.address }
    }
}
