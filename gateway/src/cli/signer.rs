//! `veritrail signer`: looking after what the signer remembers.

use clap::{Args, Subcommand};
use veritrail_audit::Checkpoint;

use super::Failure;
use crate::{
    config::Config,
    domain::{InstitutionId, Tenant},
    keys::{FileSigner, Seed},
    ledger::{
        fsck,
        memory::{Memory, Recollection, SignedHead, Step},
    },
    service::{memory, place},
    store::{Db, checkpoints, institutions, logs},
};

#[derive(Debug, Subcommand)]
pub(super) enum SignerCommand {
    /// After the signer's memory was lost: check logs whole, and remember their last signed checkpoints
    Adopt(Adopt),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Adopt {
    /// This institution's log
    #[arg(long, value_name = "ID")]
    institution: Option<InstitutionId>,
    /// Every log
    #[arg(long)]
    all: bool,
}

impl SignerCommand {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let Self::Adopt(Adopt { institution, .. }) = self;
        let memory = memory(config).await?;
        let key_file = config.storage.data_dir.join("keys/ledger.pem");
        let seed = Seed::given_or("keys.ledger", &config.keys.ledger, || Seed::load(&key_file))?;
        let (key, db) = (FileSigner::new(seed), Db::open(&place(config)).await?);
        let ids = match institution {
            Some(id) => vec![id],
            None => institutions::all(&mut db.directory().await?).await?,
        };
        for id in ids {
            println!("{}", adopt(&db, &memory, &key, Tenant::vouched(id)).await?);
        }
        println!("Restart the service: a log that it stopped stays stopped until then.");
        Ok(())
    }
}

/// Remembers a log's last signed checkpoint, if the log is clean and the memory knows nothing of it.
async fn adopt(db: &Db, memory: &Memory, key: &FileSigner, tenant: Tenant) -> Result<String, Failure> {
    let mut reader = db.read(tenant).await?;
    reader.hold().await?;
    let head = logs::head(&mut reader, tenant).await?;
    let origin = head.ok_or_else(|| format!("there is no institution {}", tenant.id()))?.origin;
    let Some((_, note)) = checkpoints::latest(&mut reader, tenant).await? else {
        return Ok(format!("{origin}: nothing of it was signed yet"));
    };
    let Checkpoint { size, root, .. } = Checkpoint::parse_note(&note).map_err(|e| e.to_string())?;
    let from = match memory.last(&origin).await? {
        Recollection::None => None,
        Recollection::Signed(last) | Recollection::WentBack(last) if last.size >= size => {
            return Ok(format!("{origin}: remembered already, with {} entries", last.size));
        }
        Recollection::Signed(last) | Recollection::WentBack(last) => Some(last),
    };
    // The whole log, and that what is remembered is still part of it.
    let remembered = from.map(Recollection::Signed);
    let report = fsck::check(&mut reader, tenant, key, remembered, |_| ()).await?;
    reader.rollback().await?;
    let to = SignedHead { size, root };
    let held = memory.remember(vec![Step { origin: origin.clone(), from, to }]).await?;
    if held != [Some(to)] {
        return Err(format!("{origin}: somebody else changed the memory meanwhile").into());
    }
    Ok(format!("{origin}: clean with {} entries; {size} are remembered as signed", report.entries))
}
