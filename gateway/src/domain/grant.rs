//! Grants: a regulator may see what one names of an institution's data, for as long as it lasts.
//!
//! What the ledger says of them is made here. Fields are in sorted order, and no numbers, like those of records:
//! each payload is its canonical JSON.

use serde::Serialize;

use super::{GrantId, Scope, UserId};

/// Days that one lasts at most, and days before which one begins.
pub const DAYS_MAX: i64 = 366;
/// Most characters of what one is for, and of why one is revoked.
pub const TEXT_MAX: usize = 500;

/// How a grant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// It begins later.
    ToCome,
    /// It counts.
    Live,
    /// Its time is over.
    Ended,
    /// It was taken back.
    Revoked,
}

impl GrantState {
    /// How one stands at a time, by when it begins and ends (microseconds since the Unix epoch) and whether it was
    /// revoked. It counts from its beginning, and no longer at its end.
    #[must_use]
    pub const fn at(now_us: i64, (from_us, until_us): (i64, i64), revoked: bool) -> Self {
        if revoked {
            Self::Revoked
        } else if until_us <= now_us {
            Self::Ended
        } else if from_us <= now_us {
            Self::Live
        } else {
            Self::ToCome
        }
    }
}

/// What an entry is about.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Of {
    Grant,
}

/// What an entry says of a grant.
#[derive(Debug, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
enum Told<'a> {
    Make {
        email: &'a str,
        from: &'a str,
        id: GrantId,
        purpose: &'a str,
        scopes: &'a [Scope],
        r#type: Of,
        until: &'a str,
        user: UserId,
    },
    Revoke {
        id: GrantId,
        reason: &'a str,
        r#type: Of,
    },
}

/// That a grant was made.
#[derive(Clone, Copy, Debug)]
pub struct GrantMade<'a> {
    /// The grant.
    pub id: GrantId,
    /// The regulator.
    pub user: UserId,
    /// By which they sign in.
    pub email: &'a str,
    /// What they may see.
    pub scopes: &'a [Scope],
    /// From when: RFC 3339, UTC.
    pub from: &'a str,
    /// Until when.
    pub until: &'a str,
    /// What for.
    pub purpose: &'a str,
}

impl GrantMade<'_> {
    /// Its canonical JSON.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn payload(self) -> Result<Vec<u8>, serde_json::Error> {
        let Self { id, user, email, scopes, from, until, purpose } = self;
        serde_json::to_vec(&Told::Make { email, from, id, purpose, scopes, r#type: Of::Grant, until, user })
    }
}

/// The canonical JSON that says that a grant was revoked, and why.
///
/// # Errors
/// When it can't be written.
pub fn revoked(id: GrantId, reason: &str) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Told::Revoke { id, reason, r#type: Of::Grant })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_counts_from_its_beginning_and_no_longer_at_its_end() {
        let state = |now_us, revoked| GrantState::at(now_us, (10, 20), revoked);
        assert_eq!(state(9, false), GrantState::ToCome);
        assert_eq!(state(10, false), GrantState::Live);
        assert_eq!(state(19, false), GrantState::Live);
        assert_eq!(state(20, false), GrantState::Ended);
        for now_us in [9, 10, 20] {
            assert_eq!(state(now_us, true), GrantState::Revoked);
        }
    }

    #[test]
    fn what_the_ledger_says_is_in_sorted_order() {
        let (id, user) = (GrantId::from_parts(1, [1; 10]), UserId::from_parts(1, [2; 10]));
        let made = GrantMade {
            id,
            user,
            email: "r@s.example",
            scopes: &[Scope::InstitutionRead, Scope::LedgerRead],
            from: "2026-01-01T00:00:00.000000Z",
            until: "2026-02-01T00:00:00.000000Z",
            purpose: "a \"review\"",
        };
        for payload in [made.payload().unwrap(), revoked(id, "over").unwrap()] {
            let sorted: serde_json::Map<String, serde_json::Value> =
                serde_json::from_slice(&payload).unwrap();
            let mut names: Vec<&String> = sorted.keys().collect();
            names.sort();
            let text = String::from_utf8(payload.clone()).unwrap();
            let mut last = 0;
            for name in names {
                let at = text.find(&format!("\"{name}\":")).unwrap();
                assert!(at >= last, "{name} in {text}");
                last = at;
            }
            assert_eq!(sorted["type"], "grant");
        }
    }
}
