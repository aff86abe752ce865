//! What is changed of a client after it was made: its keys, its secret, what its tokens are bound to and
//! from where it may call. An institution does so for its own clients, an operator for any.
//!
//! The entry says what changed; of keys it has the id and the thumbprint, of secrets nothing.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    batch::Batch,
    command::{Alteration, By, ClientChange, Receipt, RecordError},
    log::{OpenLog, unavailable},
};
use crate::{
    domain::{ClientKind, Tenant, id::InstitutionId, jwk},
    store::clients::{self, Client},
};

/// A client has this many keys at most.
const KEYS_MAX: usize = 10;

impl Batch<'_> {
    /// Changes a client and records it; nothing is recorded when nothing changes.
    pub(super) async fn alter_client(
        &mut self,
        kept: &mut BTreeMap<Tenant, OpenLog>,
        by: &By,
        alteration: Alteration,
    ) -> Result<Option<Receipt>, RecordError> {
        let client = clients::get(self.connection, alteration.client).await.map_err(unavailable)?;
        let mut client = client.ok_or(RecordError::Missing("client"))?;
        let institution = InstitutionId::from_uuid(client.institution_id);
        // Feeders and operators are the provider's, and changed by operators alone.
        let is_theirs = |own| own == institution && client.kind == ClientKind::System.as_str();
        if !alteration.own.is_none_or(is_theirs) {
            return Err(RecordError::Missing("client"));
        }
        if client.revoked_at_us.is_some() {
            return Err(RecordError::Conflict("the client is revoked"));
        }
        self.log(kept, Tenant::vouched(institution)).await?;
        let before = client.clone();
        let (action, said) = apply(&mut client, alteration.what, self.now_us)?;
        if client == before {
            return Ok(None);
        }
        clients::update(self.connection, &client).await.map_err(unavailable)?;
        self.record_client(kept, by, &client, (action, Some(said))).await.map(Some)
    }
}

/// Changes the row; what the entry says of it, in canonical form.
fn apply(client: &mut Client, what: ClientChange, now_us: i64) -> Result<(&'static str, Value), RecordError> {
    let now_s = now_us.div_euclid(1_000_000);
    let concerns_proof = !matches!(what, ClientChange::AllowAddresses(_) | ClientChange::Bind(..));
    if concerns_proof && client.external_issuer.is_some() {
        let why = "the client proves itself to another issuer: it has neither keys nor a secret here";
        return Err(RecordError::Conflict(why));
    }
    Ok(match what {
        ClientChange::AddKey(key) => {
            let mut keys = keys_of(client)?;
            keys.retain(|key| !has_ended(key, now_s));
            if keys.iter().any(|there| there["kid"] == key["kid"]) {
                return Err(RecordError::Conflict("the client has a key with this kid already"));
            }
            if keys.iter().any(|there| jwk::thumbprint(there) == jwk::thumbprint(&key)) {
                return Err(RecordError::Conflict("the client has this key already, with another kid"));
            }
            if keys.len() >= KEYS_MAX {
                return Err(RecordError::Conflict("the client has as many keys as it can have"));
            }
            let said = name_of(&key);
            keys.push(key);
            client.jwks = Some(json!({"keys": keys}).to_string());
            ("client.add_key", said)
        }
        ClientChange::EndKey(kid, until_s) => {
            let mut keys = keys_of(client)?;
            let place = keys.iter().position(|key| key["kid"] == kid.as_str() && !has_ended(key, now_s));
            let place = place.ok_or(RecordError::Missing("key"))?;
            if !keys.iter().enumerate().any(|(index, key)| index != place && key.get("exp").is_none()) {
                let why = "the client's last key can't end; add another first, or have the client revoked";
                return Err(RecordError::Conflict(why));
            }
            let said = json!({
                "at": until_s.unwrap_or(now_s).max(now_s),
                "kid": kid,
                "thumbprint": jwk::thumbprint(&keys[place]),
            });
            match until_s.filter(|until_s| *until_s > now_s) {
                Some(until_s) => keys[place]["exp"] = until_s.into(),
                None => drop(keys.remove(place)),
            }
            client.jwks = Some(json!({"keys": keys}).to_string());
            ("client.end_key", said)
        }
        ClientChange::RotateSecret(sha256, until_us) => {
            let old = client.secret_sha256.replace(sha256.to_vec());
            let Some(old) = old else {
                return Err(RecordError::Conflict("the client has keys and no secret"));
            };
            client.old_secret_sha256 = Some(old);
            client.old_secret_until_us = Some(until_us);
            ("client.rotate_secret", json!({"old_until": until_us.div_euclid(1_000_000)}))
        }
        ClientChange::AllowAddresses(networks) => {
            let said = json!({"allowed_addresses": networks});
            client.allowed_addresses = networks;
            ("client.allow_addresses", said)
        }
        ClientChange::Bind(dpop, certificate) => {
            client.dpop_bound = dpop.unwrap_or(client.dpop_bound);
            client.certificate_bound = certificate.unwrap_or(client.certificate_bound);
            let said = json!({
                "certificate_bound": client.certificate_bound,
                "dpop_bound": client.dpop_bound,
            });
            ("client.bind", said)
        }
    })
}

fn keys_of(client: &Client) -> Result<Vec<Value>, RecordError> {
    let Some(jwks) = &client.jwks else {
        return Err(RecordError::Conflict("the client has a secret and no keys"));
    };
    jwk::named(jwks).ok_or(RecordError::Conflict("the client's keys cannot be read"))
}

/// What an entry says of a key.
pub(super) fn name_of(key: &Value) -> Value {
    json!({"kid": key["kid"], "thumbprint": jwk::thumbprint(key)})
}

fn has_ended(key: &Value, now_s: i64) -> bool {
    key["exp"].as_i64().is_some_and(|exp| exp <= now_s)
}
