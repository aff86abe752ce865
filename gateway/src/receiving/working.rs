//! Seeing to a file that is whole: examined, stored, and how it ended put on the ledger.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    BROKE_OFF, ENDED, Receiver, Trouble, examine, filing,
    hold::{Claim, Hold},
    portions::{self, Described},
    refused, storing,
};
use crate::{
    domain::{
        IntakeId, Tenant,
        intake::{IntakeOutcome, IntakeOutcomeKind},
    },
    intake::{Mapping, UnknownFormat},
    ledger::{
        By, RecordError,
        command::{Rows, Writing},
    },
    lineage::{
        own::{self, Taken},
        record::{IS_KNOWN, NewEvent},
    },
    store::{
        Connection, intake_findings,
        intakes::{self, Intake},
        logs,
    },
};

/// Findings that are stored at once.
const FINDINGS_AT_ONCE: usize = 500;

impl Receiver {
    /// Examines a file and stores its records in the background.
    pub(super) fn start(&self, tenant: Tenant, id: IntakeId) {
        let Some(running) = Claim::on(&self.running, id) else { return };
        let receiver = self.clone();
        tokio::spawn(async move {
            let _running = running;
            let _hold = Hold::on(&receiver, tenant, id);
            let mut last = None;
            for pause_s in [1, 5, 30, 120, 600] {
                // While it waits to be taken up again, others have its turn.
                let Ok(turn) = receiver.turns.clone().acquire_owned().await else { return };
                let error = match receiver.see_to(tenant, id).await {
                    Ok(()) | Err(Trouble::Stopping) => return,
                    Err(error) => error,
                };
                drop(turn);
                if error.is_for_good() {
                    last = Some(error);
                    break;
                }
                tracing::warn!(%error, intake = %id, "an intake is taken up again later");
                last = Some(error);
                tokio::time::sleep(Duration::from_secs(pause_s)).await;
            }
            let Some(error) = last else { return };
            tracing::error!(%error, intake = %id, "an intake could not be finished");
            if error.is_of_the_file()
                && let Err(error) = receiver.give_up(tenant, id, BROKE_OFF).await
            {
                tracing::warn!(%error, intake = %id, "it could not be said that an intake failed");
            }
        });
    }

    async fn see_to(&self, tenant: Tenant, id: IntakeId) -> Result<(), Trouble> {
        let row = self.row(tenant, id).await?;
        let path = self.path(tenant, id).await?;
        if row.finished_at_us.is_none() {
            self.work(tenant, &row, &path).await?;
        }
        remove(&path).await;
        Ok(())
    }

    /// Ends an intake as failed, and deletes its file.
    pub(super) async fn give_up(
        &self,
        tenant: Tenant,
        id: IntakeId,
        reason: &'static str,
    ) -> Result<(), Trouble> {
        let row = self.row(tenant, id).await?;
        self.finish(tenant, &row, "failed", Some(reason)).await?;
        remove(&self.path(tenant, id).await?).await;
        Ok(())
    }

    /// Examines and stores what is at a path, and says how it ended.
    pub(super) async fn work(&self, tenant: Tenant, row: &Intake, path: &Path) -> Result<(), Trouble> {
        let id = IntakeId::from_uuid(row.id);
        let sha256 = portions::sha256(path.to_owned()).await?;
        if row.sha256.as_deref() != Some(&sha256) {
            tracing::error!(intake = %id, "{}", Trouble::Altered);
            return self.finish(tenant, row, "failed", Some("the file was altered on disk")).await;
        }
        let described = described(row, path.to_owned())?;
        let is_resumed = row.state == "storing";
        let refused = match is_resumed {
            true if row.skips != 0 => refused::read(path).await?,
            true => Vec::new(),
            false => match self.examine(tenant, row, &described).await? {
                Some(refused) => refused,
                None => return Ok(()),
            },
        };
        let sha256 = portions::hex(sha256);
        let how = (&sha256, refused.as_slice(), is_resumed);
        let (state, reason) = match storing::store(self, tenant, id, &described, how).await? {
            Ok(()) => ("stored", None),
            Err(reason) => ("failed", Some(reason)),
        };
        self.tell_lineage(tenant, row, &sha256).await?;
        self.finish(tenant, row, state, reason).await
    }

    /// Tells where records came from, if any did; once, however often it is told.
    async fn tell_lineage(&self, tenant: Tenant, row: &Intake, sha256: &str) -> Result<(), Trouble> {
        if self.row(tenant, IntakeId::from_uuid(row.id)).await?.added == 0 {
            return Ok(());
        }
        let mut reader = self.db.read(tenant).await?;
        let Some(head) = logs::head(&mut reader, tenant).await? else { return Ok(()) };
        drop(reader);
        let (origin, file) = (head.origin.as_str(), row.file_name.as_deref());
        let taken = Taken { origin, intake: row.id, file, sha256, at_us: row.created_at_us };
        let told = NewEvent::of_ours(&own::taken(&taken));
        let filing = told.and_then(|told| told.filing(By::service()).map_err(|e| e.to_string()));
        match self.recorder.file(tenant, filing.map_err(Trouble::Damaged)?).await {
            Ok(_) | Err(RecordError::Conflict(IS_KNOWN)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The first reading; which records are refused, if storing comes next.
    async fn examine(
        &self,
        tenant: Tenant,
        row: &Intake,
        described: &Described,
    ) -> Result<Option<Vec<u64>>, Trouble> {
        let id = IntakeId::from_uuid(row.id);
        let examination = examine::examine(self, tenant, described).await?;
        for findings in examination.findings.chunks(FINDINGS_AT_ONCE) {
            let findings = findings.to_vec();
            self.note(tenant, move |connection, tenant| {
                Box::pin(async move { Ok(intake_findings::insert(connection, tenant, id, &findings).await?) })
            })
            .await?;
        }
        let counts = examination.counts;
        let reason = if examination.broke_off {
            Some("the file could not be read to its end")
        } else if counts.faults > 0 && row.skips == 0 {
            Some("faults were found, so nothing was stored")
        } else if counts.faults > 0 && counts.records == 0 {
            Some("there is no record without a fault")
        } else {
            None
        };
        let stores = reason.is_none() && row.dry_run == 0;
        // An import is never resumed, and nothing is written beside its file.
        if stores && row.skips != 0 && described.path.starts_with(&self.folder) {
            refused::write(&described.path, &examination.refused).await?;
        }
        self.note(tenant, move |connection, tenant| {
            Box::pin(async move { Ok(intakes::examined(connection, tenant, id, counts, stores).await?) })
        })
        .await?;
        if !stores {
            self.finish(tenant, row, if reason.is_some() { "refused" } else { "examined" }, reason).await?;
        }
        Ok(stores.then_some(examination.refused))
    }

    /// Stores how far work got.
    pub(super) async fn note<F>(&self, tenant: Tenant, write: F) -> Result<(), RecordError>
    where
        F: for<'c> FnOnce(&'c mut Connection, Tenant) -> Writing<'c> + Send + Sync + 'static,
    {
        self.recorder.store(tenant, Box::new(move |connection, at| write(connection, at.tenant))).await
    }

    /// Records how an intake ended.
    pub(super) async fn finish(
        &self,
        tenant: Tenant,
        row: &Intake,
        state: &'static str,
        reason: Option<&'static str>,
    ) -> Result<(), Trouble> {
        let id = IntakeId::from_uuid(row.id);
        let row = self.row(tenant, id).await?;
        let outcome = IntakeOutcome {
            added: row.added.to_string(),
            breaks: row.breaks.to_string(),
            faults: row.faults.to_string(),
            id,
            outcome: state.to_owned(),
            records: row.records.to_string(),
            statements: row.statements.to_string(),
            kind: IntakeOutcomeKind::IntakeOutcome,
            unchanged: row.unchanged.to_string(),
        };
        let rows: Rows = Box::new(move |connection, at| {
            Box::pin(async move {
                match intakes::finish(connection, at.tenant, id, (state, reason), at.at_us).await? {
                    0 => Err(RecordError::Conflict(ENDED)),
                    _ => Ok(()),
                }
            })
        });
        let by = By { actor: row.actor, request: None };
        self.recorder.file(tenant, filing(by, id, outcome.payload(), rows, None)).await?;
        Ok(())
    }
}

/// Deletes a file, and what lies beside it.
pub(super) async fn remove(path: &Path) {
    for path in [path, &refused::beside(path)] {
        match tokio::fs::remove_file(path).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(%error, "the file of an intake that ended could not be deleted");
            }
            _ => {}
        }
    }
}

fn described(row: &Intake, path: PathBuf) -> Result<Described, Trouble> {
    let damaged = |error: String| Trouble::Damaged(error);
    let format = row.format.parse().map_err(|error: UnknownFormat| damaged(error.to_string()))?;
    let mapping = match &row.mapping {
        Some(text) => Some(text.parse::<Mapping>().map_err(|error| damaged(error.to_string()))?),
        None => None,
    };
    Ok(Described { path, format, mapping })
}
