//! The press: makes versions in the background.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    archive::{Archive, ArchiveError},
    making::{Keep, Made, Making, Told},
    wording,
};
use crate::{
    domain::{Tenant, report::ReportOutcome},
    ledger::{
        By, RecordError, Recorder,
        command::{Filing, Rows},
        rounds, tree,
    },
    lineage::{
        own::{self, Reported},
        record::{IS_KNOWN, NewEvent},
    },
    reports::{Adjustment, Basis, Definition, Period, ProduceError, Sheet, VersionKind, types},
    store::{
        Db, StoreError, institutions, logs,
        reports::{self, At, Outcome, Report, Version, adjustments, figures},
    },
    world::World,
};

/// Versions that are made at once; more wait.
const AT_ONCE: usize = 2;
/// Where trouble ends an attempt, pauses before the next ones.
const PAUSES_S: [u64; 4] = [1, 5, 30, 120];
/// A version on which nobody worked for so long has nobody who works on it.
const ABANDONED_US: i64 = 600 * 1_000_000;
/// How often that is looked for.
const SWEEP: Duration = Duration::from_secs(600);
/// Figures that are read at a time.
const FIGURES: i64 = 2_000;
/// Why an attempt writes nothing more.
const OVERTAKEN: &str = "another attempt has begun, or the version is made";
/// Why a version's end is not said twice.
const ENDED: &str = "the version is made";

/// Why a version could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PressError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger can't be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The archive failed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The document could not be written.
    #[error(transparent)]
    Produce(#[from] ProduceError),
    /// The stored tree is damaged.
    #[error(transparent)]
    Tree(#[from] tree::TreeError),
    /// What is stored makes no bundle.
    #[error(transparent)]
    Bundle(#[from] veritrail_audit::ReportBundleError),
    /// The disk failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// What is stored makes no report.
    #[error("what is stored is damaged: {0}")]
    Damaged(String),
}

impl PressError {
    pub(super) fn damaged(error: impl std::fmt::Display) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// Makes versions.
#[derive(Clone)]
pub struct ReportPress(Arc<Inner>);

struct Inner {
    db: Db,
    recorder: Recorder,
    world: Arc<dyn World>,
    archive: Archive,
    turns: Semaphore,
    running: Mutex<HashSet<(Tenant, At)>>,
    tasks: Mutex<JoinSet<()>>,
}

impl ReportPress {
    /// A press that puts what it makes into an archive.
    #[must_use]
    pub fn new(db: Db, recorder: Recorder, world: Arc<dyn World>, archive: Archive) -> Self {
        Self(Arc::new(Inner {
            db,
            recorder,
            world,
            archive,
            turns: Semaphore::new(AT_ONCE),
            running: Mutex::default(),
            tasks: Mutex::default(),
        }))
    }

    /// Where documents are kept.
    #[must_use]
    pub fn archive(&self) -> &Archive {
        &self.0.archive
    }

    /// Takes up what a stopped process left unfinished, and goes on looking for what others left.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn resume(&self) -> Result<(), StoreError> {
        self.take_up(0).await?;
        let press = self.clone();
        self.spawn(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                if let Err(error) = press.take_up(ABANDONED_US).await {
                    tracing::warn!(%error, "reports that nobody makes could not be looked for");
                }
            }
        });
        Ok(())
    }

    async fn take_up(&self, untouched_us: i64) -> Result<(), StoreError> {
        let since = self.0.world.now_us() - untouched_us;
        for portion in rounds::portions(&self.0.db).await? {
            let mut reader = self.0.db.read_many(&portion).await?;
            for (institution, at) in reports::unfinished(&mut reader, since).await? {
                self.start(Tenant::vouched(institution), at);
            }
        }
        Ok(())
    }

    /// Ends what is at work; the next start takes it up.
    pub async fn stop(&self) {
        let mut tasks = std::mem::take(&mut *lock(&self.0.tasks));
        tasks.shutdown().await;
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = lock(&self.0.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(work);
    }

    /// Makes a version in the background, and says on the ledger what became of it.
    pub fn start(&self, tenant: Tenant, at: At) {
        if !lock(&self.0.running).insert((tenant, at)) {
            return;
        }
        let running = Running { press: self.clone(), version: (tenant, at) };
        self.spawn(async move { running.press.work(tenant, at).await });
    }

    async fn work(&self, tenant: Tenant, at: At) {
        let mut pauses = PAUSES_S.into_iter();
        loop {
            // While it pauses, others have its turn.
            let Ok(turn) = self.0.turns.acquire().await else { return };
            let Err(error) = self.press(tenant, at).await else { return };
            drop(turn);
            let is_for_good =
                matches!(error, PressError::Produce(ProduceError::Figure(_)) | PressError::Damaged(_));
            match pauses.next().filter(|_| !is_for_good) {
                Some(pause_s) => {
                    tracing::warn!(%error, report = %at.report, n = at.n, "a report is made anew after a pause");
                    tokio::time::sleep(Duration::from_secs(pause_s)).await;
                }
                None if is_for_good => {
                    tracing::error!(%error, report = %at.report, n = at.n, "a report can't be made");
                    if let Err(error) = self.fail(tenant, at).await {
                        tracing::error!(%error, report = %at.report, "nor can that be said; the next start takes it up");
                    }
                    return;
                }
                None => {
                    tracing::error!(%error, report = %at.report, n = at.n, "a report is not made yet: it is taken up again later");
                    return;
                }
            }
        }
    }

    /// The report and the version, if there is still something to do.
    async fn unmade(&self, tenant: Tenant, at: At) -> Result<Option<(Report, Version)>, PressError> {
        let mut reader = self.0.db.read(tenant).await?;
        let report = reports::get(&mut reader, tenant, at.report).await?;
        let version = reports::version(&mut reader, tenant, at).await?;
        let both =
            report.zip(version).ok_or_else(|| PressError::Damaged("there is no such version".into()))?;
        Ok(Some(both).filter(|(_, version)| version.state == "producing"))
    }

    async fn press(&self, tenant: Tenant, at: At) -> Result<(), PressError> {
        let Some((report, version)) = self.unmade(tenant, at).await? else { return Ok(()) };
        let Some(attempt) = self.begin(tenant, at).await? else { return Ok(()) };
        let definition =
            types::of_name(&report.kind).ok_or_else(|| PressError::damaged("an unknown type"))?;
        let basis = self.basis(tenant, definition, &report, &version).await?;
        let adjustments = {
            let mut reader = self.0.db.read(tenant).await?;
            adjustments::approved(&mut reader, tenant, at.report, version.as_of).await?
        };
        let adjustments = adjustments.into_iter().map(|row| Adjustment {
            figure: row.figure,
            seq: row.decided_seq.unwrap_or(row.seq).unsigned_abs(),
            amount: row.amount,
        });
        let sheet = Sheet::new(tempfile::tempfile()?, adjustments.collect());
        let keep = Keeping { press: self, tenant, at, attempt };
        let making = Making::new(&self.0.db, tenant, definition, &basis, sheet, keep);
        let Made { document, errors, warnings } = match making.make().await {
            // Another attempt has begun: it is somebody else's now.
            Err(PressError::Record(RecordError::Conflict(OVERTAKEN))) => return Ok(()),
            made => made?,
        };
        let (sha256, length) = self.0.archive.put(tenant, document).await?;
        let figures = self.list(tenant, at).await?;
        if errors == 0 {
            self.tell_lineage(tenant, &basis, &report, &version, &sha256).await?;
        }
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let outcome = Outcome {
            state: if errors == 0 { "ready" } else { "refused" },
            document: Some((
                definition.media_type.to_owned(),
                sha256,
                i64::try_from(length).unwrap_or(i64::MAX),
            )),
            figures,
            found: (count(errors), count(warnings)),
        };
        self.conclude(tenant, (at, Some(attempt)), &report, &version, outcome).await
    }

    /// Takes the next attempt's number; none if the version is made.
    async fn begin(&self, tenant: Tenant, at: At) -> Result<Option<i64>, PressError> {
        let taken = Arc::new(Mutex::new(None));
        let number = Arc::clone(&taken);
        let rows: Rows = Box::new(move |connection, now| {
            Box::pin(async move {
                *lock(&number) = reports::begin(connection, now.tenant, at, now.at_us).await?;
                Ok(())
            })
        });
        self.0.recorder.store(tenant, rows).await?;
        let attempt = *lock(&taken);
        Ok(attempt)
    }

    /// What a version is made of besides records.
    ///
    /// # Errors
    /// When the database fails, or what it holds is damaged.
    pub async fn basis(
        &self,
        tenant: Tenant,
        definition: &Definition,
        report: &Report,
        version: &Version,
    ) -> Result<Basis, PressError> {
        let institution = institutions::get(&mut self.0.db.directory().await?, tenant.id()).await?;
        let institution = institution.ok_or_else(|| PressError::damaged("an unknown institution"))?;
        let (id, narrow) = (at(report, version).report, |n: i64| u32::try_from(n).unwrap_or_default());
        let mut earlier = BTreeMap::new();
        if let (true, Some(n)) = (definition.needs_earlier, version.supersedes) {
            let mut reader = self.0.db.read(tenant).await?;
            let (at, mut after) = (At { report: id, n }, -1);
            loop {
                let rows = figures::page(&mut reader, tenant, at, after, None, FIGURES).await?;
                let Some(last) = rows.last() else { break };
                after = last.position;
                earlier.extend(rows.into_iter().map(|row| (row.name, row.value)));
            }
        }
        Ok(Basis {
            institution: institution.name,
            report: id,
            number: narrow(version.n),
            kind: VersionKind::parse(&version.kind).ok_or_else(|| PressError::damaged("an unknown kind"))?,
            reason: version.reason.clone(),
            supersedes: version.supersedes.map(narrow),
            earlier,
            period: Period::parse(&report.period).map_err(PressError::damaged)?.0,
            parameters: serde_json::from_str(&report.parameters).map_err(PressError::damaged)?,
            as_of: version.as_of.unsigned_abs(),
            ordered_at: jiff::Timestamp::from_microsecond(version.created_at_us)
                .map_err(PressError::damaged)?,
        })
    }

    /// How many figures a version has, and the hash of their list.
    async fn list(&self, tenant: Tenant, at: At) -> Result<(i64, Option<[u8; 32]>), PressError> {
        let mut reader = self.0.db.read(tenant).await?;
        let (mut sha256, mut after, mut count) = (Sha256::new(), -1, 0);
        loop {
            let rows = figures::page(&mut reader, tenant, at, after, None, FIGURES).await?;
            let Some(last) = rows.last() else { break };
            after = last.position;
            for row in &rows {
                sha256.update(wording::line(row).map_err(PressError::damaged)?);
                count += 1;
            }
        }
        Ok((count, Some(sha256.finalize().into())))
    }

    async fn fail(&self, tenant: Tenant, at: At) -> Result<(), PressError> {
        let Some((report, version)) = self.unmade(tenant, at).await? else { return Ok(()) };
        let outcome = Outcome { state: "failed", document: None, figures: (0, None), found: (0, 0) };
        self.conclude(tenant, (at, None), &report, &version, outcome).await
    }

    async fn conclude(
        &self,
        tenant: Tenant,
        (at, attempt): (At, Option<i64>),
        report: &Report,
        version: &Version,
        outcome: Outcome,
    ) -> Result<(), PressError> {
        let document = outcome.document.as_ref();
        let payload = ReportOutcome {
            as_of: version.as_of.to_string(),
            bytes: document.map(|(_, _, bytes)| bytes.to_string()),
            errors: outcome.found.0.to_string(),
            figures: outcome.figures.0.to_string(),
            figures_sha256: outcome.figures.1.map(|hash| wording::hex(&hash)),
            kind: version.kind.clone(),
            media_type: document.map(|(media_type, _, _)| media_type.clone()),
            n: at.n.to_string(),
            period: report.period.clone(),
            reason: None,
            report: at.report,
            report_type: report.kind.clone(),
            sha256: document.map(|(_, sha256, _)| wording::hex(sha256)),
            state: outcome.state.to_owned(),
            warnings: outcome.found.1.to_string(),
        }
        .payload();
        let rows: Rows = Box::new(move |connection, now| {
            Box::pin(async move {
                match reports::finish(connection, now.tenant, (at, attempt), now.seq, outcome, now.at_us)
                    .await?
                {
                    0 => Err(RecordError::Conflict(ENDED)),
                    _ => Ok(()),
                }
            })
        });
        let filing = Filing {
            by: By::service(),
            kind: veritrail_audit::Kind::Record,
            subject: (super::order::SUBJECT, at.report.to_string()),
            payload,
            rows,
            idempotency: None,
        };
        match self.0.recorder.file(tenant, filing).await {
            Ok(_) | Err(RecordError::Conflict(ENDED)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Tells by lineage what a version was made of; once, however often it is told.
    async fn tell_lineage(
        &self,
        tenant: Tenant,
        basis: &Basis,
        report: &Report,
        version: &Version,
        sha256: &[u8; 32],
    ) -> Result<(), PressError> {
        let head = logs::head(&mut self.0.db.read(tenant).await?, tenant).await?;
        let head = head.ok_or_else(|| PressError::damaged("an unknown log"))?;
        let reported = Reported {
            origin: &head.origin,
            report_type: &report.kind,
            period: &report.period,
            report: &basis.report.to_string(),
            n: version.n,
            as_of: version.as_of,
            sha256: &wording::hex(sha256),
            run: basis.id(basis.number, "run"),
            at_us: version.created_at_us,
        };
        let told = NewEvent::of_ours(&own::reported(&reported)).map_err(PressError::damaged)?;
        let filing = told.filing(By::service()).map_err(PressError::damaged)?;
        match self.0.recorder.file(tenant, filing).await {
            Ok(_) | Err(RecordError::Conflict(IS_KNOWN)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn at(report: &Report, version: &Version) -> At {
    At::of(report.id, version.n)
}

/// That a version is in hand, until this is dropped.
struct Running {
    press: ReportPress,
    version: (Tenant, At),
}

impl Drop for Running {
    fn drop(&mut self) {
        lock(&self.press.0.running).remove(&self.version);
    }
}

/// Keeps what is told of a version.
struct Keeping<'a> {
    press: &'a ReportPress,
    tenant: Tenant,
    at: At,
    attempt: i64,
}

impl Keep for Keeping<'_> {
    async fn keep(&mut self, told: Told) -> Result<(), PressError> {
        let (at, attempt) = (self.at, self.attempt);
        let rows: Rows = Box::new(move |connection, now| {
            Box::pin(async move {
                let Told { figures, parts, remarks } = told;
                if !reports::touch(connection, now.tenant, at, attempt, now.at_us).await? {
                    return Err(RecordError::Conflict(OVERTAKEN));
                }
                Ok(figures::add(connection, now.tenant, at, &figures, &parts, &remarks).await?)
            })
        });
        Ok(self.press.0.recorder.store(self.tenant, rows).await?)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
