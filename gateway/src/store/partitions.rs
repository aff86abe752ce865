//! Ranges of entries and payloads, made before a log grows into them.
//!
//! On PostgreSQL the two big tables are partitioned by ranges of seq. Each range is a table of its own:
//! the newest are small enough to stay in memory, and an old one can be moved to cheaper storage
//! (`ALTER TABLE entries_from_0 SET TABLESPACE …`) while every proof stays as it is.

use super::{Db, StoreError};

/// Makes the ranges that the longest log will need, and one more.
///
/// # Errors
/// When the database fails.
pub async fn make_ahead(db: &Db, width: u32) -> Result<(), StoreError> {
    // The embedded engine has one file, and one table.
    if let Db::Sqlite(_) = db {
        return Ok(());
    }
    let mut longest = 0;
    for portion in db.portions().await? {
        let mut reader = db.read_many(&portion).await?;
        let size: i64 =
            fetch_one!(&mut reader, sqlx::query_scalar("SELECT coalesce(max(size), 0) FROM logs"))?;
        longest = longest.max(size);
    }
    let (width, mut connection) = (i64::from(width), db.writer().await?);
    let made: i32 = fetch_one!(
        &mut connection,
        sqlx::query_scalar("SELECT make_partitions($1, $2)").bind(longest + width).bind(width)
    )?;
    connection.close().await?;
    if made > 0 {
        tracing::info!(made, "partitions made ahead");
    }
    Ok(())
}
