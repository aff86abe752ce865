//! A caller: a client whose token was verified.

use std::{net::IpAddr, sync::Arc};

use crate::{
    domain::{Actor, ClientKind, InstitutionId, Scope, Tenant, network::Network},
    error::Problem,
};

/// Which institutions a client may speak for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Its own.
    Own,
    /// Any.
    All,
    /// These.
    Some(Vec<InstitutionId>),
}

impl Reach {
    /// Reads the stored form: `own`, `all`, or ids separated by spaces.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "own" => Self::Own,
            "all" => Self::All,
            list => Self::Some(list.split(' ').filter_map(|id| id.parse().ok()).collect()),
        }
    }
}

impl std::fmt::Display for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Own => f.write_str("own"),
            Self::All => f.write_str("all"),
            Self::Some(ids) => {
                let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
                f.write_str(&ids.join(" "))
            }
        }
    }
}

/// Whoever is behind a request, authenticated.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The client, or the person.
    pub actor: Actor,
    /// Whose client or employee it is.
    pub home: InstitutionId,
    /// What kind of program it is; of people, the kind that reaches institutions as they do.
    pub kind: ClientKind,
    /// What its token permits.
    pub scopes: Vec<Scope>,
    /// Whom it may speak for.
    pub reach: Reach,
    /// The plan whose limits its home has.
    pub plan: String,
    /// Networks that it may call from; none for any.
    pub networks: Arc<[Network]>,
}

/// Networks as they are stored. What can't be read is our own failure, and not a list without limits.
pub(super) fn networks(stored: &str) -> Result<Arc<[Network]>, Problem> {
    if stored.is_empty() {
        return Ok(Arc::default());
    }
    Network::parse_list(stored).map(Into::into).map_err(Problem::internal)
}

impl Caller {
    /// The institution that a request concerns: the one it names, or the caller's own.
    ///
    /// `None` when the caller may not speak for it, or names none and has none of its own.
    #[must_use]
    pub fn tenant(&self, named: Option<InstitutionId>) -> Option<Tenant> {
        let institution = match (named, self.kind) {
            (Some(named), _) => named,
            (None, ClientKind::System) => self.home,
            (None, _) => return None,
        };
        // The provider's own log holds no records.
        if self.kind == ClientKind::Feeder && institution == self.home {
            return None;
        }
        let reached = match &self.reach {
            Reach::Own => institution == self.home,
            Reach::All => true,
            Reach::Some(list) => list.contains(&institution),
        };
        reached.then(|| Tenant::vouched(institution))
    }

    /// Whether it may call from an address.
    #[must_use]
    pub fn may_call_from(&self, address: IpAddr) -> bool {
        self.networks.is_empty() || self.networks.iter().any(|network| network.contains(address))
    }

    /// The log that this caller's own doings go to.
    #[must_use]
    pub fn home_log(&self) -> Tenant {
        Tenant::vouched(self.home)
    }
}
