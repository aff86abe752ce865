//! Tampering: every kind of it is noticed, and what it is and where is said. Each kind has its bundle in
//! testdata/, and the verdict in testdata/README.md.

use std::path::Path;

use veritrail_audit::{Fault, VerifyOptions, leaf_hash};

use crate::cases::{Case, cases};
use crate::forge::{edit, entries, forked_log, line_of, relink};
use crate::support::{Log, check, sample, sample_log, whole};

#[test]
fn each_kind_of_tampering_is_named() {
    for (name, _, bundle, code, seq) in cases() {
        for threads in [1, 2] {
            let fault = check(&bundle, &VerifyOptions { threads, ..sample_log().options() }).expect_err(name);
            assert_eq!((fault.code(), fault.seq()), (code, seq), "{name}: {fault}");
        }
    }
}

#[test]
fn a_rewriting_is_bounded_by_the_checkpoints() {
    let log = sample_log();
    for (entry, from, to) in [(5, 5, 12), (11, 5, 12), (12, 12, 29), (28, 12, 29), (29, 29, 37), (36, 29, 37)]
    {
        let bundle = entries(|l| {
            edit(&mut l[line_of(entry)], "feeder-1", "feeder-2");
            relink(l, line_of(entry + 1));
        });
        let fault = check(&bundle, &log.options()).unwrap_err();
        let Fault::Rewritten { from: low, to: high, .. } = fault else { panic!("{fault}") };
        assert_eq!((low, high), (from, to), "entry {entry}");
    }
}

#[test]
fn blame_falls_on_the_altered_entry_at_every_place() {
    for seq in 5..36 {
        let bundle = entries(|l| edit(&mut l[line_of(seq)], "feeder-1", "feeder-2"));
        assert_eq!(check(&bundle, &VerifyOptions::default()), Err(Fault::Altered { seq: seq as u64 }));
    }
    for seq in 6..37 {
        let bundle = entries(|l| {
            let start = l[line_of(seq)].find("\"prev\":\"").unwrap() + 8;
            l[line_of(seq)].replace_range(start..start + 64, &leaf_hash(b"other").to_hex());
        });
        assert_eq!(check(&bundle, &VerifyOptions::default()), Err(Fault::BrokenLink { seq: seq as u64 }));
    }
}

#[test]
fn every_flipped_byte_is_noticed() {
    let (bundle, options) = (whole(), sample_log().options());
    check(&bundle, &options).unwrap();
    for at in 0..bundle.len() {
        for bit in [0x01, 0x80] {
            let mut flipped = bundle.clone();
            flipped[at] ^= bit;
            assert!(check(&flipped, &options).is_err(), "byte {at}, bit {bit:#x}");
        }
    }
    for length in (0..bundle.len()).step_by(7) {
        assert!(check(&bundle[..length], &options).is_err(), "cut to {length} bytes");
    }
}

#[test]
fn a_checkpoint_kept_from_before_uncovers_a_fork() {
    let (log, fork) = (sample_log(), forked_log());
    for size in [10, 37, 40] {
        let seen = |note: String| VerifyOptions { seen: vec![note], ..log.options() };
        assert_eq!(check(&sample(), &seen(log.note(size))).unwrap().seen, (1, 1));
        let fault = check(&sample(), &seen(fork.note(size))).unwrap_err();
        assert_eq!(fault, Fault::Fork { size });
    }
    let older = VerifyOptions { seen: vec![log.note(3)], ..log.options() };
    assert_eq!(check(&sample(), &older).unwrap().seen, (0, 1));
    let other = Log::new("ledger.example/institutions/south", 2, 10);
    let other = VerifyOptions { seen: vec![other.note(10)], ..log.options() };
    assert_eq!(check(&sample(), &other).unwrap_err().code(), "checkpoint");
}

fn readme(cases: &[Case]) -> String {
    let mut text = "# Test data\n\nBundles, made the same way every time by `tests/tamper.rs`: `VERITRAIL_BLESS=1 cargo test -p \
        veritrail-audit` writes them again, and without it the tests compare. Whoever writes another verifier can hold it \
        against them. The key is in `vkey`.\n\n`good.zip` is SIGNED: entries 5 to 36 of 40. `whole.zip` is SIGNED: all of a log \
        of 12. The others must be refused. Wherever a forger could, CRCs and manifest were made right again.\n\n\
        | file | what was done | fault | entry |\n|---|---|---|---|\n"
        .to_owned();
    for (name, what, _, code, seq) in cases {
        let seq = seq.map_or("none".to_owned(), |seq| seq.to_string());
        text += &format!("| `{name}.zip` | {what} | {code} | {seq} |\n");
    }
    text
}

#[test]
fn testdata_is_what_the_tests_make() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let cases = cases();
    let mut files = vec![
        ("good.zip".to_owned(), sample()),
        ("whole.zip".to_owned(), whole()),
        ("vkey".to_owned(), format!("{}\n", sample_log().key().vkey()).into_bytes()),
        ("README.md".to_owned(), readme(&cases).into_bytes()),
    ];
    files.extend(cases.into_iter().map(|(name, _, bundle, _, _)| (format!("{name}.zip"), bundle)));
    for (name, bytes) in files {
        let path = folder.join(name);
        if std::env::var_os("VERITRAIL_BLESS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &bytes).unwrap();
        }
        let found = std::fs::read(&path).unwrap_or_default();
        assert!(found == bytes, "{} differs: run with VERITRAIL_BLESS=1", path.display());
    }
}
