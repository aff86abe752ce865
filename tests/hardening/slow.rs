//! Two thousand slow clients beside good ones: the good ones hardly notice, and memory stays flat.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use tokio::{io::AsyncWriteExt as _, net::TcpSocket, task::JoinSet};

use crate::{
    hardening::{Raw, configured},
    support::{Caller, Server},
};

const SLOW: usize = 2_000;
const GOOD: usize = 1_000;
/// Good requests at once.
const ABREAST: usize = 4;
/// What a timer and a scheduler may add to any measurement.
const NOISE: Duration = Duration::from_millis(5);
const MEMORY_KIB: u64 = 64 << 10;
const PAGE: &str = "/v1/transactions?limit=200";

/// Kilobytes of the process that are in memory.
fn memory_kib(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// The 99th percentile of good requests.
async fn p99(caller: &Caller) -> Duration {
    let mut running = JoinSet::new();
    for _ in 0..ABREAST {
        let caller = caller.clone();
        running.spawn(async move {
            let mut took = Vec::new();
            for _ in 0..GOOD / ABREAST {
                let began = Instant::now();
                caller.get("/v1/transactions?limit=5").await.ok();
                took.push(began.elapsed());
            }
            took
        });
    }
    let mut took = running.join_all().await.concat();
    took.sort();
    took[took.len() * 99 / 100]
}

/// A slow client, of one kind or another.
async fn slow(kind: usize, address: String, token: String) {
    let socket = TcpSocket::new_v4().unwrap();
    // So that an answer doesn't fit into what the system keeps for a connection.
    socket.set_recv_buffer_size(4096).unwrap();
    let mut connection = Raw(socket.connect(address.parse().unwrap()).await.unwrap());
    let (first, drip) = match kind {
        0 => ("GET /v1/transac".to_owned(), ""),
        1 => ("GET /v1/transactions HTTP/1.1\r\nhost: x\r\n".to_owned(), "x-drip: 1\r\n"),
        2 => (
            "POST /oauth2/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: 16000\r\n\r\n"
                .to_owned(),
            "a",
        ),
        _ => (format!("GET {PAGE} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n"), ""),
    };
    connection.say(first).await;
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if !drip.is_empty() && connection.0.write_all(drip.as_bytes()).await.is_err() {
            // Ended by the other side, as it should be; then it is held no longer.
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_slow_clients_cost_the_good_ones_little_and_no_memory() {
    let most = "1000000";
    let (server, _folder) = configured(&[
        ("VERITRAIL_LIMITS__ADDRESS_PER_SECOND", most),
        ("VERITRAIL_LIMITS__ADDRESS_BURST", most),
        // They are to be there all at once, for as long as it is measured.
        ("VERITRAIL_HTTP__HEADER_TIMEOUT_S", "60"),
        ("VERITRAIL_HTTP__KEEP_ALIVE_S", "60"),
        ("VERITRAIL_HTTP__IDLE_TIMEOUT_S", "90"),
        ("VERITRAIL_LIMITS__BODY_TIMEOUT_S", "60"),
        ("VERITRAIL_LIMITS__BODY_MIN_BYTES_PER_S", "0"),
    ]);
    let operator = server.operator().await;
    let quotas = json!({
        "client_per_second": 1_000_000, "client_burst": 1_000_000,
        "institution_per_second": 1_000_000, "institution_burst": 1_000_000,
    });
    operator.send(operator.request(Method::PUT, "/admin/v1/plans/standard").json(&quotas)).await.ok();
    let good = server.system(0).await;
    // What is only made once is made before it is measured.
    p99(&good).await;
    let mut told = Vec::new();
    let at_first = memory_kib(&server);
    for _ in 0..3 {
        let before = (p99(&good).await, memory_kib(&server));
        let mut clients = JoinSet::new();
        for index in 0..SLOW {
            clients.spawn(slow(index % 4, server.address().to_owned(), good.token.clone().unwrap()));
            // Slow is what they are to be, not many requests a second.
            if index % 4 == 3 {
                tokio::time::sleep(Duration::from_millis(12)).await;
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let connected = connections(&server);
        assert!(connected >= SLOW * 9 / 10, "only {connected} of the slow clients are connected");
        let during = (p99(&good).await, memory_kib(&server));
        clients.shutdown().await;
        println!(
            "p99 {:?} then {:?}; memory {} KiB then {} KiB; {connected} connected",
            before.0, during.0, before.1, during.1
        );
        told.push((before, during));
        if during.0 <= before.0 * 2 + NOISE && during.1 <= at_first + MEMORY_KIB {
            return;
        }
    }
    panic!("in none of three rounds did the good ones keep their time and the process its memory: {told:?}");
}

/// Open sockets of the process, without those of its own, which are few.
fn connections(server: &Server) -> usize {
    let port = server.address().rsplit_once(':').unwrap().1.parse::<u16>().unwrap();
    let own = format!("0100007F:{port:04X}");
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    // State 01 is an established connection.
    table.lines().filter(|line| line.contains(&format!(": {own} ")) && line.contains(" 01 ")).count()
}

#[tokio::test]
async fn a_connection_without_progress_is_ended() {
    let (server, _folder) = configured(&[
        ("VERITRAIL_HTTP__HEADER_TIMEOUT_S", "2"),
        ("VERITRAIL_HTTP__KEEP_ALIVE_S", "2"),
        ("VERITRAIL_HTTP__IDLE_TIMEOUT_S", "3"),
    ]);
    let system = server.system(0).await;
    let token = system.token.as_ref().unwrap();
    let soon = Duration::from_secs(12);
    // Headers that don't come, for the first request and for a later one.
    let mut first = Raw::to(server.address()).await;
    first.say("GET /health/live HTTP/1.1\r\nho").await;
    let mut second = Raw::to(server.address()).await;
    second.get("/health/live", token).await;
    assert_eq!(second.told().await.status, 200);
    second.say("GET /health/live HTTP/1.1\r\nho").await;
    // No further request.
    let mut idle = Raw::to(server.address()).await;
    idle.get("/health/live", token).await;
    assert_eq!(idle.told().await.status, 200);
    let ended = tokio::join!(first.ends_within(soon), second.ends_within(soon), idle.ends_within(soon));
    assert_eq!(ended, (true, true, true));
    // Answers that are asked for again and again and never taken.
    let before = connections(&server);
    let mut untaken = Raw::to(server.address()).await;
    let request = format!("GET {PAGE} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
    for _ in 0..200 {
        let wrote = tokio::time::timeout(Duration::from_millis(100), untaken.0.write_all(request.as_bytes()));
        if wrote.await.is_err() {
            break;
        }
    }
    assert!(connections(&server) > before);
    let began = Instant::now();
    while connections(&server) > before {
        assert!(began.elapsed() < Duration::from_secs(20), "an answer that nobody takes is kept");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
