//! The export over OTLP (protobuf over HTTP), each signal by a thread of its own.

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{
    ExporterBuildError, LogExporter, MetricExporter, Protocol, SpanExporter, WithExportConfig as _,
};
use opentelemetry_sdk::{
    Resource,
    logs::{self, BatchLogProcessor, SdkLogger, SdkLoggerProvider},
    metrics::{MeterProviderBuilder, PeriodicReader, SdkMeterProvider},
    trace::{self, BatchSpanProcessor, Sampler, SdkTracerProvider},
};
use tokio::sync::mpsc;
use tracing_opentelemetry::OpenTelemetryLayer;

use crate::config;

/// How long one export may take.
const EXPORT_TIME: Duration = Duration::from_secs(5);
/// How long a stop waits for the last exports.
const STOP_TIME: Duration = Duration::from_secs(3);

/// The three signals on their way.
pub(super) struct Otlp {
    traces: SdkTracerProvider,
    metrics: SdkMeterProvider,
    logs: SdkLoggerProvider,
}

impl Otlp {
    /// Starts the exporters. The blocking client is meant: they run on plain threads, and the other
    /// one needs a runtime that is not there.
    pub(super) fn start(
        config: &config::Telemetry,
        resource: Resource,
        metrics: MeterProviderBuilder,
    ) -> Result<Self, ExporterBuildError> {
        let interval = Duration::from_secs(config.export_interval_s);
        let endpoint = |signal: &str| format!("{}/v1/{signal}", config.otlp_endpoint);

        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint("traces"))
            .with_timeout(EXPORT_TIME)
            .build()?;
        let batches = trace::BatchConfigBuilder::default().with_scheduled_delay(interval).build();
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        let sampler = Sampler::TraceIdRatioBased(config.sample_ratio);
        let traces = SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_sampler(Sampler::ParentBased(Box::new(sampler)))
            .with_span_processor(processor)
            .build();

        let exporter = MetricExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint("metrics"))
            .with_timeout(EXPORT_TIME)
            .build()?;
        let reader = PeriodicReader::builder(exporter).with_interval(interval).build();
        let metrics = metrics.with_reader(reader).build();

        let exporter = LogExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint("logs"))
            .with_timeout(EXPORT_TIME)
            .build()?;
        let batches = logs::BatchConfigBuilder::default().with_scheduled_delay(interval).build();
        let processor = BatchLogProcessor::builder(exporter).with_batch_config(batches).build();
        let logs = SdkLoggerProvider::builder().with_resource(resource).with_log_processor(processor).build();
        Ok(Self { traces, metrics, logs })
    }

    /// The metrics, which Prometheus reads too.
    pub(super) fn metrics(&self) -> SdkMeterProvider {
        self.metrics.clone()
    }

    /// The layer that makes spans of spans.
    pub(super) fn spans<S>(&self) -> OpenTelemetryLayer<S, trace::SdkTracer>
    where
        S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    {
        OpenTelemetryLayer::new(self.traces.tracer("veritrail"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
    }

    /// The layer that makes log records of events.
    pub(super) fn events(&self) -> OpenTelemetryTracingBridge<SdkLoggerProvider, SdkLogger> {
        OpenTelemetryTracingBridge::new(&self.logs)
    }

    /// Sends what is left. The threads are plain ones: should one hang with its receiver, it is left
    /// behind, and the process ends without it.
    pub(super) async fn stop(self) {
        let (running, mut all_done) = mpsc::channel::<()>(1);
        let Self { traces, metrics, logs } = self;
        let last: [Box<dyn FnOnce() -> bool + Send>; 3] = [
            Box::new(move || traces.shutdown_with_timeout(STOP_TIME).is_ok()),
            Box::new(move || metrics.shutdown_with_timeout(STOP_TIME).is_ok()),
            Box::new(move || logs.shutdown_with_timeout(STOP_TIME).is_ok()),
        ];
        for shutdown in last {
            let running = running.clone();
            std::thread::spawn(move || {
                shutdown();
                drop(running);
            });
        }
        drop(running);
        // A channel without senders has nothing more to say.
        if tokio::time::timeout(STOP_TIME, all_done.recv()).await.is_err() {
            tracing::warn!("the last telemetry was not taken in time");
        }
    }
}
