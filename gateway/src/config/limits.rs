//! What one request may ask for.

use serde::{Deserialize, Serialize};

use super::{ConfigError, refused};

/// What one request may ask for.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Units a second that an address gets back; every request costs it 1.
    pub address_per_second: u32,
    /// Units that an address may spend at once.
    pub address_burst: u32,
    /// Requests at work at once; more are turned away with 503. Those whose body is awaited don't count,
    /// nor does the admin port.
    pub concurrency_max: usize,
    /// Seconds in which a whole body must have come.
    pub body_timeout_s: u64,
    /// Bytes a second at which a body must come, after its first 5 s; 0 for any.
    pub body_min_bytes_per_s: u32,
    /// Lines of a delivered batch.
    pub batch_lines_max: usize,
    /// Bytes of a delivered batch.
    pub batch_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            address_per_second: 1_000,
            address_burst: 2_000,
            concurrency_max: 1024,
            body_timeout_s: 30,
            body_min_bytes_per_s: 1024,
            batch_lines_max: 1_000,
            batch_bytes_max: 4 << 20,
        }
    }
}

impl Limits {
    /// Checks what types can't.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.address_per_second == 0 || self.address_burst == 0 {
            return refused("limits.address_per_second, limits.address_burst", "at least 1");
        }
        if !(1..=1 << 20).contains(&self.concurrency_max) {
            return refused("limits.concurrency_max", "1 to 1048576");
        }
        if !(1..=3_600).contains(&self.body_timeout_s) {
            return refused("limits.body_timeout_s", "1 to 3600");
        }
        if !(1..=10_000).contains(&self.batch_lines_max) {
            return refused("limits.batch_lines_max", "1 to 10000");
        }
        if !(1024..=64 << 20).contains(&self.batch_bytes_max) {
            return refused("limits.batch_bytes_max", "1024 to 67108864");
        }
        Ok(())
    }
}
