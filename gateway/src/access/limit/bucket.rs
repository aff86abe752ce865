//! A token bucket that fills as time goes by: a replica's share of a limit while Redis is away.
//!
//! In whole units `governor` would do; a share of a limit is a fraction, and changes with the number
//! of replicas.

use std::time::{Duration, Instant};

/// How a bucket fills.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    /// Units a second.
    pub per_second: f64,
    /// Units when it is full.
    pub full: f64,
}

/// A bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    level: f64,
    at: Instant,
}

impl Bucket {
    pub(super) fn new(level: f64, at: Instant) -> Self {
        Self { level, at }
    }

    /// What is in it.
    pub(super) fn level(&self, flow: Flow, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        (self.level + passed * flow.per_second).min(flow.full)
    }

    /// Spends, and says what is left; or how long to wait. A cost above what it can hold needs a full
    /// bucket and overdraws it: it costs all the same.
    pub(super) fn spend(&mut self, cost: f64, flow: Flow, now: Instant) -> Result<f64, Duration> {
        let level = self.level(flow, now);
        let missing = cost.min(flow.full) - level;
        // A clock's ticks must not leave a hair's breadth to be waited for.
        if missing > 1e-9 {
            return Err(Duration::from_secs_f64(missing / flow.per_second));
        }
        *self = Self { level: level - cost, at: now };
        Ok(self.level)
    }

    /// Puts back what was spent for nothing.
    pub(super) fn put_back(&mut self, cost: f64) {
        self.level += cost;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_window_admits_more_than_rate_times_time_and_burst(
            per_second in 0.5..50.0,
            full in 1.0..40.0,
            asks in prop::collection::vec((0_u64..400, 1_u32..25, any::<bool>()), 1..200),
        ) {
            let flow = Flow { per_second, full };
            let start = Instant::now();
            let mut bucket = Bucket::new(full, start);
            let mut now = start;
            let mut spent: Vec<(Instant, f64)> = Vec::new();
            for (wait_ms, cost, gives_back) in asks {
                now += Duration::from_millis(wait_ms);
                let cost = f64::from(cost).min(full);
                match bucket.spend(cost, flow, now) {
                    Ok(_) if gives_back => bucket.put_back(cost),
                    Ok(_) => spent.push((now, cost)),
                    // What it says is long enough, and not longer than needed.
                    Err(wait) => {
                        let mut later = bucket;
                        prop_assert!(later.spend(cost, flow, now + wait + Duration::from_micros(1)).is_ok());
                        prop_assert!(wait < Duration::from_millis(1)
                            || bucket.spend(cost, flow, now + wait.mul_f64(0.9)).is_err());
                    }
                }
            }
            for (first, (from, _)) in spent.iter().enumerate() {
                let mut sum = 0.0;
                for (until, cost) in &spent[first..] {
                    sum += cost;
                    let most = per_second * until.duration_since(*from).as_secs_f64() + full;
                    prop_assert!(sum <= most + 1e-6, "{sum} in {:?}", until.duration_since(*from));
                }
            }
        }
    }

    #[test]
    fn a_cost_above_what_it_holds_overdraws_it() {
        let (flow, start) = (Flow { per_second: 10.0, full: 2.0 }, Instant::now());
        let mut bucket = Bucket::new(2.0, start);
        assert_eq!(bucket.spend(20.0, flow, start), Ok(-18.0));
        // The next unit is there once the 18 and itself have come back.
        assert_eq!(bucket.spend(1.0, flow, start), Err(Duration::from_millis(1900)));
    }
}
