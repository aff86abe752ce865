//! `veritrail fsck`.

use std::io::IsTerminal as _;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::Failure;
use crate::{
    config::Config,
    domain::{InstitutionId, Tenant},
    keys::{FileSigner, Seed},
    ledger::{fsck, memory::MemoryError},
    service::{memory, place},
    store::{
        self, Db, institutions,
        log_checks::{self, Check},
        logs,
    },
    world::{Machine, World as _},
};

#[derive(Debug, Args)]
pub(super) struct Fsck {
    /// Only this institution's log
    #[arg(long, value_name = "ID")]
    institution: Option<InstitutionId>,
}

impl Fsck {
    /// Checks every log, or one, names the first fault of each, and keeps what was found for the operator's pages.
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let data_dir = &config.storage.data_dir;
        let place = place(config);
        if !store::may_exist(&place) {
            return Err(format!("there is no database in {}", data_dir.display()).into());
        }
        let key_file = data_dir.join("keys/ledger.pem");
        let key =
            FileSigner::new(Seed::given_or("keys.ledger", &config.keys.ledger, || Seed::load(&key_file))?);
        let db = Db::open(&place).await?;
        // A running service holds the memory; then it has checked it itself.
        let memory = match memory(config).await {
            Ok(memory) => Some(memory),
            Err(MemoryError::Locked(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let ids = match self.institution {
            Some(id) => vec![id],
            None => institutions::all(&mut db.directory().await?).await?,
        };
        let mut faults = 0;
        for id in ids {
            let tenant = Tenant::vouched(id);
            // One state of the log for the whole walk, whatever a running service appends.
            let there = logs::head(&mut db.read(tenant).await?, tenant).await?;
            let origin = there.ok_or_else(|| format!("there is no institution {id}"))?.origin;
            // The memory before the log: what is signed meanwhile is in the log then.
            let remembered = match &memory {
                Some(memory) => Some(memory.last(&origin).await?),
                None => None,
            };
            let mut reader = db.read(tenant).await?;
            reader.hold().await?;
            let head = logs::head(&mut reader, tenant).await?.ok_or("the log is gone")?;
            let bar = progress(head.size.unsigned_abs());
            let checked =
                fsck::check(&mut reader, tenant, &key, remembered, |done| bar.set_position(done)).await;
            bar.finish_and_clear();
            reader.rollback().await?;
            // Back in its pool, so that keeping what was found waits for nothing of ours.
            drop(reader);
            let fault = match checked {
                Ok(report) => {
                    println!(
                        "{}: clean: {} entries, {} payloads, {} records, {} full tiles, {} checkpoints",
                        report.origin,
                        report.entries,
                        report.payloads,
                        report.records,
                        report.tiles,
                        report.checkpoints
                    );
                    None
                }
                Err(fsck::FsckError::Fault { origin, place, what }) => {
                    faults += 1;
                    println!("{origin}: {place}: {what}");
                    Some(format!("{place}: {what}"))
                }
                Err(error) => return Err(error.into()),
            };
            let check = Check { checked_at_us: Machine.now_us(), size: head.size, fault };
            // A copy that may only be read can be checked as well.
            if let Err(error) = log_checks::keep(&db, tenant, &check).await {
                println!(
                    "{}: what was found could not be kept for the operator's pages: {error}",
                    head.origin
                );
            }
        }
        if faults == 0 { Ok(()) } else { Err(format!("{faults} logs are not clean").into()) }
    }
}

fn progress(entries: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} entries {per_sec} {eta}");
    ProgressBar::new(entries).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
