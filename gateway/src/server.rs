//! The listeners: the API on one port, the admin API on another, and their orderly end.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use actix_web::{
    App, Error, HttpServer,
    body::BoxBody,
    dev::{ServerHandle, ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::from_fn,
    web,
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
};
use utoipa_actix_web::AppExt as _;

use crate::{
    access::{
        Door,
        connection::{Connections, PART},
        gate::gate,
        load::Uncounted,
        origin,
    },
    api,
    config::Config,
    portal, router,
    service::Service,
    tls,
};

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
    watching: Vec<JoinHandle<()>>,
    drain: Duration,
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
            let (inside_state, inside_door) = (state.clone(), door.clone());
            app.data_factory(move || portal::Api::start(inside(inside_state.clone(), inside_door.clone())))
                .configure(router::pages)
                .default_service(web::to(router::api_fallback))
                .wrap(from_fn(gate))
        });
        let (state, door) = (service.state.clone(), service.door.clone());
        let admin = HttpServer::new(move || {
            let (app, _) = App::new()
                .into_utoipa_app()
                .app_data(state.clone())
                .app_data(door.clone())
                .app_data(Uncounted)
                .configure(router::admin)
                .split_for_parts();
            app.configure(router::admin_pages)
                .default_service(web::to(router::admin_fallback))
                .wrap(from_fn(gate))
        });
        let connections = Arc::new(Connections::new(
            Duration::from_secs(config.http.idle_timeout_s),
            config.http.untaken_bytes_max,
        ));
        let watching = tokio::spawn(Arc::clone(&connections).watch());
        let keep_alive = Duration::from_secs(config.http.keep_alive_s);
        let header_timeout = Duration::from_secs(config.http.header_timeout_s);
        let api = api
            .workers(config.http.workers)
            .keep_alive(keep_alive)
            .h1_write_buffer_size(PART)
            // Else the end of an answer of some parts waits for the client to confirm the one before it, 40 ms on Linux.
            .tcp_nodelay(true)
            .on_connect(move |io, data| {
                connections.note(io, data);
                origin::note(io, data);
            })
            .max_connections(config.http.connections_max.div_ceil(config.http.workers))
            .client_request_timeout(header_timeout)
            .shutdown_timeout(config.http.stop_timeout_s)
            .tls_handshake_timeout(header_timeout)
            .max_connection_rate(config.http.connections_max.div_ceil(config.http.workers))
            .disable_signals();
        let (api, reading) = match tls::start(&config.http).map_err(io::Error::other)? {
            Some((tls, reading)) => (api.bind_rustls_0_23(&config.http.listen, tls)?, Some(reading)),
            None => (api.bind(&config.http.listen)?, None),
        };
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
        let checking = service.check(config, address).map_err(io::Error::other)?;
        let watching = reading.into_iter().chain([watching, checking]).collect();
        let drain = Duration::from_secs(config.http.drain_s);
        Ok(Self { address, admin_address, service, handles, running, stop_signals, watching, drain })
    }

    /// The service behind the listeners.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Serves until the process is asked to stop, then stops in order: readiness, listeners,
    /// requests under way, recorder, signer, database. Telemetry is the caller's to stop, after this.
    /// Asked a second time, it ends at once.
    ///
    /// # Errors
    /// When a listener failed.
    pub async fn run(mut self) -> io::Result<()> {
        asked(&mut self.stop_signals).await;
        tracing::info!("stopping");
        let mut signals = self.stop_signals;
        tokio::spawn(async move {
            asked(&mut signals).await;
            tracing::warn!("asked to stop a second time; what is under way is given up");
            // What was acknowledged is durable, as it is before a power cut.
            std::process::exit(1);
        });
        // Whoever routes to this process sees it first, and has time to.
        self.service.state.stopping.store(true, Ordering::Relaxed);
        self.service.door.load.leave();
        tokio::time::sleep(self.drain).await;
        for handle in &self.handles {
            handle.stop(true).await;
        }
        for running in self.running {
            running.await.map_err(io::Error::other)??;
        }
        self.watching.iter().for_each(JoinHandle::abort);
        self.service.stop().await;
        tracing::info!("stopped");
        Ok(())
    }
}

/// The routes that the portal asks: both APIs, for whoever may use them.
fn inside(
    state: web::Data<api::State>,
    door: web::Data<Door>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let (app, _) = App::new()
        .into_utoipa_app()
        .app_data(state)
        .app_data(door)
        .app_data(Uncounted)
        .configure(router::api)
        .configure(router::admin)
        .split_for_parts();
    app.default_service(web::to(router::api_fallback)).wrap(from_fn(gate))
}

/// Waits until the process is asked to stop.
async fn asked(signals: &mut [Signal; 2]) {
    let [terminate, interrupt] = signals;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
