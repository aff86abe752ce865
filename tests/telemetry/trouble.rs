//! A receiver that is down, or hangs, is nobody's trouble but its own.

use std::time::{Duration, Instant};

use tokio::{net::TcpListener, sync::watch};

use super::site::Site;

/// More requests than the exporter's queue has room for spans.
const REQUESTS: usize = 3_000;

/// Asks again and again; returns the slowest answer.
async fn slowest(site: &Site) -> Duration {
    let caller = site.demo.system(0).await;
    let mut slowest = Duration::ZERO;
    for _ in 0..REQUESTS {
        let began = Instant::now();
        let answer = caller.get("/health/live").await;
        slowest = slowest.max(began.elapsed());
        assert_eq!(answer.status, 200);
    }
    caller.get("/v1/transactions?limit=10").await.ok();
    slowest
}

#[tokio::test]
async fn a_receiver_that_is_down_slows_no_request_and_no_stop() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let mut site = Site::start(&format!("http://127.0.0.1:{port}"), 1).await;
    let slowest = slowest(&site).await;
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    let began = Instant::now();
    while !site.log().contains("ExportError") {
        assert!(began.elapsed() < Duration::from_secs(10), "that nothing is taken must be told");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (status, took) = site.terminate().await;
    assert!(status.success() && took < Duration::from_secs(6), "{status} after {took:?}");
}

#[tokio::test]
async fn a_receiver_that_hangs_slows_no_request_and_no_stop() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (connected, mut connections) = watch::channel(0);
    // Takes every connection, keeps it, and says nothing.
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            kept.push(stream);
            connected.send_replace(kept.len());
        }
    });
    let mut site = Site::start(&endpoint, 1).await;
    tokio::time::timeout(Duration::from_secs(10), connections.wait_for(|count| *count > 0))
        .await
        .unwrap()
        .unwrap();
    let slowest = slowest(&site).await;
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    let (status, took) = site.terminate().await;
    assert!(status.success() && took < Duration::from_secs(6), "{status} after {took:?}");
    assert!(site.log().contains("\"stopped\""));
}
