//! What can be downloaded of a version.

use actix_web::{
    HttpResponse, get,
    http::{Method, header},
    web,
};

use super::words;
use crate::portal::{api::Call, query::segment, trouble::Trouble, visit::Visit};

/// The document.
#[get("/reports/{id}/versions/{n}/content")]
pub async fn content(visit: Visit, path: web::Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let (id, n) = &*path;
    visit.pass(Call::new(Method::GET, format!("{}/content", words::version_at(id, n)))).await
}

/// The evidence: all that there is about it, to be checked offline.
#[get("/reports/{id}/versions/{n}/bundle")]
pub async fn bundle(visit: Visit, path: web::Path<(String, String)>) -> Result<HttpResponse, Trouble> {
    let (id, n) = &*path;
    visit.pass(Call::new(Method::GET, format!("{}/bundle", words::version_at(id, n)))).await
}

/// What a validator printed.
#[get("/reports/{id}/versions/{n}/validations/{seq}/output")]
pub async fn output(
    visit: Visit,
    path: web::Path<(String, String, String)>,
) -> Result<HttpResponse, Trouble> {
    let (id, n, seq) = &*path;
    let target = format!("{}/validations/{}/output", words::version_at(id, n), segment(seq));
    let mut response = visit.pass(Call::new(Method::GET, target)).await?;
    // It is somebody else's text: to be kept, not to be shown as a page.
    let name = header::HeaderValue::from_static("attachment; filename=\"validator-output.txt\"");
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}
