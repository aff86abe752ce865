//! `GET /v1/transactions/sync`: what changed since the last time, so that a copy stays a copy.
//!
//! A run of pages is pinned to the ledger as it stood when the run began. The cursor of its last page
//! begins the next run there: whatever became of a transaction in between is told once, as one step from
//! what the caller had to what there is.

use actix_web::{get, web};
use serde::Serialize;

use super::super::{
    State,
    as_of::{AsOf, Snapshot},
    cursor::Position,
    item::{Shown, shown},
    params::Params,
};
use crate::{
    access::{Answer, Permit, Recorded, right::ReadTransactions},
    domain::{AccountId, InstitutionId, Transaction, TransactionId},
    error::Problem,
    store::transactions::{self, Change},
};

/// How long a cursor is good for: whoever pauses for longer begins anew.
const LIFETIME_US: i64 = 60 * 24 * 3600 * 1_000_000;

/// What changed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Changes<T> {
    /// Transactions that are new to the caller.
    pub added: Vec<T>,
    /// Transactions that the caller has in an older version, as they are now.
    pub modified: Vec<T>,
    /// Transactions that the caller has and that are reversed.
    pub removed: Vec<Removed>,
    /// Give this as `cursor` the next time: at once when there is more, or in days when there is not.
    #[schema(example = "c2VhbGVkLWN1cnNvcg")]
    pub next_cursor: String,
    /// Whether there is more of this run.
    #[schema(example = false)]
    pub has_more: bool,
    /// The state of the ledger that the copy has once this run is at its end.
    pub as_of: AsOf,
}

/// A transaction that is reversed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Removed {
    /// Which.
    pub id: TransactionId,
    /// The entry that reverses it.
    #[schema(example = "49102", pattern = "^[0-9]+$")]
    pub seq: String,
}

/// What was added, modified and removed since the run that the cursor is of; without a cursor, all there
/// is. Apply the pages of a run in order; each transaction stands in a run once.
///
/// A cursor is good for 60 days. One that is older is refused with the code `expired_cursor`: then begin
/// again without one.
#[utoipa::path(
    operation_id = "syncTransactions", tag = "transactions",
    params(
        ("account_id" = Option<AccountId>, Query, description = "Only this account."),
        ("limit" = Option<u16>, Query, description = "Changes on a page, 1 to 500; 100 unless told.", minimum = 1, maximum = 500),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before, or of the last run; the rest of the query stays the same."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "A page of changes.", body = Changes<Transaction>)),
    security(("oauth2" = ["transactions:read"]))
)]
#[get("/v1/transactions/sync")]
pub async fn changes(permit: Permit<ReadTransactions>, state: web::Data<State>) -> Result<Recorded, Problem> {
    const OPERATION: &str = "syncTransactions";
    let params = Params::read(permit.query(), &["account_id", "limit", "cursor"])?;
    let (limit, account) = (params.limit()?, params.parse::<AccountId>("account_id")?);
    let tenant = permit.tenant();
    let mut reader = state.read(tenant).await?;
    let run = match state.cursors.open(state.world(), OPERATION, tenant, &params)? {
        Some(position) => Run::resumed(&mut reader, tenant, position).await?,
        None => Run { from: -1, after: -1, to: Snapshot::now(&mut reader, tenant).await? },
    };
    let to = run.to.seq();
    let mut rows = transactions::changes(&mut reader, tenant, account, (run.after, to), limit + 1).await?;
    drop(reader);
    let has_more = rows.len() > usize::try_from(limit).unwrap_or_default();
    rows.truncate(usize::try_from(limit).unwrap_or_default());
    let after = rows.last().filter(|_| has_more).map_or(to, |row| row.seq);
    let position = Position { snapshot: run.to.clone(), key: Some(run.from.to_string()), seq: after };
    let next_cursor = state.cursors.seal(LIFETIME_US, state.world(), OPERATION, tenant, &params, position)?;
    let (mut added, mut modified, mut removed) = (Vec::new(), Vec::new(), Vec::new());
    for row in &rows {
        match (row.first_seq > run.from, row.reversed != 0) {
            (true, false) => added.push(shown(&row.payload, &[])?),
            (false, false) => modified.push(shown(&row.payload, &[])?),
            (false, true) => removed.push(gone(row)),
            // It came and went, and the caller never saw it.
            (true, true) => {}
        }
    }
    let as_of = run.to.as_of()?;
    let changes: Changes<Shown<'_>> = Changes { added, modified, removed, next_cursor, has_more, as_of };
    permit.answer(Answer::json(&changes)?).await
}

fn gone(row: &Change) -> Removed {
    Removed { id: TransactionId::from_uuid(row.id), seq: row.seq.to_string() }
}

/// A run: from what the caller has to one state of the ledger.
struct Run {
    /// The last entry that the caller knows the effect of.
    from: i64,
    /// The last entry that was looked at in this run.
    after: i64,
    /// What the run leads to.
    to: Snapshot,
}

impl Run {
    /// The run that a cursor is in the middle of, or the one after the run that it ends.
    async fn resumed(
        reader: &mut crate::store::Reader,
        tenant: crate::domain::Tenant,
        position: Position,
    ) -> Result<Self, Problem> {
        let reached = position.snapshot.seq();
        if position.seq >= reached {
            return Ok(Self { from: reached, after: reached, to: Snapshot::now(reader, tenant).await? });
        }
        let from = position.key.as_deref().and_then(|key| key.parse().ok());
        let from = from.ok_or_else(|| Problem::internal("a cursor of ours without a beginning"))?;
        Ok(Self { from, after: position.seq, to: position.snapshot })
    }
}
