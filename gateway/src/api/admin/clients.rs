//! `/admin/v1/institutions/{id}/clients` and `/admin/v1/clients/{id}`: OAuth2 clients.

use actix_web::{delete, get, http::StatusCode, post, web};
use serde::{Deserialize, Serialize};

use super::{BODY_MAX, PAGE, check_name};
use crate::{
    access::{Answer, Door, Permit, Recorded, assertion::check_jwks, right::Administer},
    api::{State, params::Params},
    directory::{ClientOrder, enrol},
    domain::{ClientId, ClientKind, InstitutionId, Scope},
    error::{Code, Problem},
    ledger::command::Change,
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
    /// What it may do. A system can be given the `:read` scopes.
    #[schema(min_items = 1)]
    scopes: Vec<Scope>,
    /// Its public keys as a JWK set (RFC 7517): Ed25519, P-256 or RSA. Without them it gets a secret.
    #[schema(value_type = Option<Object>)]
    jwks: Option<serde_json::Value>,
}

/// A client.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ClientView {
    /// Its OAuth2 `client_id`.
    client_id: ClientId,
    /// Its secret, shown this once; none if it has keys, or when a call is repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    /// Its name.
    #[schema(example = "treasury-warehouse")]
    name: String,
    /// What kind of program it is.
    kind: ClientKind,
    /// What it may do.
    scopes: Vec<Scope>,
    /// How it authenticates: `private_key_jwt` or `client_secret_basic`.
    #[schema(example = "client_secret_basic")]
    auth_method: &'static str,
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

impl TryFrom<clients::Client> for ClientView {
    type Error = Problem;

    fn try_from(row: clients::Client) -> Result<Self, Problem> {
        Ok(Self {
            client_id: ClientId::from_uuid(row.id),
            client_secret: None,
            name: row.name,
            kind: ClientKind::parse(&row.kind)
                .ok_or_else(|| Problem::internal("an unknown kind of client"))?,
            scopes: Scope::parse_list(&row.scopes).map_err(Problem::internal)?,
            auth_method: if row.jwks.is_some() { "private_key_jwt" } else { "client_secret_basic" },
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
    responses((status = 201, description = "The client; its secret is shown this once.", body = ClientView)),
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
    if let Some(jwks) = &new.jwks {
        check_jwks(jwks).map_err(|detail| Problem::new(Code::Refused, format!("jwks: {detail}")))?;
    }
    let order = ClientOrder {
        institution,
        name: new.name,
        kind: ClientKind::System,
        scopes: new.scopes,
        reach: "own".to_owned(),
        jwks: new.jwks.map(|jwks| jwks.to_string()),
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
    let next_after = data.last().filter(|_| data.len() as i64 == PAGE).map(|last| last.client_id);
    permit.answer(Answer::json(&ClientList { data, next_after })?).await
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
    let (door, by) = (state.door.clone(), permit.by());
    let changed = Door::whole(async move {
        let changed = door.recorder.change(by, Change::RevokeClient(id), None).await?;
        door.callers_changed().await;
        Ok(changed)
    })
    .await?;
    let row = clients::get(&mut state.directory().await?, id).await?.ok_or_else(Problem::not_found)?;
    permit.answer(Answer::json(&ClientView::try_from(row)?)?.changed(changed)).await
}

async fn existing(state: &State, id: InstitutionId) -> Result<InstitutionId, Problem> {
    let row = institutions::get(&mut state.directory().await?, id).await?;
    row.filter(|row| row.role == "institution").map(|_| id).ok_or_else(Problem::not_found)
}
