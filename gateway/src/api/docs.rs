//! `/openapi.json` and `/docs`: the contract, and a page to read it on and try it that loads nothing
//! from outside.

use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse, get, http::header, web};

use super::State;
use crate::packed::Packed;

static STYLE: LazyLock<Packed> = LazyLock::new(|| Packed::new(include_str!("docs/reference.css")));
static SCRIPT: LazyLock<Packed> = LazyLock::new(|| Packed::new(include_str!("docs/reference.js")));
/// For how long any of this is kept.
const KEPT: &str = "public, max-age=60";

/// This document.
#[utoipa::path(
    operation_id = "getOpenApi", tag = "health",
    responses((status = 200, description = "The OpenAPI 3.1 document.", body = Object, example = json!({"openapi": "3.1.0"}))),
    security(())
)]
#[get("/openapi.json")]
pub async fn openapi(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, KEPT))
        .content_type("application/json")
        .body(state.document.clone())
}

/// The document as a page.
#[get("/docs")]
pub async fn page(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    public(&request, "text/html; charset=utf-8", &state.reference)
}

/// Leads to the page.
#[get("/docs/")]
pub async fn slash() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "../docs")).finish()
}

/// The page's style.
#[get("/docs/reference.css")]
pub async fn style(request: HttpRequest) -> HttpResponse {
    public(&request, "text/css; charset=utf-8", &STYLE)
}

/// The page's script.
#[get("/docs/reference.js")]
pub async fn script(request: HttpRequest) -> HttpResponse {
    public(&request, "text/javascript; charset=utf-8", &SCRIPT)
}

fn public(request: &HttpRequest, kind: &str, file: &Packed) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, KEPT)).content_type(kind);
    file.answer(request, &mut response)
}
