//! Reading a row into a struct whose fields are named as its columns.
//!
//! What `#[derive(sqlx::FromRow)]` does, in the few lines that are needed here: the derive macro would
//! bring a second build of SQLite into the build.

/// Implements `sqlx::FromRow`, for the rows of both engines, for a struct by its fields' names.
macro_rules! from_row {
    ($name:ident $fields:tt) => {
        from_row!(@of $name, sqlx::sqlite::SqliteRow, $fields);
        from_row!(@of $name, sqlx::postgres::PgRow, $fields);
    };
    (@of $name:ident, $row:ty, { $($field:ident),* }) => {
        impl<'r> sqlx::FromRow<'r, $row> for $name {
            fn from_row(row: &'r $row) -> sqlx::Result<Self> {
                use sqlx::Row as _;
                Ok(Self { $($field: row.try_get(stringify!($field))?),* })
            }
        }
    };
}
