//! What clients used: added up by day, route and outcome, by any number of replicas.

use jiff::civil::Date;

use super::{Connection, StoreError, select::Select};
use crate::domain::{Tenant, id::ClientId};

/// What requests of one kind came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub requests: i64,
    /// Units that they spent.
    pub units: i64,
    /// Bytes of the answers' bodies.
    pub bytes: i64,
}

impl Sum {
    /// Adds to it.
    pub fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.units += other.units;
        self.bytes += other.bytes;
    }
}

/// Requests that are counted together, within an institution.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    /// When, in UTC.
    pub day: Date,
    /// Whose.
    pub client: ClientId,
    /// Method and path pattern.
    pub route: String,
    /// The problem's code; empty when it was served.
    pub code: &'static str,
}

/// What usage is told by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Client by client.
    Client,
    /// Route by route.
    Route,
    /// Day by day.
    Day,
}

/// Requests of one kind; what it is not told by is empty.
#[derive(Clone, Debug)]
pub struct Row {
    /// The day.
    pub day: Option<String>,
    /// The client.
    pub client_id: Option<uuid::Uuid>,
    /// Method and path pattern.
    pub route: Option<String>,
    /// The problem's code; empty when they were served.
    pub code: String,
    /// How many.
    pub requests: i64,
    /// Units that they spent.
    pub units: i64,
    /// Bytes of the answers' bodies.
    pub bytes: i64,
}

from_row!(Row { day, client_id, route, code, requests, units, bytes });

/// Adds to what is there.
pub async fn add(
    connection: &mut Connection,
    tenant: Tenant,
    kind: &Kind,
    sum: Sum,
) -> Result<(), StoreError> {
    execute!(
        connection,
        sqlx::query(
            "INSERT INTO usage (institution_id, day, client_id, route, code, requests, units, bytes) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (institution_id, day, client_id, route, code) DO UPDATE SET \
             requests = usage.requests + excluded.requests, units = usage.units + excluded.units, \
             bytes = usage.bytes + excluded.bytes",
        )
        .bind(tenant.uuid())
        .bind(kind.day.to_string())
        .bind(kind.client.uuid())
        .bind(&kind.route)
        .bind(kind.code)
        .bind(sum.requests)
        .bind(sum.units)
        .bind(sum.bytes)
    )?;
    Ok(())
}

/// Forgets what was used before a day, so many rows at most.
pub async fn sweep(connection: &mut Connection, before: Date, limit: i64) -> Result<u64, StoreError> {
    execute!(
        connection,
        sqlx::query(
            "DELETE FROM usage WHERE (institution_id, day, client_id, route, code) IN \
             (SELECT institution_id, day, client_id, route, code FROM usage WHERE day < $1 \
              ORDER BY day LIMIT $2)",
        )
        .bind(before.to_string())
        .bind(limit)
    )
}

/// What was used from one day to another, both included, in order of what it is told by.
pub async fn sums(
    connection: &mut Connection,
    tenant: Tenant,
    (from, to): (Date, Date),
    by: &[By],
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    // Named whether it is told by or not, so that each row has the same columns.
    let column = |one: By, name: &str, none: &str| match by.contains(&one) {
        true => name.to_owned(),
        false => format!("CAST(NULL AS {none}) AS {name}"),
    };
    let columns = [
        column(By::Day, "day", "TEXT"),
        column(By::Client, "client_id", "UUID"),
        column(By::Route, "route", "TEXT"),
    ]
    .join(", ");
    let grouped = [(By::Day, "day"), (By::Client, "client_id"), (By::Route, "route")]
        .map(|(one, name)| if by.contains(&one) { format!("{name}, ") } else { String::new() })
        .concat();
    let mut sql = Select::new("SELECT ");
    sql.push(&columns)
        .push(", code, CAST(sum(requests) AS BIGINT) AS requests, CAST(sum(units) AS BIGINT) AS units, ");
    sql.push("CAST(sum(bytes) AS BIGINT) AS bytes FROM usage WHERE institution_id = ").bind(tenant.uuid());
    sql.push(" AND day >= ").bind(from.to_string()).push(" AND day <= ").bind(to.to_string());
    sql.push(&format!(" GROUP BY {grouped}code ORDER BY {grouped}code LIMIT ")).bind(limit);
    sql.fetch_all(connection).await
}
