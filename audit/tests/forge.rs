//! What a forger does to a bundle: checksums and manifest are made right again each time.

use veritrail_audit::leaf_hash;

use crate::parts::Parts;
use crate::support::{Log, ORIGIN, sample};

pub(crate) const ENTRIES: &str = "entries.ndjson";
pub(crate) const PAYLOADS: &str = "payloads.ndjson";

pub(crate) fn altered(change: impl Fn(&mut Parts)) -> Vec<u8> {
    let mut parts = Parts::unpack(&sample());
    change(&mut parts);
    parts.fix_manifest(|_| ());
    parts.pack()
}

/// Changes the lines of a member; index 0 of the entries is entry 5.
pub(crate) fn lines(name: &'static str, change: impl Fn(&mut Vec<String>)) -> Vec<u8> {
    altered(|parts| {
        let mut lines = parts.lines(name);
        change(&mut lines);
        parts.set_lines(name, &lines);
    })
}

pub(crate) fn entries(change: impl Fn(&mut Vec<String>)) -> Vec<u8> {
    lines(ENTRIES, change)
}

pub(crate) fn line_of(seq: usize) -> usize {
    seq - 5
}

/// Makes the chain whole again from line `from` on, as a forger who holds all entries can.
pub(crate) fn relink(lines: &mut [String], from: usize) {
    for at in from..lines.len() {
        let prev = leaf_hash(lines[at - 1].as_bytes()).to_hex();
        let start = lines[at].find("\"prev\":\"").unwrap() + 8;
        lines[at].replace_range(start..start + 64, &prev);
    }
}

/// Replaces a text in a line that must have it.
pub(crate) fn edit(line: &mut String, from: &str, to: &str) {
    assert!(line.contains(from), "{line}");
    *line = line.replacen(from, to, 1);
}

/// A second history by the same key: entry 8 differs.
pub(crate) fn forked_log() -> Log {
    let mut log = Log::new(ORIGIN, 1, 8);
    log.push_payload(b"{\"amount\":\"9999.00\"}".to_vec());
    while log.size() < 40 {
        log.push();
    }
    log
}
