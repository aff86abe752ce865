//! How the pool of readers stands, as a metric.

use opentelemetry::{KeyValue, global};

use super::Db;

impl Db {
    /// Shows how many pooled connections wait and how many work.
    pub fn watch_pool(&self) {
        let db = self.clone();
        let _ = global::meter("veritrail")
            .u64_observable_gauge("veritrail_store_pool_connections")
            .with_description("Open connections of the pool of readers.")
            .with_callback(move |gauge| {
                let (idle, used) = db.pool();
                gauge.observe(u64::from(idle), &[KeyValue::new("state", "idle")]);
                gauge.observe(u64::from(used), &[KeyValue::new("state", "used")]);
            })
            .build();
    }
}
