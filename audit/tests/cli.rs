//! The regulator's tool as it is used: exit codes and what it says.

use std::path::{Path, PathBuf};
use std::process::Command;

use veritrail_audit::VerifierKey;

use crate::parts::Parts;
use crate::support::{sample, sample_log, witness};

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

/// Exit code, standard output, standard error.
fn run(args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_veritrail-verify")).args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn path(name: &str) -> String {
    testdata(name).to_str().unwrap().to_owned()
}

#[test]
fn a_good_bundle_with_and_without_a_key() {
    let (code, out, err) = run(&[&path("good.zip")]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("CONSISTENT  "), "{out}");
    assert!(out.contains(&sample_log().key().vkey()), "{out}");
    for key in [sample_log().key().vkey(), format!("@{}", path("vkey"))] {
        let (code, out, _) = run(&[&path("good.zip"), "--vkey", &key, "--threads", "2"]);
        assert_eq!(code, 0);
        assert!(out.starts_with("SIGNED  "), "{out}");
        assert!(out.contains("5 to 36 (32), of 40 in the log"), "{out}");
        assert!(out.contains("27 checked; 5 not in the file"), "{out}");
    }
}

#[test]
fn a_tampered_bundle_is_refused_with_the_entry() {
    let (code, out, _) = run(&[&path("altered.zip")]);
    assert_eq!(code, 1);
    assert_eq!(out, "REFUSED  entry 17 was altered: its hash is not the one that entry 18 names\n");
    let (code, out, _) = run(&["--json", &path("altered.zip")]);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, value["verdict"].as_str(), value["seq"].as_str()), (1, Some("refused"), Some("17")));
    assert_eq!(value["fault"], "altered");
}

#[test]
fn json_says_what_the_text_says() {
    let (code, out, _) = run(&["--json", &path("whole.zip"), "--vkey", &format!("@{}", path("vkey"))]);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 0);
    assert_eq!(
        (&value["level"], &value["from"], &value["to"]),
        (&"SIGNED".into(), &"0".into(), &"12".into())
    );
    assert_eq!(value["withheld"], "1");
}

#[test]
fn wrong_usage_is_2() {
    for args in [
        vec![],
        vec!["--nonsense"],
        vec!["/nowhere/bundle.zip"],
        vec![path("good.zip").leak(), "--vkey", "nonsense"],
        vec![path("good.zip").leak(), "--vkey", "@/nowhere/key"],
        vec!["show", path("good.zip").leak(), "--seq", "40"],
        vec!["show", path("good.zip").leak()],
        vec!["check", "/nowhere/proof", "--vkey", "@/nowhere/key"],
    ] {
        let (code, out, err) = run(&args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}");
        assert!(!err.is_empty());
    }
    let other = VerifierKey::parse(&witness().vkey()).unwrap().vkey();
    let (code, out, _) = run(&[&path("good.zip"), "--vkey", &other]);
    assert_eq!(code, 1);
    assert!(out.contains("not signed by the key you gave (witness.example/w1)"), "{out}");
}

#[test]
fn show_shows_only_what_was_verified() {
    let (code, out, _) = run(&["show", &path("good.zip"), "--seq", "16"]);
    assert_eq!(code, 0);
    assert!(out.contains("\"amount\":\"16.00\"") && out.contains("txn_0016"), "{out}");
    let (_, out, _) = run(&["show", &path("good.zip"), "--seq", "14"]);
    assert!(out.contains("not in the file (withheld or erased)"), "{out}");
    let (code, out, _) = run(&["show", &path("payload-altered.zip"), "--seq", "20"]);
    assert_eq!(code, 1);
    assert!(out.starts_with("REFUSED  the payload of entry 16"), "{out}");
    let (_, out, _) = run(&["show", "--json", &path("good.zip"), "--seq", "16"]);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["entry"]["commitment"], value["commitment"]);
}

#[test]
fn a_proof_is_written_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("16.tlog-proof");
    let file = file.to_str().unwrap();
    assert_eq!(run(&["prove", &path("good.zip"), "--seq", "16", "--output", file]).0, 0);
    let key = format!("@{}", path("vkey"));
    let (code, out, _) = run(&["check", file, "--vkey", &key]);
    assert_eq!(code, 0);
    assert!(out.starts_with("SIGNED  The entry is one of the 40"), "{out}");
    let (code, out, _) = run(&["check", file, "--vkey", &key, "--json"]);
    assert!(code == 0 && out.contains("\"seq\":\"16\""), "{out}");
    assert_eq!(run(&["check", file]).0, 2, "without a key");
    let text = std::fs::read_to_string(file).unwrap().replace("index 16", "index 17");
    std::fs::write(file, text).unwrap();
    let (code, out, _) = run(&["check", file, "--vkey", &key]);
    assert_eq!(code, 1);
    assert!(out.starts_with("REFUSED  "), "{out}");
}

#[test]
fn a_witness_and_a_kept_checkpoint_count() {
    let (folder, log) = (tempfile::tempdir().unwrap(), sample_log());
    let (bundle, kept) = (folder.path().join("b.zip"), folder.path().join("kept"));
    let mut parts = Parts::unpack(&sample());
    let line = witness().line(&log.checkpoint(40), 1_800_000_000);
    parts.get("checkpoint").extend_from_slice(line.as_bytes());
    parts.fix_manifest(|_| ());
    std::fs::write(&bundle, parts.pack()).unwrap();
    std::fs::write(&kept, log.note(10)).unwrap();
    let (key, witness) = (log.key().vkey(), witness().vkey());
    let (code, out, _) = run(&[
        bundle.to_str().unwrap(),
        "--vkey",
        &key,
        "--witness",
        &witness,
        "--seen",
        kept.to_str().unwrap(),
    ]);
    assert_eq!(code, 0);
    assert!(
        out.starts_with("WITNESSED  ") && out.contains("witness.example/w1 at 2027-01-15T08:00:00"),
        "{out}"
    );
    assert!(out.contains("1 of the 1 you kept could be compared"), "{out}");
}
