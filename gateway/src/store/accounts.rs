//! Accounts: found by id, by reference, and in ledger order.

use sqlx::{QueryBuilder, Sqlite};

use super::{Connection, StoreError, rows};
use crate::domain::{Tenant, id::AccountId};

/// An account to be stored.
#[derive(Debug)]
pub struct NewRow {
    /// Whose account.
    pub tenant: Tenant,
    /// Its id.
    pub id: AccountId,
    /// The entry that recorded it.
    pub seq: i64,
    /// The provider's own name for it, unique in the institution.
    pub reference: String,
    /// ISO 4217 alphabetic code.
    pub currency: String,
}

/// What an account's reference stands for.
#[derive(Clone, Debug)]
pub struct Named {
    /// The reference.
    pub reference: String,
    /// The account's id.
    pub id: uuid::Uuid,
    /// The entry that recorded it.
    pub seq: i64,
    /// ISO 4217 alphabetic code.
    pub currency: String,
    /// The record's canonical JSON.
    pub payload: Vec<u8>,
}

from_row!(Named { reference, id, seq, currency, payload });

/// A listed account.
#[derive(Debug)]
pub struct Row {
    /// The entry that recorded it.
    pub seq: i64,
    /// The record's canonical JSON.
    pub payload: Vec<u8>,
}

from_row!(Row { seq, payload });

/// Inserts accounts.
pub async fn insert(connection: &mut Connection, accounts: &[NewRow]) -> Result<(), StoreError> {
    rows::insert(
        connection,
        "accounts",
        &["institution_id", "id", "seq", "reference", "currency"],
        accounts,
        |query, row| {
            query
                .bind(row.tenant.uuid())
                .bind(row.id.uuid())
                .bind(row.seq)
                .bind(row.reference.as_str())
                .bind(row.currency.as_str())
        },
    )
    .await
}

/// The accounts that have one of these references (a JSON array of strings).
pub async fn by_reference(
    connection: &mut Connection,
    tenant: Tenant,
    references: &str,
) -> Result<Vec<Named>, StoreError> {
    sqlx::query_as(
        "SELECT a.reference, a.id, a.seq, a.currency, p.payload FROM accounts a \
         JOIN payloads p ON p.institution_id = a.institution_id AND p.seq = a.seq \
         WHERE a.institution_id = $1 AND a.reference IN (SELECT value FROM json_each($2))",
    )
    .bind(tenant.uuid())
    .bind(references)
    .fetch_all(connection)
    .await
}

/// The seq of an account's entry.
pub async fn seq(
    connection: &mut Connection,
    tenant: Tenant,
    id: AccountId,
) -> Result<Option<i64>, StoreError> {
    sqlx::query_scalar("SELECT seq FROM accounts WHERE institution_id = $1 AND id = $2")
        .bind(tenant.uuid())
        .bind(id.uuid())
        .fetch_optional(connection)
        .await
}

/// The accounts recorded after seq `after` and up to seq `snapshot`, in ledger order.
pub async fn page(
    connection: &mut Connection,
    tenant: Tenant,
    snapshot: i64,
    after: i64,
    reference: Option<&str>,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    let mut sql = QueryBuilder::<Sqlite>::new(
        "SELECT a.seq, p.payload FROM accounts a \
         JOIN payloads p ON p.institution_id = a.institution_id AND p.seq = a.seq \
         WHERE a.institution_id = ",
    );
    sql.push_bind(tenant.uuid());
    sql.push(" AND a.seq <= ").push_bind(snapshot).push(" AND a.seq > ").push_bind(after);
    if let Some(reference) = reference {
        sql.push(" AND a.reference = ").push_bind(reference);
    }
    sql.push(" ORDER BY a.seq LIMIT ").push_bind(limit);
    sql.build_query_as().fetch_all(connection).await
}

/// A row as it is stored, to be held against its payload.
#[derive(Debug)]
pub struct Stored {
    /// The entry that recorded it.
    pub seq: i64,
    /// Its id.
    pub id: uuid::Uuid,
    /// The provider's own name for it.
    pub reference: String,
    /// ISO 4217 alphabetic code.
    pub currency: String,
}

from_row!(Stored { seq, id, reference, currency });

/// The rows of the records `from <= seq < until`.
pub async fn stored(
    connection: &mut Connection,
    tenant: Tenant,
    from: i64,
    until: i64,
) -> Result<Vec<Stored>, StoreError> {
    sqlx::query_as(
        "SELECT seq, id, reference, currency FROM accounts \
         WHERE institution_id = $1 AND seq >= $2 AND seq < $3",
    )
    .bind(tenant.uuid())
    .bind(from)
    .bind(until)
    .fetch_all(connection)
    .await
}
