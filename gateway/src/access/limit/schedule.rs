//! A schedule for planned requests that meets no refusal, and is about as quick as can be. Pure.
//!
//! A limit lets a request through when, for every span of time that ends with it, what was spent is at
//! most `burst + rate * span`, and since the start at most `left + rate * time` (GCRA). The schedule is
//! made from this, not tried out, so its length and the work to make it don't depend on how many
//! requests there are.
//!
//! All operations go side by side, each in its share, so that no limit idles while another one binds.
//! With `x` the part of the load that is done, a limit with `A` units to begin with lets it happen at
//! `(x * cost - A) / rate` at the earliest; the latest of these is a line with a few bends, along which
//! each operation is spaced evenly. At any time each operation is at most one request ahead of its
//! share: `A` keeps that much back, and what comes back while a request is late. A limit whose burst
//! can't hold one of each operation is kept by taking one operation after another instead, each at the pace
//! of its slowest limit: that is not the fastest where another limit has much to begin with.
//!
//! The fastest possible takes `(cost - left) / rate`. This takes longer at most by the time in which a
//! limit gets back one request of each operation, and by how late a request may be.

use super::{Held, Level};

/// The part of a shared rate that is counted on: a lease that runs out unspent is lost.
const COUNTED_ON: f64 = 0.95;
/// Room for how times are rounded in a schedule.
const ROUNDING_S: f64 = 50e-6;

/// What a limit lets through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// Its name.
    pub policy: &'static str,
    /// Seconds in which a unit comes back.
    pub unit_s: f64,
    /// Units at once.
    pub burst: f64,
    /// Units left at the start; below 0 when others spend the last one.
    pub left: f64,
}

impl Bound {
    /// What a level lets through while others spend so many units of it a second, evenly. `dearest` is
    /// the most that one request costs. None when it can't be foreseen: replicas hold the limit apart.
    #[must_use]
    pub fn of(level: &Level, others_per_second: f64, dearest: f64) -> Option<Self> {
        let (whole, left) = (f64::from(level.rate.burst.get()), f64::from(level.left));
        let per_second = f64::from(level.rate.per_second.get());
        let (per_second, kept) = match level.held {
            // As the limiter counts: in whole nanoseconds.
            Held::Alone => (1e9 / (1e9 / per_second).floor(), 0.0),
            Held::Together(replicas) => {
                // What the replicas' leases may hold.
                let leased = f64::from(replicas) * (per_second / 10.0).min(whole / 8.0);
                (per_second * COUNTED_ON, leased.min(whole / 2.0))
            }
            Held::Apart => return None,
        };
        // Others are at most one unit ahead of their rate.
        let others = if others_per_second > 0.0 { 1.0 } else { 0.0 };
        let burst = (whole - kept).max(dearest) - others;
        let unit_s = (per_second - others_per_second).recip();
        Some(Self { policy: level.policy, unit_s, burst, left: left - kept - others })
    }

    fn refill_s(&self, units: f64) -> f64 {
        units * self.unit_s
    }
}

/// Requests of one operation.
#[derive(Clone, Copy, Debug)]
pub struct Work<const N: usize> {
    /// How many.
    pub count: u32,
    /// What one costs of each limit.
    pub costs: [f64; N],
}

/// Requests of one operation, one after another in even steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Which work it is of.
    pub work: usize,
    /// When the first is sent, in seconds from the start.
    pub at_s: f64,
    /// How many.
    pub count: u32,
    /// Seconds between them; 0: all at once.
    pub every_s: f64,
}

/// When to send what.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// In order of time.
    pub steps: Vec<Step>,
    /// When the last request is sent, in seconds from the start.
    pub duration_s: f64,
    /// The limit that holds it up at the end, unless nothing does.
    pub held_by: Option<&'static str>,
    /// One operation after another, not side by side.
    pub in_turn: bool,
}

/// Why there is no schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Impossible {
    /// A request of this work costs more than this limit ever has.
    Cost(usize, &'static str),
    /// Others spend all that comes back to this limit.
    Load(&'static str),
}

/// Makes a schedule. A request may come up to `late_s` later than it says, while others don't.
///
/// # Errors
/// When it can never be.
pub fn schedule<const N: usize>(
    bounds: [Bound; N],
    works: &[Work<N>],
    late_s: f64,
) -> Result<Schedule, Impossible> {
    if let Some(bound) = bounds.iter().find(|bound| !(bound.unit_s.is_finite() && bound.unit_s > 0.0)) {
        return Err(Impossible::Load(bound.policy));
    }
    for (which, work) in works.iter().enumerate() {
        if let Some(d) = (0..N).find(|d| work.costs[*d] > bounds[*d].burst) {
            return Err(Impossible::Cost(which, bounds[d].policy));
        }
    }
    // Until no limit is in debt, nothing is sent.
    let wait_s = bounds.iter().map(|bound| bound.refill_s(-bound.left)).fold(0.0, f64::max);
    let bounds = bounds
        .map(|bound| Bound { left: (bound.left + wait_s / bound.unit_s).clamp(0.0, bound.burst), ..bound });
    let line = Line { bounds, works, late_s: late_s + ROUNDING_S };
    let mut made = if line.fits_at_once() {
        line.at_once()
    } else if line.room().iter().all(|room| *room >= 0.0) {
        line.together()
    } else {
        line.in_turn()
    };
    made.steps.retain(|step| step.count > 0);
    for step in &mut made.steps {
        step.at_s = up(step.at_s + wait_s, 1e6);
        step.every_s = up(step.every_s, 1e12);
    }
    made.steps.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    let last = made.steps.iter().map(|step| step.at_s + step.every_s * f64::from(step.count - 1));
    made.duration_s = last.fold(0.0, f64::max);
    Ok(made)
}

/// Rounded up to a part of a second.
fn up(seconds: f64, parts: f64) -> f64 {
    (seconds * parts).ceil() / parts
}

struct Line<'a, const N: usize> {
    bounds: [Bound; N],
    works: &'a [Work<N>],
    late_s: f64,
}

impl<const N: usize> Line<'_, N> {
    /// What all of it costs.
    fn total(&self) -> [f64; N] {
        std::array::from_fn(|d| self.works.iter().map(|work| f64::from(work.count) * work.costs[d]).sum())
    }

    /// What a burst has beyond one of each operation and what may be late.
    fn room(&self) -> [f64; N] {
        std::array::from_fn(|d| {
            let ahead: f64 = self.works.iter().map(|work| work.costs[d]).sum();
            self.bounds[d].burst - self.late_s / self.bounds[d].unit_s - ahead
        })
    }

    fn fits_at_once(&self) -> bool {
        self.total().iter().zip(&self.bounds).all(|(total, bound)| *total <= bound.left)
    }

    fn at_once(&self) -> Schedule {
        let step = |(work, it): (usize, &Work<N>)| Step { work, at_s: 0.0, count: it.count, every_s: 0.0 };
        let steps = self.works.iter().enumerate().map(step).collect();
        Schedule { steps, duration_s: 0.0, held_by: None, in_turn: false }
    }

    /// All operations side by side.
    fn together(&self) -> Schedule {
        let (total, room) = (self.total(), self.room());
        // When the part x is done at the earliest: slope * x - offset, in seconds, for each limit.
        let slopes: [f64; N] = std::array::from_fn(|d| self.bounds[d].refill_s(total[d]));
        let offsets: [f64; N] =
            std::array::from_fn(|d| self.bounds[d].refill_s(self.bounds[d].left.min(room[d])));
        let mut steps = Vec::new();
        let mut done = vec![0_u32; self.works.len()];
        let (mut slope, mut offset, mut held_by, mut from) = (0.0, 0.0, None, 0.0);
        loop {
            // Where the next, steeper line takes over.
            let next = (0..N)
                .filter(|d| slopes[*d] > slope)
                .map(|d| (((offsets[d] - offset) / (slopes[d] - slope)).max(from), d))
                .min_by(|a, b| a.0.total_cmp(&b.0).then(slopes[b.1].total_cmp(&slopes[a.1])))
                .filter(|(until, _)| *until < 1.0);
            for (which, (work, done)) in self.works.iter().zip(&mut done).enumerate() {
                let all = f64::from(work.count);
                let until = next.map_or(work.count, |(until, _)| ((until * all) as u32).min(work.count));
                let first = f64::from(*done + 1) / all;
                let at_s = (slope * first - offset).max(0.0);
                let count = until.saturating_sub(*done);
                steps.push(Step { work: which, at_s, count, every_s: slope / all });
                *done = until.max(*done);
            }
            let Some((until, d)) = next else { break };
            (slope, offset, held_by, from) = (slopes[d], offsets[d], Some(self.bounds[d].policy), until);
        }
        Schedule { steps, duration_s: 0.0, held_by, in_turn: false }
    }

    /// One operation after another, evenly spaced.
    fn in_turn(&self) -> Schedule {
        // When each limit would be full again, in seconds from the start (GCRA's arrival time).
        let mut full_s = self.bounds.map(|bound| bound.refill_s(bound.burst - bound.left));
        let (mut steps, mut last_s, mut held_by) = (Vec::new(), 0.0_f64, None);
        for (which, work) in self.works.iter().enumerate() {
            let parts = || self.bounds.iter().zip(work.costs);
            let ready = parts().zip(full_s);
            let at_s = ready
                .map(|((bound, cost), full)| full + bound.refill_s(cost - bound.burst))
                .fold(last_s, f64::max);
            let (mut every_s, mut slowest) = (0.0, None);
            for (bound, cost) in parts() {
                let cost_s = bound.refill_s(cost);
                // Just behind one that was late there must be room for two.
                let gap_s = cost_s.max(2.0 * cost_s + self.late_s - bound.refill_s(bound.burst));
                if cost > 0.0 && gap_s > every_s {
                    (every_s, slowest) = (gap_s, Some(bound.policy));
                }
            }
            let count = f64::from(work.count);
            last_s = at_s + (count - 1.0) * every_s;
            for ((bound, cost), full) in parts().zip(&mut full_s) {
                if cost > 0.0 {
                    let cost_s = bound.refill_s(cost);
                    *full = (*full + count * cost_s).max(last_s + self.late_s + cost_s);
                }
            }
            steps.push(Step { work: which, at_s, count: work.count, every_s });
            held_by = slowest;
        }
        Schedule { steps, duration_s: 0.0, held_by, in_turn: true }
    }
}
