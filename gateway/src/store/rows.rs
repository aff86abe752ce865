//! Inserting many rows with few statements.
//!
//! A statement a row would spend most of a batch's time in calls; a statement for each batch size
//! would be parsed anew each time. So rows go in chunks of a few fixed sizes, whose statements stay
//! prepared.

use std::fmt::Write as _;

use sqlx::{AssertSqlSafe, Sqlite, query::Query, sqlite::SqliteArguments};

use super::{Connection, StoreError};

const CHUNKS: [usize; 3] = [128, 16, 1];

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

fn statement(table: &str, columns: &[&str], rows: usize) -> String {
    let mut sql = format!("INSERT INTO {table} ({}) VALUES ", columns.join(", "));
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns.len() {
            let separator = if column == 0 { "" } else { ", " };
            // Writing to a String cannot fail.
            let _ = write!(sql, "{separator}${}", row * columns.len() + column + 1);
        }
        sql.push(')');
    }
    sql
}
