//! Reports: how much memory one of 100,000 transactions takes, beside one of 10,000.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    postgres::Postgres,
    process::Process,
    site::Site,
    table::{POSTGRES_ON, Row, Target},
};

const SMALL: usize = 10_000;
const LARGE: usize = 100_000;
/// What memory may grow by, in MiB.
const MEMORY: f64 = 64.0;

/// Statements of a log of 10,000 and of one of 100,000 transactions: of all accounts, one for each year.
pub async fn rows(postgres: &Postgres) -> Vec<Row> {
    let small = made(postgres, SMALL).await;
    let large = made(postgres, LARGE).await;
    let what = "account statements of 100,000 transactions";
    vec![
        Row::new(format!("{what}: memory above idle"), large, MEMORY, "MiB")
            .against("64 MiB")
            .target(Target::AtMost(1.0))
            .durable(POSTGRES_ON),
        Row::new(format!("{what}: memory above idle"), large, small.max(1.0), "MiB")
            .against("of 10,000 transactions")
            .durable(POSTGRES_ON),
    ]
}

/// Memory above idle in MiB for the statements of a whole log.
async fn made(postgres: &Postgres, size: usize) -> f64 {
    let site = Site::new(size, Some(postgres.database())).await;
    let server = Process::serve(&site);
    server.ready().await;
    let token = server.token(&site.bank).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let base = format!("http://{}/v1", server.address);
    let get = async |path: &str| -> Value {
        client.get(format!("{base}{path}")).bearer_auth(&token).send().await.unwrap().json().await.unwrap()
    };
    let first = get("/transactions?sort=booking_date&limit=1").await;
    let last = get("/transactions?sort=-booking_date&limit=1").await;
    let year =
        |page: &Value| -> i16 { page["data"][0]["booking_date"].as_str().unwrap()[..4].parse().unwrap() };
    let idle = server.memory_mib("VmRSS");
    for year in year(&first)..=year(&last) {
        let order = json!({"type": "account-statement", "period": year.to_string()}).to_string();
        let ordered = client.post(format!("{base}/reports")).bearer_auth(&token).body(order);
        let ordered = ordered.header("content-type", "application/json").send().await.unwrap();
        let report: Value = ordered.json().await.unwrap();
        let path =
            format!("/reports/{}/versions/1", report["id"].as_str().unwrap_or_else(|| panic!("{report}")));
        while get(&path).await["state"] == "producing" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(get(&path).await["state"], "ready");
    }
    server.memory_mib("VmHWM") - idle
}
