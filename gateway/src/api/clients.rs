//! `/v1/clients`: an institution's own clients: their keys, their secrets, and from where they may call.
//!
//! An institution changes its own systems' clients and no others; making and revoking them is the provider's. Each
//! change is an entry on the institution's log and on the provider's. Of secrets neither has anything, of
//! keys their ids and thumbprints. What changes nothing is no entry.

use std::net::IpAddr;

use actix_web::{delete, get, post, put, web};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    State,
    admin::clients::{ClientList, ClientView},
    params::Params,
};
use crate::{
    access::{
        Answer, Permit, Recorded,
        assertion::public_keys,
        right::{ChangeClients, Right, SeeClients},
    },
    domain::{
        ClientId, ClientKind, InstitutionId,
        jwk::{SentKey, SentKeys},
        network::Network,
    },
    error::{Code, Problem},
    ledger::command::{Alteration, Change, Changed, ClientChange},
    store::{clients, idempotency},
    world::random,
};

const BODY_MAX: usize = 64 * 1024;
/// Rows of a list.
const PAGE: i64 = 100;
/// Networks in an allow list.
const NETWORKS_MAX: usize = 100;
/// How long an old key or secret may go on beside the new one.
const OVERLAP_MAX_S: i64 = 90 * 24 * 3600;

/// How long the old secret goes on.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretRotation {
    /// Seconds that the old secret counts beside the new one; 0 ends it at once. 90 days at most.
    #[schema(example = 86400, minimum = 0, maximum = 7776000)]
    overlap_s: i64,
}

/// A new secret.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct NewSecret {
    /// The client.
    client_id: ClientId,
    /// The secret, shown this once; none when a call is repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Vq3…")]
    client_secret: Option<String>,
    /// Until when the old one counts: RFC 3339, UTC.
    #[schema(example = "2026-01-06T09:30:00.000000Z")]
    old_secret_until: Option<String>,
}

/// From where a client may call.
#[derive(Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AllowedAddresses {
    /// Networks (CIDR) and addresses, 100 at most; none for any.
    #[schema(example = json!(["127.0.0.0/8", "2001:db8::/32"]), max_items = 100)]
    allowed_addresses: Vec<String>,
}

/// The institution's clients.
#[utoipa::path(
    operation_id = "listOwnClients", tag = "clients",
    params(
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
        ("after" = Option<ClientId>, Query, description = "`next_after` of the page before."),
    ),
    responses((status = 200, description = "Up to 100 clients.", body = ClientList)),
    security(("oauth2" = ["clients:manage"]))
)]
#[get("/v1/clients")]
pub async fn list(permit: Permit<SeeClients>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["after"])?;
    let own = permit.tenant().id();
    let rows = clients::page(&mut state.directory().await?, own, params.parse("after")?, PAGE).await?;
    let data: Vec<ClientView> = rows.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
    permit.answer(Answer::json(&ClientList::of(data, PAGE))?).await
}

/// One of the institution's clients.
#[utoipa::path(
    operation_id = "getOwnClient", tag = "clients",
    params(
        ("id" = ClientId, Path, description = "The client."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses((status = 200, description = "The client.", body = ClientView)),
    security(("oauth2" = ["clients:manage"]))
)]
#[get("/v1/clients/{id}")]
pub async fn get(permit: Permit<SeeClients>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let view = load(&permit, &state, permit.path("id")?).await?;
    permit.answer(Answer::json(&view)?).await
}

/// Adds a public key, which counts at once. The old ones go on until they are taken away.
///
/// A client that has several keys names the one that it signs with in the header of its assertion (`kid`).
#[utoipa::path(
    operation_id = "addClientKey", tag = "clients",
    params(
        ("id" = ClientId, Path, description = "The client."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
        ("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one; kept 24 hours."),
    ),
    request_body(content = Object, description = "A public key as a JWK (RFC 7517): Ed25519, P-256 or RSA. Without a `kid` it gets its thumbprint (RFC 7638) for one.", content_type = "application/json", example = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "2026-07"})),
    responses(
        (status = 200, description = "The client as it is now.", body = ClientView),
        (status = 409, description = "It has this key or one with this `kid`, as many keys as it can have, a secret and no keys, or another issuer; or it is revoked.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["clients:manage"]))
)]
#[post("/v1/clients/{id}/keys")]
pub async fn add_key(permit: Permit<ChangeClients>, state: web::Data<State>) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let id = permit.path("id")?;
    let (key, idempotency): (SentKey, _) = permit.json_once(BODY_MAX).await?;
    // Somebody else's is not found, whatever the key is.
    load(&permit, &state, id).await?;
    let refused = |detail: String| Problem::new(Code::Refused, detail);
    let mut keys = public_keys(&SentKeys(vec![key])).map_err(refused)?;
    let change = ClientChange::AddKey(keys["keys"][0].take());
    let changed = alter(&permit, &state, id, change, idempotency).await?;
    let view = load(&permit, &state, id).await?;
    permit.answer(Answer::json(&view)?.changed(changed)).await
}

/// Lets a key end, now or at a time. A client's last key can't.
#[utoipa::path(
    operation_id = "endClientKey", tag = "clients",
    params(
        ("id" = ClientId, Path, description = "The client."),
        ("kid" = String, Path, description = "The key's `kid`.", pattern = "^[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,127}$"),
        ("expires_at" = Option<String>, Query, description = "When it ends: RFC 3339, within 90 days. Now unless told.", format = DateTime),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    responses(
        (status = 200, description = "The client as it is now.", body = ClientView),
        (status = 409, description = "It is the client's last key, or the client has a secret or another issuer and no keys, or is revoked.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`expires_at` is too far off.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["clients:manage"]))
)]
#[delete("/v1/clients/{id}/keys/{kid}")]
pub async fn end_key(permit: Permit<ChangeClients>, state: web::Data<State>) -> Result<Recorded, Problem> {
    let params = Params::read(permit.query(), &["expires_at"])?;
    let at: Option<jiff::Timestamp> = params.parse("expires_at")?;
    let until_s = at.map(jiff::Timestamp::as_second);
    let id = permit.path("id")?;
    load(&permit, &state, id).await?;
    let now_s = state.world().now_us().div_euclid(1_000_000);
    if until_s.is_some_and(|until_s| until_s > now_s + OVERLAP_MAX_S) {
        return Err(Problem::new(Code::Refused, "expires_at: within 90 days"));
    }
    let change = ClientChange::EndKey(permit.path("kid")?, until_s);
    let changed = alter(&permit, &state, id, change, None).await?;
    let view = load(&permit, &state, id).await?;
    permit.answer(Answer::json(&view)?.changed(changed)).await
}

/// Gives a client that has a secret another one. The old one counts for as long as told.
#[utoipa::path(
    operation_id = "rotateClientSecret", tag = "clients",
    params(
        ("id" = ClientId, Path, description = "The client."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
        ("Idempotency-Key" = Option<String>, Header, description = "Answers a repeated call as the first one, but without the secret; kept 24 hours."),
    ),
    request_body(content = SecretRotation, content_type = "application/json"),
    responses(
        (status = 200, description = "The secret, shown this once.", body = NewSecret),
        (status = 409, description = "The client has keys or another issuer and no secret, or is revoked.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["clients:manage"]))
)]
#[post("/v1/clients/{id}/rotate-secret")]
pub async fn rotate_secret(
    permit: Permit<ChangeClients>,
    state: web::Data<State>,
) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let id = permit.path("id")?;
    let (rotation, idempotency): (SecretRotation, _) = permit.json_once(BODY_MAX).await?;
    load(&permit, &state, id).await?;
    if !(0..=OVERLAP_MAX_S).contains(&rotation.overlap_s) {
        return Err(Problem::new(Code::Refused, format!("overlap_s: 0 to {OVERLAP_MAX_S}")));
    }
    let secret = URL_SAFE_NO_PAD.encode(random::<32>(state.world()));
    let until_us = state.world().now_us() + rotation.overlap_s * 1_000_000;
    let change = ClientChange::RotateSecret(Sha256::digest(secret.as_bytes()).into(), until_us);
    let changed = alter(&permit, &state, id, change, idempotency).await?;
    let view = load(&permit, &state, id).await?;
    let told = NewSecret {
        client_id: id,
        client_secret: (!changed.replayed).then_some(secret),
        old_secret_until: view.old_secret_until,
    };
    permit.answer(Answer::json(&told)?.changed(changed)).await
}

/// Says from where a client may call. It counts at once, for tokens that there are as well.
#[utoipa::path(
    operation_id = "putAllowedAddresses", tag = "clients",
    params(
        ("id" = ClientId, Path, description = "The client."),
        ("institution" = Option<InstitutionId>, Query, description = "For callers that serve several institutions: which one is meant."),
    ),
    request_body(content = AllowedAddresses, content_type = "application/json"),
    responses(
        (status = 200, description = "The client as it is now.", body = ClientView),
        (status = 409, description = "The client is revoked.", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["clients:manage"]))
)]
#[put("/v1/clients/{id}/allowed-addresses")]
pub async fn put_allowed_addresses(
    permit: Permit<ChangeClients>,
    state: web::Data<State>,
) -> Result<Recorded, Problem> {
    Params::read(permit.query(), &[])?;
    let id = permit.path("id")?;
    let wanted: AllowedAddresses = permit.json(BODY_MAX).await?;
    load(&permit, &state, id).await?;
    let change = ClientChange::AllowAddresses(stored_networks(&wanted.allowed_addresses)?);
    let changed = alter(&permit, &state, id, change, None).await?;
    let view = load(&permit, &state, id).await?;
    permit.answer(Answer::json(&view)?.changed(changed)).await
}

/// Networks as they are stored.
///
/// # Errors
/// 422, naming the one that is none.
pub(super) fn stored_networks(wanted: &[String]) -> Result<String, Problem> {
    let refused = |detail: String| Problem::new(Code::Refused, format!("allowed_addresses: {detail}"));
    if wanted.len() > NETWORKS_MAX {
        return Err(refused(format!("{NETWORKS_MAX} at most")));
    }
    let read = |text: &String| {
        text.parse::<Network>().map(|network| network.to_string()).map_err(|_| {
            let why = "is neither an address nor a network without bits beyond its prefix";
            refused(format!("{:?} {why}", text.chars().take(64).collect::<String>()))
        })
    };
    Ok(wanted.iter().map(read).collect::<Result<Vec<_>, _>>()?.join(" "))
}

/// One address, without its prefix where it is the whole of it, as it is shown.
pub(super) fn shown_networks(stored: &str) -> Vec<String> {
    let shown = |network: &str| match network.split_once('/') {
        Some((address, "32" | "128"))
            if address.parse::<IpAddr>().is_ok_and(|a| a.is_ipv4() == network.ends_with("/32")) =>
        {
            address.to_owned()
        }
        _ => network.to_owned(),
    };
    stored.split(' ').filter(|network| !network.is_empty()).map(shown).collect()
}

/// Changes a client of the institution, here and in what other replicas know of it.
async fn alter(
    permit: &Permit<ChangeClients>,
    state: &State,
    client: ClientId,
    what: ClientChange,
    idempotency: Option<idempotency::Key>,
) -> Result<Changed, Problem> {
    let own = Some(permit.tenant().id());
    let change = Change::AlterClient(Box::new(Alteration { client, own, what }));
    state.door.clone().into_inner().change_client(permit.by(), client, change, idempotency).await
}

/// A client of the institution; somebody else's is not found.
async fn load<R: Right>(permit: &Permit<R>, state: &State, id: ClientId) -> Result<ClientView, Problem> {
    let row = clients::get(&mut state.directory().await?, id).await?;
    let own = permit.tenant().uuid();
    let is_theirs =
        |row: &clients::Client| row.institution_id == own && row.kind == ClientKind::System.as_str();
    row.filter(is_theirs).ok_or_else(Problem::not_found)?.try_into()
}
