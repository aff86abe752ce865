//! Roles: what people may do in the portal.

use serde::{Deserialize, Serialize};

use super::{ClientKind, Scope};

/// A person's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Answers for an institution's data: sees records, reports and who looked at them, takes evidence
    /// away, grants regulators access.
    ComplianceOfficer,
    /// Connects an institution's systems: clients, keys, webhooks, limits. Sees no records.
    IntegrationEngineer,
    /// Sees what a grant names, for as long as it lasts.
    Regulator,
    /// Provider staff: institutions, clients, plans, health; what they see of an institution's data is on
    /// its ledger.
    Operator,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] =
        [Self::ComplianceOfficer, Self::IntegrationEngineer, Self::Regulator, Self::Operator];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ComplianceOfficer => "compliance-officer",
            Self::IntegrationEngineer => "integration-engineer",
            Self::Regulator => "regulator",
            Self::Operator => "operator",
        }
    }

    /// The role of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// What a person of this role may do; for a regulator, what a grant may give at most.
    #[must_use]
    pub const fn scopes(self) -> &'static [Scope] {
        use Scope::{
            AccountsRead, ClientsManage, EventsRead, EvidenceRead, ExportsRead, GrantsManage,
            InstitutionRead, LedgerRead, LineageRead, ReportsRead, ReportsWrite, TransactionsRead, UsageRead,
            WebhooksManage,
        };
        match self {
            Self::ComplianceOfficer => &[
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
            ],
            Self::IntegrationEngineer => {
                &[InstitutionRead, EventsRead, WebhooksManage, ClientsManage, UsageRead, LineageRead]
            }
            Self::Regulator => &[
                InstitutionRead,
                AccountsRead,
                TransactionsRead,
                LedgerRead,
                EvidenceRead,
                LineageRead,
                ReportsRead,
            ],
            Self::Operator => ClientKind::Operator.allowed(),
        }
    }

    /// Whether people of this role belong to the provider, or to no institution: each request of theirs
    /// names the institution that it concerns.
    #[must_use]
    pub const fn is_outside(self) -> bool {
        matches!(self, Self::Regulator | Self::Operator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_one_name_everywhere() {
        for role in Role::ALL {
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("admin"), None);
    }

    #[test]
    fn who_connects_systems_sees_no_records_and_a_regulator_changes_nothing() {
        let sees = |role: Role, scope| role.scopes().contains(&scope);
        assert!(!sees(Role::IntegrationEngineer, Scope::TransactionsRead));
        assert!(!sees(Role::IntegrationEngineer, Scope::LedgerRead));
        for changing in [
            Scope::ReportsWrite,
            Scope::ClientsManage,
            Scope::WebhooksManage,
            Scope::GrantsManage,
            Scope::Admin,
        ] {
            assert!(!sees(Role::Regulator, changing));
        }
    }
}
