//! What the ledger says about reports: payloads of entries whose subject is a report.
//!
//! Fields are in sorted order, and no numbers, like those of records: each is its canonical JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{AdjustmentId, ReportId, ScheduleId};

macro_rules! payloads {
    ($($(#[$doc:meta])* $name:ident is $kind:literal { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {
        $($(#[$doc])*
        #[derive(Clone, Debug, Serialize)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl $name {
            /// Its canonical JSON, which also says what it is.
            #[must_use]
            pub fn payload(&self) -> Vec<u8> {
                canonical(self, $kind)
            }
        })*
    };
}

/// The members of a payload in order, `type` among them.
fn canonical<T: Serialize>(payload: &T, kind: &str) -> Vec<u8> {
    // A struct of texts is a map of texts, and writing to memory can't fail.
    let mut members: BTreeMap<String, serde_json::Value> =
        serde_json::from_value(serde_json::to_value(payload).expect("texts are JSON"))
            .expect("a struct is a map");
    members.retain(|_, value| !value.is_null());
    members.insert("type".to_owned(), kind.into());
    serde_json::to_vec(&members).expect("a map of texts is JSON")
}

payloads! {
    /// A version was ordered.
    ReportOrder is "report_order" {
        /// The last entry that it takes into account.
        as_of: String,
        /// How it stands to the ones before.
        kind: String,
        /// Its number.
        n: String,
        /// The report's parameters.
        parameters: BTreeMap<String, String>,
        /// What the report covers.
        period: String,
        /// Why it is made.
        reason: Option<String>,
        /// The report.
        report: ReportId,
        /// The report's type.
        report_type: String,
        /// The number of the version that it takes the place of.
        supersedes: Option<String>,
    }

    /// What became of a version.
    ReportOutcome is "report_version" {
        /// The last entry that it takes into account.
        as_of: String,
        /// The document's length.
        bytes: Option<String>,
        /// How many errors were found.
        errors: String,
        /// How many figures there are.
        figures: String,
        /// SHA-256 of the list of figures, in hex.
        figures_sha256: Option<String>,
        /// How it stands to the ones before.
        kind: String,
        /// The document's media type.
        media_type: Option<String>,
        /// Its number.
        n: String,
        /// What the report covers.
        period: String,
        /// Why there is another version, where it was deposited: an order says so otherwise.
        reason: Option<String>,
        /// The report.
        report: ReportId,
        /// The report's type.
        report_type: String,
        /// The document's SHA-256 in hex.
        sha256: Option<String>,
        /// `ready`, `refused` or `failed`.
        state: String,
        /// How many warnings were found.
        warnings: String,
    }

    /// What a validator said of a version.
    ReportVerdict is "report_validation" {
        /// The version's number.
        n: String,
        /// SHA-256 of what the validator printed, in hex.
        output_sha256: String,
        /// The report.
        report: ReportId,
        /// The document's SHA-256 in hex.
        sha256: String,
        /// The validator.
        validator: String,
        /// `passed` or `failed`.
        verdict: String,
        /// The validator's version.
        version: String,
    }

    /// A version was delivered.
    ReportDelivered is "report_delivery" {
        /// By what way.
        channel: String,
        /// When: RFC 3339, UTC.
        delivered_at: String,
        /// The version's number.
        n: String,
        /// To whom.
        recipient: String,
        /// What the recipient calls it.
        reference: Option<String>,
        /// The report.
        report: ReportId,
        /// The document's SHA-256 in hex.
        sha256: String,
    }

    /// An amount that is to be added to a figure by hand.
    ReportAdjustment is "report_adjustment" {
        /// What it adds, as decimal text.
        amount: String,
        /// The figure's name.
        figure: String,
        /// The adjustment.
        id: AdjustmentId,
        /// Why.
        reason: String,
        /// The report.
        report: ReportId,
        /// The figure's unit.
        unit: String,
    }

    /// An adjustment was approved or declined.
    AdjustmentDecision is "report_adjustment_decision" {
        /// What it adds, as decimal text.
        amount: String,
        /// The figure's name.
        figure: String,
        /// The adjustment.
        id: AdjustmentId,
        /// The report.
        report: ReportId,
        /// `approved` or `declined`.
        state: String,
        /// The figure's unit.
        unit: String,
    }

    /// Reports are to be ordered, one for each period.
    ReportSchedule is "report_schedule" {
        /// How many whole days after a period's end its report is made.
        after_days: String,
        /// How long the periods are.
        every: String,
        /// The first period.
        from: String,
        /// At which hour of the day, UTC.
        hour: String,
        /// The schedule.
        id: ScheduleId,
        /// The reports' parameters.
        parameters: BTreeMap<String, String>,
        /// The reports' type.
        report_type: String,
    }

    /// A schedule's report could not be ordered.
    ReportScheduleRefusal is "report_schedule_refusal" {
        /// Why, in snake_case.
        code: String,
        /// The schedule.
        id: ScheduleId,
        /// What the report would have covered.
        period: String,
        /// The report that is there already.
        report: Option<ReportId>,
        /// The report's type.
        report_type: String,
    }

    /// A schedule was ended.
    ReportScheduleEnd is "report_schedule_end" {
        /// The schedule.
        id: ScheduleId,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_canonical_and_says_what_it_is() {
        let order = ReportOrder {
            as_of: "7".to_owned(),
            kind: "correction".to_owned(),
            n: "2".to_owned(),
            parameters: BTreeMap::from([("b".to_owned(), "ü".to_owned()), ("a".to_owned(), "1".to_owned())]),
            period: "2026-03".to_owned(),
            reason: Some("an \"amount\" was wrong".to_owned()),
            report: ReportId::from_uuid(uuid::Uuid::nil()),
            report_type: "account-statement".to_owned(),
            supersedes: None,
        };
        let payload = order.payload();
        let value: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(payload, serde_json_canonicalizer::to_vec(&value).unwrap());
        assert_eq!(value["type"], "report_order");
        assert_eq!(value.get("supersedes"), None);
    }
}
