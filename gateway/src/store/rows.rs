//! Inserting many rows with few statements.

use jiff::civil::Date;
use jiff_sqlx::{Date as SqlDate, ToSqlx as _};
use sqlx::{AssertSqlSafe, Postgres, SqliteConnection, postgres::PgArguments, query::Query};
use uuid::Uuid;

use super::{Connection, StoreError, engine::Link};

/// A table and its columns, in the order in which they are bound.
#[derive(Debug)]
pub(super) struct Table {
    pub name: &'static str,
    pub columns: &'static [(&'static str, Column)],
}

/// What a column holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Column {
    Uuid,
    Int,
    Text,
    Bytes,
    Date,
}

/// What one row has in one column.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'r> {
    Uuid(Uuid),
    Int(i64),
    Text(&'r str),
    Bytes(&'r [u8]),
    Date(Date),
    /// Nothing.
    Null,
}

impl<'r> Value<'r> {
    /// A text, or nothing.
    pub(super) fn text(value: Option<&'r str>) -> Self {
        value.map_or(Self::Null, Self::Text)
    }
}

/// Inserts rows of which some may be there already; `conflict` is the clause that says what happens to these.
/// No two of them may be the same.
pub(super) async fn upsert<'r, R, const N: usize>(
    connection: &mut Connection,
    table: &'static Table,
    conflict: &str,
    rows: &'r [R],
    values: impl Fn(&'r R) -> [Value<'r>; N],
) -> Result<(), StoreError> {
    match connection.link() {
        Link::Sqlite(link) => insert_or(link, table, conflict, rows, values).await,
        Link::Postgres(link) => {
            let Some(columns) = columns(table, rows, values) else { return Ok(()) };
            let sql = format!("{} {conflict}", columns.sql(0).0);
            columns.bind(sqlx::query(AssertSqlSafe(sql))).execute(link).await.map(drop)
        }
    }
}

/// Inserts rows in their order.
pub(super) async fn insert<'r, R, const N: usize>(
    link: &mut SqliteConnection,
    table: &Table,
    rows: &'r [R],
    values: impl Fn(&'r R) -> [Value<'r>; N],
) -> Result<(), StoreError> {
    insert_or(link, table, "", rows, values).await
}

async fn insert_or<'r, R, const N: usize>(
    link: &mut SqliteConnection,
    table: &Table,
    conflict: &str,
    rows: &'r [R],
    values: impl Fn(&'r R) -> [Value<'r>; N],
) -> Result<(), StoreError> {
    let mut rest = rows;
    for size in CHUNKS {
        if rest.len() < size {
            continue;
        }
        let sql = format!("{} {conflict}", multi_row(table, size));
        while rest.len() >= size {
            let (chunk, tail) = rest.split_at(size);
            let mut query = sqlx::query(AssertSqlSafe(sql.clone()));
            for value in chunk.iter().flat_map(&values) {
                query = match value {
                    Value::Uuid(value) => query.bind(value),
                    Value::Int(value) => query.bind(value),
                    Value::Text(value) => query.bind(value),
                    Value::Bytes(value) => query.bind(value),
                    Value::Date(value) => query.bind(value.to_sqlx()),
                    Value::Null => query.bind(None::<i64>),
                };
            }
            query.execute(&mut *link).await?;
            rest = tail;
        }
    }
    Ok(())
}

/// Rows in a statement on SQLite. A statement a row would spend most of a batch's time in calls; a
/// statement for each batch size would be parsed anew each time. Powers of two stay prepared, and any
/// number of rows takes few of them.
const CHUNKS: [usize; 8] = [128, 64, 32, 16, 8, 4, 2, 1];

/// Parameters have no numbers here: SQLite searches for a numbered one among all of a statement's, so
/// that binding a statement of a thousand would take half a million steps.
fn multi_row(table: &Table, rows: usize) -> String {
    let row = format!("({})", vec!["?"; table.columns.len()].join(", "));
    format!("INSERT INTO {} ({}) VALUES {}", table.name, names(table), vec![row; rows].join(", "))
}

/// Rows of one table as PostgreSQL takes any number of them: one array a column. (COPY would be quicker
/// still, but PostgreSQL refuses it where row-level security applies.)
pub(super) struct Columns<'r> {
    table: &'static Table,
    arrays: Vec<Array<'r>>,
}

/// The rows of a table by column; none when there are none.
pub(super) fn columns<'r, R, const N: usize>(
    table: &'static Table,
    rows: &'r [R],
    values: impl Fn(&'r R) -> [Value<'r>; N],
) -> Option<Columns<'r>> {
    let mut arrays: Vec<Array<'_>> =
        table.columns.iter().map(|(_, column)| Array::new(*column, rows.len())).collect();
    for row in rows {
        for (array, value) in arrays.iter_mut().zip(values(row)) {
            array.push(value);
        }
    }
    (!rows.is_empty()).then_some(Columns { table, arrays })
}

impl<'r> Columns<'r> {
    /// The INSERT, with parameters after the first `taken`; how many are taken then.
    pub(super) fn sql(&self, taken: usize) -> (String, usize) {
        let arrays: Vec<String> =
            (taken + 1..).zip(&self.arrays).map(|(n, array)| format!("${n}::{}", array.sql())).collect();
        let (name, columns) = (self.table.name, names(self.table));
        let sql = format!("INSERT INTO {name} ({columns}) SELECT * FROM unnest({})", arrays.join(", "));
        (sql, taken + arrays.len())
    }

    pub(super) fn bind<'q>(self, query: Query<'q, Postgres, PgArguments>) -> Query<'q, Postgres, PgArguments>
    where
        'r: 'q,
    {
        self.arrays.into_iter().fold(query, |query, array| array.bind(query))
    }
}

fn names(table: &Table) -> String {
    let names: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

/// One column of many rows.
enum Array<'r> {
    Uuid(Vec<Option<Uuid>>),
    Int(Vec<Option<i64>>),
    Text(Vec<Option<&'r str>>),
    Bytes(Vec<Option<&'r [u8]>>),
    Date(Vec<Option<SqlDate>>),
}

impl<'r> Array<'r> {
    fn new(column: Column, rows: usize) -> Self {
        match column {
            Column::Uuid => Self::Uuid(Vec::with_capacity(rows)),
            Column::Int => Self::Int(Vec::with_capacity(rows)),
            Column::Text => Self::Text(Vec::with_capacity(rows)),
            Column::Bytes => Self::Bytes(Vec::with_capacity(rows)),
            Column::Date => Self::Date(Vec::with_capacity(rows)),
        }
    }

    fn push(&mut self, value: Value<'r>) {
        match (self, value) {
            (Self::Uuid(all), Value::Uuid(value)) => all.push(Some(value)),
            (Self::Int(all), Value::Int(value)) => all.push(Some(value)),
            (Self::Text(all), Value::Text(value)) => all.push(Some(value)),
            (Self::Bytes(all), Value::Bytes(value)) => all.push(Some(value)),
            (Self::Date(all), Value::Date(value)) => all.push(Some(value.to_sqlx())),
            (Self::Uuid(all), Value::Null) => all.push(None),
            (Self::Int(all), Value::Null) => all.push(None),
            (Self::Text(all), Value::Null) => all.push(None),
            (Self::Bytes(all), Value::Null) => all.push(None),
            (Self::Date(all), Value::Null) => all.push(None),
            // A column that lacks a value makes the statement fail: its arrays differ in length.
            (_, value) => debug_assert!(false, "{value:?} does not fit its column"),
        }
    }

    fn sql(&self) -> &'static str {
        match self {
            Self::Uuid(_) => "uuid[]",
            Self::Int(_) => "bigint[]",
            Self::Text(_) => "text[]",
            Self::Bytes(_) => "bytea[]",
            Self::Date(_) => "date[]",
        }
    }

    fn bind<'q>(self, query: Query<'q, Postgres, PgArguments>) -> Query<'q, Postgres, PgArguments>
    where
        'r: 'q,
    {
        match self {
            Self::Uuid(all) => query.bind(all),
            Self::Int(all) => query.bind(all),
            Self::Text(all) => query.bind(all),
            Self::Bytes(all) => query.bind(all),
            Self::Date(all) => query.bind(all),
        }
    }
}
