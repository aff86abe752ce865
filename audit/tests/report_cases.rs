//! Report bundles: the good one's verdict, and that whatever is changed in it is named.

use std::io::Cursor;
use std::process::Command;

use proptest::prelude::*;
use veritrail_audit::{Fault, Level, VerifierKey, VerifyOptions, is_report_bundle};

use crate::parts::Parts;
use crate::report::{DOCUMENT, MADE, OUTPUT, Story, check, path, sha, writer};
use crate::support::{Log, ORIGIN, sample, witness};

const FIGURES: &str = "figures.ndjson";
const PARTS: &str = "contributions.ndjson";
const ENTRIES: &str = "entries.ndjson";

fn options() -> VerifyOptions {
    Story::default().log().options()
}

/// The fault of a good bundle after a forger changed it and made all checksums right again.
fn fault(change: impl Fn(&mut Parts)) -> Fault {
    let mut parts = Parts::unpack(&Story::default().bundle());
    change(&mut parts);
    check(&parts.pack(), &options()).unwrap_err()
}

/// The same, of lines.
fn of_lines(name: &str, change: impl Fn(&mut Vec<String>)) -> Fault {
    fault(|parts| {
        let mut lines = parts.lines(name);
        change(&mut lines);
        parts.set_lines(name, &lines);
    })
}

fn edit(line: &mut String, from: &str, to: &str) {
    assert!(line.contains(from), "{line}");
    *line = line.replacen(from, to, 1);
}

#[track_caller]
fn assert_named(fault: &Fault, code: &str, words: &[&str]) {
    let text = fault.to_string();
    assert_eq!(fault.code(), code, "{text}");
    words.iter().for_each(|word| assert!(text.contains(word), "{word:?} is not in {text:?}"));
}

#[test]
fn a_good_report_is_consistent_and_signed_with_a_key() {
    let bundle = Story::default().bundle();
    let verdict = check(&bundle, &VerifyOptions::default()).unwrap();
    assert_eq!(verdict.level, Level::Consistent);
    let verdict = check(&bundle, &options()).unwrap();
    assert_eq!(verdict.level, Level::Signed);
    assert_eq!((verdict.head.entry, verdict.head.figures, verdict.contributions), (MADE, 4, 12));
    assert_eq!((verdict.records, verdict.adjustments, verdict.as_of), (6, 1, 9));
    assert_eq!((verdict.kind.as_str(), verdict.state.as_str()), ("new", "ready"));
    assert_eq!(verdict.validations[0].verdict, "passed");
    assert_eq!(verdict.deliveries[0].recipient, "a supervisor");
    assert_eq!(Story::default().bundle(), bundle, "it is the same each time");
}

#[test]
fn a_document_made_elsewhere_has_no_figures_and_no_order() {
    let deposited = Story { deposited: true, figures: Vec::new(), ..Story::default() };
    let options = deposited.log().options();
    let verdict = check(&deposited.bundle(), &options).unwrap();
    assert_eq!((verdict.head.figures, verdict.contributions, verdict.records), (0, 0, 0));
    assert_eq!((verdict.ordered_at(), verdict.level), (None, Level::Signed));
    let mut parts = Parts::unpack(&deposited.bundle());
    parts.set_lines(FIGURES, &[Story::default().lines()[0].trim_end().to_owned()]);
    assert_eq!(check(&parts.pack(), &options).unwrap_err().code(), "figures_altered");
    let lies = Story { deposited: true, ..Story::default() };
    assert_named(&check(&lies.bundle(), &options).unwrap_err(), "report_entry", &["no list of them"]);
}

#[test]
fn a_witness_and_a_kept_checkpoint_count() {
    let log = Story::default().log();
    let mut parts = Parts::unpack(&Story::default().bundle());
    let line = witness().line(&log.checkpoint(log.size()), 1_800_000_000);
    parts.get("checkpoint").extend_from_slice(line.as_bytes());
    let witnesses = vec![VerifierKey::parse(&witness().vkey()).unwrap()];
    let seen = vec![log.note(log.size()), log.note(5)];
    let verdict = check(&parts.pack(), &VerifyOptions { witnesses, seen, ..options() }).unwrap();
    assert_eq!((verdict.level, verdict.seen), (Level::Witnessed, (1, 2)));
    let other = Log::new(ORIGIN, 1, log.size());
    let forked = VerifyOptions { seen: vec![other.note(log.size())], ..options() };
    let fault = check(&Story::default().bundle(), &forked).unwrap_err();
    assert_eq!(fault, Fault::Fork { size: log.size() });
}

#[test]
fn the_two_kinds_of_bundle_are_told_apart() {
    let report = Story::default().bundle();
    assert!(is_report_bundle(&mut Cursor::new(&report)).unwrap());
    assert!(!is_report_bundle(&mut Cursor::new(sample())).unwrap());
    assert!(!is_report_bundle(&mut Cursor::new(b"")).unwrap());
    for at in [70, report.len() - 90] {
        let mut damaged = report.clone();
        damaged[at] ^= 1;
        assert!(is_report_bundle(&mut Cursor::new(damaged)).unwrap(), "damage at {at} doesn't hide it");
    }
}

#[test]
fn an_altered_document_is_named_with_both_hashes() {
    let altered = b"<Document><Sum>99.55</Sum></Document>\n";
    let fault = fault(|parts| *parts.get("statement.xml") = altered.to_vec());
    assert_named(&fault, "document_altered", &[&sha(DOCUMENT), &sha(altered), "entry 11"]);
}

#[test]
fn a_changed_contribution_is_named_with_its_figure_and_both_sums() {
    let changed = of_lines(PARTS, |lines| edit(&mut lines[1], r#""amount":"250""#, r#""amount":"350""#));
    assert_named(
        &changed,
        "contribution_altered",
        &["acc/credits", "3 contributions", "add 1255 and take away 0", "add 1355"],
    );
    let moved = of_lines(PARTS, |lines| {
        edit(&mut lines[0], r#""amount":"1000""#, r#""amount":"999""#);
        edit(&mut lines[2], r#""amount":"5""#, r#""amount":"6""#);
    });
    assert_named(&moved, "contribution_altered", &["acc/credits", "the root over them is another"]);
    let other = of_lines(PARTS, |lines| edit(&mut lines[1], r#""seq":"2""#, r#""seq":"6""#));
    assert_named(&other, "contribution_altered", &["acc/credits"]);
    let stranger = of_lines(PARTS, |lines| edit(&mut lines[1], r#""seq":"2""#, r#""seq":"7""#));
    assert_named(&stranger, "contribution_unfounded", &["acc/credits", "contribution 1", "entry 7"]);
}

#[test]
fn a_dropped_contribution_is_named_with_its_figure_and_place() {
    let middle = of_lines(PARTS, |lines| drop(lines.remove(1)));
    assert_named(&middle, "contribution_missing", &["figure acc/credits: contribution 1 of 3 is missing"]);
    let last = of_lines(PARTS, |lines| drop(lines.pop()));
    assert_named(&last, "contribution_missing", &["figure acc/count: contribution 5 of 6 is missing"]);
    let renumbered = of_lines(PARTS, |lines| {
        lines.remove(1);
        edit(&mut lines[1], r#""position":"2""#, r#""position":"1""#);
    });
    assert_named(&renumbered, "contribution_missing", &["contribution 2 of 3 is missing"]);
}

#[test]
fn an_added_contribution_is_named() {
    let more = r#"{"amount":"1","figure":"0","position":"3","seq":"4"}"#;
    let added = of_lines(PARTS, |lines| lines.insert(3, more.to_owned()));
    assert_named(&added, "contribution_added", &["contribution 3 of the figure at position 0"]);
    let twice = of_lines(PARTS, |lines| lines.insert(1, lines[0].clone()));
    assert_named(&twice, "contribution_added", &["contribution 0"]);
    let end = r#"{"amount":"1","figure":"9","position":"0","seq":"4"}"#;
    let stray = of_lines(PARTS, |lines| lines.push(end.to_owned()));
    assert_named(&stray, "contribution_added", &["position 9"]);
    let bad = of_lines(PARTS, |lines| edit(&mut lines[4], r#""-20""#, r#""-020""#));
    assert_named(&bad, "contribution_line", &["line 5"]);
}

#[test]
fn an_altered_figure_is_named() {
    let value = of_lines(FIGURES, |lines| edit(&mut lines[2], r#""8.35""#, r#""9.35""#));
    let words = ["entry 11 names SHA-256", "figure acc/closing", "make 835", "says 935"];
    assert_named(&value, "figures_altered", &words);
    let path = of_lines(FIGURES, |lines| edit(&mut lines[2], "Sum[2]", "Sum[1]"));
    assert_named(&path, "figures_altered", &["entry 11"]);
    let dropped = of_lines(FIGURES, |lines| drop(lines.pop()));
    assert_named(&dropped, "figures_altered", &[]);
    let spaced = of_lines(FIGURES, |lines| edit(&mut lines[0], ",\"debit\"", ", \"debit\""));
    assert_named(&spaced, "figures_altered", &["line 1 is malformed"]);
}

#[test]
fn a_figure_that_was_recorded_wrong_is_named() {
    let wrong = |change: fn(&mut Story)| {
        let mut story = Story::default();
        change(&mut story);
        check(&story.bundle(), &options()).unwrap_err()
    };
    let sum = wrong(|story| story.figures[0].value = "12.56");
    assert_named(&sum, "figure_value", &["acc/credits", "make 1255", "says 1256"]);
    let inputs = wrong(|story| story.figures[2].inputs[1].1 = -1);
    assert_named(&inputs, "figure_value", &["acc/closing", "make 1675", "says 835"]);
    let circle = wrong(|story| story.figures[2].inputs[1].0 = 2);
    assert_named(&circle, "figure_value", &["acc/closing"]);
    let late = wrong(|story| story.as_of = 5);
    assert_named(&late, "contribution_unfounded", &["entry 9", "after the last one"]);
    let adjusted = wrong(|story| story.adjustment = "-1.01");
    assert_named(&adjusted, "contribution_unfounded", &["contribution 2 names entry 9", "another amount"]);
    let validated = wrong(|story| story.validated = sha(b"another"));
    assert_named(&validated, "report_entry", &["entry 13", "another document"]);
}

#[test]
fn an_altered_output_is_named() {
    let name = format!("validations/{}", sha(OUTPUT));
    let altered = fault(|parts| parts.get(&name).extend_from_slice(b" "));
    assert_named(&altered, "output_altered", &[&sha(OUTPUT)]);
    let missing = fault(|parts| drop(parts.0.pop()));
    assert_named(&missing, "output_missing", &["entry 13", &sha(OUTPUT)]);
    let added = fault(|parts| parts.0.push((format!("validations/{}", "f".repeat(64)), vec![])));
    assert_named(&added, "output_added", &["ffff"]);
    let other = fault(|parts| parts.0.push(("evil.sh".to_owned(), vec![])));
    assert_named(&other, "output_added", &["evil.sh"]);
}

#[test]
fn an_altered_entry_payload_or_proof_is_named() {
    let entry = of_lines(ENTRIES, |lines| edit(&mut lines[3], "feeder-1", "feeder-2"));
    assert_eq!((entry.code(), entry.seq()), ("not_included", Some(4)));
    let payload = of_lines(ENTRIES, |lines| edit(&mut lines[3], r#""amount":"4.00""#, r#""amount":"5.00""#));
    assert_eq!(payload, Fault::Payload { seq: 4 });
    let proof = of_lines(ENTRIES, |lines| {
        let at = lines[3].find("\"path\":[\"").unwrap() + 9;
        let digit = if lines[3].as_bytes()[at] == b'0' { "1" } else { "0" };
        lines[3].replace_range(at..=at, digit);
    });
    assert_eq!((proof.code(), proof.seq()), ("not_included", Some(4)));
    let swapped = of_lines(ENTRIES, |lines| lines.swap(3, 4));
    assert_eq!((swapped.code(), swapped.seq()), ("entry_order", Some(4)));
    let malformed = of_lines(ENTRIES, |lines| edit(&mut lines[2], ",\"path\"", ", \"path\""));
    assert_named(&malformed, "entry_line", &["line 3"]);
}

#[test]
fn a_missing_or_needless_entry_is_named() {
    let record = of_lines(ENTRIES, |lines| drop(lines.remove(1)));
    assert_named(&record, "contribution_unfounded", &["acc/credits", "names entry 2", "not here"]);
    let missing = |kind: &'static str| {
        of_lines(ENTRIES, move |lines| {
            let kind = format!("\"type\":\"{kind}\"");
            lines.retain(|line| !line.contains(&kind));
        })
    };
    assert_named(&missing("report_order"), "entry_missing", &["was ordered"]);
    assert_named(&missing("report_version"), "entry_missing", &["what the version became"]);
    assert_named(&missing("report_adjustment"), "report_entry", &["entry 9", "proposal is not here"]);
    let decision = missing("report_adjustment_decision");
    assert_named(&decision, "contribution_unfounded", &["acc/debits", "entry 9"]);
    let mut story = Story::default();
    story.figures[3].parts.pop();
    story.figures[3].value = "5";
    assert_named(&check(&story.bundle(), &options()).unwrap_err(), "entry_added", &["entry 6"]);
}

#[test]
fn a_forged_head_key_or_checkpoint_is_named() {
    let head = |from: &'static str, to: &'static str| {
        of_lines("report.json", move |lines| edit(&mut lines[0], from, to))
    };
    assert_named(&head(r#""n":"1""#, r#""n":"2""#), "report_entry", &["another report or version"]);
    assert_named(&head("2026-03", "2026-04"), "report_entry", &["entry 11", "another period"]);
    assert_named(&head(r#""entry":"11""#, r#""entry":"10""#), "report_entry", &["entry 11"]);
    assert_named(&head(r#""figures":"4""#, r#""figures":"5""#), "report_entry", &["number of figures"]);
    assert_named(&head("statement.xml", "other.xml"), "file", &["report.json"]);
    assert_named(&head("bundle/1", "bundle/2"), "file", &["another version"]);
    assert_named(&head(r#","entry""#, r#", "entry""#), "file", &["canonical"]);
    let checkpoint = of_lines("checkpoint", |lines| edit(&mut lines[1], "20", "21"));
    assert_named(&checkpoint, "checkpoint", &["in the bundle"]);
    let stranger = Log::new(ORIGIN, 9, 1).options();
    let fault = check(&Story::default().bundle(), &stranger).unwrap_err();
    assert_named(&fault, "not_signed", &[]);
    let forged = self::fault(|parts| {
        let (log, forger) = (Story::default().log(), Log::new(ORIGIN, 9, 1));
        *parts.get("checkpoint") = forger.key().sign(&log.checkpoint(log.size())).into_bytes();
        *parts.get("vkeys") = format!("{}\n", forger.key().vkey()).into_bytes();
    });
    assert!(["checkpoint", "not_signed"].contains(&forged.code()), "{forged}");
    let readme = self::fault(|parts| parts.get("README.txt")[0] ^= 1);
    assert_named(&readme, "file", &["README.txt"]);
}

#[test]
fn a_hostile_file_is_refused_and_no_more() {
    let good = Story::default().bundle();
    for length in 0..good.len() {
        assert!(check(&good[..length], &options()).is_err(), "cut to {length} bytes");
    }
    assert_eq!(check(&[good.as_slice(), b"x"].concat(), &options()).unwrap_err().code(), "container");
    assert_eq!(check(&[b"x", good.as_slice()].concat(), &options()).unwrap_err().code(), "container");
    assert_eq!(check(&sample(), &options()).unwrap_err().code(), "file", "it is a bundle of another kind");
    // Sizes, counts and offsets that lead out of the file.
    let directory = good.len() - 98;
    for at in [24, 32, 40, 48, 64] {
        for value in [0, 1, 7, 1 << 20, u64::MAX] {
            let mut hostile = good.clone();
            hostile[directory + at..directory + at + 8].copy_from_slice(&u64::to_le_bytes(value));
            assert_eq!(check(&hostile, &options()).unwrap_err().code(), "container", "{at}: {value}");
        }
    }
    for name in ["../document", "statement.xml ", "README.txt", ".xml", ""] {
        let mut parts = Parts::unpack(&good);
        parts.0[4].0 = name.to_owned();
        let mut report = parts.lines("report.json");
        edit(&mut report[0], "statement.xml", name);
        parts.set_lines("report.json", &report);
        assert!(check(&parts.pack(), &options()).is_err(), "{name}");
    }
    let order = fault(|parts| parts.0.swap(5, 6));
    assert_named(&order, "file", &["stands in its place"]);
}

#[test]
fn no_bit_can_be_flipped() {
    let (good, options) = (Story::default().bundle(), options());
    for at in 0..good.len() {
        let mut flipped = good.clone();
        flipped[at] ^= 1 << (at % 8);
        assert!(check(&flipped, &options).is_err(), "byte {at}");
        assert!(is_report_bundle(&mut Cursor::new(flipped)).is_ok());
    }
}

proptest! {
    /// A forger who makes the checksums right again gets no further. The vkeys only say which key to ask for,
    /// and a signature may be by a key that nobody knows.
    #[test]
    fn no_byte_of_a_member_can_be_changed(member in 0_usize..9, at: prop::sample::Index, by in 1_u8..=255) {
        let mut parts = Parts::unpack(&Story::default().bundle());
        let (name, bytes) = &mut parts.0[member];
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        let name = name.clone();
        prop_assert!(check(&parts.pack(), &options()).is_err(), "{} at {}", name, at);
    }

    #[test]
    fn whatever_is_read_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(check(&bytes, &VerifyOptions::default()).is_err());
        prop_assert!(!is_report_bundle(&mut Cursor::new(bytes)).unwrap());
    }

    #[test]
    fn lines_may_be_anything(member in 5_usize..8, text in "[ -~\n]{0,200}") {
        let mut parts = Parts::unpack(&Story::default().bundle());
        parts.0[member].1 = text.into_bytes();
        prop_assert!(check(&parts.pack(), &options()).is_err());
    }
}

#[test]
fn the_writer_refuses_what_the_verifier_would() {
    let log = Story::default().log();
    let (salt, payload) = &log.payloads[1];
    let mut it = writer(&log, 1);
    assert!(it.figure(b"{}\n").is_err(), "the document comes first");
    it.document(&mut Cursor::new(b"x")).unwrap();
    assert!(it.document(&mut Cursor::new(b"x")).is_err());
    assert!(it.figure(b"{}").is_err() && it.figure(b"{}\n{}\n").is_err() && it.figure(b"").is_err());
    assert!(it.contribution(0, 0, 1, 1).is_err(), "a figure is missing");
    it.figure(b"{}\n").unwrap();
    it.contribution(0, 1, 1, 1).unwrap();
    assert!(it.contribution(0, 1, 2, 1).is_err());
    assert!(it.entry(&log.entries[1], &[], salt, payload).is_err(), "the path is too short");
    it.entry(&log.entries[1], &path(&log, 1), salt, payload).unwrap();
    assert!(it.entry(&log.entries[1], &path(&log, 1), salt, payload).is_err());
    assert!(it.figure(b"{}\n").is_err(), "figures are over");
    assert!(it.finish().is_err(), "the version's entry is missing");
}

/// Exit code and standard output of the regulator's tool.
fn run(bundle: &[u8], args: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.zip");
    std::fs::write(&file, bundle).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_veritrail-verify"));
    let output = command.args(args).arg(file).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_tool_says_it() {
    let (good, key) = (Story::default().bundle(), Story::default().log().key().vkey());
    let (code, out) = run(&good, &["--vkey", &key]);
    assert_eq!(code, 0);
    assert!(out.starts_with("SIGNED  The document is the one that was recorded"), "{out}");
    for line in [
        "report       rep_1, account-statement for 2026-03",
        "version      1, new, ready, as of entry 9",
        "document     statement.xml, application/xml, 79 bytes",
        "figures      4, of 12 contributions: they add up",
        "records      6 in the log, and 1 approved adjustments",
        "validation   passed by lxml 6.0 (entry 13)",
        "delivery     to a supervisor by sftp, 2026-04-01T08:00:00Z (entry 14)",
    ] {
        assert!(out.contains(line), "{line}\n{out}");
    }
    let (code, out) = run(&good, &[]);
    assert!(code == 0 && out.starts_with("CONSISTENT  ") && out.contains(&key), "{out}");
    let (code, out) = run(&good, &["--json"]);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &value["verdict"], &value["figures"]), (0, &"good".into(), &"4".into()));
    let mut parts = Parts::unpack(&good);
    parts.get("statement.xml")[0] ^= 1;
    let (code, out) = run(&parts.pack(), &["--vkey", &key]);
    assert!(code == 1 && out.starts_with("REFUSED  the document was altered"), "{out}");
    let (code, out) = run(&parts.pack(), &["--json"]);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &value["fault"]), (1, &"document_altered".into()));
    assert_eq!(run(&good, &["show", "--seq", "1"]).0, 2);
}
