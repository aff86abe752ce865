//! How the service is, as everybody is told: its parts, how each stands, and incidents.
//!
//! What the ledger says of incidents is made here. Fields are in sorted order, and no numbers, like those of records:
//! each payload is its canonical JSON.

use serde::{Deserialize, Serialize};

use super::IncidentId;

/// Days that are told of.
pub const DAYS: usize = 90;
/// Most characters of an incident's title.
pub const TITLE_MAX: usize = 200;
/// Most characters of an update.
pub const TEXT_MAX: usize = 2_000;

/// A part of the service, as its users know it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Component {
    /// Requests are answered.
    Api,
    /// What is done is recorded, and checkpoints are signed in time.
    Ledger,
    /// Exports and reports are made.
    ExportsAndReports,
    /// Endpoints are told of events.
    Webhooks,
    /// Limits are shared by all replicas.
    Limits,
}

impl Component {
    /// Every part, in the order in which they are shown.
    pub const ALL: [Self; 5] =
        [Self::Api, Self::Ledger, Self::ExportsAndReports, Self::Webhooks, Self::Limits];

    /// Its name for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Ledger => "ledger",
            Self::ExportsAndReports => "exports-and-reports",
            Self::Webhooks => "webhooks",
            Self::Limits => "limits",
        }
    }

    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "API and portal",
            Self::Ledger => "Ledger",
            Self::ExportsAndReports => "Exports and reports",
            Self::Webhooks => "Webhooks",
            Self::Limits => "Rate limits",
        }
    }

    /// What is checked of it.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Api => "Requests are answered, and the database is read.",
            Self::Ledger => {
                "What is done is recorded, no log is stopped, and checkpoints are signed in time."
            }
            Self::ExportsAndReports => {
                "What was ordered is made: none is stuck, and none failed lately for more than one institution."
            }
            Self::Webhooks => "Endpoints are told of events: no delivery that is due waits.",
            Self::Limits => "Rate limits hold across all replicas.",
        }
    }

    /// The part of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }

    /// Their names, with spaces between them.
    #[must_use]
    pub fn join(all: &[Self]) -> String {
        all.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// The parts of these names; names of none are passed over.
    #[must_use]
    pub fn split(names: &str) -> Vec<Self> {
        names.split(' ').filter_map(Self::parse).collect()
    }
}

/// How a part stands; what is worse is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ComponentState {
    /// Nobody has checked it lately.
    Unknown,
    /// As it should be.
    Operational,
    /// Slow, late, or not for everybody.
    Degraded,
    /// It doesn't work.
    Down,
}

impl ComponentState {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Operational => "operational",
            Self::Degraded => "degraded",
            Self::Down => "down",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Unknown, Self::Operational, Self::Degraded, Self::Down]
            .into_iter()
            .find(|one| one.as_str() == name)
    }

    /// How all parts together stand: as the worst of them; what is good counts only when all are known.
    #[must_use]
    pub fn of_all(all: &[Self]) -> Self {
        match all.iter().copied().max() {
            Some(Self::Operational) if all.contains(&Self::Unknown) => Self::Unknown,
            worst => worst.unwrap_or(Self::Unknown),
        }
    }
}

/// How far an incident is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IncidentStatus {
    /// Its cause is looked for.
    Investigating,
    /// Its cause is known.
    Identified,
    /// It is mended, and it is watched whether it stays so.
    Monitoring,
    /// It is over.
    Resolved,
}

impl IncidentStatus {
    /// Every status, in the usual order.
    pub const ALL: [Self; 4] = [Self::Investigating, Self::Identified, Self::Monitoring, Self::Resolved];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Investigating => "investigating",
            Self::Identified => "identified",
            Self::Monitoring => "monitoring",
            Self::Resolved => "resolved",
        }
    }

    /// The status of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }
}

/// How much an incident keeps people from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IncidentImpact {
    /// Nothing.
    None,
    /// Something is slow, late or not for everybody.
    Minor,
    /// A part of the service doesn't work.
    Major,
    /// Most of it doesn't.
    Critical,
}

impl IncidentImpact {
    /// Every impact, the least one first.
    pub const ALL: [Self; 4] = [Self::None, Self::Minor, Self::Major, Self::Critical];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Critical => "critical",
        }
    }

    /// The impact of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }

    /// How the parts that an open incident names stand at best; it says nothing of them when it has no impact.
    #[must_use]
    pub const fn at_best(self) -> Option<ComponentState> {
        match self {
            Self::None => None,
            Self::Minor => Some(ComponentState::Degraded),
            Self::Major | Self::Critical => Some(ComponentState::Down),
        }
    }
}

/// What an entry says of an incident.
#[derive(Clone, Copy, Debug)]
pub struct IncidentTold<'a> {
    /// Whether it opens it.
    pub opens: bool,
    /// The incident.
    pub id: IncidentId,
    /// What it is called.
    pub title: &'a str,
    /// How far it is.
    pub status: &'a str,
    /// How much it keeps people from.
    pub impact: &'a str,
    /// The parts that it concerns, with spaces between them.
    pub components: &'a str,
    /// What people are told.
    pub text: &'a str,
}

impl IncidentTold<'_> {
    /// Its canonical JSON.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn payload(self) -> Result<Vec<u8>, serde_json::Error> {
        #[derive(Serialize)]
        struct Payload<'a> {
            action: &'a str,
            components: Vec<&'a str>,
            id: IncidentId,
            impact: &'a str,
            status: &'a str,
            text: &'a str,
            title: &'a str,
            r#type: &'a str,
        }
        serde_json::to_vec(&Payload {
            action: if self.opens { "incident.open" } else { "incident.update" },
            components: self.components.split(' ').collect(),
            id: self.id,
            impact: self.impact,
            status: self.status,
            text: self.text,
            title: self.title,
            r#type: "incident",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_is_sent_and_are_read_back() {
        for one in Component::ALL {
            assert_eq!(serde_json::to_value(one).unwrap(), one.as_str());
            assert_eq!(Component::parse(one.as_str()), Some(one));
        }
        for one in IncidentStatus::ALL {
            assert_eq!(serde_json::to_value(one).unwrap(), one.as_str());
            assert_eq!(IncidentStatus::parse(one.as_str()), Some(one));
        }
        for one in IncidentImpact::ALL {
            assert_eq!(serde_json::to_value(one).unwrap(), one.as_str());
            assert_eq!(IncidentImpact::parse(one.as_str()), Some(one));
        }
        for one in ["unknown", "operational", "degraded", "down"] {
            assert_eq!(serde_json::to_value(ComponentState::parse(one).unwrap()).unwrap(), one);
        }
        assert_eq!(Component::split(&Component::join(&Component::ALL)), Component::ALL);
        assert_eq!(Component::split(""), []);
    }

    #[test]
    fn the_whole_is_as_its_worst_part_and_good_only_when_all_is_known() {
        use ComponentState::{Degraded, Down, Operational, Unknown};
        for (all, whole) in [
            (vec![], Unknown),
            (vec![Operational, Operational], Operational),
            (vec![Operational, Unknown], Unknown),
            (vec![Unknown, Degraded, Operational], Degraded),
            (vec![Down, Degraded, Unknown], Down),
        ] {
            assert_eq!(ComponentState::of_all(&all), whole, "{all:?}");
        }
    }

    #[test]
    fn what_the_ledger_says_is_canonical() {
        let told = IncidentTold {
            opens: true,
            id: IncidentId::from_parts(1, [1; 10]),
            title: "a \"title\"",
            status: "investigating",
            impact: "minor",
            components: "api ledger",
            text: "é",
        };
        let payload = told.payload().unwrap();
        let value: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(payload, serde_json_canonicalizer::to_vec(&value).unwrap());
        assert_eq!(value["components"], serde_json::json!(["api", "ledger"]));
    }
}
