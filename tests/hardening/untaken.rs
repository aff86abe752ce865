//! Answers that nobody takes are given up for the room; those that are taken slowly come whole.

use std::time::Duration;

use tokio::{io::AsyncReadExt as _, net::TcpStream, task::JoinSet, time::timeout};

use crate::{
    hardening::{Raw, configured},
    support::Server,
};

/// A large answer, some times over: more than the system keeps for a connection.
const LARGE: &str = "/openapi.json";
const TIMES: usize = 24;
const STEADY: usize = 12;
const STALLED: usize = 8;

/// Asks for the large answer again and again, on one connection.
async fn ask(server: &Server) -> TcpStream {
    let mut connection = Raw::to(server.address()).await;
    let close = |index| if index + 1 == TIMES { "connection: close\r\n" } else { "" };
    for index in 0..TIMES {
        connection.say(format!("GET {LARGE} HTTP/1.1\r\nhost: x\r\n{}\r\n", close(index))).await;
    }
    connection.0
}

/// Reads to the end, with a pause after each part; how much there was.
async fn read(mut connection: TcpStream, pause: Duration) -> usize {
    let (mut part, mut all) = (vec![0; 256 << 10], 0);
    while let Ok(Ok(read @ 1..)) = timeout(Duration::from_secs(20), connection.read(&mut part)).await {
        all += read;
        tokio::time::sleep(pause).await;
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_downloads_come_whole_beside_answers_that_nobody_reads() {
    // Room for far less than there is.
    let (server, _folder) = configured(&[("VERITRAIL_HTTP__UNTAKEN_BYTES_MAX", "500000")]);
    let whole = read(ask(&server).await, Duration::ZERO).await;
    assert!(whole > 12 << 20, "{whole}");
    let mut stalled = Vec::new();
    for _ in 0..STALLED {
        stalled.push(ask(&server).await);
    }
    let mut steady = JoinSet::new();
    for _ in 0..STEADY {
        steady.spawn(read(ask(&server).await, Duration::from_millis(100)));
    }
    for read in steady.join_all().await {
        assert!(read.abs_diff(whole) < 1_000, "a download was cut: {read} of {whole}");
    }
    for connection in stalled {
        let read = read(connection, Duration::ZERO).await;
        assert!(read < whole - 1_000, "an answer that nobody took was kept: {read} of {whole}");
    }
}
