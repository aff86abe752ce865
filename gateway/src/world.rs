//! What the service takes from outside itself: the time and randomness.
//!
//! Both come in as parameters, so that a test can set them; a lint bans the global ones.

use std::fmt::Debug;

/// The time and randomness.
pub trait World: Send + Sync + Debug {
    /// Now, in microseconds since the Unix epoch.
    fn now_us(&self) -> i64;
    /// Fills a buffer with unpredictable bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// The machine's clock and its generator.
#[derive(Debug)]
pub struct Machine;

impl World for Machine {
    #[expect(clippy::disallowed_methods, reason = "this is where the clock comes in")]
    fn now_us(&self) -> i64 {
        jiff::Timestamp::now().as_microsecond()
    }

    fn fill(&self, bytes: &mut [u8]) {
        rand::Rng::fill_bytes(&mut rand::rng(), bytes);
    }
}

/// A clock that is set, for tests.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct At(pub(crate) std::sync::atomic::AtomicI64);

#[cfg(test)]
impl World for At {
    fn now_us(&self) -> i64 {
        self.0.load(std::sync::atomic::Ordering::SeqCst)
    }

    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// `N` unpredictable bytes.
pub fn random<const N: usize>(world: &dyn World) -> [u8; N] {
    let mut bytes = [0; N];
    world.fill(&mut bytes);
    bytes
}

/// A time, and 10 random bytes, for a new UUIDv7 (RFC 9562 section 5.7).
pub fn id_parts(world: &dyn World) -> (u64, [u8; 10]) {
    (u64::try_from(world.now_us() / 1000).unwrap_or(0), random(world))
}

/// RFC 3339 in UTC with microseconds.
pub fn rfc3339(at_us: i64) -> String {
    jiff::Timestamp::from_microsecond(at_us).map(|at| format!("{at:.6}")).unwrap_or_default()
}
