//! The service's rounds over every log: signing, resuming, making room. Never for a caller.

use crate::{
    domain::Tenant,
    store::{Db, StoreError, institutions, partitions},
};

/// Institutions that one transaction names at most.
const PORTION: usize = 1_000;

/// Every institution, in portions that one reader can be opened for.
///
/// # Errors
/// When the directory can't be read.
pub async fn portions(db: &Db) -> Result<Vec<Vec<Tenant>>, StoreError> {
    let ids = institutions::all(&mut db.directory().await?).await?;
    let all: Vec<Tenant> = ids.into_iter().map(Tenant::vouched).collect();
    Ok(match db {
        // A reader sees every row anyway.
        Db::Sqlite(_) => vec![all],
        Db::Postgres(_) => all.chunks(PORTION).map(<[Tenant]>::to_vec).collect(),
    })
}

/// Makes the ranges of entries and payloads that the longest log will need, and one more.
///
/// # Errors
/// When the database fails.
pub async fn make_partitions(db: &Db, width: u32) -> Result<(), StoreError> {
    // The embedded engine has one file, and one table.
    if let Db::Sqlite(_) = db {
        return Ok(());
    }
    let mut longest = 0;
    for portion in portions(db).await? {
        longest = longest.max(partitions::longest(&mut db.read_many(&portion).await?).await?);
    }
    let made = partitions::make(db, longest + i64::from(width), width).await?;
    if made > 0 {
        tracing::info!(made, "partitions made ahead");
    }
    Ok(())
}
