//! Every guard of the schema is needed: take any one away, and it shows.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::{
    postgres, superuser,
    violations::{self, LEDGER_TABLES, TENANT_TABLES},
};
use crate::support::{Server, bank::Bank, engine::database_of, ledger::uuid, postgres::Database};

/// Statements that each take one guard away.
async fn ways_to_weaken(connection: &mut PgConnection) -> Vec<String> {
    let mut ways: Vec<String> = Vec::new();
    for table in TENANT_TABLES {
        ways.push(format!("DROP POLICY scope ON {table}; CREATE POLICY scope ON {table} USING (true)"));
        ways.push(format!("CREATE POLICY another ON {table} USING (true)"));
        ways.push(format!("ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"));
        ways.push(format!("ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"));
    }
    for table in LEDGER_TABLES {
        for privilege in ["UPDATE", "DELETE", "TRUNCATE"] {
            ways.push(format!("GRANT {privilege} ON {table} TO veritrail_service"));
            ways.push(format!("GRANT {privilege} ON {table} TO PUBLIC"));
        }
        ways.push(format!("GRANT UPDATE (institution_id) ON {table} TO veritrail_service"));
    }
    // Each trigger, of the tables and of their partitions, taken away or made an ordinary one.
    let triggers: Vec<(String, String, bool)> = sqlx::query_as(
        "SELECT t.tgname::text, c.relname::text, t.tgparentid <> 0 FROM pg_trigger t \
         JOIN pg_class c ON c.oid = t.tgrelid \
         WHERE c.relnamespace = 'veritrail'::regnamespace AND NOT t.tgisinternal",
    )
    .fetch_all(connection)
    .await
    .unwrap();
    for (trigger, table, inherited) in triggers {
        if !inherited {
            ways.push(format!("DROP TRIGGER {trigger} ON {table}"));
        }
        ways.push(format!("ALTER TABLE {table} ENABLE TRIGGER {trigger}"));
        ways.push(format!("ALTER TABLE {table} DISABLE TRIGGER {trigger}"));
    }
    ways
}

#[tokio::test]
async fn the_services_role_changes_nothing_sees_nobody_elses_rows_and_every_guard_is_needed() {
    if postgres().is_none() {
        return;
    }
    let mut server = Server::demo(&[]);
    // A bundle under an idempotency key and an export, so that no table is without rows. Usage is stored
    // every few seconds.
    for index in [0, 1] {
        let system = server.system(index).await;
        let order = system.request(reqwest::Method::POST, "/v1/evidence-bundles");
        let order = order.header("idempotency-key", "guards").json(&serde_json::json!({}));
        let made = system.send(order).await.ok();
        system.until_ready(made["id"].as_str().unwrap()).await;
        let order = serde_json::json!({"of": "transactions", "format": "csv"});
        let made = system.post("/v1/exports", &order).await.ok();
        system.until_exported(made["id"].as_str().unwrap()).await;
        let endpoint = serde_json::json!({"url": "https://hooks.bank.example/guards"});
        let made = system.post("/v1/webhooks", &endpoint).await.ok();
        let test = format!("/v1/webhooks/{}/test", made["id"].as_str().unwrap());
        system.send(system.request(reqwest::Method::POST, &test)).await.ok();
        // A statement whose balances do not add up: there is a finding.
        let bank = Bank::of_the_demo(&server, index).await;
        let statement = ":20:A\r\n:25:10020030/1234567\r\n:28C:84/1\r\n:60F:C260331EUR10,00\r\n\
                         :61:2603310331D3,50NMSCNONREF//7\r\n:62F:C260331EUR9,99\r\n-\r\n";
        let intake = bank.take("format=mt940", "text/plain", statement).await;
        assert_eq!(bank.findings(&intake).await.len(), 1, "{intake}");
        let mapping = include_str!("../../gateway/src/intake/example_mapping.toml");
        let put = bank.feeder.request(reqwest::Method::PUT, &bank.path("/v1/intake-mappings/guards"));
        bank.feeder.send(put.header("content-type", "application/toml").body(mapping)).await.ok();
        let columns = serde_json::json!({"fields": {"a": {"inputFields": [
            {"namespace": "here", "name": "in", "field": "b"}]}}});
        let event = serde_json::json!({
            "eventTime": "2026-01-05T09:30:00Z", "run": {"runId": "r"}, "job": {"namespace": "etl", "name": "j"},
            "inputs": [{"namespace": "here", "name": "in"}],
            "outputs": [{"namespace": "here", "name": "out", "facets": {"columnLineage": columns}}],
        });
        system.post("/api/v1/lineage", &event).await.ok();
        crate::support::reports::report_with_all(&system).await;
        server.grant_to_come(index, &["reports:read"]).await;
    }
    let checked = server.run(&["fsck"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let ids = [0, 1].map(|index| uuid(server.institution(index)).to_string());
    let mut connection = superuser(&database_of(server.data_dir()).unwrap()).await;
    let began = std::time::Instant::now();
    while sqlx::query_scalar(
        "SELECT count(DISTINCT institution_id) FROM usage WHERE institution_id = ANY ($1::text[]::uuid[])",
    )
    .bind(ids.to_vec())
    .fetch_one(&mut connection)
    .await
    .is_ok_and(|stored: i64| stored < 2)
    {
        assert!(began.elapsed().as_secs() < 60, "usage is not stored");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }

    // What follows locks whole tables within a transaction: with readers about, PostgreSQL would end one of the
    // two, and a refusal for that reason would pass for a guard's.
    assert!(server.terminate().success());
    // Two of the same: a machine of two cores has something to do for both.
    connection.close().await.unwrap();
    let database = database_of(server.data_dir()).unwrap();
    let (mut other, mut any) = (database.clone(), database.clone());
    other.name.push_str("_again");
    "postgres".clone_into(&mut any.name);
    let copy = format!("CREATE DATABASE \"{}\" TEMPLATE \"{}\"", other.name, database.name);
    let mut connection = PgConnection::connect(&any.superuser_url()).await.unwrap();
    connection.execute(AssertSqlSafe(copy)).await.unwrap();
    tokio::join!(weaken(&database, &ids, 0), weaken(&other, &ids, 1));
}

/// Takes away every other guard of a database, one after the other: each is missed.
async fn weaken(database: &Database, ids: &[String; 2], first: usize) {
    let mut connection = superuser(database).await;
    let mut transaction = connection.begin().await.unwrap();
    let found = violations::all(&mut transaction, &ids[0], &ids[1]).await;
    assert!(found.is_empty(), "{found:#?}");
    let mut ways = ways_to_weaken(&mut transaction).await;
    ways.sort();
    transaction.rollback().await.unwrap();
    assert!(ways.len() > 90, "only {} guards were found", ways.len());
    for way in ways.into_iter().skip(first).step_by(2) {
        let mut transaction = connection.begin().await.unwrap();
        transaction.execute(sqlx::raw_sql(AssertSqlSafe(way.clone()))).await.unwrap();
        // Most show in the catalogue, which is quick to read; the others when somebody tries.
        let mut shows = violations::catalogue(&mut transaction).await;
        if shows.is_empty() {
            shows = violations::all(&mut transaction, &ids[0], &ids[1]).await;
        }
        assert!(!shows.is_empty(), "nobody notices: {way}");
        transaction.rollback().await.unwrap();
    }
}
