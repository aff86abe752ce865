//! Taking it all: how long an export of the whole log takes beside `psql \copy` of the same rows, and how
//! far the service's memory grows meanwhile.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    postgres::Postgres,
    process::Process,
    site::Site,
    table::{POSTGRES_ON, Row, Target},
};

/// What memory may grow by, in MiB.
const MEMORY: f64 = 64.0;
const FORMATS: [&str; 3] = ["csv", "ndjson", "parquet"];

/// Exports of a log in each format. Each format is taken three times, and so is the floor; the median
/// counts.
pub async fn rows(postgres: &Postgres) -> Vec<Row> {
    let full = std::env::var_os("VERITRAIL_BENCH_FULL").is_some_and(|full| full == "1");
    let (name, size) = if full { ("1,000,000", 1_000_000) } else { ("100,000", 100_000) };
    let site = Site::new(size, Some(postgres.database())).await;
    let floor = median((0..3).map(|_| copy(postgres, &site, size)).collect());
    let mut rows = Vec::new();
    for format in FORMATS {
        let server = Process::serve(&site);
        server.ready().await;
        let token = server.token(&site.bank).await;
        let idle = server.memory_mib("VmRSS");
        let mut took = Vec::new();
        for _ in 0..3 {
            took.push(export(&server, &token, format, size).await);
        }
        let most = server.memory_mib("VmHWM");
        let per_second = |seconds: f64| size as f64 / seconds;
        let what = format!("export of {name} transactions as {format}");
        rows.push(
            Row::new(format!("{what}: rows"), per_second(median(took)), per_second(floor), "rows/s")
                .against("psql \\copy of the same rows")
                .target(if format == "csv" { Target::AtLeast(0.7) } else { Target::None })
                .durable(POSTGRES_ON),
        );
        rows.push(
            Row::new(format!("{what}: memory above idle"), most - idle, MEMORY, "MiB")
                .against("64 MiB")
                .target(Target::AtMost(1.0))
                .durable(POSTGRES_ON),
        );
    }
    rows
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

/// Seconds that psql takes to write the rows of the table as CSV.
fn copy(postgres: &Postgres, site: &Site, size: usize) -> f64 {
    let folder = super::site::folder();
    let file = folder.path().join("floor.csv");
    let mut psql = postgres.psql(&site.database.as_ref().unwrap().name, "postgres");
    psql.arg("--command").arg(format!(
        "\\copy (SELECT * FROM veritrail.transactions ORDER BY institution_id, seq) TO '{}' CSV HEADER",
        file.display()
    ));
    let began = Instant::now();
    assert!(psql.status().unwrap().success());
    let took = began.elapsed().as_secs_f64();
    let lines = std::fs::read_to_string(&file).unwrap().lines().count();
    assert!(lines > size, "psql wrote {lines} lines");
    took
}

/// Seconds from the order until every part is ready, hashed.
async fn export(server: &Process, token: &str, format: &str, size: usize) -> f64 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let exports = format!("http://{}/v1/exports", server.address);
    let began = Instant::now();
    let order = json!({"of": "transactions", "format": format}).to_string();
    let ordered = client.post(&exports).bearer_auth(token).header("content-type", "application/json");
    let mut export: Value = ordered.body(order).send().await.unwrap().json().await.unwrap();
    let one = format!("{exports}/{}", export["id"].as_str().unwrap_or_else(|| panic!("{export}")));
    while export["state"] == "preparing" {
        tokio::time::sleep(Duration::from_millis(10)).await;
        export = client.get(&one).bearer_auth(token).send().await.unwrap().json().await.unwrap();
    }
    let took = began.elapsed().as_secs_f64();
    assert!(export["state"] == "ready" && rows_of(&export) >= size, "{export}");
    took
}

fn rows_of(export: &Value) -> usize {
    let parts = export["parts"].as_array().unwrap();
    parts.iter().map(|part| part["rows"].as_u64().map_or(0, |rows| usize::try_from(rows).unwrap())).sum()
}
