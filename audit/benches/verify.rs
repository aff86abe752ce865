//! How fast a bundle is verified, beside SHA-256 over the same bytes: entries and payload lines, one core,
//! everything in memory. Prints one line; the ratio is what counts, since machines differ.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::hint::black_box;
use std::io::{Cursor, Write};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use veritrail_audit::{
    BundleProof, BundleWriter, Checkpoint, Entry, Frontier, Kind, SignerKey, Subject, VerifyOptions, commit,
    genesis_prev, leaf_hash, verify,
};

const ORIGIN: &str = "ledger.example/institutions/0190f1d2-6d3c-7a54-9d7e-0a1b2c3d4e5f";

/// The bundle of a whole log, and the bytes of its entries and payload lines.
fn bundle(count: u64, payloads: bool) -> (Vec<u8>, usize) {
    let key = SignerKey::new(ORIGIN, &[7; 32]).unwrap();
    let mut writer = BundleWriter::new(Cursor::new(Vec::new()), ORIGIN, 0, count).unwrap();
    let (mut frontier, mut prev) = (Frontier::new(), genesis_prev(ORIGIN));
    let payload = |seq: u64| {
        if seq == 0 {
            return format!(r#"{{"origin":"{ORIGIN}","vkey":"{}"}}"#, key.vkey()).into_bytes();
        }
        format!(
            r#"{{"account":"DE0212030000000020205{seq:03}","amount":"{seq}.25","booking_date":"2026-01-31","counterparty":"Example Trading GmbH","currency":"EUR","direction":"debit","id":"txn_0190f1d2-6d3c-7a54-9d7e-{seq:012}","reference":"INV-{seq:08}","status":"booked","text":"Settlement of invoice, second half","value_date":"2026-02-01"}}"#
        )
        .into_bytes()
    };
    let salt = [9; 32];
    let mut bytes = 0;
    for seq in 0..count {
        let (request, id) =
            (format!("0190f1d2-6d3c-7a54-9d7e-{seq:012}"), format!("txn_0190f1d2-6d3c-7a54-9d7e-{seq:012}"));
        let entry = Entry {
            log: ORIGIN,
            seq,
            at_us: 1_767_225_600_000_000 + seq as i64,
            kind: if seq == 0 { Kind::Key } else { Kind::Record },
            actor: "client_0190f1d2-6d3c-7a54-9d7e-0a1b2c3d4e5f",
            request: Some(&request),
            subject: Some(Subject { kind: "transaction", id: &id }),
            commitment: commit(&salt, &payload(seq)),
            prev,
        };
        let entry = entry.encode().unwrap();
        prev = leaf_hash(&entry);
        frontier.push(prev);
        bytes += entry.len() + 1;
        writer.entry(&entry).unwrap();
    }
    for seq in (0..count).filter(|_| payloads) {
        let payload = payload(seq);
        bytes += payload.len() + 96 + seq.to_string().len();
        writer.payload(seq, &salt, &payload).unwrap();
    }
    let checkpoint = key.sign(&Checkpoint { origin: ORIGIN.to_owned(), size: count, root: frontier.root() });
    let proof = BundleProof { checkpoint, vkeys: vec![key.vkey()], ..BundleProof::default() };
    (writer.finish(&proof).unwrap().into_inner(), bytes)
}

fn once(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn main() {
    const ENTRIES: u64 = 200_000;
    let mut out = std::io::stdout();
    for payloads in [false, true] {
        let (bundle, bytes) = bundle(ENTRIES, payloads);
        let options = VerifyOptions { threads: 1, ..VerifyOptions::default() };
        let (mut ours, mut floor) = (Duration::MAX, Duration::MAX);
        // By turns, so that a busy machine slows both.
        for _ in 0..7 {
            floor = floor.min(once(|| {
                black_box(Sha256::digest(&bundle[..bytes]));
            }));
            ours = ours.min(once(|| {
                black_box(verify(&mut Cursor::new(&bundle), &options, &mut |_, _| ()).unwrap());
            }));
        }
        let rate = |time: Duration| bytes as f64 / time.as_secs_f64() / 1e6;
        let what = if payloads { "entries and payloads" } else { "entries alone" };
        writeln!(
            out,
            "verify, one core, {ENTRIES} {what}: {:.0} MB/s, {:.0} entries/s; sha2 over the same bytes {:.0} MB/s; ratio {:.2}",
            rate(ours),
            ENTRIES as f64 / ours.as_secs_f64(),
            rate(floor),
            floor.as_secs_f64() / ours.as_secs_f64(),
        )
        .unwrap();
    }
}
