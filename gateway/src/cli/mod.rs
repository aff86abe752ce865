//! The command line: one file a command.

mod client;
mod demo;
mod fsck;
mod import;
mod lineage;
mod serve;
mod signer;
mod user;

use std::{error::Error, path::PathBuf};

use clap::{Parser, Subcommand};

use crate::{
    config::Config,
    openapi,
    service::{self, Ledger},
    store, telemetry,
};

/// What a command that failed says.
pub(crate) type Failure = Box<dyn Error>;

/// Opens the ledger that is there: what looks after one makes none.
async fn existing(config: &Config) -> Result<Ledger, Failure> {
    if store::may_exist(&service::place(config)) {
        return Ok(Ledger::open(config).await?);
    }
    Err(format!(
        "there is no database in {} (storage.data_dir); name the service's configuration with --config or \
         VERITRAIL_CONFIG; `veritrail migrate` makes a new database",
        config.storage.data_dir.display()
    )
    .into())
}

/// One audited door to the records that institutions answer for.
#[derive(Debug, Parser)]
#[command(name = "veritrail", version, about)]
pub struct Cli {
    /// Configuration file (TOML). Environment variables named VERITRAIL_… override it.
    #[arg(long, short, global = true, env = "VERITRAIL_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API and the admin API
    Serve,
    /// Make keys, two institutions, clients and a plausible log, then serve them
    Demo(demo::Demo),
    /// Store records from files
    Import(import::Import),
    /// Create the database or bring its schema up to date
    Migrate,
    /// Print the OpenAPI document
    Openapi,
    /// Check every log in the database: chain, tree, tiles, checkpoints, payloads
    Fsck(fsck::Fsck),
    /// Make OAuth2 clients: the first operator, and feeders
    #[command(subcommand)]
    Client(client::ClientCommand),
    /// People who sign in to the portal: add, invite, link to an issuer, help with second factors, disable, list
    #[command(subcommand)]
    User(user::UserCommand),
    /// Look after what lineage is asked from
    #[command(subcommand)]
    Lineage(lineage::LineageCommand),
    /// Look after what the signer remembers
    #[command(subcommand)]
    Signer(signer::SignerCommand),
    /// Print the configuration that results from file and environment
    CheckConfig,
}

impl Cli {
    /// Does what was asked.
    ///
    /// # Errors
    /// Says what went wrong, for a person.
    pub async fn run(self) -> Result<(), Failure> {
        if let Command::Demo(demo) = self.command {
            return demo.run().await;
        }
        if let Command::Openapi = self.command {
            print!("{}", openapi::text(&openapi::whole(&openapi::Addresses::default())?)?);
            return Ok(());
        }
        let config = Config::load(self.config.as_deref())?;
        match self.command {
            Command::Serve => serve::run(&config).await,
            Command::Import(import) => import.run(&config).await,
            Command::Fsck(fsck) => fsck.run(&config).await,
            Command::Client(command) => command.run(&config).await,
            Command::User(command) => command.run(&config).await,
            Command::Lineage(command) => command.run(&config).await,
            Command::Signer(command) => command.run(&config).await,
            Command::Migrate => {
                telemetry::start(&config.log);
                match config.storage.postgres_migrator_url.get() {
                    Some(url) => store::postgres::migrate(url).await?,
                    None => Ledger::open(&config).await?.close().await,
                }
                println!("the schema is up to date");
                Ok(())
            }
            Command::CheckConfig => {
                print!("{}", toml::to_string(&config)?);
                Ok(())
            }
            Command::Demo(_) | Command::Openapi => Ok(()),
        }
    }
}
