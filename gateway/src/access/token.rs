//! Access tokens: JWTs by RFC 9068, signed with EdDSA, five minutes long.
//!
//! The algorithm is the key's, never the header's; `jku`, `x5u` and `jwk` headers are ignored. A header
//! that names what must be understood (`crit`, RFC 7515 section 4.1.11) is refused: nothing of it is.
//! Every claim is required and checked here, because the library checks neither `nbf` nor the
//! presence of `iss` and `aud` by itself. Verified tokens are cached by their hash for a minute at
//! most, and dropped on revocation; for 5 s only while revocations by other replicas are not heard.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Caller, binding::Confirmation};
use crate::{
    domain::{Actor, ClientId, InstitutionId, Scope},
    keys::Seed,
    world::{World, random},
};

/// How long an access token is valid.
pub const LIFETIME_S: i64 = 300;
/// How far a clock may run ahead of ours.
pub const SKEW_S: i64 = 10;
/// How long a verdict is believed by who hears of every revocation.
const CACHED_US: i64 = 60_000_000;
/// How long it is believed by who may not.
const CACHED_DEAF_US: i64 = 5_000_000;
/// Verdicts kept.
const CACHE: usize = 20_000;
/// A token longer than this is not read.
pub(super) const TOKEN_MAX: usize = 8192;
const TYPE: &str = "at+jwt";

/// What a token says (RFC 9068 section 2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The issuer.
    pub iss: String,
    /// The client.
    pub sub: ClientId,
    /// The client again, as RFC 9068 wants it.
    pub client_id: ClientId,
    /// The audience: this API.
    pub aud: String,
    /// Seconds since the Unix epoch.
    pub iat: i64,
    /// Seconds since the Unix epoch.
    pub nbf: i64,
    /// Seconds since the Unix epoch.
    pub exp: i64,
    /// The token's own id.
    pub jti: String,
    /// Scopes, separated by spaces.
    pub scope: String,
    /// Whose client it is.
    pub institution: InstitutionId,
    /// What it is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
}

/// Why a token is not believed; told to nobody but our log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// It is no JWT of ours, or its signature is wrong.
    #[error("malformed or not signed by us")]
    Signature,
    /// It is not of type `at+jwt`.
    #[error("not an access token")]
    Type,
    /// It is for somebody else or from somebody else.
    #[error("another issuer or audience")]
    Audience,
    /// It has expired.
    #[error("expired")]
    Expired,
    /// It is not valid yet.
    #[error("not valid yet")]
    Early,
}

/// What a token was found to say: who calls, and what it is bound to.
#[derive(Clone, Debug)]
pub struct Believed {
    /// Who calls.
    pub caller: Caller,
    /// What it is bound to; held against each request.
    pub confirmation: Confirmation,
}

struct Verdict {
    believed: Believed,
    jti: String,
    exp: i64,
    formed_us: i64,
}

/// The public half of a key that signs, signed or will sign tokens.
struct Verifying {
    decoding: DecodingKey,
    kid: String,
    public: [u8; 32],
}

impl Verifying {
    fn of(seed: &Seed) -> Self {
        let public = ed25519_dalek::SigningKey::from_bytes(seed.expose()).verifying_key().to_bytes();
        let x = URL_SAFE_NO_PAD.encode(public);
        // RFC 7638: the thumbprint of the key's required members in order.
        let thumb = Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
        Self { decoding: DecodingKey::from_ed_der(&public), kid: URL_SAFE_NO_PAD.encode(thumb), public }
    }

    fn jwk(&self) -> serde_json::Value {
        serde_json::json!({
            "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(self.public),
            "kid": self.kid, "use": "sig", "alg": "EdDSA",
        })
    }
}

/// Since when verdicts are void, by the generation: one that was formed before is not kept after.
#[derive(Default)]
struct Void {
    /// Counts what made verdicts void.
    generation: u64,
    /// Since when every verdict of before is.
    all: u64,
    /// Since when those on a client's tokens are. No more clients than verdicts: beyond that, all are void.
    of: HashMap<Actor, u64>,
}

/// The verdicts, and since when earlier ones are void.
#[derive(Default)]
struct Verdicts {
    kept: HashMap<[u8; 32], Verdict>,
    void: Void,
}

/// Makes and believes access tokens.
pub struct Tokens {
    issuer: String,
    audience: String,
    /// What signs.
    encoding: EncodingKey,
    /// What is believed: the key that signs, and those of before or after it.
    keys: Vec<Verifying>,
    verdicts: Mutex<Verdicts>,
    revoked: Mutex<HashSet<String>>,
    /// How long a verdict is believed, in microseconds.
    believed_us: AtomicI64,
}

impl Tokens {
    /// Tokens of an issuer for an audience: signed with the first key, believed by any.
    #[must_use]
    pub fn new(signing: &Seed, others: &[Seed], issuer: &str, audience: &str) -> Self {
        let all = std::iter::once(signing).chain(others);
        Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            encoding: EncodingKey::from_ed_der(&signing.pkcs8()),
            keys: all.map(Verifying::of).collect(),
            verdicts: Mutex::default(),
            revoked: Mutex::default(),
            believed_us: AtomicI64::new(CACHED_US),
        }
    }

    /// Who issues.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The public keys as a JWK set (RFC 7517); the first one signs.
    pub fn jwks(&self) -> serde_json::Value {
        serde_json::json!({"keys": self.keys.iter().map(Verifying::jwk).collect::<Vec<_>>()})
    }

    /// Issues a token.
    ///
    /// # Errors
    /// When signing fails.
    pub fn issue(
        &self,
        world: &dyn World,
        client: ClientId,
        institution: InstitutionId,
        scopes: &[Scope],
        confirmation: Confirmation,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let now = world.now_us().div_euclid(1_000_000);
        let claims = Claims {
            iss: self.issuer.clone(),
            sub: client,
            client_id: client,
            aud: self.audience.clone(),
            iat: now,
            nbf: now,
            exp: now + LIFETIME_S,
            jti: URL_SAFE_NO_PAD.encode(random::<16>(world)),
            scope: Scope::join(scopes),
            institution,
            cnf: (!confirmation.is_empty()).then_some(confirmation),
        };
        let header = Header {
            typ: Some(TYPE.to_owned()),
            kid: self.keys.first().map(|key| key.kid.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        jsonwebtoken::encode(&header, &claims, &self.encoding)
    }

    /// Whom tokens are for.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// The type and the claims of a token that is signed with our key, whatever else is wrong with it.
    /// It is not to be believed for that.
    #[must_use]
    pub fn signed(&self, token: &str) -> Option<(Option<String>, serde_json::Value)> {
        if token.len() > TOKEN_MAX {
            return None;
        }
        // A token without a `kid` is held against the key that signs.
        let header = jsonwebtoken::decode_header(token).ok()?;
        if header.crit.is_some() {
            return None;
        }
        let key = self.keys.iter().find(|key| header.kid.as_ref().is_none_or(|kid| *kid == key.kid))?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let data = jsonwebtoken::decode(token, &key.decoding, &validation).ok()?;
        Some((data.header.typ, data.claims))
    }

    /// What a token says, if it is ours, for us, and valid now.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn verify(&self, world: &dyn World, token: &str) -> Result<Claims, TokenFault> {
        let (typ, claims) = self.signed(token).ok_or(TokenFault::Signature)?;
        // One that lacks a claim is none of ours.
        let claims = serde_json::from_value::<Claims>(claims).map_err(|_| TokenFault::Signature)?;
        if !is_access_token(typ.as_deref()) {
            return Err(TokenFault::Type);
        }
        if claims.iss != self.issuer || claims.aud != self.audience || claims.sub != claims.client_id {
            return Err(TokenFault::Audience);
        }
        let now = world.now_us().div_euclid(1_000_000);
        if claims.exp <= now {
            return Err(TokenFault::Expired);
        }
        if claims.nbf > now + SKEW_S || claims.iat > now + SKEW_S {
            return Err(TokenFault::Early);
        }
        Ok(claims)
    }

    /// Says whether every revocation is heard of: there is no other replica, or its news is heard.
    pub fn hears(&self, everything: bool) {
        let believed_us = if everything { CACHED_US } else { CACHED_DEAF_US };
        self.believed_us.store(believed_us, Ordering::SeqCst);
    }

    /// What a token says that was verified less than a minute ago, or less than 5 s if
    /// revocations are not heard of.
    pub fn cached(&self, world: &dyn World, token: &str) -> Option<Believed> {
        let now_us = world.now_us();
        let verdicts = self.verdicts();
        let verdict = verdicts.kept.get(&key(token))?;
        let until_us = verdict.formed_us.saturating_add(self.believed_us.load(Ordering::SeqCst));
        let valid = now_us < until_us && now_us.div_euclid(1_000_000) < verdict.exp;
        valid.then(|| verdict.believed.clone())
    }

    /// To be read before a verdict is formed, and given to [`keep`](Self::keep).
    pub fn generation(&self) -> u64 {
        self.verdicts().void.generation
    }

    fn verdicts(&self) -> MutexGuard<'_, Verdicts> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a verdict on a token with this `jti` and expiry, unless the token was revoked, or its client
    /// changed, since `generation`.
    pub fn keep(
        &self,
        world: &dyn World,
        token: &str,
        (jti, exp): (&str, i64),
        believed: Believed,
        generation: u64,
    ) {
        let revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        if revoked.contains(jti) {
            return;
        }
        let formed_us = world.now_us();
        let mut verdicts = self.verdicts();
        let void = verdicts.void.of.get(&believed.caller.actor).copied().unwrap_or_default();
        if void.max(verdicts.void.all) > generation {
            return;
        }
        if verdicts.kept.len() >= CACHE {
            verdicts.kept.clear();
        }
        let verdict = Verdict { believed, jti: jti.to_owned(), exp, formed_us };
        verdicts.kept.insert(key(token), verdict);
    }

    /// Drops the verdict on a revoked token.
    pub fn revoke(&self, jti: &str) {
        let mut revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        if revoked.len() >= CACHE {
            // The database still knows them; this set only closes the gap while a verdict is made.
            revoked.clear();
        }
        revoked.insert(jti.to_owned());
        self.verdicts().kept.retain(|_, verdict| verdict.jti != jti);
    }

    /// Drops the verdicts on a client's tokens, after it changed. Nobody else's callers notice.
    pub fn forget_client(&self, client: ClientId) {
        let client = Actor::Client(client);
        let mut verdicts = self.verdicts();
        verdicts.kept.retain(|_, verdict| verdict.believed.caller.actor != client);
        let void = &mut verdicts.void;
        void.generation += 1;
        if void.of.len() >= CACHE {
            void.of.clear();
            void.all = void.generation;
        }
        void.of.insert(client, void.generation);
    }

    /// Drops every verdict, after an institution changed or when news was missed.
    pub fn forget_verdicts(&self) {
        let mut verdicts = self.verdicts();
        verdicts.kept.clear();
        let void = &mut verdicts.void;
        void.generation += 1;
        void.all = void.generation;
        void.of.clear();
    }
}

/// Whether a header's `typ` is that of access tokens (RFC 9068 section 2.1).
#[must_use]
pub fn is_access_token(typ: Option<&str>) -> bool {
    typ.is_some_and(|typ| typ.eq_ignore_ascii_case(TYPE) || typ.eq_ignore_ascii_case("application/at+jwt"))
}

fn key(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{access::caller::Reach, domain::ClientKind, world::At};

    const NOW_US: i64 = 1_800_000_000_000_000;

    fn tokens() -> Tokens {
        Tokens::new(&Seed::known(), &[], "https://a.example", "https://a.example")
    }

    /// A token of a client, and what it is found to say.
    fn token_of(tokens: &Tokens, world: &At, client: u8) -> (String, Claims, Believed) {
        let (client, home) = (ClientId::from_parts(1, [client; 10]), InstitutionId::from_parts(1, [2; 10]));
        let token = tokens.issue(world, client, home, &[], Confirmation::default()).unwrap();
        let claims = tokens.verify(world, &token).unwrap();
        let caller = Caller {
            actor: Actor::Client(client),
            home,
            kind: ClientKind::System,
            scopes: Vec::new(),
            reach: Reach::Own,
            plan: "p".to_owned(),
            networks: Default::default(),
        };
        (token, claims, Believed { caller, confirmation: Confirmation::default() })
    }

    #[test]
    fn a_verdict_is_believed_for_a_minute_by_who_hears_of_revocations_and_for_5_s_by_who_does_not() {
        let (world, tokens) = (At(AtomicI64::new(NOW_US)), tokens());
        let (token, claims, believed) = token_of(&tokens, &world, 1);
        tokens.keep(&world, &token, (&claims.jti, claims.exp), believed, tokens.generation());
        let is_believed = |after_ms: i64| {
            world.0.store(NOW_US + after_ms * 1_000, Ordering::SeqCst);
            tokens.cached(&world, &token).is_some()
        };
        assert!(is_believed(0) && is_believed(59_999) && !is_believed(60_000));
        // The verdicts that there are count as well.
        tokens.hears(false);
        assert!(is_believed(4_999) && !is_believed(5_000));
        tokens.hears(true);
        assert!(is_believed(5_000));
        tokens.revoke(&claims.jti);
        assert!(!is_believed(5_000));
    }

    #[test]
    fn a_change_of_a_client_makes_void_what_is_known_of_it_and_of_nobody_else() {
        let (world, tokens) = (At(AtomicI64::new(NOW_US)), tokens());
        let all = [1, 2].map(|client| token_of(&tokens, &world, client));
        let [changed, other] = [0, 1].map(|index| all[index].1.sub);
        let keep = |index: usize, generation| {
            let (token, claims, believed) = &all[index];
            tokens.keep(&world, token, (&claims.jti, claims.exp), believed.clone(), generation);
        };
        let are_known = || [0, 1].map(|index| tokens.cached(&world, &all[index].0).is_some());
        let before = tokens.generation();
        keep(0, before);
        keep(1, before);
        tokens.forget_client(changed);
        assert_eq!(are_known(), [false, true]);
        // Nor is a verdict kept that was being formed meanwhile.
        keep(0, before);
        assert_eq!(are_known(), [false, true]);
        keep(0, tokens.generation());
        assert_eq!(are_known(), [true, true]);
        tokens.forget_client(other);
        assert_eq!(are_known(), [true, false]);
        // It is as true after more changes than are remembered one by one.
        let before = tokens.generation();
        tokens.forget_client(changed);
        for index in 0..=CACHE as u64 {
            tokens.forget_client(ClientId::from_parts(index, [9; 10]));
        }
        keep(0, before);
        assert_eq!(are_known(), [false, false]);
        keep(0, tokens.generation());
        keep(1, tokens.generation());
        assert_eq!(are_known(), [true, true]);
        let before = tokens.generation();
        tokens.forget_verdicts();
        keep(0, before);
        assert_eq!(are_known(), [false, false]);
    }
}
