//! How the pool of readers stands, as a metric.

use opentelemetry::{KeyValue, global};

use super::Db;

impl Db {
    /// Shows how many pooled connections wait and how many work.
    pub fn watch_pool(&self) {
        let pool = self.readers.clone();
        let _ = global::meter("veritrail")
            .u64_observable_gauge("veritrail_store_pool_connections")
            .with_description("Open connections of the pool of readers.")
            .with_callback(move |gauge| {
                let (open, idle) = (u64::from(pool.size()), pool.num_idle() as u64);
                gauge.observe(idle.min(open), &[KeyValue::new("state", "idle")]);
                gauge.observe(open.saturating_sub(idle), &[KeyValue::new("state", "used")]);
            })
            .build();
    }
}
