//! What the commands print, for people and for machines.

use std::io::{self, Write};

use serde_json::{Value, json};
use veritrail_audit::{
    Checkpoint, Entry, Fault, Found, Hash, Level, Report, TlogProofError, commit, leaf_hash,
};

/// Prints the verdict on a bundle to standard output.
pub(crate) fn verdict(verdict: &Result<Report, Fault>, as_json: bool) -> io::Result<()> {
    let text = match (verdict, as_json) {
        (Ok(report), false) => good(report),
        (Ok(report), true) => format!("{}\n", good_json(report)),
        (Err(fault), as_json) => refused(fault, as_json),
    };
    io::stdout().write_all(text.as_bytes())
}

/// What is said of a bundle that something is wrong with.
pub(super) fn refused(fault: &Fault, as_json: bool) -> String {
    if !as_json {
        return format!("REFUSED  {}\n", printable(fault.to_string().as_bytes()));
    }
    let seq = fault.seq().map(|seq| seq.to_string());
    let value =
        json!({ "verdict": "refused", "fault": fault.code(), "seq": seq, "message": fault.to_string() });
    format!("{value}\n")
}

pub(super) fn row(out: &mut String, label: &str, value: &str) {
    *out += &format!("{label:<12} {value}\n");
}

fn good(report: &Report) -> String {
    let mut out = format!("{}  {}\n\n", report.level.as_str(), report.level.meaning());
    let count = report.to - report.from;
    row(&mut out, "log", &report.origin);
    row(
        &mut out,
        "entries",
        &format!("{} to {} ({count}), of {} in the log", report.from, report.to - 1, report.size),
    );
    let kinds: Vec<String> = report.kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    row(&mut out, "", &kinds.join(", "));
    row(&mut out, "time", &format!("{} to {}", report.first_at(), report.last_at()));
    let withheld = match report.withheld {
        0 => String::new(),
        withheld => format!("; {withheld} not in the file (withheld or erased)"),
    };
    row(&mut out, "payloads", &format!("{} checked{withheld}", report.payloads));
    row(&mut out, "checkpoint", &format!("size {}, root {}", report.size, report.root.to_base64()));
    if report.checkpoints > 0 {
        row(&mut out, "", &format!("{} earlier ones agree", report.checkpoints));
    }
    if report.seen.1 > 0 {
        let (held, given) = report.seen;
        row(&mut out, "", &format!("{held} of the {given} you kept could be compared, and agree"));
    }
    report.signed_by.iter().for_each(|key| row(&mut out, "signed by", key));
    for witness in &report.witnessed_by {
        row(&mut out, "witnessed by", &format!("{} at {}", witness.name, witness.at().unwrap_or_default()));
    }
    for name in &report.not_witnessed_by {
        row(&mut out, "", &format!("the witness {name} has not cosigned this checkpoint"));
    }
    if report.level == Level::Consistent {
        out +=
            "\nTo learn more, give the log's public key with --vkey, from a source other than this file.\n";
        out += "The file itself names:\n";
        report.vkeys.iter().for_each(|key| out += &format!("  {key}\n"));
    }
    out
}

fn good_json(report: &Report) -> Value {
    let kinds: serde_json::Map<String, Value> =
        report.kinds.iter().map(|(kind, count)| (kind.to_string(), json!(count.to_string()))).collect();
    let witnesses: Vec<Value> = report
        .witnessed_by
        .iter()
        .map(|witness| json!({ "name": witness.name, "time_s": witness.time_s.to_string() }))
        .collect();
    json!({
        "verdict": "good",
        "level": report.level.as_str(),
        "meaning": report.level.meaning(),
        "log": report.origin,
        "from": report.from.to_string(),
        "to": report.to.to_string(),
        "size": report.size.to_string(),
        "root": report.root.to_hex(),
        "first_at": report.first_at(),
        "last_at": report.last_at(),
        "kinds": kinds,
        "payloads": report.payloads.to_string(),
        "withheld": report.withheld.to_string(),
        "checkpoints": report.checkpoints.to_string(),
        "seen_compared": report.seen.0.to_string(),
        "signed_by": report.signed_by,
        "witnessed_by": witnesses,
    })
}

/// Bytes for a terminal: what could steer it is escaped.
pub(super) fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() })
        .collect()
}

/// One entry for people.
pub(crate) fn entry(report: &Report, found: &Found) -> String {
    let mut out = format!("{}  {}\n\n", report.level.as_str(), report.level.meaning());
    if let Ok(entry) = Entry::parse(&found.entry) {
        out += &fields(&entry);
    }
    row(&mut out, "leaf hash", &leaf_hash(&found.entry).to_hex());
    match &found.payload {
        Some((salt, payload)) => {
            row(&mut out, "salt", &Hash(*salt).to_hex());
            row(&mut out, "payload", &printable(payload));
            row(&mut out, "", "it is what the entry committed to");
        }
        None => row(&mut out, "payload", "not in the file (withheld or erased)"),
    }
    row(&mut out, "bytes", &printable(&found.entry));
    out
}

fn fields(entry: &Entry<'_>) -> String {
    let mut out = String::new();
    row(&mut out, "log", entry.log);
    row(&mut out, "seq", &entry.seq.to_string());
    row(&mut out, "at", &entry.at());
    row(&mut out, "kind", entry.kind.as_str());
    row(&mut out, "actor", entry.actor);
    row(&mut out, "request", entry.request.unwrap_or("none"));
    let subject =
        entry.subject.map_or("none".to_owned(), |subject| format!("{} {}", subject.kind, subject.id));
    row(&mut out, "subject", &subject);
    row(&mut out, "commitment", &entry.commitment.to_hex());
    row(&mut out, "prev", &entry.prev.to_hex());
    out
}

/// One entry for machines: the entry's JSON and its payload's as they stand, and the hashes.
pub(crate) fn entry_json(found: &Found) -> String {
    let raw = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap_or(Value::Null);
    let payload = found.payload.as_ref();
    let value = json!({
        "entry": raw(&found.entry),
        "leaf_hash": leaf_hash(&found.entry).to_hex(),
        "payload": payload.map(|(_, payload)| raw(payload)),
        "salt": payload.map(|(salt, _)| Hash(*salt).to_hex()),
        "commitment": payload.map(|(salt, payload)| commit(salt, payload).to_hex()),
    });
    format!("{value}\n")
}

/// A proof that holds.
pub(crate) struct Checked {
    pub(crate) entry: Vec<u8>,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) witnesses: Vec<String>,
}

/// Prints the verdict on a proof to standard output.
pub(crate) fn checked(result: &Result<Checked, TlogProofError>, as_json: bool) -> io::Result<()> {
    let text = match result {
        Ok(Checked { entry, checkpoint, witnesses }) => {
            let level = if witnesses.is_empty() { Level::Signed } else { Level::Witnessed };
            let size = checkpoint.size;
            if as_json {
                let entry: Value = serde_json::from_slice(entry).unwrap_or(Value::Null);
                let value = json!({
                    "verdict": "good", "level": level.as_str(), "log": checkpoint.origin, "size": size.to_string(),
                    "root": checkpoint.root.to_hex(), "entry": entry, "witnessed_by": witnesses,
                });
                format!("{value}\n")
            } else {
                let mut out =
                    format!("{}  The entry is one of the {size} that the log signed.\n\n", level.as_str());
                out += &Entry::parse(entry).map(|entry| fields(&entry)).unwrap_or_default();
                witnesses.iter().for_each(|witness| row(&mut out, "witnessed by", witness));
                out
            }
        }
        Err(error) if as_json => {
            format!(
                "{}\n",
                json!({ "verdict": "refused", "fault": "proof", "seq": null, "message": error.to_string() })
            )
        }
        Err(error) => format!("REFUSED  {error}\n"),
    };
    io::stdout().write_all(text.as_bytes())
}
