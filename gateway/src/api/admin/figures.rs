//! `/admin/v1/figures`: what this replica has counted since it started, as `/metrics` has it.

mod counted;

use actix_web::{get, web};
use serde::Serialize;

use self::counted::{Counted, Spread};
use crate::{
    access::{Answer, Permit, Recorded, right::Administer},
    api::{State, params::Params},
    error::Problem,
    world::rfc3339,
};

/// The names of the limits.
const POLICIES: [&str; 3] = ["address", "institution", "client"];

/// What a replica has counted.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Figures {
    /// Since when: the start of the replica that answers. RFC 3339, UTC. What others counted is not in here.
    #[schema(example = "2026-01-05T09:30:00.000000Z")]
    since: String,
    /// All logs together, as they were within the last seconds. Every replica tells the same.
    ledger: LedgerFigures,
    /// The one writer.
    recorder: RecorderFigures,
    /// Requests.
    requests: RequestFigures,
    /// Rate limits.
    limits: LimitFigures,
    /// The pool of readers of the database.
    readers: ReaderFigures,
}

/// How the ledger stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LedgerFigures {
    /// Logs, the provider's own among them.
    #[schema(example = 3)]
    logs: u64,
    /// Their entries.
    #[schema(example = 49103)]
    entries: u64,
    /// Logs that are stopped until somebody has looked.
    #[schema(example = 0)]
    stopped_logs: usize,
    /// For how long the oldest growth has not been signed, in seconds; 0 when all is.
    #[schema(example = 0.4)]
    unsigned_s: f64,
}

/// What the recorder did.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RecorderFigures {
    /// Commands that were committed: deliveries, looks, changes. Looks of one batch share an entry.
    #[schema(example = 18230)]
    commands: u64,
    /// Batches that they were committed in.
    #[schema(example = 9120)]
    batches: u64,
    /// Batches that failed; nothing of them was stored.
    #[schema(example = 0)]
    failed_batches: u64,
    /// Commands that wait now.
    #[schema(example = 0)]
    waiting: u64,
    /// How long a batch took, from its beginning to its commit.
    commit: Spread,
}

/// Requests that were answered, those of the portal's pages to the API among them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RequestFigures {
    /// How many.
    #[schema(example = 20411)]
    answered: u64,
    /// Requests at work now, this one among them.
    #[schema(example = 1)]
    in_flight: i64,
    /// Requests that were turned away because too many were at work.
    #[schema(example = 0)]
    turned_away: u64,
    /// Answers of 400 and above, by status.
    refused: Vec<StatusCount>,
    /// How long an answer took, to its head.
    answer: Spread,
}

/// Answers of a status.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct StatusCount {
    /// The HTTP status.
    #[schema(example = 429, minimum = 400, maximum = 599)]
    status: u16,
    /// How many.
    #[schema(example = 12)]
    requests: u64,
}

/// What the rate limits decided.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LimitFigures {
    /// `shared` when limits hold across replicas now, `local` when they are this replica's own or its share.
    #[schema(example = "shared")]
    held: &'static str,
    /// By limit.
    decisions: Vec<LimitCount>,
}

/// What one limit decided.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LimitCount {
    /// `address`, `institution` or `client`.
    #[schema(example = "client")]
    limit: &'static str,
    /// Requests that it let through.
    #[schema(example = 20399)]
    admitted: u64,
    /// Requests that it held back, with 429.
    #[schema(example = 12)]
    refused: u64,
}

/// The pool of readers.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReaderFigures {
    /// Connections that are free now.
    #[schema(example = 3)]
    idle: u32,
    /// Connections in use.
    #[schema(example = 1)]
    used: u32,
}

/// What the replica that answers has counted since it started: recorder, requests, limits.
///
/// Median and 99th percentile are read out of the buckets of a histogram, between whose bounds times are taken to
/// lie evenly; so they are near, not exact.
#[utoipa::path(
    operation_id = "getFigures", tag = "admin",
    responses((status = 200, description = "The figures.", body = Figures)),
    security(("oauth2" = ["admin"]))
)]
#[get("/admin/v1/figures")]
pub async fn get(permit: Permit<Administer>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let counted = Counted::now();
    let commit = counted.spread("veritrail_recorder_batch_duration_seconds");
    let (idle, used) = state.door.db.pool();
    let decided = |limit, decision| {
        counted.total("veritrail_limit_decisions_total", &[("policy", limit), ("decision", decision)])
    };
    let figures = Figures {
        since: rfc3339(state.started_at_us),
        ledger: LedgerFigures {
            logs: counted.gauge("veritrail_ledger_logs") as u64,
            entries: counted.gauge("veritrail_ledger_entries") as u64,
            stopped_logs: state.door.recorder.stops().count(),
            unsigned_s: counted.gauge("veritrail_checkpoint_age_seconds"),
        },
        recorder: RecorderFigures {
            commands: counted.sum("veritrail_recorder_batch_jobs"),
            batches: commit.samples,
            failed_batches: counted.total("veritrail_recorder_failures_total", &[]),
            waiting: counted.gauge("veritrail_recorder_queue_jobs") as u64,
            commit,
        },
        requests: RequestFigures {
            answered: counted.total("veritrail_http_requests_total", &[]),
            in_flight: counted.gauge("veritrail_http_requests_in_flight") as i64,
            turned_away: counted.total("veritrail_shed_requests_total", &[]),
            refused: refused(&counted),
            answer: counted.spread("veritrail_http_request_duration_seconds"),
        },
        limits: LimitFigures {
            held: if state.door.limits.are_shared() { "shared" } else { "local" },
            decisions: POLICIES
                .map(|limit| LimitCount {
                    limit,
                    admitted: decided(limit, "admitted"),
                    refused: decided(limit, "refused"),
                })
                .into(),
        },
        readers: ReaderFigures { idle, used },
    };
    permit.answer(Answer::json(&figures)?).await
}

/// Answers that were refusals or failures, by status.
fn refused(counted: &Counted) -> Vec<StatusCount> {
    let by_status = counted.by("veritrail_http_requests_total", "status").into_iter();
    let mut all: Vec<StatusCount> = by_status
        .filter_map(|(status, requests)| Some(StatusCount { status: status.parse().ok()?, requests }))
        .filter(|count| count.status >= 400 && count.requests > 0)
        .collect();
    all.sort_unstable_by_key(|count| count.status);
    all
}
