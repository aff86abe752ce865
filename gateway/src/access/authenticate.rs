//! From a token to a caller: whose it is, what of it still holds, and what it is bound to.

use super::{
    Caller, Context, Door,
    binding::Presented,
    caller::{Reach, networks},
    door::invalid_token,
    proof::Proof,
    token::Believed,
};
use crate::{
    domain::{Actor, ClientId, ClientKind, InstitutionId, Scope},
    error::Problem,
    store::{clients, clients::Client, institutions, tokens as token_store},
};

/// What a token says, whoever issued it.
struct Said {
    client: Client,
    scopes: Vec<Scope>,
    claimed: Claimed,
}

/// What of a token goes into its verdict.
struct Claimed {
    jti: String,
    exp: i64,
    confirmation: super::binding::Confirmation,
}

impl Door {
    /// The caller behind a token, and the proof that came with it, which is still to be used up.
    ///
    /// # Errors
    /// A 401 that doesn't say which check of the token failed, or a 503.
    pub async fn authenticate(
        &self,
        context: &Context,
        presented: Presented<'_>,
    ) -> Result<(Caller, Option<Proof>), Problem> {
        let believed = self.caller_of(presented.token).await?;
        // What binds a token is looked at each time: only the verdict on the token itself is kept.
        let proof = self.check_binding(context, presented, &believed.confirmation)?;
        Ok((believed.caller, proof))
    }

    /// What a token says that still holds; what it is bound to is for the caller to look at.
    ///
    /// # Errors
    /// As [`authenticate`](Self::authenticate).
    pub async fn caller_of(&self, token: &str) -> Result<Believed, Problem> {
        match self.tokens.cached(&*self.world, token) {
            Some(believed) => Ok(believed),
            None => self.believe(token).await,
        }
    }

    async fn believe(&self, token: &str) -> Result<Believed, Problem> {
        let generation = self.tokens.generation();
        let Said { client, mut scopes, claimed: Claimed { jti, exp, confirmation } } =
            if self.issuers.are_named_by(token) {
                self.others(token).await?
            } else {
                self.own(token).await?
            };
        let institution = InstitutionId::from_uuid(client.institution_id);
        let row = institutions::get(&mut self.db.directory().await?, institution).await?;
        let row = row.ok_or_else(invalid_token)?;
        if client.revoked_at_us.is_some()
            || client.dpop_bound && confirmation.jkt.is_none()
            || client.certificate_bound && confirmation.x5t_s256.is_none()
        {
            return Err(invalid_token());
        }
        // A scope that was taken from the client since the token was issued is gone from it too.
        let owned = Scope::parse_list(&client.scopes).unwrap_or_default();
        scopes.retain(|scope| owned.contains(scope));
        let caller = Caller {
            actor: Actor::Client(ClientId::from_uuid(client.id)),
            home: institution,
            kind: ClientKind::parse(&client.kind).ok_or_else(invalid_token)?,
            scopes,
            reach: Reach::parse(&client.reach),
            plan: row.plan,
            networks: networks(&client.allowed_addresses)?,
        };
        let believed = Believed { caller, confirmation };
        self.tokens.keep(&*self.world, token, (&jti, exp), believed.clone(), generation);
        Ok(believed)
    }

    /// A token of our own.
    async fn own(&self, token: &str) -> Result<Said, Problem> {
        let claims = self.tokens.verify(&*self.world, token).map_err(|fault| {
            let mut problem = invalid_token();
            problem.cause = Some(fault.to_string());
            problem
        })?;
        let mut reader = self.db.directory().await?;
        if token_store::is_revoked(&mut reader, &claims.jti).await? {
            return Err(invalid_token());
        }
        let client = clients::get(&mut reader, claims.sub).await?.ok_or_else(invalid_token)?;
        if InstitutionId::from_uuid(client.institution_id) != claims.institution {
            return Err(invalid_token());
        }
        let scopes = Scope::parse_list(&claims.scope).map_err(|_| invalid_token())?;
        let confirmation = claims.cnf.unwrap_or_default();
        Ok(Said { client, scopes, claimed: Claimed { jti: claims.jti, exp: claims.exp, confirmation } })
    }

    /// A token of another issuer.
    async fn others(&self, token: &str) -> Result<Said, Problem> {
        let now_s = self.world.now_us().div_euclid(1_000_000);
        let vouched = self.issuers.verify(token, now_s).await?;
        let mut reader = self.db.directory().await?;
        let client = clients::by_external(&mut reader, &vouched.issuer, &vouched.subject).await?;
        let claimed = Claimed { jti: vouched.jti, exp: vouched.exp, confirmation: vouched.confirmation };
        Ok(Said { client: client.ok_or_else(invalid_token)?, scopes: vouched.scopes, claimed })
    }
}
