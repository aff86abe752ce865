//! Ranges of entries and payloads, made before a log grows into them.
//!
//! On PostgreSQL the two big tables are partitioned by ranges of seq. Each range is a table of its own:
//! the newest are small enough to stay in memory, and an old one can be moved to cheaper storage
//! (`ALTER TABLE entries_from_0 SET TABLESPACE …`) while every proof stays as it is.

use super::{Connection, Db, StoreError};

/// The size of the longest log that a reader may see.
pub async fn longest(connection: &mut Connection) -> Result<i64, StoreError> {
    fetch_one!(connection, sqlx::query_scalar("SELECT coalesce(max(size), 0) FROM logs"))
}

/// Makes the ranges that are missing up to a seq; how many were made. PostgreSQL only.
pub async fn make(db: &Db, up_to: i64, width: u32) -> Result<i32, StoreError> {
    let mut connection = db.writer().await?;
    let made = fetch_one!(
        &mut connection,
        sqlx::query_scalar("SELECT make_partitions($1, $2)").bind(up_to).bind(i64::from(width))
    )?;
    connection.close().await?;
    Ok(made)
}
