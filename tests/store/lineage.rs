//! Lineage made again while events go on coming.

use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::{postgres, superuser};
use crate::support::{Caller, Server, engine::database_of, ledger::uuid};

/// An event that tells the columns of what it wrote: it changes rows that are there.
async fn write(system: &Caller, job: &str, outputs: &[&str]) {
    let facets = json!({"schema": {"fields": [{"name": "amount", "type": "decimal"}]}});
    let output = |name: &&str| json!({"namespace": "here", "name": name, "facets": facets});
    let told = json!({
        "eventTime": "2026-01-05T09:30:00Z", "eventType": "COMPLETE", "run": {"runId": job},
        "job": {"namespace": "etl", "name": job}, "outputs": outputs.iter().map(output).collect::<Vec<_>>(),
    });
    system.post("/api/v1/lineage", &told).await.ok();
}

/// Until so many of the database's transactions wait for another.
async fn until_waiting(connection: &mut PgConnection, expected: i64) {
    let began = Instant::now();
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND cardinality(\
                   pg_blocking_pids(pid)) > 0";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut *connection).await.unwrap() < expected {
        assert!(began.elapsed() < Duration::from_secs(30), "nobody waits");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A rebuild takes datasets as they lie in the table, an event by their ids: here in opposite orders, so that each
/// would come to wait for the other if an event could begin within a rebuild.
#[tokio::test]
async fn an_event_that_comes_within_a_rebuild_waits_for_its_end() {
    if postgres().is_none() {
        return;
    }
    let server = Server::demo(&[]);
    let database = database_of(server.data_dir()).unwrap();
    let mut connection = superuser(&database).await;
    let mut watching = superuser(&database).await;
    // Ids are hashes of names. The other institution's tell in which order these come.
    write(&server.system(1).await, "learn", &["a", "b", "c"]).await;
    let by_id: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM lineage_datasets WHERE institution_id = $1 AND namespace = 'here' ORDER BY id",
    )
    .bind(uuid(server.institution(1)))
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let [low, middle, high] = by_id.as_slice() else { panic!("{by_id:?}") };
    let system = server.system(0).await;
    for (place, name) in [high, middle, low].into_iter().enumerate() {
        write(&system, &format!("first-{place}"), &[name]).await;
    }

    // The rebuild has dropped the first of them and waits for the second.
    let own = uuid(server.institution(0));
    let mut held = connection.begin().await.unwrap();
    let hold = "SELECT 1 FROM lineage_datasets WHERE institution_id = $1 AND name = $2 FOR UPDATE";
    sqlx::query(AssertSqlSafe(hold)).bind(own).bind(middle).execute(&mut *held).await.unwrap();
    let mut rebuild = server.begin(&["lineage", "rebuild", "--institution", server.institution(0)]);
    until_waiting(&mut watching, 1).await;
    let (low, high) = (low.clone(), high.clone());
    let event = tokio::spawn(async move { write(&system, "within", &[&low, &high]).await });
    until_waiting(&mut watching, 2).await;
    held.rollback().await.unwrap();

    event.await.expect("the event is on record");
    let ended = tokio::task::spawn_blocking(move || rebuild.wait().unwrap()).await.unwrap();
    assert!(ended.success(), "the rebuild ends well: {ended}");
    let runs: i64 = sqlx::query_scalar("SELECT count(*) FROM lineage_runs WHERE institution_id = $1")
        .bind(own)
        .fetch_one(&mut watching)
        .await
        .unwrap();
    assert!(runs >= 4, "of each event, its run: {runs}");
}
