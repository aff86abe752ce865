//! `veritrail serve`.

use super::Failure;
use crate::{config::Config, server::Server, service::Service, telemetry::Telemetry};

pub(super) async fn run(config: &Config) -> Result<(), Failure> {
    let telemetry = Telemetry::start(config)?;
    let ended = serve(config).await;
    telemetry.stop().await;
    ended
}

async fn serve(config: &Config) -> Result<(), Failure> {
    let service = Service::start(config).await?;
    Ok(Server::start(config, service)?.run().await?)
}
