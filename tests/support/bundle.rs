//! Large evidence bundles.

use std::io::Cursor;

use veritrail_audit::{
    BundleProof, BundleWriter, Checkpoint, Entry, Frontier, Kind, SignerKey, Subject, commit, genesis_prev,
    leaf_hash,
};

/// The log that they are of.
pub const ORIGIN: &str = "bench.example/ledger/ins_0190163d8694739bba1a9fbee4e5c1b2";

/// The bundle of a whole log, with every payload; the first entry's is the log's key.
pub fn whole_log(entries: u64, key: &SignerKey, payload: impl Fn(u64) -> Vec<u8>) -> Vec<u8> {
    let mut writer = BundleWriter::new(Cursor::new(Vec::new()), ORIGIN, 0, entries).unwrap();
    let (mut tree, mut prev) = (Frontier::new(), genesis_prev(ORIGIN));
    let payload = |seq: u64| match seq {
        0 => format!(r#"{{"origin":"{ORIGIN}","vkey":"{}"}}"#, key.vkey()).into_bytes(),
        _ => payload(seq),
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
    writer.finish(&proof).unwrap().into_inner()
}
