//! What a caller is told when something is refused: RFC 9457 problem details, always.
//!
//! This is the one place that maps a failure to a status. A problem never carries what the database
//! or the system said; that is logged once, where the request ends.

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};
use serde::Serialize;

use crate::{
    domain::finding::Finding,
    ledger::{RecordError, tree::TreeError},
    store::StoreError,
};

/// The media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:ident, $title:literal;)*) => {
        /// A problem's kind: stable, and the same wherever it occurs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code as it stands in a problem.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The HTTP status that goes with it.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// What it means, in a few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// A parameter's value can't be read.
    InvalidParameter = "invalid_parameter", BAD_REQUEST, "A parameter is not valid";
    /// A parameter that the operation doesn't have.
    UnknownParameter = "unknown_parameter", BAD_REQUEST, "A parameter is not known";
    /// A parameter that must be there.
    MissingParameter = "missing_parameter", BAD_REQUEST, "A parameter is missing";
    /// A cursor that was made long ago: what it was pinned to is no longer promised.
    ExpiredCursor = "expired_cursor", BAD_REQUEST, "The cursor is too old";
    /// A cursor that was not made for this query by this service.
    InvalidCursor = "invalid_cursor", BAD_REQUEST, "The cursor does not fit this query";
    /// The body is not what its media type says.
    MalformedBody = "malformed_body", BAD_REQUEST, "The body cannot be read";
    /// A DPoP proof of a token request that is not valid, or missing.
    InvalidProof = "invalid_dpop_proof", BAD_REQUEST, "The token request does not show what its token is to be bound to";
    /// No token, or one that is not valid.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "A valid access token is needed";
    /// A client that did not prove who it is.
    InvalidClient = "invalid_client", UNAUTHORIZED, "The client could not be authenticated";
    /// The token lacks the scope.
    InsufficientScope = "insufficient_scope", FORBIDDEN, "The token lacks the scope for this";
    /// The client may not call from this address.
    AddressNotAllowed = "address_not_allowed", FORBIDDEN, "The client may not call from this address";
    /// A form that another site's page had a browser send.
    CrossSite = "cross_site", FORBIDDEN, "This was sent by another site";
    /// A sign-in with a wrong password or code, or of nobody.
    SignInFailed = "sign_in_failed", FORBIDDEN, "The sign-in failed";
    /// Nothing here, or nothing that this caller may see.
    NotFound = "not_found", NOT_FOUND, "There is nothing here";
    /// The path exists with another method.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "The method is not allowed here";
    /// None of the media types that the caller takes.
    NotAcceptable = "not_acceptable", NOT_ACCEPTABLE, "There is no such representation";
    /// It is there already, or no longer as the caller thought.
    Conflict = "conflict", CONFLICT, "This does not fit what is there";
    /// It was there and is no longer kept.
    Expired = "expired", GONE, "This is no longer kept";
    /// The body is larger than the operation takes.
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body is too large";
    /// The body did not come in time.
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT, "The request took too long";
    /// The URI is longer than the service takes.
    UriTooLong = "uri_too_long", URI_TOO_LONG, "The URI is too long";
    /// The body's media type or encoding is not taken.
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "The body is of a type that is not taken";
    /// The range can't be served.
    RangeNotSatisfiable = "range_not_satisfiable", RANGE_NOT_SATISFIABLE, "The range cannot be served";
    /// The body can be read but must not be stored.
    Refused = "refused", UNPROCESSABLE_ENTITY, "What was sent is refused";
    /// The idempotency key was used with another body.
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, "The idempotency key was used with another body";
    /// Too much in too short a time.
    QuotaExceeded = "quota_exceeded", TOO_MANY_REQUESTS, "The request quota is exceeded";
    /// The institution's log is stopped; nothing is stored or served.
    LogStopped = "log_stopped", SERVICE_UNAVAILABLE, "The ledger is stopped";
    /// Too many requests at once; nothing was done.
    Overloaded = "overloaded", SERVICE_UNAVAILABLE, "Too many requests are at work";
    /// The service is busy, stopping or broken.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "The service cannot answer now";
}

impl Code {
    /// The problem's type URI. Exceeded quotas have a registered one.
    #[must_use]
    pub fn type_uri(self) -> String {
        match self {
            Self::QuotaExceeded => {
                "https://iana.org/assignments/http-problem-types#quota-exceeded".to_owned()
            }
            other => format!("urn:veritrail:problem:{}", other.as_str()),
        }
    }
}

/// One fault of what was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Fault {
    /// Where: a JSON pointer into the body (for NDJSON, behind the line: `/3/amount`), or
    /// `?name` for a query parameter.
    #[schema(example = "/3/amount")]
    pub pointer: String,
    /// What is wrong, stable and in snake_case.
    #[schema(example = "too_many_decimals")]
    pub code: String,
    /// What is wrong, for a person.
    #[schema(example = "EUR has 2 decimals")]
    pub detail: String,
}

/// A refusal.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Its kind.
    pub code: Code,
    /// What happened, for a person.
    pub detail: String,
    /// The faults, where there are several or they have places.
    pub errors: Vec<Fault>,
    /// Seconds after which to try again.
    pub retry_after_s: Option<u64>,
    /// The OAuth2 error code (RFC 6749 section 5.2, RFC 6750 section 3.1), where OAuth2 asks for one.
    pub oauth_error: Option<&'static str>,
    /// For our log alone: what really happened.
    pub cause: Option<String>,
}

/// A problem as it is sent.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// A URI that names the kind of problem.
    #[schema(example = "urn:veritrail:problem:unknown_parameter")]
    pub r#type: String,
    /// The kind of problem in a few words.
    #[schema(example = "A parameter is not known")]
    pub title: &'a str,
    /// The HTTP status.
    #[schema(example = 400)]
    pub status: u16,
    /// What happened.
    #[schema(example = "there is no parameter \"acount_id\"; did you mean \"account_id\"?")]
    pub detail: &'a str,
    /// The path that was asked for.
    #[schema(example = "/v1/transactions")]
    pub instance: &'a str,
    /// The kind of problem, stable and in snake_case.
    #[schema(example = "unknown_parameter")]
    pub code: &'a str,
    /// The request's id; quote it when you ask for help.
    #[schema(example = "req_0190163d8694739bba1a9fbee4e5c1b2")]
    pub request_id: &'a str,
    /// The OAuth2 error code, on `/oauth2` paths.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "invalid_client")]
    pub error: Option<&'a str>,
    /// Each fault and its place.
    #[serde(skip_serializing_if = "<[Fault]>::is_empty")]
    #[schema(value_type = Vec<Fault>)]
    pub errors: &'a [Fault],
}

impl Problem {
    /// A problem of some kind, and what happened.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { code, detail, errors: Vec::new(), retry_after_s: None, oauth_error: None, cause: None }
    }

    /// Nothing here, or nothing that this caller may see: the two are not told apart.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "there is nothing here that you may see")
    }

    /// A query parameter that can't be read.
    pub fn parameter(name: &str, code: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let fault = Fault { pointer: format!("?{name}"), code: code.to_owned(), detail: detail.clone() };
        Self { errors: vec![fault], ..Self::new(Code::InvalidParameter, format!("{name}: {detail}")) }
    }

    /// A member of the body that does not fit: a JSON pointer to it, and why.
    #[must_use]
    pub fn member(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let fault = Fault { pointer: pointer.into(), code: code.to_owned(), detail: detail.clone() };
        Self { errors: vec![fault], ..Self::new(Code::Refused, detail) }
    }

    /// Lines or fields that are refused.
    #[must_use]
    pub fn refused(detail: impl Into<String>, findings: &[Finding]) -> Self {
        let errors = findings
            .iter()
            .map(|finding| Fault {
                pointer: format!("/{}{}", finding.line, finding.pointer.as_deref().unwrap_or_default()),
                code: finding.code.to_string(),
                detail: finding.detail.clone(),
            })
            .collect();
        Self { errors, ..Self::new(Code::Refused, detail) }
    }

    /// With an OAuth2 error code.
    #[must_use]
    pub fn oauth(mut self, error: &'static str) -> Self {
        self.oauth_error = Some(error);
        self
    }

    /// Our own failure: the caller learns nothing but that.
    pub fn internal(cause: impl ToString) -> Self {
        let mut problem = Self::new(
            Code::Unavailable,
            "the service cannot answer now; a write may be repeated under its Idempotency-Key",
        );
        problem.cause = Some(cause.to_string());
        problem.retry_after_s = Some(1);
        problem
    }

    /// The response, for a request.
    #[must_use]
    pub fn render(&self, request_id: &str, instance: &str) -> HttpResponse {
        let status = self.code.status();
        let body = ProblemBody {
            r#type: self.code.type_uri(),
            title: self.code.title(),
            status: status.as_u16(),
            detail: &self.detail,
            instance,
            code: self.code.as_str(),
            request_id,
            error: self.oauth_error,
            errors: &self.errors,
        };
        let mut response = HttpResponse::build(status);
        if self.code == Code::RequestTimeout {
            // The rest of the body is not waited for.
            response.force_close();
        }
        response.insert_header((header::CONTENT_TYPE, PROBLEM_JSON));
        if let Some(seconds) = self.retry_after_s {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        for challenge in self.challenges() {
            response.append_header((header::WWW_AUTHENTICATE, challenge));
        }
        response.body(serde_json::to_vec(&body).unwrap_or_default())
    }

    /// How to authenticate (RFC 6750 section 3, RFC 7617, RFC 9449 section 7.1).
    fn challenges(&self) -> Vec<HeaderValue> {
        let all: &[&'static str] = match (self.code, self.oauth_error) {
            (Code::InvalidClient, _) => &["Basic realm=\"veritrail\""],
            (Code::InsufficientScope, _) => &["Bearer realm=\"veritrail\", error=\"insufficient_scope\""],
            (Code::Unauthenticated, Some("use_dpop_nonce")) => {
                &["DPoP error=\"use_dpop_nonce\", algs=\"EdDSA ES256 PS256\""]
            }
            (Code::Unauthenticated, Some("invalid_dpop_proof")) => {
                &["DPoP error=\"invalid_dpop_proof\", algs=\"EdDSA ES256 PS256\""]
            }
            (Code::Unauthenticated, Some(_)) => {
                &["Bearer realm=\"veritrail\", error=\"invalid_token\"", "DPoP algs=\"EdDSA ES256 PS256\""]
            }
            (Code::Unauthenticated, None) => {
                &["Bearer realm=\"veritrail\"", "DPoP algs=\"EdDSA ES256 PS256\""]
            }
            _ => &[],
        };
        all.iter().map(|challenge| HeaderValue::from_static(challenge)).collect()
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        // The gate renders it again with the request's id and path.
        self.render("", "")
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::internal(error)
    }
}

impl From<TreeError> for Problem {
    fn from(error: TreeError) -> Self {
        Self::internal(error)
    }
}

impl From<RecordError> for Problem {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Busy => {
                let mut problem = Self::new(
                    Code::Unavailable,
                    "the service is busy; a write may be repeated under its Idempotency-Key",
                );
                problem.retry_after_s = Some(1);
                problem
            }
            RecordError::Unavailable(cause) | RecordError::Unremembered(cause) => Self::internal(cause),
            RecordError::Stopped(reason) => {
                let mut problem = Self::new(
                    Code::LogStopped,
                    "the institution's ledger is stopped until an operator has looked at it; nothing is stored or served",
                );
                problem.cause = Some(reason);
                problem
            }
            RecordError::Refused(findings) => {
                Self::refused("some lines cannot be stored, so none was", &findings)
            }
            RecordError::KeyReused => {
                Self::new(Code::IdempotencyKeyReused, "the Idempotency-Key was used before with another body")
            }
            RecordError::Missing(what) => Self::new(Code::NotFound, format!("there is no such {what}")),
            RecordError::Unknown(what) => Self::new(Code::Refused, format!("there is no such {what}")),
            RecordError::Conflict(why) => Self::new(Code::Conflict, why),
        }
    }
}
