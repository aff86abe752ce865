//! Inserting many rows with few statements.
//!
//! A statement a row would spend most of a batch's time in calls; a statement for each batch size
//! would be parsed anew each time. So rows go in chunks of a few fixed sizes, whose statements stay
//! prepared: powers of two, so that any number of rows takes few of them.

use sqlx::{AssertSqlSafe, Sqlite, query::Query, sqlite::SqliteArguments};

use super::{Connection, StoreError};

const CHUNKS: [usize; 8] = [128, 64, 32, 16, 8, 4, 2, 1];

/// Inserts `rows` into `table`, binding each with `bind`, in their order.
pub(super) async fn insert<R>(
    connection: &mut Connection,
    table: &'static str,
    columns: &'static [&'static str],
    rows: &[R],
    bind: impl for<'q> Fn(Query<'q, Sqlite, SqliteArguments>, &'q R) -> Query<'q, Sqlite, SqliteArguments>,
) -> Result<(), StoreError> {
    let mut rest = rows;
    for size in CHUNKS {
        if rest.len() < size {
            continue;
        }
        let sql = statement(table, columns, size);
        while rest.len() >= size {
            let (chunk, tail) = rest.split_at(size);
            let query = chunk.iter().fold(sqlx::query(AssertSqlSafe(sql.clone())), &bind);
            query.execute(&mut *connection).await?;
            rest = tail;
        }
    }
    Ok(())
}

/// Parameters have no numbers here: `SQLite` searches for a numbered one among all of a statement's, so
/// that binding a statement of a thousand would take half a million steps.
fn statement(table: &str, columns: &[&str], rows: usize) -> String {
    let row = format!("({})", vec!["?"; columns.len()].join(", "));
    format!("INSERT INTO {table} ({}) VALUES {}", columns.join(", "), vec![row; rows].join(", "))
}
