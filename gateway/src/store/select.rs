//! A SELECT that is put together from what a caller asked for.
//!
//! Its text is ours; whatever comes from outside is bound.

use jiff::civil::Date;
use jiff_sqlx::ToSqlx as _;
use sqlx::{AssertSqlSafe, FromRow, postgres::PgRow, sqlite::SqliteRow};
use uuid::Uuid;

use super::{Connection, StoreError};

/// A value to be bound.
#[derive(Clone, Debug)]
pub(super) enum Bound {
    Uuid(Uuid),
    Int(i64),
    Text(String),
    Date(Date),
}

macro_rules! bound {
    ($($type:ty => $variant:ident),*) => {
        $(impl From<$type> for Bound {
            fn from(value: $type) -> Self {
                Self::$variant(value)
            }
        })*
    };
}

bound!(Uuid => Uuid, i64 => Int, String => Text, Date => Date);

impl From<&str> for Bound {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

/// A SELECT under construction.
#[derive(Debug)]
pub(super) struct Select {
    sql: String,
    values: Vec<Bound>,
}

impl Select {
    pub(super) fn new(sql: &str) -> Self {
        Self { sql: sql.to_owned(), values: Vec::new() }
    }

    /// Adds a piece of SQL.
    pub(super) fn push(&mut self, sql: &str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    /// Adds a value.
    pub(super) fn bind(&mut self, value: impl Into<Bound>) -> &mut Self {
        self.values.push(value.into());
        self.sql.push_str(&format!("${}", self.values.len()));
        self
    }

    /// Adds ` AND column IN (…)`; nothing when there are no values.
    pub(super) fn and_in<V: Into<Bound>>(&mut self, column: &str, values: impl IntoIterator<Item = V>) {
        self.one_of(" AND ", column, values);
    }

    /// Adds ` OR column IN (…)`; nothing when there are no values.
    pub(super) fn or_in<V: Into<Bound>>(&mut self, column: &str, values: impl IntoIterator<Item = V>) {
        self.one_of(" OR ", column, values);
    }

    /// Adds ` LIKE %part%`, with what LIKE takes for a pattern written plainly.
    pub(super) fn contains(&mut self, part: &str) -> &mut Self {
        let plain = part.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        self.push(" LIKE ").bind(format!("%{plain}%")).push(" ESCAPE '\\'")
    }

    fn one_of<V: Into<Bound>>(&mut self, join: &str, column: &str, values: impl IntoIterator<Item = V>) {
        let mut values = values.into_iter().peekable();
        if values.peek().is_none() {
            return;
        }
        self.push(join).push(column);
        for (place, value) in values.enumerate() {
            self.push(if place == 0 { " IN (" } else { ", " }).bind(value);
        }
        self.push(")");
    }

    /// All rows.
    pub(super) async fn fetch_all<T>(self, connection: &mut Connection) -> Result<Vec<T>, StoreError>
    where
        T: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>,
    {
        on!(connection, link => {
            let mut query = sqlx::query_as(AssertSqlSafe(self.sql));
            for value in self.values {
                query = match value {
                    Bound::Uuid(value) => query.bind(value),
                    Bound::Int(value) => query.bind(value),
                    Bound::Text(value) => query.bind(value),
                    Bound::Date(value) => query.bind(value.to_sqlx()),
                };
            }
            query.fetch_all(link).await
        })
    }
}
