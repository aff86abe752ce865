//! What the service measures, as its operators' dashboards and alerts are made of it.

/// The name, the kind, and the labels in their order.
pub type Metric = (&'static str, &'static str, &'static [&'static str]);

/// What every service measures.
pub const METRICS: &[Metric] = &[
    ("veritrail_http_requests_total", "counter", &["method", "route", "status"]),
    ("veritrail_http_request_duration_seconds", "histogram", &["method", "route"]),
    ("veritrail_http_requests_in_flight", "gauge", &[]),
    ("veritrail_shed_requests_total", "counter", &[]),
    ("veritrail_limit_decisions_total", "counter", &["decision", "policy"]),
    ("veritrail_recorder_batch_jobs", "histogram", &[]),
    ("veritrail_recorder_batch_duration_seconds", "histogram", &[]),
    ("veritrail_recorder_queue_jobs", "gauge", &[]),
    ("veritrail_recorder_failures_total", "counter", &[]),
    ("veritrail_ledger_entries", "gauge", &[]),
    ("veritrail_ledger_logs", "gauge", &[]),
    ("veritrail_ledger_stopped_logs", "gauge", &[]),
    ("veritrail_checkpoint_age_seconds", "gauge", &[]),
    ("veritrail_store_pool_connections", "gauge", &["state"]),
];

/// What one with Redis measures as well.
pub const WITH_REDIS: &[Metric] = &[
    ("veritrail_limits_fallback", "gauge", &[]),
    ("veritrail_redis_up", "gauge", &[]),
    ("veritrail_redis_command_duration_seconds", "histogram", &[]),
];
