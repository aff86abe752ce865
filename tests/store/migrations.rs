//! One schema on two engines: the migrations come in pairs, and make the same tables.

use std::{collections::BTreeSet, path::Path};

use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use super::{postgres, superuser};
use crate::support::{Server, behind::Behind, engine::Engine, server::binary};

fn files(engine: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations").join(engine);
    let names = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).filter(|name| name != "roles.sql").collect()
}

#[test]
fn migrations_come_in_pairs() {
    assert_eq!(files("sqlite"), files("postgres"));
}

/// A table's columns, as `table.column type [not null]`, and its keys and indexes.
type Shape = BTreeSet<String>;

/// Types that are the same thing under two names.
fn common(kind: &str) -> &str {
    match kind {
        "BLOB" | "bytea" | "uuid" => "bytes",
        "TEXT" | "text" | "date" => "text",
        "INTEGER" | "bigint" | "boolean" => "number",
        other => panic!("say here what {other} is"),
    }
}

async fn sqlite_shape(data_dir: &Path) -> Shape {
    let Behind::Sqlite(pool) = Behind::of(data_dir) else { panic!("a run on SQLite") };
    let mut shape = Shape::new();
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' \
                  AND name NOT LIKE 'sqlite%'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&pool).await.unwrap();
    for table in tables {
        let columns =
            format!("SELECT name, type, \"notnull\" OR pk > 0, pk FROM pragma_table_info('{table}')");
        let columns = sqlx::query(AssertSqlSafe(columns)).fetch_all(&pool).await.unwrap();
        let mut key: Vec<(i64, String)> = Vec::new();
        for row in &columns {
            let (name, kind): (String, String) = (row.get(0), row.get(1));
            let required = if row.get::<i64, _>(2) > 0 { " not null" } else { "" };
            shape.insert(format!("{table}.{name} {}{required}", common(&kind)));
            key.push((row.get(3), name));
        }
        key.sort();
        let key: Vec<String> =
            key.into_iter().filter(|(place, _)| *place > 0).map(|(_, name)| name).collect();
        shape.insert(format!("{table} unique ({})", key.join(", ")));
        let indexes =
            format!("SELECT name, \"unique\" FROM pragma_index_list('{table}') WHERE origin <> 'pk'");
        for index in sqlx::query(AssertSqlSafe(indexes)).fetch_all(&pool).await.unwrap() {
            let name: String = index.get(0);
            let columns = format!("SELECT name FROM pragma_index_info('{name}') ORDER BY seqno");
            let columns: Vec<String> =
                sqlx::query_scalar(AssertSqlSafe(columns)).fetch_all(&pool).await.unwrap();
            let unique = if index.get::<i64, _>(1) > 0 { "unique" } else { "index" };
            shape.insert(format!("{table} {unique} ({})", columns.join(", ")));
        }
    }
    shape
}

async fn postgres_shape() -> Shape {
    let mut connection = superuser(&postgres_server().database()).await;
    let rows: Vec<(String, String, String, bool)> = sqlx::query_as(
        "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL), a.attnotnull \
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
         WHERE c.relnamespace = 'veritrail'::regnamespace AND c.relkind IN ('r', 'p') \
         AND NOT c.relispartition AND c.relname NOT LIKE '\\_%'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let mut shape: Shape = rows
        .into_iter()
        .map(|(table, name, kind, required)| {
            format!("{table}.{name} {}{}", common(&kind), if required { " not null" } else { "" })
        })
        .collect();
    let indexes: Vec<(String, bool, String)> = sqlx::query_as(
        "SELECT c.relname::text, i.indisunique, string_agg(a.attname, ', ' ORDER BY k.place) \
         FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid \
         CROSS JOIN LATERAL unnest(i.indkey::int[]) WITH ORDINALITY AS k (attnum, place) \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum \
         WHERE c.relnamespace = 'veritrail'::regnamespace AND NOT c.relispartition AND c.relname NOT LIKE '\\_%' \
         GROUP BY c.relname, i.indexrelid, i.indisunique",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    shape.extend(indexes.into_iter().map(|(table, unique, columns)| {
        format!("{table} {} ({columns})", if unique { "unique" } else { "index" })
    }));
    shape
}

/// This test compares both engines, so it starts the other one too.
fn postgres_server() -> &'static crate::support::postgres::Postgres {
    crate::support::postgres::Postgres::shared()
}

#[tokio::test]
async fn both_engines_end_up_with_the_same_tables_columns_and_keys() {
    if Engine::of_this_run() == Engine::Postgres {
        return;
    }
    let (sqlite, postgres) = (sqlite_shape(Server::shared().data_dir()).await, postgres_shape().await);
    assert!(sqlite.len() > 100, "{sqlite:?}");
    let only_there: Vec<&String> = postgres.difference(&sqlite).collect();
    let only_here: Vec<&String> = sqlite.difference(&postgres).collect();
    // Where several processes append, the database itself refuses a second entry on the same one; and
    // every key of a table that may be spread over machines begins with the institution.
    assert_eq!(only_there, ["entries.prev bytes not null", "logs unique (institution_id, origin)"]);
    assert_eq!(only_here, ["logs unique (origin)"]);
}

#[test]
fn a_migrator_makes_the_schema_finds_it_made_and_refuses_one_that_was_edited() {
    let Some(server) = postgres() else { return };
    let database = server.empty_database("veritrail_by_hand");
    let migrate = || {
        std::process::Command::new(binary("veritrail"))
            .arg("migrate")
            .env("VERITRAIL_STORAGE__POSTGRES_MIGRATOR_URL", database.migrator_url())
            .output()
            .unwrap()
    };
    for _ in 0..2 {
        let output = migrate();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'veritrail'";
    assert_eq!(server.sql(&database.name, owners), "veritrail_owner");
    server.sql(&database.name, "UPDATE veritrail._sqlx_migrations SET checksum = '\\x00' WHERE version = 1");
    let output = migrate();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("migration 1 was previously applied but has been modified"), "{said}");
}

/// Who was linked to an issuer before that ended a password kept theirs.
#[tokio::test]
async fn who_signs_in_at_an_issuer_has_no_password_left_from_before() {
    let mut connection = sqlx::SqliteConnection::connect("sqlite::memory:").await.unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/sqlite");
    let migration = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    // Their institution is of no matter.
    let mut before = "PRAGMA foreign_keys = OFF;\n".to_owned();
    for name in files("sqlite").range(.."0022".to_owned()) {
        before.push_str(&migration(name));
    }
    sqlx::raw_sql(AssertSqlSafe(before)).execute(&mut connection).await.unwrap();
    for (number, issuer) in [(1_u8, Some("house")), (2, None)] {
        let (id, hash) = (uuid::Uuid::from_u128(number.into()), vec![number; 32]);
        let insert = "INSERT INTO users (id, institution_id, email, name, role, password_hash, invite_sha256, \
                      invite_until_us, totp_salt, external_issuer, external_subject, created_at_us) \
                      VALUES ($1, $1, $2, 'a', 'operator', 'h', $3, 1, $3, $4, $4, 1)";
        let insert = sqlx::query(insert).bind(id).bind(format!("{number}@bank.example"));
        insert.bind(&hash).bind(issuer).execute(&mut connection).await.unwrap();
        let insert = sqlx::query("INSERT INTO recovery_codes (user_id, sha256) VALUES ($1, $2)");
        insert.bind(id).bind(&hash).execute(&mut connection).await.unwrap();
        for (session, factors) in [(number, "password totp"), (number + 10, "oidc house")] {
            let insert = "INSERT INTO sessions (id_sha256, user_id, created_at_us, seen_at_us, expires_at_us, \
                          factors, address) VALUES ($1, $2, 1, 1, 1, $3, '')";
            let insert = sqlx::query(insert).bind(vec![session; 32]).bind(id).bind(factors);
            insert.execute(&mut connection).await.unwrap();
        }
    }
    let now = migration("0022_linked_people.sql");
    sqlx::raw_sql(AssertSqlSafe(now)).execute(&mut connection).await.unwrap();
    // How many of four things stand in the row; codes; sessions by a password, and others.
    let left = "SELECT (password_hash IS NOT NULL) + (invite_sha256 IS NOT NULL) + (invite_until_us IS NOT NULL) \
                + (totp_salt IS NOT NULL), (SELECT count(*) FROM recovery_codes WHERE user_id = u.id), \
                (SELECT count(*) FROM sessions WHERE user_id = u.id AND factors LIKE 'password%'), \
                (SELECT count(*) FROM sessions WHERE user_id = u.id AND factors LIKE 'oidc%') \
                FROM users u ORDER BY u.email";
    let left: Vec<(i64, i64, i64, i64)> = sqlx::query_as(left).fetch_all(&mut connection).await.unwrap();
    assert_eq!(left, [(0, 0, 0, 1), (4, 1, 1, 1)]);
}

/// What processes of before began may be in hand: a new one does not take it for left.
#[tokio::test]
async fn intakes_from_before_are_touched_when_they_are_first_known() {
    let insert = "INSERT INTO intakes (institution_id, id, state, actor, format, dry_run, skips, bytes, statements, \
                  records, added, unchanged, faults, breaks, delivered, created_at_us) \
                  VALUES ($1, $1, 'uploading', 'a', 'csv', 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1)";
    let id = uuid::Uuid::from_u128(u128::MAX - 1);
    let touched = "SELECT touched_at_us FROM intakes WHERE id = $1";
    let touched_at_us: i64 = match postgres() {
        Some(postgres) => {
            let mut connection = superuser(&postgres.database()).await;
            sqlx::query(insert).bind(id).execute(&mut connection).await.unwrap();
            sqlx::query_scalar(touched).bind(id).fetch_one(&mut connection).await.unwrap()
        }
        None => {
            let mut connection = sqlx::SqliteConnection::connect("sqlite::memory:").await.unwrap();
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/sqlite");
            let migration = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
            let before = migration("0006_intake.sql");
            sqlx::raw_sql(AssertSqlSafe(before)).execute(&mut connection).await.unwrap();
            sqlx::query(insert).bind(id).execute(&mut connection).await.unwrap();
            let now = migration("0012_intake_hold.sql");
            sqlx::raw_sql(AssertSqlSafe(now)).execute(&mut connection).await.unwrap();
            sqlx::query_scalar(touched).bind(id).fetch_one(&mut connection).await.unwrap()
        }
    };
    // Microseconds, of 2026 or later.
    assert!((1_767_225_600_000_000..10_000_000_000_000_000).contains(&touched_at_us), "{touched_at_us}");
}
