//! The gate around every route: notes the request, turns it away when too many are at work, holds back
//! what comes too fast from one address, records each refusal before it leaves, counts and traces, and
//! puts the headers on that every answer has.

use std::sync::Arc;

use actix_web::{
    Error, HttpMessage as _, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        ConnectionType,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use tracing::Instrument as _;

use super::{
    Context, Door,
    connection::{Connection, watched},
    context::REQUEST_ID,
    deprecation::{self, DEPRECATED, Deprecation},
    door::URI_MAX,
    metrics::Underway,
    trace::Trace,
};
use crate::error::{Code, Problem};

/// Routes that take a body in gzip, and unpack it themselves: clients of OpenLineage may send one.
const UNPACKING: [&str; 2] = ["/api/v1/lineage", "/api/v1/lineage/batch"];
/// What an answer may load, if a browser shows it: nothing.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
/// What the API reference may load: its own files. It calls the API, and nothing else.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; \
                           connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; \
                           require-trusted-types-for 'script'; trusted-types 'none'";

/// The middleware.
///
/// # Errors
/// None: every failure becomes a response.
pub async fn gate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(door) = request.app_data::<web::Data<Door>>().cloned() else {
        return Err(Problem::internal("the door is missing").into());
    };
    let at_work = request.conn_data::<Arc<Connection>>().cloned().map(Connection::work);
    let began_us = door.world.now_us();
    let underway = Underway::begin();
    let context = Arc::new(Context::of(&request, &door.origins, &*door.world));
    let trace = Trace::of(request.headers(), &context);
    request.extensions_mut().insert(Arc::clone(&context));
    let mut response = match before(&door, &context, &request) {
        // Not `into_response`: that forgets the problem, which is still to be recorded.
        Err(problem) => ServiceResponse::new(request.into_parts().0, HttpResponse::from_error(problem)),
        Ok(()) => next.call(request).instrument(trace.span.clone()).await?.map_into_boxed_body(),
    };
    let problem = response.response().error().map(|error| match error.as_error::<Problem>() {
        Some(problem) => problem.clone(),
        None => Problem::new(Code::MalformedBody, "the request cannot be read"),
    });
    let mut code = "";
    if let Some(problem) = problem {
        let problem = recorded(&door, &context, problem).instrument(trace.span.clone()).await;
        code = problem.code.as_str();
        if let (Some(at_work), Code::RequestTimeout) = (&at_work, problem.code) {
            at_work.0.close();
        }
        let (request, refused) = response.into_parts();
        let mut rendered = problem.render(&context.request_id, &context.path);
        if let Some(allow) = refused.headers().get(header::ALLOW) {
            rendered.headers_mut().insert(header::ALLOW, allow.clone());
        }
        response = ServiceResponse::new(request, rendered);
        trace.span.in_scope(|| log_problem(&context, &problem, trace.id()));
    }
    finish(&door, &context, response.headers_mut());
    tell(DEPRECATED, &context, response.headers_mut());
    trace.finish(response.status(), response.headers_mut());
    if door.load.is_leaving() {
        // So that the client goes elsewhere with its next request.
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    context.hold(None);
    if let Some(at_work) = at_work {
        response = response.map_body(|_, body| watched(body, &at_work.0));
    }
    let status = response.status().as_u16();
    let bytes = match response.response().body().size() {
        BodySize::Sized(bytes) => bytes,
        _ => 0,
    };
    door.usage.count(&context, began_us, code, bytes);
    underway.answered(&context, status);
    let took_us = door.world.now_us() - began_us;
    trace.span.in_scope(|| {
        tracing::info!(
            request_id = context.request_id,
            trace_id = trace.id(),
            method = context.method,
            route = context.route,
            status,
            took_us,
            actor = context.known().map(|(caller, _)| caller.actor.to_string()),
            "request"
        );
    });
    Ok(response)
}

fn before(door: &Door, context: &Context, request: &ServiceRequest) -> Result<(), Problem> {
    if !context.is_probe() && !context.is_inside() {
        context.enter(&door.load)?;
        door.admit_address(context)?;
    }
    if request.uri().to_string().len() > URI_MAX {
        return Err(Problem::new(Code::UriTooLong, format!("a URI may have {URI_MAX} bytes")));
    }
    let unpacks = UNPACKING.contains(&context.route.as_str());
    let is_taken = |coding: &HeaderValue| {
        let is = |name: &[u8]| coding.as_bytes().eq_ignore_ascii_case(name);
        is(b"identity") || unpacks && is(b"gzip")
    };
    if !request.headers().get_all(header::CONTENT_ENCODING).all(is_taken) {
        let detail = match unpacks {
            true => "the body may be in gzip, and in nothing else",
            false => "send the body without Content-Encoding",
        };
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    }
    Ok(())
}

/// The problem to tell: the one there is, once it is on the ledger. Our own failures are not
/// refusals, and are only logged.
async fn recorded(door: &Door, context: &Context, problem: Problem) -> Problem {
    if problem.code.status().is_server_error() {
        return problem;
    }
    match door.refuse(context, &problem).await {
        Ok(_) => problem,
        Err(error) => error.into(),
    }
}

fn log_problem(context: &Context, problem: &Problem, trace_id: Option<String>) {
    if problem.code.status().is_server_error() && problem.code != Code::Overloaded {
        tracing::error!(
            request_id = context.request_id,
            trace_id,
            code = problem.code.as_str(),
            cause = problem.cause,
            "failed"
        );
    } else {
        tracing::info!(
            request_id = context.request_id,
            trace_id,
            code = problem.code.as_str(),
            cause = problem.cause,
            "refused"
        );
    }
}

/// Puts on an answer that its operation is to go, if it is in the list.
pub(super) fn tell(list: &[Deprecation], context: &Context, headers: &mut HeaderMap) {
    if let Some(deprecation) = deprecation::of(list, &context.method, &context.route) {
        deprecation.tell(headers);
    }
}

fn finish(door: &Door, context: &Context, headers: &mut HeaderMap) {
    let mut put = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value)
            && !headers.contains_key(&name)
        {
            headers.insert(name, value);
        }
    };
    put(HeaderName::from_static(REQUEST_ID), &context.request_id);
    put(header::CACHE_CONTROL, "private, no-store");
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::REFERRER_POLICY, "no-referrer");
    let policy = if context.path.starts_with("/docs") { DOCS_POLICY } else { POLICY };
    put(header::CONTENT_SECURITY_POLICY, policy);
    if context.wants_nonce() {
        let now_s = door.world.now_us().div_euclid(1_000_000);
        put(HeaderName::from_static("dpop-nonce"), &door.nonces.current(now_s));
    }
    if let Some(standing) = context.standing() {
        put(HeaderName::from_static("ratelimit-policy"), &standing.policy_field());
        put(HeaderName::from_static("ratelimit"), &standing.field());
    }
}
