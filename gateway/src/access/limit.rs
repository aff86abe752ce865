//! How often: GCRA limits by address, institution and client, in process, with `governor`.
//!
//! A refused request costs nothing: the institution's limit is looked at before the client's is
//! spent, and spent only after. The headers are those of the IETF draft "RateLimit header fields for
//! HTTP", version 11.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use governor::{
    NotUntil, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock, QuantaInstant},
    middleware::StateInformationMiddleware,
    nanos::Nanos,
    state::StateStore,
};

use crate::{
    domain::{ClientId, InstitutionId},
    store::plans::Plan,
};

/// Keys in one store; beyond it, those that are full again are forgotten.
const KEYS: usize = 100_000;

/// A limit's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Units that come back each second.
    pub per_second: NonZeroU32,
    /// Units that can be spent at once.
    pub burst: NonZeroU32,
}

impl Rate {
    /// A rate; zero counts as one.
    #[must_use]
    pub fn new(per_second: u32, burst: u32) -> Self {
        let at_least_one = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        Self { per_second: at_least_one(per_second), burst: at_least_one(burst) }
    }

    /// Whole seconds in which an empty limit fills up.
    fn window_s(self) -> u32 {
        self.burst.get().div_ceil(self.per_second.get())
    }
}

/// Where a caller stands with the limit that binds it most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// `address`, `institution` or `client`.
    pub policy: &'static str,
    /// The limit.
    pub rate: Rate,
    /// Units left.
    pub remaining: u32,
    /// Seconds until it would be full.
    pub full_in_s: u32,
}

impl Standing {
    fn new(policy: &'static str, rate: Rate, remaining: u32) -> Self {
        let spent = rate.burst.get().saturating_sub(remaining);
        Self { policy, rate, remaining, full_in_s: spent.div_ceil(rate.per_second.get()) }
    }

    /// The `RateLimit-Policy` field.
    #[must_use]
    pub fn policy_field(&self) -> String {
        format!("\"{}\";q={};w={}", self.policy, self.rate.burst, self.rate.window_s())
    }

    /// The `RateLimit` field.
    #[must_use]
    pub fn field(&self) -> String {
        format!("\"{}\";r={};t={}", self.policy, self.remaining, self.full_in_s)
    }
}

/// A request that has to wait.
#[derive(Clone, Debug)]
pub struct Exceeded {
    /// The limit that was exceeded.
    pub standing: Standing,
    /// When to try again.
    pub retry_after: Duration,
}

/// The times at which keys will be full again; shared by a limiter that spends and one that looks.
type Times<K> = Arc<Mutex<HashMap<K, Nanos>>>;

#[derive(Debug)]
struct Spend<K>(Times<K>);
#[derive(Debug)]
struct Look<K>(Times<K>);

impl<K: Hash + Eq + Clone> StateStore for Spend<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (outcome, next) = f(times.get(key).copied())?;
        times.insert(key.clone(), next);
        Ok(outcome)
    }
}

impl<K: Hash + Eq + Clone> StateStore for Look<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        f(times.get(key).copied()).map(|(outcome, _)| outcome)
    }
}

type Limiter<K, S> = RateLimiter<K, S, DefaultClock, StateInformationMiddleware>;

/// One limit, held against many keys.
struct Limit<K: Hash + Eq + Clone> {
    policy: &'static str,
    rate: Rate,
    clock: DefaultClock,
    times: Times<K>,
    spend: Limiter<K, Spend<K>>,
    look: Limiter<K, Look<K>>,
}

impl<K: Hash + Eq + Clone> Limit<K> {
    fn new(policy: &'static str, rate: Rate) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        let times = Times::<K>::default();
        let clock = DefaultClock::default();
        Self {
            policy,
            rate,
            spend: RateLimiter::new(quota, Spend(Arc::clone(&times)), clock.clone()),
            look: RateLimiter::new(quota, Look(Arc::clone(&times)), clock.clone()),
            times,
            clock,
        }
    }

    /// What is left after spending `cost`, without spending it.
    fn look(&self, key: &K, cost: NonZeroU32) -> Result<Standing, Exceeded> {
        self.judge(self.look.check_key_n(key, cost.min(self.rate.burst)))
    }

    /// Spends `cost`, or nothing.
    fn spend(&self, key: &K, cost: NonZeroU32) -> Result<Standing, Exceeded> {
        self.make_room();
        self.judge(self.spend.check_key_n(key, cost.min(self.rate.burst)))
    }

    fn judge<E>(
        &self,
        outcome: Result<Result<governor::middleware::StateSnapshot, NotUntil<QuantaInstant>>, E>,
    ) -> Result<Standing, Exceeded> {
        match outcome {
            Ok(Ok(left)) => Ok(Standing::new(self.policy, self.rate, left.remaining_burst_capacity())),
            Ok(Err(until)) => Err(Exceeded {
                standing: Standing::new(self.policy, self.rate, 0),
                retry_after: until.wait_time_from(self.clock.now()),
            }),
            // A cost above the burst is cut down to it, so this can't happen; refuse all the same.
            Err(_) => Err(Exceeded {
                standing: Standing::new(self.policy, self.rate, 0),
                retry_after: Duration::from_secs(u64::from(self.rate.window_s())),
            }),
        }
    }

    /// When there are too many keys, forgets those that have nothing spent.
    fn make_room(&self) {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        if times.len() >= KEYS {
            drop(times);
            let full: Vec<K> = {
                let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
                times.keys().cloned().collect()
            };
            let full: Vec<K> = full.into_iter().filter(|key| self.is_full(key)).collect();
            times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
            for key in full {
                times.remove(&key);
            }
            // A flood of new keys, none of them idle: start over rather than grow without bound.
            if times.len() >= KEYS {
                times.clear();
            }
        }
    }

    fn is_full(&self, key: &K) -> bool {
        matches!(self.look.check_key_n(key, self.rate.burst), Ok(Ok(_)))
    }
}

struct PlanLimits {
    institution: Limit<InstitutionId>,
    client: Limit<ClientId>,
}

/// Every limit of this process.
pub struct Limits {
    address: Limit<IpAddr>,
    plans: RwLock<HashMap<String, Arc<PlanLimits>>>,
}

impl Limits {
    /// Limits with these plans.
    #[must_use]
    pub fn new(address: Rate, plans: &[Plan]) -> Self {
        let limits = Self { address: Limit::new("address", address), plans: RwLock::default() };
        for plan in plans {
            limits.put_plan(plan);
        }
        limits
    }

    /// Adds a plan, or changes it, unless it is as before.
    pub fn put_plan(&self, plan: &Plan) {
        let institution = Rate::new(plan.institution_per_second, plan.institution_burst);
        let client = Rate::new(plan.client_per_second, plan.client_burst);
        let mut plans = self.plans.write().unwrap_or_else(PoisonError::into_inner);
        let same = plans
            .get(&plan.name)
            .is_some_and(|old| old.institution.rate == institution && old.client.rate == client);
        if !same {
            let limits = PlanLimits {
                institution: Limit::new("institution", institution),
                client: Limit::new("client", client),
            };
            plans.insert(plan.name.clone(), Arc::new(limits));
        }
    }

    /// Spends one unit of an address's limit.
    ///
    /// # Errors
    /// When there is none left.
    pub fn address(&self, address: IpAddr) -> Result<Standing, Exceeded> {
        self.address.spend(&address, NonZeroU32::MIN)
    }

    /// Spends `cost` units of a client's and its institution's limits: of both, or of neither.
    ///
    /// # Errors
    /// When either has too few left, or the plan is not known here.
    pub fn caller(
        &self,
        plan: &str,
        institution: InstitutionId,
        client: ClientId,
        cost: u32,
    ) -> Result<Standing, Exceeded> {
        let cost = NonZeroU32::new(cost).unwrap_or(NonZeroU32::MIN);
        let limits = self.plans.read().unwrap_or_else(PoisonError::into_inner).get(plan).cloned();
        let Some(limits) = limits else {
            let rate = Rate::new(1, 1);
            let standing = Standing::new("client", rate, 0);
            return Err(Exceeded { standing, retry_after: Duration::from_secs(1) });
        };
        limits.institution.look(&institution, cost)?;
        let client = limits.client.spend(&client, cost)?;
        let institution = limits.institution.spend(&institution, cost)?;
        // Tell of the one that will bind first.
        Ok(if institution.remaining < client.remaining { institution } else { client })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(client_burst: u32, institution_burst: u32) -> Limits {
        let plan = Plan {
            name: "p".to_owned(),
            client_per_second: 1,
            client_burst,
            institution_per_second: 1,
            institution_burst,
        };
        Limits::new(Rate::new(1, 3), &[plan])
    }

    fn institution() -> InstitutionId {
        InstitutionId::from_parts(1, [1; 10])
    }

    fn client(n: u8) -> ClientId {
        ClientId::from_parts(1, [n; 10])
    }

    #[test]
    fn a_burst_passes_and_the_next_one_waits() {
        let limits = limits(3, 100);
        for left in [2, 1, 0] {
            let standing = limits.caller("p", institution(), client(1), 1).unwrap();
            assert_eq!((standing.policy, standing.remaining), ("client", left));
        }
        let exceeded = limits.caller("p", institution(), client(1), 1).unwrap_err();
        assert!(exceeded.retry_after > Duration::ZERO && exceeded.retry_after <= Duration::from_secs(1));
        assert_eq!(exceeded.standing.policy_field(), "\"client\";q=3;w=3");
        assert_eq!(exceeded.standing.field(), "\"client\";r=0;t=3");
    }

    #[test]
    fn a_refused_request_costs_nothing() {
        let limits = limits(2, 5);
        // Client 1 is refused many times; its institution's limit is not touched by that.
        for _ in 0..50 {
            let _ = limits.caller("p", institution(), client(1), 1);
        }
        assert_eq!(limits.caller("p", institution(), client(2), 2).unwrap().remaining, 0);
        // The institution has 1 left. Client 3 asks for 2 and is refused; its own limit stays full.
        let refused = limits.caller("p", institution(), client(3), 2).unwrap_err();
        assert_eq!(refused.standing.policy, "institution");
        assert_eq!(limits.caller("p", institution(), client(3), 1).unwrap().policy, "institution");
    }

    #[test]
    fn an_unknown_plan_permits_nothing() {
        assert!(limits(1, 1).caller("other", institution(), client(1), 1).is_err());
    }

    #[test]
    fn a_cost_above_the_burst_takes_the_whole_burst() {
        let limits = limits(3, 100);
        assert_eq!(limits.caller("p", institution(), client(1), 50).unwrap().remaining, 0);
        assert!(limits.caller("p", institution(), client(1), 1).is_err());
    }
}
