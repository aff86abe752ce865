//! `veritrail lineage`: looking after lineage's projections.

use clap::{Args, Subcommand};

use super::{Failure, existing};
use crate::{
    config::Config,
    domain::{InstitutionId, Tenant},
    lineage::rebuild::rebuild,
    service::Ledger,
    store::institutions,
    telemetry,
};

#[derive(Debug, Subcommand)]
pub(super) enum LineageCommand {
    /// Make datasets, jobs, runs and edges again from the events on the ledger
    Rebuild(Rebuild),
}

#[derive(Debug, Args)]
pub(super) struct Rebuild {
    /// Only this institution's; all of them unless told
    #[arg(long, value_name = "ID")]
    institution: Option<InstitutionId>,
}

impl LineageCommand {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        telemetry::start(&config.log);
        let Self::Rebuild(what) = self;
        let ledger = existing(config).await?;
        let result = what.run(&ledger).await;
        ledger.close().await;
        result
    }
}

impl Rebuild {
    async fn run(&self, ledger: &Ledger) -> Result<(), Failure> {
        let institutions = match self.institution {
            Some(id) => vec![id],
            None => {
                let mut directory = ledger.db.directory().await?;
                institutions::all(&mut directory).await?
            }
        };
        for id in institutions {
            rebuild(&ledger.recorder, Tenant::vouched(id)).await?;
            println!("{id}: lineage was made again from its events");
        }
        Ok(())
    }
}
