//! What moved on an account, added up by the database.

use jiff::civil::Date;

use super::{Connection, StoreError, select::Select, transactions};
use crate::domain::{Tenant, id::AccountId};

/// Where sums are split, so that neither half can overflow: a single amount has up to 18 digits.
const SPLIT: i64 = 1_000_000_000;

/// The booked transactions of one side, before a day or on it.
#[derive(Debug)]
pub struct Movement {
    /// 1 if on the day, 0 if before it.
    pub on_day: i64,
    /// `credit` or `debit`.
    pub direction: String,
    /// How many.
    pub count: i64,
    /// The sum of the amounts' billions, in minor units.
    pub billions: i64,
    /// The sum of what they have below a billion.
    pub rest: i64,
}

from_row!(Movement { on_day, direction, count, billions, rest });

impl Movement {
    /// The sum in minor units.
    #[must_use]
    pub fn sum(&self) -> i128 {
        i128::from(self.billions) * i128::from(SPLIT) + i128::from(self.rest)
    }
}

/// What was booked on an account up to a day, as the ledger stood at seq `snapshot`.
pub async fn movements(
    connection: &mut Connection,
    tenant: Tenant,
    snapshot: i64,
    account_id: AccountId,
    day: Date,
) -> Result<Vec<Movement>, StoreError> {
    let mut sql = Select::new("SELECT CASE WHEN t.booking_date = ");
    sql.bind(day).push(" THEN CAST(1 AS BIGINT) ELSE 0 END AS on_day, t.direction, COUNT(*) AS count, CAST(SUM(t.amount_minor / ");
    sql.bind(SPLIT).push(") AS BIGINT) AS billions, CAST(SUM(t.amount_minor % ").bind(SPLIT);
    sql.push(") AS BIGINT) AS rest FROM transactions t WHERE t.institution_id = ").bind(tenant.uuid());
    sql.push(" AND t.account_id = ")
        .bind(account_id.uuid())
        .push(" AND t.status = 'booked' AND t.booking_date <= ");
    sql.bind(day).push(" AND +t.seq <= ").bind(snapshot);
    transactions::push_standing(&mut sql, snapshot);
    sql.push(" GROUP BY 1, 2");
    sql.fetch_all(connection).await
}
