//! What a limit let through, and whether that was too much.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

/// What was asked for and what was admitted.
#[derive(Default)]
pub struct Tally {
    pub asked: usize,
    /// When, for each unit.
    pub admitted: Vec<Instant>,
    pub slowest: Duration,
}

/// Asks at a steady pace, each time at its due time, not waiting for what was asked before; `ask` is
/// told how many were asked already. What was answered, in any order.
pub async fn at_pace<A: Send + 'static, F: Future<Output = A> + Send + 'static>(
    per_second: f64,
    span: Duration,
    mut ask: impl FnMut(usize) -> F,
) -> Vec<A> {
    let start = Instant::now();
    let mut asked = JoinSet::new();
    for before in 0_usize.. {
        let due = Duration::from_secs_f64(before as f64 / per_second);
        if due >= span {
            break;
        }
        tokio::time::sleep_until((start + due).into()).await;
        asked.spawn(ask(before));
    }
    asked.join_all().await
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
