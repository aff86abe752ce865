//! `veritrail client`: the clients that the admin API can't make, since nobody could call it yet.

use clap::{Args, Subcommand};

use super::Failure;
use crate::{
    access::assertion::public_keys,
    config::Config,
    directory::{ClientOrder, Terms, enrol},
    domain::{ClientKind, InstitutionId, jwk::SentKeys},
    ledger::By,
    service::Ledger,
    telemetry,
};

#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// Make an operator: it may use the admin API
    Operator(New),
    /// Make a feeder: it may deliver records and reads nothing
    Feeder(NewFeeder),
}

#[derive(Debug, Args)]
pub(super) struct New {
    /// What to call it
    #[arg(long)]
    name: String,
    /// A file with its public keys as a JWK set; without it, a secret is made and printed once
    #[arg(long, value_name = "FILE")]
    jwks: Option<std::path::PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct NewFeeder {
    #[command(flatten)]
    new: New,
    /// An institution that it delivers for; may be given several times; all of them unless told
    #[arg(long, value_name = "ID")]
    institution: Vec<InstitutionId>,
}

impl ClientCommand {
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        telemetry::start(&config.log);
        let (new, kind, reach) = match self {
            Self::Operator(new) => (new, ClientKind::Operator, "all".to_owned()),
            Self::Feeder(NewFeeder { new, institution }) if institution.is_empty() => {
                (new, ClientKind::Feeder, "all".to_owned())
            }
            Self::Feeder(NewFeeder { new, institution }) => {
                let ids: Vec<String> = institution.iter().map(ToString::to_string).collect();
                (new, ClientKind::Feeder, ids.join(" "))
            }
        };
        let jwks = match &new.jwks {
            None => None,
            Some(path) => {
                let jwks: SentKeys = serde_json::from_str(&std::fs::read_to_string(path)?)?;
                Some(public_keys(&jwks)?.to_string())
            }
        };
        let ledger = Ledger::open(config).await?;
        let order = ClientOrder {
            institution: ledger.provider.id(),
            name: new.name,
            kind,
            scopes: kind.allowed().to_vec(),
            reach,
            jwks,
            terms: Terms::default(),
        };
        let made = enrol(&ledger.recorder, &*ledger.world, By::service(), order, None).await;
        ledger.close().await;
        let made = made?;
        println!("client_id     {}", made.id);
        match made.secret {
            Some(secret) => println!("client_secret {secret}\n\nThe secret is shown this once."),
            None => println!("It authenticates with its key (private_key_jwt)."),
        }
        Ok(())
    }
}
