//! `/openapi.json` and `/docs`: the contract, and a page to read it on that loads nothing from
//! outside.

use actix_web::{HttpResponse, get, http::header, web};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::State;

/// This document.
#[utoipa::path(
    operation_id = "getOpenApi", tag = "health",
    responses((status = 200, description = "The OpenAPI 3.1 document.", body = Object, example = json!({"openapi": "3.1.0"}))),
    security(())
)]
#[get("/openapi.json")]
pub async fn openapi(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=60"))
        .content_type("application/json")
        .body(state.document.clone())
}

/// Leads to the page.
#[get("/docs")]
pub async fn page() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}

/// The page and its files. The outside validator that Swagger UI would ask is turned off.
#[must_use]
pub fn assets() -> SwaggerUi {
    let config =
        Config::from("/openapi.json").validator_url("none").display_operation_id(false).deep_linking(true);
    SwaggerUi::new("/docs/{_:.*}").config(config)
}
