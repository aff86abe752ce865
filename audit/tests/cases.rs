//! Each kind of tampering with payloads, the tree, signatures and the container.

use veritrail_audit::{Span, leaf_hash};

use crate::entry_cases::entry_cases;
use crate::forge::{ENTRIES, PAYLOADS, altered, edit, forked_log, lines};
use crate::parts::Parts;
use crate::support::{Log, ORIGIN, sample, sample_log};

/// The name of its file in testdata/, what was done, the bundle, and the fault and entry to be named.
pub(crate) type Case = (&'static str, &'static str, Vec<u8>, &'static str, Option<u64>);

/// All of them.
pub(crate) fn cases() -> Vec<Case> {
    [entry_cases(), payload_cases(), tree_cases()].concat()
}

fn payload_cases() -> Vec<Case> {
    vec![
        (
            "payload-altered",
            "the amount in the payload of entry 16 was changed",
            lines(PAYLOADS, |l| {
                let line = l.iter_mut().find(|line| line.contains("\"16.00\"")).unwrap();
                edit(line, "16.00", "61.00");
            }),
            "payload",
            Some(16),
        ),
        (
            "payloads-swapped",
            "the payloads of entries 15 and 16 were swapped, with their salts",
            lines(PAYLOADS, |l| {
                let at = l.iter().position(|line| line.contains("\"seq\":\"15\"")).unwrap();
                l.swap(at, at + 1);
                edit(&mut l[at], "\"seq\":\"16\"", "\"seq\":\"15\"");
                edit(&mut l[at + 1], "\"seq\":\"15\"", "\"seq\":\"16\"");
            }),
            "payload",
            Some(15),
        ),
        (
            "salt-altered",
            "the salt of entry 30's payload was changed",
            lines(PAYLOADS, |l| {
                let line = l.iter_mut().find(|line| line.contains("\"seq\":\"30\"")).unwrap();
                let start = line.find("\"salt\":\"").unwrap() + 8;
                line.replace_range(start..start + 64, &leaf_hash(b"other").to_hex());
            }),
            "payload",
            Some(30),
        ),
        (
            "payloads-reordered",
            "two payload lines were swapped",
            lines(PAYLOADS, |l| l.swap(3, 4)),
            "payload_order",
            Some(9),
        ),
        (
            "payload-outside",
            "a payload of an entry outside the range was added",
            lines(PAYLOADS, |l| {
                let line = l.last().unwrap().replace("\"seq\":\"36\"", "\"seq\":\"38\"");
                l.push(line);
            }),
            "payload_outside",
            Some(38),
        ),
        (
            "payload-malformed",
            "a payload line has a further field",
            lines(PAYLOADS, |l| edit(&mut l[0], ",\"seq\"", ",\"see\":1,\"seq\"")),
            "payload_line",
            None,
        ),
        (
            "first-key",
            "the payload of entry 0 names a key that the log doesn't have, in a bundle otherwise sound",
            other_first_key(),
            "first_key",
            Some(0),
        ),
    ]
}

fn tree_cases() -> Vec<Case> {
    let fork = forked_log();
    vec![
        (
            "old-checkpoint",
            "the checkpoint was replaced by the log's own at size 29",
            altered(|parts| *parts.get("checkpoint") = sample_log().note(29).into_bytes()),
            "old_checkpoint",
            None,
        ),
        (
            "forged-checkpoint",
            "the root in the checkpoint was replaced",
            altered(|parts| {
                let (root, other) = (sample_log().checkpoint(40).root, leaf_hash(b"other"));
                let note = parts.text("checkpoint").replace(&root.to_base64(), &other.to_base64());
                *parts.get("checkpoint") = note.into_bytes();
            }),
            "checkpoint",
            None,
        ),
        (
            "other-key",
            "everything was rewritten and signed with another key of the same name",
            Log { seed: 9, ..Log::new(ORIGIN, 9, 40) }.bundle(5, 37, &[12], |_| true),
            "not_signed",
            None,
        ),
        (
            "two-logs",
            "the entries of another log's bundle were put under this log's checkpoint",
            altered(|parts| {
                let other =
                    Log::new("ledger.example/institutions/south", 2, 40).bundle(5, 37, &[], |_| false);
                *parts.get(ENTRIES) = Parts::unpack(&other).get(ENTRIES).clone();
            }),
            "wrong_log",
            Some(5),
        ),
        (
            "left-altered",
            "a hash left of the range was changed",
            altered(|parts| {
                let root = sample_log().root(Span { start: 0, end: 4 });
                let proof = parts.text("proof.json").replace(&root.to_hex(), &leaf_hash(b"other").to_hex());
                *parts.get("proof.json") = proof.into_bytes();
            }),
            "rewritten",
            None,
        ),
        (
            "right-altered",
            "a hash right of the range was changed",
            altered(|parts| {
                let root = sample_log().root(Span { start: 38, end: 40 });
                let proof = parts.text("proof.json").replace(&root.to_hex(), &leaf_hash(b"other").to_hex());
                *parts.get("proof.json") = proof.into_bytes();
            }),
            "rewritten",
            None,
        ),
        (
            "fork",
            "the log's own key signed two histories: the checkpoint at 12 belongs to the other one",
            altered(|parts| {
                let notes = parts.text("checkpoints").replace(&sample_log().note(12), &fork.note(12));
                *parts.get("checkpoints") = notes.into_bytes();
            }),
            "fork",
            None,
        ),
        (
            "manifest-lies",
            "the manifest says that there is one payload less",
            {
                let mut parts = Parts::unpack(&sample());
                let manifest = parts.text("manifest.json").replace("\"lines\":\"27\"", "\"lines\":\"26\"");
                *parts.get("manifest.json") = manifest.into_bytes();
                parts.pack()
            },
            "file",
            None,
        ),
        (
            "trailing-bytes",
            "bytes were added to the end of the file",
            [sample(), b"\0".to_vec()].concat(),
            "container",
            None,
        ),
        (
            "bit-flipped",
            "one bit of entry 11 was flipped and no checksum mended",
            {
                let mut bundle = sample();
                let entry = &sample_log().entries[11];
                let at = bundle.windows(entry.len()).position(|window| window == entry).unwrap();
                bundle[at + 12] ^= 1;
                bundle
            },
            "altered",
            Some(11),
        ),
    ]
}

fn other_first_key() -> Vec<u8> {
    let mut log = Log::new(ORIGIN, 1, 0);
    log.push_payload(
        format!(r#"{{"origin":"{ORIGIN}","vkey":"{}"}}"#, Log::new(ORIGIN, 3, 0).key().vkey()).into_bytes(),
    );
    (0..5).for_each(|_| log.push());
    log.bundle(0, 6, &[], |_| true)
}
