//! What is measured of Redis and of what rests on it.

use std::time::Duration;

use opentelemetry::{
    KeyValue,
    metrics::{Gauge, Histogram, Meter},
};

use super::Link;

/// The instruments.
pub(super) struct Metrics {
    up: Gauge<u64>,
    fallback: Gauge<u64>,
    commands: Histogram<f64>,
}

impl Metrics {
    pub(super) fn new(meter: &Meter) -> Self {
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

#[cfg(test)]
mod tests {
    use opentelemetry::metrics::MeterProvider as _;
    use opentelemetry_sdk::metrics::SdkMeterProvider;

    use super::*;

    #[test]
    fn the_link_and_the_time_of_commands_are_told_under_their_names() {
        let registry = prometheus::Registry::new();
        let exporter = opentelemetry_prometheus::exporter().with_registry(registry.clone()).build().unwrap();
        let provider = SdkMeterProvider::builder().with_reader(exporter).build();
        let metrics = Metrics::new(&provider.meter("veritrail"));
        let told = || prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        let gauge = |name: &str| {
            let text = told();
            let line = text.lines().find(|line| line.starts_with(name)).map(ToOwned::to_owned);
            line.unwrap_or_else(|| panic!("no {name} in {text}")).rsplit_once(' ').unwrap().1.to_owned()
        };
        for (link, up, fallback) in
            [(Link::Down, "0", "1"), (Link::Returning, "1", "1"), (Link::Up, "1", "0")]
        {
            metrics.link(link);
            assert_eq!(gauge("veritrail_redis_up"), up, "{link:?}");
            assert_eq!(gauge("veritrail_limits_fallback"), fallback, "{link:?}");
        }
        metrics.command("limit", Duration::from_micros(700));
        assert_eq!(gauge("veritrail_redis_command_duration_seconds_count"), "1");
        assert!(told().contains("command=\"limit\""), "{}", told());
    }
}
