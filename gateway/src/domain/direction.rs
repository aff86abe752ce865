//! Which way money moved, and whether it is final.

use serde::{Deserialize, Serialize};

/// Which way money moved, seen from the account's holder.
///
/// ISO 20022 `CdtDbtInd`: `CRDT`, `DBIT`. A reversal is an entry in the opposite direction.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Money came in; of a balance, the account is in funds.
    Credit,
    /// Money went out; of a balance, the account is overdrawn.
    Debit,
}

impl Direction {
    /// Every direction, in the order of the wire's words.
    pub const ALL: [Self; 2] = [Self::Credit, Self::Debit];

    /// The wire's word: `credit` or `debit`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Credit => "credit",
            Self::Debit => "debit",
        }
    }

    /// The direction with exactly this word, if there is one.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|direction| direction.as_str() == word)
    }
}

impl std::fmt::Display for Direction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How final a transaction is.
///
/// ISO 20022 `Ntry/Sts`: `BOOK`, `PDNG`, `INFO`.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// On the account's books (`BOOK`).
    #[default]
    Booked,
    /// Announced and not yet on the books (`PDNG`).
    Pending,
    /// Told for information; it never touches the books (`INFO`).
    Information,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Booked, Self::Pending, Self::Information];

    /// The wire's word: `booked`, `pending` or `information`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Pending => "pending",
            Self::Information => "information",
        }
    }

    /// The status with exactly this word, if there is one.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_parsed_is_the_word_serialised() {
        for direction in Direction::ALL {
            assert_eq!(Direction::parse(direction.as_str()), Some(direction));
            assert_eq!(serde_json::to_value(direction).unwrap(), direction.as_str());
        }
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        assert_eq!(Direction::parse("CREDIT"), None);
        assert_eq!(Status::parse("BOOK"), None);
    }
}
