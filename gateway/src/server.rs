//! The listeners: the API on one port, the admin API on another, and their orderly end.

use std::{io, net::SocketAddr, sync::atomic::Ordering, time::Duration};

use actix_web::{App, HttpServer, dev::ServerHandle, middleware::from_fn, web};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
};
use utoipa_actix_web::AppExt as _;

use crate::{access::gate::gate, config::Config, router, service::Service};

/// The service while it is heard.
pub struct Server {
    /// Where the API is heard.
    pub address: SocketAddr,
    /// Where the admin API is heard.
    pub admin_address: SocketAddr,
    service: Service,
    handles: [ServerHandle; 2],
    running: [JoinHandle<io::Result<()>>; 2],
    stop_signals: [Signal; 2],
}

impl Server {
    /// Begins to listen.
    ///
    /// # Errors
    /// When an address can't be listened on.
    pub fn start(config: &Config, service: Service) -> io::Result<Self> {
        // Heard from before the first connection: a signal that comes early is not lost.
        let stop_signals = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
        let (state, door) = (service.state.clone(), service.door.clone());
        let api = HttpServer::new(move || {
            let (app, _) = App::new()
                .into_utoipa_app()
                .app_data(state.clone())
                .app_data(door.clone())
                .configure(router::api)
                .split_for_parts();
            app.configure(router::pages).default_service(web::to(router::api_fallback)).wrap(from_fn(gate))
        });
        let (state, door) = (service.state.clone(), service.door.clone());
        let admin = HttpServer::new(move || {
            let (app, _) = App::new()
                .into_utoipa_app()
                .app_data(state.clone())
                .app_data(door.clone())
                .configure(router::admin)
                .split_for_parts();
            app.configure(router::admin_pages)
                .default_service(web::to(router::admin_fallback))
                .wrap(from_fn(gate))
        });
        let header_timeout = Duration::from_secs(config.http.header_timeout_s);
        let api = api
            .workers(config.http.workers)
            .max_connections(config.http.connections_max.div_ceil(config.http.workers))
            .client_request_timeout(header_timeout)
            .shutdown_timeout(config.http.stop_timeout_s)
            .disable_signals()
            .bind(&config.http.listen)?;
        let admin = admin
            .workers(1)
            .client_request_timeout(header_timeout)
            .shutdown_timeout(config.http.stop_timeout_s)
            .disable_signals()
            .bind(&config.http.admin_listen)?;
        let address = api.addrs().first().copied().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let admin_address = admin.addrs().first().copied().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let (api, admin) = (api.run(), admin.run());
        let handles = [api.handle(), admin.handle()];
        let running = [tokio::spawn(api), tokio::spawn(admin)];
        tracing::info!(%address, %admin_address, "listening");
        Ok(Self { address, admin_address, service, handles, running, stop_signals })
    }

    /// The service behind the listeners.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Serves until the process is asked to stop, then stops in order: readiness, listeners,
    /// requests under way, recorder, signer, database. Telemetry is the caller's to stop, after this.
    ///
    /// # Errors
    /// When a listener failed.
    pub async fn run(mut self) -> io::Result<()> {
        let [terminate, interrupt] = &mut self.stop_signals;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        self.service.state.stopping.store(true, Ordering::Relaxed);
        for handle in &self.handles {
            handle.stop(true).await;
        }
        for running in self.running {
            running.await.map_err(io::Error::other)??;
        }
        self.service.stop().await;
        tracing::info!("stopped");
        Ok(())
    }
}
