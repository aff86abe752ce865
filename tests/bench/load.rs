//! A load generator: keep-alive connections that send ready-made requests and read whole answers.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

/// Requests as they go over the wire; sent in turn.
pub type Requests = Arc<Vec<Vec<u8>>>;

/// A GET of a path, with a token if the server wants one.
pub fn get(path: &str, token: Option<&str>) -> Vec<u8> {
    let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\n{token}\r\n").into_bytes()
}

/// A connection that stays open.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(128 << 10) })
    }

    /// Sends a request and reads the answer: its status and body.
    pub async fn call(&mut self, request: &[u8]) -> std::io::Result<(u16, &[u8])> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let text = String::from_utf8_lossy(&self.buffer[..head]).to_ascii_lowercase();
        let status = text[9..12].parse().unwrap();
        let length = text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let length: usize = length.expect("an answer says how long it is").trim().parse().unwrap();
        while self.buffer.len() < head + length {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok((status, &self.buffer[head..]))
    }
}

/// What a load came to.
pub struct Load {
    pub per_second: f64,
    /// In microseconds, ascending.
    latencies_us: Vec<u64>,
}

impl Load {
    fn new(mut latencies_us: Vec<u64>, took: Duration) -> Self {
        latencies_us.sort_unstable();
        Self { per_second: latencies_us.len() as f64 / took.as_secs_f64(), latencies_us }
    }

    pub fn requests(&self) -> f64 {
        self.latencies_us.len() as f64
    }

    pub fn p99_ms(&self) -> f64 {
        self.latencies_us[self.latencies_us.len() * 99 / 100] as f64 / 1000.0
    }
}

/// Each connection sends its next request when it has the last answer.
pub async fn closed(address: SocketAddr, requests: &Requests, connections: usize, lasts: Duration) -> Load {
    run(address, requests, connections, lasts, None).await
}

/// Requests are due at an even pace, and late ones count from when they were due.
pub async fn paced(
    address: SocketAddr,
    requests: &Requests,
    connections: usize,
    lasts: Duration,
    per_second: f64,
) -> Load {
    run(address, requests, connections, lasts, Some(per_second)).await
}

async fn run(
    address: SocketAddr,
    requests: &Requests,
    connections: usize,
    lasts: Duration,
    per_second: Option<f64>,
) -> Load {
    let turn = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (requests, turn) = (Arc::clone(requests), Arc::clone(&turn));
        tasks.spawn(async move {
            let mut connection = Connection::open(address).await.unwrap();
            let mut latencies_us = Vec::new();
            loop {
                let turn = turn.fetch_add(1, Ordering::Relaxed);
                let due = per_second.map(|rate| began + Duration::from_secs_f64(turn as f64 / rate));
                if let Some(due) = due {
                    tokio::time::sleep_until(due.into()).await;
                }
                let from = due.unwrap_or_else(Instant::now);
                if from.duration_since(began) >= lasts {
                    return latencies_us;
                }
                let (status, body) = connection.call(&requests[turn % requests.len()]).await.unwrap();
                assert_eq!(status, 200, "{}", String::from_utf8_lossy(body));
                latencies_us.push(u64::try_from(from.elapsed().as_micros()).unwrap());
            }
        });
    }
    let mut all = Vec::new();
    while let Some(latencies_us) = tasks.join_next().await {
        all.extend(latencies_us.unwrap());
    }
    Load::new(all, began.elapsed())
}
