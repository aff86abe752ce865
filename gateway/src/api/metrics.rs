//! `/metrics` on the admin port, for Prometheus.
//!
//! It needs no token: Prometheus is no OAuth2 client, the admin port is kept inside, and nothing in it
//! is of an institution, a client or a person. It is no part of the API, so its document leaves it out.

use actix_web::{HttpResponse, get};
use prometheus::{TEXT_FORMAT, TextEncoder};

use crate::error::Problem;

/// What the service counts, in the text format.
#[get("/metrics")]
pub async fn scrape() -> Result<HttpResponse, Problem> {
    let text = TextEncoder::new().encode_to_string(&prometheus::gather()).map_err(Problem::internal)?;
    Ok(HttpResponse::Ok().content_type(TEXT_FORMAT).body(text))
}
