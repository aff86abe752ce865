//! A connection on which a test says each byte itself.

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// Long enough for whatever should come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection.
pub struct Raw<S = TcpStream>(pub S);

/// An answer as it came.
#[derive(Debug)]
pub struct Told {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Told {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert!(self.body.contains(&format!("\"code\":\"{code}\"")), "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
    }
}

impl Raw {
    pub async fn to(address: &str) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Raw<S> {
    pub async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// A request without a body.
    pub async fn get(&mut self, path: &str, token: &str) {
        self.say(format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n")).await;
    }

    /// The next answer, which says how long it is.
    pub async fn told(&mut self) -> Told {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(timeout(PATIENCE, self.0.read_u8()).await.expect("an answer in time").unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        let mut told = Told { status: head[9..12].parse().unwrap(), head, body: String::new() };
        let length = told.header("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        timeout(PATIENCE, self.0.read_exact(&mut body)).await.expect("a body in time").unwrap();
        told.body = String::from_utf8(body).unwrap();
        told
    }

    /// Whether the other side ends the connection within a time; what comes before that is read.
    pub async fn ends_within(&mut self, time: Duration) -> bool {
        let mut rest = vec![0; 1 << 16];
        timeout(time, async { while matches!(self.0.read(&mut rest).await, Ok(1..)) {} }).await.is_ok()
    }
}
