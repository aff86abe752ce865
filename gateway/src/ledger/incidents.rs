//! Incidents of the service on the provider's log: an entry that opens each, and one for each update; and how
//! their rows are held against these.

use std::collections::HashMap;

use veritrail_audit::{Entry, Kind};

use super::{
    By, RecordError,
    command::{Filing, Rows},
};
use crate::{
    domain::{
        IncidentId, Tenant,
        status::{Component, IncidentImpact, IncidentStatus, IncidentTold},
    },
    store::{
        Connection, StoreError, idempotency,
        incidents::{self, Incident, Update},
        institutions,
    },
};

/// What entries call an incident.
const SUBJECT: &str = "incident";
const RESOLVED: &str = IncidentStatus::Resolved.as_str();
/// Incidents that are open at once.
pub const OPEN_MAX: i64 = 1_000;
/// Updates of one incident. The last one resolves it.
pub const UPDATES_MAX: i64 = 50;

/// What is told of an incident.
#[derive(Clone, Debug)]
pub struct Said {
    /// How far it is.
    pub status: IncidentStatus,
    /// How much it keeps people from.
    pub impact: IncidentImpact,
    /// The parts that it concerns.
    pub components: Vec<Component>,
    /// What people are told.
    pub text: String,
}

impl Said {
    fn row(self, id: IncidentId, made_by: String, (seq, at_us): (i64, i64)) -> Update {
        Update {
            seq,
            incident_id: id.uuid(),
            status: self.status.as_str().to_owned(),
            impact: self.impact.as_str().to_owned(),
            components: Component::join(&self.components),
            body: self.text,
            made_by,
            at_us,
        }
    }
}

/// A new incident.
///
/// # Errors
/// When the entry can't be written.
pub fn open(
    by: By,
    id: IncidentId,
    title: String,
    said: Said,
    idempotency: Option<idempotency::Key>,
) -> Result<Filing, RecordError> {
    let actor = by.actor.clone();
    let payload = payload(&title, true, &said.clone().row(id, String::new(), (0, 0)))?;
    let rows: Rows = Box::new(move |connection, at| {
        Box::pin(async move {
            if incidents::count_open(connection).await? >= OPEN_MAX {
                return Err(RecordError::Conflict("1000 incidents are open; resolve what is over"));
            }
            let first = said.row(id, actor, (at.seq, at.at_us));
            Ok(incidents::open(connection, &title, &first).await?)
        })
    });
    Ok(Filing { by, kind: Kind::Admin, subject: (SUBJECT, id.to_string()), payload, rows, idempotency })
}

/// An update of an incident, as somebody has seen it.
///
/// # Errors
/// When the entry can't be written.
pub fn update(
    by: By,
    seen: &Incident,
    said: Said,
    idempotency: Option<idempotency::Key>,
) -> Result<Filing, RecordError> {
    let (actor, id, last_seq) = (by.actor.clone(), IncidentId::from_uuid(seen.id), seen.last_seq);
    let payload = payload(&seen.title, false, &said.clone().row(id, String::new(), (0, 0)))?;
    let rows: Rows = Box::new(move |connection, at| {
        Box::pin(async move {
            let now = incidents::get(connection, id).await?.ok_or(RecordError::Missing("incident"))?;
            let resolves = said.status == IncidentStatus::Resolved;
            if now.resolved_at_us.is_some() {
                return Err(RecordError::Conflict("the incident is resolved; open another one"));
            }
            if now.last_seq != last_seq {
                return Err(RecordError::Conflict("somebody else has just updated it; look again"));
            }
            if now.updates >= UPDATES_MAX - 1 && !resolves {
                return Err(RecordError::Conflict("it has 49 updates; resolve it, and open another one"));
            }
            let row = said.row(id, actor, (at.seq, at.at_us));
            Ok(incidents::update(connection, &row, resolves).await?)
        })
    });
    Ok(Filing { by, kind: Kind::Admin, subject: (SUBJECT, id.to_string()), payload, rows, idempotency })
}

/// What the entry says of an update.
fn payload(title: &str, opens: bool, row: &Update) -> Result<Vec<u8>, RecordError> {
    let told = IncidentTold {
        opens,
        id: IncidentId::from_uuid(row.incident_id),
        title,
        status: &row.status,
        impact: &row.impact,
        components: &row.components,
        text: &row.body,
    };
    told.payload().map_err(|error| RecordError::Unavailable(error.to_string()))
}

/// The rows of updates that a range of entries records, each with its incident.
pub(super) struct IncidentRows(HashMap<i64, (Incident, Update)>);

impl IncidentRows {
    pub(super) async fn load(
        connection: &mut Connection,
        tenant: Tenant,
        from: i64,
        until: i64,
    ) -> Result<Self, StoreError> {
        let mut rows = HashMap::new();
        // They are on the provider's log, and on no other.
        if institutions::provider(connection).await? == Some(tenant.id()) {
            for update in incidents::stored(connection, from, until).await? {
                let id = IncidentId::from_uuid(update.incident_id);
                let incident = incidents::get(connection, id).await?.ok_or(StoreError::RowNotFound)?;
                rows.insert(update.seq, (incident, update));
            }
        }
        Ok(Self(rows))
    }

    /// Holds an update's row, and its incident's, against the entry that records it; entries about other things
    /// have none.
    pub(super) fn take(&mut self, seq: i64, entry: &Entry<'_>, said: &[u8]) -> Result<(), &'static str> {
        let Some(subject) = entry.subject.filter(|it| entry.kind == Kind::Admin && it.kind == SUBJECT) else {
            return Ok(());
        };
        let (incident, row) = self.0.remove(&seq).ok_or("its incident's row is missing")?;
        let stands = incident.status == row.status
            && incident.impact == row.impact
            && incident.components == row.components
            && incident.updated_at_us == entry.at_us
            && incident.resolved_at_us == (row.status == RESOLVED).then_some(entry.at_us);
        let same = payload(&incident.title, incident.seq == seq, &row).ok().as_deref() == Some(said)
            && row.made_by == entry.actor
            && IncidentId::from_uuid(row.incident_id).to_string() == subject.id
            && row.at_us == entry.at_us
            && (incident.seq != seq || incident.opened_at_us == entry.at_us)
            && (seq < incident.last_seq || (seq == incident.last_seq && stands));
        if same { Ok(()) } else { Err("its incident's row says something else") }
    }

    /// The entries that rows name and that recorded nothing of the kind.
    pub(super) fn left(&self) -> impl Iterator<Item = &i64> {
        self.0.keys()
    }
}
