//! Limits of this process alone: GCRA by `governor`, one limiter a limit.

use std::{
    collections::HashMap,
    hash::Hash,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use governor::{
    NotUntil, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    nanos::Nanos,
    state::StateStore,
};

use super::{Exceeded, KEYS, Rate, Standing};

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

type Limiter<K, S, C> = RateLimiter<K, S, C, StateInformationMiddleware>;

/// One limit, held against many keys.
pub(super) struct Limit<K: Hash + Eq + Clone, C: Clock = DefaultClock> {
    policy: &'static str,
    pub(super) rate: Rate,
    clock: C,
    times: Times<K>,
    spend: Limiter<K, Spend<K>, C>,
    look: Limiter<K, Look<K>, C>,
}

impl<K: Hash + Eq + Clone, C: Clock + Clone> Limit<K, C> {
    pub(super) fn new(policy: &'static str, rate: Rate, clock: C) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        let times = Times::<K>::default();
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
    pub(super) fn look(&self, key: &K, cost: NonZeroU32) -> Result<Standing, Exceeded> {
        self.judge(self.look.check_key_n(key, cost.min(self.rate.burst)))
    }

    /// Spends `cost`, or nothing.
    pub(super) fn spend(&self, key: &K, cost: NonZeroU32) -> Result<Standing, Exceeded> {
        self.make_room();
        self.judge(self.spend.check_key_n(key, cost.min(self.rate.burst)))
    }

    /// Whole units left.
    pub(super) fn left(&self, key: &K) -> u32 {
        // What would be left after one, and that one.
        self.look(key, NonZeroU32::MIN).map_or(0, |standing| standing.remaining.saturating_add(1))
    }

    fn judge<E>(
        &self,
        outcome: Result<Result<governor::middleware::StateSnapshot, NotUntil<C::Instant>>, E>,
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
