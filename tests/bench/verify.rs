//! Verifying: a bundle on one core, beside SHA-256 over the same bytes.

use std::{
    hint::black_box,
    io::Cursor,
    time::{Duration, Instant},
};

use sha2::{Digest as _, Sha256};
use veritrail_audit::{
    BundleProof, BundleWriter, Checkpoint, Entry, Frontier, Kind, SignerKey, Subject, VerifierKey,
    VerifyOptions, commit, genesis_prev, leaf_hash, verify,
};

use super::{
    site::Records,
    table::{Row, Target},
};

const ORIGIN: &str = "bench.example/ledger/ins_0190163d8694739bba1a9fbee4e5c1b2";
const ROUNDS: usize = 3;

/// A whole log's bundle, and how many of its bytes are entries and payload lines.
fn bundle(entries: u64, key: &SignerKey) -> (Vec<u8>, u64) {
    let mut writer = BundleWriter::new(Cursor::new(Vec::new()), ORIGIN, 0, entries).unwrap();
    let (mut tree, mut prev) = (Frontier::new(), genesis_prev(ORIGIN));
    let payload = |seq: u64| match seq {
        0 => format!(r#"{{"origin":"{ORIGIN}","vkey":"{}"}}"#, key.vkey()).into_bytes(),
        _ => Records::payload(seq),
    };
    let salt = [7; 32];
    for seq in 0..entries {
        let id = format!("txn_{seq:032x}");
        let entry = Entry {
            log: ORIGIN,
            seq,
            at_us: 1_767_225_600_000_000 + i64::try_from(seq).unwrap(),
            kind: if seq == 0 { Kind::Key } else { Kind::Record },
            actor: "cli_0190163d8694739bba1a9fbee4e5c1b2",
            request: Some("req_0190163d8694739bba1a9fbee4e5c1b2"),
            subject: Some(Subject { kind: "transaction", id: &id }),
            commitment: commit(&salt, &payload(seq)),
            prev,
        };
        let bytes = entry.encode().unwrap();
        prev = leaf_hash(&bytes);
        tree.push(prev);
        writer.entry(&bytes).unwrap();
    }
    for seq in 0..entries {
        writer.payload(seq, &salt, &payload(seq)).unwrap();
    }
    let checkpoint = key.sign(&Checkpoint { origin: ORIGIN.to_owned(), size: entries, root: tree.root() });
    let proof = BundleProof { checkpoint, vkeys: vec![key.vkey()], ..BundleProof::default() };
    let bytes = writer.finish(&proof).unwrap().into_inner();
    let length = bytes.len() as u64;
    (bytes, length)
}

fn seconds(work: impl FnOnce()) -> f64 {
    let began = Instant::now();
    work();
    began.elapsed().max(Duration::from_nanos(1)).as_secs_f64()
}

pub fn row() -> Row {
    let entries = std::env::var("VERITRAIL_BENCH_ENTRIES").ok();
    let entries: u64 = entries.map_or(200_000, |count| count.parse().expect("a number of entries"));
    let key = SignerKey::new(ORIGIN, &[7; 32]).unwrap();
    let (bundle, bytes) = bundle(entries, &key);
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
