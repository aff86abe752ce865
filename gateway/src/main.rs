//! `veritrail`: the service and its tools.

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    match veritrail::cli::Cli::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("veritrail: {error}");
            ExitCode::FAILURE
        }
    }
}
