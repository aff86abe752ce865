//! Accounts: found by id, by reference, and in ledger order.

use super::{
    Connection, StoreError, references,
    rows::{Column, Table, Value},
    select::Select,
};
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
    /// Whose account.
    pub institution_id: uuid::Uuid,
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

from_row!(Named { institution_id, reference, id, seq, currency, payload });

/// A listed account.
#[derive(Debug)]
pub struct Row {
    /// The entry that recorded it.
    pub seq: i64,
    /// The record's canonical JSON.
    pub payload: Vec<u8>,
}

from_row!(Row { seq, payload });

pub(super) const TABLE: Table = Table {
    name: "accounts",
    columns: &[
        ("institution_id", Column::Uuid),
        ("id", Column::Uuid),
        ("seq", Column::Int),
        ("reference", Column::Text),
        ("currency", Column::Text),
    ],
};

/// What an account has in the table's columns.
pub(super) fn values(row: &NewRow) -> [Value<'_>; 5] {
    [
        Value::Uuid(row.tenant.uuid()),
        Value::Uuid(row.id.uuid()),
        Value::Int(row.seq),
        Value::Text(&row.reference),
        Value::Text(&row.currency),
    ]
}

/// The accounts that have one of these references, each in its institution.
pub async fn by_reference(
    connection: &mut Connection,
    wanted: &[(Tenant, &str)],
) -> Result<Vec<Named>, StoreError> {
    references::find(
        connection,
        wanted,
        "SELECT a.institution_id, a.reference, a.id, a.seq, a.currency, p.payload FROM accounts a \
         JOIN payloads p ON p.institution_id = a.institution_id AND p.seq = a.seq",
        "a",
    )
    .await
}

/// The seq of an account's entry.
pub async fn seq(
    connection: &mut Connection,
    tenant: Tenant,
    id: AccountId,
) -> Result<Option<i64>, StoreError> {
    fetch_optional!(
        connection,
        sqlx::query_scalar("SELECT seq FROM accounts WHERE institution_id = $1 AND id = $2")
            .bind(tenant.uuid())
            .bind(id.uuid())
    )
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
    let mut sql = Select::new(
        "SELECT a.seq, p.payload FROM accounts a \
         JOIN payloads p ON p.institution_id = a.institution_id AND p.seq = a.seq \
         WHERE a.institution_id = ",
    );
    sql.bind(tenant.uuid());
    sql.push(" AND a.seq <= ").bind(snapshot).push(" AND a.seq > ").bind(after);
    if let Some(reference) = reference {
        sql.push(" AND a.reference = ").bind(reference);
    }
    sql.push(" ORDER BY a.seq LIMIT ").bind(limit);
    sql.fetch_all(connection).await
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
    fetch_all!(
        connection,
        sqlx::query_as(
            "SELECT seq, id, reference, currency FROM accounts \
         WHERE institution_id = $1 AND seq >= $2 AND seq < $3",
        )
        .bind(tenant.uuid())
        .bind(from)
        .bind(until)
    )
}
