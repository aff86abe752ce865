//! Plain INSERTs of what the ledger stored: the same bytes, in the same commits, on the same disk.

use std::{path::Path, time::Instant};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, FromRow, Row as _, Sqlite, SqliteConnection,
    query::Query,
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous},
};

/// A transaction as the ledger has stored it: its row, its entry and its payload.
#[derive(Clone, Debug)]
pub struct Stored {
    institution_id: Vec<u8>,
    seq: i64,
    kind: String,
    at_us: i64,
    bytes: Vec<u8>,
    salt: Vec<u8>,
    payload: Vec<u8>,
    id: Vec<u8>,
    account_id: Vec<u8>,
    reference: String,
    booking_date: String,
    amount_minor: i64,
    currency: String,
    direction: String,
    status: String,
}

impl FromRow<'_, SqliteRow> for Stored {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            institution_id: row.try_get("institution_id")?,
            seq: row.try_get("seq")?,
            kind: row.try_get("kind")?,
            at_us: row.try_get("at_us")?,
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

/// Rows in a statement.
const CHUNK: usize = 100;

type Insert<'q> = Query<'q, Sqlite, SqliteArguments>;
type Bind = for<'q> fn(Insert<'q>, &'q Stored) -> Insert<'q>;

struct Table {
    name: &'static str,
    columns: &'static str,
    bind: Bind,
}

fn bind_row<'q>(query: Insert<'q>, row: &'q Stored) -> Insert<'q> {
    query
        .bind(row.institution_id.as_slice())
        .bind(row.seq)
        .bind(row.id.as_slice())
        .bind(row.account_id.as_slice())
        .bind(row.reference.as_str())
        .bind(row.booking_date.as_str())
        .bind(row.amount_minor)
        .bind(row.currency.as_str())
        .bind(row.direction.as_str())
        .bind(row.status.as_str())
}

fn bind_entry<'q>(query: Insert<'q>, row: &'q Stored) -> Insert<'q> {
    query
        .bind(row.institution_id.as_slice())
        .bind(row.seq)
        .bind(row.kind.as_str())
        .bind(row.at_us)
        .bind(row.bytes.as_slice())
}

fn bind_payload<'q>(query: Insert<'q>, row: &'q Stored) -> Insert<'q> {
    query
        .bind(row.institution_id.as_slice())
        .bind(row.seq)
        .bind(row.salt.as_slice())
        .bind(row.payload.as_slice())
}

fn bind_entry_and_payload<'q>(query: Insert<'q>, row: &'q Stored) -> Insert<'q> {
    bind_entry(query, row).bind(row.salt.as_slice()).bind(row.payload.as_slice())
}

/// The columns of a transaction.
pub const ROW_COLUMNS: &str = "institution_id, seq, id, account_id, reference, booking_date, amount_minor, currency, \
                           direction, status";

/// Two tables without keys and indexes.
const PLAIN: [Table; 2] = [
    Table { name: "plain_rows", columns: ROW_COLUMNS, bind: bind_row },
    Table {
        name: "plain_entries",
        columns: "institution_id, seq, kind, at_us, bytes, salt, payload",
        bind: bind_entry_and_payload,
    },
];

/// The product's own tables, with all their keys and indexes.
const SCHEMA: [Table; 3] = [
    Table { name: "entries", columns: "institution_id, seq, kind, at_us, bytes", bind: bind_entry },
    Table { name: "payloads", columns: "institution_id, seq, salt, payload", bind: bind_payload },
    Table { name: "transactions", columns: ROW_COLUMNS, bind: bind_row },
];

/// A connection that writes as the product's does.
pub async fn connect(file: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .page_size(8192)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .statement_cache_capacity(256);
    options.connect().await.unwrap()
}

/// The transactions that a ledger stored since a time, a group for each commit: entries of one commit
/// have one time.
pub async fn commits(file: &Path, since_us: i64) -> Vec<Vec<Stored>> {
    let mut connection = connect(file).await;
    let stored: Vec<Stored> = sqlx::query_as(
        "SELECT e.institution_id, e.seq, e.kind, e.at_us, e.bytes, p.salt, p.payload, t.id, t.account_id, \
         t.reference, t.booking_date, t.amount_minor, t.currency, t.direction, t.status \
         FROM entries e JOIN payloads p USING (institution_id, seq) JOIN transactions t USING (institution_id, seq) \
         WHERE e.at_us >= $1 ORDER BY e.at_us, e.institution_id, e.seq",
    )
    .bind(since_us)
    .fetch_all(&mut connection)
    .await
    .unwrap();
    connection.close().await.unwrap();
    stored.chunk_by(|one, next| one.at_us == next.at_us).map(<[Stored]>::to_vec).collect()
}

/// Makes the two plain tables.
pub async fn plain_tables(connection: &mut SqliteConnection) {
    for Table { name, columns, .. } in &PLAIN {
        sqlx::query(AssertSqlSafe(format!("CREATE TABLE {name} ({columns})")))
            .execute(&mut *connection)
            .await
            .unwrap();
    }
}

/// Records a second, inserted into two plain tables.
pub async fn plain(folder: &Path, commits: &[Vec<Stored>]) -> f64 {
    let mut connection = connect(&folder.join("plain.db")).await;
    plain_tables(&mut connection).await;
    insert_all(connection, &PLAIN, commits).await
}

/// Records a second, inserted into an empty database of the product's own.
pub async fn schema(file: &Path, commits: &[Vec<Stored>]) -> f64 {
    insert_all(connect(file).await, &SCHEMA, commits).await
}

async fn insert_all(mut connection: SqliteConnection, tables: &[Table], commits: &[Vec<Stored>]) -> f64 {
    let began = Instant::now();
    for commit in commits {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.unwrap();
        for table in tables {
            for chunk in commit.chunks(CHUNK) {
                let query = sqlx::query(AssertSqlSafe(statement(table, chunk.len())));
                chunk.iter().fold(query, table.bind).execute(&mut *transaction).await.unwrap();
            }
        }
        transaction.commit().await.unwrap();
    }
    let records: usize = commits.iter().map(Vec::len).sum();
    let per_second = records as f64 / began.elapsed().as_secs_f64();
    connection.close().await.unwrap();
    per_second
}

/// Inserts one entry and its payload, in a commit of its own.
pub async fn insert_one(connection: &mut SqliteConnection, row: &Stored) {
    let query = sqlx::query(AssertSqlSafe(statement(&PLAIN[1], 1)));
    bind_entry_and_payload(query, row).execute(connection).await.unwrap();
}

fn statement(table: &Table, rows: usize) -> String {
    let row = format!("({})", vec!["?"; table.columns.split(',').count()].join(", "));
    format!("INSERT INTO {} ({}) VALUES {}", table.name, table.columns, vec![row; rows].join(", "))
}
