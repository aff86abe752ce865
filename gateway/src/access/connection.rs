//! Connections, and the end of those that get nowhere: a second request whose headers drip, an answer
//! that is not taken, a body that goes on after its refusal. The HTTP server ends none of these.
//!
//! Answers that their clients don't take may fill so much memory together; when another needs the room,
//! those that have waited longest are given up with their connections.
//!
//! A connection with a request at work is not touched: what a request may wait for is bounded there.

use std::{
    any::Any,
    collections::BTreeMap,
    net::{Shutdown, TcpStream},
    os::fd::AsFd as _,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, Weak},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    dev::Extensions,
    rt::net::TcpStream as Stream,
    web::Bytes,
};

/// How long a connection that is to be closed may linger, so that its client can read why.
const LINGER: Duration = Duration::from_secs(2);
/// Answers of at most this size are not counted: a connection's own buffers are as large.
const SMALL: u64 = PART as u64;
/// What a larger answer has in memory: it comes in parts.
const PARTS_MAX: u64 = 1 << 20;
/// An answer is handed on in parts of this size. The server keeps a buffer for each connection that is
/// as large as the largest part it ever had, up to 128 KiB; this one fits into the 8 KiB that it begins
/// with, beside the headers.
pub const PART: usize = 7 << 10;
/// How often it is looked.
const ROUND: Duration = Duration::from_millis(500);

/// The connections of a listener.
#[derive(Debug)]
pub struct Connections {
    idle: Duration,
    all: Mutex<Vec<Weak<Connection>>>,
    untaken: Arc<Untaken>,
}

/// The answers that are not taken yet, oldest first.
#[derive(Debug)]
struct Untaken {
    bytes_max: u64,
    state: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: u64,
    next: u64,
    answers: BTreeMap<u64, (u64, Weak<Connection>)>,
}

impl Untaken {
    fn with<T>(&self, work: impl FnOnce(&mut Waiting) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds an answer, in the place of older ones if there is no room.
    fn add(&self, bytes: u64, connection: &Arc<Connection>) -> u64 {
        self.with(|waiting| {
            while waiting.bytes.saturating_add(bytes) > self.bytes_max {
                let Some((_, (freed, oldest))) = waiting.answers.pop_first() else { break };
                waiting.bytes -= freed;
                if let Some(oldest) = oldest.upgrade() {
                    oldest.end();
                }
            }
            waiting.next += 1;
            waiting.bytes += bytes;
            waiting.answers.insert(waiting.next, (bytes, Arc::downgrade(connection)));
            waiting.next
        })
    }

    fn remove(&self, answer: u64) {
        self.with(|waiting| {
            if let Some((bytes, _)) = waiting.answers.remove(&answer) {
                waiting.bytes -= bytes;
            }
        });
    }
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    /// A second handle to the socket.
    socket: TcpStream,
    idle: Duration,
    untaken: Arc<Untaken>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    at_work: u32,
    ends: Instant,
    closing: bool,
}

impl Connections {
    /// Connections that may be without progress for so long, and whose untaken answers may have so many
    /// bytes together.
    #[must_use]
    pub fn new(idle: Duration, untaken_bytes_max: u64) -> Self {
        let untaken = Untaken { bytes_max: untaken_bytes_max, state: Mutex::default() };
        Self { idle, all: Mutex::default(), untaken: Arc::new(untaken) }
    }

    /// Takes note of a connection, for as long as it lives.
    pub fn note(&self, io: &dyn Any, data: &mut Extensions) {
        let by_tls = || io.downcast_ref::<TlsStream<Stream>>().map(|tls| tls.get_ref().0);
        let Some(stream) = io.downcast_ref::<Stream>().or_else(by_tls) else { return };
        let socket = match stream.as_fd().try_clone_to_owned() {
            Ok(socket) => TcpStream::from(socket),
            Err(error) => {
                tracing::warn!(%error, "a connection can't be watched");
                return;
            }
        };
        let state = State { at_work: 0, ends: Instant::now() + self.idle, closing: false };
        let untaken = Arc::clone(&self.untaken);
        let connection = Connection { socket, idle: self.idle, untaken, state: Mutex::new(state) };
        let connection = Arc::new(connection);
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
                    connection.end();
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

    fn end(&self) {
        // It may be closed already; then there is nothing to do.
        let _ = self.socket.shutdown(Shutdown::Both);
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

/// A large answer. One of many parts gets its connection somewhere with each part that is taken; it is
/// dropped when all but little of it is.
struct Large {
    body: BoxBody,
    rest: Bytes,
    connection: Arc<Connection>,
    answer: u64,
}

impl Drop for Large {
    fn drop(&mut self) {
        self.connection.untaken.remove(self.answer);
    }
}

/// Watches how an answer is taken, if it is a large one.
pub(super) fn watched(body: BoxBody, connection: &Arc<Connection>) -> BoxBody {
    let bytes = match body.size() {
        BodySize::None => return body,
        BodySize::Sized(bytes) if bytes <= SMALL => return body,
        BodySize::Sized(bytes) => bytes.min(PARTS_MAX),
        BodySize::Stream => PARTS_MAX,
    };
    let answer = connection.untaken.add(bytes, connection);
    BoxBody::new(Large { body, rest: Bytes::new(), connection: Arc::clone(connection), answer })
}

impl MessageBody for Large {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.connection.progress();
        if self.rest.is_empty() {
            match Pin::new(&mut self.body).poll_next(context) {
                Poll::Ready(Some(Ok(part))) => self.rest = part,
                other => return other,
            }
        }
        let length = self.rest.len().min(PART);
        Poll::Ready(Some(Ok(self.rest.split_to(length))))
    }
}
