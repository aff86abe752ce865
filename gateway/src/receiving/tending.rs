//! What is looked after when nobody calls: work that a stop broke off, uploads that nobody goes on with, files
//! that belong to nothing.

use std::time::{Duration, UNIX_EPOCH};

use super::{Receiver, Trouble, hold::LAPSES_US, portions, refused};
use crate::{
    domain::{IntakeId, Tenant},
    ledger::{By, rounds},
    store::intakes,
};

/// How often.
const TEND: Duration = Duration::from_secs(600);

impl Receiver {
    /// Takes up what a stopped process left unfinished, and now and then gives up what nobody goes on with.
    pub async fn tend(self) {
        loop {
            if let Err(error) = self.round().await {
                tracing::warn!(%error, "intakes could not be looked through");
            }
            tokio::time::sleep(TEND).await;
        }
    }

    async fn round(&self) -> Result<(), Trouble> {
        let mut failed = None;
        for portion in rounds::portions(&self.db).await? {
            let mut reader = self.db.read_many(&portion).await?;
            let unfinished = intakes::unfinished(&mut reader).await?;
            drop(reader);
            for (institution, id) in unfinished {
                let Some(tenant) = portion.iter().find(|tenant| tenant.uuid() == institution) else {
                    continue;
                };
                let id = IntakeId::from_uuid(id);
                // One that cannot be looked after keeps no other waiting.
                if let Err(error) = self.look_after(*tenant, id).await {
                    tracing::warn!(%error, intake = %id, "an intake could not be looked after");
                    failed = Some(error);
                }
            }
            for tenant in &portion {
                self.sweep(*tenant).await?;
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn look_after(&self, tenant: Tenant, id: IntakeId) -> Result<(), Trouble> {
        let row = self.row(tenant, id).await?;
        let path = self.path(tenant, id).await?;
        let length = tokio::fs::metadata(&path).await.map(|file| file.len()).ok();
        let now_us = self.world.now_us();
        let Some(length) = length else {
            // Another process has the file, or had it.
            if row.touched_at_us + LAPSES_US < now_us {
                let reason = "the process that had its file is gone; what was added stays";
                self.finish(tenant, &row, "failed", Some(reason)).await?;
            }
            return Ok(());
        };
        if row.state != "uploading" {
            self.start(tenant, id);
            return Ok(());
        }
        self.note(tenant, move |connection, tenant| {
            Box::pin(async move { Ok(intakes::touch(connection, tenant, id, now_us).await?) })
        })
        .await?;
        let Some(_writing) = self.claim(id) else { return Ok(()) };
        let hashed = match length == row.bytes.unsigned_abs() {
            true => Some(portions::sha256(path.clone()).await),
            false => None,
        };
        let is_over = row.created_at_us + self.limits.upload_kept_us < now_us;
        match hashed {
            Some(Ok(sha256)) => {
                let by = By { actor: row.actor.clone(), request: None };
                self.arrive(tenant, by, row, sha256).await?;
            }
            Some(Err(error)) if !is_over => return Err(error),
            _ if is_over => self.give_up(tenant, id, "the upload was not gone on with in time").await?,
            _ => {}
        }
        Ok(())
    }

    /// Deletes old files whose intake has ended, or was never recorded since a stop came in between.
    async fn sweep(&self, tenant: Tenant) -> Result<(), Trouble> {
        let since_us = self.world.now_us() - self.limits.upload_kept_us;
        let since = UNIX_EPOCH + Duration::from_micros(since_us.unsigned_abs());
        let Ok(mut files) = tokio::fs::read_dir(self.folder.join(tenant.id().to_string())).await else {
            return Ok(());
        };
        while let Some(file) = files.next_entry().await? {
            let name = file.file_name();
            let name = name.to_string_lossy();
            let Ok(id) = name.trim_end_matches(refused::ENDING).parse::<IntakeId>() else { continue };
            // One may be deleted meanwhile.
            let Ok(about) = file.metadata().await else { continue };
            if about.modified()? < since {
                let mut reader = self.db.read(tenant).await?;
                let row = intakes::get(&mut reader, tenant, id).await?;
                drop(reader);
                if row.is_none_or(|row| row.finished_at_us.is_some()) {
                    super::remove(&file.path()).await;
                }
            }
        }
        Ok(())
    }
}
