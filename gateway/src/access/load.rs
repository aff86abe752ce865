//! How many requests are at work at once in this process. What comes beyond that is turned away before
//! anything about it is looked at, so that those who are in keep their time.
//!
//! A slot is held from the gate until the handler has ended. It is not held while only the client
//! keeps a request waiting: [`body::read`](super::body::read) gives it back until the body is
//! there, so slow clients can't take the slots of others.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use opentelemetry::metrics::Counter;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Code, Problem};

/// A place among the requests at work; dropping it frees it.
#[derive(Debug)]
pub struct Slot(#[expect(dead_code, reason = "held, never read")] OwnedSemaphorePermit);

/// Put into a listener's data, it has its requests not counted: operators and the collector of metrics
/// are answered under any load.
#[derive(Clone, Copy, Debug)]
pub struct Uncounted;

/// The requests at work.
pub struct Load {
    slots: Arc<Semaphore>,
    shed: Counter<u64>,
    leaving: AtomicBool,
}

impl Load {
    /// For so many requests at once.
    #[must_use]
    pub fn new(concurrency_max: usize) -> Self {
        let shed = opentelemetry::global::meter("veritrail")
            .u64_counter("veritrail_shed_requests_total")
            .with_description("Requests turned away because too many were at work")
            .build();
        // Seen from the start, so that the first one is an increase.
        shed.add(0, &[]);
        Self { slots: Arc::new(Semaphore::new(concurrency_max)), shed, leaving: AtomicBool::new(false) }
    }

    /// From here on each answer closes its connection, so that clients go elsewhere.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    /// Whether clients are to go elsewhere.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    /// Takes a slot.
    ///
    /// # Errors
    /// 503 when there is none.
    pub fn enter(&self) -> Result<Slot, Problem> {
        Arc::clone(&self.slots).try_acquire_owned().map(Slot).map_err(|_| {
            self.shed.add(1, &[]);
            let detail = "too many requests are at work; nothing was done, try again in 1 s";
            Problem { retry_after_s: Some(1), ..Problem::new(Code::Overloaded, detail) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_slots_a_request_is_turned_away_until_one_is_free() {
        let load = Load::new(2);
        let (first, _second) = (load.enter().unwrap(), load.enter().unwrap());
        let refused = load.enter().unwrap_err();
        assert_eq!((refused.code, refused.retry_after_s), (Code::Overloaded, Some(1)));
        drop(first);
        assert!(load.enter().is_ok());
    }
}
