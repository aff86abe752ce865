//! Verifying: a bundle on one core, beside SHA-256 over the same bytes.

use std::{
    hint::black_box,
    io::Cursor,
    time::{Duration, Instant},
};

use sha2::{Digest as _, Sha256};
use veritrail_audit::{SignerKey, VerifierKey, VerifyOptions, verify};

use super::{
    bundle::{ORIGIN, whole_log},
    site::Records,
    table::{Row, Target},
};

const ROUNDS: usize = 3;

fn seconds(work: impl FnOnce()) -> f64 {
    let began = Instant::now();
    work();
    began.elapsed().max(Duration::from_nanos(1)).as_secs_f64()
}

/// How many entries are verified.
pub fn entries() -> u64 {
    let entries = std::env::var("VERITRAIL_BENCH_ENTRIES").ok();
    entries.map_or(200_000, |count| count.parse().expect("a number of entries"))
}

pub fn row() -> Row {
    let entries = entries();
    let key = SignerKey::new(ORIGIN, &[7; 32]).unwrap();
    let bundle = whole_log(entries, &key, Records::payload);
    let bytes = bundle.len();
    let keys = vec![VerifierKey::parse(&key.vkey()).unwrap()];
    let options = VerifyOptions { keys, threads: 1, ..VerifyOptions::default() };
    let (mut ours, mut floor) = (f64::MAX, f64::MAX);
    // By turns, so that a busy machine slows both.
    for _ in 0..ROUNDS {
        floor = floor.min(seconds(|| {
            black_box(Sha256::digest(&bundle));
        }));
        ours = ours.min(seconds(|| {
            black_box(verify(&mut Cursor::new(&bundle), &options, &mut |_, _| ()).unwrap());
        }));
    }
    let rate = |time: f64| bytes as f64 / time / 1e6;
    let per_second = entries as f64 / ours;
    Row::new(
        format!("verify {entries} entries, one core ({per_second:.0} entries/s)"),
        rate(ours),
        rate(floor),
        "MB/s",
    )
    .against("sha2 over the same bytes")
    .target(Target::AtLeast(0.7))
}
