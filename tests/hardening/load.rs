//! Beyond so many requests at once, the rest are turned away at once, and those who are in are served.

use tokio::io::AsyncWriteExt as _;

use crate::{
    hardening::{Raw, configured},
    support::{Caller, Ledger, Server, data},
};

/// The head of a delivery of so many bytes.
fn delivery(server: &Server, token: &str, length: usize) -> String {
    let institution = server.institution(0);
    format!(
        "POST /v1/transactions:batch?institution={institution} HTTP/1.1\r\nhost: x\r\n\
         authorization: Bearer {token}\r\ncontent-type: application/x-ndjson\r\n\
         content-length: {length}\r\n\r\n"
    )
}

/// Lines of more than 64 KiB: a request that has so much of its body is one at work.
fn many_lines() -> String {
    let lines: Vec<_> = (0..500).map(|_| data::transaction(&data::unique("load"))).collect();
    let lines = data::ndjson(&lines);
    assert!(lines.len() > 80_000, "{}", lines.len());
    lines
}

/// Whether a request is answered with this status within a while.
async fn comes(server: &Server, status: u16) -> bool {
    let stranger = server.stranger();
    for _ in 0..50 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        if stranger.get("/v1/transactions").await.status == status {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn beyond_the_limit_requests_are_turned_away_unread_and_unrecorded_and_probes_are_answered() {
    let (server, _folder) = configured(&[("VERITRAIL_LIMITS__CONCURRENCY_MAX", "2")]);
    let feeder = server.feeder().await;
    let operator = server.operator().await;
    let token = feeder.token.clone().unwrap();
    let lines = many_lines();
    let (most, rest) = lines.split_at(lines.len() - 100);
    let mut busy = Vec::new();
    while busy.len() < 2 || !comes(&server, 503).await {
        assert!(busy.len() < 10, "503 did not come");
        let mut connection = Raw::to(server.address()).await;
        connection.say(delivery(&server, &token, lines.len())).await;
        connection.say(most).await;
        busy.push(connection);
    }

    // Before the token is looked at, and before the body has come.
    let ledger = Ledger::of(&server);
    let denied = ledger.strangers("GET", "/v1/transactions").await;
    let turned_away = server.stranger().get("/v1/transactions").await;
    assert_eq!(turned_away.header("retry-after"), Some("1"));
    turned_away.problem(503, "overloaded");
    assert_eq!(ledger.strangers("GET", "/v1/transactions").await, denied);
    let mut unread = Raw::to(server.address()).await;
    unread.say(delivery(&server, &token, 1 << 20)).await;
    unread.told().await.problem(503, "overloaded");
    for probe in ["/health/live", "/health/ready"] {
        server.stranger().get(probe).await.ok();
    }
    // Nor are the operator and the collector of metrics kept out.
    operator.get("/admin/v1/institutions").await.ok();
    assert_eq!(Caller::stranger(server.admin_url()).get("/metrics").await.status, 200);
    server.stranger().get("/v1/transactions").await.problem(503, "overloaded");

    // Those who were in are served to the end, and then others are.
    let mut served = 0;
    for connection in &mut busy {
        // One that came back for its slot while the question above held it was turned away.
        let _ = connection.0.write_all(rest.as_bytes()).await;
        let told = connection.told().await;
        match told.status {
            200..300 => served += 1,
            _ => told.problem(503, "overloaded"),
        }
    }
    assert_eq!(served, 2);
    feeder
        .deliver(server.institution(0), &data::ndjson(&[data::transaction(&data::unique("after"))]))
        .await
        .ok();
}

#[tokio::test]
async fn requests_whose_bodies_are_awaited_keep_nobody_out() {
    let (server, _folder) = configured(&[
        ("VERITRAIL_LIMITS__CONCURRENCY_MAX", "2"),
        ("VERITRAIL_LIMITS__BODY_MIN_BYTES_PER_S", "0"),
    ]);
    let feeder = server.feeder().await;
    let mut slow = Vec::new();
    for _ in 0..40 {
        let mut connection = Raw::to(server.address()).await;
        connection.say(delivery(&server, feeder.token.as_ref().unwrap(), 1 << 20)).await;
        connection.say("{\"").await;
        slow.push(connection);
    }
    assert!(comes(&server, 401).await);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    for _ in 0..40 {
        feeder.get("/v1/nowhere").await.problem(404, "not_found");
    }
    drop(slow);
}
