//! Each kind of tampering with entries.

use veritrail_audit::leaf_hash;

use crate::cases::Case;
use crate::forge::{ENTRIES, PAYLOADS, altered, edit, entries, line_of, relink};
use crate::parts::Parts;
use crate::support::{Log, sample, sample_log};

pub(crate) fn entry_cases() -> Vec<Case> {
    vec![
        (
            "altered",
            "entry 17's actor was changed",
            entries(|l| edit(&mut l[12], "feeder-1", "feeder-2")),
            "altered",
            Some(17),
        ),
        (
            "altered-first",
            "the first entry's actor was changed",
            entries(|l| edit(&mut l[0], "feeder-1", "feeder-2")),
            "altered",
            Some(5),
        ),
        (
            "altered-before-last",
            "the actor of the last entry but one was changed",
            entries(|l| edit(&mut l[line_of(35)], "feeder-1", "feeder-2")),
            "altered",
            Some(35),
        ),
        (
            "altered-last",
            "the last entry's actor was changed",
            entries(|l| edit(&mut l[line_of(36)], "feeder-1", "feeder-2")),
            "rewritten",
            None,
        ),
        (
            "prev-altered",
            "entry 20's prev was changed",
            entries(|l| {
                let prev = leaf_hash(b"other").to_hex();
                let start = l[line_of(20)].find("\"prev\":\"").unwrap() + 8;
                l[line_of(20)].replace_range(start..start + 64, &prev);
            }),
            "broken_link",
            Some(20),
        ),
        (
            "prev-altered-last",
            "the last entry's prev was changed",
            entries(|l| {
                let prev = leaf_hash(b"other").to_hex();
                let start = l[line_of(36)].find("\"prev\":\"").unwrap() + 8;
                l[line_of(36)].replace_range(start..start + 64, &prev);
            }),
            "broken_link",
            Some(36),
        ),
        ("deleted", "entry 21 was taken out", entries(|l| drop(l.remove(line_of(21)))), "missing", Some(21)),
        (
            "deleted-first",
            "the first entry was taken out",
            entries(|l| drop(l.remove(0))),
            "missing",
            Some(5),
        ),
        (
            "deleted-renumbered",
            "entry 21 was taken out, and those after it were renumbered and chained again",
            entries(|l| {
                l.remove(line_of(21));
                for (at, line) in l.iter_mut().enumerate().skip(line_of(21)) {
                    edit(line, &format!("\"seq\":\"{}\"", at + 6), &format!("\"seq\":\"{}\"", at + 5));
                }
                relink(l, line_of(21));
            }),
            // The payloads kept their numbers, so the next one that is there gives it away.
            "payload",
            Some(22),
        ),
        (
            "inserted",
            "a copy of entry 21 was put in after it",
            entries(|l| l.insert(line_of(22), l[line_of(21)].clone())),
            "inserted",
            Some(22),
        ),
        (
            "swapped",
            "entries 23 and 24 were swapped",
            entries(|l| l.swap(line_of(23), line_of(24))),
            "swapped",
            Some(23),
        ),
        (
            "moved",
            "entry 10 was moved to after entry 30",
            entries(|l| {
                let line = l.remove(line_of(10));
                l.insert(line_of(30), line);
            }),
            "missing",
            Some(10),
        ),
        (
            "truncated",
            "the last three entries were cut off",
            entries(|l| l.truncate(29)),
            "truncated",
            Some(34),
        ),
        (
            "truncated-manifest",
            "the last three entries were cut off, and the manifest ends there too",
            truncated_with_manifest(),
            "rewritten",
            None,
        ),
        (
            "added",
            "the log's next entry was added after the last",
            entries(|l| l.push(String::from_utf8(sample_log().entries[37].clone()).unwrap())),
            "added",
            Some(37),
        ),
        (
            "rewritten",
            "entry 15 was changed and everything after it chained again",
            entries(|l| {
                edit(&mut l[line_of(15)], "feeder-1", "feeder-2");
                relink(l, line_of(16));
            }),
            "rewritten",
            None,
        ),
        (
            "time-back",
            "entry 18 was dated before entry 17, and everything after it chained again",
            entries(|l| {
                edit(&mut l[line_of(18)], "\"at\":\"2026-01-01", "\"at\":\"2025-12-31");
                relink(l, line_of(19));
            }),
            "time_back",
            Some(18),
        ),
        (
            "not-canonical",
            "a space was put into entry 19",
            entries(|l| edit(&mut l[line_of(19)], ",\"at\":", ", \"at\":")),
            "not_canonical",
            Some(19),
        ),
        (
            "carriage-returns",
            "entry 19's line ends as on Windows",
            entries(|l| l[line_of(19)].push('\r')),
            "not_canonical",
            Some(19),
        ),
        (
            "other-log",
            "entry 25 was replaced by another log's entry 25",
            entries(|l| {
                let other = Log::new("ledger.example/institutions/south", 2, 40);
                l[line_of(25)] = String::from_utf8(other.entries[25].clone()).unwrap();
            }),
            "wrong_log",
            Some(25),
        ),
        (
            "no-line-end",
            "the last line end was cut off",
            altered(|parts| {
                parts.get(ENTRIES).pop();
            }),
            "not_canonical",
            Some(36),
        ),
    ]
}

fn truncated_with_manifest() -> Vec<u8> {
    let mut parts = Parts::unpack(&sample());
    for name in [ENTRIES, PAYLOADS] {
        let mut lines = parts.lines(name);
        lines.retain(|line| {
            !["34", "35", "36"].iter().any(|seq| line.contains(&format!("\"seq\":\"{seq}\"")))
        });
        parts.set_lines(name, &lines);
    }
    parts.fix_manifest(|fields| drop(fields.insert("to", "34".into())));
    parts.pack()
}
