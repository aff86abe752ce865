//! Exports: written in the background, part by part, with flat memory.
//!
//! A part is in the database once its file is whole, with the range of seqs that it covers and its hash.
//! So a process that starts goes on where a stopped one ended, and any process can write a part again, to
//! the byte: its own files are only what it need not write again.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    order::{Compression, Form, Format},
    pipe::{self, PipeError, Target, Written},
    source::{Range, ReadFilter, Selection, Source},
    stock::Stock,
};
use crate::{
    domain::{ExportId, Tenant},
    ledger::{By, RecordError, Recorder, command::Rows, rounds},
    lineage::{
        own::{self, Exported},
        record::{IS_KNOWN, NewEvent},
    },
    store::{
        Db, StoreError,
        exports::{self, Export, Part},
        logs,
    },
    world::{World, random},
};

/// Exports written at once; more wait.
const AT_ONCE: usize = 2;
/// Results written at once for answers that are waited for.
const STREAMS: usize = 4;
/// How long an answer waits for its turn.
const TURN: Duration = Duration::from_secs(30);
/// Rows between two notes of how far it got.
const PROGRESS_ROWS: i64 = 50_000;
/// Where trouble ends an attempt, pauses before the next ones.
const PAUSES_S: [u64; 4] = [1, 5, 30, 120];
/// An export that made no progress for so long has nobody who works on it.
const ABANDONED_US: i64 = 600 * 1_000_000;
/// How often that is looked for, and files whose time is over.
const SWEEP: Duration = Duration::from_secs(600);

/// What is configured.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Rows of one part at most.
    pub part_rows_max: i64,
    /// Rows of a result that is answered at once.
    pub direct_rows_max: i64,
    /// How long files are kept, in microseconds.
    pub keep_us: i64,
}

/// Writes exports.
#[derive(Clone)]
pub struct ExportPress(Arc<Inner>);

struct Inner {
    db: Db,
    recorder: Recorder,
    world: Arc<dyn World>,
    stock: Stock,
    settings: Settings,
    read: ReadFilter,
    turns: Semaphore,
    streams: Semaphore,
    /// One part at a time is written again.
    again: tokio::sync::Mutex<()>,
    running: Mutex<HashSet<ExportId>>,
    /// Parts whose files were found to be whole since this process started.
    checked: Mutex<HashSet<(ExportId, i64)>>,
    tasks: Mutex<JoinSet<()>>,
}

/// Why an export could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be noted how far it got.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The disk failed, or a record is damaged.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Too many results are being written.
    #[error("too many results are being written")]
    Busy,
    /// The result is larger than one answer may be.
    #[error("more than {0} rows")]
    TooLarge(i64),
    /// Something else, in words.
    #[error("{0}")]
    Other(String),
}

impl From<PipeError> for ExportError {
    fn from(error: PipeError) -> Self {
        match error {
            PipeError::Store(error) => error.into(),
            PipeError::Io(error) => error.into(),
        }
    }
}

/// The form of a stored export.
///
/// # Errors
/// When the words stand for none.
pub fn form(export: &Export) -> Result<Form, ExportError> {
    let form = Format::parse(&export.format).zip(Compression::parse(&export.compression));
    let (format, compression) = form.ok_or_else(|| ExportError::Other("a form that is not known".into()))?;
    Ok(Form { format, compression })
}

impl ExportPress {
    /// A press that writes into a folder.
    ///
    /// # Errors
    /// When the folder can't be used.
    pub fn new(
        db: Db,
        recorder: Recorder,
        world: Arc<dyn World>,
        folder: PathBuf,
        settings: Settings,
        read: ReadFilter,
    ) -> std::io::Result<Self> {
        Ok(Self(Arc::new(Inner {
            db,
            recorder,
            world,
            stock: Stock::open(folder)?,
            settings,
            read,
            turns: Semaphore::new(AT_ONCE),
            streams: Semaphore::new(STREAMS),
            again: tokio::sync::Mutex::new(()),
            running: Mutex::default(),
            checked: Mutex::default(),
            tasks: Mutex::default(),
        })))
    }

    /// Rows of one part at most.
    #[must_use]
    pub fn part_rows_max(&self) -> i64 {
        self.0.settings.part_rows_max
    }

    /// Takes up what a stopped process left unfinished, and goes on looking after what is there.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn resume(&self) -> Result<(), StoreError> {
        self.take_up(0).await?;
        let press = self.clone();
        self.spawn(async move {
            loop {
                if let Err(error) = press.sweep().await {
                    tracing::warn!(%error, "expired exports could not be swept");
                }
                tokio::time::sleep(SWEEP).await;
                if let Err(error) = press.take_up(ABANDONED_US).await {
                    tracing::warn!(%error, "abandoned exports could not be looked for");
                }
            }
        });
        Ok(())
    }

    /// Starts the exports that made no progress for so long.
    async fn take_up(&self, untouched_us: i64) -> Result<(), StoreError> {
        let since = self.0.world.now_us() - untouched_us;
        for portion in rounds::portions(&self.0.db).await? {
            let mut reader = self.0.db.read_many(&portion).await?;
            for (institution, id) in exports::unfinished(&mut reader, since).await? {
                self.start(Tenant::vouched(institution), id);
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

    /// Writes an export in the background and says in the database how it ended.
    pub fn start(&self, tenant: Tenant, id: ExportId) {
        if !lock(&self.0.running).insert(id) {
            return;
        }
        let press = self.clone();
        self.spawn(async move {
            if let Ok(_turn) = press.0.turns.acquire().await {
                press.work(tenant, id).await;
            }
            lock(&press.0.running).remove(&id);
        });
    }

    async fn work(&self, tenant: Tenant, id: ExportId) {
        let mut pauses = PAUSES_S.into_iter();
        while let Err(error) = self.prepare(tenant, id).await {
            let Some(pause_s) = pauses.next() else {
                tracing::error!(%error, export = %id, "an export could not be written");
                if let Err(error) = self.finish(tenant, id, None).await {
                    tracing::error!(%error, export = %id, "nor that be stored; the next start takes it up");
                }
                return;
            };
            tracing::warn!(%error, export = %id, "an export is interrupted and will be gone on with");
            tokio::time::sleep(Duration::from_secs(pause_s)).await;
        }
    }

    /// Writes the parts that are missing.
    async fn prepare(&self, tenant: Tenant, id: ExportId) -> Result<(), ExportError> {
        let (export, parts) = {
            let mut reader = self.0.db.read(tenant).await?;
            let export = exports::get(&mut reader, tenant, id).await?;
            (export, exports::parts(&mut reader, tenant, id).await?)
        };
        let export = export.ok_or_else(|| ExportError::Other("there is no such export".into()))?;
        if export.state != "preparing" {
            return Ok(());
        }
        let mut rows: i64 = parts.iter().map(|part| part.rows_in).sum();
        let (mut n, mut after) = parts.last().map_or((0, -1), |part| (part.n, part.last_seq));
        let mut more = parts.last().is_none_or(|part| part.rows_in >= export.part_rows);
        while more {
            n += 1;
            let (written, path) = self
                .write(
                    tenant,
                    &export,
                    n,
                    Range { after, last: export.as_of, as_of: export.as_of },
                    export.part_rows,
                    self.notes(tenant, id, rows),
                )
                .await?;
            if written.rows == 0 && n > 1 {
                std::fs::remove_file(path)?;
                break;
            }
            self.0.stock.put(&path, &self.0.stock.part(tenant, id, n, form(&export)?))?;
            lock(&self.0.checked).insert((id, n));
            let last_seq = written.last_seq.unwrap_or(after);
            let part = Part {
                n,
                after_seq: after,
                last_seq,
                rows_in: written.rows,
                bytes: i64::try_from(written.bytes).unwrap_or(i64::MAX),
                sha256: written.sha256.to_vec(),
            };
            (rows, after, more) = (rows + written.rows, last_seq, written.is_full);
            self.add(tenant, id, part, rows).await?;
        }
        self.tell_lineage(tenant, &export).await?;
        self.finish(tenant, id, Some(self.0.world.now_us() + self.0.settings.keep_us)).await?;
        Ok(())
    }

    /// Tells what an export was made from, before it is ready; once, however often it is told.
    async fn tell_lineage(&self, tenant: Tenant, export: &Export) -> Result<(), ExportError> {
        let id = ExportId::from_uuid(export.id);
        let mut reader = self.0.db.read(tenant).await?;
        let parts = exports::parts(&mut reader, tenant, id).await?;
        let Some(head) = logs::head(&mut reader, tenant).await? else { return Ok(()) };
        drop(reader);
        let hex = |part: &Part| part.sha256.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let sha256s: Vec<String> = parts.iter().map(hex).collect();
        let event = own::exported(&Exported {
            origin: &head.origin,
            export: &id.to_string(),
            of: &export.what,
            as_of: export.as_of,
            sha256s: &sha256s,
            at_us: export.created_at_us,
        });
        let told = NewEvent::of_ours(&event);
        let filing = told.and_then(|told| told.filing(By::service()).map_err(|e| e.to_string()));
        match self.0.recorder.file(tenant, filing.map_err(ExportError::Other)?).await {
            Ok(_) | Err(RecordError::Conflict(IS_KNOWN)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the rows of a range into a file on its way.
    async fn write(
        &self,
        tenant: Tenant,
        export: &Export,
        n: i64,
        range: Range,
        rows_max: i64,
        progress: impl FnMut(i64),
    ) -> Result<(Written, PathBuf), ExportError> {
        let selection: Selection =
            serde_json::from_str(&export.selection).map_err(|e| ExportError::Other(e.to_string()))?;
        let name = format!("{}-{n}-{}", ExportId::from_uuid(export.id), self.unique());
        let (file, path) = self.0.stock.begin(&name)?;
        let target =
            Target { of: selection.of(), form: form(export)?, file, scratch: self.0.stock.scratch() };
        let source = self.source(tenant, selection, range)?;
        match pipe::write(source, target, rows_max, progress).await {
            Ok(written) => Ok((written, path)),
            Err(error) => {
                let _ = std::fs::remove_file(path);
                Err(error.into())
            }
        }
    }

    fn source(&self, tenant: Tenant, selection: Selection, range: Range) -> Result<Source, ExportError> {
        Source::new(self.0.db.clone(), tenant, selection, self.0.read, range).map_err(ExportError::Other)
    }

    fn unique(&self) -> String {
        format!("{:016x}", u64::from_be_bytes(random(&*self.0.world)))
    }

    /// Notes now and then how many rows are written, of a part that comes after `before` rows.
    fn notes(&self, tenant: Tenant, id: ExportId, before: i64) -> impl FnMut(i64) + use<> {
        let (recorder, mut next) = (self.0.recorder.clone(), PROGRESS_ROWS);
        move |done| {
            if done < next {
                return;
            }
            next = done + PROGRESS_ROWS;
            let rows = before + done;
            let noted: Rows = Box::new(move |connection, at| {
                Box::pin(async move { Ok(exports::progress(connection, tenant, id, rows, at.at_us).await?) })
            });
            let recorder = recorder.clone();
            tokio::spawn(async move {
                if let Err(error) = recorder.store(tenant, noted).await {
                    tracing::warn!(%error, export = %id, "an export's progress is not stored");
                }
            });
        }
    }

    async fn add(&self, tenant: Tenant, id: ExportId, part: Part, rows: i64) -> Result<(), RecordError> {
        let added: Rows = Box::new(move |connection, at| {
            Box::pin(async move {
                exports::add_part(connection, tenant, id, part).await?;
                Ok(exports::progress(connection, tenant, id, rows, at.at_us).await?)
            })
        });
        self.0.recorder.store(tenant, added).await
    }

    async fn finish(
        &self,
        tenant: Tenant,
        id: ExportId,
        expires_at_us: Option<i64>,
    ) -> Result<(), RecordError> {
        let finished: Rows = Box::new(move |connection, at| {
            Box::pin(
                async move { Ok(exports::finish(connection, tenant, id, expires_at_us, at.at_us).await?) },
            )
        });
        self.0.recorder.store(tenant, finished).await
    }

    /// The file of a part: as it was written here, or written again where another process did, or where
    /// it is damaged.
    ///
    /// # Errors
    /// When it can't be written, or is not what it was.
    pub async fn file(&self, tenant: Tenant, export: &Export, part: &Part) -> Result<PathBuf, ExportError> {
        let (id, n) = (ExportId::from_uuid(export.id), part.n);
        let path = self.0.stock.part(tenant, id, n, form(export)?);
        let is_there = || lock(&self.0.checked).contains(&(id, n)) && path.exists();
        if is_there() {
            return Ok(path);
        }
        let _turn = self.0.again.lock().await;
        if is_there() {
            return Ok(path);
        }
        let looked = path.clone();
        let found = tokio::task::spawn_blocking(move || pipe::digest_of(&looked));
        let found = found.await.map_err(std::io::Error::other)??;
        if found.is_none_or(|(_, sha256)| sha256[..] != part.sha256[..]) {
            let range = Range { after: part.after_seq, last: part.last_seq, as_of: export.as_of };
            let (written, fresh) = self.write(tenant, export, n, range, i64::MAX, |_| {}).await?;
            if written.sha256[..] != part.sha256[..] {
                std::fs::remove_file(fresh)?;
                return Err(ExportError::Other("a part made again is not what it was".into()));
            }
            self.0.stock.put(&fresh, &path)?;
        }
        lock(&self.0.checked).insert((id, n));
        Ok(path)
    }

    /// Writes a whole result for one answer, into a file that has no name and goes with it.
    ///
    /// # Errors
    /// When it is too large, it is nobody's turn, or database or disk fail.
    pub async fn spool(
        &self,
        tenant: Tenant,
        selection: Selection,
        as_of: i64,
        format: Format,
    ) -> Result<Written, ExportError> {
        let turn = tokio::time::timeout(TURN, self.0.streams.acquire()).await;
        let _turn = turn.map_err(|_| ExportError::Busy)?.map_err(|e| ExportError::Other(e.to_string()))?;
        let (file, path) = self.0.stock.begin(&self.unique())?;
        std::fs::remove_file(path)?;
        let (of, form) = (selection.of(), Form::plain(format));
        let target = Target { of, form, file, scratch: self.0.stock.scratch() };
        let most = self.0.settings.direct_rows_max;
        let range = Range { after: -1, last: as_of, as_of };
        let source = self.source(tenant, selection, range)?;
        let written = pipe::write(source, target, most + 1, |_| {}).await?;
        if written.rows > most { Err(ExportError::TooLarge(most)) } else { Ok(written) }
    }

    /// Takes away files whose time is over.
    async fn sweep(&self) -> Result<(), ExportError> {
        for (institution, id) in self.0.stock.list()? {
            let tenant = Tenant::vouched(institution);
            let export = exports::get(&mut self.0.db.read(tenant).await?, tenant, id).await?;
            let now = self.0.world.now_us();
            let is_kept = export.is_some_and(|export| {
                export.state == "preparing" || export.expires_at_us.is_some_and(|until| now < until)
            });
            if !is_kept {
                self.0.stock.remove(tenant, id)?;
                lock(&self.0.checked).retain(|(known, _)| *known != id);
            }
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
