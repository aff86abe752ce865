//! How often: limits by address, institution and client.
//!
//! Without Redis they are this process's own ([`local`]); with it, an institution's and a client's
//! hold across all replicas ([`lease`]).
//!
//! A refused request costs nothing: the institution's limit is looked at before the client's is
//! spent, and spent only after. The headers are those of the IETF draft "RateLimit header fields for
//! HTTP", version 11.

mod account;
mod bucket;
mod lease;
mod local;
pub mod schedule;
#[cfg(test)]
mod schedule_tests;

use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use governor::clock::{Clock, DefaultClock};

use crate::{
    domain::{Actor, InstitutionId},
    shared::Redis,
    store::plans::Plan,
};
use lease::Leases;
use local::Limit;

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

/// What is left of a limit now, and how it comes back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// `address`, `institution` or `client`.
    pub policy: &'static str,
    /// The limit.
    pub rate: Rate,
    /// Whole units left.
    pub left: u32,
    /// Who else spends it.
    pub held: Held,
}

/// Who holds a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// This process alone.
    Alone,
    /// So many replicas together.
    Together(u32),
    /// Each replica its share, as Redis is away.
    Apart,
}

impl Level {
    /// As a standing, which tells when it would be full.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing::new(self.policy, self.rate, self.left)
    }
}

struct PlanLimits<C: Clock> {
    institution: Limit<InstitutionId, C>,
    client: Limit<Actor, C>,
}

type Plans<C> = HashMap<String, Arc<PlanLimits<C>>>;

/// Every limit.
pub struct Limits<C: Clock = DefaultClock> {
    clock: C,
    address: Limit<IpAddr, C>,
    plans: RwLock<Plans<C>>,
    /// Counts changes of plans, so that what was read before one is not put over it.
    changes: AtomicU64,
    leases: Option<Arc<Leases>>,
}

impl Limits {
    /// Limits with these plans: of this process alone, or shared by replicas through Redis. Those of
    /// addresses are always this process's own.
    #[must_use]
    pub fn new(address: Rate, plans: &[Plan], redis: Option<Arc<Redis>>) -> Self {
        Self::timed(DefaultClock::default(), address, plans, redis)
    }
}

impl<C: Clock + Clone> Limits<C> {
    fn timed(clock: C, address: Rate, plans: &[Plan], redis: Option<Arc<Redis>>) -> Self {
        let limits = Self {
            address: Limit::new("address", address, clock.clone()),
            clock,
            plans: RwLock::default(),
            changes: AtomicU64::new(0),
            leases: redis.map(Leases::new),
        };
        for plan in plans {
            limits.put_plan(plan);
        }
        limits
    }

    /// Whether limits hold across replicas now.
    #[must_use]
    pub fn are_shared(&self) -> bool {
        self.leases.as_ref().is_some_and(|leases| leases.are_shared())
    }

    /// Adds a plan, or changes it, unless it is as before.
    pub fn put_plan(&self, plan: &Plan) {
        let mut plans = self.plans.write().unwrap_or_else(PoisonError::into_inner);
        self.changes.fetch_add(1, Ordering::SeqCst);
        put(&mut plans, plan, &self.clock);
    }

    /// To be read before plans are read from the database, and given to
    /// [`take_plans`](Self::take_plans).
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    /// Takes plans as they were read from the database, unless one was put since.
    pub fn take_plans(&self, read: &[Plan], changes: u64) {
        let mut plans = self.plans.write().unwrap_or_else(PoisonError::into_inner);
        if self.changes() == changes {
            read.iter().for_each(|plan| put(&mut plans, plan, &self.clock));
        }
    }

    /// Spends one unit of an address's limit.
    ///
    /// # Errors
    /// When there is none left.
    pub fn address(&self, address: IpAddr) -> Result<Standing, Exceeded> {
        self.address.spend(&address, NonZeroU32::MIN)
    }

    /// Spends `cost` units of a client's and its institution's limits: of both, or of neither. Waits
    /// for Redis only when its lease is used up, and not longer than the response timeout.
    ///
    /// # Errors
    /// When either has too few left, or the plan is not known here.
    pub async fn caller(
        &self,
        plan: &str,
        institution: InstitutionId,
        client: Actor,
        cost: u32,
    ) -> Result<Standing, Exceeded> {
        let limits = self.plans.read().unwrap_or_else(PoisonError::into_inner).get(plan).cloned();
        let Some(limits) = limits else {
            let rate = Rate::new(1, 1);
            let standing = Standing::new("client", rate, 0);
            return Err(Exceeded { standing, retry_after: Duration::from_secs(1) });
        };
        if let Some(leases) = &self.leases {
            let rates = [limits.institution.rate, limits.client.rate];
            return leases.caller(rates, institution, client, cost).await;
        }
        let cost = NonZeroU32::new(cost).unwrap_or(NonZeroU32::MIN);
        limits.institution.look(&institution, cost)?;
        let client = limits.client.spend(&client, cost)?;
        let institution = limits.institution.spend(&institution, cost)?;
        // Tell of the one that will bind first.
        Ok(if institution.remaining < client.remaining { institution } else { client })
    }

    /// What is left of the limits of an address, an institution and a client, in this order; nothing
    /// is spent. Of limits that replicas share it is what this replica knows. None when the plan is
    /// not known here.
    pub fn levels(
        &self,
        address: IpAddr,
        plan: &str,
        institution: InstitutionId,
        client: Actor,
    ) -> Option<[Level; 3]> {
        let limits = self.plans.read().unwrap_or_else(PoisonError::into_inner).get(plan).cloned()?;
        let own = |policy, rate, left| Level { policy, rate, left, held: Held::Alone };
        let address = own("address", self.address.rate, self.address.left(&address));
        let rates = [limits.institution.rate, limits.client.rate];
        let [institution, client] = match &self.leases {
            Some(leases) => leases.levels(rates, institution, client),
            None => [
                own("institution", rates[0], limits.institution.left(&institution)),
                own("client", rates[1], limits.client.left(&client)),
            ],
        };
        Some([address, institution, client])
    }
}

fn put<C: Clock + Clone>(plans: &mut Plans<C>, plan: &Plan, clock: &C) {
    let institution = Rate::new(plan.institution_per_second, plan.institution_burst);
    let client = Rate::new(plan.client_per_second, plan.client_burst);
    let same = plans
        .get(&plan.name)
        .is_some_and(|old| old.institution.rate == institution && old.client.rate == client);
    if !same {
        let limits = PlanLimits {
            institution: Limit::new("institution", institution, clock.clone()),
            client: Limit::new("client", client, clock.clone()),
        };
        plans.insert(plan.name.clone(), Arc::new(limits));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ClientId;

    fn limits(client_burst: u32, institution_burst: u32) -> Limits {
        let plan = Plan {
            name: "p".to_owned(),
            client_per_second: 1,
            client_burst,
            institution_per_second: 1,
            institution_burst,
        };
        Limits::new(Rate::new(1, 3), &[plan], None)
    }

    fn institution() -> InstitutionId {
        InstitutionId::from_parts(1, [1; 10])
    }

    fn client(n: u8) -> Actor {
        Actor::Client(ClientId::from_parts(1, [n; 10]))
    }

    #[tokio::test]
    async fn a_burst_passes_and_the_next_one_waits() {
        let limits = limits(3, 100);
        for left in [2, 1, 0] {
            let standing = limits.caller("p", institution(), client(1), 1).await.unwrap();
            assert_eq!((standing.policy, standing.remaining), ("client", left));
        }
        let exceeded = limits.caller("p", institution(), client(1), 1).await.unwrap_err();
        assert!(exceeded.retry_after > Duration::ZERO && exceeded.retry_after <= Duration::from_secs(1));
        assert_eq!(exceeded.standing.policy_field(), "\"client\";q=3;w=3");
        assert_eq!(exceeded.standing.field(), "\"client\";r=0;t=3");
    }

    #[tokio::test]
    async fn a_refused_request_costs_nothing() {
        let limits = limits(2, 5);
        // Client 1 is refused many times; its institution's limit is not touched by that.
        for _ in 0..50 {
            let _ = limits.caller("p", institution(), client(1), 1).await;
        }
        assert_eq!(limits.caller("p", institution(), client(2), 2).await.unwrap().remaining, 0);
        // The institution has 1 left. Client 3 asks for 2 and is refused; its own limit stays full.
        let refused = limits.caller("p", institution(), client(3), 2).await.unwrap_err();
        assert_eq!(refused.standing.policy, "institution");
        assert_eq!(limits.caller("p", institution(), client(3), 1).await.unwrap().policy, "institution");
    }

    #[tokio::test]
    async fn an_unknown_plan_permits_nothing() {
        assert!(limits(1, 1).caller("other", institution(), client(1), 1).await.is_err());
    }

    #[tokio::test]
    async fn a_cost_above_the_burst_takes_the_whole_burst() {
        let limits = limits(3, 100);
        assert_eq!(limits.caller("p", institution(), client(1), 50).await.unwrap().remaining, 0);
        assert!(limits.caller("p", institution(), client(1), 1).await.is_err());
    }
}
