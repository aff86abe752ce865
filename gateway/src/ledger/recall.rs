//! What the signer's memory says of a log, held against the checkpoints that are stored.
//!
//! The order makes it sound beside other replicas: the memory first, then the checkpoints, and the head
//! by the caller last. A checkpoint is remembered before it is stored, so one that the memory does not
//! reach means that the memory was lost; unless both came about between the two looks, which a second
//! look shows.

use super::{
    command::RecordError,
    log::unavailable,
    memory::{Memory, Recollection, SignedHead},
};
use crate::{
    domain::Tenant,
    store::{Connection, Db, StoreError, checkpoints},
};

/// What is remembered of a log, if it was ever signed; and how many entries its newest stored checkpoint
/// covers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recalled {
    pub last: Option<SignedHead>,
    pub covered: u64,
}

/// Where checkpoints are read.
pub(super) enum Checkpoints<'a> {
    /// By a reader anew at each look.
    Of(&'a Db),
    /// Within a transaction that sees what others commit.
    Within(&'a mut Connection),
}

impl Checkpoints<'_> {
    async fn latest(&mut self, tenant: Tenant) -> Result<Option<(i64, String)>, StoreError> {
        match self {
            Self::Of(db) => checkpoints::latest(&mut db.read(tenant).await?, tenant).await,
            Self::Within(connection) => checkpoints::latest(connection, tenant).await,
        }
    }
}

/// Asks the memory, and holds its answer against the newest checkpoint.
///
/// # Errors
/// [`RecordError::Stopped`] when the memory was lost or went back, `Unremembered` when it can't be asked.
pub(super) async fn recall(
    memory: &Memory,
    tenant: Tenant,
    origin: &str,
    mut checkpoints: Checkpoints<'_>,
) -> Result<Recalled, RecordError> {
    let mut first_look = true;
    loop {
        let last = memory.last(origin).await;
        let last = match last.map_err(|error| RecordError::Unremembered(error.to_string()))? {
            Recollection::None => None,
            Recollection::Signed(last) => Some(last),
            Recollection::WentBack(seen) => {
                return Err(RecordError::Stopped(format!(
                    "this process saw {} entries signed, and the signer's memory no longer knows of them",
                    seen.size
                )));
            }
        };
        let covered =
            checkpoints.latest(tenant).await.map_err(unavailable)?.map_or(0, |(size, _)| size.unsigned_abs());
        let known = last.map_or(0, |last| last.size);
        if covered <= known {
            return Ok(Recalled { last, covered });
        }
        if !first_look {
            return Err(RecordError::Stopped(format!(
                "a checkpoint of {covered} entries was signed, and the signer's memory knows of {known}: it was \
                 lost; when you are sure of the database, `veritrail signer adopt` takes it up again"
            )));
        }
        first_look = false;
    }
}
