//! Good bundles: their verdicts, their bytes, and that common tools open them.

use std::io::Cursor;
use std::process::Command;

use crate::parts::Parts;
use crate::support::{Log, ORIGIN, check, sample, sample_log, whole, witness};
use veritrail_audit::{
    BundleError, BundleWriter, Kind, Ledger, Level, VerifierKey, VerifyOptions, leaf_hash, verify_inclusion,
};

#[test]
fn a_good_bundle_is_consistent_and_signed_with_a_key() {
    let log = sample_log();
    let report = check(&sample(), &VerifyOptions::default()).unwrap();
    assert_eq!(report.level, Level::Consistent);
    assert_eq!((report.from, report.to, report.size), (5, 37, 40));
    assert_eq!((report.payloads, report.withheld, report.checkpoints), (27, 5, 2));
    assert_eq!(report.vkeys, [log.key().vkey()]);
    assert!(report.signed_by.is_empty());
    let report = check(&sample(), &log.options()).unwrap();
    assert_eq!(report.level, Level::Signed);
    assert_eq!(report.signed_by, [log.key().vkey()]);
    assert_eq!(report.first_at(), "2026-01-01T00:00:06.250005Z");
    assert_eq!(report.kinds.iter().map(|(_, count)| count).sum::<u64>(), 32);
    assert_eq!(check(&whole(), &log.options()).unwrap().kinds[2], (Kind::Denied, 4));
}

#[test]
fn every_range_of_a_log_verifies() {
    let log = Log::new(ORIGIN, 1, 20);
    for from in 0..20 {
        for to in from + 1..=20 {
            let earlier: Vec<u64> = (from + 1..=to.min(19)).step_by(3).collect();
            let report = check(&log.bundle(from, to, &earlier, |seq| seq % 2 == 0), &log.options()).unwrap();
            assert_eq!((report.from, report.to, report.checkpoints), (from, to, earlier.len() as u64));
        }
    }
}

#[test]
fn a_witness_lifts_a_signed_bundle_only() {
    let log = sample_log();
    let mut parts = Parts::unpack(&sample());
    let line = witness().line(&log.checkpoint(40), 1_800_000_000);
    parts.get("checkpoint").extend_from_slice(line.as_bytes());
    parts.fix_manifest(|_| ());
    let bundle = parts.pack();
    let witnesses = vec![VerifierKey::parse(&witness().vkey()).unwrap()];
    let options = VerifyOptions { witnesses: witnesses.clone(), ..log.options() };
    let report = check(&bundle, &options).unwrap();
    assert_eq!(report.level, Level::Witnessed);
    assert_eq!(report.witnessed_by[0].at().unwrap(), "2027-01-15T08:00:00.000000Z");
    assert_eq!(check(&sample(), &options).unwrap().level, Level::Signed);
    let keyless = VerifyOptions { witnesses, ..VerifyOptions::default() };
    assert_eq!(check(&bundle, &keyless).unwrap().level, Level::Consistent);
}

#[test]
fn threads_agree_on_a_bundle_of_many_blocks() {
    let mut log = Log::new(ORIGIN, 1, 6_000);
    // One payload of several blocks, and one long run without any.
    log.push_payload([b"{\"long\":\"".as_slice(), &vec![b'x'; 3 << 20], b"\"}"].concat());
    (0..6_000).for_each(|_| log.push());
    let may_see = |seq: u64| !(500..3_500).contains(&seq);
    let bundle = log.bundle(3, 12_001, &[4, 2_000, 6_001, 12_000], may_see);
    let one = check(&bundle, &log.options()).unwrap();
    let four = check(&bundle, &VerifyOptions { threads: 4, ..log.options() }).unwrap();
    assert_eq!(one, four);
    assert_eq!((one.withheld, one.payloads), (3_000, 8_998));
    // The same fault is named by any number of threads.
    for seq in [3u64, 900, 6_001, 11_999, 12_000] {
        let mut parts = Parts::unpack(&bundle);
        let mut lines = parts.lines("entries.ndjson");
        let line = &mut lines[(seq - 3) as usize];
        *line = line.replace("feeder-1", "feeder-2");
        parts.set_lines("entries.ndjson", &lines);
        let faults = [1, 4]
            .map(|threads| check(&parts.pack(), &VerifyOptions { threads, ..log.options() }).unwrap_err());
        assert_eq!(faults[0], faults[1]);
        let expected = if seq == 12_000 { ("rewritten", None) } else { ("altered", Some(seq)) };
        assert_eq!((faults[0].code(), faults[0].seq()), expected);
    }
}

#[test]
fn the_packer_of_the_tests_agrees_with_the_writer() {
    for bundle in [sample(), whole()] {
        let mut parts = Parts::unpack(&bundle);
        assert_eq!(parts.pack(), bundle);
        let before = parts.clone();
        parts.fix_manifest(|_| ());
        assert_eq!(parts, before);
    }
}

#[test]
fn entries_are_found_and_proved() {
    let log = sample_log();
    let mut ledger = Ledger::open(Cursor::new(sample()), &log.options()).unwrap();
    assert_eq!(ledger.range(), 5..37);
    for seq in 5..37 {
        let found = ledger.find(seq).unwrap().unwrap();
        assert_eq!(found.entry, log.entries[seq as usize]);
        assert_eq!(found.payload, (seq % 7 != 0).then(|| log.payloads[seq as usize].clone()));
        let proof = ledger.prove(seq).unwrap().unwrap();
        let checkpoint = log.checkpoint(40);
        verify_inclusion(&leaf_hash(&found.entry), seq, 40, &proof.path, &checkpoint.root).unwrap();
        assert_eq!(proof.verify(&found.entry, &log.options().keys).unwrap().0, checkpoint);
        assert_eq!(veritrail_audit::TlogProof::parse(&proof.to_text()).unwrap(), proof);
    }
    assert!(ledger.find(4).unwrap().is_none());
    assert!(ledger.prove(37).unwrap().is_none());
}

#[test]
fn the_writer_refuses_what_the_verifier_would() {
    let log = sample_log();
    let new = |from, to| BundleWriter::new(Cursor::new(Vec::new()), ORIGIN, from, to);
    assert!(matches!(new(3, 3), Err(BundleError::Shape(_))));
    assert!(BundleWriter::new(Cursor::new(Vec::new()), "no origin", 0, 1).is_err());
    let mut writer = new(1, 3).unwrap();
    assert!(writer.entry(&log.entries[2]).is_err());
    assert!(writer.entry(b"{}").is_err());
    writer.entry(&log.entries[1]).unwrap();
    let (salt, payload) = &log.payloads[1];
    assert!(writer.payload(1, salt, payload).is_err(), "an entry is missing");
    writer.entry(&log.entries[2]).unwrap();
    assert!(writer.entry(&log.entries[3]).is_err());
    assert!(writer.payload(0, salt, payload).is_err());
    assert!(writer.payload(1, salt, b"[]").is_err());
    assert!(writer.payload(1, salt, b"{\n}").is_err());
    writer.payload(1, salt, payload).unwrap();
    assert!(writer.payload(1, salt, payload).is_err());
    assert!(writer.finish(&log.proof(3, 4, &[])).is_err(), "the left hashes are another range's");
}

/// Runs a tool on a good bundle; passes over, saying so, where it is absent.
fn tool(name: &str, args: &[&str]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bundle.zip"), sample()).unwrap();
    let Ok(output) = Command::new(name).args(args).current_dir(folder.path()).output() else {
        println!("passed over: {name} is not here");
        return None;
    };
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {text}");
    Some(text)
}

#[test]
fn unzip_opens_it() {
    if let Some(text) = tool("unzip", &["-t", "bundle.zip"]) {
        assert!(text.contains("No errors detected"), "{text}");
    }
}

#[test]
fn bsdtar_opens_it() {
    if let Some(text) = tool("bsdtar", &["-tf", "bundle.zip"]) {
        assert_eq!(text.lines().next(), Some("README.txt"));
    }
}

#[test]
fn python_opens_it_and_the_readme_checks_the_chain() {
    let script = "import sys, zipfile, os\nz = zipfile.ZipFile('bundle.zip')\nassert z.testzip() is None\nz.extractall()\n\
        readme = open('README.txt').read()\n\
        code = readme.split('in Python:\\n')[1].split('\\nA whole chain')[0]\n\
        import textwrap\nexec(textwrap.dedent(code))\n";
    if let Some(text) = tool("python3", &["-c", script]) {
        assert_eq!(text.trim(), "the chain holds up to entry 36");
    }
}
