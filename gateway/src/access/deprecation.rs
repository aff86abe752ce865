//! What is to go: one list, from which the document marks an operation as deprecated, and the gate puts
//! `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and `Link` on its answers.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, LINK};
use jiff::{Timestamp, civil::Date, fmt::rfc2822::DateTimePrinter, tz::TimeZone};

/// An operation that is to go.
#[derive(Clone, Copy, Debug)]
pub struct Deprecation {
    /// Its method.
    pub method: &'static str,
    /// Its path, as the router has it.
    pub path: &'static str,
    /// From when on it is deprecated: midnight in UTC.
    pub since: Date,
    /// When it goes, once that is known.
    pub sunset: Option<Date>,
    /// A page that tells why and what to do.
    pub about: &'static str,
    /// The path of what takes its place, if something does.
    pub successor: Option<&'static str>,
}

/// Every operation that is to go: none now.
pub const DEPRECATED: &[Deprecation] = &[];

/// Whether an operation of a list is this one.
#[must_use]
pub fn of<'a>(list: &'a [Deprecation], method: &str, path: &str) -> Option<&'a Deprecation> {
    list.iter().find(|one| one.method == method && one.path == path)
}

impl Deprecation {
    /// Puts it on an answer.
    pub fn tell(&self, headers: &mut HeaderMap) {
        let mut put = |name: HeaderName, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.append(name, value);
            }
        };
        if let Some(since) = midnight(self.since) {
            put(HeaderName::from_static("deprecation"), format!("@{}", since.as_second()));
        }
        let sunset = self.sunset.and_then(midnight);
        if let Some(text) = sunset.and_then(|at| DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok())
        {
            put(HeaderName::from_static("sunset"), text);
            put(LINK, format!("<{}>; rel=\"sunset\"; type=\"text/html\"", self.about));
        }
        put(LINK, format!("<{}>; rel=\"deprecation\"; type=\"text/html\"", self.about));
        if let Some(successor) = self.successor {
            put(LINK, format!("<{successor}>; rel=\"successor-version\""));
        }
    }
}

fn midnight(day: Date) -> Option<Timestamp> {
    day.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp())
}

#[cfg(test)]
mod tests {
    use actix_web::{
        App, HttpResponse,
        dev::Service as _,
        http::Method,
        test::{TestRequest, call_service, init_service},
        web,
    };

    use super::*;
    use crate::{
        access::{Context, origin::Origins},
        world::Machine,
    };

    const LIST: &[Deprecation] = &[
        Deprecation {
            method: "GET",
            path: "/v1/old/{id}",
            since: Date::constant(2026, 1, 1),
            sunset: Some(Date::constant(2027, 1, 1)),
            about: "https://example.com/old",
            successor: Some("/v2/new"),
        },
        Deprecation {
            method: "POST",
            path: "/v1/old/{id}",
            since: Date::constant(2026, 1, 1),
            sunset: None,
            about: "https://example.com/old",
            successor: None,
        },
    ];

    /// The headers of an answer, as the gate puts them on.
    async fn answered(method: Method, path: &str) -> HeaderMap {
        let ok = || async { HttpResponse::Ok().finish() };
        let app = App::new()
            .route("/v1/old/{id}", web::get().to(ok))
            .route("/v1/old/{id}", web::post().to(ok))
            .route("/v1/young/{id}", web::get().to(ok))
            .wrap_fn(|request, service| {
                let header = HeaderName::from_static;
                let nobody = Origins::new(Vec::new(), header("forwarded"), header("client-cert"));
                let context = Context::of(&request, &nobody, &Machine);
                let answer = service.call(request);
                async move {
                    let mut answer = answer.await?;
                    super::super::gate::tell(LIST, &context, answer.headers_mut());
                    Ok(answer)
                }
            });
        let app = init_service(app).await;
        let request = TestRequest::with_uri(path).method(method).to_request();
        call_service(&app, request).await.headers().clone()
    }

    #[actix_web::test]
    async fn the_answers_of_what_is_to_go_say_so_and_no_others() {
        let all = |headers: &HeaderMap, name: &str| -> Vec<String> {
            headers.get_all(name).map(|value| value.to_str().unwrap().to_owned()).collect()
        };
        let old = answered(Method::GET, "/v1/old/1").await;
        assert_eq!(all(&old, "deprecation"), ["@1767225600"]);
        assert_eq!(all(&old, "sunset"), ["Fri, 01 Jan 2027 00:00:00 GMT"]);
        assert_eq!(
            all(&old, "link"),
            [
                "<https://example.com/old>; rel=\"sunset\"; type=\"text/html\"",
                "<https://example.com/old>; rel=\"deprecation\"; type=\"text/html\"",
                "</v2/new>; rel=\"successor-version\"",
            ]
        );
        let undated = answered(Method::POST, "/v1/old/1").await;
        assert_eq!((all(&undated, "deprecation").len(), all(&undated, "sunset").len()), (1, 0));
        assert_eq!(all(&undated, "link").len(), 1);
        let young = answered(Method::GET, "/v1/young/1").await;
        assert!(["deprecation", "sunset", "link"].iter().all(|name| all(&young, name).is_empty()));
    }
}
