//! Making clients and adding people, as the admin API, the command line and the demo do it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::{
    domain::{ClientId, ClientKind, InstitutionId, Role, Scope, UserId},
    ledger::{
        By, RecordError, Recorder,
        command::{Change, Changed, UserChange},
    },
    store::{clients::Client, idempotency, users::User},
    world::{World, id_parts, random},
};

/// A client to be made.
#[derive(Clone, Debug)]
pub struct ClientOrder {
    /// Whose client.
    pub institution: InstitutionId,
    /// Its name.
    pub name: String,
    /// What kind of program it is.
    pub kind: ClientKind,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// `own`, `all`, or institution ids separated by spaces.
    pub reach: String,
    /// Its public keys as a JWK set; without them and without another issuer it gets a secret.
    pub jwks: Option<String>,
    /// On what terms it may call.
    pub terms: Terms,
}

/// On what terms a client may call: as RFC 9449 section 5.2 and RFC 8705 section 3.4 name them, and more.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Whether its tokens must be bound to a key by DPoP.
    pub dpop_bound: bool,
    /// Whether its tokens must be bound to its certificate.
    pub certificate_bound: bool,
    /// Networks that it may call from, separated by spaces; empty for any.
    pub allowed_addresses: String,
    /// The other issuer that it gets tokens from, and what those call it.
    pub external: Option<(String, String)>,
}

/// A client that was made.
#[derive(Debug)]
pub struct Enrolled {
    /// Its id.
    pub id: ClientId,
    /// Its secret: 256 random bits, kept nowhere. None if it has keys or another issuer.
    pub secret: Option<String>,
    /// The provider's entry about it.
    pub changed: Changed,
}

/// Makes a client and records it.
///
/// # Errors
/// When there is no such institution, or it can't be recorded.
pub async fn enrol(
    recorder: &Recorder,
    world: &dyn World,
    by: By,
    order: ClientOrder,
    idempotency: Option<idempotency::Key>,
) -> Result<Enrolled, RecordError> {
    let (external_issuer, external_subject) = order.terms.external.unzip();
    let (ms, bytes) = id_parts(world);
    let id = ClientId::from_parts(ms, bytes);
    let has_secret = order.jwks.is_none() && external_issuer.is_none();
    let secret = has_secret.then(|| URL_SAFE_NO_PAD.encode(random::<32>(world)));
    let client = Client {
        id: id.uuid(),
        institution_id: order.institution.uuid(),
        name: order.name,
        kind: order.kind.as_str().to_owned(),
        scopes: Scope::join(&order.scopes),
        reach: order.reach,
        secret_sha256: secret.as_ref().map(|secret| Sha256::digest(secret.as_bytes()).to_vec()),
        jwks: order.jwks,
        created_at_us: world.now_us(),
        revoked_at_us: None,
        dpop_bound: order.terms.dpop_bound,
        certificate_bound: order.terms.certificate_bound,
        allowed_addresses: order.terms.allowed_addresses,
        old_secret_sha256: None,
        old_secret_until_us: None,
        external_issuer,
        external_subject,
    };
    let changed = recorder.change(by, Change::Enrol(Box::new(client)), idempotency).await?;
    if changed.replayed {
        // The client is the one that the first call made; its secret was told then and is kept nowhere.
        let first = changed.made.as_deref().and_then(|id| id.parse().ok()).unwrap_or(id);
        return Ok(Enrolled { id: first, secret: None, changed });
    }
    Ok(Enrolled { id, secret, changed })
}

/// How long the link is good by which a person sets a password: three days.
const LINK_US: i64 = 3 * 24 * 3600 * 1_000_000;

/// A person to be added.
#[derive(Clone, Debug)]
pub struct UserOrder {
    /// Whose employee; the provider for operators and regulators.
    pub home: InstitutionId,
    /// By which they sign in, as [`domain::email`](crate::domain::email) has it.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Their part.
    pub role: Role,
    /// Their password's hash, if they have one.
    pub password_hash: Option<String>,
}

/// Adds a person and records it.
///
/// # Errors
/// When there is no such home, or it does not fit the role, or somebody has the address.
pub async fn add_user(
    recorder: &Recorder,
    world: &dyn World,
    by: By,
    order: UserOrder,
) -> Result<UserId, RecordError> {
    let (ms, bytes) = id_parts(world);
    let id = UserId::from_parts(ms, bytes);
    let user = User {
        id: id.uuid(),
        institution_id: order.home.uuid(),
        email: order.email,
        name: order.name,
        role: order.role.as_str().to_owned(),
        password_hash: order.password_hash,
        invite_sha256: None,
        invite_until_us: None,
        totp_salt: None,
        totp_step: None,
        external_issuer: None,
        external_subject: None,
        created_at_us: world.now_us(),
        disabled_at_us: None,
    };
    recorder.change(by, Change::AddUser(Box::new(user)), None).await?;
    Ok(id)
}

/// Lets a person set a password: what the link must carry, once and for three days. It is kept nowhere.
///
/// # Errors
/// When there is no such person, or they are disabled.
pub async fn invite_user(
    recorder: &Recorder,
    world: &dyn World,
    by: By,
    id: UserId,
) -> Result<String, RecordError> {
    let token: [u8; 32] = random(world);
    let sha256 = Sha256::digest(token).into();
    let change = UserChange::Invite(sha256, world.now_us() + LINK_US);
    recorder.change(by, Change::AlterUser(id, change), None).await?;
    Ok(URL_SAFE_NO_PAD.encode(token))
}
