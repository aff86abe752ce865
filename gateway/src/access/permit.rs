//! A permit: proof that the caller may do what the handler does, and the handler's way to the
//! request and back out.

use std::{cell::RefCell, future::Future, marker::PhantomData, net::IpAddr, pin::Pin, sync::Arc};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderName},
    web::{self, Bytes},
};

use super::{
    Answer, Caller, Context, Door, OnBehalf, Recorded, answer,
    binding::{Presented, not_from_here},
    body,
    right::{Administer, Right},
    token::Believed,
};
use crate::{
    domain::{InstitutionId, Tenant},
    error::{Code, Problem},
    ledger::By,
    store::idempotency,
};

/// Longest `Idempotency-Key`.
pub const IDEMPOTENCY_KEY_MAX: usize = 255;

/// Proof that the caller may do `R`.
pub struct Permit<R: Right> {
    door: web::Data<Door>,
    context: Arc<Context>,
    caller: Caller,
    tenant: Tenant,
    request: HttpRequest,
    body: RefCell<Payload>,
    right: PhantomData<R>,
}

impl<R: Right> Permit<R> {
    /// The institution whose data this is about.
    pub fn tenant(&self) -> Tenant {
        self.tenant
    }

    /// Who calls.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Where the request came from.
    pub fn address(&self) -> IpAddr {
        self.context.address
    }

    /// The query string as sent.
    pub fn query(&self) -> &str {
        self.request.query_string()
    }

    /// A part of the path, read as an id or a number. One that can't be read is a 404, as an id of
    /// nothing would be.
    ///
    /// # Errors
    /// 404.
    pub fn path<T: std::str::FromStr>(&self, name: &str) -> Result<T, Problem> {
        self.request.match_info().get(name).and_then(|part| part.parse().ok()).ok_or_else(Problem::not_found)
    }

    /// A request header, if it is there and of visible ASCII characters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.request.headers().get(name).and_then(|value| value.to_str().ok())
    }

    /// The actor and request id to record with.
    pub fn by(&self) -> By {
        By { actor: self.caller.actor.to_string(), request: Some(self.context.request_id.clone()) }
    }

    /// The whole body, of one of these media types and at most `max` bytes.
    ///
    /// # Errors
    /// 415 for another type, and as [`body::read`].
    pub async fn body(&self, types: &[&str], max: usize) -> Result<Bytes, Problem> {
        self.check_type(types)?;
        body::read(&self.door, &self.context, self.body.replace(Payload::None), max).await
    }

    /// Writes the body, of one of these media types, to a file as it comes, and says how long it was.
    ///
    /// # Errors
    /// 415 for another type, and as [`body::pour`].
    pub async fn body_to(
        &self,
        types: &[&str],
        file: &mut tokio::fs::File,
        bounds: (u64, std::time::Duration),
    ) -> Result<u64, Problem> {
        self.check_type(types)?;
        let longer = |length: u64| length > bounds.0;
        if self.header(header::CONTENT_LENGTH.as_str()).and_then(|told| told.parse().ok()).is_some_and(longer)
        {
            return Err(Problem::new(Code::BodyTooLarge, format!("the body may have {} bytes", bounds.0)));
        }
        body::pour(&self.door, &self.context, self.body.replace(Payload::None), file, bounds).await
    }

    fn check_type(&self, types: &[&str]) -> Result<(), Problem> {
        let given = self.header(header::CONTENT_TYPE.as_str()).unwrap_or_default();
        let essence = given.split(';').next().unwrap_or_default().trim();
        if !types.iter().any(|taken| taken.eq_ignore_ascii_case(essence)) {
            let detail = format!("the body must be {}", types.join(" or "));
            return Err(Problem::new(Code::UnsupportedMediaType, detail));
        }
        Ok(())
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// As [`body`](Self::body), and 400 when it is not JSON of this shape.
    pub async fn json<T: serde::de::DeserializeOwned>(&self, max: usize) -> Result<T, Problem> {
        let bytes = self.body(&["application/json"], max).await?;
        parse(&bytes)
    }

    /// The body as JSON, and the `Idempotency-Key` that it was sent under.
    ///
    /// # Errors
    /// As [`json`](Self::json) and [`idempotency`](Self::idempotency).
    pub async fn json_once<T: serde::de::DeserializeOwned>(
        &self,
        max: usize,
    ) -> Result<(T, Option<idempotency::Key>), Problem> {
        let bytes = self.body(&["application/json"], max).await?;
        Ok((parse(&bytes)?, self.idempotency(&bytes)?))
    }

    /// The `Idempotency-Key`, bound to this caller, this operation and this body.
    ///
    /// # Errors
    /// 400 when it is too long or not of visible ASCII characters.
    pub fn idempotency(&self, body: &[u8]) -> Result<Option<idempotency::Key>, Problem> {
        use sha2::Digest as _;
        self.idempotency_of(sha2::Sha256::digest(body).into())
    }

    /// The same, of a body with this SHA-256.
    ///
    /// # Errors
    /// As [`idempotency`](Self::idempotency).
    pub fn idempotency_of(&self, body_sha256: [u8; 32]) -> Result<Option<idempotency::Key>, Problem> {
        let Some(value) = self.request.headers().get("idempotency-key") else { return Ok(None) };
        let key = value.to_str().ok().filter(|key| {
            (1..=IDEMPOTENCY_KEY_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
        });
        let key = key.ok_or_else(|| {
            let detail = format!("Idempotency-Key has 1 to {IDEMPOTENCY_KEY_MAX} visible ASCII characters");
            Problem::new(Code::InvalidParameter, detail)
        })?;
        Ok(Some(idempotency::Key {
            actor: self.caller.actor,
            route: format!("{} {}", self.context.method, self.context.target),
            key: key.to_owned(),
            body_sha256,
        }))
    }

    /// Whether the caller may still do this, by the token that it came with: it may have expired since, or
    /// been revoked, or lost the scope. What the token is bound to was shown when the request came.
    pub(super) async fn still_holds(&self) -> bool {
        let Ok(presented) = presented(&self.request, &self.context) else { return false };
        self.door.caller_of(presented.token).await.is_ok_and(|Believed { caller, .. }| {
            let named = named_institution(self.request.query_string()).unwrap_or(None);
            caller.scopes.contains(&R::SCOPE)
                && caller.may_call_from(self.context.address)
                && (!R::TENANT || caller.tenant(named) == Some(self.tenant))
        })
    }

    /// What the request passed.
    pub(super) fn door(&self) -> &Door {
        &self.door
    }

    /// The thumbprint of the certificate that it was sent with.
    #[must_use]
    pub fn certificate(&self) -> Option<&str> {
        self.context.certificate.as_deref()
    }

    /// The request as it is recorded.
    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// Records the look and lets the answer go.
    ///
    /// # Errors
    /// When it can't be recorded: then there is no answer.
    pub async fn answer(&self, answer: Answer) -> Result<Recorded, Problem> {
        let actor = self.caller.actor.to_string();
        answer::record(&self.door, &self.context, self.tenant, actor, answer).await
    }
}

impl Permit<Administer> {
    /// Institutions, to see how their logs and feeds stand. What is in their records is another right's to show, and
    /// such a look is on their own logs.
    #[must_use]
    pub fn over(&self, institutions: impl IntoIterator<Item = InstitutionId>) -> Vec<Tenant> {
        institutions.into_iter().map(Tenant::vouched).collect()
    }
}

fn parse<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body)
        .map_err(|error| Problem::new(Code::MalformedBody, format!("the body cannot be read: {error}")))
}

impl<R: Right> FromRequest for Permit<R> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, body) = (request.clone(), payload.take());
        Box::pin(async move {
            let door = request.app_data::<web::Data<Door>>().cloned();
            let door = door.ok_or_else(|| Problem::internal("the door is missing"))?;
            let context = request.extensions().get::<Arc<Context>>().cloned();
            let context = context.ok_or_else(|| Problem::internal("the gate was not passed"))?;
            let inside = request.extensions().get::<OnBehalf>().map(|on_behalf| on_behalf.caller.clone());
            let (caller, proof) = match inside {
                Some(caller) => (caller, None),
                None => door.authenticate(&context, presented(&request, &context)?).await?,
            };
            let named = named_institution(request.query_string());
            let tenant = if R::TENANT {
                caller.tenant(named.clone().unwrap_or(None))
            } else {
                Some(caller.home_log())
            };
            context.know(caller.clone(), tenant.unwrap_or_else(|| caller.home_log()));
            if !caller.may_call_from(context.address) {
                return Err(not_from_here(&context));
            }
            if !caller.scopes.contains(&R::SCOPE) {
                let detail = format!("this needs the scope {}", R::SCOPE.as_str());
                return Err(Problem::new(Code::InsufficientScope, detail));
            }
            door.admit_caller(&context, &caller, R::COST).await?;
            if let Some(proof) = proof {
                door.use_proof(Code::Unauthenticated, &proof).await?;
            }
            let tenant = match (tenant, named?) {
                (Some(tenant), _) => tenant,
                (None, Some(_)) => return Err(Problem::not_found()),
                (None, None) => {
                    let detail = "this caller serves several institutions; say which with institution=";
                    return Err(Problem::new(Code::MissingParameter, detail));
                }
            };
            let right = PhantomData;
            Ok(Self { door, context, caller, tenant, request, body: RefCell::new(body), right })
        })
    }
}

/// The token of `Authorization`, by `Bearer` (RFC 6750 section 2.1) or `DPoP` (RFC 9449 section 7.1); nowhere
/// else is one looked for.
fn presented<'a>(request: &'a HttpRequest, context: &Context) -> Result<Presented<'a>, Problem> {
    let missing = || Problem::new(Code::Unauthenticated, "send Authorization: Bearer <access token>");
    let value = only(request, &header::AUTHORIZATION).ok_or_else(missing)?;
    let (scheme, token) = value.split_once(' ').ok_or_else(missing)?;
    let by_dpop = scheme.eq_ignore_ascii_case("dpop");
    if !by_dpop && !scheme.eq_ignore_ascii_case("bearer") || token.trim().is_empty() {
        return Err(missing());
    }
    if by_dpop {
        context.want_nonce();
    }
    let proof = only(request, &HeaderName::from_static("dpop"));
    Ok(Presented { token: token.trim(), by_dpop, proof })
}

/// The value of a header that stands once.
fn only<'a>(request: &'a HttpRequest, name: &HeaderName) -> Option<&'a str> {
    let mut values = request.headers().get_all(name);
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// The institution that a query names, if it names one.
fn named_institution(query: &str) -> Result<Option<InstitutionId>, Problem> {
    let mut named = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "institution");
    let Some((_, value)) = named.next() else { return Ok(None) };
    // An id that can't be one is like somebody else's: not found.
    value.parse().map(Some).map_err(|_| Problem::not_found())
}
