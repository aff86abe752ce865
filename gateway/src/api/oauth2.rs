//! `/oauth2`: access tokens by client credentials (RFC 6749 section 4.4), revocation (RFC 7009) and
//! introspection (RFC 7662).
//!
//! Who can't prove to be a client is refused like a caller that nobody knows: counted on the
//! provider's log. A token that was issued is a look on the client's own institution's log.

use std::borrow::Cow;

use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload, http::header, post, web};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use super::State;
use crate::{
    access::{
        Answer, Context, Door, Recorded,
        answer::record_for,
        assertion,
        binding::Confirmation,
        body::read,
        proof::Proof,
        token::{Believed, Claims, LIFETIME_S},
    },
    domain::{ClientId, InstitutionId, Scope},
    error::{Code, Problem},
    store::{clients, clients::Client},
};

const BODY_MAX: usize = 16 * 1024;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An access token (RFC 6749 section 5.1).
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TokenResponse {
    /// A JWT by RFC 9068.
    #[schema(example = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.e30.c2ln")]
    access_token: String,
    /// `Bearer`; `DPoP` when it is bound to a key (RFC 9449).
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds.
    #[schema(example = 300)]
    expires_in: i64,
    /// What it permits, separated by spaces.
    #[schema(example = "accounts:read transactions:read")]
    scope: String,
}

/// What a token is (RFC 7662 section 2.2).
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub struct Introspection {
    /// Whether it is valid now. If not, nothing else is said.
    #[schema(example = true)]
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<ClientId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<ClientId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    /// What it is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
}

/// The form of a token request.
#[derive(Debug, utoipa::ToSchema)]
#[expect(dead_code, reason = "describes the form in the document; `Form` reads it")]
pub struct TokenRequest {
    /// `client_credentials`.
    #[schema(example = "client_credentials", pattern = "^client_credentials$")]
    grant_type: String,
    /// Scopes, separated by spaces; all that the client has unless told.
    #[schema(example = "transactions:read")]
    scope: Option<String>,
    /// With `private_key_jwt`: `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.
    client_assertion_type: Option<String>,
    /// With `private_key_jwt`: a JWT signed by the client (RFC 7523).
    client_assertion: Option<String>,
}

/// The form of a revocation or introspection request.
#[derive(Debug, utoipa::ToSchema)]
#[expect(dead_code, reason = "describes the form in the document; `Form` reads it")]
pub struct TokenForm {
    /// The access token.
    token: String,
    /// `access_token`; there is no other kind.
    token_type_hint: Option<String>,
    /// With `private_key_jwt`: `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.
    client_assertion_type: Option<String>,
    /// With `private_key_jwt`: a JWT signed by the client (RFC 7523).
    client_assertion: Option<String>,
}

/// Issues an access token for a client.
#[utoipa::path(
    operation_id = "issueToken", tag = "oauth2",
    params(("DPoP" = Option<String>, Header, description = "A proof of possession (RFC 9449): the token is bound to its key. It needs the nonce of a `DPoP-Nonce` header; the first request is answered with one.")),
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token.", body = TokenResponse),
        (status = 400, description = "The form cannot be read, or the DPoP proof does not hold; `error` says which (RFC 6749 section 5.2). With `use_dpop_nonce` it is to be made again with the nonce of `DPoP-Nonce`.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The client may not call from this address.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("client_secret_basic" = []), ("private_key_jwt" = []))
)]
#[post("/oauth2/token")]
pub async fn issue_token(form: Form, state: web::Data<State>) -> Result<Recorded, Problem> {
    // Before the client's own proof is used up: this one may have to be made again.
    let proof = form.proof(&state)?;
    let client = form.client(&state).await?;
    if form.field("grant_type")?.as_deref() != Some("client_credentials") {
        return Err(bad("unsupported_grant_type", "grant_type must be client_credentials"));
    }
    let owned = Scope::parse_list(&client.scopes).map_err(Problem::internal)?;
    let scopes = match form.field("scope")? {
        None => owned,
        Some(list) => {
            let asked = Scope::parse_list(&list).map_err(|name| scope_fault(&name))?;
            if let Some(denied) = asked.iter().find(|scope| !owned.contains(scope)) {
                return Err(scope_fault(denied.as_str()));
            }
            asked
        }
    };
    let (id, home) = (ClientId::from_uuid(client.id), InstitutionId::from_uuid(client.institution_id));
    let confirmation = state.door.bind(&form.context, &client, proof.as_ref()).await?;
    let token_type = confirmation.token_type();
    let issued = state.door.tokens.issue(state.world(), id, home, &scopes, confirmation);
    let response = TokenResponse {
        access_token: issued.map_err(Problem::internal)?,
        token_type,
        expires_in: LIFETIME_S,
        scope: Scope::join(&scopes),
    };
    form.answer(&state, &client, Answer::json(&response)?.header("cache-control", "no-store")).await
}

/// Revokes an access token of the client's own. An unknown token is no error (RFC 7009 section 2.2).
#[utoipa::path(
    operation_id = "revokeToken", tag = "oauth2",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "It is not valid any more.", body = Object, example = json!({})),
        (status = 403, description = "The client may not call from this address.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("client_secret_basic" = []), ("private_key_jwt" = []))
)]
#[post("/oauth2/revoke")]
pub async fn revoke_token(form: Form, state: web::Data<State>) -> Result<Recorded, Problem> {
    let client = form.client(&state).await?;
    let token = form.field("token")?.ok_or_else(|| bad("invalid_request", "token is missing"))?;
    if let Some(claims) = own_claims(&state, &client, &token) {
        let expires_at_us = claims.exp.saturating_mul(1_000_000);
        let door = state.door.clone();
        Door::whole(async move {
            door.recorder.revoke_token(claims.jti.clone(), expires_at_us).await?;
            door.revoked(&claims.jti).await;
            Ok(())
        })
        .await?;
    }
    form.answer(&state, &client, Answer::raw_json(b"{}".to_vec())).await
}

/// Says what an access token of the client's own is: active as long as any operation would take it.
///
/// A token that is bound to a key or a certificate is active, and `cnf` says to which; each request must show
/// that it has it. Tokens that are bound to nothing, of a client whose tokens must be, are not active, and
/// neither are other issuers' tokens, which only their issuer can speak for.
#[utoipa::path(
    operation_id = "introspectToken", tag = "oauth2",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "What it is.", body = Introspection),
        (status = 403, description = "The client may not call from this address.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("client_secret_basic" = []), ("private_key_jwt" = []))
)]
#[post("/oauth2/introspect")]
pub async fn introspect_token(form: Form, state: web::Data<State>) -> Result<Recorded, Problem> {
    let client = form.client(&state).await?;
    let token = form.field("token")?.ok_or_else(|| bad("invalid_request", "token is missing"))?;
    let active = match own_claims(&state, &client, &token) {
        // What the door says, and not what the token says of itself.
        Some(claims) => match state.door.caller_of(&token).await {
            Ok(believed) => Some((claims, believed)),
            Err(problem) if problem.code == Code::Unauthenticated => None,
            Err(problem) => return Err(problem),
        },
        None => None,
    };
    let told =
        active.map_or_else(Introspection::default, |(claims, believed)| introspection(claims, believed));
    form.answer(&state, &client, Answer::json(&told)?).await
}

fn introspection(claims: Claims, Believed { caller, confirmation }: Believed) -> Introspection {
    Introspection {
        active: true,
        token_type: Some(confirmation.token_type()),
        client_id: Some(claims.client_id),
        sub: Some(claims.sub),
        exp: Some(claims.exp),
        iat: Some(claims.iat),
        // Scopes that the client has lost since are not among them.
        scope: Some(Scope::join(&caller.scopes)),
        aud: Some(claims.aud),
        iss: Some(claims.iss),
        jti: Some(claims.jti),
        cnf: (!confirmation.is_empty()).then_some(confirmation),
    }
}

fn own_claims(state: &State, client: &Client, token: &str) -> Option<Claims> {
    let claims = state.door.tokens.verify(state.world(), token).ok()?;
    (claims.client_id.uuid() == client.id).then_some(claims)
}

fn bad(error: &'static str, detail: &str) -> Problem {
    Problem::new(Code::MalformedBody, detail).oauth(error)
}

fn scope_fault(name: &str) -> Problem {
    let name: String = name.chars().take(64).collect();
    bad("invalid_scope", &format!("the client does not have the scope {name:?}"))
}

fn invalid_client(cause: &str) -> Problem {
    let mut problem = Problem::new(Code::InvalidClient, "the client could not be authenticated");
    problem.cause = Some(cause.to_owned());
    problem.oauth("invalid_client")
}

/// A form, and how its sender authenticates.
pub struct Form {
    context: std::sync::Arc<Context>,
    authorization: Option<String>,
    /// The `DPoP` headers.
    proofs: Vec<String>,
    body: String,
}

impl FromRequest for Form {
    type Error = Problem;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let context = request.extensions().get::<std::sync::Arc<Context>>().cloned();
            let context = context.ok_or_else(|| Problem::internal("the gate was not passed"))?;
            if !request.content_type().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
                let detail = "the body must be application/x-www-form-urlencoded";
                return Err(Problem::new(Code::UnsupportedMediaType, detail).oauth("invalid_request"));
            }
            let door = request.app_data::<web::Data<Door>>().cloned();
            let door = door.ok_or_else(|| Problem::internal("the door is missing"))?;
            let body = read(&door, &context, payload, BODY_MAX).await?;
            let body = String::from_utf8(body.to_vec())
                .map_err(|_| bad("invalid_request", "the body is not UTF-8"))?;
            let authorization = request.headers().get(header::AUTHORIZATION);
            let authorization = authorization.and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
            let proofs = request.headers().get_all("dpop");
            let proofs = proofs.map(|value| value.to_str().unwrap_or_default().to_owned()).collect();
            Ok(Self { context, authorization, proofs, body })
        })
    }
}

impl Form {
    /// A field, which may stand once.
    fn field(&self, name: &str) -> Result<Option<Cow<'_, str>>, Problem> {
        let mut values = form_urlencoded::parse(self.body.as_bytes()).filter(|(key, _)| key == name);
        let value = values.next().map(|(_, value)| value);
        match values.next() {
            Some(_) => Err(bad("invalid_request", &format!("{name} stands twice"))),
            None => Ok(value),
        }
    }

    /// The DPoP proof that came with it, if one did; it is still to be used up.
    fn proof(&self, state: &State) -> Result<Option<Proof>, Problem> {
        if self.proofs.is_empty() {
            return Ok(None);
        }
        self.context.want_nonce();
        let one = self.proofs.first().filter(|_| self.proofs.len() == 1).map(String::as_str);
        state.door.check_proof(&self.context, Code::InvalidProof, one).map(Some)
    }

    /// The client that sent this, proven by its secret or its key, from where it may.
    async fn client(&self, state: &State) -> Result<Client, Problem> {
        let client = self.proven(state).await?;
        state.door.admit_client(&self.context, &client)?;
        Ok(client)
    }

    async fn proven(&self, state: &State) -> Result<Client, Problem> {
        match (self.basic(), self.field("client_assertion")?) {
            (Some(basic), None) => {
                let (id, secret) = basic.ok_or_else(|| invalid_client("malformed Basic credentials"))?;
                let client = self.load(state, &id).await?;
                let old_counts =
                    client.old_secret_until_us.is_some_and(|until| state.world().now_us() < until);
                let old = client.old_secret_sha256.as_ref().filter(|_| old_counts);
                let mut hashes = client.secret_sha256.iter().chain(old);
                match hashes.any(|hash| assertion::secret_matches(&secret, hash)) {
                    true => Ok(client),
                    false => Err(invalid_client("wrong secret")),
                }
            }
            (None, Some(assertion)) => self.by_assertion(state, &assertion).await,
            (Some(_), Some(_)) => Err(bad("invalid_request", "authenticate in one way, not in two")),
            (None, None) => Err(invalid_client("no credentials")),
        }
    }

    /// HTTP Basic credentials, each form-encoded (RFC 6749 section 2.3.1).
    fn basic(&self) -> Option<Option<(String, String)>> {
        let authorization = self.authorization.as_deref()?;
        Some((|| {
            let (scheme, credentials) = authorization.split_once(' ')?;
            if !scheme.eq_ignore_ascii_case("basic") {
                return None;
            }
            let text = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
            let (id, secret) = text.split_once(':')?;
            let decode = |text: &str| {
                form_urlencoded::parse(format!("x={text}").as_bytes()).next().map(|(_, v)| v.into_owned())
            };
            Some((decode(id)?, decode(secret)?))
        })())
    }

    async fn by_assertion(&self, state: &State, jwt: &str) -> Result<Client, Problem> {
        if self.field("client_assertion_type")?.as_deref() != Some(ASSERTION_TYPE) {
            return Err(bad("invalid_request", "client_assertion_type must be the jwt-bearer URN"));
        }
        let id =
            assertion::claimed_client(jwt).ok_or_else(|| invalid_client("the assertion is not a JWT"))?;
        let client = self.load(state, &id).await?;
        let jwks = client.jwks.as_deref().ok_or_else(|| invalid_client("the client has no keys"))?;
        let issuer = state.door.tokens.issuer();
        let endpoint = format!("{issuer}/oauth2/token");
        let now_s = state.world().now_us().div_euclid(1_000_000);
        let claims =
            assertion::verify(jwt, &id, jwks, &[issuer, &endpoint], now_s).map_err(invalid_client)?;
        let client_id = ClientId::from_uuid(client.id);
        let until_us = claims.remember_until_us();
        let fresh = state.door.recorder.use_assertion(client_id, claims.jti, until_us).await?;
        if fresh { Ok(client) } else { Err(invalid_client("the assertion was used before")) }
    }

    async fn load(&self, state: &State, id: &str) -> Result<Client, Problem> {
        let id: ClientId = id.parse().map_err(|_| invalid_client("the client id is not one"))?;
        let found = clients::get(&mut state.directory().await?, id).await?;
        match found {
            Some(client) if client.revoked_at_us.is_some() => Err(invalid_client("the client is revoked")),
            Some(client) if client.external_issuer.is_some() => {
                Err(invalid_client("the client gets its tokens from another issuer"))
            }
            Some(client) => Ok(client),
            None => Err(invalid_client("there is no such client")),
        }
    }

    async fn answer(&self, state: &State, client: &Client, answer: Answer) -> Result<Recorded, Problem> {
        let home = InstitutionId::from_uuid(client.institution_id);
        let actor = ClientId::from_uuid(client.id).to_string();
        record_for(&state.door, &self.context, home, actor, answer).await
    }
}
