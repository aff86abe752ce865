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
    ledger::{RecordError, Recorder, Signer, rounds, tree},
    store::{self, Db, Reader, checkpoints, entries, payloads},
};

/// Bundles written at once; more wait.
const AT_ONCE: usize = 2;
/// Rows that are read at a time.
const ROWS: i64 = 2_000;
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
enum PressError {
    #[error(transparent)]
    Store(#[from] store::StoreError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Tree(#[from] tree::TreeError),
    #[error(transparent)]
    Bundle(#[from] veritrail_audit::BundleError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
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

    /// A bundle's file.
    #[must_use]
    pub fn path(&self, tenant: Tenant, id: BundleId) -> PathBuf {
        self.folder.join(tenant.id().to_string()).join(format!("{id}.zip"))
    }

    /// Takes up what a stopped process left unfinished.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn resume(&self) -> Result<(), store::StoreError> {
        for portion in rounds::portions(&self.db).await? {
            let mut reader = self.db.read_many(&portion).await?;
            for (institution, id) in store::bundles::unfinished(&mut reader).await? {
                let tenant = Tenant::vouched(InstitutionId::from_uuid(institution));
                let id = BundleId::from_uuid(id);
                if let Some(row) = store::bundles::get(&mut reader, tenant, id).await? {
                    self.start(tenant, id, row.from_seq.unsigned_abs(), row.to_seq.unsigned_abs());
                }
            }
        }
        Ok(())
    }

    /// Writes a bundle in the background and says in the database how it ended.
    pub fn start(&self, tenant: Tenant, id: BundleId, from: u64, to: u64) {
        let press = self.clone();
        tokio::spawn(async move {
            let Ok(_turn) = press.turns.clone().acquire_owned().await else { return };
            let file = match press.write(tenant, id, from, to).await {
                Ok(file) => Some(file),
                Err(error) => {
                    tracing::error!(%error, bundle = %id, "an evidence bundle could not be written");
                    None
                }
            };
            for pause_s in [1, 5, 30, 120] {
                match press.recorder.finish(tenant, id, file).await {
                    Ok(()) => return,
                    Err(error) => tracing::warn!(%error, bundle = %id, "a bundle's end is not stored yet"),
                }
                tokio::time::sleep(Duration::from_secs(pause_s)).await;
            }
            tracing::error!(bundle = %id, "a bundle's end could not be stored; the next start takes it up");
        });
    }

    async fn write(
        &self,
        tenant: Tenant,
        id: BundleId,
        from: u64,
        to: u64,
    ) -> Result<(i64, [u8; 32]), PressError> {
        let (size, checkpoint) = self.signer.cover(tenant, to).await?;
        let path = self.path(tenant, id);
        let beside = path.with_extension("part");
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut reader = self.db.read(tenant).await?;
        let proof = self.proof(&mut reader, tenant, from, to, size, checkpoint).await?;
        let origin = origin_of(&proof.checkpoint)?;
        let out = BufWriter::new(File::create(&beside)?);
        let mut writer = BundleWriter::new(out, &origin, from, to)?;
        let (mut next, end) = (signed(from), signed(to));
        while next < end {
            let rows = entries::range(&mut reader, tenant, next, end, ROWS).await?;
            next = rows.last().map_or(end, |row| row.seq + 1);
            for row in &rows {
                writer.entry(&row.bytes)?;
            }
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
        }
        let out = writer.finish(&proof)?.into_inner().map_err(|e| PressError::Other(e.to_string()))?;
        drop(reader);
        tokio::task::spawn_blocking(move || publish(&out, &beside, &path))
            .await
            .map_err(|e| PressError::Other(e.to_string()))?
    }

    async fn proof(
        &self,
        reader: &mut Reader,
        tenant: Tenant,
        from: u64,
        to: u64,
        size: u64,
        checkpoint: String,
    ) -> Result<BundleProof, PressError> {
        let (left, right) = range_spans(from, to, size);
        let origin = origin_of(&checkpoint)?;
        // Those before the bundle's own.
        let last = signed(to.min(size - 1));
        let earlier = checkpoints::between(reader, tenant, signed(from), last, EARLIER_MAX).await?;
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
