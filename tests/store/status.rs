//! What checks found, added up by any number of processes, on either engine.

use serde_json::json;
use veritrail::{
    config::Config,
    ledger::{command::Rows, rounds},
    service::Ledger,
    store::status::{self, Check, Day},
};

use crate::support::{
    Server,
    behind::{Behind, behind},
    engine::database_of,
    ledger::uuid,
};

fn day(component: &str, day: &str, (checks, degraded, down): (i64, i64, i64)) -> Day {
    Day { component: component.to_owned(), day: day.to_owned(), checks, degraded, down }
}

fn check(checker: &str, state: &str, at_us: i64) -> Check {
    let (component, checker, state) = ("moon".to_owned(), checker.to_owned(), state.to_owned());
    Check { component, checker, state, at_us, fresh_until_us: at_us + 100 }
}

async fn store(ledger: &Ledger, days: Vec<Day>, checks: Vec<Check>, forget: Option<(&'static str, i64)>) {
    let rows: Rows = Box::new(move |connection, _| {
        Box::pin(async move {
            for row in &days {
                status::add(connection, row).await?;
            }
            for row in &checks {
                status::note(connection, row).await?;
            }
            if let Some((before, gone_us)) = forget {
                status::forget(connection, before, gone_us).await?;
            }
            Ok(())
        })
    });
    ledger.recorder.store(ledger.provider, rows).await.unwrap();
}

async fn opened(server: &Server) -> Ledger {
    let mut config = Config::default();
    config.storage.data_dir = server.data_dir().to_owned();
    if let Some(database) = database_of(server.data_dir()) {
        config.storage.postgres_url = database.service_url().as_str().into();
    }
    config.http.base_url = server.base_url().to_owned();
    config.http.origin = server.address().to_owned();
    Ledger::open(&config).await.unwrap()
}

#[tokio::test]
async fn institutions_for_which_something_failed_lately_are_counted_once_each() {
    let mut server = Server::demo(&[]);
    for (index, exports) in [(0, 2), (1, 1)] {
        let system = server.system(index).await;
        for _ in 0..exports {
            let made = system.post("/v1/exports", &json!({"of": "transactions", "format": "csv"})).await.ok();
            system.until_exported(made["id"].as_str().unwrap()).await;
        }
    }
    assert!(server.terminate().success());
    let ledger = opened(&server).await;
    let found = async || {
        let (mut stuck, mut failing) = (0, 0);
        for portion in rounds::portions(&ledger.db).await.unwrap() {
            let mut reader = ledger.db.read_many(&portion).await.unwrap();
            let more = status::presses(&mut reader, i64::MAX, 1_000).await.unwrap();
            (stuck, failing) = (stuck + more.0, failing + more.1);
        }
        (stuck, failing)
    };
    let fail = async |index: usize, at_us: i64| {
        let rows = Behind::of(server.data_dir());
        let sql = "UPDATE exports SET state = 'failed', finished_at_us = $2 WHERE institution_id = $1";
        let done = behind!(&rows, pool => {
            let query = sqlx::query(sql).bind(uuid(server.institution(index))).bind(at_us);
            query.execute(pool).await.map(|done| done.rows_affected())
        });
        rows.close().await;
        assert!(done.unwrap() > 0);
    };
    assert_eq!(found().await, (0, 0));
    fail(0, 999).await;
    assert_eq!(found().await, (0, 0), "that was long ago");
    fail(0, 1_000).await;
    assert_eq!(found().await, (0, 1), "two exports of one institution");
    fail(1, 1_000).await;
    assert_eq!(found().await, (0, 2));
    ledger.close().await;
}

#[tokio::test]
async fn days_add_up_the_newest_check_counts_and_old_days_go() {
    let mut server = Server::demo(&[]);
    assert!(server.terminate().success());
    let ledger = opened(&server).await;
    let here = |all: Vec<Day>| all.into_iter().filter(|row| row.component == "moon").collect::<Vec<_>>();

    let far = "9999-01-02";
    store(&ledger, vec![day("moon", far, (3, 1, 0))], vec![check("a", "down", 10)], None).await;
    let rows = vec![day("moon", far, (2, 0, 1)), day("moon", "9999-01-01", (1, 0, 0))];
    store(&ledger, rows, vec![check("a", "operational", 20), check("b", "degraded", 15)], None).await;
    let mut reader = ledger.db.directory().await.unwrap();
    let found = here(status::days(&mut reader, "9999-01-01").await.unwrap());
    assert_eq!(found, [day("moon", "9999-01-01", (1, 0, 0)), day("moon", far, (5, 1, 1))]);
    let mut checks = status::checks(&mut reader).await.unwrap();
    checks.retain(|row| row.component == "moon");
    checks.sort_by(|one, other| one.checker.cmp(&other.checker));
    assert_eq!(checks, [check("a", "operational", 20), check("b", "degraded", 15)]);
    drop(reader);

    store(&ledger, Vec::new(), Vec::new(), Some((far, 118))).await;
    let mut reader = ledger.db.directory().await.unwrap();
    assert_eq!(here(status::days(&mut reader, "0000-01-01").await.unwrap()), [day("moon", far, (5, 1, 1))]);
    let mut checks = status::checks(&mut reader).await.unwrap();
    checks.retain(|row| row.component == "moon");
    assert_eq!(checks, [check("a", "operational", 20)], "who is gone is forgotten");
    // Nothing of the demo's is stuck or late.
    assert_eq!(status::presses(&mut reader, i64::MAX, 0).await.unwrap(), (0, 0));
    assert_eq!(status::untold(&mut reader, i64::MAX).await.unwrap(), 0);
    drop(reader);
    ledger.close().await;
}
