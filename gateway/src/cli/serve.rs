//! `veritrail serve`.

use super::Failure;
use crate::{config::Config, server::Server, service::Service, telemetry};

pub(super) async fn run(config: &Config) -> Result<(), Failure> {
    telemetry::start(&config.log);
    let service = Service::start(config).await?;
    Ok(Server::start(config, service)?.run().await?)
}
