//! Databases that the service does not start on, each with its reason.

use std::process::Output;

use super::postgres;
use crate::support::{postgres::Postgres, server::binary};

/// Starts the service on a database, which must fail; what it said.
fn refused(url: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let Output { status, stderr, .. } = std::process::Command::new(binary("veritrail"))
        .arg("serve")
        .env("VERITRAIL_STORAGE__DATA_DIR", folder.path())
        .env("VERITRAIL_STORAGE__POSTGRES_URL", url)
        .output()
        .unwrap();
    assert!(!status.success());
    String::from_utf8(stderr).unwrap()
}

#[track_caller]
fn assert_says(said: &str, reason: &str) {
    assert!(said.contains(reason), "{said}");
}

#[test]
fn the_service_does_not_start_as_a_superuser_or_as_the_owner() {
    let Some(server) = postgres() else { return };
    let database = server.database();
    assert_says(&refused(&database.superuser_url()), "superuser or bypasses row-level security");
    assert_says(&refused(&database.migrator_url()), "may become their owner");
}

#[test]
fn the_service_does_not_start_on_a_schema_that_is_not_its_own() {
    let Some(server) = postgres() else { return };
    let empty = server.empty_database("veritrail_empty");
    assert_says(&refused(&empty.service_url()), "run `veritrail migrate` first");
    let newer = server.database();
    let row = "INSERT INTO veritrail._sqlx_migrations VALUES (9999, 'later', now(), true, '', 0)";
    server.sql(&newer.name, row);
    assert_says(&refused(&newer.service_url()), "newer than this build knows");
}

#[test]
fn the_service_does_not_start_where_a_commit_can_be_lost() {
    if postgres().is_none() {
        return;
    }
    let server = Postgres::start();
    let database = server.database();
    let name = &database.name;
    server.sql(
        "postgres",
        &format!("ALTER ROLE veritrail_service IN DATABASE {name} SET synchronous_commit = off"),
    );
    assert_says(&refused(&database.service_url()), "synchronous_commit is off");
    server.sql("postgres", &format!("ALTER ROLE veritrail_service IN DATABASE {name} RESET ALL"));
    for setting in ["fsync", "full_page_writes"] {
        server.sql("postgres", &format!("ALTER SYSTEM SET {setting} = off;\nSELECT pg_reload_conf()"));
        let began = std::time::Instant::now();
        while server.sql("postgres", &format!("SHOW {setting}")) != "off" {
            assert!(began.elapsed().as_secs() < 10);
        }
        assert_says(&refused(&database.service_url()), &format!("{setting} is off"));
        server.sql("postgres", &format!("ALTER SYSTEM RESET {setting};\nSELECT pg_reload_conf()"));
        while server.sql("postgres", &format!("SHOW {setting}")) == "off" {
            assert!(began.elapsed().as_secs() < 20);
        }
    }
}
