//! Grants in words: what their scopes let one see, and how they stand.

use maud::{Markup, html};
use serde_json::Value;

use super::super::parts::state::{Tone, badge};
use crate::domain::Scope;

/// What can be granted: in a few words, in full, and the page where it is seen, if it has one of its own.
pub(in crate::portal) struct Sight {
    /// The scope.
    pub(in crate::portal) scope: Scope,
    /// In a few words.
    pub(in crate::portal) name: &'static str,
    /// In full.
    pub(in crate::portal) what: &'static str,
    /// The page.
    pub(in crate::portal) page: Option<(&'static str, &'static str)>,
}

/// All that can be granted, the institution itself first: that is part of every grant.
pub(in crate::portal) const SIGHTS: &[Sight] = &[
    Sight {
        scope: Scope::InstitutionRead,
        name: "the institution",
        what: "The institution itself: its name, how long its ledger is, and the key that signs it",
        page: None,
    },
    Sight { scope: Scope::AccountsRead, name: "accounts", what: "Accounts and their balances", page: None },
    Sight {
        scope: Scope::TransactionsRead,
        name: "transactions",
        what: "Transactions, with their versions, sources and proofs",
        page: Some(("/transactions", "Transactions")),
    },
    Sight {
        scope: Scope::ReportsRead,
        name: "reports",
        what: "Reports, their figures, and what validators and recipients said of them",
        page: Some(("/reports", "Reports")),
    },
    Sight {
        scope: Scope::LineageRead,
        name: "lineage",
        what: "Lineage: what was made from what",
        page: Some(("/lineage", "Lineage")),
    },
    Sight {
        scope: Scope::LedgerRead,
        name: "audit trail",
        what: "The audit trail: every entry of the ledger with what it records, and who looked at what",
        page: Some(("/audit", "Audit")),
    },
    Sight {
        scope: Scope::EvidenceRead,
        name: "evidence",
        what: "Evidence bundles to take away: every entry of a period with what it records, and the proofs",
        page: Some(("/evidence", "Evidence")),
    },
];

/// The scopes of an answer.
pub(in crate::portal) fn scopes(value: &Value) -> Vec<Scope> {
    value.as_array().into_iter().flatten().filter_map(|name| Scope::parse(name.as_str()?)).collect()
}

fn of(scopes: &[Scope]) -> impl Iterator<Item = &'static Sight> {
    SIGHTS.iter().filter(move |sight| scopes.contains(&sight.scope))
}

/// What one may see, on one line; that it is the institution's goes without saying.
pub(in crate::portal) fn short(scopes: &[Scope]) -> String {
    let names: Vec<&str> =
        of(scopes).filter(|it| it.scope != Scope::InstitutionRead).map(|it| it.name).collect();
    if names.is_empty() { "the institution alone".to_owned() } else { names.join(", ") }
}

/// What one may see, in full.
pub(in crate::portal) fn full(scopes: &[Scope]) -> Markup {
    html! { ul { @for sight in of(scopes) { li { (sight.what) } } } }
}

/// Where one may see it: paths and names of pages.
pub(in crate::portal) fn pages(scopes: &[Scope]) -> impl Iterator<Item = (&'static str, &'static str)> {
    of(scopes).filter_map(|sight| sight.page)
}

/// How a grant stands.
pub(in crate::portal) fn state(word: &str) -> Markup {
    match word {
        "live" => badge(Tone::Good, "live"),
        "to_come" => badge(Tone::Warn, "to come"),
        "ended" => badge(Tone::Plain, "ended"),
        "revoked" => badge(Tone::Plain, "revoked"),
        other => badge(Tone::Plain, other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Role;

    #[test]
    fn all_that_a_regulator_may_be_granted_has_words() {
        let mut worded: Vec<Scope> = SIGHTS.iter().map(|sight| sight.scope).collect();
        let mut most = Role::Regulator.scopes().to_vec();
        worded.sort();
        most.sort();
        assert_eq!(worded, most);
        assert_eq!(short(&[Scope::InstitutionRead]), "the institution alone");
        assert_eq!(
            short(&[Scope::ReportsRead, Scope::InstitutionRead, Scope::AccountsRead]),
            "accounts, reports"
        );
    }
}
