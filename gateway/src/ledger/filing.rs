//! Filings: one entry each, with the rows that go with it, and rows that go with none.

use veritrail_audit::Subject;

use super::{
    batch::Batch,
    command::{At, Filed, Filing, Receipt, RecordError, Rows},
    log::{Draft, signed, unavailable},
};
use crate::domain::Tenant;

impl Batch<'_> {
    /// Appends a filing's entry and writes its rows.
    pub(super) async fn file(&mut self, tenant: Tenant, filing: Filing) -> Result<Filed, RecordError> {
        if let Some(first) = self.first_answer::<Filed>(tenant, filing.idempotency.as_ref()).await? {
            return Ok(Filed { replayed: true, ..first });
        }
        let now_us = self.now_us;
        let open = &self.open_log(tenant)?.open;
        let (next, at_us) = (open.size(), open.time_of_next(now_us));
        // Rows first: they may be refused, and an entry can't be taken back.
        let at = At { tenant, seq: signed(next), at_us };
        (filing.rows)(self.connection, at).await?;
        let (kind, id) = filing.subject;
        let subject = Some(Subject { kind, id: &id });
        let draft = Draft { kind: filing.kind, by: &filing.by, subject, payload: filing.payload };
        let seq = self.append(tenant, draft)?;
        debug_assert_eq!(seq, next, "rows and entry belong together");
        let origin = self.open_log(tenant)?.open.origin.clone();
        let filed = Filed { id, receipt: Receipt { origin, seq }, replayed: false };
        if let Some(key) = filing.idempotency {
            let outcome = serde_json::to_string(&filed).map_err(unavailable)?;
            self.first_answers.push((tenant, key, outcome));
        }
        Ok(filed)
    }

    /// Writes rows that no entry goes with.
    pub(super) async fn store(&mut self, tenant: Tenant, rows: Rows) -> Result<(), RecordError> {
        let at = At { tenant, seq: 0, at_us: self.now_us };
        rows(self.connection, at).await
    }
}
