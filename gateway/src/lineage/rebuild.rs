//! Making projections again from the events: in one transaction, so that nobody sees half of them. Nothing is
//! appended to the institution's log meanwhile.

use crate::{
    domain::Tenant,
    ledger::{
        Recorder,
        command::{RecordError, Rows},
    },
    lineage::{event, project, record},
    store::{Connection, lineage, logs},
};

/// Events that are read at a time: each may have 5 MiB.
const CHUNK: i64 = 32;

/// Makes an institution's projections again.
///
/// # Errors
/// When the database fails, or a stored event is damaged; then nothing is changed.
pub async fn rebuild(recorder: &Recorder, tenant: Tenant) -> Result<(), RecordError> {
    let rows: Rows = Box::new(move |connection, _| Box::pin(again(connection, tenant)));
    recorder.store(tenant, rows).await
}

async fn again(connection: &mut Connection, tenant: Tenant) -> Result<(), RecordError> {
    // The log's head first, as every batch takes it before it writes an event's rows: several events of a batch
    // take rows in no order that a rebuild could follow, so that without this each could wait for the other.
    logs::lock(connection, &[tenant]).await?;
    lineage::clear(connection, tenant).await?;
    let mut after = -1;
    loop {
        let events = lineage::after(connection, tenant, (after, i64::MAX), CHUNK).await?;
        let Some(last) = events.last() else { return Ok(()) };
        after = last.seq;
        for stored in events {
            let damaged =
                || RecordError::Unavailable(format!("the event of entry {} is damaged", stored.seq));
            let text = record::text(&stored.payload).map_err(|_| damaged())?;
            let event = event::read(text.as_bytes()).map_err(|_| damaged())?;
            lineage::write(connection, tenant, stored.seq, &project(&event, record::digest(&text))).await?;
        }
    }
}
