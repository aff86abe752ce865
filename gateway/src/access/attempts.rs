//! Tries that are counted: so many at once, then one more every so often. Those of this process alone.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
};

/// Most keys that are remembered.
const KEYS: usize = 100_000;

/// Tries by key.
#[derive(Debug)]
pub(super) struct Attempts<K> {
    at_once: i64,
    every_us: i64,
    /// When a key will have all its tries again.
    full_at_us: Mutex<HashMap<K, i64>>,
}

impl<K: Hash + Eq + Clone> Attempts<K> {
    pub(super) fn new(at_once: u32, every_s: u32) -> Self {
        let every_us = i64::from(every_s) * 1_000_000;
        Self { at_once: at_once.into(), every_us, full_at_us: Mutex::default() }
    }

    /// Takes a try.
    ///
    /// # Errors
    /// The seconds until there is one again.
    pub(super) fn take(&self, key: &K, now_us: i64) -> Result<(), u64> {
        let mut full_at_us = self.full_at_us.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at_us.len() >= KEYS {
            full_at_us.retain(|_, at_us| *at_us > now_us);
            // A flood of keys: start over rather than grow without bound.
            if full_at_us.len() >= KEYS {
                full_at_us.clear();
            }
        }
        let then_us = full_at_us.get(key).copied().unwrap_or(now_us).max(now_us) + self.every_us;
        let wait_us = then_us - now_us - self.at_once * self.every_us;
        if wait_us > 0 {
            return Err(u64::try_from(wait_us).unwrap_or(0).div_ceil(1_000_000));
        }
        full_at_us.insert(key.clone(), then_us);
        Ok(())
    }

    /// Gives a try back that was a good one.
    pub(super) fn give_back(&self, key: &K) {
        let mut full_at_us = self.full_at_us.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at_us) = full_at_us.get_mut(key) {
            *at_us -= self.every_us;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_used_up_and_come_back_one_by_one() {
        let (tries, s) = (Attempts::new(3, 10), 1_000_000);
        for _ in 0..3 {
            assert_eq!(tries.take(&"ada", 0), Ok(()));
        }
        assert_eq!(tries.take(&"ada", 0), Err(10));
        assert_eq!(tries.take(&"bob", 0), Ok(()));
        assert_eq!(tries.take(&"ada", 9 * s), Err(1));
        assert_eq!(tries.take(&"ada", 10 * s), Ok(()));
        assert_eq!(tries.take(&"ada", 10 * s), Err(10));
        tries.give_back(&"ada");
        assert_eq!(tries.take(&"ada", 10 * s), Ok(()));
    }
}
