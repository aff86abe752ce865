//! What grants let a regulator see: of which institutions, and until when.
//!
//! It is read anew for each page, so that a grant that is revoked, or has ended, opens nothing more.

use super::{Door, session::Edge};
use crate::{
    domain::{GrantId, InstitutionId, Role, Scope, Tenant, UserId, grant::GrantState},
    error::Problem,
    ledger::rounds,
    store::grants::{self, Held},
};

/// Grants of somebody that are told at most: those that end first.
pub const GRANTED_MAX: usize = 1_000;
/// What parts the purposes of grants that one look rests on.
const AND: &str = "; ";

/// A grant that has neither ended nor been revoked, as the regulator has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Its id.
    pub grant: GrantId,
    /// Whose data it is about.
    pub institution: InstitutionId,
    /// That institution's name.
    pub institution_name: String,
    /// What they may see.
    pub scopes: Vec<Scope>,
    /// From when, in microseconds since the Unix epoch.
    pub from_us: i64,
    /// Until when.
    pub until_us: i64,
    /// What for.
    pub purpose: String,
}

impl Granted {
    fn of(row: Held) -> Result<Self, Problem> {
        let mut scopes = Scope::parse_list(&row.scopes).map_err(Problem::internal)?;
        scopes.retain(|scope| Role::Regulator.scopes().contains(scope));
        Ok(Self {
            grant: GrantId::from_uuid(row.id),
            institution: InstitutionId::from_uuid(row.institution_id),
            institution_name: row.institution_name,
            scopes,
            from_us: row.from_us,
            until_us: row.until_us,
            purpose: row.purpose,
        })
    }

    /// Whether it counts at a time; if not, it begins later.
    #[must_use]
    pub fn is_live(&self, now_us: i64) -> bool {
        GrantState::at(now_us, (self.from_us, self.until_us), false) == GrantState::Live
    }
}

/// What a regulator may see of one institution now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// The institution, and its name.
    pub institution: (InstitutionId, String),
    /// What they may see of it: what any of their live grants names.
    pub scopes: Vec<Scope>,
    /// When the first of these grants ends, and what all of them are for.
    pub edge: Edge,
}

impl Sight {
    /// By these grants of one institution; none when none of them is live.
    #[must_use]
    pub fn by(granted: Vec<Granted>, now_us: i64) -> Option<Self> {
        let live: Vec<Granted> = granted.into_iter().filter(|one| one.is_live(now_us)).collect();
        let ends_at_us = live.iter().map(|one| one.until_us).min()?;
        let mut purposes: Vec<&str> = Vec::new();
        for one in &live {
            if !purposes.contains(&one.purpose.as_str()) {
                purposes.push(&one.purpose);
            }
        }
        let edge = Edge { ends_at_us, purpose: purposes.join(AND) };
        let scopes = live.iter().flat_map(|one| one.scopes.iter().copied()).collect();
        let first = live.into_iter().next()?;
        let institution = (first.institution, first.institution_name);
        Some(Self { institution, scopes: Scope::each_once(scopes), edge })
    }
}

impl Door {
    /// What a regulator has been granted and that has not ended, by the institution's name: what is live, and what
    /// begins later; of more than [`GRANTED_MAX`] those that end first.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn grants_of(&self, user: UserId, now_us: i64) -> Result<Vec<Granted>, Problem> {
        let mut all = Vec::new();
        for portion in rounds::portions(&self.db).await? {
            let mut reader = self.db.read_many(&portion).await?;
            for row in grants::held(&mut reader, None, user, now_us).await? {
                all.push(Granted::of(row)?);
            }
            all.sort_by_key(|one| (one.until_us, one.grant));
            all.truncate(GRANTED_MAX);
        }
        all.sort_by(|one, other| {
            (&one.institution_name, one.until_us).cmp(&(&other.institution_name, other.until_us))
        });
        Ok(all)
    }

    /// What a regulator may see of an institution; none when no grant is live.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn sight_of(
        &self,
        user: UserId,
        institution: InstitutionId,
        now_us: i64,
    ) -> Result<Option<Sight>, Problem> {
        let tenant = Tenant::vouched(institution);
        let mut reader = self.db.read(tenant).await?;
        let rows = grants::held(&mut reader, Some(tenant), user, now_us).await?;
        let granted = rows.into_iter().map(Granted::of).collect::<Result<_, _>>()?;
        Ok(Sight::by(granted, now_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(scopes: &[Scope], (from_us, until_us): (i64, i64), purpose: &str) -> Granted {
        Granted {
            grant: GrantId::from_parts(1, [1; 10]),
            institution: InstitutionId::from_parts(1, [2; 10]),
            institution_name: "Bank".to_owned(),
            scopes: scopes.to_vec(),
            from_us,
            until_us,
            purpose: purpose.to_owned(),
        }
    }

    #[test]
    fn several_grants_add_up_and_the_first_end_is_the_edge() {
        let all = vec![
            granted(&[Scope::InstitutionRead, Scope::LedgerRead], (0, 20), "a"),
            granted(&[Scope::InstitutionRead, Scope::ReportsRead], (5, 10), "b"),
            granted(&[Scope::TransactionsRead], (12, 30), "c"),
        ];
        let sight = Sight::by(all.clone(), 6).unwrap();
        assert_eq!(sight.scopes, [Scope::InstitutionRead, Scope::LedgerRead, Scope::ReportsRead]);
        assert_eq!(sight.edge, Edge { ends_at_us: 10, purpose: "a; b".to_owned() });
        let later = Sight::by(all.clone(), 10).unwrap();
        assert_eq!(later.scopes, [Scope::InstitutionRead, Scope::LedgerRead]);
        assert_eq!(later.edge, Edge { ends_at_us: 20, purpose: "a".to_owned() });
        assert_eq!(Sight::by(all, 30), None);
    }

    #[test]
    fn more_than_a_regulator_may_is_not_granted_by_a_row() {
        let row = Held {
            id: uuid::Uuid::nil(),
            institution_id: uuid::Uuid::nil(),
            institution_name: "Bank".to_owned(),
            scopes: "ledger:read reports:write".to_owned(),
            purpose: "a".to_owned(),
            from_us: 0,
            until_us: 1,
        };
        assert_eq!(Granted::of(row).unwrap().scopes, [Scope::LedgerRead]);
    }
}
