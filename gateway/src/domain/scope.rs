//! Scopes (RFC 6749 section 3.3): what a client may do, and which kind of client may have them.

use serde::{Deserialize, Serialize};

/// What a token permits.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
pub enum Scope {
    /// See the institution itself.
    #[serde(rename = "institution:read")]
    InstitutionRead,
    /// See accounts.
    #[serde(rename = "accounts:read")]
    AccountsRead,
    /// See transactions.
    #[serde(rename = "transactions:read")]
    TransactionsRead,
    /// Deliver transactions and accounts.
    #[serde(rename = "transactions:write")]
    TransactionsWrite,
    /// See the ledger: entries, proofs, checkpoints, tiles.
    #[serde(rename = "ledger:read")]
    LedgerRead,
    /// Order and download evidence bundles.
    #[serde(rename = "evidence:read")]
    EvidenceRead,
    /// Order and download exports; each also needs the scope of what it exports.
    #[serde(rename = "exports:read")]
    ExportsRead,
    /// Follow events.
    #[serde(rename = "events:read")]
    EventsRead,
    /// Set up webhook endpoints.
    #[serde(rename = "webhooks:manage")]
    WebhooksManage,
    /// See and change the institution's own clients: keys, secrets, addresses.
    #[serde(rename = "clients:manage")]
    ClientsManage,
    /// See limits and usage, and what would be refused.
    #[serde(rename = "usage:read")]
    UsageRead,
    /// See lineage.
    #[serde(rename = "lineage:read")]
    LineageRead,
    /// Tell lineage: OpenLineage events.
    #[serde(rename = "lineage:write")]
    LineageWrite,
    /// See reports, their figures and what became of them; the records behind a figure also need
    /// `transactions:read`.
    #[serde(rename = "reports:read")]
    ReportsRead,
    /// Order, deposit and correct reports; record verdicts, deliveries and adjustments.
    #[serde(rename = "reports:write")]
    ReportsWrite,
    /// Let regulators see what a grant names, and take that back.
    #[serde(rename = "grants:manage")]
    GrantsManage,
    /// See which grants one holds: a regulator's alone, and no client's.
    #[serde(rename = "granted:read")]
    GrantedRead,
    /// Onboard institutions, manage clients and plans.
    #[serde(rename = "admin")]
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 18] = [
        Self::InstitutionRead,
        Self::AccountsRead,
        Self::TransactionsRead,
        Self::TransactionsWrite,
        Self::LedgerRead,
        Self::EvidenceRead,
        Self::ExportsRead,
        Self::EventsRead,
        Self::WebhooksManage,
        Self::ClientsManage,
        Self::UsageRead,
        Self::LineageRead,
        Self::LineageWrite,
        Self::ReportsRead,
        Self::ReportsWrite,
        Self::GrantsManage,
        Self::GrantedRead,
        Self::Admin,
    ];

    /// As it stands in a token.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InstitutionRead => "institution:read",
            Self::AccountsRead => "accounts:read",
            Self::TransactionsRead => "transactions:read",
            Self::TransactionsWrite => "transactions:write",
            Self::LedgerRead => "ledger:read",
            Self::EvidenceRead => "evidence:read",
            Self::ExportsRead => "exports:read",
            Self::EventsRead => "events:read",
            Self::WebhooksManage => "webhooks:manage",
            Self::ClientsManage => "clients:manage",
            Self::UsageRead => "usage:read",
            Self::LineageRead => "lineage:read",
            Self::LineageWrite => "lineage:write",
            Self::ReportsRead => "reports:read",
            Self::ReportsWrite => "reports:write",
            Self::GrantsManage => "grants:manage",
            Self::GrantedRead => "granted:read",
            Self::Admin => "admin",
        }
    }

    /// The scope of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }

    /// The scopes in a space-separated list, each once.
    ///
    /// # Errors
    /// The first name that is no scope.
    pub fn parse_list(list: &str) -> Result<Vec<Self>, String> {
        let names = list.split(' ').filter(|name| !name.is_empty());
        let scopes = names.map(|name| Self::parse(name).ok_or_else(|| name.to_owned()));
        Ok(Self::each_once(scopes.collect::<Result<_, _>>()?))
    }

    /// Each of some scopes once, where it stood first.
    #[must_use]
    pub fn each_once(scopes: Vec<Self>) -> Vec<Self> {
        let mut once = Vec::new();
        for scope in scopes {
            if !once.contains(&scope) {
                once.push(scope);
            }
        }
        once
    }

    /// The space-separated list of some scopes.
    #[must_use]
    pub fn join(scopes: &[Self]) -> String {
        scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// What kind of program a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// An institution's own system: reads its institution's data.
    System,
    /// The provider's internal system: delivers records for institutions, reads nothing.
    Feeder,
    /// Provider staff's tooling: the admin API, and reads that the client's ledger shows.
    Operator,
}

impl ClientKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::System, Self::Feeder, Self::Operator];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Feeder => "feeder",
            Self::Operator => "operator",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The scopes that a client of this kind may be given.
    #[must_use]
    pub const fn allowed(self) -> &'static [Scope] {
        use Scope::{
            AccountsRead, Admin, ClientsManage, EventsRead, EvidenceRead, ExportsRead, GrantsManage,
            InstitutionRead, LedgerRead, LineageRead, LineageWrite, ReportsRead, ReportsWrite,
            TransactionsRead, TransactionsWrite, UsageRead, WebhooksManage,
        };
        match self {
            Self::System => &[
                InstitutionRead,
                AccountsRead,
                TransactionsRead,
                LedgerRead,
                EvidenceRead,
                ExportsRead,
                EventsRead,
                WebhooksManage,
                ClientsManage,
                UsageRead,
                LineageRead,
                LineageWrite,
                ReportsRead,
                ReportsWrite,
                GrantsManage,
            ],
            Self::Feeder => &[TransactionsWrite, LineageWrite],
            Self::Operator => &[
                InstitutionRead,
                AccountsRead,
                TransactionsRead,
                LedgerRead,
                EvidenceRead,
                ExportsRead,
                EventsRead,
                UsageRead,
                LineageRead,
                ReportsRead,
                ReportsWrite,
                GrantsManage,
                Admin,
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scopes_name_in_a_token_is_its_name_in_json() {
        for scope in Scope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
            assert_eq!(Scope::parse(scope.as_str()), Some(scope));
        }
    }

    #[test]
    fn a_list_has_each_scope_once_where_it_stood_first() {
        let list = Scope::parse_list("ledger:read  accounts:read ledger:read").unwrap();
        assert_eq!(list, [Scope::LedgerRead, Scope::AccountsRead]);
        assert_eq!(Scope::parse_list("ledger:read x y"), Err("x".to_owned()));
    }

    #[test]
    fn a_feeder_reads_nothing_and_a_system_changes_nothing() {
        assert_eq!(ClientKind::Feeder.allowed(), [Scope::TransactionsWrite, Scope::LineageWrite]);
        assert!(!ClientKind::System.allowed().contains(&Scope::TransactionsWrite));
        assert!(!ClientKind::System.allowed().contains(&Scope::Admin));
    }
}
