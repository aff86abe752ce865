//! Who acts: a program or a person.

use super::{ClientId, UserId};

/// Whoever is behind a request, as the ledger names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// An OAuth2 client.
    Client(ClientId),
    /// A person who is signed in to the portal.
    User(UserId),
}

impl Actor {
    /// The bare UUID of either: version 7, so the two never share one.
    #[must_use]
    pub const fn uuid(self) -> uuid::Uuid {
        match self {
            Self::Client(id) => id.uuid(),
            Self::User(id) => id.uuid(),
        }
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Client(id) => id.fmt(f),
            Self::User(id) => id.fmt(f),
        }
    }
}
