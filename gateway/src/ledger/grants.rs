//! Grants on an institution's ledger: an entry that makes each, and one that revokes it, if it is; and how their
//! rows are held against these.

use std::collections::HashMap;

use veritrail_audit::{Entry, Kind};

use super::{
    By, RecordError,
    command::{Filing, Rows},
};
use crate::{
    domain::{
        GrantId, Scope, Tenant, UserId,
        grant::{self, GrantMade},
    },
    store::{
        Connection, StoreError,
        grants::{self, Grant, NewGrant},
        idempotency,
    },
    world::rfc3339,
};

/// What entries call a grant.
const SUBJECT: &str = "grant";
/// Grants of an institution that have not ended.
pub const GRANTS_MAX: i64 = 1_000;

/// A new grant.
///
/// # Errors
/// When the entry can't be written.
pub fn make(by: By, new: NewGrant, idempotency: Option<idempotency::Key>) -> Result<Filing, RecordError> {
    let payload = made(&new)?;
    let subject = (SUBJECT, new.id.to_string());
    let rows: Rows = Box::new(move |connection, at| {
        Box::pin(async move {
            if grants::count(connection, at.tenant, at.at_us).await? >= GRANTS_MAX {
                return Err(RecordError::Conflict("1000 grants have not ended; revoke what is not needed"));
            }
            Ok(grants::insert(connection, at.tenant, &new, at.seq, at.at_us).await?)
        })
    });
    Ok(Filing { by, kind: Kind::Grant, subject, payload, rows, idempotency })
}

/// The end of a grant before its time.
///
/// # Errors
/// When the entry can't be written.
pub fn revoke(
    by: By,
    id: GrantId,
    reason: String,
    idempotency: Option<idempotency::Key>,
) -> Result<Filing, RecordError> {
    let payload = grant::revoked(id, &reason).map_err(unwritten)?;
    let actor = by.actor.clone();
    let rows: Rows = Box::new(move |connection, at| {
        Box::pin(async move {
            let how = (at.seq, actor.as_str(), reason.as_str());
            match grants::revoke(connection, at.tenant, id, how, at.at_us).await? {
                true => Ok(()),
                false => Err(RecordError::Conflict("the grant was revoked before, or has ended")),
            }
        })
    });
    Ok(Filing { by, kind: Kind::Grant, subject: (SUBJECT, id.to_string()), payload, rows, idempotency })
}

/// What the entry says that makes a grant.
fn made(new: &NewGrant) -> Result<Vec<u8>, RecordError> {
    let scopes = Scope::parse_list(&new.scopes).map_err(RecordError::Unavailable)?;
    let made = GrantMade {
        id: new.id,
        user: new.user,
        email: &new.email,
        scopes: &scopes,
        from: &rfc3339(new.from_us),
        until: &rfc3339(new.until_us),
        purpose: &new.purpose,
    };
    made.payload().map_err(unwritten)
}

fn unwritten(error: serde_json::Error) -> RecordError {
    RecordError::Unavailable(error.to_string())
}

/// The rows of grants that a range of entries made or revoked.
pub(super) struct GrantRows {
    made: HashMap<i64, Grant>,
    revoked: HashMap<i64, Grant>,
}

impl GrantRows {
    pub(super) async fn load(
        connection: &mut Connection,
        tenant: Tenant,
        from: i64,
        until: i64,
    ) -> Result<Self, StoreError> {
        let (mut made, mut revoked) = (HashMap::new(), HashMap::new());
        for row in grants::stored(connection, tenant, from, until).await? {
            if let Some(seq) = row.revoked_seq.filter(|seq| (from..until).contains(seq)) {
                revoked.insert(seq, row.clone());
            }
            if (from..until).contains(&row.seq) {
                made.insert(row.seq, row);
            }
        }
        Ok(Self { made, revoked })
    }

    /// Holds a grant's row against the entry that made or revoked it; entries about other things have none.
    pub(super) fn take(&mut self, seq: i64, entry: &Entry<'_>, payload: &[u8]) -> Result<(), &'static str> {
        let Some(subject) = entry.subject.filter(|it| entry.kind == Kind::Grant && it.kind == SUBJECT) else {
            return Ok(());
        };
        let (row, expected, actor) = if let Some(row) = self.made.remove(&seq) {
            let expected = made(&as_made(&row)).ok();
            let actor = Some(row.made_by.clone());
            (row, expected, actor)
        } else if let Some(row) = self.revoked.remove(&seq) {
            let reason = row.reason.as_deref().unwrap_or_default();
            let expected = grant::revoked(GrantId::from_uuid(row.id), reason).ok();
            let actor = row.revoked_by.clone();
            (row, expected, actor)
        } else {
            return Err("its grant's row is missing");
        };
        let same = expected.as_deref() == Some(payload)
            && actor.as_deref() == Some(entry.actor)
            && GrantId::from_uuid(row.id).to_string() == subject.id;
        if same { Ok(()) } else { Err("its grant's row says something else") }
    }

    /// The entries that rows name and that recorded nothing of the kind.
    pub(super) fn left(&self) -> impl Iterator<Item = &i64> {
        self.made.keys().chain(self.revoked.keys())
    }
}

/// A row as it was when it was made.
fn as_made(row: &Grant) -> NewGrant {
    NewGrant {
        id: GrantId::from_uuid(row.id),
        user: UserId::from_uuid(row.user_id),
        email: row.email.clone(),
        scopes: row.scopes.clone(),
        purpose: row.purpose.clone(),
        from_us: row.from_us,
        until_us: row.until_us,
        made_by: row.made_by.clone(),
    }
}
