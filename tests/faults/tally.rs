//! What a limit let through, and whether that was too much.

use std::time::{Duration, Instant};

/// What was asked for and what was admitted.
#[derive(Default)]
pub struct Tally {
    pub asked: usize,
    /// When, for each unit.
    pub admitted: Vec<Instant>,
    pub slowest: Duration,
}

impl Tally {
    pub fn join(tallies: Vec<Self>) -> Self {
        let mut all = Self::default();
        for tally in tallies {
            all.asked += tally.asked;
            all.admitted.extend(tally.admitted);
            all.slowest = all.slowest.max(tally.slowest);
        }
        all.admitted.sort();
        all
    }

    /// The most by which a span of time had more than `rate * time + burst`.
    pub fn excess(&self, rate: f64, burst: f64) -> f64 {
        let Some(start) = self.admitted.first() else { return 0.0 };
        // At each unit: how many there were less what had come back; the highest rise is the excess.
        let (mut lowest, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for (before, at) in self.admitted.iter().enumerate() {
            let back = rate * at.duration_since(*start).as_secs_f64();
            lowest = lowest.min(before as f64 - back);
            most = most.max(before as f64 + 1.0 - back - lowest);
        }
        most - burst
    }
}
