//! Evidence bundles: written in the background, with flat memory, from what the ledger holds.
//!
//! A file appears under its name only when it is whole: it is written beside it, synced and moved.

use std::{
    fs::File,
    io::{BufWriter, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use veritrail_audit::{BundleProof, BundleWriter, range_spans};

use crate::{
    domain::{BundleId, InstitutionId, Tenant},
    keys::CheckpointSigner,
    ledger::{RecordError, Recorder, Signer, command::Rows, rounds, tree},
    store::{
        self, Db, Reader,
        bundles::{self, Bundle, Pressed},
        checkpoints, entries, payloads,
    },
};

/// Bundles written at once; more wait.
const AT_ONCE: usize = 2;
/// Rows that are read at a time.
const ROWS: i64 = 2_000;
/// After so many entries or payloads it is noted how far a bundle got.
const NOTED_ROWS: i64 = 20_000;
/// Earlier checkpoints in a bundle: they narrow down where a rewritten log was rewritten.
const EARLIER_MAX: i64 = 1_000;

/// Writes bundles.
#[derive(Clone)]
pub struct BundlePress {
    db: Db,
    recorder: Recorder,
    signer: Arc<Signer>,
    key: Arc<dyn CheckpointSigner>,
    folder: PathBuf,
    turns: Arc<Semaphore>,
}

/// Why a bundle could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PressError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// The log is stopped, or can't be signed.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The stored tree is damaged.
    #[error(transparent)]
    Tree(#[from] tree::TreeError),
    /// What is stored makes no bundle.
    #[error(transparent)]
    Bundle(#[from] veritrail_audit::BundleError),
    /// The disk failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Something else, in words.
    #[error("{0}")]
    Other(String),
}

impl BundlePress {
    /// A press that writes into a folder.
    #[must_use]
    pub fn new(
        db: Db,
        recorder: Recorder,
        signer: Arc<Signer>,
        key: Arc<dyn CheckpointSigner>,
        folder: PathBuf,
    ) -> Self {
        Self { db, recorder, signer, key, folder, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    fn path(&self, tenant: Tenant, id: BundleId) -> PathBuf {
        self.folder.join(tenant.id().to_string()).join(format!("{id}.zip"))
    }

    /// Takes up what a stopped process left unfinished.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn resume(&self) -> Result<(), store::StoreError> {
        for portion in rounds::portions(&self.db).await? {
            let mut reader = self.db.read_many(&portion).await?;
            for (institution, id) in bundles::unfinished(&mut reader).await? {
                self.start(Tenant::vouched(InstitutionId::from_uuid(institution)), BundleId::from_uuid(id));
            }
        }
        Ok(())
    }

    /// Writes a bundle in the background and says in the database how it ended.
    pub fn start(&self, tenant: Tenant, id: BundleId) {
        let press = self.clone();
        tokio::spawn(async move {
            let Ok(_turn) = press.turns.clone().acquire_owned().await else { return };
            let file = match press.press(tenant, id).await {
                Ok(file) => Some(file),
                Err(error) => {
                    tracing::error!(%error, bundle = %id, "an evidence bundle could not be written");
                    None
                }
            };
            for pause_s in [1, 5, 30, 120] {
                let rows: Rows = Box::new(move |connection, at| {
                    Box::pin(
                        async move { Ok(bundles::finish(connection, tenant, id, file, at.at_us).await?) },
                    )
                });
                match press.recorder.store(tenant, rows).await {
                    Ok(()) => return,
                    Err(error) => tracing::warn!(%error, bundle = %id, "a bundle's end is not stored yet"),
                }
                tokio::time::sleep(Duration::from_secs(pause_s)).await;
            }
            tracing::error!(bundle = %id, "a bundle's end could not be stored; the next start takes it up");
        });
    }

    /// The file of a bundle that is ready: as it was written here, or made again, to the byte, where
    /// another process wrote it.
    ///
    /// # Errors
    /// When it can't be written, or is not what it was.
    pub async fn file(&self, tenant: Tenant, bundle: &Bundle) -> Result<PathBuf, PressError> {
        let id = BundleId::from_uuid(bundle.id);
        let path = self.path(tenant, id);
        if path.exists() {
            return Ok(path);
        }
        let _turn = self.turns.acquire().await.map_err(|e| PressError::Other(e.to_string()))?;
        if path.exists() {
            return Ok(path);
        }
        let size = bundle.checkpoint_size.unwrap_or_default();
        let checkpoint = checkpoints::of_size(&mut self.db.read(tenant).await?, tenant, size).await?;
        let checkpoint = checkpoint.ok_or_else(|| PressError::Other("its checkpoint is missing".into()))?;
        let file = self.write(tenant, bundle, size.unsigned_abs(), checkpoint).await?;
        if bundle.sha256.as_deref() != Some(file.sha256.as_slice()) {
            std::fs::remove_file(&path)?;
            return Err(PressError::Other("the bundle made again is not the one that was made first".into()));
        }
        Ok(path)
    }

    async fn press(&self, tenant: Tenant, id: BundleId) -> Result<Pressed, PressError> {
        let bundle = bundles::get(&mut self.db.read(tenant).await?, tenant, id).await?;
        let bundle = bundle.ok_or_else(|| PressError::Other("there is no such bundle".into()))?;
        let (size, checkpoint) = self.signer.cover(tenant, bundle.to_seq.unsigned_abs()).await?;
        self.write(tenant, &bundle, size, checkpoint).await
    }

    async fn write(
        &self,
        tenant: Tenant,
        bundle: &Bundle,
        size: u64,
        checkpoint: String,
    ) -> Result<Pressed, PressError> {
        let (from, to) = (bundle.from_seq.unsigned_abs(), bundle.to_seq.unsigned_abs());
        let id = BundleId::from_uuid(bundle.id);
        let path = self.path(tenant, id);
        let beside = path.with_extension("part");
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut reader = self.db.read(tenant).await?;
        let proof = self.proof(&mut reader, tenant, bundle, size, checkpoint).await?;
        let origin = origin_of(&proof.checkpoint)?;
        let out = BufWriter::new(File::create(&beside)?);
        let mut writer = BundleWriter::new(out, &origin, from, to)?;
        let mut written = self.notes(tenant, id);
        let (mut next, end) = (signed(from), signed(to));
        while next < end {
            let rows = entries::range(&mut reader, tenant, next, end, ROWS).await?;
            next = rows.last().map_or(end, |row| row.seq + 1);
            for row in &rows {
                writer.entry(&row.bytes)?;
            }
            written(rows.len());
        }
        let mut next = signed(from);
        while next < end {
            let rows = payloads::range(&mut reader, tenant, next, end, ROWS).await?;
            next = rows.last().map_or(end, |row| row.seq + 1);
            for row in &rows {
                let salt =
                    row.salt.as_slice().try_into().map_err(|_| PressError::Other("a short salt".into()))?;
                writer.payload(row.seq.unsigned_abs(), &salt, &row.payload)?;
            }
            written(rows.len());
        }
        let out = writer.finish(&proof)?.into_inner().map_err(|e| PressError::Other(e.to_string()))?;
        drop(reader);
        let (bytes, sha256) = tokio::task::spawn_blocking(move || publish(&out, &beside, &path))
            .await
            .map_err(|e| PressError::Other(e.to_string()))??;
        Ok(Pressed { bytes, sha256, checkpoint_size: signed(size) })
    }

    /// Notes now and then how many entries and payloads are written.
    fn notes(&self, tenant: Tenant, id: BundleId) -> impl FnMut(usize) + use<> {
        let (recorder, mut written, mut next) = (self.recorder.clone(), 0_i64, NOTED_ROWS);
        move |more| {
            written += more as i64;
            if written < next {
                return;
            }
            next = written + NOTED_ROWS;
            let noted: Rows = Box::new(move |connection, _| {
                Box::pin(async move { Ok(bundles::progress(connection, tenant, id, written).await?) })
            });
            let recorder = recorder.clone();
            tokio::spawn(async move {
                if let Err(error) = recorder.store(tenant, noted).await {
                    tracing::warn!(%error, bundle = %id, "a bundle's progress is not stored");
                }
            });
        }
    }

    async fn proof(
        &self,
        reader: &mut Reader,
        tenant: Tenant,
        bundle: &Bundle,
        size: u64,
        checkpoint: String,
    ) -> Result<BundleProof, PressError> {
        let (from, to) = (bundle.from_seq.unsigned_abs(), bundle.to_seq.unsigned_abs());
        let (left, right) = range_spans(from, to, size);
        let origin = origin_of(&checkpoint)?;
        // Those before the bundle's own, and of before it was asked for: another time they are the same.
        let range = (bundle.from_seq, signed(to.min(size - 1)));
        let earlier = checkpoints::between(reader, tenant, range, bundle.created_at_us, EARLIER_MAX).await?;
        Ok(BundleProof {
            left: tree::span_roots(reader, tenant, size, &left).await?,
            right: tree::span_roots(reader, tenant, size, &right).await?,
            vkeys: vec![self.key.vkey(&origin)],
            checkpoint,
            earlier,
        })
    }
}

/// Syncs a whole file, hashes it, and gives it its name.
fn publish(file: &File, beside: &Path, path: &Path) -> Result<(i64, [u8; 32]), PressError> {
    file.sync_all()?;
    let mut hasher = Sha256::new();
    let mut rest = File::open(beside)?;
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0_i64;
    loop {
        let read = rest.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        bytes += read as i64;
    }
    std::fs::rename(beside, path)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok((bytes, hasher.finalize().into()))
}

fn origin_of(checkpoint: &str) -> Result<String, PressError> {
    let first = checkpoint.lines().next();
    first.map(ToOwned::to_owned).ok_or_else(|| PressError::Other("an empty checkpoint".to_owned()))
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
