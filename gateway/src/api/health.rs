//! `/health`: for whoever restarts and routes.

use actix_web::{HttpResponse, get, http::header, web};
use serde::Serialize;

use super::State;

/// How the service is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Health {
    /// `ok`, or what is wrong.
    #[schema(example = "ok")]
    status: &'static str,
    /// Logs that are stopped: nothing is stored in them or served from them until an operator has looked.
    #[schema(example = 0)]
    stopped_logs: usize,
    /// Whether rate limits hold across replicas (`shared`), or are this replica's own share because
    /// there is no Redis now (`local`).
    #[schema(example = "shared")]
    limits: &'static str,
}

impl Health {
    fn new(state: &State, status: &'static str) -> Self {
        let limits = if state.door.limits.are_shared() { "shared" } else { "local" };
        Self { status, stopped_logs: state.door.recorder.stops().count(), limits }
    }
}

/// Whether the process lives.
#[utoipa::path(
    operation_id = "getLiveness", tag = "health",
    responses((status = 200, description = "It does.", body = Health)), security(())
)]
#[get("/health/live")]
pub async fn live(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(Health::new(&state, "ok"))
}

/// Whether it can do its work: read the database and write the ledger.
#[utoipa::path(
    operation_id = "getReadiness", tag = "health",
    responses(
        (status = 200, description = "It can.", body = Health),
        (status = 503, description = "It can't, or is stopping.", body = Health),
    ),
    security(())
)]
#[get("/health/ready")]
pub async fn ready(state: web::Data<State>) -> HttpResponse {
    let status = if state.is_stopping() {
        "stopping"
    } else if !state.door.recorder.is_ready() {
        "the recorder is busy or has stopped"
    } else if state.directory().await.is_err() {
        "the database cannot be read"
    } else {
        return HttpResponse::Ok().json(Health::new(&state, "ok"));
    };
    HttpResponse::ServiceUnavailable()
        .insert_header((header::RETRY_AFTER, "1"))
        .json(Health::new(&state, status))
}
