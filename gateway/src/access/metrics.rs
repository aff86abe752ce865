//! What is counted of requests and limits. Labels are route patterns, methods of a list, statuses,
//! and the names of limits; nothing that a caller can choose.

use std::{sync::LazyLock, time::Instant};

use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Histogram, UpDownCounter},
};

use super::Context;

/// Bounds of a request's time, in seconds.
const SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

struct Instruments {
    requests: Counter<u64>,
    duration: Histogram<f64>,
    in_flight: UpDownCounter<i64>,
    decisions: Counter<u64>,
}

static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| {
    let meter = global::meter("veritrail");
    let made = Instruments {
        requests: meter
            .u64_counter("veritrail_http_requests_total")
            .with_description("Requests that were answered.")
            .build(),
        duration: meter
            .f64_histogram("veritrail_http_request_duration_seconds")
            .with_description("Time from a request's head to its answer's head.")
            .with_unit("s")
            .with_boundaries(SECONDS.to_vec())
            .build(),
        in_flight: meter
            .i64_up_down_counter("veritrail_http_requests_in_flight")
            .with_description("Requests that are being worked on.")
            .build(),
        decisions: meter
            .u64_counter("veritrail_limit_decisions_total")
            .with_description("What the rate limits decided.")
            .build(),
    };
    made.in_flight.add(0, &[]);
    for policy in ["address", "institution", "client"] {
        for decision in ["admitted", "refused"] {
            made.decisions.add(0, &[KeyValue::new("policy", policy), KeyValue::new("decision", decision)]);
        }
    }
    made
});

/// Makes the instruments, so that they are seen before the first request.
pub fn start() {
    LazyLock::force(&INSTRUMENTS);
}

/// A request under way; one that is given up is no longer under way either.
pub(super) struct Underway(Instant);

impl Underway {
    pub fn begin() -> Self {
        INSTRUMENTS.in_flight.add(1, &[]);
        Self(Instant::now())
    }

    /// Counts the answer.
    pub fn answered(&self, context: &Context, status: u16) {
        let labels = [
            KeyValue::new("method", context.method.clone()),
            KeyValue::new("route", context.route.clone()),
            KeyValue::new("status", i64::from(status)),
        ];
        INSTRUMENTS.requests.add(1, &labels);
        INSTRUMENTS.duration.record(self.0.elapsed().as_secs_f64(), &labels[..2]);
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        INSTRUMENTS.in_flight.add(-1, &[]);
    }
}

/// Counts a limit that let a request through.
pub(super) fn admitted(policy: &'static str) {
    decided(policy, "admitted");
}

/// Counts a limit that held a request back.
pub(super) fn refused(policy: &'static str) {
    decided(policy, "refused");
}

fn decided(policy: &'static str, decision: &'static str) {
    let labels = [KeyValue::new("policy", policy), KeyValue::new("decision", decision)];
    INSTRUMENTS.decisions.add(1, &labels);
}
