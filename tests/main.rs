//! Black-box tests: the real binary, over real sockets. The tree mirrors `gateway/src/api`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod api;
mod architecture;
mod browser;
mod cli;
mod coverage;
mod faults;
mod fuzz;
mod generated;
mod hardening;
mod helm;
mod openapi;
mod portal;
mod production;
mod reports;
mod samples;
mod signer;
mod store;
mod support;
mod telemetry;
mod tour;
