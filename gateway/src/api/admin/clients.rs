//! `/admin/v1/institutions/{id}/clients` and `/admin/v1/clients/{id}`: OAuth2 clients.

use actix_web::{delete, get, http::StatusCode, patch, post, web};
use serde::{Deserialize, Serialize};

use super::{BODY_MAX, PAGE, check_name};
use crate::{
    access::{
        Answer, Permit, Recorded, assertion::public_keys, issuers::can_be_registered, right::Administer,
    },
    api::{
        State,
        clients::{shown_networks, stored_networks},
        params::Params,
    },
    directory::{ClientOrder, Terms, enrol},
    domain::{
        ClientId, ClientKind, InstitutionId, Scope,
        jwk::{self, SentKeys},
    },
    error::{Code, Problem},
    ledger::command::{Alteration, Change, ClientChange},
    store::{clients, institutions},
    world::rfc3339,
};

/// A new client.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClient {
    /// Its name, 1 to 100 characters.
    #[schema(example = "treasury-warehouse", min_length = 1, max_length = 100)]
    name: String,
    /// What it may do. A system can be given the `:read` scopes, but for `granted:read`, which is people's.
    #[schema(min_items = 1)]
    scopes: Vec<Scope>,
    /// Its public keys as a JWK set (RFC 7517): Ed25519, P-256 or RSA. A key without a `kid` gets its thumbprint
    /// (RFC 7638) for one. Without keys and without another issuer it gets a secret.
    #[schema(value_type = Option<Object>)]
    jwks: Option<SentKeys>,
    /// Whether its tokens must be bound to a key by DPoP (RFC 9449 section 5.2).
    #[serde(default)]
    #[schema(default = false, example = false)]
    dpop_bound_access_tokens: bool,
    /// Whether its tokens must be bound to its certificate (RFC 8705 section 3.4).
    #[serde(default)]
    #[schema(default = false, example = false)]
    tls_client_certificate_bound_access_tokens: bool,
    /// Networks (CIDR) and addresses that it may call from; none for any.
    #[serde(default)]
    #[schema(example = json!([]), max_items = 100)]
    allowed_addresses: Vec<String>,
    /// The other issuer that it gets its tokens from; then it has neither keys nor a secret here.
    external: Option<External>,
}

/// A client as another issuer knows it.
#[derive(Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct External {
    /// The issuer's name in the configuration.
    #[schema(example = "keycloak", max_length = 64)]
    issuer: String,
    /// What its tokens call the client.
    #[schema(example = "treasury-warehouse", min_length = 1, max_length = 200)]
    subject: String,
}

/// A change to a client; what is left out stays.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientTerms {
    /// Whether its tokens must be bound to a key by DPoP (RFC 9449 section 5.2).
    #[schema(example = false)]
    dpop_bound_access_tokens: Option<bool>,
    /// Whether its tokens must be bound to its certificate (RFC 8705 section 3.4).
    #[schema(example = false)]
    tls_client_certificate_bound_access_tokens: Option<bool>,
    /// Networks (CIDR) and addresses that it may call from; none for any. Not with the others.
    #[schema(max_items = 100)]
    allowed_addresses: Option<Vec<String>>,
}

/// A key of a client.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ClientKey {
    /// Its id; its thumbprint, if it came without one.
    #[schema(example = "2026-07")]
    kid: Option<String>,
    /// Its thumbprint (RFC 7638).
    #[schema(example = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]
    thumbprint: Option<String>,
    /// When it ends: RFC 3339, UTC.
    ends_at: Option<String>,
}

/// A client.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ClientView {
    /// Its OAuth2 `client_id`.
    client_id: ClientId,
    /// Whose client it is.
    institution: InstitutionId,
    /// Its secret, shown this once; none if it has keys or another issuer, or when a call is repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    /// Its name.
    #[schema(example = "treasury-warehouse")]
    name: String,
    /// What kind of program it is.
    kind: ClientKind,
    /// What it may do.
    scopes: Vec<Scope>,
    /// How it authenticates: `private_key_jwt`, `client_secret_basic`, or to another issuer (`external_issuer`).
    #[schema(example = "client_secret_basic")]
    auth_method: &'static str,
    /// Its keys, if it has any.
    keys: Vec<ClientKey>,
    /// Until when its secret of before counts.
    pub old_secret_until: Option<String>,
    /// Whether its tokens must be bound to a key by DPoP (RFC 9449 section 5.2).
    #[schema(example = false)]
    dpop_bound_access_tokens: bool,
    /// Whether its tokens must be bound to its certificate (RFC 8705 section 3.4).
    #[schema(example = false)]
    tls_client_certificate_bound_access_tokens: bool,
    /// Networks (CIDR) and addresses that it may call from; none for any.
    #[schema(example = json!(["192.0.2.0/24"]))]
    allowed_addresses: Vec<String>,
    /// The other issuer that it gets its tokens from.
    external: Option<External>,
    /// When it was made: RFC 3339, UTC.
    #[schema(example = "2026-01-05T09:30:00.000000Z")]
    created_at: String,
    /// When it was revoked.
    revoked_at: Option<String>,
}

/// Clients of an institution, by id.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ClientList {
    /// The clients, revoked ones included.
    data: Vec<ClientView>,
    /// Give this as `after` to get more; none when there are no more.
    next_after: Option<ClientId>,
}

impl ClientList {
    /// A page of at most so many rows.
    #[must_use]
    pub fn of(data: Vec<ClientView>, page: i64) -> Self {
        let next_after = data.last().filter(|_| data.len() as i64 == page).map(|last| last.client_id);
        Self { data, next_after }
    }
}

/// The keys of a set, as they are shown.
fn keys(jwks: &str) -> Vec<ClientKey> {
    let all = jwk::named(jwks).unwrap_or_default().into_iter();
    all.map(|key| ClientKey {
        kid: key["kid"].as_str().map(ToOwned::to_owned),
        thumbprint: jwk::thumbprint(&key),
        ends_at: key["exp"].as_i64().map(|exp| rfc3339(exp.saturating_mul(1_000_000))),
    })
    .collect()
}

impl TryFrom<clients::Client> for ClientView {
    type Error = Problem;

    fn try_from(row: clients::Client) -> Result<Self, Problem> {
        let auth_method = match (&row.external_issuer, &row.jwks) {
            (Some(_), _) => "external_issuer",
            (None, Some(_)) => "private_key_jwt",
            (None, None) => "client_secret_basic",
        };
        Ok(Self {
            client_id: ClientId::from_uuid(row.id),
            institution: InstitutionId::from_uuid(row.institution_id),
            client_secret: None,
            auth_method,
            name: row.name,
            kind: ClientKind::parse(&row.kind)
                .ok_or_else(|| Problem::internal("an unknown kind of client"))?,
            scopes: Scope::parse_list(&row.scopes).map_err(Problem::internal)?,
            keys: row.jwks.as_deref().map(keys).unwrap_or_default(),
            old_secret_until: row.old_secret_until_us.map(rfc3339),
            dpop_bound_access_tokens: row.dpop_bound,
            tls_client_certificate_bound_access_tokens: row.certificate_bound,
            allowed_addresses: shown_networks(&row.allowed_addresses),
            external: row
                .external_issuer
                .zip(row.external_subject)
                .map(|(issuer, subject)| External { issuer, subject }),
            created_at: rfc3339(row.created_at_us),
            revoked_at: row.revoked_at_us.map(rfc3339),
        })
    }
}

/// Adds a client to an institution.
#[utoipa::path(
    operation_id = "createClient", tag = "admin",
    params(
        ("id" = InstitutionId, Path, description = "The institution."),
        ("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one, but without the secret; kept 24 hours."),
    ),
    request_body(content = NewClient, content_type = "application/json", example = json!({"name": "treasury-warehouse", "scopes": ["accounts:read", "transactions:read"]})),
    responses(
        (status = 201, description = "The client; its secret is shown this once.", body = ClientView),
        (status = 409, description = "Another client is registered for this issuer and subject.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["admin"]))
)]
#[post("/admin/v1/institutions/{id}/clients")]
pub async fn create(permit: Permit<Administer>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let institution = existing(&state, permit.path("id")?).await?;
    let (new, idempotency): (NewClient, _) = permit.json_once(BODY_MAX).await?;
    check_name(&new.name)?;
    let allowed = ClientKind::System.allowed();
    if let Some(scope) = new.scopes.iter().find(|scope| !allowed.contains(scope)) {
        let detail = format!("an institution's system cannot have the scope {}", scope.as_str());
        return Err(Problem::new(Code::Refused, detail));
    }
    if new.scopes.is_empty() {
        return Err(Problem::new(Code::Refused, "scopes: at least one"));
    }
    let refused = |detail: String| Problem::new(Code::Refused, format!("jwks: {detail}"));
    let jwks = new.jwks.as_ref().map(public_keys).transpose().map_err(refused)?;
    if let Some(External { issuer, subject }) = &new.external {
        if jwks.is_some() {
            return Err(Problem::new(Code::Refused, "external: a client of another issuer has no keys here"));
        }
        if !state.door.issuers.has(issuer) {
            return Err(Problem::new(Code::Refused, "external: the configuration names no such issuer"));
        }
        if !can_be_registered(subject) {
            let detail = "external: subject has 1 to 200 characters, none of them a control character";
            return Err(Problem::new(Code::Refused, detail));
        }
    }
    let order = ClientOrder {
        institution,
        name: new.name,
        kind: ClientKind::System,
        scopes: Scope::each_once(new.scopes),
        reach: "own".to_owned(),
        jwks: jwks.map(|jwks| jwks.to_string()),
        terms: Terms {
            dpop_bound: new.dpop_bound_access_tokens,
            certificate_bound: new.tls_client_certificate_bound_access_tokens,
            allowed_addresses: stored_networks(&new.allowed_addresses)?,
            external: new.external.map(|external| (external.issuer, external.subject)),
        },
    };
    let made = enrol(&state.door.recorder, state.world(), permit.by(), order, idempotency).await?;
    let row = clients::get(&mut state.directory().await?, made.id).await?.ok_or_else(Problem::not_found)?;
    let view = ClientView { client_secret: made.secret, ..row.try_into()? };
    permit.answer(Answer::json(&view)?.status(StatusCode::CREATED).changed(made.changed)).await
}

/// An institution's clients.
#[utoipa::path(
    operation_id = "listClients", tag = "admin",
    params(
        ("id" = InstitutionId, Path, description = "The institution."),
        ("after" = Option<ClientId>, Query, description = "`next_after` of the page before."),
    ),
    responses((status = 200, description = "Up to 100 clients.", body = ClientList)),
    security(("oauth2" = ["admin"]))
)]
#[get("/admin/v1/institutions/{id}/clients")]
pub async fn list(permit: Permit<Administer>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["after"])?;
    let institution = existing(&state, permit.path("id")?).await?;
    let rows =
        clients::page(&mut state.directory().await?, institution, params.parse("after")?, PAGE).await?;
    let data: Vec<ClientView> = rows.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
    permit.answer(Answer::json(&ClientList::of(data, PAGE))?).await
}

/// One client.
#[utoipa::path(
    operation_id = "getClient", tag = "admin",
    params(("id" = ClientId, Path, description = "The client.")),
    responses((status = 200, description = "The client.", body = ClientView)),
    security(("oauth2" = ["admin"]))
)]
#[get("/admin/v1/clients/{id}")]
pub async fn get(permit: Permit<Administer>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let id: ClientId = permit.path("id")?;
    let row = clients::get(&mut state.directory().await?, id).await?.ok_or_else(Problem::not_found)?;
    permit.answer(Answer::json(&ClientView::try_from(row)?)?).await
}

/// Changes what a client's tokens must be bound to, or from where it may call. It counts at once.
#[utoipa::path(
    operation_id = "changeClient", tag = "admin",
    params(("id" = ClientId, Path, description = "The client.")),
    request_body(content = ClientTerms, content_type = "application/json", example = json!({"dpop_bound_access_tokens": false})),
    responses(
        (status = 200, description = "The client as it is now.", body = ClientView),
        (status = 409, description = "It is revoked.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["admin"]))
)]
#[patch("/admin/v1/clients/{id}")]
pub async fn change(permit: Permit<Administer>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let client: ClientId = permit.path("id")?;
    let terms: ClientTerms = permit.json(BODY_MAX).await?;
    let (dpop, certificate) =
        (terms.dpop_bound_access_tokens, terms.tls_client_certificate_bound_access_tokens);
    let what = match terms.allowed_addresses {
        Some(_) if dpop.is_some() || certificate.is_some() => {
            let detail = "change the addresses, or what tokens are bound to, one at a time";
            return Err(Problem::new(Code::Refused, detail));
        }
        Some(wanted) => ClientChange::AllowAddresses(stored_networks(&wanted)?),
        None if dpop.is_none() && certificate.is_none() => {
            return Err(Problem::new(Code::Refused, "say what is to be changed"));
        }
        None => ClientChange::Bind(dpop, certificate),
    };
    let change = Change::AlterClient(Box::new(Alteration { client, own: None, what }));
    let door = state.door.clone().into_inner();
    let changed = door.change_client(permit.by(), client, change, None).await?;
    let row = clients::get(&mut state.directory().await?, client).await?.ok_or_else(Problem::not_found)?;
    permit.answer(Answer::json(&ClientView::try_from(row)?)?.changed(changed)).await
}

/// Revokes a client; its tokens are worth nothing at once.
#[utoipa::path(
    operation_id = "revokeClient", tag = "admin",
    params(("id" = ClientId, Path, description = "The client.")),
    responses(
        (status = 200, description = "The client as it is now.", body = ClientView),
        (status = 409, description = "It was revoked before.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["admin"]))
)]
#[delete("/admin/v1/clients/{id}")]
pub async fn revoke(permit: Permit<Administer>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let id: ClientId = permit.path("id")?;
    let door = state.door.clone().into_inner();
    let changed = door.change_client(permit.by(), id, Change::RevokeClient(id), None).await?;
    let row = clients::get(&mut state.directory().await?, id).await?.ok_or_else(Problem::not_found)?;
    permit.answer(Answer::json(&ClientView::try_from(row)?)?.changed(changed)).await
}

async fn existing(state: &State, id: InstitutionId) -> Result<InstitutionId, Problem> {
    let row = institutions::get(&mut state.directory().await?, id).await?;
    row.filter(|row| row.role == "institution").map(|_| id).ok_or_else(Problem::not_found)
}
