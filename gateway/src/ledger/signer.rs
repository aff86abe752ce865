//! The signer: a checkpoint for every log within a second of its growth, and never a fork.
//!
//! For each log that grew: prove that its tree extends the last one signed, remember the new head
//! durably ([`Memory`]), sign, and hand the note to the recorder. A log that doesn't extend what was
//! signed is stopped. The order matters: what was remembered may be unsigned, what was signed is
//! always remembered.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, watch},
    task::JoinHandle,
};
use veritrail_audit::{Checkpoint, Hash, verify_consistency};

use super::{
    command::RecordError,
    log::unavailable,
    memory::{Memory, SignedHead, Step},
    recall::{Checkpoints, recall},
    recorder::Recorder,
    rounds,
    tree::{self, TreeError},
};
use crate::{
    domain::Tenant,
    keys::CheckpointSigner,
    store::{Db, Reader, StoreError, checkpoints, logs},
};

/// How long growth may gather before it is signed.
const INTERVAL: Duration = Duration::from_millis(200);
/// How often other processes' growth is looked for.
const POLL: Duration = Duration::from_millis(800);

/// The signer.
pub struct Signer {
    db: Db,
    recorder: Recorder,
    memory: Arc<Memory>,
    key: Arc<dyn CheckpointSigner>,
    /// One signing at a time: it reads what it remembers, then remembers more.
    turn: Mutex<()>,
    /// The logs' names.
    origins: Mutex<HashMap<Tenant, String>>,
}

/// A head that may be signed.
struct Proven {
    tenant: Tenant,
    /// What was last signed, which it extends.
    from: Option<SignedHead>,
    checkpoint: Checkpoint,
}

impl Signer {
    /// A signer for the logs of one database.
    #[must_use]
    pub fn new(db: Db, recorder: Recorder, memory: Arc<Memory>, key: Arc<dyn CheckpointSigner>) -> Self {
        Self { db, recorder, memory, key, turn: Mutex::new(()), origins: Mutex::default() }
    }

    /// Signs what grows until `stop` changes; then once more, so that a graceful stop leaves no log
    /// unsigned.
    pub fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
        let mut commits = self.recorder.commits();
        tokio::spawn(async move {
            while !*stop.borrow() {
                tokio::select! {
                    _ = commits.changed() => tokio::time::sleep(INTERVAL).await,
                    () = tokio::time::sleep(POLL) => {}
                    _ = stop.changed() => {}
                }
                self.sign_grown().await;
            }
            self.sign_grown().await;
        })
    }

    /// Signs every log that grew. Failures are logged: the next round tries again.
    pub async fn sign_grown(&self) {
        let grown = async {
            let mut grown = Vec::new();
            for portion in rounds::portions(&self.db).await? {
                grown.extend(logs::unsigned(&mut self.db.read_many(&portion).await?).await?);
            }
            Ok::<_, StoreError>(grown)
        };
        let result = match grown.await {
            Ok(ids) => self.sign(ids.into_iter().map(Tenant::vouched).collect()).await,
            Err(error) => Err(unavailable(error)),
        };
        if let Err(error) = result {
            tracing::error!(%error, "signing failed");
        }
    }

    /// A checkpoint that covers `size` entries: the newest, or one signed now.
    ///
    /// # Errors
    /// When the log is stopped or can't be read or signed.
    pub async fn cover(&self, tenant: Tenant, size: u64) -> Result<(u64, String), RecordError> {
        for signed_now in [false, true] {
            let mut reader = self.db.read(tenant).await.map_err(unavailable)?;
            let latest = checkpoints::latest(&mut reader, tenant).await.map_err(unavailable)?;
            if let Some((covered, note)) = latest
                && covered.unsigned_abs() >= size
            {
                return Ok((covered.unsigned_abs(), note));
            }
            drop(reader);
            if !signed_now {
                self.sign(vec![tenant]).await?;
            }
        }
        match self.recorder.stops().reason(tenant) {
            Some(reason) => Err(RecordError::Stopped(reason)),
            None => Err(unavailable("the log has no checkpoint of that size")),
        }
    }

    async fn sign(&self, tenants: Vec<Tenant>) -> Result<(), RecordError> {
        if tenants.is_empty() {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        let mut proven = Vec::new();
        for tenant in tenants {
            proven.extend(self.prove(tenant).await?);
        }
        let step = |Proven { from, checkpoint, .. }: &Proven| Step {
            origin: checkpoint.origin.clone(),
            from: *from,
            to: SignedHead { size: checkpoint.size, root: checkpoint.root },
        };
        let steps = proven.iter().map(step).collect();
        let held = self.memory.remember(steps).await.map_err(unavailable)?;
        let stored =
            proven.into_iter().zip(held).map(|(Proven { tenant, checkpoint, .. }, held)| async move {
                if held != Some(SignedHead { size: checkpoint.size, root: checkpoint.root }) {
                    // Another replica signed meanwhile: the next round proves against what it signed.
                    return Ok(());
                }
                let note = self.key.sign(&checkpoint).map_err(unavailable)?;
                self.recorder.checkpoint(tenant, checkpoint.size, note).await
            });
        // Together, so that many logs share a commit.
        futures_util::future::join_all(stored).await.into_iter().collect()
    }

    /// A log's name, which never changes.
    async fn origin(&self, tenant: Tenant) -> Result<String, RecordError> {
        let mut origins = self.origins.lock().await;
        if let Some(origin) = origins.get(&tenant) {
            return Ok(origin.clone());
        }
        let mut reader = self.db.read(tenant).await.map_err(unavailable)?;
        let head = logs::head(&mut reader, tenant).await.map_err(unavailable)?;
        let origin = head.ok_or(RecordError::Missing("institution"))?.origin;
        origins.insert(tenant, origin.clone());
        Ok(origin)
    }

    /// The log's head, if it extends what was last signed; otherwise the log is stopped.
    async fn prove(&self, tenant: Tenant) -> Result<Option<Proven>, RecordError> {
        let origin = self.origin(tenant).await?;
        if self.recorder.stops().reason(tenant).is_some() {
            return Ok(None);
        }
        let recalled = match recall(&self.memory, tenant, &origin, Checkpoints::Of(&self.db)).await {
            Err(RecordError::Stopped(reason)) => {
                self.recorder.stops().stop(tenant, &origin, &reason);
                return Ok(None);
            }
            recalled => recalled?,
        };
        let mut reader = self.db.read(tenant).await.map_err(unavailable)?;
        let head = logs::head(&mut reader, tenant).await.map_err(unavailable)?;
        let head = head.ok_or(RecordError::Missing("institution"))?;
        let size = head.size.unsigned_abs();
        let root = Hash(head.root.as_slice().try_into().map_err(|_| unavailable("a head without a root"))?);
        if let Some(last) = recalled.last
            && let Some(reason) = fork(&mut reader, tenant, last, size, root).await?
        {
            self.recorder.stops().stop(tenant, &head.origin, &reason);
            return Ok(None);
        }
        if recalled.covered >= size {
            // Another replica was quicker.
            return Ok(None);
        }
        let checkpoint = Checkpoint { origin: head.origin, size, root };
        Ok(Some(Proven { tenant, from: recalled.last, checkpoint }))
    }
}

/// Why a log's head may not be signed, if it may not.
async fn fork(
    reader: &mut Reader,
    tenant: Tenant,
    last: SignedHead,
    size: u64,
    root: Hash,
) -> Result<Option<String>, RecordError> {
    if size < last.size {
        return Ok(Some(format!("{} entries were signed, the database has {size}", last.size)));
    }
    let path = match tree::consistency(reader, tenant, last.size, size).await {
        Ok(path) => path,
        // The next round asks again; a database that fails is no fork.
        Err(TreeError::Store(error)) => return Err(unavailable(error)),
        Err(TreeError::Damaged(what)) => return Ok(Some(what)),
    };
    let extends = verify_consistency(last.size, size, &last.root, &root, &path).is_ok();
    Ok((!extends).then(|| format!("the first {} entries are not those that were signed", last.size)))
}
