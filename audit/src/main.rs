//! The regulator's tool: checks a bundle without trusting whoever made it.
//!
//! Exit status 0: good; 1: refused; 2: the command is wrong or a file can't be read.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(cli::Verdict::Good) => ExitCode::SUCCESS,
        Ok(cli::Verdict::Refused) => ExitCode::from(1),
        Err(error) => {
            eprintln!("veritrail-verify: {error}");
            ExitCode::from(2)
        }
    }
}
