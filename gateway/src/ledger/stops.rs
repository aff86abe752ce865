//! The logs that are stopped: nothing is appended to them, so nothing is answered from them, until an
//! operator has looked.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use crate::domain::Tenant;

/// Which logs are stopped, and why; shared by the recorder and the signer.
#[derive(Clone, Debug, Default)]
pub struct Stops(Arc<RwLock<HashMap<Tenant, String>>>);

impl Stops {
    /// Stops a log, and says so once.
    pub(super) fn stop(&self, log: Tenant, origin: &str, reason: &str) {
        let mut stopped = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if stopped.insert(log, reason.to_owned()).is_none() {
            tracing::error!(origin, reason, "log stopped");
        }
    }

    /// Why a log is stopped, if it is.
    #[must_use]
    pub fn reason(&self, log: Tenant) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&log).cloned()
    }

    /// How many are stopped.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}
