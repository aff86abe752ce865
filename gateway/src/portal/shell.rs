//! What is around every page: requests that other sites have a browser send are refused, trouble becomes a
//! page, and the browser is told what a page may load.

use std::sync::Arc;

use actix_web::{
    Error, HttpMessage as _, HttpResponse, ResponseError as _,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderMap, HeaderValue},
    },
    middleware::Next,
    web,
};

use super::{
    layout,
    squeeze::squeeze,
    trouble::Trouble,
    visit::{self, Visitor},
};
use crate::{
    access::{Context, Door},
    error::{Code, Problem},
};

/// What a page may load: our own files, and nothing that stands within it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

/// The middleware.
///
/// # Errors
/// None: trouble becomes a page.
pub async fn shell(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let mut response = if is_from_elsewhere(request.method(), request.headers()) {
        know(&request).await;
        let problem = Problem::new(Code::CrossSite, "this was sent by another site; send it from the page");
        ServiceResponse::from_err(Trouble::Own(problem), request.into_parts().0)
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    if wants_page(&response) {
        response = page_of(response).await;
    } else if let Some(problem) = own_problem(&response) {
        response = ServiceResponse::from_err(problem, response.into_parts().0);
    }
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    // Without any, browsers send `Origin: null` with our own forms.
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    Ok(squeeze(response).await)
}

/// Whether a request that changes something was sent by another site's page (Fetch Metadata, and `Origin` of
/// RFC 6454 for browsers without it). What has neither header does not come from a browser's page.
fn is_from_elsewhere(method: &Method, headers: &HeaderMap) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return false;
    }
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    if let Some(site) = text("sec-fetch-site") {
        return site != "same-origin" && site != "none";
    }
    let Some(origin) = text("origin") else { return true };
    let host = text("host").unwrap_or_default();
    origin.split_once("://").is_none_or(|(_, named)| named != host)
}

/// Notes whose session a request has that is refused before anybody asks for it, so that the refusal names them.
async fn know(request: &ServiceRequest) {
    let context = request.extensions().get::<Arc<Context>>().cloned();
    let door = request.app_data::<web::Data<Door>>().cloned();
    let (Some(context), Some(door), Some(cookie)) = (context, door, visit::cookie(request.request())) else {
        return;
    };
    let found = match door.session(&cookie).await {
        Ok(Some(session)) => door.stay(&session, None, context.address).await.map(Some),
        Ok(None) => Ok(None),
        Err(problem) => Err(problem),
    };
    match found {
        Ok(Some(stay)) => door.know_visitor(&context, &stay),
        Ok(None) => {}
        // Then it is a stranger's.
        Err(problem) => {
            tracing::warn!(cause = problem.cause, "the session of a refused request is not known");
        }
    }
}

/// Whether what went wrong is to be told by a page: where a browser asks, and where a page leads on.
fn wants_page(response: &ServiceResponse<BoxBody>) -> bool {
    let Some(error) = response.response().error() else { return false };
    let accept = response.request().headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let is_own = matches!(error.as_error::<Trouble>(), None | Some(Trouble::Own(_)));
    !is_own || accept.is_some_and(|accept| accept.contains("text/html"))
}

/// What the portal itself refuses a program, which reads problems and no pages.
fn own_problem(response: &ServiceResponse<BoxBody>) -> Option<Problem> {
    match response.response().error()?.as_error::<Trouble>()? {
        Trouble::Own(problem) => Some(problem.clone()),
        _ => None,
    }
}

/// A page that tells of trouble.
async fn page_of(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let (request, refused) = response.into_parts();
    let error = refused.error();
    if let Some(trouble @ (Trouble::SignIn(_) | Trouble::SetUp)) = error.and_then(|error| error.as_error()) {
        // A new answer: with the old one goes the error, of which the gate would make a problem.
        let led = trouble.error_response();
        return ServiceResponse::new(request, led);
    }
    let owned;
    let trouble = match error.and_then(|error| error.as_error::<Trouble>()) {
        Some(trouble) => trouble,
        None => {
            let problem = error.and_then(|error| error.as_error::<Problem>()).cloned();
            owned = Trouble::Own(
                problem.unwrap_or_else(|| Problem::new(Code::MalformedBody, "what was sent cannot be read")),
            );
            &owned
        }
    };
    let context = request.extensions().get::<Arc<Context>>().cloned();
    if let (Trouble::Own(problem), Some(context)) = (trouble, &context)
        && let Some(door) = request.app_data::<web::Data<Door>>()
    {
        if problem.code.status().is_server_error() {
            tracing::error!(request_id = context.request_id, cause = problem.cause, "a page failed");
        } else if door.refuse(context, problem).await.is_err() {
            tracing::error!(request_id = context.request_id, "a refusal could not be recorded");
        }
    }
    let visitor = request.extensions().get::<Arc<Visitor>>().cloned();
    let request_id = context.map(|context| context.request_id.clone()).unwrap_or_default();
    let markup = layout::trouble(visitor.as_deref(), trouble, &request_id);
    let mut page = HttpResponse::build(trouble.status());
    if let Trouble::Own(Problem { retry_after_s: Some(seconds), .. }) = trouble {
        page.insert_header((header::RETRY_AFTER, seconds.to_string()));
    }
    let page = page.content_type("text/html; charset=utf-8").body(markup.0);
    ServiceResponse::new(request, page)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn only_our_own_pages_change_anything() {
        let host = ("host", "bank.example");
        for own in
            [vec![host, ("sec-fetch-site", "same-origin")], vec![host, ("origin", "https://bank.example")]]
        {
            assert!(!is_from_elsewhere(&Method::POST, &headers(&own)), "{own:?}");
        }
        for other in [
            vec![host],
            vec![host, ("sec-fetch-site", "cross-site"), ("origin", "https://bank.example")],
            vec![host, ("sec-fetch-site", "same-site")],
            vec![host, ("origin", "https://evil.example")],
            vec![host, ("origin", "null")],
            vec![host, ("origin", "https://bank.example.evil.example")],
        ] {
            assert!(is_from_elsewhere(&Method::POST, &headers(&other)), "{other:?}");
            assert!(!is_from_elsewhere(&Method::GET, &headers(&other)), "{other:?}");
        }
    }
}
