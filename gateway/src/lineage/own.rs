//! Lineage of our own: which file an institution's records came from. Told by the same events as everybody's, so
//! that a graph goes on from what others tell of the file to what they make of the records.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// Who tells it.
const PRODUCER: &str = "urn:veritrail:gateway";
const EVENT: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
const VERSION: &str = "https://openlineage.io/spec/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet";
/// The namespace of files that came without a place: their senders know them by name alone.
const FILES: &str = "file";
/// The dataset that a log's transactions are; its namespace is the log's name.
pub const TRANSACTIONS: &str = "transactions";
/// The job that takes files in.
pub const INTAKE: &str = "intake";

/// A file whose records were stored.
#[derive(Debug)]
pub struct Taken<'a> {
    /// The log's name.
    pub origin: &'a str,
    /// The intake.
    pub intake: Uuid,
    /// The file's name, where its sender told one.
    pub file: Option<&'a str>,
    /// SHA-256 of it, in hex.
    pub sha256: &'a str,
    /// When it came, in microseconds since the Unix epoch.
    pub at_us: i64,
}

/// The event that tells of it: the same whenever it is made.
#[must_use]
pub fn taken(taken: &Taken<'_>) -> Value {
    let at = Timestamp::from_microsecond(taken.at_us).unwrap_or_default();
    let version = format!("sha256:{}", taken.sha256);
    json!({
        "eventTime": at.to_string(), "eventType": "COMPLETE", "producer": PRODUCER, "schemaURL": EVENT,
        "run": {"runId": taken.intake.to_string()},
        "job": {"namespace": taken.origin, "name": INTAKE},
        "inputs": [{
            "namespace": FILES, "name": taken.file.unwrap_or(&version),
            "facets": {"version": {"_producer": PRODUCER, "_schemaURL": VERSION, "datasetVersion": version}},
        }],
        "outputs": [{"namespace": taken.origin, "name": TRANSACTIONS}],
    })
}

/// A version of a report that was made of an institution's records.
#[derive(Debug)]
pub struct Reported<'a> {
    /// The log's name.
    pub origin: &'a str,
    /// The report's type.
    pub report_type: &'a str,
    /// What it covers.
    pub period: &'a str,
    /// The report's id.
    pub report: &'a str,
    /// The version's number.
    pub n: i64,
    /// The last entry that it takes into account.
    pub as_of: i64,
    /// SHA-256 of its document, in hex.
    pub sha256: &'a str,
    /// The run: the same whenever it is told.
    pub run: Uuid,
    /// When it was ordered, in microseconds since the Unix epoch.
    pub at_us: i64,
}

/// The event that tells of it.
#[must_use]
pub fn reported(made: &Reported<'_>) -> Value {
    let at = Timestamp::from_microsecond(made.at_us).unwrap_or_default();
    let version = |version: String| json!({"version": {"_producer": PRODUCER, "_schemaURL": VERSION, "datasetVersion": version}});
    let Reported { origin, report_type, period, report, .. } = made;
    json!({
        "eventTime": at.to_string(), "eventType": "COMPLETE", "producer": PRODUCER, "schemaURL": EVENT,
        "run": {"runId": made.run.to_string()},
        "job": {"namespace": origin, "name": format!("report/{report_type}")},
        "inputs": [{
            "namespace": origin, "name": TRANSACTIONS, "facets": version(format!("as-of:{}", made.as_of)),
        }],
        "outputs": [{
            "namespace": origin, "name": format!("reports/{report_type}/{period}/{report}"),
            "facets": version(format!("v{}:sha256:{}", made.n, made.sha256)),
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lineage::event::{About, read};

    #[test]
    fn our_own_events_are_read_like_anybodys() {
        let taken = Taken {
            origin: "ledger.example/north",
            intake: Uuid::nil(),
            file: Some("camt053.xml"),
            sha256: "ab",
            at_us: 1_767_605_400_000_000,
        };
        let event = read(super::taken(&taken).to_string().as_bytes()).unwrap();
        assert_eq!(event.time_us, taken.at_us);
        assert!(matches!(event.about, About::Run { job, .. } if job.name == INTAKE));
        assert_eq!(event.inputs[0].version.as_deref(), Some("sha256:ab"));
        assert_eq!(event.outputs[0].named.namespace, taken.origin);
    }
}
