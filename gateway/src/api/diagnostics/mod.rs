//! `POST /v1/diagnostics/request`: what of a request would be refused, and why.
//!
//! It is a list of small checks over a [`Case`]; a new check is a function and a line in [`CHECKS`].
//! Nothing of a token is told but to the institution that it was issued for: of one that is not signed
//! by the service only that, of another institution's only that it is not valid for the caller. No
//! token, secret or value of a header that may hold one is ever in an answer.

mod binding;
mod request;
mod route;
mod token;

use std::{collections::BTreeMap, net::IpAddr};

use actix_web::{post, web};
use serde::{Deserialize, Serialize};

use super::{State, params::Params};
use crate::{
    access::{Answer, Permit, Recorded, nonce::Nonces, origin, right::ReadUsage},
    domain::InstitutionId,
    error::{Code, Problem},
    world::rfc3339,
};
use request::Sent;
use route::Route;
use token::Token;

const BODY_MAX: usize = 64 << 10;
const METHOD_MAX: usize = 20;
const URL_MAX: usize = 8192;
const HEADERS_MAX: usize = 100;
const CERTIFICATE_MAX: usize = 16_384;

/// A request that would be sent, without its body.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DiagnosticRequest {
    /// Its method.
    #[schema(example = "GET", max_length = 20)]
    method: String,
    /// Its URL, whole or from the path on.
    #[schema(example = "/v1/transactions?limit=10", max_length = 8192)]
    url: String,
    /// Its headers, with those that hold credentials. At most 100.
    #[serde(default)]
    #[schema(example = json!({"Authorization": "Bearer eyJ0eXAiOiJhdCtqd3QifQ.e30.c2ln", "Accept": "application/json"}))]
    headers: BTreeMap<String, String>,
    /// The certificate that it would be sent with, as PEM; that of this request if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        example = "-----BEGIN CERTIFICATE-----\nMIIB0zCCAXmgAwIBAgIU\n-----END CERTIFICATE-----",
        max_length = 16384,
        pattern = r"^[\t\n\r -~]*$"
    )]
    certificate: Option<String>,
    /// The address that it would come from; that of this request if none.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "192.0.2.10", format = "ip")]
    from: Option<IpAddr>,
}

/// What would be refused of a request.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Diagnosis {
    /// The service's time, by which tokens are judged: RFC 3339, UTC.
    #[schema(example = "2026-01-05T09:30:00.000000Z")]
    at: String,
    /// The `operationId` of what would answer; none when there is no such route.
    #[schema(example = "listTransactions")]
    operation: Option<String>,
    /// Whether all checks pass: then only its limits, its body or what it asks for can be refused.
    let_in: bool,
    /// The checks.
    checks: Vec<CheckView>,
}

/// A check, and what came of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CheckView {
    /// Its name.
    #[schema(example = "token.scope")]
    check: &'static str,
    /// What came of it.
    result: Outcome,
    /// What it says, for a person.
    #[schema(example = "the token has the scope for this")]
    detail: String,
    /// What should be there, where that can be said.
    #[schema(example = "transactions:read")]
    expected: Option<String>,
    /// What is there, where that can be said.
    #[schema(example = "transactions:read ledger:read")]
    got: Option<String>,
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Nothing is wrong here.
    Pass,
    /// This would be refused.
    Fail,
    /// It does not apply, or can't be told.
    Skipped,
}

/// A check's finding.
struct Finding {
    result: Outcome,
    detail: String,
    expected: Option<String>,
    got: Option<String>,
}

impl Finding {
    fn new(result: Outcome, detail: impl Into<String>) -> Self {
        Self { result, detail: detail.into(), expected: None, got: None }
    }

    fn pass(detail: impl Into<String>) -> Self {
        Self::new(Outcome::Pass, detail)
    }

    fn fail(detail: impl Into<String>) -> Self {
        Self::new(Outcome::Fail, detail)
    }

    fn skipped(detail: impl Into<String>) -> Self {
        Self::new(Outcome::Skipped, detail)
    }

    /// Passes if it holds, and tells of both sides.
    fn compare(holds: bool, detail: &str, expected: impl Into<String>, got: impl Into<String>) -> Self {
        let result = if holds { Outcome::Pass } else { Outcome::Fail };
        let (expected, got) = (Some(expected.into()), Some(got.into()));
        Self { result, detail: detail.to_owned(), expected, got }
    }
}

/// A request, and all that is known of it.
struct Case<'a> {
    sent: &'a Sent,
    base_url: &'a str,
    route: &'a Route<'a>,
    token: &'a Token,
    issuer: &'a str,
    audience: &'a str,
    now_s: i64,
    nonces: &'a Nonces,
    /// The thumbprint of the certificate, if there is one that can be read.
    certificate: Result<Option<String>, &'static str>,
    from: IpAddr,
}

/// A check.
type Check = fn(&Case<'_>) -> Finding;

/// What is checked, in the order in which a request meets it.
const CHECKS: &[(&str, Check)] = &[
    ("url.form", request::url_form),
    ("url.host", request::host),
    ("content.encoding", request::content_encoding),
    ("route.path", route::path),
    ("route.method", route::method),
    ("token.form", token::form),
    ("token.signature", token::signature),
    ("token.owner", token::owner),
    ("token.type", token::typ),
    ("token.issuer", token::issuer),
    ("token.audience", token::audience),
    ("token.exp", token::exp),
    ("token.nbf", token::nbf),
    ("token.iat", token::iat),
    ("token.revocation", token::revocation),
    ("client.state", token::client_state),
    ("token.accepted", token::accepted),
    ("token.scheme", binding::scheme),
    ("token.dpop", binding::dpop),
    ("token.certificate", binding::certificate),
    ("client.address", binding::address),
    ("token.scope", token::scope),
    ("institution", token::institution),
    ("query.parameters", request::parameters),
    ("content.type", request::content_type),
    ("idempotency.key", request::idempotency_key),
];

/// Tells what of a request would be refused, and why.
///
/// The request is not sent, and its token is not used. What is wrong with a token is told only to the
/// institution that it was issued for.
#[utoipa::path(
    operation_id = "diagnoseRequest", tag = "diagnostics",
    params(("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant.")),
    request_body(content = DiagnosticRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "What each check found.", body = Diagnosis),
        (status = 422, description = "Something is longer than it may be, or has control characters.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["usage:read"]))
)]
#[post("/v1/diagnostics/request")]
pub async fn diagnose(permit: Permit<ReadUsage>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let request: DiagnosticRequest = permit.json(BODY_MAX).await?;
    let fits = |text: &str, most: usize| text.chars().count() <= most && !text.chars().any(char::is_control);
    let is_pem = |text: &str| {
        text.len() <= CERTIFICATE_MAX
            && text.bytes().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~'))
    };
    if !fits(&request.method, METHOD_MAX)
        || !request.certificate.as_deref().is_none_or(is_pem)
        || !fits(&request.url, URL_MAX)
        || request.headers.len() > HEADERS_MAX
    {
        let detail = format!(
            "a method has {METHOD_MAX} characters at most and a URL {URL_MAX}, without control characters; a \
             certificate has {CERTIFICATE_MAX} of ASCII; there are {HEADERS_MAX} headers at most"
        );
        return Err(Problem::new(Code::Refused, detail));
    }
    let certificate = match &request.certificate {
        None => Ok(permit.certificate().map(ToOwned::to_owned)),
        Some(pem) => origin::thumbprint_of_pem(pem).map(Some).ok_or("the certificate is not one in PEM"),
    };
    let sent = Sent::of(request.method, &request.url, &state.base_url, request.headers);
    let route = Route::of(&sent, &state.operations);
    let token = Token::of(&sent, &route, &state, permit.tenant()).await?;
    let now_us = state.world().now_us();
    let case = Case {
        sent: &sent,
        base_url: &state.base_url,
        route: &route,
        token: &token,
        issuer: state.door.tokens.issuer(),
        audience: state.door.tokens.audience(),
        now_s: now_us.div_euclid(1_000_000),
        nonces: &state.door.nonces,
        certificate,
        from: request.from.unwrap_or(permit.address()),
    };
    let view = |(check, run): &(&'static str, Check)| {
        let Finding { result, detail, expected, got } = run(&case);
        CheckView { check, result, detail, expected, got }
    };
    let checks: Vec<CheckView> = CHECKS.iter().map(view).collect();
    let diagnosis = Diagnosis {
        at: rfc3339(now_us),
        operation: route.operation().map(|operation| operation.id.clone()),
        let_in: checks.iter().all(|check| check.result != Outcome::Fail),
        checks,
    };
    permit.answer(Answer::json(&diagnosis)?).await
}
