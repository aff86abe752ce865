//! A receiver of OTLP over HTTP, as a collector is one: it decodes what it gets, and keeps it.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, web};
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
        trace::v1::ExportTraceServiceRequest,
    },
    common::v1::{KeyValue, any_value::Value},
    logs::v1::LogRecord,
    metrics::v1::Metric,
    resource::v1::Resource,
    trace::v1::Span,
};
use prost::Message as _;

/// What came.
#[derive(Default)]
pub struct Received {
    pub spans: Vec<Span>,
    pub logs: Vec<LogRecord>,
    pub metrics: Vec<Metric>,
    pub resources: Vec<Resource>,
    /// Every body as it came.
    pub bodies: Vec<(String, Vec<u8>)>,
}

/// A receiver that runs.
pub struct Receiver {
    pub endpoint: String,
    received: Arc<Mutex<Received>>,
    handle: ServerHandle,
}

impl Receiver {
    pub fn start() -> Self {
        let received = Arc::<Mutex<Received>>::default();
        let data = web::Data::from(Arc::clone(&received));
        let server = HttpServer::new(move || {
            let body = web::PayloadConfig::new(64 << 20);
            App::new().app_data(data.clone()).app_data(body).default_service(web::to(take))
        });
        let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let endpoint = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { endpoint, received, handle }
    }

    /// Looks at what came.
    pub fn look<T>(&self, look: impl FnOnce(&Received) -> T) -> T {
        look(&self.received.lock().unwrap())
    }

    /// Waits until something has come.
    pub async fn until<T>(&self, what: &str, look: impl Fn(&Received) -> Option<T>) -> T {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(20) {
            if let Some(found) = self.look(&look) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{what} did not come");
    }

    pub async fn stop(&self) {
        self.handle.stop(false).await;
    }
}

async fn take(request: HttpRequest, body: web::Bytes, received: web::Data<Mutex<Received>>) -> HttpResponse {
    assert_eq!(request.headers().get("content-type").unwrap(), "application/x-protobuf");
    let mut received = received.lock().unwrap();
    match request.path() {
        "/v1/traces" => {
            for group in ExportTraceServiceRequest::decode(&body[..]).unwrap().resource_spans {
                received.resources.extend(group.resource);
                received.spans.extend(group.scope_spans.into_iter().flat_map(|scope| scope.spans));
            }
        }
        "/v1/logs" => {
            for group in ExportLogsServiceRequest::decode(&body[..]).unwrap().resource_logs {
                received.resources.extend(group.resource);
                received.logs.extend(group.scope_logs.into_iter().flat_map(|scope| scope.log_records));
            }
        }
        "/v1/metrics" => {
            for group in ExportMetricsServiceRequest::decode(&body[..]).unwrap().resource_metrics {
                received.resources.extend(group.resource);
                received.metrics.extend(group.scope_metrics.into_iter().flat_map(|scope| scope.metrics));
            }
        }
        _ => return HttpResponse::NotFound().finish(),
    }
    received.bodies.push((request.path().to_owned(), body.to_vec()));
    HttpResponse::Ok().finish()
}

/// Attributes as text, by name.
pub fn attributes(from: &[KeyValue]) -> Vec<(String, String)> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let shown = |pair: &KeyValue| pair.value.as_ref().and_then(|value| value.value.as_ref()).map(text);
    let mut all: Vec<_> =
        from.iter().map(|pair| (pair.key.clone(), shown(pair).unwrap_or_default())).collect();
    all.sort();
    all
}
