//! Ordering a version: its entry, and the rows that go with it.

use std::collections::BTreeMap;

use veritrail_audit::Kind;

use super::wording::hex;
use crate::{
    domain::{
        ReportId,
        report::{ReportOrder, ReportOutcome},
    },
    ledger::{
        By, RecordError,
        command::{At as Now, Filing, Rows},
    },
    reports::VersionKind,
    store::{
        Connection, idempotency,
        reports::{self, At, NewVersion, Outcome},
    },
};

/// The kind of thing that entries about reports are about.
pub const SUBJECT: &str = "report";
/// Why a report is not ordered again.
pub const EXISTS: &str = "there is a report of this type, period and parameters: order a version of it";
/// Why another version is not ordered.
pub const OVERTAKEN: &str = "another version was ordered at the same time";

/// An order.
#[derive(Clone, Debug)]
pub struct Order {
    /// The report; a new id for the first version.
    pub report: ReportId,
    /// Its type's name.
    pub report_type: String,
    /// What it covers.
    pub period: String,
    /// Its parameters.
    pub parameters: BTreeMap<String, String>,
    /// The version's number.
    pub n: i64,
    /// How it stands to the ones before.
    pub kind: VersionKind,
    /// Why it is made.
    pub reason: Option<String>,
    /// The number of the version that it takes the place of.
    pub supersedes: Option<i64>,
    /// The last entry that it takes into account.
    pub as_of: i64,
}

/// A document that was made elsewhere, and is in the archive.
#[derive(Clone, Copy, Debug)]
pub struct Deposit {
    /// Its media type.
    pub media_type: &'static str,
    /// Its hash.
    pub sha256: [u8; 32],
    /// Its length.
    pub bytes: i64,
}

impl Order {
    /// The entry and the rows that record it.
    #[must_use]
    pub fn filing(self, by: By, idempotency: Option<idempotency::Key>) -> Filing {
        let payload = ReportOrder {
            as_of: self.as_of.to_string(),
            kind: self.kind.as_str().to_owned(),
            n: self.n.to_string(),
            parameters: self.parameters.clone(),
            period: self.period.clone(),
            reason: self.reason.clone(),
            report: self.report,
            report_type: self.report_type.clone(),
            supersedes: self.supersedes.map(|n| n.to_string()),
        }
        .payload();
        let id = self.report.to_string();
        let rows: Rows = Box::new(move |connection, at| Box::pin(self.write(connection, at)));
        Filing { by, kind: Kind::Record, subject: (SUBJECT, id), payload, rows, idempotency }
    }

    /// The entry and the rows that record a version which is there already: a document made elsewhere.
    #[must_use]
    pub fn deposit(self, by: By, document: Deposit, idempotency: Option<idempotency::Key>) -> Filing {
        let Deposit { media_type, sha256, bytes } = document;
        let payload = ReportOutcome {
            as_of: self.as_of.to_string(),
            bytes: Some(bytes.to_string()),
            errors: "0".to_owned(),
            figures: "0".to_owned(),
            figures_sha256: None,
            kind: self.kind.as_str().to_owned(),
            media_type: Some(media_type.to_owned()),
            n: self.n.to_string(),
            period: self.period.clone(),
            reason: self.reason.clone(),
            report: self.report,
            report_type: self.report_type.clone(),
            sha256: Some(hex(&sha256)),
            state: "ready".to_owned(),
            warnings: "0".to_owned(),
        }
        .payload();
        let id = self.report.to_string();
        let version = At { report: self.report, n: self.n };
        let outcome = Outcome {
            state: "ready",
            document: Some((media_type.to_owned(), sha256, bytes)),
            figures: (0, None),
            found: (0, 0),
        };
        let rows: Rows = Box::new(move |connection, at| {
            Box::pin(async move {
                let (tenant, seq, at_us) = (at.tenant, at.seq, at.at_us);
                self.write(connection, at).await?;
                reports::finish(connection, tenant, (version, None), seq, outcome, at_us).await?;
                Ok(())
            })
        });
        Filing { by, kind: Kind::Record, subject: (SUBJECT, id), payload, rows, idempotency }
    }

    /// Writes the report, if it is new, and the version.
    async fn write(self, connection: &mut Connection, at: Now) -> Result<(), RecordError> {
        let parameters = words(&self.parameters);
        let about = (self.report_type.as_str(), self.period.as_str(), parameters.as_str());
        if self.n == 1 {
            if reports::of(connection, at.tenant, about).await?.is_some() {
                return Err(RecordError::Conflict(EXISTS));
            }
            reports::insert(connection, at.tenant, at.seq, self.report, about, at.at_us).await?;
        } else {
            let newest = reports::newest(connection, at.tenant, self.report).await?;
            let standing = reports::standing(connection, at.tenant, self.report).await?;
            let follows = newest.is_some_and(|it| it.n + 1 == self.n && it.state != "producing");
            if !follows || standing.map(|it| it.n) != self.supersedes {
                return Err(RecordError::Conflict(OVERTAKEN));
            }
        }
        let new = NewVersion {
            report: self.report,
            n: self.n,
            kind: self.kind.as_str(),
            reason: self.reason,
            supersedes: self.supersedes,
            as_of: self.as_of,
        };
        Ok(reports::insert_version(connection, at.tenant, at.seq, new, at.at_us).await?)
    }
}

/// Parameters as a JSON object with its members in order: two reports with the same ones have the same text.
#[must_use]
pub fn words(parameters: &BTreeMap<String, String>) -> String {
    serde_json::to_string(parameters).expect("a map of texts is JSON")
}
