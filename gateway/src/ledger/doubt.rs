//! A COMMIT that was not answered: the connection broke, and the transaction is in or it is not.
//!
//! Guessing either way would be wrong: a record acknowledged and lost, or stored and told to be sent
//! again. So the database is asked. The head's lock is taken first: a transaction that is still on its
//! way to its end holds it, so what is seen under the lock is final.

use std::time::{Duration, Instant};

use super::{
    batch::{Committed, Mark},
    command::RecordError,
    log::unavailable,
};
use crate::store::{Db, StoreError, entries, logs};

/// How long the database may stay away before the waiters are told that nobody knows.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(250);

/// Whether a batch committed, whose COMMIT failed with `error`: its answers may be given, or not.
pub(super) async fn resolve(db: &Db, done: Committed, error: StoreError) -> Result<Committed, RecordError> {
    // A batch that appended nothing promised nothing that a repeated call would double.
    let Some(mark) = &done.mark else { return Err(unavailable(error)) };
    let began = Instant::now();
    loop {
        match is_there(db, mark).await {
            Ok(true) => {
                tracing::info!(seq = mark.seq, "the commit had happened");
                return Ok(done);
            }
            Ok(false) => return Err(unavailable(error)),
            Err(error) if began.elapsed() > PATIENCE => return Err(unavailable(error)),
            Err(error) => tracing::warn!(%error, "still looking whether a commit happened"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn is_there(db: &Db, mark: &Mark) -> Result<bool, StoreError> {
    let mut connection = db.writer().await?;
    connection.begin(&[mark.tenant]).await?;
    logs::lock(&mut connection, &[mark.tenant]).await?;
    let found = entries::get(&mut connection, mark.tenant, mark.seq).await?;
    connection.rollback().await?;
    Ok(found.as_deref() == Some(mark.bytes.as_slice()))
}
