//! Connections, and the end of those that get nowhere: a second request whose headers drip, an answer
//! that is not taken, a body that goes on after its refusal. The HTTP server ends none of these.
//!
//! A connection with a request at work is not touched: what a request may wait for is bounded there.

use std::{
    any::Any,
    net::{Shutdown, TcpStream},
    os::fd::AsFd as _,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, Weak},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    dev::Extensions,
    rt::net::TcpStream as Stream,
    web::Bytes,
};

/// How long a connection that is to be closed may linger, so that its client can read why.
const LINGER: Duration = Duration::from_secs(2);
/// Answers of at most this size are taken within the idle time or not at all.
const WHOLE_MAX: u64 = 1 << 20;
/// How often it is looked.
const ROUND: Duration = Duration::from_millis(500);

/// The connections of a listener.
#[derive(Debug)]
pub struct Connections {
    idle: Duration,
    all: Mutex<Vec<Weak<Connection>>>,
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    /// A second handle to the socket.
    socket: TcpStream,
    idle: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    at_work: u32,
    ends: Instant,
    closing: bool,
}

impl Connections {
    /// Connections that may be without progress for so long.
    #[must_use]
    pub fn new(idle: Duration) -> Self {
        Self { idle, all: Mutex::default() }
    }

    /// Takes note of a connection, for as long as it lives.
    pub fn note(&self, io: &dyn Any, data: &mut Extensions) {
        let Some(stream) = io.downcast_ref::<Stream>() else { return };
        let socket = match stream.as_fd().try_clone_to_owned() {
            Ok(socket) => TcpStream::from(socket),
            Err(error) => {
                tracing::warn!(%error, "a connection can't be watched");
                return;
            }
        };
        let state = State { at_work: 0, ends: Instant::now() + self.idle, closing: false };
        let connection = Arc::new(Connection { socket, idle: self.idle, state: Mutex::new(state) });
        self.all.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&connection));
        data.insert(connection);
    }

    /// Ends what gets nowhere, again and again.
    pub async fn watch(self: Arc<Self>) {
        loop {
            tokio::time::sleep(ROUND).await;
            let now = Instant::now();
            self.all.lock().unwrap_or_else(PoisonError::into_inner).retain(|connection| {
                let Some(connection) = connection.upgrade() else { return false };
                let is_over = connection.with(|state| state.at_work == 0 && state.ends < now);
                if is_over {
                    // It may be closed already; then there is nothing to do.
                    let _ = connection.socket.shutdown(Shutdown::Both);
                }
                !is_over
            });
        }
    }
}

impl Connection {
    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes a request, until the guard goes.
    #[must_use]
    pub(super) fn work(self: Arc<Self>) -> AtWork {
        self.with(|state| state.at_work += 1);
        AtWork(self)
    }

    /// Has it closed once the last answer could be read.
    pub(super) fn close(&self) {
        self.with(|state| (state.closing, state.ends) = (true, Instant::now() + LINGER));
    }

    fn progress(&self) {
        self.with(|state| {
            if !state.closing {
                state.ends = Instant::now() + self.idle;
            }
        });
    }
}

/// A request at work on a connection.
pub(super) struct AtWork(pub(super) Arc<Connection>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.progress();
        self.0.with(|state| state.at_work -= 1);
    }
}

/// A long answer, whose connection gets somewhere with each part that is taken.
struct Long {
    body: BoxBody,
    connection: Arc<Connection>,
}

/// Watches how an answer is taken, if it is a long one.
pub(super) fn watched(body: BoxBody, connection: &Arc<Connection>) -> BoxBody {
    match body.size() {
        BodySize::None => body,
        BodySize::Sized(bytes) if bytes <= WHOLE_MAX => body,
        _ => BoxBody::new(Long { body, connection: Arc::clone(connection) }),
    }
}

impl MessageBody for Long {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.connection.progress();
        Pin::new(&mut self.body).poll_next(context)
    }
}
