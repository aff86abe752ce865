//! Limits that replicas share: leases of units that were debited in Redis before, and each replica's
//! own share of a limit while Redis is away.
//!
//! Nothing is admitted that was not debited first, so together the replicas admit no more than
//! `rate * time + burst`, whatever they do and whenever they do it (`lease.lua` says why). Most
//! requests are paid from a lease and touch no network; the lease is renewed in the background before
//! it runs out. What is asked for seldom, or when little is left, is debited by a call of its own for
//! just the cost. A refusal is remembered until there can be enough again, so a flood of requests that
//! are refused is not a flood of calls.
//!
//! When Redis is away (see [`shared`](crate::shared)), a replica admits what is left of its leases,
//! and beyond that the limit divided by the last known number of replicas, beginning with its part of
//! what was left. When Redis is back, both must agree until every replica can have noticed, and the
//! shared limit begins with what the shares had left.

use std::{
    collections::HashMap,
    sync::{
        Arc, LazyLock, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use redis::Script;

use super::{
    Exceeded, Held, KEYS, Level, Rate, Standing,
    account::{Account, LEASE, Question, Said, Scene, Taken},
};
use crate::{
    domain::{Actor, InstitutionId},
    shared::{Away, Link, PREFIX, Redis},
};

static DEBIT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lease.lua")));

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Institution(InstitutionId),
    Client(Actor),
}

/// The institution's limit and the client's.
type Pair = [Arc<Account>; 2];

/// The limits of callers, shared through Redis.
pub(super) struct Leases {
    redis: Arc<Redis>,
    accounts: RwLock<HashMap<Key, Arc<Account>>>,
    calls: AtomicU64,
}

/// Which limit refused, and how long to wait.
struct Refused(usize, Duration);

impl Leases {
    pub(super) fn new(redis: Arc<Redis>) -> Arc<Self> {
        Arc::new(Self { redis, accounts: RwLock::default(), calls: AtomicU64::new(0) })
    }

    /// Whether limits hold across replicas now.
    pub(super) fn are_shared(&self) -> bool {
        self.redis.link() == Link::Up
    }

    /// Spends `cost` units of a client's and its institution's limits: of both, or of neither.
    pub(super) async fn caller(
        self: &Arc<Self>,
        rates: [Rate; 2],
        institution: InstitutionId,
        client: Actor,
        cost: u32,
    ) -> Result<Standing, Exceeded> {
        let pair = self.pair(rates, institution, client);
        let costs = [0, 1].map(|i: usize| cost.clamp(1, rates[i].burst.get()));
        match self.redis.link() {
            Link::Up => match self.together(&pair, costs).await {
                Ok(judged) => judged,
                Err(Away) => self.alone(&pair, costs),
            },
            Link::Returning => {
                let left = self.shares(&pair, costs).map_err(|refused| exceeded(&pair, refused))?;
                match self.together(&pair, costs).await {
                    Ok(Ok(standing)) => Ok(standing),
                    Ok(Err(exceeded)) => {
                        pair.iter().zip(costs).for_each(|(account, cost)| account.put_back_share(cost));
                        Err(exceeded)
                    }
                    Err(Away) => Ok(standing(&pair, left)),
                }
            }
            Link::Down => self.alone(&pair, costs),
        }
    }

    /// What is left, as far as this replica knows.
    pub(super) fn levels(&self, rates: [Rate; 2], institution: InstitutionId, client: Actor) -> [Level; 2] {
        let pair = self.pair(rates, institution, client);
        let scene = self.scene();
        let together = self.redis.link() == Link::Up;
        pair.map(|account| {
            let (left, held) = match together {
                true => (account.remaining(scene.now), Held::Together(scene.replicas.max(1))),
                false => (account.share_left(scene), Held::Apart),
            };
            Level { policy: account.policy, rate: account.rate, left, held }
        })
    }

    fn pair(&self, rates: [Rate; 2], institution: InstitutionId, client: Actor) -> Pair {
        // The braces keep both in one slot of a cluster; with another rate it is another limit.
        let place = || format!("{PREFIX}:limit:{{{institution}}}");
        let named = |rate: Rate| format!("{}/{}", rate.per_second, rate.burst);
        let whole = || format!("{}:{}", place(), named(rates[0]));
        let own = || format!("{}:{client}:{}", place(), named(rates[1]));
        [
            self.account(Key::Institution(institution), rates[0], "institution", whole),
            self.account(Key::Client(client), rates[1], "client", own),
        ]
    }

    fn account(
        &self,
        key: Key,
        rate: Rate,
        policy: &'static str,
        name: impl FnOnce() -> String,
    ) -> Arc<Account> {
        {
            let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(account) = accounts.get(&key).filter(|account| account.rate == rate) {
                return Arc::clone(account);
            }
        }
        let now = Instant::now();
        let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = accounts.get(&key).filter(|account| account.rate == rate) {
            return Arc::clone(account);
        }
        if accounts.len() >= KEYS {
            accounts.retain(|_, account| !account.is_idle(now));
            // A flood of new keys, none of them idle: start over rather than grow without bound.
            if accounts.len() >= KEYS {
                accounts.clear();
            }
        }
        let account = Arc::new(Account::new(name(), policy, rate, now));
        accounts.insert(key, Arc::clone(&account));
        account
    }

    fn scene(&self) -> Scene {
        Scene { now: Instant::now(), outages: self.redis.outages(), replicas: self.redis.replicas() }
    }

    /// With Redis: from the leases, or by a call.
    async fn together(
        self: &Arc<Self>,
        pair: &Pair,
        costs: [u32; 2],
    ) -> Result<Result<Standing, Exceeded>, Away> {
        let now = Instant::now();
        let first = match pair[0].take(costs[0], now) {
            Ok(taken) => taken,
            Err(wait) => return Ok(Err(exceeded(pair, Refused(0, wait)))),
        };
        let second = match pair[1].take(costs[1], now) {
            Ok(taken) => taken,
            Err(wait) => {
                pair[0].put_back(first);
                return Ok(Err(exceeded(pair, Refused(1, wait))));
            }
        };
        let mut taken = [first, second];
        let paid = taken.iter().all(|taken| taken.need == 0);
        if paid && taken.iter().any(|taken| taken.low) {
            let (leases, questions) = (Arc::clone(self), self.questions(pair, &mut taken, false));
            tokio::spawn(async move { leases.ask(&questions).await });
        }
        if paid {
            return Ok(Ok(standing(pair, remaining(pair, now))));
        }
        let questions = self.questions(pair, &mut taken, true);
        let put_back = || pair.iter().zip(taken).for_each(|(account, taken)| account.put_back(taken));
        match self.ask(&questions).await {
            Ok(Ok(())) => Ok(Ok(standing(pair, remaining(pair, Instant::now())))),
            Ok(Err(Refused(which, wait))) => {
                put_back();
                let which =
                    pair.iter().position(|account| account.policy == questions[which].account().policy);
                Ok(Err(exceeded(pair, Refused(which.unwrap_or(0), wait))))
            }
            Err(Away) => {
                put_back();
                Err(Away)
            }
        }
    }

    /// What to ask for: what is needed, and leases that run out. What was taken may come back if it
    /// can be refused.
    fn questions(&self, pair: &Pair, taken: &mut [Taken; 2], refusable: bool) -> Vec<Question> {
        let scene = self.scene();
        let asked = pair.iter().zip(taken).filter(|(_, taken)| taken.need > 0 || taken.low);
        asked.map(|(account, taken)| Question::new(account, taken, refusable, scene)).collect()
    }

    /// Debits in Redis, all or nothing.
    async fn ask(&self, questions: &[Question]) -> Result<Result<(), Refused>, Away> {
        let mut call = DEBIT.prepare_invoke();
        for question in questions {
            call.key(&question.account().key);
        }
        call.arg(self.redis.id());
        call.arg(self.calls.fetch_add(1, Ordering::Relaxed));
        call.arg(LEASE.as_micros().to_string());
        for question in questions {
            let rate = question.account().rate;
            call.arg(rate.per_second.get()).arg(rate.burst.get());
            call.arg(question.need).arg(question.want);
            call.arg(question.held.map_or(-1, i64::from));
            call.arg(question.ceiling.map_or_else(|| "-1".to_owned(), |ceiling| ceiling.to_string()));
        }
        let answer: Vec<i64> = self.redis.script("limit", &call).await?;
        let now = Instant::now();
        let Some((granted, limits)) = answer.split_first() else { return Err(Away) };
        let granted = *granted == 1;
        let mut refused = None;
        for (i, (question, said)) in questions.iter().zip(limits.chunks_exact(3)).enumerate() {
            let said = Said {
                granted,
                leased: u32::try_from(said[0]).unwrap_or(0),
                left_millionths: said[1],
                wait: Duration::from_micros(u64::try_from(said[2]).unwrap_or(0)),
            };
            question.said(said, now);
            if !granted && refused.is_none() && said.wait > Duration::ZERO {
                refused = Some(Refused(i, said.wait));
            }
        }
        match granted {
            true => Ok(Ok(())),
            false => Ok(Err(refused.unwrap_or(Refused(0, Duration::from_secs(1))))),
        }
    }

    /// Without Redis: what is left of both leases, or else this replica's shares.
    fn alone(&self, pair: &Pair, costs: [u32; 2]) -> Result<Standing, Exceeded> {
        let now = Instant::now();
        let paid = |i: usize| pair[i].take(costs[i], now).ok();
        let taken = [paid(0), paid(1)];
        if let [Some(first), Some(second)] = taken
            && first.need == 0
            && second.need == 0
        {
            return Ok(standing(pair, remaining(pair, now)));
        }
        for (account, taken) in pair.iter().zip(taken) {
            taken.into_iter().for_each(|taken| account.put_back(taken));
        }
        let left = self.shares(pair, costs).map_err(|refused| exceeded(pair, refused))?;
        Ok(standing(pair, left))
    }

    fn shares(&self, pair: &Pair, costs: [u32; 2]) -> Result<[u32; 2], Refused> {
        let scene = self.scene();
        let first = pair[0].spend_share(costs[0], scene).map_err(|wait| Refused(0, wait))?;
        match pair[1].spend_share(costs[1], scene) {
            Ok(second) => Ok([first, second]),
            Err(wait) => {
                pair[0].put_back_share(costs[0]);
                Err(Refused(1, wait))
            }
        }
    }
}

fn remaining(pair: &Pair, now: Instant) -> [u32; 2] {
    [pair[0].remaining(now), pair[1].remaining(now)]
}

/// Tells of the limit that will bind first.
fn standing(pair: &Pair, remaining: [u32; 2]) -> Standing {
    let which = usize::from(remaining[0] >= remaining[1]);
    Standing::new(pair[which].policy, pair[which].rate, remaining[which])
}

fn exceeded(pair: &Pair, Refused(which, retry_after): Refused) -> Exceeded {
    let account = &pair[which];
    Exceeded { standing: Standing::new(account.policy, account.rate, 0), retry_after }
}
