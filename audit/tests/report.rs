//! A report of a small log, made the same way every time, and its bundle: two sums, one of them with an
//! adjustment, a figure made of both, and a count; a validation and a delivery.

use std::io::Cursor;

use serde_json::json;
use sha2::{Digest, Sha256};
use veritrail_audit::{
    Fault, Hash, Kind, ReportBundleWriter, ReportHead, ReportVerdict, Span, Subject, SumLeaf, SumTree,
    VerifyError, VerifyOptions, inclusion_spans, verify_report,
};

use crate::support::{Log, ORIGIN};

pub(crate) const DOCUMENT: &[u8] =
    b"<Document><Sum>12.55</Sum><Sum>-4.20</Sum><Sum>8.35</Sum><Nb>6</Nb></Document>\n";
pub(crate) const OUTPUT: &[u8] = b"{\"messages\":[],\"validator\":\"lxml\",\"verdict\":\"passed\"}\n";
pub(crate) const REPORT: &str = "rep_1";
/// The entry that says what the version became.
pub(crate) const MADE: u64 = 11;

pub(crate) fn sha(bytes: &[u8]) -> String {
    Hash(Sha256::digest(bytes).into()).to_hex()
}

/// A figure: its name, unit, decimals, value, contributions and inputs.
pub(crate) struct Told {
    pub(crate) name: &'static str,
    pub(crate) unit: (&'static str, u32),
    pub(crate) value: &'static str,
    pub(crate) parts: Vec<(u64, i64)>,
    pub(crate) inputs: Vec<(u64, i8)>,
}

/// All that a bundle is made of; a test changes some of it before it is packed.
pub(crate) struct Story {
    pub(crate) figures: Vec<Told>,
    pub(crate) as_of: u64,
    pub(crate) adjustment: &'static str,
    pub(crate) validated: String,
    /// Whether the document was made elsewhere.
    pub(crate) deposited: bool,
}

impl Default for Story {
    fn default() -> Self {
        let (euros, count) = (("EUR", 2), ("payments", 0));
        let told = |name, unit, value, parts: &[(u64, i64)], inputs: &[(u64, i8)]| Told {
            name,
            unit,
            value,
            parts: parts.to_vec(),
            inputs: inputs.to_vec(),
        };
        let counted: Vec<_> = (1..=6).map(|seq| (seq, 1)).collect();
        Self {
            figures: vec![
                told("acc/credits", euros, "12.55", &[(1, 1000), (2, 250), (3, 5)], &[]),
                told("acc/debits", euros, "-4.20", &[(4, -300), (5, -20), (9, -100)], &[]),
                told("acc/closing", euros, "8.35", &[], &[(0, 1), (1, 1)]),
                told("acc/count", count, "6", &counted, &[]),
            ],
            as_of: 9,
            adjustment: "-1.00",
            validated: sha(DOCUMENT),
            deposited: false,
        }
    }
}

impl Story {
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |(position, told): (usize, &Told)| {
            let mut tree = SumTree::default();
            told.parts.iter().for_each(|(seq, amount)| tree.push(SumLeaf::new(*seq, *amount)));
            let root = tree.root();
            let inputs = told.inputs.iter();
            // serde_json's map is sorted by key.
            let line = json!({
                "credit": root.credit.to_string(), "debit": root.debit.to_string(),
                "decimals": told.unit.1.to_string(), "formula": "the sum of \"what\" was booked",
                "inputs": inputs.map(|(figure, factor)| json!({ "factor": factor.to_string(), "figure": figure.to_string() })).collect::<Vec<_>>(),
                "name": told.name, "parts": told.parts.len().to_string(), "path": format!("/Document/Sum[{position}]"),
                "position": position.to_string(), "root": root.hash.to_hex(), "unit": told.unit.0, "value": told.value,
            });
            format!("{line}\n")
        };
        self.figures.iter().enumerate().map(line).collect()
    }

    pub(crate) fn log(&self) -> Log {
        let mut log = Log::new(ORIGIN, 1, 1);
        let record = |log: &mut Log, about: &str, payload: serde_json::Value| {
            let subject = Subject { kind: about, id: REPORT };
            log.push_about(Kind::Record, Some(subject), payload.to_string().into_bytes());
        };
        for seq in 1..=6 {
            let amount = json!({ "amount": format!("{seq}.00"), "currency": "EUR" });
            record(&mut log, "transaction", json!({ "amount": amount, "type": "transaction" }));
        }
        log.push();
        let adjustment = |state: Option<&str>| {
            let mut it = json!({
                "amount": self.adjustment, "figure": "acc/debits", "id": "adj_1", "report": REPORT, "unit": "EUR",
                "type": "report_adjustment",
            });
            if let Some(state) = state {
                it["state"] = state.into();
                it["type"] = "report_adjustment_decision".into();
            }
            it
        };
        record(&mut log, "report", adjustment(None));
        record(&mut log, "report", adjustment(Some("approved")));
        let as_of = self.as_of.to_string();
        record(
            &mut log,
            "report",
            json!({ "as_of": as_of, "n": "1", "report": REPORT, "type": "report_order" }),
        );
        record(
            &mut log,
            "report",
            without_list(
                self.deposited,
                json!({
                    "as_of": as_of, "bytes": DOCUMENT.len().to_string(), "errors": "0",
                    "figures": self.figures.len().to_string(), "figures_sha256": sha(self.lines().concat().as_bytes()),
                    "kind": "new", "media_type": "application/xml", "n": "1", "period": "2026-03", "report": REPORT,
                    "report_type": "account-statement", "sha256": sha(DOCUMENT), "state": "ready",
                    "type": "report_version", "warnings": "0",
                }),
            ),
        );
        log.push();
        record(
            &mut log,
            "report",
            json!({
                "n": "1", "output_sha256": sha(OUTPUT), "report": REPORT, "sha256": self.validated,
                "type": "report_validation", "validator": "lxml", "verdict": "passed", "version": "6.0",
            }),
        );
        record(
            &mut log,
            "report",
            json!({
                "channel": "sftp", "delivered_at": "2026-04-01T08:00:00Z", "n": "1", "recipient": "a supervisor",
                "report": REPORT, "sha256": sha(DOCUMENT), "type": "report_delivery",
            }),
        );
        (0..5).for_each(|_| log.push());
        log
    }

    pub(crate) fn bundle(&self) -> Vec<u8> {
        let log = self.log();
        let mut writer = writer(&log, self.figures.len() as u64);
        writer.document(&mut Cursor::new(DOCUMENT)).unwrap();
        self.lines().iter().for_each(|line| writer.figure(line.as_bytes()).unwrap());
        for (figure, told) in self.figures.iter().enumerate() {
            for (position, (seq, amount)) in told.parts.iter().enumerate() {
                writer.contribution(figure as u64, position as u64, *seq, *amount).unwrap();
            }
        }
        let needed = if self.figures.is_empty() { 11..12 } else { 1..12 };
        for seq in needed.filter(|seq| *seq != 7 && !(self.deposited && *seq == 10)).chain(13..=14) {
            let (salt, payload) = &log.payloads[seq];
            writer.entry(&log.entries[seq], &path(&log, seq as u64), salt, payload).unwrap();
        }
        let output = Hash(Sha256::digest(OUTPUT).into());
        writer.output(output, &mut Cursor::new(OUTPUT)).unwrap();
        writer.finish().unwrap().into_inner()
    }
}

/// What a deposit's entry says: no list of figures.
fn without_list(deposited: bool, mut payload: serde_json::Value) -> serde_json::Value {
    if deposited {
        payload.as_object_mut().unwrap().remove("figures_sha256");
    }
    payload
}

pub(crate) fn writer(log: &Log, figures: u64) -> ReportBundleWriter<Cursor<Vec<u8>>> {
    let head = ReportHead {
        document: "statement.xml".to_owned(),
        entry: MADE,
        figures,
        media_type: "application/xml".to_owned(),
        n: 1,
        origin: ORIGIN.to_owned(),
        period: "2026-03".to_owned(),
        report: REPORT.to_owned(),
        report_type: "account-statement".to_owned(),
    };
    let note = log.note(log.size());
    ReportBundleWriter::new(Cursor::new(Vec::new()), head, &note, &[log.key().vkey()]).unwrap()
}

pub(crate) fn path(log: &Log, seq: u64) -> Vec<Hash> {
    let spans = inclusion_spans(seq, log.size());
    spans.into_iter().map(|span: Span| log.root(span)).collect()
}

pub(crate) fn check(bundle: &[u8], options: &VerifyOptions) -> Result<ReportVerdict, Fault> {
    match verify_report(&mut Cursor::new(bundle), options, &mut |_, _| ()) {
        Ok(verdict) => Ok(verdict),
        Err(VerifyError::Refused(fault)) => Err(fault),
        Err(VerifyError::Read(error)) => panic!("{error}"),
    }
}
