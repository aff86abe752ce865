//! What the service does by itself, now and then.

use std::{sync::Arc, time::Duration};

use actix_web::web;
use tokio::sync::Notify;

use crate::{
    access::Door,
    ledger::{Recorder, rounds},
    store::Db,
};

/// How often what has expired is forgotten.
const SWEEP: Duration = Duration::from_secs(600);
/// The pause before the next round of what is too much for one.
const SWEEP_ON: Duration = Duration::from_secs(1);
/// How often it is looked whether partitions are to be made: a range has room for hours of records.
const MAKE_AHEAD: Duration = Duration::from_secs(60);
/// How often plans are read again, unless another replica says that one changed.
const PLANS: Duration = Duration::from_secs(5);

/// Forgets what has expired, now and then.
pub(super) async fn sweep(recorder: Recorder) {
    let mut pause = SWEEP;
    loop {
        tokio::time::sleep(pause).await;
        pause = match recorder.sweep().await {
            Ok(true) => SWEEP_ON,
            Ok(false) => SWEEP,
            Err(error) => {
                tracing::warn!(%error, "sweeping failed");
                SWEEP
            }
        };
    }
}

/// Makes partitions before they are needed.
pub(super) async fn make_ahead(db: Db, width: u32) {
    loop {
        tokio::time::sleep(MAKE_AHEAD).await;
        if let Err(error) = rounds::make_partitions(&db, width).await {
            tracing::error!(%error, "partitions could not be made ahead");
        }
    }
}

/// Reads plans again, now and then and when told to: another replica may have changed them.
pub(super) async fn read_plans(door: web::Data<Door>, again: Arc<Notify>) {
    loop {
        let _ = tokio::time::timeout(PLANS, again.notified()).await;
        if let Err(error) = door.read_plans().await {
            tracing::warn!(%error, "plans could not be read again");
        }
    }
}
