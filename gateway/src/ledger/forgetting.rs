//! What is kept for a while only, and no part of the ledger, is forgotten after it: a bounded number of rows at
//! a time, the oldest first.

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};

use crate::store::{Connection, StoreError, idempotency, sessions, tokens, tries, usage, webhook_attempts};

/// First answers are kept for longer than the 24 h that callers are told.
const ANSWERS_US: i64 = 25 * HOUR_US;
/// Attempts to tell webhook endpoints, also of those that are gone or never took anything.
const ATTEMPTS_US: i64 = 30 * 24 * HOUR_US;
/// Days whose usage is kept: two years. The API says so (`getUsage`).
const USAGE_DAYS: i64 = 731;
const HOUR_US: i64 = 3600 * 1_000_000;
/// Rows of a table that one sweep removes at most: others wait for it.
const ROWS_MAX: i64 = 2_000;

/// Forgets what is old by a time, of all institutions that the connection sees. Whether more may be left.
pub(super) async fn forget(connection: &mut Connection, now_us: i64) -> Result<bool, StoreError> {
    let now = Timestamp::from_microsecond(now_us).unwrap_or(Timestamp::MIN);
    let first = now.to_zoned(TimeZone::UTC).date().saturating_sub((USAGE_DAYS - 1).days());
    let removed = [
        tokens::sweep(connection, now_us, ROWS_MAX).await?,
        sessions::sweep(connection, now_us, ROWS_MAX).await?,
        tries::sweep(connection, now_us, ROWS_MAX).await?,
        idempotency::sweep(connection, now_us - ANSWERS_US, ROWS_MAX).await?,
        webhook_attempts::sweep(connection, now_us - ATTEMPTS_US, ROWS_MAX).await?,
        usage::sweep(connection, first, ROWS_MAX).await?,
    ];
    Ok(removed.into_iter().any(|rows| rows >= ROWS_MAX.unsigned_abs()))
}
