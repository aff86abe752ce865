//! A request's body: how long it may take, and how it may be encoded.

use std::time::{Duration, Instant};

use reqwest::Method;

use crate::{
    hardening::{Raw, configured},
    support::{Server, data},
};

/// Drips a body, a byte each 100 ms, until it is answered; what came, and after how long.
async fn drip(server: &Server, head: &str) -> (u16, String, Duration) {
    let began = Instant::now();
    let mut connection = Raw::to(server.address()).await;
    connection.say(head).await;
    let mut look = [0];
    let told = loop {
        tokio::select! {
            // A look, not a read: it may be given up at any time.
            _ = connection.0.peek(&mut look) => break connection.told().await,
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
        }
        connection.say(" ").await;
    };
    let took = began.elapsed();
    told.problem(408, "request_timeout");
    assert!(connection.ends_within(Duration::from_secs(5)).await, "the connection stays open");
    (told.status, told.body, took)
}

fn token_request(length: usize) -> String {
    format!(
        "POST /oauth2/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {length}\r\n\r\n"
    )
}

#[tokio::test]
async fn a_body_that_drips_is_given_up_after_the_grace_and_the_connection_closed() {
    let (server, _folder) = configured(&[]);
    let (_, body, took) = drip(&server, &token_request(10_000)).await;
    assert!(body.contains("1024 bytes a second"), "{body}");
    assert!(took > Duration::from_millis(4_900) && took < Duration::from_secs(12), "{took:?}");
}

#[tokio::test]
async fn a_body_has_its_time_at_any_rate() {
    let (server, _folder) = configured(&[
        ("VERITRAIL_LIMITS__BODY_TIMEOUT_S", "2"),
        ("VERITRAIL_LIMITS__BODY_MIN_BYTES_PER_S", "0"),
    ]);
    let (_, body, took) = drip(&server, &token_request(10_000)).await;
    assert!(body.contains("2 s"), "{body}");
    assert!(took > Duration::from_millis(1_900) && took < Duration::from_secs(9), "{took:?}");
    // In chunks as well: the length is not what counts.
    let chunked = "POST /oauth2/token HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\
                   content-type: application/x-www-form-urlencoded\r\n\r\n4\r\nabcd\r\n4000\r\n";
    drip(&server, chunked).await;
}

#[tokio::test]
async fn a_body_that_keeps_the_rate_may_take_longer_than_the_grace() {
    let (server, _folder) = configured(&[]);
    let feeder = server.feeder().await;
    let lines = (0..60).map(|_| data::transaction(&data::unique("slow"))).collect::<Vec<_>>();
    let lines = data::ndjson(&lines);
    let mut connection = Raw::to(server.address()).await;
    let (institution, length) = (server.institution(0), lines.len());
    let token = feeder.token.as_ref().unwrap();
    connection
        .say(format!(
            "POST /v1/transactions:batch?institution={institution} HTTP/1.1\r\nhost: x\r\n\
             authorization: Bearer {token}\r\ncontent-type: application/x-ndjson\r\n\
             content-length: {length}\r\n\r\n"
        ))
        .await;
    let began = Instant::now();
    let steps = 14;
    for chunk in lines.as_bytes().chunks(length.div_ceil(steps)) {
        connection.say(chunk).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(began.elapsed() > Duration::from_secs(5));
    let told = connection.told().await;
    assert!((200..300).contains(&told.status), "{told:?}");
}

#[tokio::test]
async fn an_encoded_body_is_refused_however_the_header_says_it() {
    let feeder = Server::shared().feeder().await;
    let institution = Server::shared().institution(0);
    let line = data::ndjson(&[data::transaction(&data::unique("encoded"))]);
    for codings in [
        &["br"][..],
        &["gzip"],
        &["zstd"],
        &["deflate"],
        &["GZIP"],
        &["gzip, br"],
        &["identity, gzip"],
        &["identity", "gzip"],
        &["gzip", "identity"],
        &[""],
    ] {
        let mut request = feeder
            .request(Method::POST, &format!("/v1/transactions:batch?institution={institution}"))
            .header("content-type", "application/x-ndjson")
            .body(line.clone());
        for coding in codings {
            request = request.header("content-encoding", *coding);
        }
        feeder.send(request).await.problem(415, "unsupported_media_type");
    }
    let plain = feeder.delivery(institution, &line).header("content-encoding", "identity");
    feeder.send(plain).await.ok();
}
