//! Records as a report is shown them: accounts by reference, each one's transactions by day.

use jiff::civil::Date;
use uuid::Uuid;

use super::super::{
    Connection, StoreError,
    select::Select,
    transactions::{self, Comparison, Filter, Row, Sort},
};
use crate::domain::{Tenant, id::AccountId};

/// An account.
#[derive(Clone, Debug)]
pub struct AccountRow {
    /// Its id.
    pub id: Uuid,
    /// Its reference.
    pub reference: String,
    /// The record's canonical JSON.
    pub payload: Vec<u8>,
}

from_row!(AccountRow { id, reference, payload });

/// Accounts up to seq `snapshot` by their references, after one.
pub async fn accounts(
    connection: &mut Connection,
    tenant: Tenant,
    snapshot: i64,
    after: &str,
    limit: i64,
) -> Result<Vec<AccountRow>, StoreError> {
    let mut sql = Select::new(
        "SELECT a.id, a.reference, p.payload FROM accounts a \
         JOIN payloads p ON p.institution_id = a.institution_id AND p.seq = a.seq WHERE a.institution_id = ",
    );
    sql.bind(tenant.uuid()).push(" AND a.seq <= ").bind(snapshot);
    sql.push(" AND a.reference > ").bind(after).push(" ORDER BY a.reference LIMIT ").bind(limit);
    sql.fetch_all(connection).await
}

/// An account's transactions from one day to another as they stood at seq `snapshot`, after a place.
pub async fn transactions(
    connection: &mut Connection,
    tenant: Tenant,
    snapshot: i64,
    account: AccountId,
    (first, last): (Option<Date>, Date),
    after: Option<transactions::After>,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    let mut booking_date = vec![(Comparison::AtMost, last)];
    booking_date.extend(first.map(|first| (Comparison::AtLeast, first)));
    let filter = Filter { account_id: Some(account), booking_date, ..Filter::default() };
    transactions::page(connection, tenant, snapshot, &filter, Sort::Booked, after, limit).await
}

/// An account's booked transactions before a day as they stood at seq `snapshot`, newest first, after a place.
pub async fn before(
    connection: &mut Connection,
    tenant: Tenant,
    snapshot: i64,
    account: AccountId,
    day: Date,
    after: Option<transactions::After>,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    let booking_date = vec![(Comparison::Below, day)];
    let filter =
        Filter { account_id: Some(account), booking_date, status: vec!["booked"], ..Filter::default() };
    transactions::page(connection, tenant, snapshot, &filter, Sort::BookedDescending, after, limit).await
}
