//! What is seen from outside: logs on standard error, metrics for Prometheus, and, where an
//! endpoint is configured, traces, metrics and logs over OTLP.
//!
//! Invariants:
//! - Fields are named one by one where an event, a span or a metric is made; nothing is told
//!   wholesale, so no secret and no personal data gets in.
//! - No label is of unbounded kind: routes are patterns, methods are those of a list. Addresses,
//!   paths and ids are no labels.
//! - Nothing here is on a request's way: what is exported is queued, dropped when the queue is full,
//!   and sent by threads of its own. A receiver that is down or hangs costs nobody anything.

mod otlp;

use opentelemetry::{KeyValue, global};
use opentelemetry_sdk::{Resource, metrics::SdkMeterProvider};
use tracing::{Level, Metadata, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer, Registry,
    filter::{FilterFn, filter_fn},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::{
    config::{Config, Log},
    world::{Machine, random},
};

/// The export, while the service runs; to be stopped last of all.
#[must_use]
pub struct Telemetry {
    otlp: Option<otlp::Otlp>,
}

/// Why telemetry can't start.
#[derive(Debug, thiserror::Error)]
#[error("telemetry: {0}")]
pub struct TelemetryError(Box<dyn std::error::Error + Send + Sync>);

/// Starts logging to standard error, which is all that a command needs: one line an event, JSON
/// unless told otherwise.
pub fn start(log: &Log) {
    // A second start, in a test, changes nothing.
    let _ = Registry::default().with(lines(log)).try_init();
}

impl Telemetry {
    /// Starts what the service tells: logs, metrics, and the export if there is to be one. To be
    /// called before any instrument is made.
    ///
    /// # Errors
    /// When the endpoint can't be used. That nobody answers there is no error.
    pub fn start(config: &Config) -> Result<Self, TelemetryError> {
        let resource = resource(&config.telemetry.service_name);
        let prometheus = opentelemetry_prometheus::exporter()
            .with_registry(prometheus::default_registry().clone())
            // Names are told as they stand in the code.
            .without_units()
            .without_counter_suffixes()
            .without_target_info()
            .scope_info_enabled(false)
            .build()
            .map_err(|error| TelemetryError(error.into()))?;
        let metrics = SdkMeterProvider::builder().with_reader(prometheus).with_resource(resource.clone());
        let subscriber = Registry::default();
        if config.telemetry.otlp_endpoint.is_empty() {
            global::set_meter_provider(metrics.build());
            let _ = subscriber.with(lines(&config.log)).try_init();
            return Ok(Self { otlp: None });
        }
        let otlp = otlp::Otlp::start(&config.telemetry, resource, metrics)
            .map_err(|error| TelemetryError(error.into()))?;
        global::set_meter_provider(otlp.metrics());
        let _ = subscriber
            .with(otlp.spans().with_filter(our_spans()))
            .with(otlp.events().with_filter(our_events(level(&config.log))))
            .with(lines(&config.log))
            .try_init();
        Ok(Self { otlp: Some(otlp) })
    }

    /// Sends what is left, for a few seconds at most.
    pub async fn stop(self) {
        if let Some(otlp) = self.otlp {
            otlp.stop().await;
        }
    }
}

/// Who tells: the name, the version, and which of several replicas.
fn resource(service_name: &str) -> Resource {
    let instance = uuid::Builder::from_random_bytes(random(&Machine)).into_uuid();
    Resource::builder()
        .with_service_name(service_name.to_owned())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("service.instance.id", instance.to_string()))
        .build()
}

fn level(log: &Log) -> Level {
    log.level.parse().unwrap_or(Level::INFO)
}

/// The lines on standard error. They hold events alone: without an export no span is ever made.
fn lines<S>(log: &Log) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let layer = match log.format.as_str() {
        "text" => layer.boxed(),
        _ => layer.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed(),
    };
    let level = level(log);
    let events = filter_fn(move |metadata: &Metadata<'_>| {
        // What OpenTelemetry says of itself is of interest only when it fails; what its transport
        // says of a failure, the rest of it says again.
        let level = match metadata.target() {
            "opentelemetry-otlp" => return false,
            target if target.starts_with("opentelemetry") => level.min(Level::WARN),
            _ => level,
        };
        metadata.is_event() && *metadata.level() <= level
    });
    layer.with_filter(events.with_max_level_hint(level))
}

/// Spans of this product, whatever the level of the log is.
fn our_spans() -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    filter_fn(|metadata: &Metadata<'_>| {
        metadata.is_span() && is_ours(metadata) && *metadata.level() <= Level::INFO
    })
    .with_max_level_hint(LevelFilter::INFO)
}

/// Events of this product: what the exporter itself logs is not exported, or it would never end.
fn our_events(level: Level) -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    filter_fn(move |metadata: &Metadata<'_>| {
        metadata.is_event() && is_ours(metadata) && *metadata.level() <= level
    })
    .with_max_level_hint(level)
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().split("::").next() == Some("veritrail")
}
