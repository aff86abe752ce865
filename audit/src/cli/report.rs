//! What is printed of a report bundle, for people and for machines.

use std::io::{self, Write};

use serde_json::{Value, json};
use veritrail_audit::{Fault, Level, ReportVerdict};

use super::print::{printable, refused, row};

/// Prints the verdict on a report bundle to standard output.
pub(crate) fn verdict(verdict: &Result<ReportVerdict, Fault>, as_json: bool) -> io::Result<()> {
    let text = match (verdict, as_json) {
        (Ok(verdict), false) => good(verdict),
        (Ok(verdict), true) => format!("{}\n", good_json(verdict)),
        (Err(fault), as_json) => refused(fault, as_json),
    };
    io::stdout().write_all(text.as_bytes())
}

fn good(verdict: &ReportVerdict) -> String {
    let mut out = format!("{}  {}\n\n", verdict.level.as_str(), verdict.meaning());
    let head = &verdict.head;
    let mut put = |label: &str, value: String| row(&mut out, label, &printable(value.as_bytes()));
    put("log", head.origin.clone());
    put("report", format!("{}, {} for {}", head.report, head.report_type, head.period));
    put("version", format!("{}, {}, {}, as of entry {}", head.n, verdict.kind, verdict.state, verdict.as_of));
    let ordered = match verdict.ordered_at() {
        Some(at) => format!("ordered {at}, made"),
        None => "made elsewhere, deposited".to_owned(),
    };
    put("time", format!("{ordered} {} (entry {})", verdict.made_at(), head.entry));
    put("document", format!("{}, {}, {} bytes", head.document, head.media_type, verdict.bytes));
    put("", format!("SHA-256 {}", verdict.sha256));
    put("figures", format!("{}, of {} contributions: they add up", head.figures, verdict.contributions));
    let adjustments = match verdict.adjustments {
        0 => String::new(),
        count => format!(", and {count} approved adjustments"),
    };
    put("records", format!("{} in the log{adjustments}", verdict.records));
    for it in &verdict.validations {
        put("validation", format!("{} by {} {} (entry {})", it.verdict, it.validator, it.version, it.seq));
    }
    for it in &verdict.deliveries {
        put(
            "delivery",
            format!("to {} by {}, {} (entry {})", it.recipient, it.channel, it.delivered_at, it.seq),
        );
    }
    put("checkpoint", format!("size {}, root {}", verdict.size, verdict.root.to_base64()));
    if verdict.seen.1 > 0 {
        let (held, given) = verdict.seen;
        put("", format!("{held} of the {given} you kept could be compared, and agree"));
    }
    verdict.signed_by.iter().for_each(|key| put("signed by", key.clone()));
    for witness in &verdict.witnessed_by {
        put("witnessed by", format!("{} at {}", witness.name, witness.at().unwrap_or_default()));
    }
    for name in &verdict.not_witnessed_by {
        put("", format!("the witness {name} has not cosigned this checkpoint"));
    }
    if verdict.level == Level::Consistent {
        out +=
            "\nTo learn more, give the log's public key with --vkey, from a source other than this file.\n";
        out += "The file itself names:\n";
        verdict.vkeys.iter().for_each(|key| out += &format!("  {key}\n"));
    }
    out
}

fn good_json(verdict: &ReportVerdict) -> Value {
    let head = &verdict.head;
    let witnesses = verdict.witnessed_by.iter();
    let witnesses: Vec<Value> = witnesses
        .map(|witness| json!({ "name": witness.name, "time_s": witness.time_s.to_string() }))
        .collect();
    let validations = verdict.validations.iter().map(|it| {
        json!({
            "seq": it.seq.to_string(), "validator": it.validator, "version": it.version, "verdict": it.verdict,
            "output_sha256": it.output.to_hex(),
        })
    });
    let deliveries = verdict.deliveries.iter().map(|it| {
        json!({
            "seq": it.seq.to_string(), "recipient": it.recipient, "channel": it.channel,
            "delivered_at": it.delivered_at,
        })
    });
    json!({
        "verdict": "good",
        "level": verdict.level.as_str(),
        "meaning": verdict.meaning(),
        "log": head.origin,
        "report": head.report,
        "type": head.report_type,
        "period": head.period,
        "n": head.n.to_string(),
        "kind": verdict.kind,
        "state": verdict.state,
        "as_of": verdict.as_of.to_string(),
        "entry": head.entry.to_string(),
        "ordered_at": verdict.ordered_at(),
        "made_at": verdict.made_at(),
        "document": {
            "name": head.document, "media_type": head.media_type, "bytes": verdict.bytes, "sha256": verdict.sha256,
        },
        "figures": head.figures.to_string(),
        "contributions": verdict.contributions.to_string(),
        "records": verdict.records.to_string(),
        "adjustments": verdict.adjustments.to_string(),
        "validations": validations.collect::<Vec<_>>(),
        "deliveries": deliveries.collect::<Vec<_>>(),
        "size": verdict.size.to_string(),
        "root": verdict.root.to_hex(),
        "seen_compared": verdict.seen.0.to_string(),
        "signed_by": verdict.signed_by,
        "witnessed_by": witnesses,
    })
}
