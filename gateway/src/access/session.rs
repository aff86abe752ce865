//! Sessions: people who are signed in.

use std::net::IpAddr;

use super::{Caller, Door, OnBehalf};
use crate::{
    domain::{InstitutionId, Role, UserId},
    error::Problem,
};

/// The cookie that carries a session's id. Its prefix has browsers hold it to this host, to `https` and to
/// the whole of it (RFC 6265bis section 4.1.3.2).
pub const COOKIE: &str = "__Host-session";

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Session {
    /// Who.
    pub user: UserId,
    /// Their name.
    pub name: String,
    /// By which they sign in.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Whose employee: an institution, or the provider for people of neither.
    pub home: InstitutionId,
    /// Its name.
    pub home_name: String,
    /// When the session ends at the latest, in microseconds since the Unix epoch.
    pub expires_at_us: i64,
}

/// Where somebody who is signed in looks around: on whose behalf requests are made, and at whom they look.
#[derive(Clone, Debug)]
pub struct Stay {
    /// For requests from inside.
    pub on_behalf: OnBehalf,
    /// The institution that is looked at, and its name; none for an operator or a regulator who named none,
    /// or one that they may not see.
    pub institution: Option<(InstitutionId, String)>,
    /// What a regulator's look rests on.
    pub grant: Option<Edge>,
}

/// The edge of a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// When it ends, in microseconds since the Unix epoch.
    pub ends_at_us: i64,
    /// Why it was given.
    pub purpose: String,
}

impl Door {
    /// The session behind a cookie, if it still holds.
    ///
    /// # Errors
    /// When it can't be looked up.
    pub async fn session(&self, cookie: &str) -> Result<Option<Session>, Problem> {
        let _ = cookie;
        Ok(None)
    }

    /// Somebody's stay at an institution: the one named, or their own.
    ///
    /// # Errors
    /// When it can't be looked up.
    pub async fn stay(
        &self,
        session: &Session,
        named: Option<InstitutionId>,
        address: IpAddr,
    ) -> Result<Stay, Problem> {
        let _ = (session, named, address, Caller::home_log);
        Err(Problem::not_found())
    }
}
