//! Reading: a page's cost beside the same SQL without the service, and as the log grows.

use std::{sync::Arc, time::Duration};

use super::{
    load::{Load, Requests, closed, get, paced},
    process::Process,
    site::Site,
    table::{POSTGRES_ON, Row, SQLITE_FULL, Target},
};

const PAGE: &str = "/v1/transactions?limit=100";
const CONNECTIONS: usize = 64;
const WARM: Duration = Duration::from_millis(500);
const FULL_LOAD: Duration = Duration::from_secs(4);
const PART_LOAD: Duration = Duration::from_secs(5);
/// Part of its full throughput at which a server's latency and CPU time are taken.
const PART: f64 = 0.7;

struct Measured {
    full: Load,
    part: Load,
    /// At part load.
    cpu_us: f64,
}

async fn measure(server: &Process, requests: &Requests) -> Measured {
    closed(server.address, requests, CONNECTIONS, WARM).await;
    let full = closed(server.address, requests, CONNECTIONS, FULL_LOAD).await;
    let before = server.cpu_s();
    let part = paced(server.address, requests, CONNECTIONS, PART_LOAD, full.per_second * PART).await;
    let cpu_us = (server.cpu_s() - before) * 1e6 / part.requests();
    Measured { full, part, cpu_us }
}

async fn with_token(server: &Process, site: &Site) -> Measured {
    let token = server.token(&site.bank).await;
    measure(server, &Arc::new(vec![get(PAGE, Some(&token))])).await
}

/// A page of 100 transactions, authenticated, limited and audited.
pub async fn cost(site: &Site) -> Vec<Row> {
    let durability = if site.database.is_some() { POSTGRES_ON } else { SQLITE_FULL };
    let server = Process::own("bare", site);
    server.ready().await;
    let bare = measure(&server, &Arc::new(vec![get(PAGE, None)])).await;
    drop(server);
    let server = Process::own("unrecorded", site);
    server.ready().await;
    let unrecorded = with_token(&server, site).await;
    drop(server);
    let server = Process::serve(site);
    server.ready().await;
    let ours = with_token(&server, site).await;
    drop(server);
    let what = "page of 100, authenticated, limited, audited";
    let same = "the same SQL behind a bare actix handler";
    let off = "the same page with recording off";
    vec![
        Row::new(format!("{what}: CPU at 70 %"), ours.cpu_us, bare.cpu_us, "us/request")
            .against(same)
            .target(Target::AtMost(1.5)),
        Row::new(format!("{what}: p99 at 70 %"), ours.part.p99_ms(), bare.part.p99_ms(), "ms").against(same),
        Row::new(format!("{what}: throughput"), ours.full.per_second, bare.full.per_second, "requests/s")
            .against(same),
        Row::new(
            "audit tax: throughput, 64 connections",
            ours.full.per_second,
            unrecorded.full.per_second,
            "requests/s",
        )
        .against(off)
        .target(Target::AtLeast(0.75)),
        Row::new("audit tax: CPU at 70 %", ours.cpu_us, unrecorded.cpu_us, "us/request").against(off),
    ]
    .into_iter()
    .map(|row| row.durable(durability))
    .collect()
}

/// The p99 of pages from all over the log, at a load that no log size is pressed by.
async fn p99_anywhere(site: &Site) -> f64 {
    const PER_SECOND: f64 = 100.0;
    let server = Process::serve(site);
    server.ready().await;
    let token = server.token(&site.bank).await;
    let days: Vec<Vec<u8>> = (0..600)
        .map(|day| {
            // A prime stride: neighbouring requests are far apart in the log.
            let day =
                jiff::civil::date(2024, 8, 1) + jiff::SignedDuration::from_hours(24 * (day * 367 % 600));
            get(&format!("{PAGE}&booking_date[gte]={day}"), Some(&token))
        })
        .collect();
    let requests = Arc::new(days);
    closed(server.address, &requests, 2, WARM).await;
    paced(server.address, &requests, 8, Duration::from_secs(8), PER_SECOND).await.p99_ms()
}

/// How a page's p99 grows with the log.
pub async fn growth(small: &Site) -> Vec<Row> {
    let floor = p99_anywhere(small).await;
    let mut sizes = vec![("100,000", 100_000)];
    if std::env::var_os("VERITRAIL_BENCH_FULL").is_some_and(|full| full == "1") {
        sizes.push(("1,000,000", 1_000_000));
    }
    let mut rows = Vec::new();
    for (name, size) in sizes {
        let ours = p99_anywhere(&Site::new(size, None).await).await;
        rows.push(
            Row::new(format!("growth: page p99 with {name} transactions"), ours, floor, "ms")
                .against("with 10,000")
                .target(Target::AtMost(1.5))
                .durable(SQLITE_FULL),
        );
    }
    rows
}

/// From the process's start until it says that it is ready.
pub async fn cold_start(site: &Site) -> Row {
    let mut took_ms = Vec::new();
    for _ in 0..7 {
        let server = Process::serve(site);
        took_ms.push(server.ready().await.as_secs_f64() * 1000.0);
    }
    took_ms.sort_by(f64::total_cmp);
    Row::new("cold start to ready, median of 7", took_ms[3], 200.0, "ms")
        .against("200 ms")
        .target(Target::AtMost(1.0))
        .durable(SQLITE_FULL)
}
