//! Reading a row into a struct whose fields are named as its columns.
//!
//! What `#[derive(sqlx::FromRow)]` does, in the few lines that are needed here: the derive macro would
//! bring a second build of SQLite into the build.

/// Implements `sqlx::FromRow` for a struct by its fields' names.
macro_rules! from_row {
    ($name:ident { $($field:ident),* }) => {
        impl<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow> for $name {
            fn from_row(row: &'r sqlx::sqlite::SqliteRow) -> sqlx::Result<Self> {
                use sqlx::Row as _;
                Ok(Self { $($field: row.try_get(stringify!($field))?),* })
            }
        }
    };
}
