//! COPY of what the ledger stored: the same bytes, in the same commits, on the same PostgreSQL; and
//! pgbench.

use std::time::{Duration, Instant};

use sqlx::{
    Connection as _, Executor as _, FromRow, PgConnection, Row as _,
    postgres::{PgConnection as Connection, PgRow},
};
use uuid::Uuid;

use super::floor::ROW_COLUMNS;
use super::postgres::{Database, Postgres, program};

/// A transaction as the ledger has stored it: its row, its entry and its payload.
pub struct Stored {
    institution_id: Uuid,
    seq: i64,
    kind: String,
    at_us: i64,
    prev: Vec<u8>,
    bytes: Vec<u8>,
    salt: Vec<u8>,
    payload: Vec<u8>,
    id: Uuid,
    account_id: Uuid,
    reference: String,
    booking_date: String,
    amount_minor: i64,
    currency: String,
    direction: String,
    status: String,
}

impl FromRow<'_, PgRow> for Stored {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            institution_id: row.try_get("institution_id")?,
            seq: row.try_get("seq")?,
            kind: row.try_get("kind")?,
            at_us: row.try_get("at_us")?,
            prev: row.try_get("prev")?,
            bytes: row.try_get("bytes")?,
            salt: row.try_get("salt")?,
            payload: row.try_get("payload")?,
            id: row.try_get("id")?,
            account_id: row.try_get("account_id")?,
            reference: row.try_get("reference")?,
            booking_date: row.try_get("booking_date")?,
            amount_minor: row.try_get("amount_minor")?,
            currency: row.try_get("currency")?,
            direction: row.try_get("direction")?,
            status: row.try_get("status")?,
        })
    }
}

async fn connect(database: &Database) -> PgConnection {
    let mut connection = Connection::connect(&database.superuser_url()).await.unwrap();
    connection.execute("SET search_path = veritrail").await.unwrap();
    connection
}

/// The transactions that a ledger stored since a time, a group for each commit: entries of one commit
/// have one time.
pub async fn commits(database: &Database, since_us: i64) -> Vec<Vec<Stored>> {
    let mut connection = connect(database).await;
    let rows: Vec<Stored> = sqlx::query_as(
        "SELECT institution_id, seq, e.kind, e.at_us, e.prev, e.bytes, p.salt, p.payload, t.id, t.account_id, \
           t.reference, t.booking_date::text, t.amount_minor, t.currency, t.direction, t.status \
         FROM entries e JOIN payloads p USING (institution_id, seq) \
         JOIN transactions t USING (institution_id, seq) WHERE e.at_us >= $1 \
         ORDER BY e.at_us, institution_id, seq",
    )
    .bind(since_us)
    .fetch_all(&mut connection)
    .await
    .unwrap();
    connection.close().await.unwrap();
    let mut commits: Vec<Vec<Stored>> = Vec::new();
    for stored in rows {
        match commits.last_mut() {
            Some(commit) if commit[0].at_us == stored.at_us => commit.push(stored),
            _ => commits.push(vec![stored]),
        }
    }
    commits
}

/// A table, its columns, and what a row has in them as COPY reads text.
struct Table {
    name: &'static str,
    columns: &'static str,
    line: fn(&Stored, &mut String),
}

fn hex(bytes: &[u8], line: &mut String) {
    line.push_str("\\\\x");
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            line.push(char::from_digit(u32::from(digit), 16).unwrap());
        }
    }
}

fn row(stored: &Stored, line: &mut String) {
    use std::fmt::Write as _;
    let Stored { institution_id, seq, id, account_id, reference, booking_date, amount_minor, .. } = stored;
    writeln!(
        line,
        "{institution_id}\t{seq}\t{id}\t{account_id}\t{reference}\t{booking_date}\t{amount_minor}\t{}\t{}\t{}",
        stored.currency, stored.direction, stored.status
    )
    .unwrap();
}

fn entry(stored: &Stored, line: &mut String) {
    use std::fmt::Write as _;
    let Stored { institution_id, seq, kind, at_us, .. } = stored;
    write!(line, "{institution_id}\t{seq}\t{kind}\t{at_us}\t").unwrap();
    hex(&stored.prev, line);
    line.push('\t');
    hex(&stored.bytes, line);
    line.push('\n');
}

fn payload(stored: &Stored, line: &mut String) {
    use std::fmt::Write as _;
    write!(line, "{}\t{}\t", stored.institution_id, stored.seq).unwrap();
    hex(&stored.salt, line);
    line.push('\t');
    hex(&stored.payload, line);
    line.push('\n');
}

fn entry_and_payload(stored: &Stored, line: &mut String) {
    entry(stored, line);
    line.pop();
    line.push('\t');
    hex(&stored.salt, line);
    line.push('\t');
    hex(&stored.payload, line);
    line.push('\n');
}

/// Two tables without keys and indexes.
const PLAIN: [Table; 2] = [
    Table { name: "plain_rows", columns: ROW_COLUMNS, line: row },
    Table {
        name: "plain_entries",
        columns: "institution_id, seq, kind, at_us, prev, bytes, salt, payload",
        line: entry_and_payload,
    },
];

/// The product's own tables, with all their keys and indexes.
const SCHEMA: [Table; 3] = [
    Table { name: "entries", columns: "institution_id, seq, kind, at_us, prev, bytes", line: entry },
    Table { name: "payloads", columns: "institution_id, seq, salt, payload", line: payload },
    Table { name: "transactions", columns: ROW_COLUMNS, line: row },
];

/// Records a second, copied into two plain tables.
pub async fn plain(database: &Database, commits: &[Vec<Stored>]) -> f64 {
    let mut connection = connect(database).await;
    for table in [
        "CREATE TABLE plain_rows AS SELECT * FROM transactions LIMIT 0",
        "CREATE TABLE plain_entries AS SELECT e.*, p.salt, p.payload FROM entries e, payloads p LIMIT 0",
    ] {
        connection.execute(table).await.unwrap();
    }
    copy_all(connection, &PLAIN, commits).await
}

/// Records a second, copied into an empty database of the product's own.
pub async fn schema(database: &Database, commits: &[Vec<Stored>]) -> f64 {
    let mut connection = connect(database).await;
    connection.execute("SELECT make_partitions(4194304, 4194304)").await.unwrap();
    copy_all(connection, &SCHEMA, commits).await
}

async fn copy_all(mut connection: PgConnection, tables: &[Table], commits: &[Vec<Stored>]) -> f64 {
    let texts: Vec<Vec<String>> = commits
        .iter()
        .map(|commit| {
            let text = |table: &Table| {
                commit.iter().fold(String::new(), |mut text, row| {
                    (table.line)(row, &mut text);
                    text
                })
            };
            tables.iter().map(text).collect()
        })
        .collect();
    let began = Instant::now();
    for commit in &texts {
        let mut transaction = connection.begin().await.unwrap();
        for (table, text) in tables.iter().zip(commit) {
            let statement = format!("COPY {} ({}) FROM STDIN", table.name, table.columns);
            let mut copy = transaction.copy_in_raw(&statement).await.unwrap();
            copy.send(text.as_bytes()).await.unwrap();
            copy.finish().await.unwrap();
        }
        transaction.commit().await.unwrap();
    }
    let records: usize = commits.iter().map(Vec::len).sum();
    let per_second = records as f64 / began.elapsed().as_secs_f64();
    connection.close().await.unwrap();
    per_second
}

/// Commits a second of clients that each insert one row, about as long as an entry and its payload.
pub async fn pgbench(postgres: &Postgres, database: &Database, clients: usize, lasts: Duration) -> f64 {
    let mut connection = connect(database).await;
    connection.execute("CREATE TABLE plain_singles (seq bigint, bytes bytea)").await.unwrap();
    connection.close().await.unwrap();
    let script = postgres.folder().join("singles.sql");
    let insert = format!(
        "\\set seq random(1, 1000000000)\nINSERT INTO veritrail.plain_singles VALUES (:seq, '\\x{}');\n",
        "5a".repeat(850)
    );
    std::fs::write(&script, insert).unwrap();
    let output = std::process::Command::new(program("pgbench"))
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--client", &clients.to_string()])
        .args(["--time", &lasts.as_secs().to_string(), "--file"])
        .arg(&script)
        .args(["--host=127.0.0.1", "--username=postgres", "--port", &postgres.port().to_string()])
        .arg(&database.name)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let tps = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    tps.unwrap_or_else(|| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)))
}
