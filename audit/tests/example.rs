//! FORMAT.md's worked example, made here so that it can't drift, and the figures in its text.

use std::io::Cursor;
use std::path::Path;

use veritrail_audit::{
    BundleProof, BundleWriter, Checkpoint, Entry, Frontier, Hash, Kind, SignerKey, Subject, TlogProof,
    VerifierKey, VerifyOptions, commit, genesis_prev, leaf_hash, node_hash,
};

use crate::parts::Parts;
use crate::support::check;

const ORIGIN: &str = "ledger.example/north";

struct Line {
    kind: Kind,
    payload: String,
    request: Option<&'static str>,
    subject: Option<Subject<'static>>,
}

fn lines(vkey: &str) -> [Line; 3] {
    [
        Line {
            kind: Kind::Key,
            payload: format!(r#"{{"origin":"{ORIGIN}","vkey":"{vkey}"}}"#),
            request: None,
            subject: None,
        },
        Line {
            kind: Kind::Record,
            payload: r#"{"amount":"12.50","currency":"EUR","id":"txn_1"}"#.to_owned(),
            request: Some("req-1"),
            subject: Some(Subject { kind: "transaction", id: "txn_1" }),
        },
        Line {
            kind: Kind::Access,
            payload: r#"{"reads":["txn_1"]}"#.to_owned(),
            request: Some("req-2"),
            subject: None,
        },
    ]
}

fn block(text: &mut String, label: &str, content: &str) {
    *text += &format!("{label}\n\n```\n{}\n```\n\n", content.trim_end_matches('\n'));
}

fn example() -> String {
    let key = SignerKey::new(ORIGIN, &[1; 32]).unwrap();
    let mut text = String::from("\n");
    block(&mut text, "The key as a vkey:", &key.vkey());
    block(&mut text, "genesis(origin):", &genesis_prev(ORIGIN).to_hex());
    let (mut prev, mut entries, mut payloads) = (genesis_prev(ORIGIN), Vec::new(), Vec::new());
    for (seq, line) in lines(&key.vkey()).into_iter().enumerate() {
        let salt = [0xa0 + seq as u8; 32];
        let entry = Entry {
            log: ORIGIN,
            seq: seq as u64,
            at_us: 1_767_225_600_000_000 + seq as i64,
            kind: line.kind,
            actor: "feeder-1",
            request: line.request,
            subject: line.subject,
            commitment: commit(&salt, line.payload.as_bytes()),
            prev,
        };
        let bytes = entry.encode().unwrap();
        prev = leaf_hash(&bytes);
        block(&mut text, &format!("Payload {seq}:"), &line.payload);
        block(
            &mut text,
            &format!("Entry {seq}, {} bytes:", bytes.len()),
            std::str::from_utf8(&bytes).unwrap(),
        );
        block(&mut text, &format!("leaf(entry {seq}):"), &prev.to_hex());
        entries.push(bytes);
        payloads.push((salt, line.payload));
    }
    let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    let mut frontier = Frontier::new();
    leaves.iter().for_each(|leaf| frontier.push(*leaf));
    let left = node_hash(&leaves[0], &leaves[1]);
    assert_eq!(frontier.root(), node_hash(&left, &leaves[2]));
    block(&mut text, "node(leaf 0, leaf 1):", &left.to_hex());
    block(&mut text, "The root, node(that, leaf 2):", &frontier.root().to_hex());
    let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size: 3, root: frontier.root() };
    let note = key.sign(&checkpoint);
    block(&mut text, "The checkpoint:", &note);
    let proof =
        TlogProof { index: 1, path: vec![leaves[0], leaves[2]], checkpoint: note.clone(), extra: None };
    proof.verify(&entries[1], &[VerifierKey::parse(&key.vkey()).unwrap()]).unwrap();
    block(&mut text, "The proof of entry 1, without the entry:", &proof.to_text());
    text + &bundle(&entries, &payloads, note, left, &key)
}

/// The bundle of the last entry alone, whose payload may be seen.
fn bundle(
    entries: &[Vec<u8>],
    payloads: &[([u8; 32], String)],
    checkpoint: String,
    left: Hash,
    key: &SignerKey,
) -> String {
    let mut writer = BundleWriter::new(Cursor::new(Vec::new()), ORIGIN, 2, 3).unwrap();
    writer.entry(&entries[2]).unwrap();
    writer.payload(2, &payloads[2].0, payloads[2].1.as_bytes()).unwrap();
    let vkeys = vec![key.vkey()];
    let proof = BundleProof { left: vec![left], right: vec![], checkpoint, earlier: vec![], vkeys };
    let bundle = writer.finish(&proof).unwrap().into_inner();
    check(&bundle, &VerifyOptions::default()).unwrap();
    let mut parts = Parts::unpack(&bundle);
    let mut text = format!("A bundle of entry 2 alone has {} bytes. In it:\n\n", bundle.len());
    for name in ["payloads.ndjson", "proof.json", "manifest.json"] {
        block(&mut text, &format!("{name}:"), &parts.text(name));
    }
    let entries_at = 50 + 10 + parts.get("README.txt").len();
    let header: String =
        bundle[entries_at..entries_at + 64].iter().map(|byte| format!("{byte:02x}")).collect();
    block(&mut text, &format!("The local header of entries.ndjson, at byte {entries_at}:"), &header);
    text
}

#[test]
fn the_worked_example_is_what_the_code_makes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("FORMAT.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("<!-- example -->\n").unwrap();
    let (found, after) = rest.split_once("<!-- end -->").unwrap();
    let expected = example();
    if std::env::var_os("VERITRAIL_BLESS").is_some() {
        std::fs::write(&path, format!("{before}<!-- example -->\n{expected}<!-- end -->{after}")).unwrap();
    } else {
        assert!(found == expected, "the example in FORMAT.md differs: run with VERITRAIL_BLESS=1");
    }
}

#[test]
fn the_figures_in_the_text_are_right() {
    let bundle = crate::support::sample();
    let members = Parts::unpack(&bundle).0;
    let data: usize = members.iter().map(|(name, bytes)| 50 + name.len() + bytes.len()).sum();
    assert_eq!(bundle.len() - data, 778);
    let central: usize = members.iter().map(|(name, _)| 74 + name.len()).sum();
    assert_eq!(central, 680);
    // The longest entry there can be.
    let (long, origin) = ("x".repeat(128), "x".repeat(255));
    let entry = Entry {
        log: &origin,
        seq: veritrail_audit::MAX_LOG_SIZE - 1,
        at_us: 0,
        kind: Kind::Record,
        actor: &long,
        request: Some(&long),
        subject: Some(Subject { kind: &long, id: &long }),
        commitment: Hash([0; 32]),
        prev: Hash([0; 32]),
    };
    assert!(entry.encode().unwrap().len() < 1_300);
}

#[test]
fn the_chain_check_is_the_readme_s() {
    let format = include_str!("../FORMAT.md");
    let code = format.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let readme = include_str!("../src/bundle_readme.txt");
    for line in code.lines() {
        assert!(readme.contains(line), "{line}");
    }
}
