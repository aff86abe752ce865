//! Versions of transactions: which one stood at a seq, what came before it, what changed since.

use super::{
    super::{Connection, StoreError, select::Select},
    Row,
};
use crate::domain::{
    Tenant,
    id::{AccountId, TransactionId},
};

/// Only versions that were the newest at a seq, which is to be bound, and a bracket closed.
const NEWEST: &str = " AND NOT EXISTS (SELECT 1 FROM transactions n \
                      WHERE n.institution_id = t.institution_id AND n.supersedes = t.seq AND n.seq <= ";

/// Only versions that stood at a seq: of each transaction the newest, unless it withdraws it.
pub(in super::super) fn push_standing(sql: &mut Select, snapshot: i64) {
    sql.push(" AND t.reversed = 0").push(NEWEST).bind(snapshot).push(")");
}

/// The versions among a range of entries that others had taken the place of at seq `snapshot`, in order.
pub(super) async fn superseded(
    connection: &mut Connection,
    tenant: Tenant,
    snapshot: i64,
    (after, last): (i64, i64),
) -> Result<Vec<i64>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_scalar(
            "SELECT supersedes FROM transactions WHERE institution_id = $1 \
             AND supersedes > $2 AND supersedes <= $3 AND seq <= $4 ORDER BY supersedes"
        )
        .bind(tenant.uuid())
        .bind(after)
        .bind(last)
        .bind(snapshot)
    )
}

/// The seq of a transaction's newest version at seq `snapshot`.
pub async fn newest(
    connection: &mut Connection,
    tenant: Tenant,
    id: TransactionId,
    snapshot: i64,
) -> Result<Option<i64>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_scalar(
            "SELECT seq FROM transactions WHERE institution_id = $1 AND id = $2 AND seq <= $3 \
             ORDER BY version DESC LIMIT 1"
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
        .bind(snapshot)
    )
}

/// The entries that recorded a transaction's versions.
pub async fn seqs(
    connection: &mut Connection,
    tenant: Tenant,
    id: TransactionId,
) -> Result<Vec<i64>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_scalar(
            "SELECT seq FROM transactions WHERE institution_id = $1 AND id = $2 ORDER BY version"
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
    )
}

/// The versions that took the place of others: the other's seq, and theirs.
pub async fn successors(
    connection: &mut Connection,
    tenant: Tenant,
    seqs: &[i64],
) -> Result<Vec<(i64, i64)>, StoreError> {
    if seqs.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Select::new("SELECT supersedes, seq FROM transactions WHERE institution_id = ");
    sql.bind(tenant.uuid()).push(" AND supersedes IN (");
    for (at, seq) in seqs.iter().enumerate() {
        sql.push(if at > 0 { ", " } else { "" }).bind(*seq);
    }
    sql.push(")");
    sql.fetch_all(connection).await
}

/// A transaction's versions with `after < seq <= snapshot`, in order.
pub async fn versions(
    connection: &mut Connection,
    tenant: Tenant,
    id: TransactionId,
    snapshot: i64,
    after: i64,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT t.seq, t.booking_date, p.payload FROM transactions t \
             JOIN payloads p ON p.institution_id = t.institution_id AND p.seq = t.seq \
             WHERE t.institution_id = $1 AND t.id = $2 AND t.seq <= $3 AND t.seq > $4 \
             ORDER BY t.version LIMIT $5"
        )
        .bind(tenant.uuid())
        .bind(id.uuid())
        .bind(snapshot)
        .bind(after)
        .bind(limit)
    )
}

/// A transaction that was looked up.
#[derive(Debug)]
pub struct LookedUp {
    /// Its id.
    pub id: uuid::Uuid,
    /// The servicer's own id.
    pub reference: String,
    /// The newest version's canonical JSON.
    pub payload: Vec<u8>,
}

from_row!(LookedUp { id, reference, payload });

/// The newest versions, at seq `snapshot`, of the transactions with these ids or references, in ledger order.
pub async fn look_up(
    connection: &mut Connection,
    tenant: Tenant,
    snapshot: i64,
    ids: &[TransactionId],
    references: &[&str],
) -> Result<Vec<LookedUp>, StoreError> {
    let mut sql = Select::new(
        "SELECT t.id, t.reference, p.payload FROM transactions t \
         JOIN payloads p ON p.institution_id = t.institution_id AND p.seq = t.seq \
         WHERE t.institution_id = ",
    );
    sql.bind(tenant.uuid()).push(" AND t.seq <= ").bind(snapshot).push(" AND (1 = 0");
    sql.or_in("t.id", ids.iter().map(|id| id.uuid()));
    sql.or_in("t.reference", references.iter().copied());
    sql.push(")").push(NEWEST).bind(snapshot).push(") ORDER BY t.seq");
    sql.fetch_all(connection).await
}

/// A transaction that changed.
#[derive(Debug)]
pub struct Change {
    /// The newest version's entry.
    pub seq: i64,
    /// The first version's.
    pub first_seq: i64,
    /// The transaction's id.
    pub id: uuid::Uuid,
    /// 1 if the newest version withdraws it.
    pub reversed: i64,
    /// The newest version's canonical JSON.
    pub payload: Vec<u8>,
}

from_row!(Change { seq, first_seq, id, reversed, payload });

/// The transactions of which a version was recorded after one seq and up to another, each by the version
/// that was its newest then, in ledger order.
pub async fn changes(
    connection: &mut Connection,
    tenant: Tenant,
    account_id: Option<AccountId>,
    (after, to): (i64, i64),
    limit: i64,
) -> Result<Vec<Change>, StoreError> {
    let mut sql = Select::new(
        "SELECT t.seq, f.seq AS first_seq, t.id, t.reversed, p.payload FROM transactions t \
         JOIN transactions f ON f.institution_id = t.institution_id AND f.id = t.id AND f.version = 1 \
         JOIN payloads p ON p.institution_id = t.institution_id AND p.seq = t.seq \
         WHERE t.institution_id = ",
    );
    sql.bind(tenant.uuid()).push(" AND t.seq > ").bind(after).push(" AND t.seq <= ").bind(to);
    if let Some(id) = account_id {
        sql.push(" AND t.account_id = ").bind(id.uuid());
    }
    sql.push(NEWEST).bind(to).push(") ORDER BY t.seq LIMIT ").bind(limit);
    sql.fetch_all(connection).await
}
