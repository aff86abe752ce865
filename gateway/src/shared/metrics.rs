//! What is measured of Redis and of what rests on it.

use std::time::Duration;

use opentelemetry::{
    KeyValue, global,
    metrics::{Gauge, Histogram},
};

use super::Link;

/// The instruments.
pub(super) struct Metrics {
    up: Gauge<u64>,
    fallback: Gauge<u64>,
    commands: Histogram<f64>,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let meter = global::meter("veritrail");
        Self {
            up: meter
                .u64_gauge("veritrail_redis_up")
                .with_description("Whether Redis can be reached: 0 or 1")
                .build(),
            fallback: meter
                .u64_gauge("veritrail_limits_fallback")
                .with_description("Whether limits are this replica's share because Redis is away: 0 or 1")
                .build(),
            commands: meter
                .f64_histogram("veritrail_redis_command_duration_seconds")
                .with_description("How long Redis took to answer, or was waited for")
                .with_boundaries(vec![0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0])
                .build(),
        }
    }

    pub(super) fn link(&self, link: Link) {
        self.up.record(u64::from(link != Link::Down), &[]);
        self.fallback.record(u64::from(link != Link::Up), &[]);
    }

    pub(super) fn command(&self, name: &'static str, took: Duration) {
        self.commands.record(took.as_secs_f64(), &[KeyValue::new("command", name)]);
    }
}
