//! `/.well-known`: what an OAuth2 client needs to find its way (RFC 8414), and the keys that sign
//! access tokens (RFC 7517). Public, and nothing that needs recording.

use actix_web::{HttpResponse, get, http::header, web};
use serde::Serialize;

use super::State;
use crate::{access::proof, domain::Scope};

const AN_HOUR: (header::HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=3600");

/// Authorization server metadata (RFC 8414 section 2).
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Metadata {
    /// The issuer of access tokens.
    #[schema(example = "http://localhost:8080")]
    issuer: String,
    /// Where tokens are issued.
    token_endpoint: String,
    /// Where they are revoked.
    revocation_endpoint: String,
    /// Where they are explained.
    introspection_endpoint: String,
    /// Where the keys are.
    jwks_uri: String,
    /// Grants.
    grant_types_supported: Vec<&'static str>,
    /// None: there is no authorization endpoint.
    response_types_supported: Vec<&'static str>,
    /// How a client may authenticate.
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    /// How it may sign its assertion.
    token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    /// How a DPoP proof may be signed (RFC 9449 section 5.1).
    dpop_signing_alg_values_supported: Vec<&'static str>,
    /// Whether tokens can be bound to the client's certificate (RFC 8705 section 3.3).
    tls_client_certificate_bound_access_tokens: bool,
    /// Scopes.
    scopes_supported: Vec<&'static str>,
    /// Where this API is documented.
    service_documentation: String,
}

/// Where everything is (RFC 8414).
#[utoipa::path(
    operation_id = "getAuthorizationServerMetadata", tag = "oauth2",
    responses((status = 200, description = "The metadata.", body = Metadata)), security(())
)]
#[get("/.well-known/oauth-authorization-server")]
pub async fn metadata(state: web::Data<State>) -> HttpResponse {
    let issuer = state.door.tokens.issuer();
    HttpResponse::Ok().insert_header(AN_HOUR).json(Metadata {
        issuer: issuer.to_owned(),
        token_endpoint: format!("{issuer}/oauth2/token"),
        revocation_endpoint: format!("{issuer}/oauth2/revoke"),
        introspection_endpoint: format!("{issuer}/oauth2/introspect"),
        jwks_uri: format!("{issuer}/.well-known/jwks.json"),
        grant_types_supported: vec!["client_credentials"],
        response_types_supported: Vec::new(),
        token_endpoint_auth_methods_supported: vec!["private_key_jwt", "client_secret_basic"],
        token_endpoint_auth_signing_alg_values_supported: vec!["EdDSA", "ES256", "PS256"],
        dpop_signing_alg_values_supported: proof::ALGORITHMS.to_vec(),
        tls_client_certificate_bound_access_tokens: true,
        scopes_supported: Scope::ALL.map(Scope::as_str).to_vec(),
        service_documentation: format!("{}/docs", state.base_url),
    })
}

/// The keys that sign access tokens (RFC 7517).
#[utoipa::path(
    operation_id = "getJwks", tag = "oauth2",
    responses((status = 200, description = "The JWK set.", body = Object, example = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "use": "sig", "alg": "EdDSA"}]}))),
    security(())
)]
#[get("/.well-known/jwks.json")]
pub async fn jwks(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok().insert_header(AN_HOUR).json(state.door.tokens.jwks())
}
