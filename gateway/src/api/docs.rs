//! `/openapi.json` and `/docs`: the contract, and a page to read it on and try it that loads nothing
//! from outside.

use actix_web::{HttpResponse, get, http::header, web};

use super::State;

const STYLE: &str = include_str!("docs/reference.css");
const SCRIPT: &str = include_str!("docs/reference.js");

/// This document.
#[utoipa::path(
    operation_id = "getOpenApi", tag = "health",
    responses((status = 200, description = "The OpenAPI 3.1 document.", body = Object, example = json!({"openapi": "3.1.0"}))),
    security(())
)]
#[get("/openapi.json")]
pub async fn openapi(state: web::Data<State>) -> HttpResponse {
    public("application/json", state.document.clone())
}

/// The document as a page.
#[get("/docs")]
pub async fn page(state: web::Data<State>) -> HttpResponse {
    public("text/html; charset=utf-8", state.reference.clone())
}

/// Leads to the page.
#[get("/docs/")]
pub async fn slash() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "../docs")).finish()
}

/// The page's style.
#[get("/docs/reference.css")]
pub async fn style() -> HttpResponse {
    public("text/css; charset=utf-8", STYLE)
}

/// The page's script.
#[get("/docs/reference.js")]
pub async fn script() -> HttpResponse {
    public("text/javascript; charset=utf-8", SCRIPT)
}

fn public(kind: &str, body: impl actix_web::body::MessageBody + 'static) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=60"))
        .content_type(kind)
        .body(body)
}
