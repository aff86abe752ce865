//! One shared limit of one key, as one replica knows it: its lease, what Redis said last, how much is
//! asked for, and its share for the time without Redis. Pure but for the clock that comes in.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{
    Rate,
    bucket::{Bucket, Flow},
};

/// How long a lease lasts, unless it is renewed.
pub(super) const LEASE: Duration = Duration::from_secs(1);
/// A lease is what is asked for in this time.
const AHEAD_S: f64 = 0.1;
/// A lease is at most this part of the burst.
const PART: f64 = 8.0;
/// After a refusal Redis is not asked again for longer than this.
const QUIET: Duration = Duration::from_millis(50);
/// Demand is measured in spans of at least this, and forgotten after a few.
const SPAN: Duration = Duration::from_millis(100);
const MEMORY_S: f64 = 0.25;
/// How late an answer of Redis may be, for the part of an estimate that rests on it.
const LATE_S: f64 = 0.1;

/// What a decision rests on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene {
    pub now: Instant,
    /// The number of the last outage of Redis.
    pub outages: u64,
    /// Replicas, or how many there were last.
    pub replicas: u32,
}

/// Units taken from a lease, and what is needed beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub paid: u32,
    pub need: u32,
    /// The lease runs out and should be renewed.
    pub low: bool,
    turn: u64,
}

/// One limit of one key.
pub(super) struct Account {
    /// Its key in Redis.
    pub key: String,
    pub policy: &'static str,
    pub rate: Rate,
    state: Mutex<State>,
}

struct State {
    /// The lease: units debited in Redis and not spent yet.
    units: u32,
    until: Instant,
    /// Counts what was told to Redis about the lease: what was taken before can't be put back after.
    turn: u64,
    asking: bool,
    /// What was left in Redis, and when at the latest.
    known: Option<(f64, Instant)>,
    /// A cost that was refused, and until when it need not be asked for again.
    quiet: Option<(u32, Instant)>,
    demand: Demand,
    share: Bucket,
    /// The outage that the share is for.
    outage: u64,
    /// The share was used, and Redis has not been told.
    owed: bool,
    used: Instant,
}

impl Account {
    pub(super) fn new(key: String, policy: &'static str, rate: Rate, now: Instant) -> Self {
        let state = State {
            units: 0,
            until: now,
            turn: 0,
            asking: false,
            known: None,
            quiet: None,
            demand: Demand { since: now, count: 0.0, per_second: 0.0 },
            share: Bucket::new(0.0, now),
            outage: 0,
            owed: false,
            used: now,
        };
        Self { key, policy, rate, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a cost from the lease. What the lease lacks must be asked for, unless it is known that
    /// there is too little: then how long to wait.
    pub(super) fn take(&self, cost: u32, now: Instant) -> Result<Taken, Duration> {
        let mut state = self.state();
        state.used = now;
        state.demand.note(f64::from(cost), now);
        if state.until <= now {
            state.units = 0;
        }
        let paid = cost.min(state.units);
        let need = cost - paid;
        let left = state.left(self.rate, now);
        if need > 0
            && let Some(wait) = state.wait(need, left, self.rate, now)
        {
            return Err(wait);
        }
        state.units -= paid;
        let target = state.target(self.rate, now);
        let low = target >= 2
            && state.units < target.div_ceil(2)
            && !state.asking
            && state.quiet.is_none_or(|(_, until)| until <= now)
            && left.is_none_or(|left| left >= 2.0);
        Ok(Taken { paid, need, low, turn: state.turn })
    }

    /// Puts back what was taken for nothing. Redis may have been told of the lease without it
    /// meanwhile: then it is lost.
    pub(super) fn put_back(&self, taken: Taken) {
        let mut state = self.state();
        if state.turn == taken.turn {
            state.units += taken.paid;
        }
    }

    /// Units left, as far as is known: in the lease and in Redis.
    pub(super) fn remaining(&self, now: Instant) -> u32 {
        let state = self.state();
        let units = if state.until > now { state.units } else { 0 };
        let left = state.left(self.rate, now).unwrap_or_default().max(0.0).floor();
        units.saturating_add(whole(left)).min(self.rate.burst.get())
    }

    /// Whether it was asked for lately.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        let idle = Duration::from_secs(60);
        now.saturating_duration_since(self.state().used) > idle
    }

    /// Spends a cost of this replica's share of the limit: of what was known to be left when Redis
    /// went away, divided by the replicas, and of the rate likewise.
    pub(super) fn spend_share(&self, cost: u32, scene: Scene) -> Result<u32, Duration> {
        let flow = self.flow(scene.replicas);
        let mut state = self.state();
        state.used = scene.now;
        if state.outage != scene.outages {
            state.outage = scene.outages;
            // A share that Redis was never told of goes on.
            if !state.owed {
                let left = state.left(self.rate, scene.now);
                let part = left.map_or(flow.full, |left| left / f64::from(scene.replicas));
                state.share = Bucket::new(part.min(flow.full), scene.now);
            }
        }
        let left = state.share.spend(f64::from(cost), flow, scene.now)?;
        state.owed = true;
        Ok(whole(left.max(0.0).floor()))
    }

    /// Whole units left of this replica's share.
    pub(super) fn share_left(&self, scene: Scene) -> u32 {
        let flow = self.flow(scene.replicas);
        let state = self.state();
        let left = match state.owed || state.outage == scene.outages {
            true => state.share.level(flow, scene.now),
            false => state
                .left(self.rate, scene.now)
                .map_or(flow.full, |left| left / f64::from(scene.replicas.max(1)))
                .min(flow.full),
        };
        whole(left.max(0.0).floor())
    }

    pub(super) fn put_back_share(&self, cost: u32) {
        self.state().share.put_back(f64::from(cost));
    }

    fn flow(&self, replicas: u32) -> Flow {
        let replicas = f64::from(replicas.max(1));
        Flow {
            per_second: f64::from(self.rate.per_second.get()) / replicas,
            // One at a time must be possible.
            full: (f64::from(self.rate.burst.get()) / replicas).max(1.0),
        }
    }
}

impl State {
    /// What can be left in Redis at most: what was, and what has come back since. It can't be more,
    /// since nothing but time fills a limit.
    fn left(&self, rate: Rate, now: Instant) -> Option<f64> {
        let (left, at) = self.known?;
        let back = now.saturating_duration_since(at).as_secs_f64() * f64::from(rate.per_second.get());
        Some((left + back).min(f64::from(rate.burst.get())))
    }

    /// How long to wait for a need, if it is known that it can't be met now.
    fn wait(&self, need: u32, left: Option<f64>, rate: Rate, now: Instant) -> Option<Duration> {
        let missing = f64::from(need) - left?;
        let quiet = self.quiet.filter(|(cost, until)| need >= *cost && *until > now);
        let quiet = quiet.map(|(_, until)| until.saturating_duration_since(now));
        let fills =
            (missing > 0.0).then(|| Duration::from_secs_f64(missing / f64::from(rate.per_second.get())));
        quiet.max(fills)
    }

    /// How large a lease serves the demand.
    fn target(&self, rate: Rate, now: Instant) -> u32 {
        let per_second = self.demand.per_second(now).min(f64::from(rate.per_second.get()));
        whole((per_second * AHEAD_S).min(f64::from(rate.burst.get()) / PART).floor())
    }
}

/// A question to Redis about one limit. One at a time settles the lease; others only spend.
pub(super) struct Question {
    account: Arc<Account>,
    pub need: u32,
    pub want: u32,
    /// What is left of the lease; none if this question leaves it alone.
    pub held: Option<u32>,
    /// What can be left in Redis at most, in millionths.
    pub ceiling: Option<u64>,
    asked: Instant,
    owed: bool,
}

/// What Redis said about one limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    pub granted: bool,
    pub leased: u32,
    pub left_millionths: i64,
    pub wait: Duration,
}

impl Question {
    /// Begins one. What was taken from the lease counts as held if it may come back.
    pub(super) fn new(account: &Arc<Account>, taken: &mut Taken, may_return: bool, scene: Scene) -> Self {
        let now = scene.now;
        let rate = account.rate;
        let mut state = account.state();
        let left = state.left(rate, now);
        // With room for what Redis's clock and an answer's way may differ by.
        let mut ceiling = left.map(|left| left + 1.0 + LATE_S * f64::from(rate.per_second.get()));
        if state.owed {
            let share = state.share.level(account.flow(scene.replicas), now) * f64::from(scene.replicas);
            ceiling = Some(ceiling.unwrap_or(share).min(share));
        }
        let owed = state.owed;
        let settles = !state.asking;
        let (mut held, mut want) = (None, 0);
        if settles {
            state.asking = true;
            state.turn += 1;
            let units = if state.until > now { state.units } else { 0 };
            state.units = units;
            want = state.target(rate, now).saturating_sub(units);
            held = Some(if may_return { units + taken.paid } else { units });
            taken.turn = state.turn;
        }
        drop(state);
        let millionths = |ceiling: f64| (ceiling.max(0.0) * 1e6) as u64;
        let ceiling = ceiling.map(millionths);
        Self { account: Arc::clone(account), need: taken.need, want, held, ceiling, asked: now, owed }
    }

    /// Which limit it is about.
    pub(super) fn account(&self) -> &Account {
        &self.account
    }

    /// Takes the answer in.
    pub(super) fn said(&self, said: Said, now: Instant) {
        let rate = self.account.rate;
        let mut state = self.account.state();
        if self.held.is_some() {
            if state.until <= self.asked {
                state.units = 0;
            }
            state.units += said.leased;
            // Redis counts from later on, so ours ends first.
            state.until = self.asked + LEASE;
        }
        if state.known.is_none_or(|(_, at)| at <= self.asked) {
            state.known = Some((said.left_millionths as f64 / 1e6, self.asked));
        }
        if self.owed {
            state.owed = false;
        }
        if said.granted {
            state.quiet = None;
        } else if said.wait > Duration::ZERO {
            // Longer than needed, so that replicas don't all ask for each unit; but not so long that
            // the limit could fill up meanwhile.
            let half = f64::from(rate.burst.get()) / f64::from(rate.per_second.get()) / 2.0;
            let quiet = QUIET.min(Duration::from_secs_f64(half)).max(said.wait.min(QUIET));
            state.quiet = Some((self.need, now + quiet));
        }
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        if self.held.is_some() {
            self.account.state().asking = false;
        }
    }
}

/// How much is asked for.
struct Demand {
    since: Instant,
    count: f64,
    per_second: f64,
}

impl Demand {
    fn note(&mut self, cost: f64, now: Instant) {
        let span = now.saturating_duration_since(self.since);
        if span >= SPAN {
            self.per_second = self.per_second(now);
            self.count = 0.0;
            self.since = now;
        }
        self.count += cost;
    }

    fn per_second(&self, now: Instant) -> f64 {
        let span = now.saturating_duration_since(self.since);
        if span < SPAN {
            return self.per_second;
        }
        let span = span.as_secs_f64();
        let weight = 1.0 - (-span / MEMORY_S).exp();
        self.per_second + weight * (self.count / span - self.per_second)
    }
}

/// A float that is whole, as a number.
fn whole(float: f64) -> u32 {
    float as u32
}
