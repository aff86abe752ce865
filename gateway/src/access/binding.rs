//! What a token is bound to: a key, which a DPoP proof shows (RFC 9449), or a certificate, which the
//! connection does (RFC 8705).
//!
//! A proof is held against each request, also where the verdict on its token is a cached one. It is used up
//! once, in the database, as an assertion's `jti` is: the Redis that replicas share may forget, and a proof that
//! was forgotten would be good again. When the database can't be asked, nothing is answered.

use serde::{Deserialize, Serialize};

use super::{
    Caller, Context, Door,
    proof::{self, Proof, Request},
};
use crate::{
    domain::{Actor, ClientId, ClientKind, InstitutionId, Scope},
    error::{Code, Problem},
    store::clients::Client,
};

/// What a token is bound to (RFC 7800 `cnf`). A way that isn't known makes a token unreadable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// A key's thumbprint (RFC 9449 section 6.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I")]
    pub jkt: Option<String>,
    /// A certificate's thumbprint (RFC 8705 section 3.1).
    #[serde(rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    #[schema(example = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0")]
    pub x5t_s256: Option<String>,
}

/// How a token is presented.
#[derive(Clone, Copy, Debug)]
pub struct Presented<'a> {
    /// The token.
    pub token: &'a str,
    /// Whether it came by the scheme `DPoP`, and not `Bearer`.
    pub by_dpop: bool,
    /// The one `DPoP` header; none if there is none, or more than one.
    pub proof: Option<&'a str>,
}

impl Confirmation {
    /// `DPoP` or `Bearer`.
    #[must_use]
    pub fn token_type(&self) -> &'static str {
        if self.jkt.is_some() { "DPoP" } else { "Bearer" }
    }

    /// Whether it binds to nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.jkt.is_none() && self.x5t_s256.is_none()
    }
}

impl Door {
    /// Holds a proof against a request: its signature, its claims, and that it has a nonce of ours.
    ///
    /// # Errors
    /// A problem of `code`: `use_dpop_nonce`, or `invalid_dpop_proof` with what is wrong.
    pub fn check_proof(&self, context: &Context, code: Code, proof: Option<&str>) -> Result<Proof, Problem> {
        let invalid = |why: &str| Problem::new(code, why).oauth("invalid_dpop_proof");
        let proof = proof.ok_or_else(|| invalid("send one DPoP header with a proof"))?;
        let url = format!("{}{}", self.tokens.issuer(), context.path);
        let now_s = self.world.now_us().div_euclid(1_000_000);
        let request = Request { method: &context.method, url: &url };
        let proof = proof::verify(proof, request, now_s).map_err(invalid)?;
        if !proof.nonce.as_deref().is_some_and(|nonce| self.nonces.is_good(nonce, now_s)) {
            let detail = "make the proof again with the nonce of the DPoP-Nonce header";
            return Err(Problem::new(code, detail).oauth("use_dpop_nonce"));
        }
        Ok(proof)
    }

    /// Uses up a proof.
    ///
    /// # Errors
    /// A problem of `code` when it was used before; 503 when that can't be known.
    pub async fn use_proof(&self, code: Code, proof: &Proof) -> Result<(), Problem> {
        let until_us = proof.remember_until_s.saturating_mul(1_000_000);
        let fresh = self.recorder.use_proof(proof.once, until_us).await?;
        if fresh {
            return Ok(());
        }
        Err(Problem::new(code, "the proof was used before").oauth("invalid_dpop_proof"))
    }

    /// Holds what a token is bound to against how it came. The proof, if one is needed, is still to be used
    /// up.
    ///
    /// # Errors
    /// 401.
    pub(super) fn check_binding(
        &self,
        context: &Context,
        presented: Presented<'_>,
        confirmation: &Confirmation,
    ) -> Result<Option<Proof>, Problem> {
        let unfit = |cause: &str| {
            let mut problem = super::door::invalid_token();
            problem.cause = Some(cause.to_owned());
            problem
        };
        if let Some(bound) = &confirmation.x5t_s256
            && context.certificate.as_ref() != Some(bound)
        {
            return Err(unfit("the token is bound to another certificate"));
        }
        let Some(jkt) = &confirmation.jkt else {
            return if presented.by_dpop { Err(unfit("the token is bound to no key")) } else { Ok(None) };
        };
        if !presented.by_dpop {
            return Err(unfit("the token is bound to a key, and was sent as a bearer token"));
        }
        let proof = self.check_proof(context, Code::Unauthenticated, presented.proof)?;
        if proof.jkt != *jkt {
            return Err(unfit("the token is bound to another key"));
        }
        if proof.ath.as_deref() != Some(&proof::ath(presented.token)) {
            let detail = "the proof is for another token, or for none (ath)";
            return Err(Problem::new(Code::Unauthenticated, detail).oauth("invalid_dpop_proof"));
        }
        Ok(Some(proof))
    }

    /// What a new token of a client will be bound to, by what it shows now. Uses up the proof.
    ///
    /// # Errors
    /// 400 when the client's tokens must be bound and it shows nothing to bind them to, or the proof was
    /// used before.
    pub async fn bind(
        &self,
        context: &Context,
        client: &Client,
        proof: Option<&Proof>,
    ) -> Result<Confirmation, Problem> {
        let missing = |detail| Err(Problem::new(Code::InvalidProof, detail).oauth("invalid_request"));
        if client.dpop_bound && proof.is_none() {
            return missing("tokens of this client are bound to a key: send a DPoP proof");
        }
        if client.certificate_bound && context.certificate.is_none() {
            return missing("tokens of this client are bound to its certificate: connect with one");
        }
        if let Some(proof) = proof {
            self.use_proof(Code::InvalidProof, proof).await?;
        }
        Ok(Confirmation {
            jkt: proof.map(|proof| proof.jkt.clone()),
            x5t_s256: context.certificate.clone().filter(|_| client.certificate_bound),
        })
    }

    /// Lets a client go on that proved itself otherwise than by a token, if it may call from where it does.
    ///
    /// # Errors
    /// 403, which is recorded on its institution's log.
    pub fn admit_client(&self, context: &Context, client: &Client) -> Result<(), Problem> {
        let networks = super::caller::networks(&client.allowed_addresses)?;
        let caller = Caller {
            actor: Actor::Client(ClientId::from_uuid(client.id)),
            home: InstitutionId::from_uuid(client.institution_id),
            kind: ClientKind::parse(&client.kind)
                .ok_or_else(|| Problem::internal("an unknown kind of client"))?,
            scopes: Scope::parse_list(&client.scopes).map_err(Problem::internal)?,
            reach: super::caller::Reach::Own,
            plan: String::new(),
            networks,
        };
        if caller.may_call_from(context.address) {
            return Ok(());
        }
        let home = caller.home_log();
        context.know(caller, home);
        Err(not_from_here(context))
    }
}

/// The refusal of a caller from an address that its client may not call from.
pub(super) fn not_from_here(context: &Context) -> Problem {
    let detail = format!("this client may not call from {}", context.address);
    Problem::new(Code::AddressNotAllowed, detail)
}
