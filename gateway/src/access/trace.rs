//! The trace that a request belongs to (W3C Trace Context): the caller's, if it names one that can be
//! read, and the server's own span in it.
//!
//! Without an export no span is made, and the caller's own context goes back to it unchanged. Spans
//! hold no path, no query, no address and no id: the semantic conventions would have the first two,
//! and they name accounts and persons.

use std::str::FromStr as _;

use actix_web::http::{
    StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use opentelemetry::{
    Context as Telling,
    trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState},
};
use tracing::{Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::{Context, context::UNMATCHED};

/// The header that names a trace and a span in it.
pub const TRACEPARENT: &str = "traceparent";
/// The header that holds what tracing systems add to it.
pub const TRACESTATE: &str = "tracestate";
/// A longer state is left out, as the recommendation allows.
const TRACESTATE_MAX: usize = 512;

/// A request's place in a trace.
pub(super) struct Trace {
    /// The server's span; none when nothing is exported.
    pub span: Span,
    /// That span, or the caller's when there is none of ours.
    context: Option<SpanContext>,
}

impl Trace {
    /// Begins the server's span.
    pub fn of(headers: &HeaderMap, request: &Context) -> Self {
        let parent = parent(headers);
        let known = request.method != "other";
        let method = if known { request.method.as_str() } else { "_OTHER" };
        let route = (request.route != UNMATCHED).then_some(request.route.as_str());
        let span = tracing::info_span!(
            parent: None,
            "request",
            otel.name = name(if known { method } else { "HTTP" }, route),
            otel.kind = "server",
            otel.status_code = Empty,
            http.request.method = method,
            http.route = route,
            http.response.status_code = Empty,
            error.type = Empty,
        );
        if span.is_disabled() {
            return Self { span, context: parent };
        }
        if let Some(parent) = parent {
            // It fails only for a span that has begun, and this one has not.
            let _ = span.set_parent(Telling::new().with_remote_span_context(parent));
        }
        let context = span.context().span().span_context().clone();
        Self { span, context: Some(context).filter(SpanContext::is_valid) }
    }

    /// The trace's id, for a log line.
    pub fn id(&self) -> Option<String> {
        self.context.as_ref().map(|context| context.trace_id().to_string())
    }

    /// Says how the request was answered: on the span, and to the caller which span it was.
    pub fn finish(&self, status: StatusCode, headers: &mut HeaderMap) {
        if !self.span.is_disabled() {
            self.span.record("http.response.status_code", status.as_u16());
            if status.is_server_error() {
                self.span.record("error.type", status.as_str());
                self.span.record("otel.status_code", "ERROR");
            }
        }
        let field = self.context.as_ref().map(traceparent).and_then(|field| field.try_into().ok());
        if let Some(field) = field {
            let field: HeaderValue = field;
            headers.insert(HeaderName::from_static(TRACEPARENT), field);
        }
    }
}

fn name(method: &str, route: Option<&str>) -> String {
    route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"))
}

/// The `traceparent` field of a span (W3C Trace Context section 3.2).
fn traceparent(context: &SpanContext) -> String {
    let sampled = context.trace_flags() & TraceFlags::SAMPLED;
    format!("00-{}-{}-{sampled:02x}", context.trace_id(), context.span_id())
}

/// The caller's span, if it names one, once and well.
fn parent(headers: &HeaderMap) -> Option<SpanContext> {
    let mut fields = headers.get_all(TRACEPARENT);
    let field = fields.next()?;
    if fields.next().is_some() {
        return None;
    }
    let (trace, span, flags) = read(field.to_str().ok()?)?;
    Some(SpanContext::new(trace, span, flags, true, state(headers))).filter(SpanContext::is_valid)
}

/// The parts of a `traceparent` field: version, trace, span and flags in lowercase hexadecimal.
fn read(field: &str) -> Option<(TraceId, SpanId, TraceFlags)> {
    let mut parts = field.split('-');
    let mut part = |length: usize| {
        let is_hex = |part: &&str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        parts.next().filter(|part| part.len() == length).filter(is_hex)
    };
    let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
    // Later versions may have more to say; version 0 has not, and ff is none.
    if version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let flags = u8::from_str_radix(flags, 16).ok()?;
    Some((TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?, TraceFlags::new(flags)))
}

/// What tracing systems added; nothing when it can't be read.
fn state(headers: &HeaderMap) -> TraceState {
    let fields: Vec<&str> = headers.get_all(TRACESTATE).filter_map(|field| field.to_str().ok()).collect();
    let whole = fields.join(",");
    if whole.is_empty() || whole.len() > TRACESTATE_MAX {
        return TraceState::default();
    }
    TraceState::from_str(&whole).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_field_that_is_well_formed_is_read_and_written_as_it_was() {
        let context = parent(&headers(&[(TRACEPARENT, GOOD), (TRACESTATE, "a=1"), (TRACESTATE, "b=2")]));
        let context = context.unwrap();
        assert_eq!(traceparent(&context), GOOD);
        assert_eq!(context.trace_state().header(), "a=1,b=2");
        assert!(context.is_remote() && context.is_sampled());
    }

    #[test]
    fn a_later_version_is_read_as_far_as_this_one_goes() {
        let later = GOOD.replacen("00-", "01-", 1) + "-more";
        assert_eq!(traceparent(&parent(&headers(&[(TRACEPARENT, &later)])).unwrap()), GOOD);
    }

    #[test]
    fn what_is_not_well_formed_or_stands_twice_is_as_if_it_were_not_there() {
        let zero_trace = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let zero_span = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        for bad in [
            "",
            "00",
            zero_trace,
            zero_span,
            &GOOD.to_uppercase(),
            &GOOD.replacen("00-", "ff-", 1),
            &GOOD.replacen("00-", "0-", 1),
            &GOOD.replace("4bf9", "+bf9"),
            &GOOD[..GOOD.len() - 1],
            &format!("{GOOD}-more"),
            &format!(" {GOOD}"),
        ] {
            assert!(parent(&headers(&[(TRACEPARENT, bad)])).is_none(), "{bad}");
        }
        assert!(parent(&headers(&[(TRACEPARENT, GOOD), (TRACEPARENT, GOOD)])).is_none());
    }

    #[test]
    fn a_state_that_is_too_long_or_broken_is_left_out_and_the_parent_kept() {
        for bad in [format!("a={}", "x".repeat(600)), "no state".to_owned()] {
            let context = parent(&headers(&[(TRACEPARENT, GOOD), (TRACESTATE, &bad)])).unwrap();
            assert_eq!(context.trace_state().header(), "");
        }
    }
}
