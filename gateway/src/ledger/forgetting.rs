//! What is kept for a while only, and no part of the ledger, is forgotten after it: a bounded number of rows at
//! a time, the oldest first.

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};

use crate::store::{Connection, StoreError, idempotency, tokens, usage, webhook_attempts};

/// First answers are kept for longer than the 24 h that callers are told.
const ANSWERS_US: i64 = 25 * HOUR_US;
/// Attempts to tell webhook endpoints, also of those that are gone or never took anything.
const ATTEMPTS_US: i64 = 30 * 24 * HOUR_US;
/// Days whose usage is kept: two years. The API says so (`getUsage`).
const USAGE_DAYS: i64 = 731;
const HOUR_US: i64 = 3600 * 1_000_000;
/// Rows of a table that one sweep removes at most; more are left for the next ones.
const ROWS_MAX: i64 = 10_000;

/// Forgets what is old by a time, of all institutions that the connection sees.
pub(super) async fn forget(connection: &mut Connection, now_us: i64) -> Result<(), StoreError> {
    tokens::sweep(connection, now_us).await?;
    idempotency::sweep(connection, now_us - ANSWERS_US, ROWS_MAX).await?;
    webhook_attempts::sweep(connection, now_us - ATTEMPTS_US, ROWS_MAX).await?;
    let Ok(now) = Timestamp::from_microsecond(now_us) else { return Ok(()) };
    let first = now.to_zoned(TimeZone::UTC).date().saturating_sub((USAGE_DAYS - 1).days());
    usage::sweep(connection, first, ROWS_MAX).await
}
