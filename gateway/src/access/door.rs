//! What every request passes: the parts that the gate and permits work with.

use std::sync::Arc;

use super::{
    Caller, Context, People,
    body::Pace,
    issuers::Issuers,
    limit::{Exceeded, Limits},
    load::Load,
    metrics,
    nonce::Nonces,
    origin::Origins,
    token::Tokens,
    usage::Usage,
};
use crate::{
    domain::{ClientId, Tenant},
    error::{Code, Problem},
    ledger::{
        By, Receipt, RecordError, Recorder,
        command::{Change, Changed, Denial},
    },
    shared::{Heard, News, Redis},
    store::{
        Db, StoreError, idempotency,
        plans::{self, Plan},
    },
    world::World,
};

/// Most bytes of a URI.
pub const URI_MAX: usize = 8192;

/// The door of the service.
pub struct Door {
    /// The database, for reading.
    pub db: Db,
    /// The one writer.
    pub recorder: Recorder,
    /// Access tokens.
    pub tokens: Tokens,
    /// Other issuers of access tokens.
    pub issuers: Issuers,
    /// Nonces for DPoP proofs.
    pub nonces: Nonces,
    /// Whom to believe where a request comes from.
    pub origins: Origins,
    /// What people sign in with.
    pub people: People,
    /// The requests at work.
    pub load: Load,
    /// What a request's body must keep up with.
    pub pace: Pace,
    /// Rate limits.
    pub limits: Limits,
    /// What callers used, until it is stored.
    pub usage: Usage,
    /// What other replicas are told by, if there may be any.
    pub redis: Option<Arc<Redis>>,
    /// The time and randomness.
    pub world: Arc<dyn World>,
    /// The provider's own log.
    pub provider: Tenant,
}

impl Door {
    /// Runs what must not stop halfway when its caller hangs up, and waits for it.
    ///
    /// # Errors
    /// Its own, or ours when it panicked.
    pub async fn whole<T: Send + 'static>(
        work: impl Future<Output = Result<T, RecordError>> + Send + 'static,
    ) -> Result<T, Problem> {
        Ok(tokio::spawn(work).await.map_err(Problem::internal)??)
    }

    /// Spends an address's limit.
    ///
    /// # Errors
    /// 429 when there is none left.
    pub fn admit_address(&self, context: &Context) -> Result<(), Problem> {
        let standing = self.limits.address(context.address).map_err(|exceeded| {
            context.stand(exceeded.standing.clone());
            too_many(&exceeded)
        })?;
        context.stand(standing);
        metrics::admitted("address");
        Ok(())
    }

    /// Spends a caller's limits.
    ///
    /// # Errors
    /// 429 when there is too little left; then nothing is spent.
    pub async fn admit_caller(&self, context: &Context, caller: &Caller, cost: u32) -> Result<(), Problem> {
        let spent = self.limits.caller(&caller.plan, caller.home, caller.actor, cost).await;
        let standing = spent.map_err(|exceeded| {
            context.stand(exceeded.standing.clone());
            too_many(&exceeded)
        })?;
        context.stand(standing);
        context.spend(cost);
        metrics::admitted("institution");
        metrics::admitted("client");
        Ok(())
    }

    /// Believes a token no longer, here and in the other replicas, once it is revoked in the database.
    pub async fn revoked(&self, jti: &str) {
        self.tokens.revoke(jti);
        self.tell(News::Revoked(jti.to_owned())).await;
    }

    /// Makes a change of a client, and forgets what is known of its tokens, here and in the other replicas.
    ///
    /// # Errors
    /// The recorder's.
    pub async fn change_client(
        self: Arc<Self>,
        by: By,
        client: ClientId,
        change: Change,
        idempotency: Option<idempotency::Key>,
    ) -> Result<Changed, Problem> {
        Self::whole(async move {
            let changed = self.recorder.change(by, change, idempotency).await?;
            // A repeated call tells again: its first one may have ended before it did.
            if changed.receipt.is_some() {
                self.tokens.forget_client(client);
                self.tell(News::Client(client)).await;
            }
            Ok(changed)
        })
        .await
    }

    /// Forgets what is known of callers, here and in the other replicas, after their institution changed.
    pub async fn callers_changed(&self) {
        self.tokens.forget_verdicts();
        self.tell(News::Verdicts).await;
    }

    /// Takes a plan as it is now, here and in the other replicas.
    pub async fn plan_changed(&self, plan: &Plan) {
        self.limits.put_plan(plan);
        self.tell(News::Plans).await;
    }

    async fn tell(&self, news: News) {
        if let Some(redis) = &self.redis {
            redis.tell(&news).await;
        }
    }

    /// Does what other replicas' news asks for; `true` when plans are to be read again.
    pub fn hear(&self, heard: Heard) -> bool {
        match heard {
            Heard::News(News::Revoked(jti)) => self.tokens.revoke(&jti),
            Heard::News(News::Client(client)) => self.tokens.forget_client(client),
            Heard::News(News::Verdicts) => self.tokens.forget_verdicts(),
            Heard::Deaf => self.tokens.hears(false),
            Heard::News(News::Plans) => return true,
            Heard::News(News::All) => {
                self.tokens.forget_verdicts();
                return true;
            }
            Heard::Listening => {
                // What was told before was missed.
                self.tokens.forget_verdicts();
                self.tokens.hears(true);
                return true;
            }
        }
        false
    }

    /// Reads the plans again, as other replicas may have changed them.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn read_plans(&self) -> Result<(), StoreError> {
        let changes = self.limits.changes();
        let plans = plans::list(&mut self.db.directory().await?).await?;
        self.limits.take_plans(&plans, changes);
        Ok(())
    }

    /// Records a refusal: on the caller's log, or, when nobody knows who calls, on the provider's.
    ///
    /// A stranger's refusals are counted by route, so that nobody can fill a ledger from outside with what he
    /// chooses. A stranger is also who has a client's token or secret and calls from where the client may not,
    /// or sends what it sent before; the client's own log tells of it, whatever institution he names.
    ///
    /// # Errors
    /// When it can't be recorded; then the refusal must not leave either.
    pub async fn refuse(&self, context: &Context, problem: &Problem) -> Result<Receipt, RecordError> {
        let denial = |actor: String, path: String, request| Denial {
            actor,
            code: problem.code.as_str().to_owned(),
            count: 1,
            method: context.method.clone(),
            path,
            request,
            status: problem.code.status().as_u16(),
        };
        if let Some((caller, log)) = context.known() {
            let by_stranger = matches!(problem.code, Code::AddressNotAllowed | Code::Unauthenticated);
            let (log, path, request) = match by_stranger {
                true => (caller.home_log(), context.route.clone(), None),
                false => (*log, context.target.clone(), Some(context.request_id.clone())),
            };
            let denial = denial(caller.actor.to_string(), path, request);
            match self.recorder.denied(log, denial.clone()).await {
                // It named an institution that there is not: then its own log tells of it.
                Err(RecordError::Missing(_)) => self.recorder.denied(caller.home_log(), denial).await,
                recorded => recorded,
            }
        } else {
            let denial = denial(context.address.to_string(), context.route.clone(), None);
            self.recorder.denied(self.provider, denial).await
        }
    }
}

pub(super) fn invalid_token() -> Problem {
    Problem::new(Code::Unauthenticated, "the access token is not valid, or no longer").oauth("invalid_token")
}

fn too_many(exceeded: &Exceeded) -> Problem {
    let standing = &exceeded.standing;
    metrics::refused(standing.policy);
    let seconds = exceeded.retry_after.as_millis().div_ceil(1000).max(1);
    let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
    let detail = format!(
        "the {} limit of {} units a second, {} at once, is used up; try again in {seconds} s",
        standing.policy, standing.rate.per_second, standing.rate.burst
    );
    Problem { retry_after_s: Some(seconds), ..Problem::new(Code::QuotaExceeded, detail) }
}
