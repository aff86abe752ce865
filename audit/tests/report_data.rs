//! Report bundles in testdata/reports: a good one, one of a document made elsewhere, and one for each kind of fault.

use std::path::Path;

use veritrail_audit::Fault;

use crate::parts::Parts;
use crate::report::{OUTPUT, Story, check, sha};

const FIGURES: &str = "figures.ndjson";
const PARTS: &str = "contributions.ndjson";
const ENTRIES: &str = "entries.ndjson";

/// A bundle's file name, what was done, and the bundle.
type Case = (&'static str, &'static str, Vec<u8>);

/// A good bundle that a forger changed; all checksums are right again.
fn forged(change: impl Fn(&mut Parts)) -> Vec<u8> {
    let mut parts = Parts::unpack(&Story::default().bundle());
    change(&mut parts);
    parts.pack()
}

/// The same, of a line: some text of it was replaced.
fn edited(member: &str, line: usize, from: &str, to: &str) -> Vec<u8> {
    forged(|parts| {
        let mut lines = parts.lines(member);
        assert!(lines[line].contains(from), "{}", lines[line]);
        lines[line] = lines[line].replacen(from, to, 1);
        parts.set_lines(member, &lines);
    })
}

/// The same, of the lines.
fn relined(member: &str, change: impl Fn(&mut Vec<String>)) -> Vec<u8> {
    forged(|parts| {
        let mut lines = parts.lines(member);
        change(&mut lines);
        parts.set_lines(member, &lines);
    })
}

fn told(change: impl Fn(&mut Story)) -> Vec<u8> {
    let mut story = Story::default();
    change(&mut story);
    story.bundle()
}

fn without(kind: &str) -> Vec<u8> {
    let kind = format!("\"type\":\"{kind}\"");
    relined(ENTRIES, |lines| lines.retain(|line| !line.contains(&kind)))
}

fn cases() -> Vec<Case> {
    let output = format!("validations/{}", sha(OUTPUT));
    let stray = format!("validations/{}", "f".repeat(64));
    let damaged = {
        let mut bundle = Story::default().bundle();
        let at = bundle.len() - 90;
        bundle[at] ^= 1;
        bundle
    };
    vec![
        ("document-altered", "the document was changed", forged(|it| it.get("statement.xml")[3] ^= 1)),
        ("amount-altered", "a contribution's amount was changed", edited(PARTS, 1, "\"250\"", "\"350\"")),
        (
            "contribution-moved",
            "a contribution names another record",
            edited(PARTS, 1, "\"seq\":\"2\"", "\"seq\":\"6\""),
        ),
        (
            "contribution-unfounded",
            "a contribution names what is no record",
            edited(PARTS, 1, "\"seq\":\"2\"", "\"seq\":\"7\""),
        ),
        (
            "contribution-missing",
            "a contribution was taken out",
            relined(PARTS, |lines| drop(lines.remove(1))),
        ),
        (
            "contribution-twice",
            "a contribution stands twice",
            relined(PARTS, |lines| lines.insert(1, lines[0].clone())),
        ),
        ("contribution-malformed", "an amount has a leading zero", edited(PARTS, 4, "\"-20\"", "\"-020\"")),
        ("figure-altered", "a figure's value was changed", edited(FIGURES, 2, "8.35", "9.35")),
        (
            "figure-spaced",
            "a space was put into a figure's line",
            edited(FIGURES, 0, ",\"debit\"", ", \"debit\""),
        ),
        ("figure-missing", "the last figure was taken out", relined(FIGURES, |lines| drop(lines.pop()))),
        ("value-wrong", "a figure was recorded with a wrong value", told(|it| it.figures[0].value = "12.56")),
        (
            "input-wrong",
            "a figure was recorded with a wrong factor",
            told(|it| it.figures[2].inputs[1].1 = -1),
        ),
        ("input-circle", "a figure is its own input", told(|it| it.figures[2].inputs[1].0 = 2)),
        ("record-late", "a record is newer than the version", told(|it| it.as_of = 5)),
        (
            "adjustment-other",
            "an adjustment of another amount was approved",
            told(|it| it.adjustment = "-1.01"),
        ),
        (
            "validation-other",
            "a validation is of another document",
            told(|it| it.validated = sha(b"another")),
        ),
        ("output-altered", "what a validator printed was changed", forged(|it| it.get(&output).push(b' '))),
        ("output-missing", "what a validator printed was taken out", forged(|it| drop(it.0.pop()))),
        ("output-added", "an output was added", forged(|it| it.0.push((stray.clone(), vec![])))),
        ("entry-altered", "an entry's actor was changed", edited(ENTRIES, 3, "feeder-1", "feeder-2")),
        ("payload-altered", "a payload's amount was changed", edited(ENTRIES, 3, "\"4.00\"", "\"5.00\"")),
        ("entries-swapped", "two entries were swapped", relined(ENTRIES, |lines| lines.swap(3, 4))),
        (
            "entry-malformed",
            "a space was put into an entry's line",
            edited(ENTRIES, 2, ",\"path\"", ", \"path\""),
        ),
        ("record-missing", "a record's entry was taken out", relined(ENTRIES, |lines| drop(lines.remove(1)))),
        ("order-missing", "the order was taken out", without("report_order")),
        ("version-missing", "what the version became was taken out", without("report_version")),
        ("proposal-missing", "an adjustment's proposal was taken out", without("report_adjustment")),
        (
            "head-other-version",
            "report.json names another version",
            edited("report.json", 0, "\"n\":\"1\"", "\"n\":\"2\""),
        ),
        (
            "head-other-document",
            "report.json names another document",
            edited("report.json", 0, "statement.xml", "other.xml"),
        ),
        (
            "head-spaced",
            "a space was put into report.json",
            edited("report.json", 0, ",\"entry\"", ", \"entry\""),
        ),
        ("checkpoint-forged", "the checkpoint's size was changed", edited("checkpoint", 1, "20", "21")),
        ("members-swapped", "two members were swapped", forged(|it| it.0.swap(5, 6))),
        ("trailer-damaged", "a byte of the last record was changed", damaged),
    ]
}

fn fault(bundle: &[u8]) -> Fault {
    check(bundle, &Story::default().log().options()).unwrap_err()
}

fn readme(cases: &[Case]) -> String {
    let mut text = "# Report bundles\n\nMade the same way every time by `tests/report_data.rs`, as those in the folder above; \
        the key is the same. `good.zip` is SIGNED, and so is `deposited.zip`, whose document was made elsewhere. The others \
        must be refused.\n\n| file | what was done | fault | entry |\n|---|---|---|---|\n"
        .to_owned();
    for (name, what, bundle) in cases {
        let fault = fault(bundle);
        let seq = fault.seq().map_or("none".to_owned(), |seq| seq.to_string());
        text += &format!("| `{name}.zip` | {what} | {} | {seq} |\n", fault.code());
    }
    text
}

#[test]
fn the_reports_in_testdata_are_what_the_tests_make() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/reports");
    let cases = cases();
    let deposited = Story { deposited: true, figures: Vec::new(), ..Story::default() };
    let mut files = vec![
        ("good.zip".to_owned(), Story::default().bundle()),
        ("deposited.zip".to_owned(), deposited.bundle()),
        ("README.md".to_owned(), readme(&cases).into_bytes()),
    ];
    files.extend(cases.into_iter().map(|(name, _, bundle)| (format!("{name}.zip"), bundle)));
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
