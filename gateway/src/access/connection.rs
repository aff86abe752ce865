//! Connections, and the end of those that get nowhere: a second request whose headers drip, an answer
//! that is not taken, a body that goes on after its refusal. The HTTP server ends none of these.
//!
//! Answers that their clients don't take may fill so much memory together; when there is more of it,
//! those that nothing was taken of for some seconds are given up with their connections, the longest
//! first. One that is taken, however slowly, is not cut for it.
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

use super::answer::CHUNK;

/// How long a connection that is to be closed may linger, so that its client can read why.
const LINGER: Duration = Duration::from_secs(2);
/// Answers of at most this size are not counted: a connection's own buffers are as large.
const SMALL: u64 = PART as u64;
/// How long nothing of an answer must have been taken before it may be given up for the room.
const STALLED: Duration = Duration::from_secs(5);
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

/// The answers that are not taken yet.
#[derive(Debug)]
struct Untaken {
    bytes_max: u64,
    state: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: u64,
    next: u64,
    /// By their last progress, the oldest first: each progress gives an answer a new number.
    answers: BTreeMap<u64, Waits>,
}

#[derive(Debug)]
struct Waits {
    bytes: u64,
    since: Instant,
    connection: Weak<Connection>,
}

impl Waiting {
    fn put(&mut self, waits: Waits) -> u64 {
        self.next += 1;
        self.answers.insert(self.next, waits);
        self.next
    }
}

impl Untaken {
    fn with<T>(&self, work: impl FnOnce(&mut Waiting) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, bytes: u64, connection: &Arc<Connection>) -> u64 {
        let answer = self.with(|waiting| {
            waiting.bytes += bytes;
            waiting.put(Waits { bytes, since: Instant::now(), connection: Arc::downgrade(connection) })
        });
        self.make_room();
        answer
    }

    /// Gives up answers that have stalled, for as long as there is too much.
    fn make_room(&self) {
        self.with(|waiting| {
            while waiting.bytes > self.bytes_max
                && let Some(oldest) = waiting.answers.first_entry()
                && oldest.get().since.elapsed() >= STALLED
            {
                let stalled = oldest.remove();
                waiting.bytes -= stalled.bytes;
                if let Some(connection) = stalled.connection.upgrade() {
                    connection.end();
                }
            }
        });
    }

    /// Notes that some of an answer was taken; its new number.
    fn taken(&self, answer: u64) -> u64 {
        self.with(|waiting| match waiting.answers.remove(&answer) {
            Some(waits) => waiting.put(Waits { since: Instant::now(), ..waits }),
            None => answer,
        })
    }

    /// Counts an answer again that was not for a while.
    fn restore(&self, connection: &Arc<Connection>) -> u64 {
        self.add(CHUNK as u64, connection)
    }

    fn remove(&self, answer: u64) {
        self.with(|waiting| {
            if let Some(waits) = waiting.answers.remove(&answer) {
                waiting.bytes -= waits.bytes;
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
            self.untaken.make_room();
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

/// A large answer. Each part that is taken gets its connection somewhere; it is dropped when all but
/// little of it is.
struct Large {
    size: BodySize,
    body: BoxBody,
    rest: Bytes,
    connection: Arc<Connection>,
    answer: u64,
    /// Whether all that there is of it was taken, and more is to come.
    waits: bool,
}

impl Drop for Large {
    fn drop(&mut self) {
        self.connection.untaken.remove(self.answer);
    }
}

/// Watches how an answer is taken, if it is a large one.
pub(super) fn watched(body: BoxBody, connection: &Arc<Connection>) -> BoxBody {
    let size = body.size();
    if matches!(size, BodySize::None | BodySize::Sized(..=SMALL)) {
        return body;
    }
    let (body, rest, bytes) = match body.try_into_bytes() {
        Ok(whole) => {
            let bytes = whole.len() as u64;
            (BoxBody::new(()), whole, bytes)
        }
        // Of what comes out of a file there is one chunk in memory.
        Err(body) => (body, Bytes::new(), CHUNK as u64),
    };
    let answer = connection.untaken.add(bytes, connection);
    BoxBody::new(Large { size, body, rest, connection: Arc::clone(connection), answer, waits: false })
}

impl MessageBody for Large {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.connection.progress();
        self.answer = self.connection.untaken.taken(self.answer);
        if self.rest.is_empty() {
            match Pin::new(&mut self.body).poll_next(context) {
                Poll::Ready(Some(Ok(part))) => self.rest = part,
                Poll::Pending if self.size == BodySize::Stream => {
                    // A stream that nothing happens on: its client has taken everything.
                    self.connection.untaken.remove(self.answer);
                    self.waits = true;
                    return Poll::Pending;
                }
                other => return other,
            }
            if std::mem::take(&mut self.waits) {
                self.answer = self.connection.untaken.restore(&self.connection);
            }
        }
        let length = self.rest.len().min(PART);
        Poll::Ready(Some(Ok(self.rest.split_to(length))))
    }
}
