//! The way out: readiness first, then the listeners, then those under way, and all of them are served.

use std::time::{Duration, Instant};

use crate::{
    hardening::{Raw, configured},
    support::{Server, data},
};

fn signal(server: &Server) {
    let pid = server.pid().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
}

/// A delivery of which all but the end is sent, and that end.
async fn half_sent(server: &Server) -> (Raw, String) {
    let feeder = server.feeder().await;
    let line = data::ndjson(&[data::transaction(&data::unique("stop"))]);
    let (institution, token) = (server.institution(0), feeder.token.unwrap());
    let mut connection = Raw::to(server.address()).await;
    let (begin, end) = line.split_at(line.len() / 2);
    connection
        .say(format!(
            "POST /v1/transactions:batch?institution={institution} HTTP/1.1\r\nhost: x\r\n\
             authorization: Bearer {token}\r\ncontent-type: application/x-ndjson\r\n\
             content-length: {}\r\n\r\n{begin}",
            line.len()
        ))
        .await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    (connection, end.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_goes_first_and_no_request_under_way_fails() {
    let (mut server, _folder) = configured(&[("VERITRAIL_HTTP__DRAIN_S", "2")]);
    let system = server.system(0).await;
    let (mut delivery, end) = half_sent(&server).await;
    let mut kept = Raw::to(server.address()).await;
    kept.get("/v1/transactions?limit=1", system.token.as_ref().unwrap()).await;
    assert_eq!(kept.told().await.header("connection"), None);
    let stranger = server.stranger();
    stranger.get("/health/ready").await.ok();
    // Clients behind a balancer, which sends nothing more once readiness says so.
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (system, stranger) = (system.clone(), stranger.clone());
            tokio::spawn(async move {
                let mut served = 0;
                while stranger.get("/health/ready").await.status == 200 {
                    system.get("/v1/transactions?limit=1").await.ok();
                    served += 1;
                    // Within the client's limit.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                served
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    signal(&server);
    let mut served = 0;
    for client in clients {
        served += client.await.expect("no request fails");
    }
    assert!(served > 4, "only {served} were under way");
    // Still listening, not ready.
    let told = stranger.get("/health/ready").await;
    assert_eq!((told.status.as_u16(), told.json()["status"].clone()), (503, "stopping".into()));
    stranger.get("/health/live").await.ok();
    // A client that keeps its connection is told to go elsewhere.
    kept.get("/v1/transactions?limit=1", system.token.as_ref().unwrap()).await;
    let told = kept.told().await;
    assert_eq!((told.status, told.header("connection")), (200, Some("close")), "{told:?}");
    assert!(kept.ends_within(Duration::from_secs(1)).await, "the connection stays open");
    // When nobody is heard any more, who is under way is still served.
    let began = Instant::now();
    while tokio::net::TcpStream::connect(server.address()).await.is_ok() {
        assert!(began.elapsed() < Duration::from_secs(10), "it goes on listening");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    delivery.say(end).await;
    let told = delivery.told().await;
    assert!((200..300).contains(&told.status), "{told:?}");
    assert!(tokio::task::spawn_blocking(move || server.terminated()).await.unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_it_at_once() {
    let (mut server, _folder) = configured(&[("VERITRAIL_HTTP__DRAIN_S", "30")]);
    signal(&server);
    let stranger = server.stranger();
    while stranger.get("/health/ready").await.status == 200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let began = Instant::now();
    signal(&server);
    let status = tokio::task::spawn_blocking(move || server.terminated()).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(status.code(), Some(1));
}
