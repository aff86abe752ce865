//! Files that feeders deliver: uploaded to disk, examined, then stored.
//!
//! Invariants:
//! - A file's entry, with its hash, is on the ledger before anything of the file is.
//! - All or nothing: a file is read to its end, and held against the store, before a record of it is stored.
//!   Only what changes in the store between the two readings can still keep a record out; the intake has failed
//!   then, and says so.
//! - Storing takes more than one of the recorder's batches. A reference names a record once and for all, so that
//!   after a crash the same file is stored to its end, and nothing twice.
//! - Which records are refused is settled by the first reading, and kept beside the file: against a store that
//!   holds a part of the file already, it could not be told again.
//! - A file is hashed when it is whole, and again before it is read; it is deleted once its intake has ended, unless
//!   it is the importer's own.
//! - Memory is flat: a portion of records at a time, 16 bytes for each record of the file, and some more for each
//!   account that it makes.
//! - Every intake ends. A file is on the disk of the process that took it, which says every minute that it has it in
//!   hand, and goes on with it after a restart; once that was not said for an hour, any other process ends the
//!   intake as failed.

mod examine;
mod finding;
mod hold;
mod portions;
mod refused;
mod repeats;
mod storing;
mod tending;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::Semaphore;
use veritrail_audit::Kind;

pub use self::finding::{BalanceBreak, IntakeFinding, Severity};
pub use self::hold::Claim;
use self::{
    hold::{Hold, InHand, Pouring},
    portions::Described,
};
use crate::{
    domain::{
        IntakeId, Tenant, Text,
        intake::{Intake as Payload, IntakeKind, IntakeOutcome, IntakeOutcomeKind},
    },
    intake::{Format, Mapping},
    ledger::{
        By, RecordError, Recorder,
        command::{Filed, Filing, Rows},
    },
    lineage::{
        own::{self, Taken},
        record::{IS_KNOWN, NewEvent},
    },
    store::{
        Db, StoreError, idempotency, intake_findings,
        intakes::{self, Intake, New},
        logs,
    },
    world::World,
};

/// Files that are examined or stored at once; more wait.
const AT_ONCE: usize = 2;
/// Findings that are stored at once.
const FINDINGS_AT_ONCE: usize = 500;

/// Why nothing more is said of an intake.
const ENDED: &str = "the intake has ended already";
/// Why an intake has failed whose file can't be worked on.
const BROKE_OFF: &str = "it broke off; what was added stays";

/// What files may have, and how many may be on their way.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a file.
    pub file_bytes_max: u64,
    /// Records of a file.
    pub records_max: usize,
    /// Microseconds after which an upload that is not whole is given up.
    pub upload_kept_us: i64,
    /// Uploads of an institution that are not whole.
    pub uploads_max: u32,
    /// Bytes of an institution's files whose intake has not ended.
    pub unfinished_bytes_max: u64,
}

/// Takes files and sees to them.
#[derive(Clone)]
pub struct Receiver {
    db: Db,
    recorder: Recorder,
    world: Arc<dyn World>,
    folder: PathBuf,
    /// What files may have.
    pub limits: Limits,
    turns: Arc<Semaphore>,
    /// Files that are coming in one piece.
    pouring: Pouring,
    /// Uploads that are written to.
    uploads: InHand,
    /// What is examined or stored, or waits for it: nothing is twice.
    running: InHand,
    stopping: Arc<AtomicBool>,
}

/// Why a file could not be seen to.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log is stopped, or can't be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The disk failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Reading broke down.
    #[error(transparent)]
    Reading(#[from] tokio::task::JoinError),
    /// The service is stopping; the next start goes on.
    #[error("the service is stopping")]
    Stopping,
    /// The file on disk is not the one that was taken.
    #[error("the file on disk is not the one that came")]
    Altered,
    /// Something that is stored makes no sense.
    #[error("{0}")]
    Damaged(String),
}

impl Trouble {
    /// Whether the file is at fault, and neither the database nor the ledger.
    const fn is_of_the_file(&self) -> bool {
        matches!(self, Self::Io(_) | Self::Reading(_) | Self::Altered | Self::Damaged(_))
    }

    /// Whether it would be the same another time: a disk may recover, what a file holds stays.
    const fn is_for_good(&self) -> bool {
        matches!(self, Self::Reading(_) | Self::Altered | Self::Damaged(_))
    }
}

impl Receiver {
    /// A receiver that keeps files in a folder.
    #[must_use]
    pub fn new(db: Db, recorder: Recorder, world: Arc<dyn World>, folder: PathBuf, limits: Limits) -> Self {
        Self {
            db,
            recorder,
            world,
            folder,
            limits,
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            pouring: Pouring::default(),
            uploads: Arc::default(),
            running: Arc::default(),
            stopping: Arc::default(),
        }
    }

    /// Where a file is until its intake has ended.
    ///
    /// # Errors
    /// When its folder can't be made.
    pub async fn path(&self, tenant: Tenant, id: IntakeId) -> std::io::Result<PathBuf> {
        let folder = self.folder.join(tenant.id().to_string());
        tokio::fs::create_dir_all(&folder).await?;
        Ok(folder.join(id.to_string()))
    }

    /// Makes room for a file that is about to come in one piece, of so many bytes if that is known. One that comes
    /// again under its key needs none: it is held against the first, and answered as it was.
    ///
    /// # Errors
    /// When the institution has too many on their way, or the database failed.
    pub async fn room(
        &self,
        tenant: Tenant,
        bytes: u64,
        key: Option<&idempotency::Key>,
    ) -> Result<hold::Pour, RecordError> {
        let mut reader = self.db.read(tenant).await?;
        let under_way = intakes::under_way(&mut reader, tenant).await?;
        let first = match key {
            Some(key) => idempotency::get(&mut reader, tenant, key).await?,
            None => None,
        };
        drop(reader);
        if first.is_none() {
            self.limits.hold(under_way, (0, bytes))?;
        }
        let pour = hold::Pour::begin(&self.pouring, tenant, self.limits.uploads_max);
        pour.ok_or(RecordError::Conflict(hold::UPLOADS))
    }

    /// Claims an upload; none when somebody else is writing to it.
    #[must_use]
    pub fn claim(&self, id: IntakeId) -> Option<Claim> {
        Claim::on(&self.uploads, id)
    }

    /// Records that a file came whole, and sees to it in the background.
    ///
    /// # Errors
    /// When the ledger can't be written.
    pub async fn take(
        &self,
        tenant: Tenant,
        by: By,
        new: New,
        sha256: [u8; 32],
        idempotency: Option<idempotency::Key>,
    ) -> Result<Filed, RecordError> {
        let (id, limits) = (new.id, self.limits);
        let payload = payload(&new, sha256);
        let rows: Rows = Box::new(move |connection, at| {
            Box::pin(async move {
                let bytes = new.bytes.unsigned_abs();
                limits.hold(intakes::under_way(connection, at.tenant).await?, (0, bytes))?;
                Ok(intakes::insert(connection, at.tenant, &new, Some((at.seq, sha256)), at.at_us).await?)
            })
        });
        let filed = self.recorder.file(tenant, filing(by, id, payload, rows, idempotency)).await?;
        if !filed.replayed {
            self.start(tenant, id);
        }
        Ok(filed)
    }

    /// Records that the last part of an upload came, and sees to the file in the background.
    ///
    /// # Errors
    /// When the ledger can't be written, or it was recorded before.
    pub async fn arrive(
        &self,
        tenant: Tenant,
        by: By,
        row: Intake,
        sha256: [u8; 32],
    ) -> Result<Filed, RecordError> {
        let id = IntakeId::from_uuid(row.id);
        let payload = payload(&new_of(&row), sha256);
        let rows: Rows = Box::new(move |connection, at| {
            Box::pin(async move {
                match intakes::arrive(connection, at.tenant, id, (at.seq, sha256), at.at_us).await? {
                    0 => Err(RecordError::Conflict("the file is whole already")),
                    _ => Ok(()),
                }
            })
        });
        let filed = self.recorder.file(tenant, filing(by, id, payload, rows, None)).await?;
        self.start(tenant, id);
        Ok(filed)
    }

    /// Begins an upload in parts.
    ///
    /// # Errors
    /// When the ledger can't be written.
    pub async fn begin(
        &self,
        tenant: Tenant,
        by: By,
        new: New,
        idempotency: Option<idempotency::Key>,
    ) -> Result<Filed, RecordError> {
        let (id, limits) = (new.id, self.limits);
        let payload = format!(r#"{{"bytes":"{}","id":"{id}","type":"intake_upload"}}"#, new.bytes);
        let rows: Rows = Box::new(move |connection, at| {
            Box::pin(async move {
                let bytes = new.bytes.unsigned_abs();
                limits.hold(intakes::under_way(connection, at.tenant).await?, (1, bytes))?;
                Ok(intakes::insert(connection, at.tenant, &new, None, at.at_us).await?)
            })
        });
        let filing = Filing {
            by,
            kind: Kind::Admin,
            subject: ("intake", id.to_string()),
            payload: payload.into_bytes(),
            rows,
            idempotency,
        };
        self.recorder.file(tenant, filing).await
    }

    /// Takes a file from a path of the caller's, sees to it, and leaves it there; what became of it.
    ///
    /// # Errors
    /// When it can't be read, or the ledger can't be written. Its intake has failed then, if it can be said.
    pub async fn import(&self, tenant: Tenant, by: By, new: New, path: &Path) -> Result<Intake, Trouble> {
        let (id, sha256) = (new.id, portions::sha256(path.to_owned()).await?);
        let payload = payload(&new, sha256);
        let rows: Rows = Box::new(move |connection, at| {
            Box::pin(async move {
                Ok(intakes::insert(connection, at.tenant, &new, Some((at.seq, sha256)), at.at_us).await?)
            })
        });
        self.recorder.file(tenant, filing(by, id, payload, rows, None)).await?;
        let _hold = Hold::on(self, tenant, id);
        let row = self.row(tenant, id).await?;
        if let Err(error) = self.work(tenant, &row, path).await {
            if let Err(error) = self.finish(tenant, &row, "failed", Some(BROKE_OFF)).await {
                tracing::warn!(%error, intake = %id, "it could not be said that an intake failed");
            }
            return Err(error);
        }
        self.row(tenant, id).await
    }

    /// What is known of an intake that there is.
    async fn row(&self, tenant: Tenant, id: IntakeId) -> Result<Intake, Trouble> {
        let mut reader = self.db.read(tenant).await?;
        Ok(intakes::get(&mut reader, tenant, id).await?.ok_or(StoreError::RowNotFound)?)
    }

    /// Stops between two portions of whatever is under way.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    fn go_on(&self) -> Result<(), Trouble> {
        if self.stopping.load(Ordering::Relaxed) { Err(Trouble::Stopping) } else { Ok(()) }
    }

    /// Examines a file and stores its records in the background.
    fn start(&self, tenant: Tenant, id: IntakeId) {
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
    async fn give_up(&self, tenant: Tenant, id: IntakeId, reason: &'static str) -> Result<(), Trouble> {
        let row = self.row(tenant, id).await?;
        self.finish(tenant, &row, "failed", Some(reason)).await?;
        remove(&self.path(tenant, id).await?).await;
        Ok(())
    }

    /// Examines and stores what is at a path, and says how it ended.
    async fn work(&self, tenant: Tenant, row: &Intake, path: &Path) -> Result<(), Trouble> {
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
    async fn note<F>(&self, tenant: Tenant, write: F) -> Result<(), RecordError>
    where
        F: for<'c> FnOnce(&'c mut crate::store::Connection, Tenant) -> crate::ledger::command::Writing<'c>
            + Send
            + Sync
            + 'static,
    {
        self.recorder.store(tenant, Box::new(move |connection, at| write(connection, at.tenant))).await
    }

    /// Records how an intake ended.
    async fn finish(
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

async fn remove(path: &Path) {
    for path in [path, &refused::beside(path)] {
        match tokio::fs::remove_file(path).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(%error, "the file of an intake that ended could not be deleted");
            }
            _ => {}
        }
    }
}

fn new_of(row: &Intake) -> New {
    let format = row.format.parse().map_or("", |format: Format| format.as_str());
    New {
        id: IntakeId::from_uuid(row.id),
        actor: row.actor.clone(),
        format,
        file_name: row.file_name.clone(),
        mapping: row.mapping.clone(),
        dry_run: row.dry_run != 0,
        skips: row.skips != 0,
        bytes: row.bytes,
    }
}

fn described(row: &Intake, path: PathBuf) -> Result<Described, Trouble> {
    let damaged = |error: String| Trouble::Damaged(error);
    let format =
        row.format.parse().map_err(|error: crate::intake::UnknownFormat| damaged(error.to_string()))?;
    let mapping = match &row.mapping {
        Some(text) => Some(text.parse::<Mapping>().map_err(|error| damaged(error.to_string()))?),
        None => None,
    };
    Ok(Described { path, format, mapping })
}

/// A file as the ledger has it.
fn payload(new: &New, sha256: [u8; 32]) -> Vec<u8> {
    use sha2::{Digest as _, Sha256};
    let hash = |text: &String| portions::hex(Sha256::digest(text.as_bytes()).into()).to_string();
    let sha256: Text<64> = portions::hex(sha256);
    let intake = Payload {
        bytes: new.bytes.to_string(),
        dry_run: new.dry_run,
        file_name: new.file_name.clone(),
        format: new.format.to_owned(),
        id: new.id,
        mapping_sha256: new.mapping.as_ref().map(hash),
        on_error: if new.skips { "skip" } else { "abort" }.to_owned(),
        sha256,
        kind: IntakeKind::Intake,
    };
    intake.payload()
}

fn filing(
    by: By,
    id: IntakeId,
    payload: Vec<u8>,
    rows: Rows,
    idempotency: Option<idempotency::Key>,
) -> Filing {
    Filing { by, kind: Kind::Record, subject: ("intake", id.to_string()), payload, rows, idempotency }
}

/// The SHA-256 of a file that came.
///
/// # Errors
/// When it can't be read.
pub async fn sha256(path: &Path) -> Result<[u8; 32], Trouble> {
    portions::sha256(path.to_owned()).await
}
