//! When an endpoint that could not be told is tried again.
//!
//! After 5 s, 15 s, 45 s, 2 min, 7 min, 20 min, 1 h and 3 h, and then every 6 h, each a fifth more or less by
//! chance, so that receivers which came back are not all told at once. After `webhooks.retry_hours` (three
//! days) of nothing but failures it is disabled.

/// The first wait.
const FIRST_US: i64 = 5_000_000;
/// No wait is longer, but for chance.
const LONGEST_US: i64 = 6 * 3600 * 1_000_000;

/// How long to wait after so many attempts, by a number drawn by chance.
#[must_use]
pub fn wait_us(attempts: i64, chance: u64) -> i64 {
    let steps = u32::try_from(attempts.clamp(1, 20) - 1).unwrap_or(0);
    let wait = FIRST_US.saturating_mul(3_i64.saturating_pow(steps)).min(LONGEST_US);
    let fifth = wait / 5;
    let chance = i64::try_from(chance % (2 * fifth.unsigned_abs() + 1)).unwrap_or(0);
    wait - fifth + chance
}

/// When to try next, in microseconds since the Unix epoch; none when it has failed for long enough.
#[must_use]
pub fn next_at_us(now_us: i64, since_us: i64, attempts: i64, chance: u64, retry_hours: u32) -> Option<i64> {
    let end_us = since_us + i64::from(retry_hours) * 3600 * 1_000_000;
    // The last attempt is at the very end.
    (now_us < end_us).then(|| (now_us + wait_us(attempts, chance)).min(end_us))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_US: i64 = 3600 * 1_000_000;

    #[test]
    fn waits_grow_threefold_to_six_hours_with_a_fifth_of_chance() {
        let middle = |attempts| {
            let wait = wait_us(attempts, 0) + wait_us(attempts, 0) / 4;
            wait / 1_000_000
        };
        let waits: Vec<i64> = (1..=10).map(middle).collect();
        assert_eq!(waits, [5, 15, 45, 135, 405, 1_215, 3_645, 10_935, 21_600, 21_600]);
        for attempts in [1, 5, 9, 1_000_000] {
            let waits: Vec<i64> = (0..1_000).map(|n| wait_us(attempts, n * 7_919_777)).collect();
            let (least, most) = (*waits.iter().min().unwrap(), *waits.iter().max().unwrap());
            let wait = wait_us(attempts, 0) * 5 / 4;
            assert!(least >= wait * 4 / 5 && most <= wait * 6 / 5, "{attempts}: {least} to {most}");
            assert!(most > least);
        }
    }

    #[test]
    fn it_ends_after_the_hours_that_are_configured_and_not_before() {
        let (mut now, since, mut attempts) = (0, 0, 1);
        while let Some(next) = next_at_us(now, since, attempts, 0x9e37_79b9 * attempts.unsigned_abs(), 72) {
            assert!(next > now && next <= 72 * HOUR_US);
            (now, attempts) = (next, attempts + 1);
        }
        assert_eq!(now, 72 * HOUR_US);
        assert!((15..=30).contains(&attempts), "{attempts}");
    }
}
