//! Pages are sent in gzip, where the browser takes it: tables shrink to a tenth.
//!
//! Not so what may show a secret, whose length would tell of it ([`packed`]): answers to POST, and the pages of
//! [`SECRET`]. No other page holds a secret or a token. Files are handed on as the API gives them.

use actix_web::{
    body::{BodySize, BoxBody, MessageBody as _},
    dev::ServiceResponse,
    http::{
        Method,
        header::{self, HeaderValue},
    },
    web,
};

use crate::packed::{self, GZIP, LEAST};

/// How hard pages are packed: a table of 50 kB to a seventh, within a millisecond.
const LEVEL: u32 = 4;
/// What is longer is packed elsewhere, so that no other request of this worker waits for it.
const LARGE: usize = 64 * 1024;
/// Pages with a secret: that of a second factor, and the token of a link.
const SECRET: [&str; 2] = ["/account/second-factor", "/set-password"];
/// What is drawn here.
const DRAWN: [&str; 2] = ["text/html", "image/svg+xml"];

/// Sends an answer in gzip, if it is a page and the browser takes it.
pub async fn squeeze(mut response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    if !is_drawn(&response) {
        return response;
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if !packed::takes_gzip(response.request()) {
        return response;
    }
    let (request, response) = response.into_parts();
    let (mut response, body) = response.into_parts();
    let plain = match body.try_into_bytes() {
        Ok(plain) => plain,
        Err(stream) => return ServiceResponse::new(request, response.set_body(stream)),
    };
    let squeezed = if plain.len() > LARGE {
        let plain = plain.clone();
        web::block(move || packed::gzip(&plain, LEVEL)).await.ok().flatten()
    } else {
        packed::gzip(&plain, LEVEL)
    };
    if squeezed.is_some() {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(GZIP));
    }
    let body = BoxBody::new(squeezed.unwrap_or(plain));
    ServiceResponse::new(request, response.set_body(body))
}

/// Whether an answer is a page or a drawing, whole, and long enough.
fn is_drawn(response: &ServiceResponse<BoxBody>) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let request = response.request();
    request.method() == Method::GET
        && !SECRET.contains(&request.path())
        && !response.headers().contains_key(header::CONTENT_ENCODING)
        && matches!(response.response().body().size(), BodySize::Sized(bytes) if bytes >= LEAST as u64)
        && kind.is_some_and(|kind| DRAWN.iter().any(|drawn| kind.starts_with(drawn)))
}
