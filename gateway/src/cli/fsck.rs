//! `veritrail fsck`.

use std::io::IsTerminal as _;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::Failure;
use crate::{
    config::Config,
    domain::{InstitutionId, Tenant},
    keys::{FileSigner, Seed},
    ledger::{fsck, memory::Memory},
    service::database,
    store::{Db, logs},
};

#[derive(Debug, Args)]
pub(super) struct Fsck {
    /// Only this institution's log
    #[arg(long, value_name = "ID")]
    institution: Option<InstitutionId>,
}

impl Fsck {
    /// Checks every log, or one, and names the first fault of each.
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let data_dir = &config.storage.data_dir;
        let path = database(data_dir);
        if !path.exists() {
            return Err(format!("{} is not there", path.display()).into());
        }
        let key = FileSigner::new(Seed::load(&data_dir.join("keys/ledger.pem"))?);
        let db = Db::open(&path).await?;
        // A running service holds the memory; then it has checked it itself.
        let memory = Memory::open(&config.signed_heads()).ok();
        let mut reader = db.read().await?;
        let ids = match self.institution {
            Some(id) => vec![id],
            None => logs::all(&mut reader).await?,
        };
        // One state of the database for the whole walk, whatever a running service appends.
        sqlx::query("BEGIN").execute(&mut *reader).await?;
        let mut faults = 0;
        for id in ids {
            let tenant = Tenant::vouched(id);
            let head = logs::head(&mut reader, tenant)
                .await?
                .ok_or_else(|| format!("there is no institution {id}"))?;
            let bar = progress(head.size.unsigned_abs());
            let checked =
                fsck::check(&mut reader, tenant, &key, memory.as_ref(), |done| bar.set_position(done)).await;
            bar.finish_and_clear();
            match checked {
                Ok(report) => println!(
                    "{}: clean: {} entries, {} payloads, {} records, {} full tiles, {} checkpoints",
                    report.origin,
                    report.entries,
                    report.payloads,
                    report.records,
                    report.tiles,
                    report.checkpoints
                ),
                Err(fault @ fsck::FsckError::Fault { .. }) => {
                    faults += 1;
                    println!("{fault}");
                }
                Err(error) => return Err(error.into()),
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
